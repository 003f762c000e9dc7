package pim

import (
	"context"
	"iter"
)

// Submit asks PIM for r and returns it with what the service answered. On the azure
// plane r.Name must be a GUID, and a second Submit under the same name fails with
// CodeConflict; on the others the service chooses the name. After an error without
// an answer it is unknown whether r was executed: [Client.Find] tells.
func (c *Client) Submit(ctx context.Context, r ScheduleRequest) (ScheduleRequest, error) {
	if r.Access.Plane() == Azure {
		return c.submitARM(ctx, r)
	}
	return c.submitGraph(ctx, r)
}

// Validate asks PIM whether it would take r, and changes nothing. It runs as the
// client's own identity, so an administrator cannot try a user's activation.
func (c *Client) Validate(ctx context.Context, r ScheduleRequest) (ScheduleRequest, error) {
	if r.Access.Plane() == Azure {
		return c.validateARM(ctx, r)
	}
	return c.validateGraph(ctx, r)
}

// Find returns r as PIM knows it, or an error with CodeNotFound: by its name, or
// where the service has not told us the name, by the mark in its justification.
func (c *Client) Find(ctx context.Context, r ScheduleRequest) (ScheduleRequest, error) {
	if r.Access.Plane() == Azure {
		return c.findARM(ctx, r)
	}
	return c.findGraph(ctx, r)
}

// CancelRequest withdraws a request that still waits. Only a Status that is
// [Status.Cancelable] can be cancelled; everything else is refused by PIM.
func (c *Client) CancelRequest(ctx context.Context, r ScheduleRequest) error {
	if r.Access.Plane() == Azure {
		return c.cancelARM(ctx, r)
	}
	return c.cancelGraph(ctx, r)
}

// Requests yields PIM's own requests of one kind, newest state, in no order. Graph
// asks for a permission to write even for this listing.
func (c *Client) Requests(ctx context.Context, k Kind, q Query) iter.Seq2[ScheduleRequest, error] {
	if q.Plane == Azure {
		return c.requestsARM(ctx, k, q)
	}
	return c.requestsGraph(ctx, k, q)
}

// Eligibilities yields who may activate what, now.
func (c *Client) Eligibilities(ctx context.Context, q Query) iter.Seq2[Instance, error] {
	return c.Instances(ctx, Eligibility, q)
}

// Assignments yields who has what, now.
func (c *Client) Assignments(ctx context.Context, q Query) iter.Seq2[Instance, error] {
	return c.Instances(ctx, Assignment, q)
}

// Instances yields the eligibilities or assignments in force, in no order. A new one
// can be missing for a minute and longer after PIM says that it is provisioned.
func (c *Client) Instances(ctx context.Context, k Kind, q Query) iter.Seq2[Instance, error] {
	if q.Plane == Azure {
		return c.instancesARM(ctx, k, q)
	}
	return c.instancesGraph(ctx, k, q)
}
