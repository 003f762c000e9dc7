package amqpbroker

// AMQP types that Go has no equal of. The others decode as nil, bool, the
// sized integers and floats, string, []byte, time.Time and []any.
type (
	symbol string
	uuid   [16]byte

	// encoded is a value that we leave as it is: a char, a decimal, an array of
	// described values, and what messages hold for others to read.
	encoded []byte
)

// described is a described value: what it is, and the value itself.
type described struct {
	code  any // uint64, or a symbol
	value any
}

// fields is the list of a performative, whose trailing nulls may be left out.
type fields []any

func (f fields) at(i int) any {
	if i < len(f) {
		return f[i]
	}
	return nil
}

func (f fields) uint32(i int) uint32 {
	v, _ := f.at(i).(uint32)
	return v
}

func (f fields) bool(i int) bool {
	v, _ := f.at(i).(bool)
	return v
}

func (f fields) string(i int) string {
	v, _ := f.at(i).(string)
	return v
}

// list returns field i, a described list with the given code, or nil.
func (f fields) list(i int, code uint64) fields {
	d, _ := f.at(i).(described)
	if d.code != code {
		return nil
	}
	l, _ := d.value.([]any)
	return l
}

// Descriptors of the performatives, delivery states and sections in use: AMQP
// 1.0 parts 2, 3 and 5.
const (
	codeOpen        = uint64(0x10)
	codeBegin       = uint64(0x11)
	codeAttach      = uint64(0x12)
	codeFlow        = uint64(0x13)
	codeTransfer    = uint64(0x14)
	codeDisposition = uint64(0x15)
	codeDetach      = uint64(0x16)
	codeEnd         = uint64(0x17)
	codeClose       = uint64(0x18)
	codeError       = uint64(0x1d)
	codeAccepted    = uint64(0x24)
	codeRejected    = uint64(0x25)
	codeReleased    = uint64(0x26)
	codeModified    = uint64(0x27)
	codeSource      = uint64(0x28)
	codeTarget      = uint64(0x29)
	codeCoordinator = uint64(0x30)
	codeMechanisms  = uint64(0x40)
	codeInit        = uint64(0x41)
	codeOutcome     = uint64(0x44)
	codeHeader      = uint64(0x70)

	codeDeliveryAnnotations = uint64(0x71)
	codeAnnotations         = uint64(0x72)
	codeProperties          = uint64(0x73)
	codeApplication         = uint64(0x74)
	codeData                = uint64(0x75)
	codeSequence            = uint64(0x76)
	codeValue               = uint64(0x77)
	codeFooter              = uint64(0x78)
)
