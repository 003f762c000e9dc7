package functions

import (
	"iter"
	"net/http"
	"strconv"
	"time"

	"github.com/azurepim/azure-pim/pim"
)

// query reads the filters that the listings share: plane, scope, principal. The role
// is read by [App.role], which may have to ask for it.
func query(r *http.Request, needScope bool) (pim.Query, error) {
	v := r.URL.Query()
	plane, err := pim.ParsePlane(v.Get("plane"))
	if err != nil {
		return pim.Query{}, err
	}
	q := pim.Query{Plane: plane}
	text := v.Get("scope")
	if text == "" && plane == pim.Directory {
		text = "/"
	}
	if text != "" || needScope {
		if q.Scope, err = pim.ParseScope(plane, text); err != nil {
			return q, err
		}
	}
	if id := v.Get("principal"); id != "" {
		if q.Principal, err = pim.ParsePrincipal(id); err != nil {
			return q, err
		}
	}
	return q, nil
}

// role is the filter role, the zero Role if there is none. Names are looked up with
// our permissions: who asks must be known to be a reader, or to ask for their own.
func (a *App) role(r *http.Request, s pim.Scope) (pim.Role, error) {
	text := r.URL.Query().Get("role")
	if text == "" {
		return pim.Role{}, nil
	}
	if s == (pim.Scope{}) {
		return pim.Role{}, &pim.Error{Code: pim.CodeInvalid, Field: "role", Detail: "role goes with scope"}
	}
	return a.Engine.Client.Role(r.Context(), s, text)
}

func (a *App) eligibilities(r *http.Request, caller pim.Caller) (answer, error) {
	return a.instances(r, caller, pim.Eligibility)
}

func (a *App) assignments(r *http.Request, caller pim.Caller) (answer, error) {
	return a.instances(r, caller, pim.Assignment)
}

// instances lists who may activate, or who has, what. Whoever is no reader sees
// their own alone.
func (a *App) instances(r *http.Request, caller pim.Caller, k pim.Kind) (answer, error) {
	q, err := query(r, false)
	if err != nil {
		return answer{}, err
	}
	if err := a.mayRead(r.Context(), caller); err != nil {
		if caller.Kind != pim.CallerUser || q.Principal != caller.ID {
			return answer{}, err
		}
	}
	if q.Scope == (pim.Scope{}) && (q.Plane == pim.Azure || q.Principal == "") {
		return answer{}, &pim.Error{Code: pim.CodeInvalid, Field: "scope", Detail: "scope is missing"}
	}
	if q.Role, err = a.role(r, q.Scope); err != nil {
		return answer{}, err
	}
	return page(r, a.Engine.Client.Instances(r.Context(), k, q))
}

// roles lists the role definitions that can be held at a scope.
func (a *App) roles(r *http.Request, caller pim.Caller) (answer, error) {
	if err := a.mayRead(r.Context(), caller); err != nil {
		return answer{}, err
	}
	q, err := query(r, true)
	if err != nil {
		return answer{}, err
	}
	return page(r, a.Engine.Client.Roles(r.Context(), q.Scope))
}

// policies shows PIM's own settings for a role at a scope.
func (a *App) policies(r *http.Request, caller pim.Caller) (answer, error) {
	if err := a.mayRead(r.Context(), caller); err != nil {
		return answer{}, err
	}
	q, err := query(r, true)
	if err != nil {
		return answer{}, err
	}
	if q.Role, err = a.role(r, q.Scope); err != nil {
		return answer{}, err
	}
	if q.Role.ID == "" {
		return answer{}, &pim.Error{Code: pim.CodeInvalid, Field: "role", Detail: "role is missing"}
	}
	p, err := a.Engine.Client.Policy(r.Context(), q.Scope, q.Role)
	if err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusOK, body: list[pim.Policy]{Value: []pim.Policy{p}}}, nil
}

// audit lists what the directory's own log says of PIM.
func (a *App) audit(r *http.Request, caller pim.Caller) (answer, error) {
	if err := a.mayRead(r.Context(), caller); err != nil {
		return answer{}, err
	}
	v := r.URL.Query()
	q := pim.AuditQuery{From: time.Now().Add(-24 * time.Hour)}
	for name, into := range map[string]*time.Time{"from": &q.From, "to": &q.To} {
		if text := v.Get(name); text != "" {
			t, err := time.Parse(time.RFC3339, text)
			if err != nil {
				return answer{}, &pim.Error{Code: pim.CodeInvalid, Field: name, Detail: name + " is not an RFC 3339 time"}
			}
			*into = t.UTC()
		}
	}
	if id := v.Get("principal"); id != "" {
		var err error
		if q.Principal, err = pim.ParsePrincipal(id); err != nil {
			return answer{}, err
		}
	}
	return page(r, a.Engine.Client.Audits(r.Context(), q))
}

// page answers one page of a listing that the services give no order to go on from:
// next counts what was seen, and the listing is read again to there.
func page[T any](r *http.Request, items iter.Seq2[T, error]) (answer, error) {
	limit, err := limitOf(r)
	if err != nil {
		return answer{}, err
	}
	skip := 0
	if next := r.URL.Query().Get("next"); next != "" {
		if skip, err = strconv.Atoi(next); err != nil || skip < 0 {
			return answer{}, &pim.Error{Code: pim.CodeInvalid, Field: "next", Detail: "next is not one that an earlier page named"}
		}
	}
	out := list[T]{Value: []T{}}
	seen := 0
	for item, err := range items {
		if err != nil {
			return answer{}, err
		}
		if seen++; seen <= skip {
			continue
		}
		if len(out.Value) == limit {
			out.Next = strconv.Itoa(skip + limit)
			break
		}
		out.Value = append(out.Value, item)
	}
	return answer{status: http.StatusOK, body: out}, nil
}
