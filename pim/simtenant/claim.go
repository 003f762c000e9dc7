package simtenant

import "time"

// Claim changes the claims of a token that is about to be signed.
type Claim func(*grant)

// grant is what a token is to say.
type grant struct {
	subject  *principal
	audience string
	client   string // appid
	mfa      bool
	acrs     []string
	scopes   []string
	life     time.Duration
	extra    map[string]any
}

// WithMFA makes the token prove a second factor.
func WithMFA() Claim { return func(g *grant) { g.mfa = true } }

// WithContext makes the token prove authentication contexts, such as c1.
func WithContext(ids ...string) Claim { return func(g *grant) { g.acrs = append(g.acrs, ids...) } }

// WithScopes gives a user's token delegated permissions.
func WithScopes(scopes ...string) Claim {
	return func(g *grant) { g.scopes = append(g.scopes, scopes...) }
}

// WithClient makes appID the application that the token was issued to.
func WithClient(appID string) Claim { return func(g *grant) { g.client = appID } }

// WithLife makes the token expire after d; a negative d has it expired already.
func WithLife(d time.Duration) Claim { return func(g *grant) { g.life = d } }

// WithClaim sets any claim, or removes it if value is nil: for tokens that a
// verifier must refuse.
func WithClaim(name string, value any) Claim {
	return func(g *grant) { g.extra[name] = value }
}
