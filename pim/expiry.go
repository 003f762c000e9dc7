package pim

import (
	"context"
	"time"
)

// EventSwept is the outcome of a sweep that has been applied or restored, once for
// each: a summary beside the outcomes of its changes.
const EventSwept EventType = "azurepim.sweep.ended"

// Notify tells, once for each change, that the access which c gave ends soon or has
// ended. It reports whether it was this call that told it: of two at once the ledger
// lets one through.
func (e *Engine) Notify(ctx context.Context, c Change, n Expiry) (bool, error) {
	if c.Expiry == n || c.Expiry == NoticeEnd {
		return false, nil
	}
	t := EventSoon
	if n == NoticeEnd {
		t = EventExpired
	}
	c.Expiry = n
	c.tell(t, time.Now().UTC())
	saved, err := e.keep(ctx, c)
	switch {
	case CodeOf(err) == CodeConflict:
		return false, nil
	case err != nil:
		return false, at("Engine.Notify", err)
	}
	e.flush(ctx, saved)
	return true, nil
}

// Swept tells the outcome of a sweep. The same id is the same outcome. It does
// nothing where there is no Outbox.
func (e *Engine) Swept(ctx context.Context, id string, r Report) error {
	if e.Outbox == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendFor)
	defer cancel()
	return at("Engine.Swept", e.Outbox.Publish(ctx, newEvent(EventSwept, id, r.ID, time.Now(), r)))
}

// Gives reports whether a adds to what somebody may do.
func (a Action) Gives() bool { return a.gives() }

// Removes reports whether t ends something.
func (t RequestType) Removes() bool { return t.removes() }

// Given is the side of PIM on which c gives something.
func (c Change) Given() Kind { return c.Request.kind() }
