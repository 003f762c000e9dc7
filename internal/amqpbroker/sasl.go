package amqpbroker

import (
	"bufio"
	"errors"
	"fmt"
	"strings"
)

// mechanisms are those that Service Bus announces. With all but PLAIN a client
// stays a stranger until it puts its claims.
var mechanisms = []symbol{"MSSBCBS", "ANONYMOUS", "EXTERNAL", "PLAIN"}

// sasl authenticates the client: AMQP 1.0, 5.3.
func (c *conn) sasl(r *bufio.Reader) error {
	if _, err := c.nc.Write([]byte(headerSASL)); err != nil {
		return err
	}
	if err := writeFrame(c.nc, frameSASL, 0, appendValue(nil, described{codeMechanisms, []any{mechanisms}})); err != nil {
		return err
	}
	f, err := readFrame(r)
	if err != nil {
		return err
	}
	if f.code != codeInit {
		return errors.New("client did not begin SASL")
	}
	const ok, refused = uint8(0), uint8(1)
	if err := c.authenticate(f.fields); err != nil {
		return errors.Join(err, writeFrame(c.nc, frameSASL, 0, appendValue(nil, described{codeOutcome, []any{refused}})))
	}
	return writeFrame(c.nc, frameSASL, 0, appendValue(nil, described{codeOutcome, []any{ok}}))
}

// authenticate takes what the client sends with its mechanism. A key's name and
// the key (PLAIN) are a claim for the whole namespace.
func (c *conn) authenticate(init fields) error {
	mechanism, _ := init.at(0).(symbol)
	switch mechanism {
	case "MSSBCBS", "ANONYMOUS", "EXTERNAL":
		return nil
	case "PLAIN":
	default:
		return fmt.Errorf("SASL mechanism %q is unknown", mechanism)
	}
	response, _ := init.at(1).([]byte)
	parts := strings.Split(string(response), "\x00") // RFC 4616: who to act as, user, password
	if len(parts) != 3 || parts[1] == "" {
		return errors.New("SASL PLAIN has no user and password")
	}
	if c.server.Authorize != nil {
		if err := c.server.Authorize("", "PLAIN", parts[1]+":"+parts[2]); err != nil {
			return err
		}
	}
	c.claims = append(c.claims, "")
	return nil
}
