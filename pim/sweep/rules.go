package sweep

import (
	"slices"
	"time"

	"github.com/azurepim/azure-pim/pim"
)

// Mode says what a finding leads to.
type Mode string

const (
	Off    Mode = "off"    // not looked for
	Report Mode = "report" // shown, never removed
	On     Mode = "on"     // of a rule alone: as the sweep's own mode says
	Apply  Mode = "apply"  // removed when the plan is applied; of the sweep itself: the timer applies its plan
)

// Rule names one reason for a removal.
type Rule string

const (
	Overdue   Rule = "overdue"   // a change of ours is past its end, and the access still stands
	Deleted   Rule = "deleted"   // the principal is gone from the directory
	Disabled  Rule = "disabled"  // the user's account is disabled
	Permanent Rule = "permanent" // no end
	Overlong  Rule = "overlong"  // an end further from the start than allowed
	Unused    Rule = "unused"    // an eligibility that nobody has activated for long
	Pending   Rule = "pending"   // a request that has waited for long
	Expiring  Rule = "expiring"  // ends soon: a notice only
)

// removing lists the rules that can remove something, the plainest reason first.
// Where several rules find the same access, the first that may act gives the reason.
var removing = []Rule{Overdue, Deleted, Disabled, Permanent, Overlong, Unused, Pending}

const (
	defaultExpiring = 14 * 24 * time.Hour
	defaultPending  = 48 * time.Hour
	defaultUnused   = 90 * 24 * time.Hour
	defaultPlanAge  = 24 * time.Hour
	// defaultRestore is how long a restored access lasts that had no end: nothing
	// is ever given without one.
	defaultRestore = 30 * 24 * time.Hour
)

// Rules say what the sweep watches and what it may do. They are made by
// [ParseRules] and never change. Nil Rules watch nothing.
type Rules struct {
	hash       string
	mode       Mode
	watch      []pim.Scope
	roles      roleList
	protect    protection
	caps       caps
	control    string // object id of a principal that exists; empty is our own identity
	emptied    map[string]bool
	planAge    time.Duration
	restoreFor time.Duration
	modes      map[Rule]Mode
	permanent  bounded
	overlong   bounded
	unused     time.Duration
	pending    time.Duration
	expiring   time.Duration
}

// bounded is what the rules on lengths look at.
type bounded struct {
	kinds               []pim.Kind
	types               []string // of the principal, lower case
	assigned, activable time.Duration
}

// caps bound what one run removes. Both numbers hold, for the run as for each scope.
type caps struct{ run, scope limit }

type limit struct {
	removals int
	percent  float64 // of what was seen
}

// protection lists what is never removed.
type protection struct {
	principals []string
	roles      roleList
}

// Hash is the SHA-256 of what the rules say, in hexadecimal; layout and comments do
// not count. Nil Rules have none.
func (r *Rules) Hash() string {
	if r == nil {
		return ""
	}
	return r.hash
}

// Automatic reports whether the timer applies the plan that it has made.
func (r *Rules) Automatic() bool { return r != nil && r.mode == Apply }

// of is what the rule may do: Off, Report or Apply.
func (r *Rules) of(name Rule) Mode {
	if m := r.modes[name]; m != On {
		return m
	}
	return r.mode
}

// looks reports whether any of the rules is not off.
func (r *Rules) looks(names ...Rule) bool {
	return slices.ContainsFunc(names, func(n Rule) bool { return r.of(n) != Off })
}

// roleList is roles by name or GUID. Empty, it has every role, except in a
// protection, where it has none.
type roleList []string
