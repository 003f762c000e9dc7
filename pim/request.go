package pim

import (
	"encoding/json"
	"strings"
	"time"
	"unicode"
)

// Action is what a Request asks for.
type Action string

const (
	Grant          Action = "grant"          // make eligible if need be and allowed, then activate
	MakeEligible   Action = "makeEligible"   // let the principal activate the role for a while
	Activate       Action = "activate"       // turn an eligibility that stands into an active role
	Assign         Action = "assign"         // make the role active for a while, with no eligibility: for what cannot activate
	Deactivate     Action = "deactivate"     // end an active role
	RemoveEligible Action = "removeEligible" // end an eligibility
	Extend         Action = "extend"         // lengthen what has not ended
	Renew          Action = "renew"          // start again what has ended
	Cancel         Action = "cancel"         // withdraw requests that still wait in PIM
)

// Kind says which of the two sides of PIM something is about.
type Kind string

const (
	Eligibility Kind = "eligibility" // may activate
	Assignment  Kind = "assignment"  // is active
)

const (
	// DefaultDuration is how long an activation lasts that names no duration.
	DefaultDuration = Duration(time.Hour)
	// DefaultEligible is how long an eligibility lasts that a grant had to make:
	// long enough to activate once more the same day, gone the next.
	DefaultEligible = Duration(24 * time.Hour)
	// MinDuration is the shortest activation or eligibility that PIM takes.
	MinDuration = Duration(5 * time.Minute)
	// MaxAhead is the furthest that a rule may let a start lie in the future, and
	// DefaultAhead how far it does that does not say: what is decided now is PIM's to
	// carry out then, whatever has become of the reason, the rule or the principal.
	MaxAhead     = Duration(365 * 24 * time.Hour)
	DefaultAhead = Duration(14 * 24 * time.Hour)
	// maxJustification is in characters, the length of the portal's own field.
	maxJustification = 500
	maxTicket        = 100
	maxCondition     = 8192 // in bytes; ARM takes 8 KB
	maxID            = 100
)

// Ticket names the change or incident that stands behind a request.
type Ticket struct {
	Number string `json:"number,omitempty"`
	System string `json:"system,omitempty"`
}

// Request is what someone asks for, in the one shape that the HTTP body, the queue
// message, the command line's --file and this package share. A Request that came
// through [json.Unmarshal] is well formed, though not yet allowed.
type Request struct {
	ID            string     `json:"id,omitempty"`              // the caller's change id; the same id is the same change
	Action        Action     `json:"action"`                    // required
	Plane         Plane      `json:"plane"`                     // empty is azure
	Scope         Scope      `json:"scope"`                     // required
	Role          string     `json:"role"`                      // required: name, GUID or full id; member or owner for a group
	Principal     string     `json:"principalId"`               // required: object id
	Duration      Duration   `json:"duration,omitzero"`         // of the activation; of the eligibility for makeEligible
	Eligible      Duration   `json:"eligibleDuration,omitzero"` // of an eligibility that a grant makes; zero is DefaultEligible
	Kind          Kind       `json:"kind,omitempty"`            // what to extend, renew or cancel; empty is eligibility, for cancel both
	Start         *time.Time `json:"start,omitempty"`           // nil or past is now
	Justification string     `json:"justification,omitempty"`   // required by every rule that does not waive it
	Ticket        Ticket     `json:"ticket,omitzero"`
	Condition     string     `json:"condition,omitempty"` // ABAC condition, version 2.0, azure plane only
}

// UnmarshalJSON reads a Request strictly: an unknown or repeated field, a value of
// the wrong type or one out of range is an error with CodeInvalid that names the
// field. Absent optional fields take their defaults.
func (r *Request) UnmarshalJSON(b []byte) error {
	var wire struct {
		ID            string `json:"id"`
		Action        Action `json:"action"`
		Plane         string `json:"plane"`
		Scope         string `json:"scope"`
		Role          string `json:"role"`
		Principal     string `json:"principalId"`
		Duration      string `json:"duration"`
		Eligible      string `json:"eligibleDuration"`
		Kind          Kind   `json:"kind"`
		Start         string `json:"start"`
		Justification string `json:"justification"`
		Ticket        Ticket `json:"ticket"`
		Condition     string `json:"condition"`
	}
	if err := DecodeStrict(b, &wire); err != nil {
		return err
	}
	plane, err := ParsePlane(wire.Plane)
	if err != nil {
		return err
	}
	out := Request{ID: wire.ID, Action: wire.Action, Plane: plane, Role: wire.Role, Kind: wire.Kind,
		Justification: wire.Justification, Ticket: wire.Ticket, Condition: wire.Condition}
	if out.Scope, err = ParseScope(plane, wire.Scope); err != nil {
		return err
	}
	if out.Principal, err = ParsePrincipal(wire.Principal); err != nil {
		return err
	}
	if wire.Duration != "" {
		if out.Duration, err = ParseDuration(wire.Duration); err != nil {
			return err
		}
	}
	if wire.Eligible != "" {
		if out.Eligible, err = ParseDuration(wire.Eligible); err != nil {
			return invalid("eligibleDuration", "eligibleDuration %q is not an ISO 8601 duration such as P1D", clip(wire.Eligible))
		}
	}
	if wire.Start != "" {
		t, err := time.Parse(time.RFC3339, wire.Start)
		if err != nil {
			return invalid("start", "start %q is not an RFC 3339 time", clip(wire.Start))
		}
		t = t.UTC()
		out.Start = &t
	}
	if err := out.normalise(); err != nil {
		return err
	}
	*r = out
	return nil
}

