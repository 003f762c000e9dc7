package amqpbroker

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

// appendValue appends the encoding of v, one of the types that decode returns
// or an array of some. It panics on any other.
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
	case int8:
		return append(b, 0x51, byte(x))
	case int16:
		return binary.BigEndian.AppendUint16(append(b, 0x61), uint16(x))
	case int32:
		return binary.BigEndian.AppendUint32(append(b, 0x71), uint32(x))
	case int64:
		return binary.BigEndian.AppendUint64(append(b, 0x81), uint64(x))
	case float32:
		return binary.BigEndian.AppendUint32(append(b, 0x72), math.Float32bits(x))
	case float64:
		return binary.BigEndian.AppendUint64(append(b, 0x82), math.Float64bits(x))
	case time.Time:
		return binary.BigEndian.AppendUint64(append(b, 0x83), uint64(x.UnixMilli()))
	case uuid:
		return append(append(b, 0x98), x[:]...)
	case []byte:
		return append(binary.BigEndian.AppendUint32(append(b, 0xb0), uint32(len(x))), x...)
	case string:
		return append(binary.BigEndian.AppendUint32(append(b, 0xb1), uint32(len(x))), x...)
	case symbol:
		return append(binary.BigEndian.AppendUint32(append(b, 0xb3), uint32(len(x))), x...)
	case []symbol:
		return appendArray(b, x)
	case []string:
		return appendArray(b, x)
	case []int64:
		return appendArray(b, x)
	case []time.Time:
		return appendArray(b, x)
	case []uuid:
		return appendArray(b, x)
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
	case encoded:
		return append(b, x...)
	case described:
		return appendValue(appendValue(append(b, 0), x.code), x.value)
	}
	panic(fmt.Sprintf("amqpbroker: no encoding for %T", v))
}

// appendArray appends elements of one type, whose constructor is written once.
func appendArray[T any](b []byte, list []T) []byte {
	var none T
	constructor := appendValue(nil, none)[0]
	var body []byte
	for _, x := range list {
		body = append(body, appendValue(nil, x)[1:]...)
	}
	return append(append(appendCounted(b, 0xf0, len(list), len(body)+1), constructor), body...)
}

// appendCounted appends the head of a list, map or array: the size, which
// includes the count, and the count.
func appendCounted(b []byte, constructor byte, count, size int) []byte {
	b = binary.BigEndian.AppendUint32(append(b, constructor), uint32(size+4))
	return binary.BigEndian.AppendUint32(b, uint32(count))
}
