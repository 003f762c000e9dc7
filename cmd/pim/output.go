package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// format is the value of --output. The zero format is a table.
type format string

var formats = []string{"table", "json", "yaml"}

// String, Set and Type make it a flag.
func (f *format) String() string {
	if *f == "" {
		return formats[0]
	}
	return string(*f)
}

func (f *format) Set(s string) error {
	if !slices.Contains(formats, s) {
		return fmt.Errorf("it is table, json or yaml")
	}
	*f = format(s)
	return nil
}

func (f *format) Type() string { return "format" }

// print writes an answer in the format of --output; table draws it for people.
func (c *cli) print(v any, table func(*page)) error {
	if c.format.String() == "table" {
		p := &page{out: c.out}
		table(p)
		return p.flush()
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("the answer cannot be written: %w", err)
	}
	if c.format == "json" {
		_, err := c.out.Write(b.Bytes())
		return err
	}
	return asYAML(c.out, b.Bytes())
}

// asYAML writes a JSON document as YAML, its keys in their order.
func asYAML(w io.Writer, doc []byte) error {
	var n yaml.Node // JSON is YAML
	if err := yaml.Unmarshal(doc, &n); err != nil {
		return fmt.Errorf("the answer cannot be written: %w", err)
	}
	var plain func(*yaml.Node)
	plain = func(n *yaml.Node) {
		n.Style = 0 // braces and quotes only where they are needed
		for _, m := range n.Content {
			plain(m)
		}
	}
	plain(&n)
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	if err := enc.Encode(&n); err != nil {
		return err
	}
	return enc.Close()
}

// page lays text out for people: rows of a table in columns, paragraphs as they are.
type page struct {
	out  io.Writer
	rows *tabwriter.Writer // nil: no table is open
	err  error
}

// row adds a row to the table that is open, and opens one if there is none.
func (p *page) row(cells ...string) {
	if p.rows == nil {
		p.rows = tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	}
	for i := range cells {
		if cells[i] = clean(cells[i]); cells[i] == "" {
			cells[i] = "-" // so that every column can be told by counting words
		}
	}
	p.note(fmt.Fprintln(p.rows, strings.Join(cells, "\t")))
}

// line ends a table and writes a line of its own; an empty one parts paragraphs.
func (p *page) line(text string) {
	p.note(0, p.flush())
	p.note(fmt.Fprintln(p.out, clean(text)))
}

func (p *page) note(_ int, err error) {
	if p.err == nil {
		p.err = err
	}
}

func (p *page) flush() error {
	if p.rows != nil {
		p.note(0, p.rows.Flush())
		p.rows = nil
	}
	return p.err
}

// clean keeps what others have written from moving the cursor, forging a line or
// reordering text on a terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029':
			return unicode.ReplacementChar
		}
		return r
	}, s)
}
