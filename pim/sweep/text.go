package sweep

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// WriteText writes a plan and its fate as plain text, for a terminal or a mail.
func WriteText(w io.Writer, st Status) error {
	v := newView(st)
	out := bufio.NewWriter(w)
	say := func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }
	table := func(write func(row func(cells ...any))) {
		tw := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		write(func(cells ...any) {
			for i, c := range cells {
				if i > 0 {
					fmt.Fprint(tw, "\t")
				}
				fmt.Fprint(tw, c)
			}
			fmt.Fprintln(tw)
		})
		tw.Flush()
	}
	p := v.Plan
	say("Access sweep %s", p.ID)
	say("%s. %s", v.Headline, v.Lead)
	say("")
	say("made      %s, tenant %s, mode %s", day(p.At), p.Tenant, p.Mode)
	say("hash      %s", p.Hash)
	say("seen      %d at %d scopes, %d of them unread", p.Seen(), len(p.Scopes), p.Unread())
	say("found     %d, of which applying the plan removes %d", len(p.Proposals), p.Removable())
	if p.Capped {
		say("capped    the caps held something back")
	}
	if p.Omitted > 0 {
		say("omitted   %d more findings than a plan holds", p.Omitted)
	}
	if t := v.Tally; v.Run.Phase != Planned {
		say("%-8s  by %s: %d removed, %d gone before, %d skipped, %d refused, %d failed, %d on the way, %d restored",
			v.Run.Phase, v.Run.By, t.Removed, t.Gone, t.Skipped, t.Refused, t.Failed, t.OnWay+t.Waiting, t.Restored)
	}
	for _, problem := range p.Problems {
		say("problem   %s", problem)
	}
	if len(v.Rows) > 0 {
		say("\nFindings")
		table(func(row func(...any)) {
			row("#", "STATE", "RULE", "WHO", "ROLE", "KIND", "SCOPE", "ENDS", "WHY")
			for _, r := range v.Rows {
				why := r.Why
				if r.Note != "" {
					why += " (" + r.Note + ")"
				}
				row(r.N, r.State, r.Rule, cmp.Or(r.Name, r.Principal), r.What(), r.Sort(), r.Scope, ends(r.End), why)
			}
		})
	}
	if len(v.Endings) > 0 {
		say("\nEnds soon")
		table(func(row func(...any)) {
			row("ENDS", "LEFT", "WHO", "ROLE", "KIND", "SCOPE")
			for _, e := range v.Endings {
				row(day(e.End), e.Left, e.Who(), e.What(), e.Kind, e.Scope)
			}
		})
		if v.More > 0 {
			say("and %d more", v.More)
		}
	}
	if len(p.Scopes) > 0 {
		say("\nScopes")
		table(func(row func(...any)) {
			row("SCOPE", "ASSIGNED", "ELIGIBLE", "WAITING", "FOUND", "REMOVES", "HELD", "UNREAD")
			for _, c := range p.Scopes {
				row(c.Scope, c.Assignments, c.Eligibilities, c.Requests, c.Proposed, c.Removable, c.Held, c.Unread)
			}
		})
	}
	return out.Flush()
}

func ends(t *time.Time) string {
	if t == nil {
		return "never"
	}
	return day(*t)
}
