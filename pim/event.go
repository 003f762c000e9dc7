package pim

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// EventType is the type of an outcome, as CloudEvents calls it.
type EventType string

const (
	EventDecided  EventType = "azurepim.change.decided"  // allowed, and on its way
	EventApproval EventType = "azurepim.change.approval" // somebody must approve
	EventGranted  EventType = "azurepim.change.granted"  // done: the access stands
	EventEnded    EventType = "azurepim.change.ended"    // done: the access is gone, or the request withdrawn
	EventRefused  EventType = "azurepim.change.refused"
	EventFailed   EventType = "azurepim.change.failed"
	EventInvalid  EventType = "azurepim.change.invalid" // what came was not a Request
	EventSoon     EventType = "azurepim.access.expiringSoon"
	EventExpired  EventType = "azurepim.access.expired"
)

// Event is one outcome, a CloudEvents 1.0 message. The same outcome has the same
// ID, however often it is sent.
type Event struct {
	SpecVersion string    `json:"specversion"`
	ID          string    `json:"id"`
	Source      string    `json:"source"`
	Type        EventType `json:"type"`
	Subject     string    `json:"subject,omitempty"` // the change id
	Time        time.Time `json:"time"`
	ContentType string    `json:"datacontenttype"`
	Data        Report    `json:"data"`
}

func newEvent(t EventType, id, subject string, now time.Time, data Report) Event {
	return Event{SpecVersion: "1.0", ID: id, Source: "/azure-pim", Type: t, Subject: subject, Time: now.UTC(),
		ContentType: "application/json", Data: data}
}

// tell puts an outcome of c into its outbox, once for each run of the change.
func (c *Change) tell(t EventType, now time.Time) {
	if slices.Contains(c.Told, t) {
		return // decided anew
	}
	c.Told = append(c.Told, t)
	id := c.ID() + "/" + strconv.Itoa(c.Generation) + "/" + string(t)
	c.Outbox = append(c.Outbox, newEvent(t, id, c.ID(), now, c.Report()))
}

// Misfit names what came through a queue and is not a Request: a message, or one
// element of one.
type Misfit struct {
	Queue    string
	Message  string // the message's id, which its sender chose; empty if he did not
	Sequence string // the number that the queue gave it: what its outcome is known by
	Digest   string // of its body, so that a number that was forged names no other's
	Element  int    // of a message that holds many, from 1; zero is all of it
	Change   string // the id that it gives itself, if that can be read
}

// InvalidEvent is the outcome of a misfit. The body is not quoted: it may hold
// anything.
func InvalidEvent(m Misfit, err error, now time.Time) Event {
	id := m.Sequence
	if id == "" {
		id = clip(m.Message)
	}
	id = m.Queue + "/" + id
	if m.Digest != "" {
		id += "/" + m.Digest
	}
	fault := faultOf(err)
	if m.Element > 0 {
		id += "/" + strconv.Itoa(m.Element)
		fault.Field = strings.TrimSuffix("changes["+strconv.Itoa(m.Element-1)+"]."+fault.Field, ".")
	}
	r := Report{ID: clip(m.Change), State: Refused, Fault: fault}
	if r.ID == "" {
		r.ID = clip(m.Message)
	}
	return newEvent(EventInvalid, id, clip(m.Message), now, r)
}

// Report is a Change as callers see it: what was asked, what was decided, what came
// of it. Journal, leases and tokens stay inside.
type Report struct {
	ID          string     `json:"id"`
	State       State      `json:"state"`
	Action      Action     `json:"action,omitempty"`
	Plane       Plane      `json:"plane,omitempty"`
	Scope       string     `json:"scope,omitempty"`
	Role        Role       `json:"role,omitzero"`
	Principal   string     `json:"principalId,omitempty"`
	Kind        Kind       `json:"kind,omitempty"` // what to extend, renew or cancel
	Start       *time.Time `json:"start,omitempty"`
	Duration    Duration   `json:"duration,omitzero"`
	Eligible    Duration   `json:"eligibleDuration,omitzero"`
	Condition   string     `json:"condition,omitempty"`
	Ticket      Ticket     `json:"ticket,omitzero"`
	RequestedBy string     `json:"requestedBy,omitempty"`
	Decision    *Decision  `json:"decision,omitempty"`
	Votes       []Vote     `json:"votes,omitempty"`
	Requests    []Asked    `json:"pimRequests,omitempty"`
	Result      *Result    `json:"result,omitempty"`
	Fault       *Fault     `json:"fault,omitempty"`
	Generation  int        `json:"generation,omitempty"`
	Created     time.Time  `json:"created,omitzero"`
	Updated     time.Time  `json:"updated,omitzero"`
	Due         *time.Time `json:"due,omitempty"` // when it is looked at again
}

// Asked is one of PIM's own requests.
type Asked struct {
	Kind   Kind        `json:"kind"`
	Type   RequestType `json:"type"`
	ID     string      `json:"id"`
	Status Status      `json:"status,omitempty"`
}

// Report is c as callers see it.
func (c Change) Report() Report {
	r := Report{
		ID: c.ID(), State: c.State, Action: c.Request.Action, Plane: c.Request.Plane, Scope: c.Request.Scope.String(),
		Role: c.Role, Principal: c.Request.Principal, Kind: c.Request.Kind, Start: c.Request.Start, Duration: c.Request.Duration,
		Eligible: c.Request.Eligible, Condition: c.Request.Condition, Ticket: c.Request.Ticket,
		RequestedBy: c.Caller.String(), Votes: c.Votes, Result: c.Result, Fault: c.Fault, Generation: c.Generation,
		Created: c.Created, Updated: c.Updated,
	}
	if !c.Decision.At.IsZero() {
		d := c.Decision
		r.Decision = &d
	}
	if !c.Ended() && !c.Due.IsZero() {
		due := c.Due
		r.Due = &due
	}
	for _, e := range c.Effects {
		if e.Tried > 0 {
			r.Requests = append(r.Requests, Asked{e.Kind, e.Type, e.Name, e.Status})
		}
	}
	return r
}
