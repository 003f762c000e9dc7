package pim

import (
	"context"
	"time"
)

// Record is one line of the audit log: who, what, by which rule, with what result.
// It holds ids, bounds and conditions, never tokens, claims or justifications.
type Record struct {
	Time       time.Time   `json:"time"`
	Event      string      `json:"event"` // always audit, so that a log query finds it
	What       AuditKind   `json:"what"`
	Change     string      `json:"change"`
	Generation int         `json:"generation,omitempty"`
	Caller     string      `json:"caller"`
	AppID      string      `json:"appId,omitempty"`
	Action     Action      `json:"action"`
	Plane      Plane       `json:"plane"`
	Scope      string      `json:"scope"`
	Role       Role        `json:"role"`
	Principal  string      `json:"principalId"`
	Asked      Kind        `json:"kind,omitempty"` // what to extend, renew or cancel
	Start      *time.Time  `json:"start,omitempty"`
	Duration   Duration    `json:"duration,omitzero"`
	Eligible   Duration    `json:"eligibleDuration,omitzero"`
	Condition  string      `json:"condition,omitempty"`
	Ticket     string      `json:"ticket,omitempty"`
	Allowed    bool        `json:"allowed"`
	Rule       string      `json:"rule,omitempty"`
	RulesHash  string      `json:"rulesHash,omitempty"`
	Waives     []Waiver    `json:"waives,omitempty"`
	Reasons    []Reason    `json:"reasons,omitempty"`
	Request    string      `json:"pimRequest,omitempty"`
	Type       RequestType `json:"pimType,omitempty"`
	Kind       Kind        `json:"pimKind,omitempty"`
	Mark       string      `json:"pimMark,omitempty"`   // stands in the request's justification where PIM chooses its name
	Window     *Window     `json:"pimWindow,omitempty"` // what PIM is asked for, not what the request says
	Bears      string      `json:"pimCondition,omitempty"`
	Status     Status      `json:"pimStatus,omitempty"`
	Result     State       `json:"result,omitempty"`
	Code       Code        `json:"code,omitempty"`
	PIMCode    string      `json:"pimCode,omitempty"`
	Trace      string      `json:"trace,omitempty"`
}

// AuditKind says what a Record is about.
type AuditKind string

const (
	AuditDecision AuditKind = "decision" // before anything is done
	AuditVote     AuditKind = "vote"     // an approver spoke
	AuditEffect   AuditKind = "effect"   // before PIM is asked
	AuditEnd      AuditKind = "end"      // what came of it
)

// Sink keeps audit records. An error means that the record may be lost: whoever
// wrote it must not go on.
type Sink interface {
	Write(ctx context.Context, r Record) error
}

func (c Change) record(what AuditKind, now time.Time) Record {
	r := Record{
		Time: now.UTC(), Event: "audit", What: what, Change: c.ID(), Generation: c.Generation,
		Caller: c.Caller.String(), AppID: c.Caller.AppID,
		Action: c.Request.Action, Plane: c.Request.Plane, Scope: c.Request.Scope.String(), Role: c.Role,
		Principal: c.Request.Principal, Asked: c.Request.Kind, Start: c.Request.Start, Duration: c.Request.Duration,
		Eligible: c.Request.Eligible, Condition: c.Request.Condition, Ticket: c.Request.Ticket.Number,
		Allowed: c.Decision.Allowed, Rule: c.Decision.Rule, RulesHash: c.Decision.RulesHash, Waives: c.Decision.Waives, Reasons: c.Decision.Reasons,
	}
	if what == AuditEffect || what == AuditEnd {
		if c.Current < len(c.Effects) {
			e := c.Effects[c.Current]
			r.Request, r.Type, r.Kind, r.Status, r.Mark, r.Bears = e.Name, e.Type, e.Kind, e.Status, e.Mark, e.Condition
			if e.Window != (Window{}) {
				r.Window = &e.Window
			}
		}
	}
	if what == AuditEnd {
		r.Result = c.State
		if c.Fault != nil {
			r.Code, r.PIMCode = c.Fault.Code, c.Fault.PIMCode
		}
	}
	return r
}
