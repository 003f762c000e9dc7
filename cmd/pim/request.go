package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/azurepim/azure-pim/pim"
	"github.com/spf13/cobra"
)

// maxFile bounds what is read as a request, in bytes; the app takes less.
const maxFile = 4 << 20

// asking is the flags that make a request, or name the file that holds it.
type asking struct {
	file, ticket, ticketSystem string
	fields                     map[string]*string // by field of the request
}

func (a *asking) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&a.file, "file", "f", "", "JSON file of one request, an array of them or {\"changes\": […]}; - is standard input")
	a.fields = map[string]*string{}
	for _, flag := range []struct{ name, field, doc string }{
		{"id", "id", "change id of the caller's"},
		{"action", "action", "grant, makeEligible, activate, assign, deactivate, removeEligible, extend, renew or cancel"},
		{"plane", "plane", "azure, directory or group (default azure)"},
		{"scope", "scope", "where the role is held"},
		{"role", "role", "name, GUID or full id of the role; member or owner of a group"},
		{"principal", "principalId", "object id of who gains or loses the role"},
		{"duration", "duration", "how long, as ISO 8601 writes it: PT4H, P30D"},
		{"eligible-duration", "eligibleDuration", "how long an eligibility lasts that a grant has to make"},
		{"kind", "kind", "eligibility or assignment, to extend, renew or cancel"},
		{"start", "start", "when it begins, as RFC 3339 writes it (default now)"},
		{"justification", "justification", "why"},
		{"condition", "condition", "ABAC condition, version 2.0"},
	} {
		a.fields[flag.field] = f.String(flag.name, "", flag.doc)
		if flag.name != "scope" {
			cmd.MarkFlagsMutuallyExclusive("file", flag.name)
		}
	}
	f.StringVar(&a.ticket, "ticket", "", "number of the ticket behind the request")
	f.StringVar(&a.ticketSystem, "ticket-system", "", "system that the ticket is in")
	cmd.MarkFlagsMutuallyExclusive("file", "scope")
	cmd.MarkFlagsMutuallyExclusive("file", "ticket")
	cmd.MarkFlagsMutuallyExclusive("file", "ticket-system")
	complete(cmd, "action", "grant", "makeEligible", "activate", "assign", "deactivate", "removeEligible", "extend", "renew", "cancel")
	complete(cmd, "plane", "azure", "directory", "group")
	complete(cmd, "kind", "eligibility", "assignment")
}

// batch is what is asked: the JSON as the app takes it, and the requests in it.
type batch struct {
	body     []byte
	many     bool // an array or {"changes": […]}: the answer is one too
	requests []pim.Request
}

// read takes the requests from the file or the flags.
func (a *asking) read(c *cli) (batch, error) {
	if a.file != "" {
		b, err := c.readFile(a.file)
		if err != nil {
			return batch{}, err
		}
		out, err := parseRequests(b)
		if err != nil {
			return batch{}, usage("%s: %w", name(a.file), err)
		}
		return out, nil
	}
	fields := map[string]any{}
	for field, value := range a.fields {
		if *value != "" {
			fields[field] = *value
		}
	}
	if a.ticket != "" || a.ticketSystem != "" {
		fields["ticket"] = pim.Ticket{Number: a.ticket, System: a.ticketSystem}
	}
	if len(fields) == 0 {
		return batch{}, usage("nothing is asked: name a --file, or at least --action, --scope, --role and --principal")
	}
	b, err := json.Marshal(fields)
	if err != nil {
		return batch{}, err
	}
	// The flags go through the parser of the file, which fills defaults and checks.
	out, err := parseRequests(b)
	if err != nil {
		return batch{}, usageError{err}
	}
	return out, nil
}

// parseRequests reads one request, an array, or {"changes": […]}, as the app does.
func parseRequests(b []byte) (batch, error) {
	out := batch{body: b}
	b = bytes.TrimSpace(b)
	var items []json.RawMessage
	var probe map[string]json.RawMessage
	switch {
	case len(b) == 0:
		return out, errors.New("there is no request in it")
	case b[0] == '[':
		out.many = true
		if err := pim.DecodeStrict(b, &items); err != nil {
			return out, err
		}
	case json.Unmarshal(b, &probe) == nil && probe["changes"] != nil:
		out.many = true
		var doc struct {
			Changes []json.RawMessage `json:"changes"`
		}
		if err := pim.DecodeStrict(b, &doc); err != nil {
			return out, err
		}
		items = doc.Changes
	default:
		items = []json.RawMessage{b}
	}
	if len(items) == 0 {
		return out, errors.New("there is no request in it")
	}
	for i, item := range items {
		var r pim.Request
		err := r.UnmarshalJSON(item)
		if err != nil && out.many {
			err = fmt.Errorf("request %d: %w", i+1, err)
		}
		if err != nil {
			return out, err
		}
		out.requests = append(out.requests, r)
	}
	return out, nil
}

// readFile reads a file, or standard input for "-".
func (c *cli) readFile(path string) ([]byte, error) {
	in := c.in
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", name(path), err)
	case len(b) > maxFile:
		return nil, fmt.Errorf("%s is longer than %d bytes", name(path), maxFile)
	}
	return b, nil
}

// name is how a file is spoken of.
func name(path string) string {
	if path == "-" {
		return "standard input"
	}
	return path
}

// sentence is what a request asks for, in words.
func sentence(r pim.Request) string {
	s := string(r.Action) + " " + r.Role
	if r.Duration != 0 {
		s += " for " + r.Duration.String()
	}
	if r.ID != "" {
		s += ", " + r.ID
	}
	return s
}
