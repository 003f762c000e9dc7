package amqpbroker

import "strings"

// answer does what a message sent to $cbs or $management asks, and sends the
// result to the receiving link that the client has beside this one.
func (l *link) answer(ask *content) error {
	to := l.replyLink(ask.properties.string(propertyReplyTo))
	if to == nil {
		return errNotAllowed("There is no receiving link for answers at '%s'.", l.address)
	}
	var r response
	if isCBS(strings.Trim(l.address, "/")) {
		r.status, r.description = l.session.conn.putToken(ask)
	} else {
		r = l.manage(ask)
	}
	to.out.answers = append(to.out.answers, &delivery{data: r.encode(ask.properties.at(propertyMessageID))})
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

// response is an answer of $cbs or $management.
type response struct {
	status      int32
	description string
	condition   string // of an error
	value       pairs
}

// encode returns the answer to the request with the id. Its properties are
// under both spellings: $cbs and $management clients read different ones.
func (r response) encode(id any) []byte {
	p := pairs{
		{"status-code", r.status}, {"statusCode", r.status},
		{"status-description", r.description}, {"statusDescription", r.description},
	}
	if r.condition != "" {
		p = append(p, pair{"error-condition", r.condition}, pair{"errorCondition", r.condition})
	}
	b := appendValue(nil, described{codeProperties, []any{nil, nil, nil, nil, nil, id}}) // correlation-id
	b = appendValue(b, described{codeApplication, p})
	return appendValue(b, described{codeValue, r.value})
}
