package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"
)

// Kinds are the kinds of records, as Record.Kind has them.
var Kinds = []string{kindPlan, kindLook, kindAttempt, kindObserved, kindClear, kindApproval, kindNotice, kindTold}

// Record is one record as it lies in the ledger.
type Record struct {
	Seq        int64           `json:"seq"` // from 1
	Kind       string          `json:"kind"`
	At         time.Time       `json:"at"`
	Experiment string          `json:"experiment"`
	Hash       string          `json:"hash"`
	Body       json.RawMessage `json:"body"`
}

// Filter says which records are wanted; what is empty leaves none out.
type Filter struct {
	Experiment string
	Kinds      []string
	Since      time.Time // written at or after it
}

func (f Filter) takes(e entry) bool {
	return (f.Experiment == "" || e.experiment == f.Experiment) &&
		(len(f.Kinds) == 0 || slices.Contains(f.Kinds, e.kind)) && !e.at.Before(f.Since)
}

// Records gives the records one at a time, oldest first, as they were when it was
// called; it ends after the first error.
func (l *Ledger) Records(f Filter) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		for _, e := range l.snapshot() {
			if !f.takes(e) {
				continue
			}
			one, err := body[json.RawMessage](l, e)
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(&Record{Seq: e.seq, Kind: e.kind, At: e.at, Experiment: e.experiment, Hash: e.hash, Body: one.Body}, nil) {
				return
			}
		}
	}
}

// Decode reads the body of a record into a Plan, Look, Attempt and so on, by its
// kind.
func (r *Record) Decode() (Body, error) {
	decode, ok := decoders[r.Kind]
	if !ok {
		return nil, errNewer
	}
	return decode(r.Body)
}

var decoders = map[string]func([]byte) (Body, error){
	kindPlan: decoded[Plan], kindLook: decoded[Look], kindAttempt: decoded[Attempt],
	kindObserved: decoded[Observed], kindClear: decoded[Clear],
	kindApproval: decoded[Approval], kindNotice: decoded[Notice], kindTold: decoded[Told],
}

func decoded[T Body](data []byte) (Body, error) {
	var b T
	err := json.Unmarshal(data, &b)
	return b, err
}

// Place is where the ledger is, in words.
func (l *Ledger) Place() string { return l.place.name() }

// Len is how many records there are, and Head the hash of the last one, "" where
// there is none: who notes both can tell later that nothing was taken away.
func (l *Ledger) Len() int64 { return int64(len(l.snapshot())) }

// Head is the hash of the last record; see Len.
func (l *Ledger) Head() string { return l.HashOf(l.Len()) }

// HashOf is the hash of the record with this number; "" = there is none.
func (l *Ledger) HashOf(seq int64) string {
	entries := l.snapshot()
	if seq < 1 || seq > int64(len(entries)) {
		return ""
	}
	return entries[seq-1].hash
}

// LookRef names a look in the ledger.
type LookRef struct {
	Seq        int64
	ID         string
	Experiment string
}

// LookRefs are all looks, oldest first; of several with one id, which failed and
// were repeated, the last one.
func (l *Ledger) LookRefs() []LookRef {
	last := map[string]int64{}
	entries := l.snapshot()
	for _, e := range entries {
		if e.kind == kindLook {
			last[e.look] = e.seq
		}
	}
	var refs []LookRef
	for _, e := range entries {
		if e.kind == kindLook && last[e.look] == e.seq {
			refs = append(refs, LookRef{Seq: e.seq, ID: e.look, Experiment: e.experiment})
		}
	}
	return refs
}

// ErrDiverged says that a ledger is not the beginning of the one that was to be
// copied into it.
var ErrDiverged = errors.New("it holds other records than the ledger to be copied")

// Copy brings a ledger, open for writing, up to another one: line by line, so that
// hashes stay. It must be empty, or have come from the same ledger; a copy that
// was broken off is gone on with. It returns how many records were copied.
func Copy(from, to *Ledger) (copied int64, err error) {
	to.mu.Lock()
	defer to.mu.Unlock()
	entries, have := from.snapshot(), to.last()
	if have.Seq > int64(len(entries)) || have.Seq > 0 && entries[have.Seq-1].hash != have.Hash {
		return 0, fmt.Errorf("ledger %s: %w", to.place.name(), ErrDiverged)
	}
	for _, e := range entries[have.Seq:] {
		if err := to.writable(); err != nil {
			return copied, err
		}
		s, err := from.sealed(e)
		if err != nil {
			return copied, err
		}
		if err := to.add(s); err != nil {
			return copied, err
		}
		copied++
	}
	return copied, nil
}

// sealed reads the whole line of a record.
func (l *Ledger) sealed(e entry) (sealed, error) {
	end, start := lineEnd(e), int64(0)
	if e.seq > 1 {
		start = lineEnd(l.snapshot()[e.seq-2])
	}
	line := make([]byte, end-start)
	if err := l.readAt(line, start); err != nil {
		return sealed{}, fmt.Errorf("record %d of ledger %s: %w", e.seq, l.place.name(), err)
	}
	r, hash, err := unseal(line[:len(line)-1])
	if err != nil {
		return sealed{}, fmt.Errorf("record %d of ledger %s: %w", e.seq, l.place.name(), err)
	}
	return sealed{record: r, line: line, hash: hash}, nil
}

// lineEnd is where the line of a record ends, its newline included.
func lineEnd(e entry) int64 { return e.offset + e.length + int64(linkLen+sealLen) + 1 }
