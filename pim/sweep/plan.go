package sweep

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/azurepim/azure-pim/pim"
)

const (
	// mostProposals bounds a plan, and with it the memory that a sweep takes. What
	// is beyond is counted, and found by the next sweep.
	mostProposals = 5000
	// mostExpiring bounds the list of what ends soon in the same way.
	mostExpiring = 2000
	mostNotices  = 5000
)

// Plan is what a sweep has found, and proposes. It never changes once it is made:
// what became of it is a [Run].
type Plan struct {
	ID        string       `json:"id"`
	At        time.Time    `json:"at"`
	Tenant    string       `json:"tenant"`
	RulesHash string       `json:"rulesHash"`
	Mode      Mode         `json:"mode"`
	Took      pim.Duration `json:"took,omitzero"` // how long the reading took
	Scopes    []Count      `json:"scopes"`
	Proposals []Proposal   `json:"proposals"`
	Expiring  []Ending     `json:"expiring"`
	Notices   []Notice     `json:"notices,omitempty"`
	Problems  []string     `json:"problems,omitempty"` // what could not be read or proved, in words
	Omitted   int          `json:"omitted,omitempty"`  // findings beyond what a plan holds
	Capped    bool         `json:"capped"`             // a cap held something back
	Hash      string       `json:"hash"`               // SHA-256 of all the rest
}

// Count is what was seen at one scope.
type Count struct {
	Scope         string    `json:"scope"`
	Plane         pim.Plane `json:"plane"`
	Name          string    `json:"name,omitempty"`
	Assignments   int       `json:"assignments"`
	Eligibilities int       `json:"eligibilities"`
	Requests      int       `json:"requests"`         // that wait
	Proposed      int       `json:"proposed"`         // findings of any rule
	Removable     int       `json:"removable"`        // of them, what applying the plan removes
	Held          int       `json:"held"`             // of them, what a cap or protection holds back
	Unread        string    `json:"unread,omitempty"` // why the scope proposes nothing
}

// Seen is what the percentages of the caps are of.
func (c Count) Seen() int { return c.Assignments + c.Eligibilities }

// Proposal is one removal, with all that is needed to restore it.
type Proposal struct {
	N         int        `json:"n"`      // its place in the plan
	Change    string     `json:"change"` // id of the change that removes it
	Rule      Rule       `json:"rule"`
	Why       string     `json:"why"`
	Since     *time.Time `json:"since,omitempty"` // when the reason came about, where that can be told
	Held      string     `json:"held,omitempty"`  // why applying the plan does not remove it; empty if it does
	Action    pim.Action `json:"action"`
	Target    string     `json:"target"` // the scope under which it was counted
	Kind      pim.Kind   `json:"kind"`
	Plane     pim.Plane  `json:"plane"`
	Scope     string     `json:"scope"`
	ScopeName string     `json:"scopeName,omitempty"`
	Role      pim.Role   `json:"role"`
	Principal string     `json:"principalId"`
	Name      string     `json:"principalName,omitempty"`
	Type      string     `json:"principalType,omitempty"`
	Start     *time.Time `json:"start,omitempty"`
	End       *time.Time `json:"end,omitempty"` // nil is permanent
	Member    pim.Member `json:"memberType,omitempty"`
	Activated bool       `json:"activated,omitempty"`
	Condition string     `json:"condition,omitempty"`
	Request   string     `json:"request,omitempty"` // PIM's name of a request that waits
	Origin    string     `json:"origin,omitempty"`  // the change of ours that gave it
}

// Ending is what ends by itself soon.
type Ending struct {
	Kind      pim.Kind  `json:"kind"`
	Plane     pim.Plane `json:"plane"`
	Scope     string    `json:"scope"`
	Role      pim.Role  `json:"role"`
	Principal string    `json:"principalId"`
	Name      string    `json:"principalName,omitempty"`
	End       time.Time `json:"end"`
}

