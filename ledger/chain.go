package ledger

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// TamperError says that the ledger was changed by something other than this
// package: nothing may be read from it or written to it.
type TamperError struct {
	Path string
	// Record is the number of the record that is wrong, from 1; 0 = no single one.
	Record  int64
	Problem string
}

// Error names the file, the record and what is wrong with it.
func (e *TamperError) Error() string {
	if e.Record == 0 {
		return fmt.Sprintf("ledger %s was tampered with: %s", e.Path, e.Problem)
	}
	return fmt.Sprintf("ledger %s was tampered with: record %d: %s", e.Path, e.Record, e.Problem)
}

// chain is what reading the whole file leaves in memory.
type chain struct {
	entries []entry
	// size is the length of the intact part in bytes, torn that of a last line
	// that was not written to its end.
	size, torn int64
}

func (c *chain) last() head {
	if len(c.entries) == 0 {
		return head{Hash: genesis}
	}
	return head{Seq: int64(len(c.entries)), Hash: c.entries[len(c.entries)-1].hash}
}

// readChain verifies every line and indexes it.
func readChain(path string, r io.Reader) (*chain, error) {
	c := &chain{}
	lines := &lineReader{r: bufio.NewReaderSize(r, 1<<20)}
	for {
		line, err := lines.next()
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return c, nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("read ledger %s: %w", path, err)
		}
		if err != nil { // The last line has no newline.
			c.torn = int64(len(line))
			return c, nil
		}
		e, problem := c.link(line[:len(line)-1])
		if problem == nil {
			c.entries = append(c.entries, e)
			c.size += int64(len(line))
			continue
		}
		if lines.ended() && !json.Valid(line) {
			c.torn = int64(len(line))
			return c, nil
		}
		return nil, c.fault(path, problem)
	}
}

// errNewer is a record of a kind that this version does not know: not damage,
// but nothing that may be passed over either.
var errNewer = errors.New("its kind is unknown; a newer version of assay wrote it")

func (c *chain) fault(path string, problem error) error {
	seq := c.last().Seq + 1
	if errors.Is(problem, errNewer) {
		return fmt.Errorf("ledger %s: record %d: %w", path, seq, problem)
	}
	return &TamperError{Path: path, Record: seq, Problem: problem.Error()}
}

// link checks that a line is the next one of the chain and indexes it.
func (c *chain) link(line []byte) (entry, error) {
	r, digest, err := unseal(line)
	if err != nil {
		return entry{}, err
	}
	last := c.last()
	if r.Seq != last.Seq+1 {
		return entry{}, fmt.Errorf("record %d stands in its place", r.Seq)
	}
	if r.Prev != last.Hash {
		return entry{}, errors.New("it does not follow from the record before it")
	}
	e, err := index(r)
	if err != nil {
		return entry{}, err
	}
	e.hash = digest
	e.offset = bodyOffset(c.size, len(line), e.length)
	return e, nil
}

// lineReader gives lines of any length without copying those that fit its
// buffer. A line is valid until the next call.
type lineReader struct {
	r    *bufio.Reader
	long []byte
}

// next returns a line with its newline, or what is left of the file with io.EOF.
func (l *lineReader) next() ([]byte, error) {
	l.long = l.long[:0]
	for {
		part, err := l.r.ReadSlice('\n')
		if !errors.Is(err, bufio.ErrBufferFull) {
			if len(l.long) == 0 {
				return part, err
			}
			l.long = append(l.long, part...)
			return l.long, err
		}
		l.long = append(l.long, part...)
	}
}

// ended tells whether the file ends after the line last returned; that line
// is not touched.
func (l *lineReader) ended() bool {
	if l.r.Buffered() > 0 {
		return false
	}
	_, err := l.r.Peek(1)
	return errors.Is(err, io.EOF)
}
