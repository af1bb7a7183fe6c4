package ledger

import (
	"cmp"
	"slices"
	"time"

	"assay/decide"
)

// Pending is a delivery that has not had its end.
type Pending struct {
	Delivery   Delivery
	Experiment string
	// AsOf and DecidedAt are of the look that owes it: the bound of its data and
	// the instant it was recorded.
	AsOf      time.Time
	DecidedAt time.Time
	Verdict   decide.Verdict
	Reason    string // the decision's summary
	LookID    string
	LookSeq   int64
	// Tries counts the attempts so far; NextTry is the earliest instant of the
	// next one, zero = any time.
	Tries   int
	NextTry time.Time
	LastTry time.Time // zero = none yet
	// Overtaken: a delivery of a newer look of this experiment to the same
	// store has had its end already.
	Overtaken bool
}

// lane is what newer decisions overtake older ones in.
type lane struct{ experiment, store string }

func (p Pending) lane() lane { return lane{p.Experiment, p.Delivery.Store} }

// progress is what the attempts at one delivery came to.
type progress struct {
	tries int
	ended bool
	next  time.Time
	last  time.Time
}

// Outbox returns the deliveries without a terminal attempt, oldest first.
// Errors are those of the file system.
func (l *Ledger) Outbox() ([]Pending, error) {
	entries := l.snapshot()
	done := attempts(entries)
	newest := ends(entries, done)
	var pending []Pending
	for _, e := range entries {
		if !slices.ContainsFunc(e.owed, func(o owed) bool { return !done[o.id].ended }) {
			continue
		}
		look, err := body[Debt](l, e)
		if err != nil {
			return nil, err
		}
		for _, d := range look.Body.Deliveries {
			if p := done[d.ID]; !p.ended {
				pending = append(pending, owing(look, d, p, newest))
			}
		}
	}
	return pending, nil
}

// attempts sums up the attempts by delivery.
func attempts(entries []entry) map[string]progress {
	done := map[string]progress{}
	for _, e := range entries {
		if e.attempt == nil {
			continue
		}
		p := done[e.attempt.delivery]
		p.tries++
		p.ended = p.ended || e.attempt.terminal
		p.next, p.last = e.attempt.next, e.at
		done[e.attempt.delivery] = p
	}
	return done
}

// rank orders looks: by the data they saw, then by when they were written.
type rank struct {
	asOf time.Time
	seq  int64
}

func (r rank) compare(o rank) int {
	return cmp.Or(r.asOf.Compare(o.asOf), cmp.Compare(r.seq, o.seq))
}

// ends finds, by lane, the newest look with a delivery that has had its end.
func ends(entries []entry, done map[string]progress) map[lane]rank {
	newest := map[lane]rank{}
	for _, e := range entries {
		for _, o := range e.owed {
			at, r := lane{e.experiment, o.store}, rank{o.asOf, e.seq}
			if done[o.id].ended && r.compare(newest[at]) > 0 {
				newest[at] = r
			}
		}
	}
	return newest
}

func owing(look *Entry[Debt], d Delivery, p progress, newest map[lane]rank) Pending {
	b := look.Body
	at, r := lane{b.Experiment, d.Store}, rank{b.AsOf, look.Seq}
	return Pending{
		Delivery: d, Experiment: b.Experiment, AsOf: b.AsOf, DecidedAt: look.At,
		Verdict: b.Decision.Verdict, Reason: b.Decision.Summary,
		LookID: b.ID, LookSeq: look.Seq,
		Tries: p.tries, NextTry: p.next, LastTry: p.last,
		Overtaken: newest[at].compare(r) > 0,
	}
}

// Supersede keeps, of each experiment and store, only the delivery of the
// newest look, and drops what is older or overtaken; both in the given order.
// The caller records the dropped ones as OutcomeSuperseded.
func Supersede(pending []Pending) (live, dropped []Pending) {
	newest := map[lane]rank{}
	for _, p := range pending {
		if r := p.rank(); !p.Overtaken && r.compare(newest[p.lane()]) > 0 {
			newest[p.lane()] = r
		}
	}
	for _, p := range pending {
		if p.Overtaken || p.rank().compare(newest[p.lane()]) != 0 {
			dropped = append(dropped, p)
			continue
		}
		live = append(live, p)
	}
	return live, dropped
}

func (p Pending) rank() rank { return rank{p.AsOf, p.LookSeq} }
