package amqpbroker

import (
	"strings"

	"github.com/Azure/go-amqp"
)

// managementNode is the node of each entity that takes requests about it.
const managementNode = "$management"

// operations are the requests a $management node takes. Their names are in
// "AMQP 1.0 in Azure Service Bus: request-response-based operations".
var operations = map[string]func(request) (pairs, error){
	"com.microsoft:renew-lock":                 request.renewLock,
	"com.microsoft:peek-message":               request.peekMessage,
	"com.microsoft:schedule-message":           request.scheduleMessage,
	"com.microsoft:cancel-scheduled-message":   request.cancelScheduledMessage,
	"com.microsoft:receive-by-sequence-number": request.receiveBySequenceNumber,
	"com.microsoft:update-disposition":         request.updateDisposition,
	"com.microsoft:renew-session-lock":         request.renewSessionLock,
	"com.microsoft:get-session-state":          request.getSessionState,
	"com.microsoft:set-session-state":          request.setSessionState,
	"com.microsoft:get-message-sessions":       request.getMessageSessions,
}

// manage answers one request to the link's $management node.
func (l *link) manage(ask *content) response {
	entity, _ := cutSuffixFold(strings.Trim(l.address, "/"), "/"+managementNode)
	name, _ := ask.application.get("operation").(string)
	do := operations[name]
	if do == nil {
		return response{501, "The operation '" + name + "' is not supported.", string(amqp.ErrCondNotImplemented), nil}
	}
	in, _ := ask.value().(pairs)
	out, err := do(request{l.session.conn.server.Broker.queue(entity), l.session.conn, in})
	switch {
	case err != nil:
		f := faultOf(err)
		return response{f.status, f.description, string(f.condition), nil}
	case out == nil:
		return response{204, "No content", "", nil}
	}
	return response{200, "OK", "", out}
}

func (r request) renewLock() (pairs, error) {
	tokens, err := r.tokens()
	if err != nil {
		return nil, err
	}
	ends, err := r.queue.renew(tokens)
	return pairs{{"expirations", ends}}, err
}

func (r request) peekMessage() (pairs, error) {
	var session *string
	if id, ok := r.in.get("session-id").(string); ok {
		session = &id
	}
	from, _ := r.in.get("from-sequence-number").(int64)
	count, _ := r.in.get("message-count").(int32)
	var list []any
	for _, data := range r.queue.peek(from, int(count), session) {
		list = append(list, pairs{{"message", data}})
	}
	if list == nil {
		return nil, nil
	}
	return pairs{{"messages", list}}, nil
}

func (r request) scheduleMessage() (pairs, error) {
	items, err := listOf[pairs](r, "messages")
	if err != nil {
		return nil, err
	}
	var messages []*content
	for _, item := range items {
		data, _ := item.get("message").([]byte)
		c, err := parse(data)
		if err != nil {
			return nil, err
		}
		messages = append(messages, c)
	}
	sequences, err := r.queue.enqueue(messages...)
	return pairs{{"sequence-numbers", sequences}}, err
}

func (r request) cancelScheduledMessage() (pairs, error) {
	sequences, err := r.sequences()
	if err != nil {
		return nil, err
	}
	return pairs{}, r.queue.cancel(sequences)
}

func (r request) receiveBySequenceNumber() (pairs, error) {
	sequences, err := r.sequences()
	if err != nil {
		return nil, err
	}
	const second = uint32(1)
	deliveries, err := r.queue.deferred(r.conn, sequences, r.in.get("receiver-settle-mode") == second)
	if err != nil {
		return nil, err
	}
	var list []any
	for _, d := range deliveries {
		list = append(list, pairs{{"lock-token", d.token}, {"message", d.data}})
	}
	return pairs{{"messages", list}}, nil
}

func (r request) updateDisposition() (pairs, error) {
	tokens, err := r.tokens()
	if err != nil {
		return nil, err
	}
	status, _ := r.in.get("disposition-status").(string)
	kinds := map[string]uint64{"completed": codeAccepted, "abandoned": codeModified, "suspended": codeRejected, "defered": codeModified}
	o := outcome{kind: kinds[status], deferred: status == "defered"}
	if o.kind == 0 {
		return nil, errArgument("disposition-status '%s' is unknown.", status)
	}
	o.reason, _ = r.in.get("deadletter-reason").(string)
	o.description, _ = r.in.get("deadletter-description").(string)
	o.properties, _ = r.in.get("properties-to-modify").(pairs)
	for _, t := range tokens {
		if err := r.queue.settle(t, o); err != nil {
			return nil, err
		}
	}
	return pairs{}, nil
}

func (r request) renewSessionLock() (pairs, error) {
	id, _ := r.in.get("session-id").(string)
	end, err := r.queue.renewGroup(id, r.conn)
	return pairs{{"expiration", end}}, err
}

func (r request) getSessionState() (pairs, error) {
	id, _ := r.in.get("session-id").(string)
	state, err := r.queue.groupState(id, r.conn)
	if state == nil {
		return pairs{{"session-state", nil}}, err
	}
	return pairs{{"session-state", state}}, err
}

func (r request) setSessionState() (pairs, error) {
	id, _ := r.in.get("session-id").(string)
	state, _ := r.in.get("session-state").([]byte)
	return pairs{}, r.queue.setGroupState(id, r.conn, state)
}

func (r request) getMessageSessions() (pairs, error) {
	ids := r.queue.groupIDs()
	skip, _ := r.in.get("skip").(int32)
	top, _ := r.in.get("top").(int32)
	if skip < 0 || top < 0 {
		return nil, errArgument("skip and top cannot be negative.")
	}
	if int(skip) >= len(ids) {
		return nil, nil
	}
	ids = ids[skip:]
	return pairs{{"skip", skip}, {"sessions-ids", ids[:min(len(ids), int(top))]}}, nil
}
