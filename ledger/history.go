package ledger

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"time"

	"assay/decide"
)

// Entry is one record with its number and the instant it was written.
type Entry[T any] struct {
	Seq  int64     `json:"seq"`
	At   time.Time `json:"at"`
	Body T         `json:"body"`
}

// History is all that the ledger knows of one experiment, oldest first.
type History struct {
	Plans    []Entry[Plan]
	Looks    []Entry[Look]
	Attempts []Entry[Attempt]
	Observed []Entry[Observed]
	Clears   []Entry[Clear]
	// Approvals are what persons had applied.
	Approvals []Entry[Approval]
}

// History returns everything about an experiment; looks are large, and Events
// with Looks or LastLook does where not all of them are needed. An unknown
// experiment has an empty history. Errors are those of the file system.
func (l *Ledger) History(experiment string) (*History, error) {
	h, err := l.Events(experiment)
	if err != nil {
		return nil, err
	}
	h.Looks, err = all[Look](l, experiment, kindLook)
	return h, err
}

// Events returns the history of an experiment without its looks.
func (l *Ledger) Events(experiment string) (*History, error) {
	var h History
	var err error
	if h.Plans, err = all[Plan](l, experiment, kindPlan); err != nil {
		return nil, err
	}
	if h.Attempts, err = all[Attempt](l, experiment, kindAttempt); err != nil {
		return nil, err
	}
	if h.Observed, err = all[Observed](l, experiment, kindObserved); err != nil {
		return nil, err
	}
	if h.Clears, err = all[Clear](l, experiment, kindClear); err != nil {
		return nil, err
	}
	h.Approvals, err = all[Approval](l, experiment, kindApproval)
	return &h, err
}

// Looks gives the looks of an experiment one at a time, oldest first, as they
// were when it was called; it ends after the first error.
func (l *Ledger) Looks(experiment string) iter.Seq2[*Entry[Look], error] {
	return func(yield func(*Entry[Look], error) bool) {
		for _, e := range l.filed(experiment, kindLook) {
			look, err := body[Look](l, e)
			if !yield(look, err) || err != nil {
				return
			}
		}
	}
}

// LookSeqs are the numbers of the records with an experiment's looks, oldest
// first. With LookAt any of many looks can be had without decoding the others.
func (l *Ledger) LookSeqs(experiment string) []int64 {
	var seqs []int64
	for _, e := range l.filed(experiment, kindLook) {
		seqs = append(seqs, e.seq)
	}
	return seqs
}

// Debt is the part of a look, or of an approval, that owes deliveries.
type Debt struct {
	ID         string          `json:"id"` // of the look
	Experiment string          `json:"experiment"`
	AsOf       time.Time       `json:"asOf"`
	Decision   decide.Decision `json:"decision"`
	Deliveries []Delivery      `json:"deliveries"`
}

// Debts are the records of an experiment that planned deliveries, whatever became
// of these, oldest first. The errors are those of the file system.
func (l *Ledger) Debts(experiment string) ([]Entry[Debt], error) {
	var out []Entry[Debt]
	for _, e := range l.snapshot() {
		if e.experiment != experiment || len(e.owed) == 0 {
			continue
		}
		d, err := body[Debt](l, e)
		if err != nil {
			return nil, err
		}
		out = append(out, *d)
	}
	return out, nil
}

// LookAt returns the look in the record with this number. Another number is an
// error, like those of the file system.
func (l *Ledger) LookAt(seq int64) (*Entry[Look], error) {
	entries := l.snapshot()
	if seq < 1 || seq > int64(len(entries)) || entries[seq-1].kind != kindLook {
		return nil, fmt.Errorf("record %d of ledger %s is not a look", seq, l.place.name())
	}
	return body[Look](l, entries[seq-1])
}

// LastLook returns the look written last, or nil where there is none.
func (l *Ledger) LastLook(experiment string) (*Entry[Look], error) {
	looks := l.filed(experiment, kindLook)
	if len(looks) == 0 {
		return nil, nil
	}
	return body[Look](l, looks[len(looks)-1])
}

// FindLook returns the look with this id, the one written last where there are
// several, or nil where there is none.
func (l *Ledger) FindLook(id string) (*Entry[Look], error) {
	for _, e := range slices.Backward(l.snapshot()) {
		if e.kind == kindLook && e.look == id {
			return body[Look](l, e)
		}
	}
	return nil, nil
}

// Experiments returns the names the ledger knows, sorted.
func (l *Ledger) Experiments() []string {
	var names []string
	for _, e := range l.snapshot() {
		names = append(names, e.experiment)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// LastSeq is the number of the last record; 0 = there is none.
func (l *Ledger) LastSeq() int64 { return int64(len(l.snapshot())) }

// After names the experiments with a record after the given one, sorted, and
// the numbers of the records with looks among them, oldest first.
func (l *Ledger) After(seq int64) (experiments []string, looks []int64) {
	entries := l.snapshot()
	for _, e := range entries[min(max(0, seq), int64(len(entries))):] {
		experiments = append(experiments, e.experiment)
		if e.kind == kindLook {
			looks = append(looks, e.seq)
		}
	}
	slices.Sort(experiments)
	return slices.Compact(experiments), looks
}

// snapshot is safe to read while others append: entries are never changed.
func (l *Ledger) snapshot() []entry {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.entries[:len(l.entries):len(l.entries)]
}

func (l *Ledger) filed(experiment, kind string) []entry {
	var found []entry
	for _, e := range l.snapshot() {
		if e.kind == kind && e.experiment == experiment {
			found = append(found, e)
		}
	}
	return found
}

func all[T Body](l *Ledger, experiment, kind string) ([]Entry[T], error) {
	var found []Entry[T]
	for _, e := range l.filed(experiment, kind) {
		one, err := body[T](l, e)
		if err != nil {
			return nil, err
		}
		found = append(found, *one)
	}
	return found, nil
}

// body reads and decodes one record's body, or the part of it that T names.
func body[T any](l *Ledger, e entry) (*Entry[T], error) {
	data := make([]byte, e.length)
	if err := l.readAt(data, e.offset); err != nil {
		return nil, fmt.Errorf("record %d of ledger %s: %w", e.seq, l.place.name(), err)
	}
	one := &Entry[T]{Seq: e.seq, At: e.at}
	if err := json.Unmarshal(data, &one.Body); err != nil {
		return nil, fmt.Errorf("record %d of ledger %s: %w", e.seq, l.place.name(), err)
	}
	return one, nil
}

func (l *Ledger) readAt(data []byte, offset int64) error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed {
		return ErrClosed
	}
	_, err := l.place.ReadAt(data, offset)
	return err
}
