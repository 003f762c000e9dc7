package pim

// Office is something that callers may do besides asking for changes. The rules list
// its holders by the same entries as the callers of a rule.
type Office string

const (
	// Readers see every change, eligibility, assignment, policy and report.
	Readers Office = "readers"
	// Operators read, send dead letters again, and run and restore sweeps.
	Operators Office = "operators"
)

// Holds reports whether the caller holds the office. What is unknown, such as the
// membership of a group that is missing from members, is no.
func (r *Rules) Holds(of Office, c Caller, members map[string]Membership) bool {
	if r == nil {
		return false
	}
	q := &Question{Caller: c, Members: members}
	for _, e := range r.offices[of] {
		if e.match(q) == yes {
			return true
		}
	}
	return of == Readers && r.Holds(Operators, c, members)
}

// OfficeGroups lists the groups whose membership decides over offices.
func (r *Rules) OfficeGroups() []string {
	if r == nil {
		return nil
	}
	var out []string
	for _, of := range []Office{Readers, Operators} {
		for _, e := range r.offices[of] {
			out = append(out, e.groups...)
		}
	}
	return out
}
