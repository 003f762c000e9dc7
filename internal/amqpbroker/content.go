package amqpbroker

import (
	"errors"
	"fmt"
)

// content is a message as its sender wrote it. What the broker has no need to
// understand stays encoded, so that every type arrives as it was sent.
type content struct {
	header      fields
	annotations pairs // values encoded
	properties  fields
	application pairs  // values encoded, except those that a receiver has set
	body        []byte // the sections of the body, and the footer
	headers     int    // bytes of all sections before the body
}

// Places in the properties section: AMQP 1.0 part 3, 3.2.4.
const (
	propertyMessageID      = 0
	propertyReplyTo        = 4
	propertyGroupID        = 10
	propertyReplyToGroupID = 12
)

// section is one section of a message.
type section struct {
	code  uint64
	value any
	whole []byte // with its descriptor
}

// sections splits a message.
func sections(b []byte) ([]section, error) {
	var out []section
	for len(b) > 0 {
		v, rest, err := decode(b)
		if err != nil {
			return nil, err
		}
		d, _ := v.(described)
		code, ok := d.code.(uint64)
		if !ok {
			return nil, errors.New("message has something that is not a section")
		}
		out = append(out, section{code, d.value, b[:len(b)-len(rest)]})
		b = rest
	}
	return out, nil
}

// parse reads a message. It keeps parts of b.
func parse(b []byte) (*content, error) {
	split, err := sections(b)
	if err != nil {
		return nil, err
	}
	if len(split) == 0 {
		return nil, errors.New("message has no sections")
	}
	c := new(content)
	for _, s := range split {
		switch s.code {
		case codeHeader:
			c.header, _ = s.value.([]any)
		case codeDeliveryAnnotations: // were for us
		case codeAnnotations:
			c.annotations, err = entries(s.whole)
		case codeProperties:
			c.properties, _ = s.value.([]any)
		case codeApplication:
			c.application, err = entries(s.whole)
		case codeData, codeSequence, codeValue, codeFooter:
			c.body = append(c.body, s.whole...)
			continue
		default:
			return nil, fmt.Errorf("section 0x%x is unknown", s.code)
		}
		if err != nil {
			return nil, err
		}
		c.headers += len(s.whole)
	}
	return c, nil
}

// parseBatch reads the messages that are the data sections of another.
func parseBatch(b []byte) ([]*content, error) {
	split, err := sections(b)
	if err != nil {
		return nil, err
	}
	var out []*content
	for _, s := range split {
		data, ok := s.value.([]byte)
		if !ok || s.code != codeData {
			continue
		}
		c, err := parse(data)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// value returns the body if it is a value, else nil.
func (c *content) value() any {
	v, _, _ := decode(c.body)
	if d, ok := v.(described); ok && d.code == codeValue {
		return d.value
	}
	return nil
}

// set sets application properties.
func (c *content) set(properties pairs) {
	for _, p := range properties {
		c.application = c.application.with(p)
	}
}

// setID sets the id of a message that has none.
func (c *content) setID(id string) {
	c.properties = append(fields{id}, c.properties[min(1, len(c.properties)):]...)
}
