package amqpbroker

import (
	"encoding/binary"
	"fmt"
)

// appendValue appends the encoding of v. It knows the types that performatives
// have; messages are encoded by go-amqp. It panics on any other.
func appendValue(b []byte, v any) []byte {
	switch x := v.(type) {
	case nil:
		return append(b, 0x40)
	case bool:
		if x {
			return append(b, 0x41)
		}
		return append(b, 0x42)
	case uint8:
		return append(b, 0x50, x)
	case uint16:
		return binary.BigEndian.AppendUint16(append(b, 0x60), x)
	case uint32:
		return binary.BigEndian.AppendUint32(append(b, 0x70), x)
	case uint64:
		if x < 256 {
			return append(b, 0x53, byte(x)) // descriptors are this short
		}
		return binary.BigEndian.AppendUint64(append(b, 0x80), x)
	case int64:
		return binary.BigEndian.AppendUint64(append(b, 0x81), uint64(x))
	case []byte:
		return append(binary.BigEndian.AppendUint32(append(b, 0xb0), uint32(len(x))), x...)
	case string:
		return append(binary.BigEndian.AppendUint32(append(b, 0xb1), uint32(len(x))), x...)
	case symbol:
		return append(binary.BigEndian.AppendUint32(append(b, 0xb3), uint32(len(x))), x...)
	case []symbol:
		var body []byte
		for _, s := range x {
			body = append(binary.BigEndian.AppendUint32(body, uint32(len(s))), s...)
		}
		return append(appendCounted(b, 0xf0, len(x), len(body)+1), append([]byte{0xb3}, body...)...)
	case []any:
		var body []byte
		for _, e := range x {
			body = appendValue(body, e)
		}
		return append(appendCounted(b, 0xd0, len(x), len(body)), body...)
	case pairs:
		var body []byte
		for _, p := range x {
			body = appendValue(appendValue(body, p.key), p.value)
		}
		return append(appendCounted(b, 0xd1, 2*len(x), len(body)), body...)
	case described:
		return appendValue(appendValue(append(b, 0), x.code), x.value)
	}
	panic(fmt.Sprintf("amqpbroker: no encoding for %T", v))
}

// appendCounted appends the head of a list, map or array: the size, which
// includes the count, and the count.
func appendCounted(b []byte, constructor byte, count, size int) []byte {
	b = binary.BigEndian.AppendUint32(append(b, constructor), uint32(size+4))
	return binary.BigEndian.AppendUint32(b, uint32(count))
}
