package amqpbroker

import "errors"

// pairs is a map in the order it was sent.
type pairs []pair

type pair struct{ key, value any }

// name returns a key that is a string or symbol.
func (p pair) name() string {
	switch k := p.key.(type) {
	case string:
		return k
	case symbol:
		return string(k)
	}
	return ""
}

// get returns the value under a string or symbol, or nil.
func (m pairs) get(key string) any {
	for _, p := range m {
		if p.name() != key {
			continue
		}
		if e, ok := p.value.(encoded); ok {
			v, _, _ := decode(e)
			return v
		}
		return p.value
	}
	return nil
}

// with returns m with the value of p under the name of p, as a string.
func (m pairs) with(p pair) pairs {
	out := make(pairs, 0, len(m)+1)
	for _, x := range m {
		if x.name() != p.name() {
			out = append(out, x)
		}
	}
	return append(out, pair{p.name(), p.value})
}

// entries returns the entries of a described map, whose values stay encoded.
func entries(b []byte) (pairs, error) {
	d := &decoder{b[1:]} // behind the mark of a described value
	if _, err := d.value(0); err != nil {
		return nil, err
	}
	c, err := d.number(1)
	if err != nil || (c != 0xc1 && c != 0xd1) {
		return nil, errors.New("section is not a map")
	}
	width := 1
	if c == 0xd1 {
		width = 4
	}
	sub, n, err := d.body(width)
	if err != nil {
		return nil, err
	}
	var out pairs
	for range n / 2 {
		key, err := sub.value(0)
		if err != nil {
			return nil, err
		}
		before := sub.b
		if _, err := sub.value(0); err != nil {
			return nil, err
		}
		out = append(out, pair{key, encoded(before[:len(before)-len(sub.b)])})
	}
	return out, nil
}
