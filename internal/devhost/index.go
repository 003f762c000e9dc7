package devhost

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// hostSays is an error in the host's own words, so that a search for them
// leads to its documentation.
type hostSays string

func (s hostSays) Error() string { return string(s) }

const (
	errMissingScript = hostSays("Invalid script file name configuration. The 'scriptFile' property is set to a file that does not exist.")
	errBindingName   = hostSays("A valid name must be assigned to the binding.")
	errNoTrigger     = hostSays("No trigger binding specified. A function must have a trigger input binding.")
	errManyTriggers  = hostSays("Multiple trigger bindings defined. A function can only have a single trigger binding.")
	errRouteConflict = hostSays("The specified route conflicts with one or more built in routes.")
)

// What the real host has and this one has not puts a function in error, so
// that nobody takes it for working.
var (
	errRetryPolicy    = errors.New("devhost has no retry policies")
	errEnvelopeHTTP   = errors.New("devhost only forwards HTTP: host.json needs customHandler.enableForwardingHttpRequest, and function.json one httpTrigger and one http output")
	errTopic          = errors.New("devhost pumps queues only, no topics")
	errSessions       = errors.New("devhost has no sessions")
	errBatches        = errors.New("devhost delivers one message at a time: cardinality must be \"one\"")
	errManualComplete = errors.New("devhost needs extensions.serviceBus.autoCompleteMessages: a custom handler cannot settle")
)

// index checks what only the trigger's own extension can check.
func (f *function) index(bindings []binding, host hostJSON, set settings) (err error) {
	switch t := &f.trigger; {
	case t.is("httpTrigger"):
		return f.indexHTTP(bindings, host)
	case t.is("timerTrigger"):
		if t.Schedule, err = set.resolve(t.Schedule); err != nil {
			return err
		}
		f.schedule, err = parseSchedule(t.Schedule)
		return err
	default:
		if t.QueueName, err = set.resolve(t.QueueName); err != nil {
			return err
		}
		switch {
		case t.TopicName != "" || t.QueueName == "":
			return errTopic
		case t.IsSessionsEnabled:
			return errSessions
		case strings.EqualFold(t.Cardinality, "many"):
			return errBatches
		case strings.EqualFold(host["extensions:servicebus:autocompletemessages"], "false"):
			return errManualComplete
		}
		return nil
	}
}

func (f *function) indexHTTP(bindings []binding, host hostJSON) (err error) {
	simple := len(bindings) == 2 && slices.ContainsFunc(bindings, func(b binding) bool { return b.is("http") })
	if !simple || !host.truth("customhandler:enableforwardinghttprequest") {
		return errEnvelopeHTTP
	}
	if f.level, err = parseAuthLevel(f.trigger.AuthLevel); err != nil {
		return err
	}
	template := f.name
	if f.trigger.Route != nil {
		template = strings.Trim(*f.trigger.Route, "/")
	}
	template = strings.Trim(host.routePrefix()+"/"+template, "/")
	if first, _, _ := strings.Cut(strings.ToLower(template), "/"); first == "admin" || first == "runtime" {
		return errRouteConflict
	}
	if f.route, err = parseRoute(template, f.trigger.Methods); err != nil {
		return fmt.Errorf("route %q: %w", template, err)
	}
	return nil
}
