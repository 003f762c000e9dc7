package amqpbroker

import (
	"fmt"
	"slices"
	"strings"

	"github.com/Azure/go-amqp"
)

// managementNode is the node of each entity that takes requests about it.
const managementNode = "$management"

// operations are the requests a $management node takes. Their names are in
// "AMQP 1.0 in Azure Service Bus: request-response-based operations".
var operations = map[string]func(request) (map[string]any, error){
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

// request is what a client asks of a $management node.
type request struct {
	queue *queue
	conn  *conn
	in    map[string]any
}

// manage answers one request to the link's $management node.
func (l *link) manage(m *amqp.Message) *amqp.Message {
	entity, _ := cutSuffixFold(strings.Trim(l.address, "/"), "/"+managementNode)
	name, _ := m.ApplicationProperties["operation"].(string)
	do := operations[name]
	if do == nil {
		return response(501, "The operation '"+name+"' is not supported.", string(amqp.ErrCondNotImplemented), nil)
	}
	in, _ := m.Value.(map[string]any)
	out, err := do(request{l.session.conn.server.Broker.queue(entity), l.session.conn, in})
	switch {
	case err != nil:
		f := faultOf(err)
		return response(f.status, f.description, string(f.condition), nil)
	case out == nil:
		return response(204, "No content", "", nil)
	}
	return response(200, "OK", "", out)
}

func (r request) renewLock() (map[string]any, error) {
	ends, err := r.queue.renew(tokens(r.in["lock-tokens"]))
	return map[string]any{"expirations": ends}, err
}

func (r request) peekMessage() (map[string]any, error) {
	var session *string
	if id, ok := r.in["session-id"].(string); ok {
		session = &id
	}
	from, _ := r.in["from-sequence-number"].(int64)
	count, _ := r.in["message-count"].(int32)
	peeked, err := r.queue.peek(from, int(count), session)
	if err != nil || len(peeked) == 0 {
		return nil, err
	}
	var list []any
	for _, data := range peeked {
		list = append(list, map[string]any{"message": data})
	}
	return map[string]any{"messages": list}, nil
}

func (r request) scheduleMessage() (map[string]any, error) {
	var messages []*amqp.Message
	items, _ := r.in["messages"].([]any)
	for _, item := range items {
		fields, _ := item.(map[string]any)
		data, _ := fields["message"].([]byte)
		m := new(amqp.Message)
		if err := m.UnmarshalBinary(data); err != nil {
			return nil, err
		}
		messages = append(messages, m)
	}
	sequences, err := r.queue.enqueue(messages...)
	return map[string]any{"sequence-numbers": sequences}, err
}

func (r request) cancelScheduledMessage() (map[string]any, error) {
	return map[string]any{}, r.queue.cancel(sequences(r.in))
}

func (r request) receiveBySequenceNumber() (map[string]any, error) {
	const second = uint32(1)
	deliveries, err := r.queue.deferred(r.conn, sequences(r.in), r.in["receiver-settle-mode"] == second)
	if err != nil {
		return nil, err
	}
	var list []any
	for _, d := range deliveries {
		list = append(list, map[string]any{"lock-token": amqp.UUID(d.token), "message": d.data})
	}
	return map[string]any{"messages": list}, nil
}

func (r request) updateDisposition() (map[string]any, error) {
	status, _ := r.in["disposition-status"].(string)
	kinds := map[string]uint64{"completed": codeAccepted, "abandoned": codeModified, "suspended": codeRejected, "defered": codeModified}
	o := outcome{kind: kinds[status], deferred: status == "defered"}
	if o.kind == 0 {
		return nil, fmt.Errorf("disposition-status %q is unknown", status)
	}
	o.reason, _ = r.in["deadletter-reason"].(string)
	o.description, _ = r.in["deadletter-description"].(string)
	o.properties, _ = r.in["properties-to-modify"].(map[string]any)
	for _, t := range tokens(r.in["lock-tokens"]) {
		if err := r.queue.settle(t, o); err != nil {
			return nil, err
		}
	}
	return map[string]any{}, nil
}

func (r request) renewSessionLock() (map[string]any, error) {
	id, _ := r.in["session-id"].(string)
	end, err := r.queue.renewGroup(id, r.conn)
	return map[string]any{"expiration": end}, err
}

func (r request) getSessionState() (map[string]any, error) {
	id, _ := r.in["session-id"].(string)
	state, err := r.queue.groupState(id, r.conn)
	if state == nil {
		return map[string]any{"session-state": nil}, err
	}
	return map[string]any{"session-state": state}, err
}

func (r request) setSessionState() (map[string]any, error) {
	id, _ := r.in["session-id"].(string)
	state, _ := r.in["session-state"].([]byte)
	return map[string]any{}, r.queue.setGroupState(id, r.conn, state)
}

func (r request) getMessageSessions() (map[string]any, error) {
	ids := r.queue.groupIDs()
	skip, _ := r.in["skip"].(int32)
	top, _ := r.in["top"].(int32)
	if int(skip) >= len(ids) {
		return nil, nil
	}
	return map[string]any{"skip": skip, "sessions-ids": ids[skip:min(len(ids), int(skip+top))]}, nil
}

// groupIDs returns the ids of the sessions, sorted.
func (q *queue) groupIDs() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	var ids []string
	for id := range q.groups {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func sequences(in map[string]any) []int64 {
	s, _ := in["sequence-numbers"].([]int64)
	return s
}

func tokens(v any) []uuid {
	list, _ := v.([]amqp.UUID)
	var out []uuid
	for _, t := range list {
		out = append(out, uuid(t))
	}
	return out
}