// Check fills defaults and finds what is wrong with a Request that was put together
// in Go. It is safe to repeat.
func (r *Request) Check() error { return r.normalise() }

// normalise fills defaults and checks what depends on the action.
func (r *Request) normalise() error {
	if r.ID != "" { // an absent one is made up
		if err := CheckID(r.ID); err != nil {
			return err
		}
	}
	switch r.Kind {
	case "", Eligibility, Assignment:
	default:
		return invalid("kind", "kind %q is not eligibility or assignment", clip(string(r.Kind)))
	}
	switch r.Action {
	case Grant, Activate:
		if r.Duration == 0 {
			r.Duration = DefaultDuration
		}
	case MakeEligible, Assign, Extend, Renew:
		if r.Duration == 0 {
			return invalid("duration", "duration is missing: %s needs one", r.Action)
		}
	case Deactivate, RemoveEligible, Cancel:
		if r.Duration != 0 || r.Start != nil {
			return invalid("duration", "%s takes neither duration nor start: it happens now", r.Action)
		}
	case "":
		return invalid("action", "action is missing")
	default:
		return invalid("action", "action %q is unknown", clip(string(r.Action)))
	}
	if r.Action == Extend && r.Start != nil {
		return invalid("start", "extend takes no start: what it lengthens has begun")
	}
	if (r.Action == Extend || r.Action == Renew) && r.Kind == "" {
		r.Kind = Eligibility
	}
	if r.Kind != "" && r.Action != Extend && r.Action != Renew && r.Action != Cancel {
		return invalid("kind", "kind goes with extend, renew and cancel only")
	}
	if r.Duration != 0 && r.Duration < MinDuration {
		return invalid("duration", "duration %s is shorter than five minutes, the shortest that PIM takes", r.Duration)
	}
	if r.Eligible != 0 && (r.Action != Grant || r.Eligible < r.Duration) {
		return invalid("eligibleDuration", "eligibleDuration goes with grant only, and is no shorter than duration")
	}
	if r.Condition != "" && (r.Plane != Azure || r.Action == Cancel) {
		return invalid("condition", "condition goes with the azure plane only")
	}
	return r.checkText()
}

func (r *Request) checkText() error {
	r.Justification, r.Role = strings.TrimSpace(r.Justification), strings.TrimSpace(r.Role)
	for _, f := range []struct {
		name, text string
		most       int
	}{
		{"role", r.Role, 400},
		{"justification", r.Justification, maxJustification},
		{"ticket.number", r.Ticket.Number, maxTicket},
		{"ticket.system", r.Ticket.System, maxTicket},
		{"condition", r.Condition, maxCondition},
	} {
		if len([]rune(f.text)) > f.most {
			return invalid(f.name, "%s is longer than %d characters", f.name, f.most)
		}
		if strings.ContainsFunc(f.text, unprintable) {
			return invalid(f.name, "%s holds a control or text direction character", f.name)
		}
	}
	if len(r.Condition) > maxCondition { // the journal holds it several times
		return invalid("condition", "condition is longer than %d bytes", maxCondition)
	}
	if r.Role == "" {
		return invalid("role", "role is missing")
	}
	return nil
}

// unprintable reports whether r could forge a line or reorder text where it is
// shown: control characters, and the bidirectional and invisible format ones.
func unprintable(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar || r == '\u2028' || r == '\u2029'
}

// CheckID takes letters, digits and . _ : - so that a change id can stand in a URL, a
// table key and a message id as it is. Its error has CodeInvalid.
func CheckID(id string) error {
	ok := id != "" && len(id) <= maxID && id != "." && id != ".." && !strings.ContainsFunc(id, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._:-", r)
	})
	if !ok {
		return invalid("id", "id %q is not 1 to %d letters, digits and . _ : -", clip(id), maxID)
	}
	return nil
}

var _ json.Unmarshaler = (*Request)(nil)
