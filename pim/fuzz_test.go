package pim_test

import (
	"encoding/json"
	"net/url"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
)

// Whatever is accepted as a scope names one place, in a URL as on paper.
func FuzzParseScope(f *testing.F) {
	for _, s := range []string{
		"/", shop, sub1 + "/../" + sub12[1:], sub1 + "%2f..", sub1 + "//x", "/subscriptions/1", group1, ourRG + "/providers/Microsoft.Web/sites/a(b)",
		"/administrativeUnits/" + anna, "/" + anna, anna, shop + "?x=1", shop + "#x", shop + ";x", strings.ToUpper(shop), sub1 + "/resourceGroups/größe", "/./",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, plane := range pim.Planes() {
			s, err := pim.ParseScope(plane, text)
			if err != nil {
				require.Equal(t, pim.CodeInvalid, pim.CodeOf(err))
				require.Empty(t, s)
				continue
			}
			again, err := pim.ParseScope(plane, s.String())
			require.NoError(t, err, "its own spelling is refused")
			require.Equal(t, s, again)
			require.Equal(t, plane, s.Plane())
			require.True(t, s.Contains(s))

			for seg := range strings.SplitSeq(strings.Trim(s.String(), "/"), "/") {
				require.NotContains(t, []string{".", ".."}, seg)
			}
			require.NotContains(t, s.String(), "//")
			require.False(t, strings.ContainsAny(s.String(), "?#%;\\\x00 \t\r\n"), s.String())
			require.Equal(t, path.Clean(s.String()), s.String())
			u, err := url.Parse("https://management.azure.com/" + (&url.URL{Path: strings.TrimPrefix(s.String(), "/")}).EscapedPath())
			require.NoError(t, err)
			require.Equal(t, "/"+strings.TrimPrefix(s.String(), "/"), u.Path, "a URL carries it unchanged")
			require.Empty(t, u.RawQuery+u.Fragment)
		}
	})
}

// Two scopes lie one in the other only if their segments say so.
func FuzzScopeContains(f *testing.F) {
	f.Add(sub1, sub12)
	f.Add(shop, shop+"2")
	f.Add(shop, strings.ToUpper(shop)+"/providers/Microsoft.Web/sites/x")
	f.Add("/", group1)
	f.Fuzz(func(t *testing.T, a, b string) {
		outer, err := pim.ParseScope(pim.Azure, a)
		if err != nil {
			return
		}
		inner, err := pim.ParseScope(pim.Azure, b)
		if err != nil {
			return
		}
		of, in := strings.Split(strings.Trim(outer.Key(), "/"), "/"), strings.Split(strings.Trim(inner.Key(), "/"), "/")
		want := outer.String() == "/"
		if !want && len(of) <= len(in) {
			want = strings.Join(of, "/") == strings.Join(in[:len(of)], "/")
		}
		require.Equal(t, want, outer.Contains(inner))
		if outer.Contains(inner) && inner.Contains(outer) {
			require.Equal(t, outer.Key(), inner.Key())
		}
	})
}

// Whatever is accepted as a duration is longer than nothing, at most ten years, and
// means the same when it is written and read again.
func FuzzParseDuration(f *testing.F) {
	for _, s := range []string{"PT4H", "P30D", "P1M", "PT0S", "-PT1H", "PT1.5H", "P1W", "PT9223372036854775807S", "P3650D", "P3650DT1S", "P1DT1H1M1S", "PT", "P", "pt1h", "PT1e5H"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := pim.ParseDuration(text)
		if err != nil {
			require.Zero(t, d)
			require.Equal(t, pim.CodeInvalid, pim.CodeOf(err))
			return
		}
		require.Positive(t, d)
		require.LessOrEqual(t, d, pim.MaxDuration)
		require.Zero(t, time.Duration(d)%time.Second)
		again, err := pim.ParseDuration(d.String())
		require.NoError(t, err, d.String())
		require.Equal(t, d, again)
	})
}

// Whatever is accepted as a request says the same once it was written and read again.
func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"id":"CR12345","action":"grant","plane":"azure","scope":"` + shop + `","role":"Owner","principalId":"` + anna + `","duration":"PT4H",
		"start":"2026-12-01T08:00:00Z","justification":"x","ticket":{"number":"CR12345","system":"ServiceNow"}}`))
	f.Add([]byte(`{"action":"cancel","scope":"/","role":"*","principalId":"` + anna + `","kind":"assignment"}`))
	f.Add([]byte(`{"action":"extend","plane":"group","scope":"` + anna + `","role":"member","principalId":"` + bela + `","duration":"P30D"}`))
	f.Add([]byte(`{"action":"grant","action":"cancel"}`))
	f.Add([]byte(`{"action":"grant","scope":"` + shop + `","role":"x","principalId":"` + anna + `","justification":"\u202e"}`))
	f.Add([]byte(`{"action":"activate","scope":"` + shop + `","role":"x","principalId":"` + anna + `","start":"9999-12-31T23:59:59+14:00"}`))
	rules := rulesOf(f, everythingRule)
	f.Fuzz(func(t *testing.T, body []byte) {
		var r, again pim.Request
		if err := json.Unmarshal(body, &r); err != nil {
			require.Empty(t, r, "a refused request leaves something behind")
			return
		}
		b, err := json.Marshal(r)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(b, &again), "%s", b)
		require.Equal(t, r, again)
		require.GreaterOrEqual(t, r.Duration, pim.Duration(0))
		require.Equal(t, r.Plane, r.Scope.Plane())

		// Nobody gets anything, and without facts nobody gets anything either.
		q := pim.Question{Request: r, Role: pim.Role{ID: ownerRole, Name: "Owner"}, Now: tuesday}
		require.False(t, rules.Decide(q).Allowed)
		q.Caller = pim.Caller{Kind: pim.CallerKey}
		d := rules.Decide(q)
		switch r.Action {
		case pim.Deactivate, pim.RemoveEligible, pim.Cancel:
		default:
			require.False(t, d.Allowed)
		}
		require.Equal(t, d.Allowed, len(d.Reasons) == 0)
	})
}

// Whatever is accepted as rules is told by its hash, and lets nobody at nothing.
func FuzzParseRules(f *testing.F) {
	f.Add([]byte(goodRules))
	f.Add([]byte("version: 1\nrules: []"))
	f.Add([]byte(`{"version":1,"rules":[{"name":"x","effect":"deny"}]}`))
	for _, r := range []string{onCallRule, personRule, everythingRule, approvedRule} {
		f.Add([]byte("version: 1\nrules:" + r))
	}
	for _, m := range mistakes {
		f.Add([]byte(strings.Replace(goodRules, m.old, m.new, 1)))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		rules, err := pim.ParseRules(text)
		if err != nil {
			require.Nil(t, rules)
			require.Equal(t, pim.CodeInvalid, pim.CodeOf(err))
			return
		}
		require.Len(t, rules.Hash(), 64)
		again, err := pim.ParseRules(text)
		require.NoError(t, err)
		require.Equal(t, rules.Hash(), again.Hash())

		q := asked(t)
		q.Caller = pim.Caller{}
		require.False(t, rules.Decide(q).Allowed, "nobody")
		q = asked(t)
		about(&q, ours)
		require.False(t, rules.Decide(q).Allowed, "ourselves")
		q = asked(t)
		q.Principal, q.Policy, q.Eligible, q.Members = pim.Subject{ID: anna}, nil, nil, nil
		d := rules.Decide(q)
		require.False(t, d.Allowed, "without a fact")
		require.NotEmpty(t, d.Reasons)
		_, found := rules.KeyName("")
		require.False(t, found)
	})
}
