package amqpbroker

import "sync"

// link is one direction of messages between a client and a queue, $cbs or a
// $management node. The connection's mu guards it.
type link struct {
	session *session
	handle  uint32 // the client's and ours: we use the same
	name    string
	address string // the queue or node
	queue   *queue // nil for a node

	in  *incoming // the client sends
	out *outgoing // the client receives

	closed chan struct{}
	once   sync.Once
}

// drop ends the link without a word to the client.
func (l *link) drop() {
	l.once.Do(func() { close(l.closed) })
	delete(l.session.links, l.handle)
	l.session.space.Broadcast()
	if l.out != nil && l.queue != nil {
		l.queue.unsubscribe(l.out.consumer)
	}
}

// fail ends the link and tells the client why.
func (l *link) fail(f *fault) error {
	l.drop()
	return l.session.send(codeDetach, l.handle, true, f.encode())
}

func (l *link) ended() bool {
	select {
	case <-l.closed:
		return true
	case <-l.session.conn.done:
		return true
	default:
		return false
	}
}
