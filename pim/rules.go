package pim

import (
	"crypto/subtle"
	"strings"
)

// Rules say who may ask for what. They are made by [ParseRules] and never change.
// Nil Rules allow nothing.
type Rules struct {
	hash    string
	keys    []namedKey
	offices map[Office][]callerEntry
	allow   []rule
	deny    []rule
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
	maxAhead    Duration // how far in the future a start may lie
	make        bool     // a grant may make the eligibility that it lacks
	ticket      *ticketForm
	justify     int // shortest justification, in characters; zero waives it
	approval    *Approval
	mode        Mode
	waives      []Waiver
	ourScope    bool
	escalating  bool // groups that hold escalating roles may be got into
}
