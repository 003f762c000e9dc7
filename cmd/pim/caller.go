package main

import (
	"strings"

	"github.com/azurepim/azure-pim/pim"
)

// withToken stands for the token that a person comes with. What a decision made here
// needs is that there is one.
const withToken = "present"

// parseCaller reads --as: user:<object id>, app:<object id>, key, key:<name> or
// queue:<name>.
func parseCaller(s string, mfa bool) (pim.Caller, error) {
	kind, id, named := strings.Cut(s, ":")
	c := pim.Caller{Kind: pim.CallerKind(kind), ID: id}
	switch {
	case c.Kind == pim.CallerUser, c.Kind == pim.CallerApp:
		var err error
		if c.ID, err = pim.ParsePrincipal(id); err != nil {
			return pim.Caller{}, usage("--as %s needs an object id behind the colon", kind)
		}
		if c.Kind == pim.CallerUser {
			c.Token, c.MFA = withToken, mfa
		}
		return c, nil
	case c.Kind == pim.CallerKey && (id != "" || !named), c.Kind == pim.CallerQueue && id != "":
		return c, nil
	}
	return pim.Caller{}, usage("--as %q is not user:<object id>, app:<object id>, key, key:<name> or queue:<name>", s)
}
