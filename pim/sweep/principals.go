package sweep

import (
	"context"

	"github.com/azurepim/azure-pim/pim"
)

// standingOf is what the directory says of a principal.
type standingOf int

const (
	unknown standingOf = iota // not proven either way: nothing follows
	active
	disabled
	deleted
)

// directory tells who is gone or disabled, with proof. That somebody is not found
// counts only while a principal that is known to exist is found by the same calls;
// that somebody is disabled, only once some other user was read as enabled, since an
// identity that may not see the field reads every account as disabled.
type directory struct {
	client  *pim.Client
	control string
	known   map[id]standingOf
	enabled bool  // some user was read as enabled
	err     error // the first reason for which nothing could be proven
}

func (s *Sweeper) directory(r *Rules) *directory {
	d := &directory{client: s.Client, control: r.control, known: map[id]standingOf{}}
	if d.control == "" && len(s.Engine.Guard.Identity) > 0 {
		d.control = s.Engine.Guard.Identity[0]
	}
	if d.control == "" {
		d.err = &pim.Error{Code: pim.CodeInvalid, Detail: "no principal is known to exist: name one as control, or set PIM_IDENTITY_OBJECT_ID"}
	}
	return d
}

// learn looks up those of ids that have not been looked up yet. accounts says whether
// accounts are looked at that exist.
func (d *directory) learn(ctx context.Context, ids []string, accounts bool) {
	if d.err != nil {
		return
	}
	var fresh []string
	for _, id := range ids {
		if _, ok := d.known[idOf(id)]; !ok {
			d.known[idOf(id)] = unknown
			fresh = append(fresh, id)
		}
	}
	if len(fresh) == 0 {
		return
	}
	names, err := d.client.Names(ctx, append(fresh, d.control))
	if err == nil {
		if _, ok := names[d.control]; !ok {
			err = &pim.Error{Code: pim.CodeInternal, Detail: "the directory does not find the principal that is known to exist"}
		}
	}
	if err != nil {
		d.err = err
		return
	}
	gone := false
	for _, id := range fresh {
		_, there := names[id]
		if there && !accounts {
			d.known[idOf(id)] = active
			continue
		}
		d.known[idOf(id)] = d.one(ctx, id)
		gone = gone || d.known[idOf(id)] == deleted
	}
	if gone {
		d.prove(ctx, fresh)
	}
}

// one looks a single principal up.
func (d *directory) one(ctx context.Context, id string) standingOf {
	p, err := d.client.Principal(ctx, id)
	switch {
	case pim.CodeOf(err) == pim.CodeNotFound:
		return deleted // the directory's own word: any other 404 has another code
	case err != nil:
		return unknown
	case p.Type != pim.TypeUser:
		return active
	case p.Enabled:
		d.enabled = true
		return active
	}
	return disabled
}

// prove reads the control by the very calls that found others missing. Where it is
// missing, too, nobody is taken for deleted.
func (d *directory) prove(ctx context.Context, fresh []string) {
	if _, err := d.client.Principal(ctx, d.control); err != nil {
		d.err = &pim.Error{Code: pim.CodeOf(err), Detail: "the principal that is known to exist could not be read", Err: err}
		for _, id := range fresh {
			if d.known[idOf(id)] == deleted {
				d.known[idOf(id)] = unknown
			}
		}
	}
}

// judged reports whether a principal of that type can be looked up in our directory.
// Graph tells no type of one that is gone; ARM does.
func judged(i pim.Instance) bool {
	switch lower(i.PrincipalType) {
	case "user", "group", "serviceprincipal":
		return true
	case "":
		return i.Plane != pim.Azure
	}
	return false // ForeignGroup, Device and whatever comes
}
