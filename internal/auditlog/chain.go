package auditlog

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/azurepim/azure-pim/pim"
)

// maxLine is the most bytes of one line, its end included: far above any record, and
// a quarter of what a block of an append blob holds.
const maxLine = 1 << 20

// line is a record as a file holds it.
type line struct {
	Seq  int    `json:"seq"`  // 1 for the first line of a file
	Prev string `json:"prev"` // SHA-256 of the line before, without its end; of the file's name for the first
	pim.Record
}

// chain is where a file has got to.
type chain struct {
	seq  int    // of the last line
	prev string // what the next line must say
}

func newChain(name string) chain { return chain{prev: hash([]byte(name))} }

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// next is r as the line that follows, with its end. c stays where it is until the
// line is known to stand.
func (c chain) next(r pim.Record) ([]byte, error) {
	b, err := json.Marshal(line{c.seq + 1, c.prev, r})
	if err == nil && len(b) >= maxLine {
		err = fmt.Errorf("it takes %d bytes", len(b))
	}
	return append(b, '\n'), err
}

// take moves c behind a line, given with its end. It says what is wrong with a line
// that does not follow.
func (c *chain) take(b []byte) error {
	text, whole := bytes.CutSuffix(b, []byte("\n"))
	if !whole {
		return errors.New("it is cut off")
	}
	var l struct {
		Seq  int    `json:"seq"`
		Prev string `json:"prev"`
	}
	switch err := json.Unmarshal(text, &l); {
	case err != nil:
		return errors.New("it is not a record")
	case l.Seq != c.seq+1:
		return fmt.Errorf("seq is %d, and %d follows: lines are missing, or not in their places", l.Seq, c.seq+1)
	case l.Prev != c.prev && c.seq == 0:
		return errors.New("prev is not the hash of the file's name: the file had another, or the line was changed")
	case l.Prev != c.prev:
		return fmt.Errorf("prev is not the hash of line %d: one of the two was changed", c.seq)
	}
	c.seq, c.prev = l.Seq, hash(text)
	return nil
}

// BrokenError says where the chain of a file breaks.
type BrokenError struct {
	Name string
	Line int // the first line that does not follow; 1 is the first of the file
	Why  string
}

func (e *BrokenError) Error() string { return fmt.Sprintf("%s: line %d: %s", e.Name, e.Line, e.Why) }

// Verify reads a file of the audit log and checks that each line follows the one
// before. Name is the blob's name within its container, such as
// 2026/11/22/app-1.jsonl. It returns how many lines follow each other from the first
// on, and a [*BrokenError] that names the first one that does not, or what kept r
// from being read.
//
// Nothing follows the last line: that it was not changed, and that none was cut off
// behind it, is for the container's immutability policy to vouch.
func Verify(r io.Reader, name string) (lines int, err error) {
	c := newChain(name)
	for in := bufio.NewReaderSize(r, maxLine); ; {
		b, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF) && len(b) == 0:
			return c.seq, nil
		case errors.Is(err, bufio.ErrBufferFull):
			return c.seq, &BrokenError{name, c.seq + 1, "it is longer than a record can be"}
		case err != nil && !errors.Is(err, io.EOF):
			return c.seq, fmt.Errorf("read %s: %w", name, err)
		}
		if err := c.take(b); err != nil {
			return c.seq, &BrokenError{name, c.seq + 1, err.Error()}
		}
	}
}
