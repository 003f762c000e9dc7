package amqpbroker

import (
	"errors"
	"log"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

func TestClientSignsInWithSASL(t *testing.T) {
	const ok, refused = uint8(0), uint8(1)
	for _, tc := range []struct {
		name, mechanism, response string
		outcome                   uint8
		claim                     bool // for the whole namespace
	}{
		{"nobody", "ANONYMOUS", "someone", ok, false},
		{"nobody, as the .NET client says it", "MSSBCBS", "", ok, false},
		{"by certificate", "EXTERNAL", "", ok, false},
		{"with a key", "PLAIN", "\x00name\x00key", ok, true},
		{"with the wrong key", "PLAIN", "\x00name\x00wrong", refused, false},
		{"with no key", "PLAIN", "name", refused, false},
		{"in a way that is unknown", "CRAM-MD5", "", refused, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &Server{
					Broker: NewBroker(QueueConfig{Name: "q"}), Log: log.New(t.Output(), "broker: ", 0),
					Authorize: func(audience, tokenType, token string) error {
						require.Equal(t, []string{"", "PLAIN"}, []string{audience, tokenType})
						if token != "name:key" {
							return errors.New("who are you?")
						}
						return nil
					},
				}
				defer s.Close()
				c := hello(t, s, headerSASL)
				require.Equal(t, []any{symbol("MSSBCBS"), symbol("ANONYMOUS"), symbol("EXTERNAL"), symbol("PLAIN")}, c.want(codeMechanisms).fields.at(0))
				require.NoError(t, writeFrame(c.nc, frameSASL, 0, appendValue(nil, described{codeInit, []any{symbol(tc.mechanism), []byte(tc.response)}})))
				require.Equal(t, tc.outcome, c.want(codeOutcome).fields.at(0))
				if tc.outcome == refused {
					return
				}
				_, err := c.nc.Write([]byte(headerAMQP))
				require.NoError(t, err)
				c.send(codeOpen, "raw")
				c.send(codeBegin, nil, uint32(0), window, window)
				c.want(codeOpen)
				c.want(codeBegin)
				c.receiver(0, "out", "q")
				if !tc.claim {
					reason := c.want(codeDetach).fields.list(2, codeError)
					require.EqualValues(t, "amqp:unauthorized-access", reason.at(0))
				}
				c.wantNothing()
			})
		})
	}
}
