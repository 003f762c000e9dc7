package amqpbroker

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// maxFrameSize is what we announce; peers that allow less get less.
const maxFrameSize = 64 << 10

// minMaxFrameSize is the least that a peer may allow: AMQP 1.0, 2.7.1.
const minMaxFrameSize = 512

// Types of frame: AMQP 1.0, 2.3.1 and 5.3.1.
const (
	frameAMQP = byte(0)
	frameSASL = byte(1)
)

// frame is one frame: a performative and, behind a transfer, part of a message.
type frame struct {
	channel uint16
	code    uint64 // zero: an empty frame, sent to keep the connection alive
	fields  fields
	payload []byte
}

func readFrame(r *bufio.Reader) (frame, error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return frame{}, err
	}
	size, offset := binary.BigEndian.Uint32(head[:]), 4*int(head[4])
	if size > maxFrameSize || offset < len(head) || offset > int(size) {
		return frame{}, fmt.Errorf("frame has the bad head % x", head)
	}
	f := frame{channel: binary.BigEndian.Uint16(head[6:])}
	body := make([]byte, int(size)-len(head))
	if _, err := io.ReadFull(r, body); err != nil {
		return frame{}, err
	}
	if body = body[offset-len(head):]; len(body) == 0 {
		return f, nil
	}
	v, rest, err := decode(body)
	if err != nil {
		return frame{}, err
	}
	d, _ := v.(described)
	code, isCode := d.code.(uint64)
	list, isList := d.value.([]any)
	if !isCode || !isList {
		return frame{}, errors.New("frame does not hold a performative")
	}
	f.code, f.fields, f.payload = code, list, rest
	return f, nil
}

// writeFrame writes one frame at once, so that frames never mix.
func writeFrame(w io.Writer, kind byte, channel uint16, body []byte) error {
	const offset = 2 // in words of 4 bytes
	b := binary.BigEndian.AppendUint32(make([]byte, 0, 8+len(body)), uint32(8+len(body)))
	b = append(b, offset, kind)
	b = binary.BigEndian.AppendUint16(b, channel)
	_, err := w.Write(append(b, body...))
	return err
}
