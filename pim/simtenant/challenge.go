package simtenant

import (
	"encoding/json"
	"errors"
	"slices"
)

// challenge is a claims request: what a token must prove.
type challenge struct {
	AccessToken struct {
		ACRS struct {
			Value  string   `json:"value"`
			Values []string `json:"values"`
		} `json:"acrs"`
		AMR struct {
			Values []string `json:"values"`
		} `json:"amr"`
	} `json:"access_token"`
}

func parseChallenge(claims string) (contexts []string, mfa bool, err error) {
	var c challenge
	if err := json.Unmarshal([]byte(claims), &c); err != nil {
		return nil, false, errors.New("simtenant: the claims request is not JSON: AADSTS50148")
	}
	contexts = c.AccessToken.ACRS.Values
	if v := c.AccessToken.ACRS.Value; v != "" {
		contexts = append(contexts, v)
	}
	return contexts, slices.Contains(c.AccessToken.AMR.Values, "mfa"), nil
}

// stepUp adds what a claims challenge asks for, if the person can prove it.
func (g *grant) stepUp(claims string) error {
	contexts, mfa, err := parseChallenge(claims)
	if err != nil {
		return err
	}
	if mfa && !g.mfa && !g.subject.mfa {
		return errors.New("simtenant: a second factor is needed: AADSTS50076")
	}
	g.mfa = g.mfa || mfa
	for _, id := range contexts {
		if !slices.Contains(g.acrs, id) && !slices.Contains(g.subject.contexts, id) {
			return errors.New("simtenant: the authentication context " + id + " cannot be met: AADSTS50158")
		}
		g.acrs = append(g.acrs, id)
	}
	return nil
}
