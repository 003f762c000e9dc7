package amqpbroker

import (
	"strings"

	"github.com/Azure/go-amqp"
)

// answer does what a message sent to $cbs or $management asks, and sends the
// result to the receiving link that the client has beside this one.
func (l *link) answer(m *amqp.Message) error {
	var r *amqp.Message
	if isCBS(strings.Trim(l.address, "/")) {
		status, reason := l.session.conn.putToken(m)
		r = response(status, reason, "", nil)
	} else {
		r = l.manage(m)
	}
	r.Properties = &amqp.MessageProperties{}
	replyTo := ""
	if m.Properties != nil {
		r.Properties.CorrelationID = m.Properties.MessageID
		replyTo = str(m.Properties.ReplyTo)
	}
	data, err := r.MarshalBinary()
	if err != nil {
		return err
	}
	to := l.replyLink(replyTo)
	if to == nil {
		return errNotAllowed("There is no receiving link for answers at '%s'.", l.address)
	}
	to.out.answers = append(to.out.answers, &delivery{data: data})
	to.out.consumer.poke()
	return nil
}

// replyLink finds the link of the same node that answers to replyTo go to: the
// one with that target address, else the one with that name, which is what
// @azure/service-bus puts there for $cbs, else any.
func (l *link) replyLink(replyTo string) *link {
	var named, other *link
	for _, s := range l.session.conn.sessions {
		for _, x := range s.links {
			switch {
			case x.out == nil || x.queue != nil || !strings.EqualFold(x.address, l.address):
			case replyTo != "" && x.out.replyTo == replyTo:
				return x
			case x.name == replyTo:
				named = x
			default:
				other = x
			}
		}
	}
	if named != nil {
		return named
	}
	return other
}

// response is an answer under both spellings of its properties: $cbs and
// $management clients read different ones.
func response(status int32, description, condition string, value any) *amqp.Message {
	p := map[string]any{
		"status-code": status, "statusCode": status,
		"status-description": description, "statusDescription": description,
	}
	if condition != "" {
		p["error-condition"], p["errorCondition"] = condition, condition
	}
	if value == nil {
		value = map[string]any{}
	}
	return &amqp.Message{Value: value, ApplicationProperties: p}
}