// Notice is owed to whoever listens: a change of ours ends soon, or has ended.
type Notice struct {
	Change string     `json:"change"`
	What   pim.Expiry `json:"what"`
	Until  time.Time  `json:"until"`
}

// Removable reports whether applying the plan removes p.
func (p Proposal) Removable() bool { return p.Held == "" }

// Removable counts what applying the plan removes.
func (p Plan) Removable() int {
	n := 0
	for _, q := range p.Proposals {
		if q.Removable() {
			n++
		}
	}
	return n
}

// Seen sums what was seen at all scopes that could be read.
func (p Plan) Seen() int {
	n := 0
	for _, c := range p.Scopes {
		if c.Unread == "" {
			n += c.Seen()
		}
	}
	return n
}

// Unread counts the scopes that propose nothing because they could not be read.
func (p Plan) Unread() int {
	n := 0
	for _, c := range p.Scopes {
		if c.Unread != "" {
			n++
		}
	}
	return n
}

// digest is the hash of the plan's content. Maps have no place in a Plan, so its JSON
// has one form only.
func (p Plan) digest() string {
	p.Hash = ""
	b, err := json.Marshal(p)
	if err != nil {
		panic("a plan can always be written: " + err.Error())
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// changeID names the change that carries out p. It depends on what is removed, and
// not on the plan: two sweeps that find the same on the same day ask for the same
// change, and the ledger lets it happen once.
func (p Proposal) changeID(day time.Time) string {
	stamp := func(t *time.Time) string {
		if t == nil {
			return ""
		}
		return t.UTC().Format(time.RFC3339Nano)
	}
	b, err := json.Marshal([]string{string(p.Rule), string(p.Action), string(p.Kind), string(p.Plane), lower(p.Scope),
		p.Role.ID, p.Principal, stamp(p.Start), stamp(p.End), p.Request})
	if err != nil {
		panic("strings can always be written: " + err.Error())
	}
	sum := sha256.Sum256(b)
	return pim.SweepPrefix + day.UTC().Format("20060102") + "-" + hex.EncodeToString(sum[:10])
}

// request is what the engine is asked for.
func (p Proposal) request() (pim.Request, error) {
	s, err := pim.ParseScope(p.Plane, p.Scope)
	if err != nil {
		return pim.Request{}, err
	}
	r := pim.Request{
		ID: p.Change, Action: p.Action, Plane: p.Plane, Scope: s, Role: p.Role.ID, Principal: p.Principal,
		Justification: "azure-pim sweep, rule " + string(p.Rule),
	}
	if p.Action == pim.Cancel {
		r.Kind = p.Kind
	}
	return r, r.Check()
}

// asked reports whether c is the sweep's own change that carries out p. Another one
// under its id, asked for by somebody else, says nothing about p.
func (p Proposal) asked(c pim.Change) bool {
	r := c.Request
	return p.about(c) && r.Action == p.Action && (p.Action != pim.Cancel || r.Kind == p.Kind)
}

// restored reports whether c is the sweep's own change that puts p back.
func (p Proposal) restored(c pim.Change) bool {
	return p.about(c) && c.Request.Action == p.back()
}

// back is the action that puts p back.
func (p Proposal) back() pim.Action {
	if p.Kind == pim.Eligibility {
		return pim.MakeEligible
	}
	return pim.Assign
}

// about reports whether the sweep itself asked for c, for the access of p.
func (p Proposal) about(c pim.Change) bool {
	r := c.Request
	return c.Caller.Kind == pim.CallerSystem && r.Plane == p.Plane && lower(r.Scope.String()) == lower(p.Scope) &&
		lower(r.Role) == lower(p.Role.ID) && lower(r.Principal) == lower(p.Principal)
}

// access is what p is about.
func (p Proposal) access() (pim.Access, error) {
	s, err := pim.ParseScope(p.Plane, p.Scope)
	return pim.Access{Scope: s, Role: p.Role, Principal: p.Principal}, err
}
