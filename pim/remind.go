package pim

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

const (
	// soonBefore is how long before its end an access is said to end soon, unless a
	// quarter of its length is less: time to finish, or to ask for more.
	soonBefore = 15 * time.Minute
	// remindFor is how long after its end we look for an access that still stands.
	// What stands longer was prolonged by somebody else, or is the sweep's.
	remindFor = 24 * time.Hour
)

// Ends is when the access ends that c gave, as long as somebody has yet to be told
// of that end; else zero.
func (c Change) Ends() time.Time {
	if c.State != Done || !c.Request.Action.gives() || c.Expiry == NoticeEnd || c.Result == nil || c.Result.Until == nil {
		return time.Time{}
	}
	return *c.Result.Until
}

// lasts is the length of the access that c gave.
func (c Change) lasts() time.Duration {
	from := c.Created
	if c.Result.From != nil {
		from = *c.Result.From
	}
	return c.Ends().Sub(from)
}

// Remind tells of access that ends soon or has ended, once for each change, and
// returns how often it did. Each is looked for in the tenant first: what was ended
// early is told of by whatever ended it, and what was prolonged has not expired before
// that ends, too. It stops with ctx, and where the tenant cannot be reached: the next
// run finds what is left.
func (e *Engine) Remind(ctx context.Context) (int, error) {
	now := time.Now().UTC()
	told := 0
	var errs []error
	for c, err := range e.Ledger.List(ctx, Filter{Ends: now.Add(soonBefore)}) {
		if ctx.Err() != nil {
			errs = append(errs, ctx.Err())
			break
		}
		if err != nil {
			errs = append(errs, err) // one entry that cannot be read stops no other
			continue
		}
		yes, err := e.remind(ctx, c, now)
		if err != nil {
			errs = append(errs, err)
		}
		if CodeOf(err) == CodeBusy {
			break
		}
		if yes {
			told++
		}
	}
	return told, at("Engine.Remind", errors.Join(errs...))
}

func (e *Engine) remind(ctx context.Context, c Change, now time.Time) (bool, error) {
	left := c.Ends().Sub(now)
	soon := left > 0 && c.Expiry == "" && left <= min(soonBefore, c.lasts()/4)
	// What somebody has prolonged is looked at once an hour, after the first.
	over := left <= -unseen && left > -remindFor && (left > -time.Hour || now.Minute() < 5)
	if !soon && !over {
		return false, nil
	}
	i, err := e.lasting(ctx, c.Given(), c.Access())
	if CodeOf(err) == CodeNotFound {
		err = nil // the scope or the principal is gone, and the access with it
	}
	switch {
	case err != nil:
		return false, err
	case soon && i != nil && i.End != nil && !i.End.After(c.Ends().Add(clocksDiffer)):
		return e.Notify(ctx, c, NoticeSoon)
	case i != nil:
		return false, nil
	}
	early := soon
	if over {
		if early, err = e.endedEarly(ctx, c); err != nil {
			return false, err
		}
	}
	if early { // told of by whatever ended it
		c.Expiry = NoticeEnd
		_, err := e.keep(ctx, c)
		return false, err
	}
	return e.Notify(ctx, c, NoticeEnd)
}

// endedEarly reports whether, by PIM's own requests, somebody ended the access that c
// gave before its time, or withdrew it before it began. Where they cannot be read, it
// came to its end as far as anybody knows.
func (e *Engine) endedEarly(ctx context.Context, c Change) (bool, error) {
	a := c.Access()
	from, until := c.Ends().Add(-c.lasts()), c.Ends().Add(-clocksDiffer)
	for r, err := range e.Client.Requests(ctx, c.Given(), Query{Plane: a.Plane(), Scope: a.Scope, Role: a.Role, Principal: a.Principal}) {
		switch {
		case CodeOf(err) == CodeDenied, CodeOf(err) == CodeNotFound:
			return false, nil
		case err != nil:
			return false, err
		case !r.Access.Same(a):
		case r.Type.removes() && r.Status.Class() == Good && r.Created.After(from) && r.Created.Before(until):
			return true, nil
		case r.Status == Canceled && c.asked(r):
			return true, nil
		}
	}
	return false, nil
}

// asked reports whether r is a request that c made.
func (c Change) asked(r ScheduleRequest) bool {
	return slices.ContainsFunc(c.Effects, func(e Effect) bool { return e.Name != "" && strings.EqualFold(e.Name, r.Name) })
}

// lasting is what the principal itself holds at the very scope: of several, as where
// somebody else gave the same, the one that lasts longest; nil if there is none.
func (e *Engine) lasting(ctx context.Context, k Kind, a Access) (*Instance, error) {
	var longest *Instance
	q := Query{Plane: a.Plane(), Scope: a.Scope, Role: a.Role, Principal: a.Principal, Exact: true}
	for i, err := range e.Client.Instances(ctx, k, q) {
		if err != nil {
			return nil, err
		}
		if !i.Access.Same(a) || i.Member != Direct {
			continue
		}
		if longest == nil || longest.End != nil && i.Until(*longest.End) {
			longest = &i
		}
	}
	return longest, nil
}
