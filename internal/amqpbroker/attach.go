package amqpbroker

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/Azure/go-amqp"
)

const (
	sessionFilter = "com.microsoft:session-filter"

	// epochTicks is 1970-01-01 in .NET ticks of 100 ns since the year 1.
	epochTicks = 621355968000000000
)

// attach answers a client that opens a link.
func (s *session) attach(f fields) error {
	l := &link{session: s, name: f.string(0), handle: f.uint32(1), closed: make(chan struct{})}
	source, target := f.list(5, codeSource), f.list(6, codeTarget)
	if receives := f.bool(2); receives {
		const settled = uint8(1)
		l.address = source.string(0)
		l.out = &outgoing{consumer: newConsumer(s.conn), settled: f.at(3) == settled, replyTo: target.string(0)}
	} else {
		l.address = target.string(0)
		l.in = &incoming{received: f.uint32(9)}
	}
	if s.links[l.handle] != nil {
		return s.fail(&fault{amqp.ErrCondHandleInUse, fmt.Sprintf("The handle %d has a link already.", l.handle), 400})
	}
	s.links[l.handle] = l

	if target, _ := f.at(6).(described); target.code == codeCoordinator {
		return l.refuse(f, &fault{amqp.ErrCondNotImplemented, "Transactions are not supported.", 501})
	}
	err := l.resolve()
	filter, _ := source.at(7).(pairs)
	id, hasFilter := sessionOf(filter)
	if err == nil && l.out != nil && hasFilter != (l.queue != nil && l.queue.cfg.RequiresSession) {
		err = errNotAllowed("It is not possible for an entity that requires sessions to create a non-sessionful message receiver, or the reverse.")
	}
	switch {
	case err != nil:
		return l.refuse(f, err)
	case l.in != nil:
		if err := l.confirm(f, nil, pairs{{symbol("com.microsoft:max-message-batch-size"), uint64(MaxMessageSize)}}); err != nil {
			return err
		}
		return l.grant()
	case l.queue != nil:
		l.queue.subscribe(l.out.consumer)
	}
	if hasFilter {
		s.conn.wg.Go(func() { l.acceptGroup(f, id) })
		return nil
	}
	s.conn.wg.Go(l.pump)
	return l.confirm(f, nil, nil)
}

// resolve finds the queue at the link's address, and whether the client has a
// claim for it.
func (l *link) resolve() *fault {
	path := strings.Trim(l.address, "/")
	if isCBS(path) {
		return nil
	}
	entity, management := cutSuffixFold(path, "/"+managementNode)
	c := l.session.conn
	q := c.server.Broker.queue(entity)
	switch {
	case !c.claims.cover(path):
		return errUnauthorized(path)
	case q == nil:
		return errEntityNotFound(entity)
	case !management:
		l.queue = q
	}
	return nil
}

// sessionOf returns the session that a source's filter asks for: nil for the
// next one that is free. The .NET and JavaScript clients send the bare id.
func sessionOf(filter pairs) (id *string, ok bool) {
	for _, p := range filter {
		if p.key != symbol(sessionFilter) {
			continue
		}
		v := p.value
		if d, ok := v.(described); ok {
			v = d.value
		}
		if s, ok := v.(string); ok {
			return &s, true
		}
		return nil, true
	}
	return nil, false
}

// confirm answers the attach f.
func (l *link) confirm(f fields, filter, properties any) error {
	source, target := f.list(5, codeSource), f.list(6, codeTarget)
	var limit any // only on what the client sends: a message grows when it is stored
	if l.in != nil {
		limit = uint64(MaxMessageSize)
	}
	return l.session.send(codeAttach, l.name, l.handle, !f.bool(2), f.at(3), f.at(4),
		described{codeSource, []any{source.at(0), uint32(0), symbol("session-end"), uint32(0), false, nil, nil, filter}},
		described{codeTarget, []any{target.at(0), uint32(0), symbol("session-end"), uint32(0)}},
		nil, false, uint32(0), limit, nil, nil, properties)
}

// refuse answers the attach f with a link that has no end, as AMQP wants it,
// and detaches it with the reason.
func (l *link) refuse(f fields, reason *fault) error {
	if err := l.session.send(codeAttach, l.name, l.handle, !f.bool(2), f.at(3), f.at(4), nil, nil, nil, nil, uint32(0)); err != nil {
		return err
	}
	return l.fail(reason)
}

// acceptGroup waits for a session, as long as the client asked, and then
// delivers its messages.
func (l *link) acceptGroup(f fields, id *string) {
	timeout := time.Minute // what Service Bus waits unless told
	if properties, ok := f.at(13).(pairs); ok {
		if ms, ok := properties.get("com.microsoft:timeout").(uint32); ok {
			timeout = time.Duration(ms) * time.Millisecond
		}
	}
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	for {
		accepted, err := l.tryGroup(f, id)
		if err != nil {
			return
		}
		if accepted {
			l.out.consumer.poke() // what woke us may have been credit
			l.pump()
			return
		}
		select {
		case <-l.out.consumer.wake:
		case <-l.closed:
			return
		case <-deadline.C:
			l.session.conn.mu.Lock()
			_ = l.refuse(f, errTimeout)
			l.session.conn.mu.Unlock()
			return
		}
	}
}

// tryGroup confirms the link if a session can be locked.
func (l *link) tryGroup(f fields, id *string) (bool, error) {
	l.session.conn.mu.Lock()
	defer l.session.conn.mu.Unlock()
	if l.ended() {
		return false, errors.New("link has ended")
	}
	ok, err := l.queue.accept(l.out.consumer, id)
	if err != nil {
		return false, errors.Join(err, l.refuse(f, faultOf(err)))
	}
	if !ok {
		return false, nil
	}
	g := l.out.consumer.group
	filter, _ := f.list(5, codeSource).at(7).(pairs)
	var granted any = g.id // in the form in which it was asked for
	if d, ok := filter.get(sessionFilter).(described); ok {
		granted = described{d.code, g.id}
	}
	return true, l.confirm(f,
		pairs{{symbol(sessionFilter), granted}},
		pairs{{symbol("com.microsoft:locked-until-utc"), g.lockedUntil.UnixMilli()*10_000 + epochTicks}})
}

// cutSuffixFold is strings.CutSuffix without regard to case.
func cutSuffixFold(s, suffix string) (string, bool) {
	if i := len(s) - len(suffix); i >= 0 && strings.EqualFold(s[i:], suffix) {
		return s[:i], true
	}
	return s, false
}
