package amqpbroker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
)

var errShort = errors.New("value ends early")

// maxDepth bounds the nesting of values, so that no frame exhausts the stack.
const maxDepth = 32

// decode reads one value and returns the bytes after it.
func decode(b []byte) (v any, rest []byte, err error) {
	d := decoder{b}
	v, err = d.value(0)
	return v, d.b, err
}

// decoder reads values as AMQP 1.0 part 1 encodes them.
type decoder struct{ b []byte }

func (d *decoder) take(n int) ([]byte, error) {
	if n > len(d.b) {
		return nil, errShort
	}
	v := d.b[:n]
	d.b = d.b[n:]
	return v, nil
}

// number reads an unsigned integer of up to 8 bytes.
func (d *decoder) number(width int) (uint64, error) {
	b, err := d.take(width)
	if err != nil {
		return 0, err
	}
	var u uint64
	for _, x := range b {
		u = u<<8 | uint64(x)
	}
	return u, nil
}

func (d *decoder) value(depth int) (any, error) {
	if depth > maxDepth {
		return nil, errors.New("value is nested too deep")
	}
	c, err := d.number(1)
	if err != nil {
		return nil, err
	}
	if c != 0 {
		return d.payload(byte(c), depth)
	}
	code, err := d.value(depth + 1)
	if err != nil {
		return nil, err
	}
	v, err := d.value(depth + 1)
	return described{code, v}, err
}

// payload reads what follows constructor c, whose upper half tells the width.
func (d *decoder) payload(c byte, depth int) (any, error) {
	switch c >> 4 {
	case 0x4, 0x5, 0x6, 0x7, 0x8, 0x9:
		width := map[byte]int{0x4: 0, 0x5: 1, 0x6: 2, 0x7: 4, 0x8: 8, 0x9: 16}[c>>4]
		b, err := d.take(width)
		if err != nil {
			return nil, err
		}
		return scalar(c, b)
	case 0xa:
		return d.variable(c, 1)
	case 0xb:
		return d.variable(c, 4)
	case 0xc:
		return d.compound(c, 1, depth)
	case 0xd:
		return d.compound(c, 4, depth)
	case 0xe:
		return d.array(c, 1, depth)
	case 0xf:
		return d.array(c, 4, depth)
	}
	return nil, fmt.Errorf("constructor 0x%02x is unknown", c)
}

func scalar(c byte, b []byte) (any, error) {
	switch c {
	case 0x40:
		return nil, nil
	case 0x41:
		return true, nil
	case 0x42:
		return false, nil
	case 0x43:
		return uint32(0), nil
	case 0x44:
		return uint64(0), nil
	case 0x45:
		return []any{}, nil
	case 0x50:
		return b[0], nil
	case 0x51:
		return int8(b[0]), nil
	case 0x52:
		return uint32(b[0]), nil
	case 0x53:
		return uint64(b[0]), nil
	case 0x54:
		return int32(int8(b[0])), nil
	case 0x55:
		return int64(int8(b[0])), nil
	case 0x56:
		return b[0] != 0, nil
	case 0x60:
		return binary.BigEndian.Uint16(b), nil
	case 0x61:
		return int16(binary.BigEndian.Uint16(b)), nil
	case 0x70:
		return binary.BigEndian.Uint32(b), nil
	case 0x71:
		return int32(binary.BigEndian.Uint32(b)), nil
	case 0x72:
		return math.Float32frombits(binary.BigEndian.Uint32(b)), nil
	case 0x73, 0x74, 0x84, 0x94: // char and decimals
		return append(encoded{c}, b...), nil
	case 0x80:
		return binary.BigEndian.Uint64(b), nil
	case 0x81:
		return int64(binary.BigEndian.Uint64(b)), nil
	case 0x82:
		return math.Float64frombits(binary.BigEndian.Uint64(b)), nil
	case 0x83:
		return time.UnixMilli(int64(binary.BigEndian.Uint64(b))).UTC(), nil
	case 0x98:
		return uuid(b), nil
	}
	return nil, fmt.Errorf("constructor 0x%02x is unknown", c)
}

func (d *decoder) variable(c byte, width int) (any, error) {
	n, err := d.number(width)
	if err != nil {
		return nil, err
	}
	b, err := d.take(int(n))
	if err != nil {
		return nil, err
	}
	switch c & 0xf {
	case 0x0:
		return append([]byte(nil), b...), nil
	case 0x1:
		return string(b), nil
	case 0x3:
		return symbol(b), nil
	}
	return nil, fmt.Errorf("constructor 0x%02x is unknown", c)
}

// body reads the size and count that lists, maps and arrays begin with.
func (d *decoder) body(width int) (*decoder, int, error) {
	size, err := d.number(width)
	if err != nil {
		return nil, 0, err
	}
	b, err := d.take(int(size))
	if err != nil {
		return nil, 0, err
	}
	sub := &decoder{b}
	count, err := sub.number(width)
	if err != nil {
		return nil, 0, err
	}
	if count > uint64(len(b)) { // an element has at least one byte
		return nil, 0, errShort
	}
	return sub, int(count), nil
}

func (d *decoder) compound(c byte, width, depth int) (any, error) {
	sub, n, err := d.body(width)
	if err != nil {
		return nil, err
	}
	list := make([]any, 0, n)
	for range n {
		v, err := sub.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	if c&0xf == 0 {
		return list, nil
	}
	m := make(pairs, 0, n/2)
	for i := 0; i+1 < n; i += 2 {
		m = append(m, pair{list[i], list[i+1]})
	}
	return m, nil
}

// array reads an array, whose elements share one constructor.
func (d *decoder) array(constructor byte, width, depth int) (any, error) {
	whole := d.b
	sub, n, err := d.body(width)
	if err != nil {
		return nil, err
	}
	c, err := sub.number(1)
	if err != nil {
		return nil, err
	}
	if c == 0 {
		return encoded(append([]byte{constructor}, whole[:len(whole)-len(d.b)]...)), nil
	}
	list := make([]any, 0, n)
	for range n {
		v, err := sub.payload(byte(c), depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}
