package devhost

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
)

// port is a TCP port of 127.0.0.1 kept for the handler. The handler binds it
// later, and again at each restart, so we cannot hold it ourselves: we hold the
// UDP port of the same number, for which every other host asks first.
type port struct {
	number int
	held   net.PacketConn
}

// reservePort looks below the range that systems take ports for outgoing
// connections from: no connection may have the handler's port meanwhile.
func reservePort() (*port, error) {
	for range 1000 {
		p := port{number: 15000 + rand.IntN(17000)}
		address := "127.0.0.1:" + strconv.Itoa(p.number)
		var err error
		if p.held, err = net.ListenPacket("udp4", address); err != nil {
			continue
		}
		if ln, err := net.Listen("tcp4", address); err == nil {
			return &p, ln.Close()
		}
		p.release()
	}
	return nil, errors.New("no port is free for the handler")
}

func (p *port) release() {
	if p != nil {
		_ = p.held.Close() // nothing was written
	}
}
