package pim

import (
	"regexp"
	"strings"
)

// mark is how a ScheduleRequest's Mark stands at the end of its justification, the
// one field of ours that comes back from every listing on Graph.
var mark = regexp.MustCompile(`\s*\[pim:([A-Za-z0-9._:-]+)\]$`)

// marked is the justification as it is sent. It stays within the length of the
// portal's field, since a mark that is cut off finds nothing.
func marked(justification, m string) string {
	if m == "" {
		return justification
	}
	tail := "[pim:" + m + "]"
	text := []rune(justification)
	if most := maxJustification - len(tail) - 1; len(text) > most {
		text = append(text[:max(0, most-1)], '…')
	}
	return strings.TrimSpace(string(text) + " " + tail)
}

// unmarked takes justification and mark apart again.
func unmarked(text string) (justification, m string) {
	at := mark.FindStringSubmatchIndex(text)
	if at == nil {
		return text, ""
	}
	return text[:at[0]], text[at[2]:at[3]]
}
