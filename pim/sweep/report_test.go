package sweep_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim/simtenant"
	"github.com/azurepim/azure-pim/pim/sweep"
)

func (w *world) reports(p sweep.Plan) (html, text string) {
	w.t.Helper()
	st, err := w.Status(w.t.Context(), p.ID)
	require.NoError(w.t, err)
	var h, x bytes.Buffer
	require.NoError(w.t, sweep.WriteHTML(&h, st))
	require.NoError(w.t, sweep.WriteText(&x, st))
	return h.String(), x.String()
}

func TestReportsSayWhatWasFoundAndWhatBecameOfIt(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.tenant.Assign(simtenant.Grant{Scope: w.rg, Role: "Contributor", Principal: w.ada, Ago: day})
		w.tenant.Assign(simtenant.Grant{Scope: w.rg, Role: "Reader", Principal: w.bob, Ago: day})
		w.tenant.MakeEligible(simtenant.Grant{Scope: w.sub, Role: "Owner", Principal: w.carl, For: 5 * day})
		w.sweeps(everything, "caps:", "protect: {roles: [Reader]}\ncaps:")
		p := w.plan()
		for kind, report := range map[string]func() string{
			"html": func() string { h, _ := w.reports(p); return h },
			"text": func() string { _, x := w.reports(p); return x },
		} {
			planned := report()
			for _, want := range []string{"1 removal proposed", "Nothing has been removed", p.ID, p.Hash, "Ada", "Contributor", "it has no end", "to be removed", "protected: the role", "Carl"} {
				require.Contains(t, planned, want, kind)
			}
		}
		w.apply(p)
		html, text := w.reports(p)
		for _, report := range []string{html, text} {
			require.Contains(t, report, "1 of 1 grant removed")
			require.Contains(t, report, operator.String())
		}
		require.Equal(t, 1, strings.Count(html, "<rect"), "a column for the one that ends soon")
	})
}

// The page can be kept and sent on: it asks nobody for anything, and nothing in a
// name can make it do so.
func TestPageNeedsNothingFromElsewhere(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		evil := w.tenant.AddUser(simtenant.User{Name: `</td><script src="https://evil.example/x.js"></script><img src=x onerror=alert(1)>`})
		w.tenant.Assign(simtenant.Grant{Scope: w.rg, Role: "Contributor", Principal: evil, Ago: day})
		w.tenant.Assign(simtenant.Grant{Scope: w.rg, Role: "Reader", Principal: evil, For: 3 * day})
		html, _ := w.reports(w.plan())
		for _, never := range []string{"<script", "<img", "<link", "<iframe", "<form", "src=\"", "href=\"", "@import", "url(", "javascript:"} {
			require.NotContains(t, html, never)
		}
		require.Contains(t, html, "&lt;script")
		require.NotContains(t, html, "ZgotmplZ", "the template refused a value")
	})
}

// Every element that is opened is closed, in order; what stands for itself aside.
func TestPageIsWellFormed(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		for i := range 12 {
			w.tenant.Assign(simtenant.Grant{Scope: w.tenant.AddResourceGroup(w.sub, fmt.Sprint("rg", i)), Role: "Reader", Principal: w.ada, For: time.Duration(i+1) * day})
		}
		w.tenant.Assign(simtenant.Grant{Scope: w.rg, Role: "Reader", Principal: w.bob, Ago: day})
		empty, _ := w.reports(sweep.Plan{ID: w.emptyPlan()})
		full, _ := w.reports(w.plan())
		for _, html := range []string{empty, full} {
			var open []string
			for _, m := range regexp.MustCompile(`<(/?)([a-z0-9]+)[^>]*?(/?)>`).FindAllStringSubmatch(html, -1) {
				switch closing, name, itself := m[1] == "/", m[2], m[3] == "/"; {
				case itself || name == "meta" || name == "wbr":
				case !closing:
					open = append(open, name)
				default:
					require.NotEmpty(t, open)
					require.Equal(t, open[len(open)-1], name)
					open = open[:len(open)-1]
				}
			}
			require.Empty(t, open)
			require.Contains(t, html, `<html lang="en">`)
		}
	})
}

func (w *world) emptyPlan() string {
	w.sweeps("version: 1")
	id := w.plan().ID
	w.sweeps(everything)
	return id
}

func TestPageOfAFullPlanIsDrawn(t *testing.T) {
	st := sweep.Status{Plan: sweep.Plan{ID: "x", At: time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)}, Run: sweep.Run{Phase: sweep.Planned}}
	for i := range 5000 {
		st.Plan.Proposals = append(st.Plan.Proposals, sweep.Proposal{N: i, Rule: sweep.Permanent, Name: "somebody"})
		st.Plan.Expiring = append(st.Plan.Expiring, sweep.Ending{End: st.Plan.At.Add(time.Duration(i) * time.Hour)})
	}
	var page bytes.Buffer
	require.NoError(t, sweep.WriteHTML(&page, st))
	require.Equal(t, 5000, strings.Count(page.String(), "somebody"))
	require.Contains(t, page.String(), "And 4\u202f960 more")
}
