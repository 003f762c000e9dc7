package main

import (
	"errors"
	"strings"

	"github.com/azurepim/azure-pim/pim"
)

// longest bounds a message on standard error, in characters.
const longest = 600

// explain is err in one line for whoever typed the command, with the remedy if
// there is one.
func explain(err error) string {
	text := err.Error()
	if e, ok := errors.AsType[*pim.Error](err); ok {
		whole := words(e)
		// What stands before our error was added by a command to say what it is about.
		before, _, found := strings.Cut(text, e.Error())
		if !found {
			before = ""
		}
		text = before + whole
	}
	text = strings.Join(strings.Fields(clean(text)), " ")
	if r := []rune(text); len(r) > longest {
		text = string(r[:longest]) + "…"
	}
	return text
}

// words is what e says: the detail or the code, what lies below, and the remedy.
func words(e *pim.Error) string {
	text := e.Detail
	if text == "" {
		text = string(pim.CodeOf(e))
	}
	if e.PIMCode != "" {
		text += " (" + e.PIMCode + ")"
	}
	for _, r := range e.Unmet {
		text += "; " + r.Detail
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	if e.Remedy != "" {
		text += "; " + e.Remedy
	}
	return text
}
