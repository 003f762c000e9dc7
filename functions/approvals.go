package functions

import (
	"context"
	"net/http"

	"github.com/azurepim/azure-pim/pim"
)

// waiting is something that awaits approval: a change of ours, or a request of PIM's
// own. Digest is given back with the ballot, so that nobody approves what they have
// not seen.
type waiting struct {
	ID            string               `json:"id"`
	Native        bool                 `json:"native"` // PIM's own: only its approvers' own tokens decide it
	Plane         pim.Plane            `json:"plane"`
	Change        *pim.Report          `json:"change,omitempty"`
	Justification string               `json:"justification,omitempty"`
	Group         string               `json:"group,omitempty"` // whose members decide
	Digest        string               `json:"digest,omitempty"`
	Request       *pim.WaitingApproval `json:"request,omitempty"`
}

// approvals lists what awaits approval: to users what they may decide, to readers
// everything, and PIM's own requests as far as they wait for the caller.
func (a *App) approvals(r *http.Request, caller pim.Caller) (answer, error) {
	ctx := r.Context()
	refused := a.mayRead(ctx, caller)
	if refused != nil && (caller.Kind != pim.CallerUser || pim.CodeOf(refused) != pim.CodeRefused) {
		return answer{}, refused
	}
	limit, err := limitOf(r)
	if err != nil {
		return answer{}, err
	}
	groups := membership{}
	out := list[waiting]{Value: []waiting{}}
	f := pim.Filter{States: []pim.State{pim.AwaitingApproval}, After: r.URL.Query().Get("next")}
	for c, err := range a.readable(ctx, a.Engine.Ledger.List(ctx, f)) {
		if err != nil {
			return answer{}, err
		}
		if c.Decision.Approval == nil {
			continue
		}
		if refused != nil {
			may, err := a.mayVote(ctx, groups, caller, c)
			if err != nil {
				return answer{}, err
			}
			if !may {
				continue
			}
		}
		if len(out.Value) == limit {
			out.Next = out.Value[limit-1].ID
			return answer{status: http.StatusOK, body: out}, nil
		}
		report := c.Report()
		out.Value = append(out.Value, waiting{ID: c.ID(), Plane: c.Request.Plane, Change: &report,
			Justification: c.Request.Justification, Group: c.Decision.Approval.Group, Digest: c.Seal()})
	}
	native, err := a.native(r, caller)
	if err != nil {
		return answer{}, err
	}
	out.Value = append(out.Value, native...)
	return answer{status: http.StatusOK, body: out}, nil
}

// mayVote reports whether the change waits for the caller: a member of the group that
// decides, neither who asked nor who gains.
func (a *App) mayVote(ctx context.Context, groups membership, caller pim.Caller, c pim.Change) (bool, error) {
	if caller.ID == c.Caller.ID {
		return false, nil
	}
	in, err := groups.holds(ctx, a.Engine.Client, caller.ID, c.Decision.Approval.Group)
	if err != nil || !in {
		return false, err
	}
	gains, err := groups.gains(ctx, a.Engine, caller.ID, c.Request.Principal)
	return !gains, err
}

// membership remembers for one listing which groups the caller is in, and by what is
// given to which principals the caller gains.
type membership map[string]bool

func (m membership) gains(ctx context.Context, e *pim.Engine, person, principal string) (bool, error) {
	key := "gains by " + principal
	if gains, known := m[key]; known {
		return gains, nil
	}
	gains, err := e.Gains(ctx, person, principal)
	if err != nil {
		return false, err
	}
	m[key] = gains
	return gains, nil
}

func (m membership) holds(ctx context.Context, c *pim.Client, principal, group string) (bool, error) {
	in, known := m[group]
	if known {
		return in, nil
	}
	found, err := c.MemberOf(ctx, principal, []string{group})
	if err != nil && pim.CodeOf(err) != pim.CodeNotFound { // whoever was deleted is in no group
		return false, err
	}
	m[group] = len(found) > 0
	return m[group], nil
}

// native lists PIM's own approvals that wait for the caller, which only the caller's
// own token can ask for.
func (a *App) native(r *http.Request, caller pim.Caller) ([]waiting, error) {
	if caller.Token == "" || a.Engine.As == nil {
		return nil, nil
	}
	ctx := r.Context()
	client, err := a.Engine.As(ctx, caller.Token)
	if err != nil {
		return nil, err
	}
	var out []waiting
	for _, p := range pim.Planes() {
		for w, err := range client.Approvals(ctx, p) {
			if pim.CodeOf(err) == pim.CodeDenied {
				break // the app was not given the scope for this plane
			}
			if err != nil {
				return nil, err
			}
			out = append(out, waiting{ID: nativeID(p, w.ID), Native: true, Plane: p, Request: &w})
		}
	}
	return out, nil
}

// decided is the answer to a ballot about one of PIM's own.
type decided struct {
	ID      string `json:"id"`
	Approve bool   `json:"approve"`
}

// approval decides one. The id is a change id, or <plane>~<coded id> for PIM's
// own.
func (a *App) approval(r *http.Request, caller pim.Caller) (answer, error) {
	ctx := r.Context()
	b, err := body(r)
	if err != nil {
		return answer{}, err
	}
	var in pim.Ballot
	if err := pim.DecodeStrict(b, &in); err != nil {
		return answer{}, err
	}
	id := r.PathValue("id")
	if plane, native, ok := parseNative(id); ok {
		if err := a.Engine.VoteNative(ctx, caller, plane, native, in); err != nil {
			return answer{}, err
		}
		return answer{status: http.StatusOK, body: decided{ID: id, Approve: in.Approve}}, nil
	}
	c, err := a.Engine.Vote(ctx, caller, id, in)
	if err != nil {
		return answer{}, err
	}
	// Whoever approves does not drive: the change goes on by itself.
	if err := a.Engine.Queue(ctx, c); err != nil {
		a.Log.WarnContext(ctx, "change is left to the resume timer", "change", c.ID(), "error", err)
	}
	return answer{status: http.StatusOK, body: c.Report()}, nil
}
