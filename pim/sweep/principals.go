package sweep

import (
	"context"
	"slices"

	"github.com/azurepim/azure-pim/internal/crew"
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

	turn    chan struct{} // holds one: whoever put it there looks up
	known   map[id]standingOf
	enabled bool  // some user was read as enabled
	err     error // the first reason for which nothing could be proven
}

func (s *Sweeper) directory(r *Rules) *directory {
	d := &directory{client: s.Client, control: r.control, turn: make(chan struct{}, 1), known: map[id]standingOf{}}
	if d.control == "" && len(s.Engine.Guard.Identity) > 0 {
		d.control = s.Engine.Guard.Identity[0]
	}
	if d.control == "" {
		d.err = &pim.Error{Code: pim.CodeInvalid, Detail: "no principal is known to exist: name one as control, or set PIM_IDENTITY_OBJECT_ID"}
	}
	return d
}

// learn says what the directory knows of ids, and looks up those that it was not asked
// about before. accounts says whether accounts are looked at that exist.
func (d *directory) learn(ctx context.Context, ids []string, accounts bool) map[string]standingOf {
	// Whoever asks for the same at the same time waits for the answer.
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-ctx.Done():
		return nil
	}
	d.look(ctx, ids, accounts)
	said := make(map[string]standingOf, len(ids))
	for _, id := range ids {
		said[id] = d.known[idOf(id)]
	}
	return said
}

func (d *directory) look(ctx context.Context, ids []string, accounts bool) {
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
	var single []string
	for _, id := range fresh {
		if _, there := names[id]; there && !accounts {
			d.known[idOf(id)] = active
		} else {
			single = append(single, id)
		}
	}
	d.lookUp(ctx, single)
	if slices.ContainsFunc(single, func(id string) bool { return d.known[idOf(id)] == deleted }) {
		d.prove(ctx, single)
	}
}

// lookUps is how many principals are looked up at once: each takes a unit of Graph's
// budget, of which the smallest tenants have 350 a second.
const lookUps = 8

// lookUp looks principals up one by one.
func (d *directory) lookUp(ctx context.Context, ids []string) {
	said := make([]standingOf, len(ids))
	enabled := make([]bool, len(ids))
	c := crew.New(lookUps)
	for n, id := range ids {
		c.Send(func() { said[n], enabled[n] = d.one(ctx, id) })
	}
	c.Wait()
	for n, id := range ids {
		d.known[idOf(id)] = said[n]
		d.enabled = d.enabled || enabled[n]
	}
}

// one looks a single principal up, and reports whether it is a user who is enabled.
func (d *directory) one(ctx context.Context, id string) (standingOf, bool) {
	p, err := d.client.Principal(ctx, id)
	switch {
	case pim.CodeOf(err) == pim.CodeNotFound:
		return deleted, false // the directory's own word: any other 404 has another code
	case err != nil:
		return unknown, false
	case p.Type != pim.TypeUser:
		return active, false
	case p.Enabled:
		return active, true
	}
	return disabled, false
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
