package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
)

// forger changes a ledger, given as lines without their newlines and as the
// text of its head file, in one way; nil lines = the file is removed, a nil
// head = the head file is. ok is false where the ledger is too short for it.
type forger struct {
	name  string
	forge func(r *rand.Rand, lines [][]byte, head []byte) (text, newHead []byte, ok bool)
}

// forgers are the ways in which a ledger may be changed behind assay's back. A
// ledger and a head file that are both put back to an older state, or both
// removed, look like what they were then: nothing in the two files can tell.
var forgers = []forger{
	{"a byte changed", func(r *rand.Rand, lines [][]byte, head []byte) ([]byte, []byte, bool) {
		text := joined(lines)
		i := r.IntN(len(text))
		text[i] ^= byte(1 << r.IntN(7))
		return text, head, true
	}},
	{"a line taken out", func(r *rand.Rand, lines [][]byte, head []byte) ([]byte, []byte, bool) {
		i := r.IntN(len(lines))
		return joined(append(append([][]byte{}, lines[:i]...), lines[i+1:]...)), head, true
	}},
	{"two lines changed over", func(r *rand.Rand, lines [][]byte, head []byte) ([]byte, []byte, bool) {
		if len(lines) < 2 {
			return nil, nil, false
		}
		i := r.IntN(len(lines) - 1)
		out := append([][]byte{}, lines...)
		out[i], out[i+1] = out[i+1], out[i]
		return joined(out), head, true
	}},
	{"a line twice", func(r *rand.Rand, lines [][]byte, head []byte) ([]byte, []byte, bool) {
		i := r.IntN(len(lines))
		return joined(append(append([][]byte{}, lines[:i+1]...), lines[i:]...)), head, true
	}},
	{"cut off at the end of a line", func(r *rand.Rand, lines [][]byte, head []byte) ([]byte, []byte, bool) {
		return joined(lines[:r.IntN(len(lines))]), head, true
	}},
	{"cut off within a line", func(r *rand.Rand, lines [][]byte, head []byte) ([]byte, []byte, bool) {
		text := joined(lines)
		return text[:1+r.IntN(len(text)-1)], head, true
	}},
	{"written anew from one record on, with hashes that fit", func(r *rand.Rand, lines [][]byte, head []byte) ([]byte, []byte, bool) {
		return joined(resealed(lines, r.IntN(len(lines)))), head, true
	}},
	{"a record added, with hashes that fit", func(_ *rand.Rand, lines [][]byte, head []byte) ([]byte, []byte, bool) {
		out := append([][]byte{}, lines...)
		for range 2 { // One more than the head knows is what a crash leaves.
			out = append(out, successor(out[len(out)-1], len(out)+1))
		}
		return joined(out), head, true
	}},
	{"ledger removed", func(_ *rand.Rand, _ [][]byte, head []byte) ([]byte, []byte, bool) { return nil, head, true }},
	{"ledger emptied", func(_ *rand.Rand, _ [][]byte, head []byte) ([]byte, []byte, bool) { return []byte{}, head, true }},
	{"head removed", func(_ *rand.Rand, lines [][]byte, _ []byte) ([]byte, []byte, bool) {
		return joined(lines), nil, len(lines) > 1
	}},
	{"head changed", func(r *rand.Rand, lines [][]byte, head []byte) ([]byte, []byte, bool) {
		out := bytes.Clone(head)
		out[r.IntN(len(out))] ^= 1
		return joined(lines), out, true
	}},
	{"head of an older ledger", func(r *rand.Rand, lines [][]byte, _ []byte) ([]byte, []byte, bool) {
		if len(lines) < 3 {
			return nil, nil, false
		}
		i := r.IntN(len(lines) - 2)
		return joined(lines), fmt.Appendf(nil, "{\"seq\":%d,\"hash\":%q}\n", i+1, hashOf(lines[i])), true
	}},
}

func joined(lines [][]byte) []byte {
	if len(lines) == 0 {
		return []byte{}
	}
	return append(bytes.Join(lines, []byte("\n")), '\n')
}

// tail is what a line of the ledger ends with: `,"hash":"` a digest and `"}`.
const tail = len(`,"hash":"`) + 2*sha256.Size + len(`"}`)

func hashOf(line []byte) string { return string(line[len(line)-2-2*sha256.Size : len(line)-2]) }

func sealed(open []byte) []byte {
	sum := sha256.Sum256(append(bytes.Clone(open), '}'))
	return fmt.Appendf(bytes.Clone(open), `,"hash":"%s"}`, hex.EncodeToString(sum[:]))
}

// resealed changes a record and writes all hashes from there on anew, as
// somebody would who knows the format.
func resealed(lines [][]byte, from int) [][]byte {
	out := append([][]byte{}, lines...)
	prev := ""
	for i := from; i < len(out); i++ {
		open := bytes.Clone(out[i][:len(out[i])-tail])
		if i == from {
			open = bytes.Replace(open, []byte(`"at":"2026`), []byte(`"at":"2025`), 1)
		} else {
			old := open[len(open)-1-2*sha256.Size : len(open)-1]
			copy(old, prev)
		}
		out[i] = sealed(open)
		prev = hashOf(out[i])
	}
	return out
}

// successor is a record that follows from the last one.
func successor(last []byte, seq int) []byte {
	body := `{"experiment":"harm","note":"forged","asOf":"2026-11-02T00:00:00Z"}`
	return sealed(fmt.Appendf(nil, `{"seq":%d,"kind":"clear","at":"2026-11-02T00:00:00Z","experiment":"harm","body":%s,"prev":%q`, seq, body, hashOf(last)))
}

// tamper changes the ledger in a way that chance picks, and returns what it did
// and how to undo it. done is "" where there is nothing to change yet.
func (w *world) tamper(draw uint64) (done string, undo func() error, err error) {
	path, headPath := w.path("ledger.jsonl"), w.path("ledger.jsonl.head")
	text, err := os.ReadFile(path)
	head, headErr := os.ReadFile(headPath)
	if err != nil || headErr != nil || len(text) == 0 || text[len(text)-1] != '\n' {
		return "", nil, nil
	}
	r := rand.New(rand.NewPCG(draw, 1))
	f := pick(r, forgers)
	lines := bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
	forged, newHead, ok := f.forge(r, lines, head)
	if !ok {
		return "", nil, nil
	}
	err = errors.Join(put(path, forged), put(headPath, newHead))
	return f.name, func() error { return errors.Join(put(path, text), put(headPath, head)) }, err
}

// put writes a file, or removes it where there is no text.
func put(path string, text []byte) error {
	if text == nil {
		return os.Remove(path)
	}
	return os.WriteFile(path, text, 0o644)
}
