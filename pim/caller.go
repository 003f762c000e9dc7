package pim

// CallerKind says how a Caller made itself known.
type CallerKind string

const (
	CallerUser   CallerKind = "user"   // a person, by a verified token
	CallerApp    CallerKind = "app"    // an application, by a verified token
	CallerKey    CallerKind = "key"    // whoever holds a function key
	CallerQueue  CallerKind = "queue"  // whoever may send to a queue
	CallerSystem CallerKind = "system" // ourselves: the sweep
)

// Caller is who asks. It is an argument of everything that decides, never taken
// from a context, and holds ids alone. The zero Caller is nobody.
type Caller struct {
	Kind   CallerKind `json:"kind"`
	ID     string     `json:"id,omitempty"`    // object id for user and app; name of the key or queue
	AppID  string     `json:"appId,omitempty"` // the application that the token was issued to
	Roles  []string   `json:"roles,omitempty"` // application roles in the token
	Groups []string   `json:"groups,omitempty"`
	MFA    bool       `json:"mfa,omitempty"` // the token proves a second factor

	// Message names the message of a queue that asks, the same at each delivery. Empty
	// at other doors.
	Message string `json:"message,omitempty"`

	// Token is the user's own token, for On-Behalf-Of. It is never written down.
	Token string `json:"-"`
}

// String is how a Caller is shown: user:<object id>, key:<name>, queue:<name>.
func (c Caller) String() string {
	if c.ID == "" {
		return string(c.Kind)
	}
	return string(c.Kind) + ":" + c.ID
}
