package sweep

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/azurepim/azure-pim/pim"
)

// chart is what ends on each day from the plan on.
type chart struct {
	Width, Height, Base int
	Bars                []bar
	Lines               []gridLine
	Total               int
	Last                time.Time
}

type bar struct {
	X, Width                     int
	ActiveY, ActiveH             int
	EligibleY, EligibleH         int
	Day                          string
	Label                        string // under the axis; empty for most days of a long chart
	Middle, Active, Eligible, At int
}

type gridLine struct {
	Y     int
	Label string
}

func (v *view) endings() {
	all := slices.Clone(v.Plan.Expiring)
	slices.SortFunc(all, func(a, b Ending) int { return cmp.Or(a.End.Compare(b.End), cmp.Compare(a.Scope, b.Scope)) })
	if len(all) == 0 {
		return
	}
	v.Chart = newChart(v.Plan.At, all)
	span := v.Chart.Last.Sub(v.Plan.At)
	for i, e := range all {
		if i == mostRows {
			v.More = len(all) - mostRows
			break
		}
		left := e.End.Sub(v.Plan.At)
		v.Endings = append(v.Endings, ending{e, days(left), max(1, int(100*left/span))})
	}
}

// newChart stacks what ends on each day: active below, eligible on top.
func newChart(from time.Time, all []Ending) *chart {
	const width, height, base, left = 960, 220, 180, 40
	first := from.Truncate(24 * time.Hour)
	n := int(all[len(all)-1].End.Sub(first).Hours()/24) + 1
	active, eligible := make([]int, n), make([]int, n)
	most := 1
	for _, e := range all {
		d := max(0, int(e.End.Sub(first).Hours()/24))
		if e.Kind == pim.Eligibility {
			eligible[d]++
		} else {
			active[d]++
		}
		most = max(most, active[d]+eligible[d])
	}
	top := niceTop(most)
	scale := func(k int) int { return k * (base - 20) / top }
	c := &chart{Width: width, Height: height, Base: base, Total: len(all), Last: first.Add(time.Duration(n) * 24 * time.Hour)}
	for _, part := range []int{0, top / 2, top} {
		if len(c.Lines) == 0 || c.Lines[len(c.Lines)-1].Label != fmt.Sprint(part) {
			c.Lines = append(c.Lines, gridLine{base - scale(part), fmt.Sprint(part)})
		}
	}
	step := (width - left - 10) / max(n, 7)
	every := int(math.Ceil(float64(n) / 15))
	for d := range n {
		at := first.Add(time.Duration(d) * 24 * time.Hour)
		b := bar{X: left + d*step + step/8, Width: max(2, step*3/4), Day: at.Format("Monday, 2 January 2006"), Active: active[d], Eligible: eligible[d], At: d}
		b.Middle = b.X + b.Width/2
		b.ActiveH, b.EligibleH = scale(active[d]), scale(eligible[d])
		b.ActiveY = base - b.ActiveH
		b.EligibleY = b.ActiveY - b.EligibleH
		if d%every == 0 {
			b.Label = at.Format("2 Jan")
		}
		c.Bars = append(c.Bars, b)
	}
	return c
}

// niceTop is the smallest round number that is no less than n.
func niceTop(n int) int {
	for scale := 1; ; scale *= 10 {
		for _, f := range []int{2, 4, 10} {
			if n <= f*scale {
				return f * scale
			}
		}
	}
}
