package pim

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// State is where a Change has got to, seen from outside.
type State string

const (
	Pending          State = "pending"          // allowed, and on its way
	AwaitingApproval State = "awaitingApproval" // allowed once the people whom the rule names agree
	Done             State = "done"             // the tenant is as was asked
	Refused          State = "refused"          // no rule allows it
	Failed           State = "failed"           // allowed, but the tenant would not
)

// States lists every State.
func States() []State { return []State{Pending, AwaitingApproval, Done, Refused, Failed} }

// Known reports whether s is one of them.
func (s State) Known() bool { return slices.Contains(States(), s) }

// Step is the next thing to do with a pending Change.
type Step string

const (
	StepDecide  Step = "decide"  // read the facts, decide
	StepLook    Step = "look"    // read what stands, choose the effects
	StepSubmit  Step = "submit"  // ask PIM for the current effect
	StepAwait   Step = "await"   // PIM works on it
	StepConfirm Step = "confirm" // see it in force
	StepEnd     Step = "end"
)

// Change is a Request on its way into the tenant, as the ledger keeps it. It is
// written before each effect; what is not written has not been done.
type Change struct {
	Request    Request     `json:"request"`
	Digest     string      `json:"digest"` // of the request's content; the same id must bring the same
	Caller     Caller      `json:"caller"`
	Heard      []string    `json:"heard,omitempty"` // messages that began a run: delivered again, they begin none
	Role       Role        `json:"role"`            // resolved
	Decision   Decision    `json:"decision"`
	Votes      []Vote      `json:"votes,omitempty"`
	State      State       `json:"state"`
	Step       Step        `json:"step"`
	Generation int         `json:"generation"`        // counts the runs: asking anew after a failure is another run
	Effects    []Effect    `json:"effects,omitempty"` // what is to be asked of PIM, in order
	Current    int         `json:"current"`           // the effect that Step is about
	Tries      int         `json:"tries"`             // of the current step
	Since      time.Time   `json:"since"`             // when the current step was entered
	Stuck      time.Time   `json:"stuck,omitzero"`    // when faults began that still keep people and PIM from taking it on
	Missing    time.Time   `json:"missing,omitzero"`  // of these: since when PIM says that something is not there, or in the way
	Missed     int         `json:"missed,omitempty"`  // how often it said so since
	Due        time.Time   `json:"due,omitzero"`      // do not look at it before
	Lease      Lease       `json:"lease,omitzero"`
	Result     *Result     `json:"result,omitempty"`
	Fault      *Fault      `json:"fault,omitempty"`
	Outbox     []Event     `json:"outbox,omitempty"` // outcomes that have not been sent yet
	Told       []EventType `json:"told,omitempty"`   // outcomes of this run, sent or not
	Expiry     Expiry      `json:"expiry,omitempty"` // which notices of its end have gone out
	Created    time.Time   `json:"created"`
	Updated    time.Time   `json:"updated"`

	// Version is the ledger's: empty for a Change that it does not hold yet.
	Version string `json:"-"`
}

// Effect is one thing that a Change asks of PIM.
type Effect struct {
	ScheduleRequest
	Tried int        `json:"tried,omitempty"` // how often the journal announced it
	Asked *time.Time `json:"asked,omitempty"` // when it was first announced
	Done  *time.Time `json:"done,omitempty"`  // when PIM had finished it
}

// Lease keeps a second worker away while the first one acts.
type Lease struct {
	Worker string    `json:"worker,omitempty"`
	Until  time.Time `json:"until,omitzero"`
}

// Expiry says which notices of the end have gone out.
type Expiry string

const (
	NoticeSoon Expiry = "soon"
	NoticeEnd  Expiry = "ended"
)

// Result says how a done Change left the tenant.
type Result struct {
	From      *time.Time `json:"from,omitempty"`
	Until     *time.Time `json:"until,omitempty"`     // nil: no end, or nothing stands
	Already   bool       `json:"already,omitempty"`   // the tenant was so before: no effect was needed
	Scheduled bool       `json:"scheduled,omitempty"` // it starts in the future
	Confirmed bool       `json:"confirmed"`           // it was seen in force (or gone); false: PIM says so, listings do not show it yet
	Note      string     `json:"note,omitempty"`
}

// Fault says why a Change failed.
type Fault struct {
	Code    Code     `json:"code"`
	Field   string   `json:"field,omitempty"`
	PIMCode string   `json:"pimCode,omitempty"`
	Detail  string   `json:"detail,omitempty"`
	Remedy  string   `json:"remedy,omitempty"`
	Reasons []Reason `json:"reasons,omitempty"`
	Claims  string   `json:"claims,omitempty"`
}

// ID is the caller's change id.
func (c Change) ID() string { return c.Request.ID }

// Ended reports whether nothing is left to do, other than to tell of it.
func (c Change) Ended() bool { return c.State == Done || c.State == Refused || c.State == Failed }

// Access is what the change is about.
func (c Change) Access() Access {
	return Access{Scope: c.Request.Scope, Role: c.Role, Principal: c.Request.Principal}
}

// enter moves the change to a step.
func (c *Change) enter(s Step, now time.Time) {
	c.Step, c.Tries, c.Since, c.Due = s, 0, now, time.Time{}
}

// effect is the one that the current step is about.
func (c *Change) effect() *Effect {
	e := &c.Effects[c.Current]
	e.Access = c.Access() // not in the journal: it is the change's own
	return e
}

// digest is a SHA-256 over all that a Request asks for, id excepted.
func (r Request) digest() string {
	r.ID = ""
	b, err := json.Marshal(r)
	if err != nil {
		panic("a request can always be written: " + err.Error())
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// requestSpace is the namespace of our UUIDv5 names.
var requestSpace = uuid.MustParse("6f9d3ad5-1f0f-4d3f-9d6e-6d0a8f1f2b7c")

// requestName is the GUID under which ARM learns of an effect: the same work asks
// under the same name, however often, and another run under another.
func requestName(tenant string, c Change, kind Kind, typ RequestType) string {
	parts := []string{tenant, c.ID(), string(kind), string(typ), c.Request.Principal, c.Role.ID, c.Request.Scope.Key(), strconv.Itoa(c.Generation)}
	b, err := json.Marshal(parts) // unambiguous, whatever the parts hold
	if err != nil {
		panic("strings can always be written: " + err.Error())
	}
	return uuid.NewSHA1(requestSpace, b).String()
}
