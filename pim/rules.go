package pim

import (
	"crypto/subtle"
	"regexp"
	"strings"
)

// Rules say who may ask for what. They are made by [ParseRules] and never change.
// Nil Rules allow nothing.
type Rules struct {
	hash  string
	keys  []namedKey
	allow []rule
	deny  []rule
}

// namedKey gives a function key a name, by which rules and the audit log know it.
type namedKey struct{ name, sha256 string }

// Hash is the SHA-256 of what the rules say, in hexadecimal. Comments, layout and
// the order of keys do not count. Nil Rules have none.
func (r *Rules) Hash() string {
	if r == nil {
		return ""
	}
	return r.hash
}

// KeyName finds the name of the function key whose SHA-256, in hexadecimal, is sum.
// It takes the same time whichever key it is, or none.
func (r *Rules) KeyName(sum string) (string, bool) {
	if r == nil {
		return "", false
	}
	sum = strings.ToLower(sum)
	name, found := "", false
	for _, k := range r.keys {
		if subtle.ConstantTimeCompare([]byte(k.sha256), []byte(sum)) == 1 {
			name, found = k.name, true
		}
	}
	return name, found
}

// rule is one rule, ready to be held against a Question. In a deny rule an empty
// list stands for everything; an allow rule has none that is empty.
type rule struct {
	name       string
	actions    []Action
	planes     []Plane
	scopes     scopeSet
	roles      roleSet
	callers    []callerEntry
	principals []principalEntry
	when       *window

	// The rest belongs to allow rules.
	maxDuration Duration // zero: nothing may become active
	maxEligible Duration // zero: no eligibility may be made or lengthened
	make        bool     // a grant may make the eligibility that it lacks
	ticket      *ticketForm
	justify     int // shortest justification, in characters; zero waives it
	approval    *Approval
	mode        Mode
	ourScope    bool
}

// scopeSet is the scopes of a rule. Its zero value is every scope.
type scopeSet struct {
	listed   []Scope
	anyGroup bool // every scope of the group plane
}

// roleSet is the roles of a rule. Its zero value is every role.
type roleSet struct {
	any   bool // every role, as far as the rest of the rule goes
	ids   map[Plane][]string
	names map[Plane][]string // of roles that are not built in
}

// callerEntry is one way to be the caller of a rule: all that it lists must hold,
// and of each list one value.
type callerEntry struct {
	objectIDs, appIDs, appRoles, groups []string
	queues, keys                        []string
	anyUser, anyKey, system             bool
}

// principalEntry is one way to be the principal of a rule: all of it must hold.
type principalEntry struct {
	ids, memberOf []string
	self, any     bool
	types         []string // empty: of any type
}

// ticketForm is how a ticket must look.
type ticketForm struct {
	required bool
	number   *regexp.Regexp // nil: any
	systems  []string       // empty: any
}
