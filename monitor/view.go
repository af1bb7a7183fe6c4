package monitor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/ledger"
	"assay/report"
)

// View is what the ledger says of the experiments of a spec.
type View struct {
	Experiments []Standing
	// Pending counts the deliveries that are owed; Oldest is when the first of
	// them was decided, zero = none.
	Pending int
	Oldest  time.Time
	// New are the looks written since the mark, oldest first.
	New []*ledger.Look
	// Mark is the number of the record that was written last.
	Mark int64
	// Looked is when the last look was written that was no backfill; zero = none.
	Looked time.Time
}

// Standing is the latest look at an experiment, backfills left out.
type Standing struct {
	Experiment        string
	Verdict           string
	SampleRatioFailed bool
	// Ages are how old the newest row of each source was at the look's as-of; the
	// exposures go by assignment/NAME, which no fact source can be called.
	Ages map[string]time.Duration
}

// Mark is the number of the look that was written last; 0 = there is none.
func Mark(l *ledger.Ledger) int64 {
	var mark int64
	for _, name := range l.Experiments() {
		for _, seq := range l.LookSeqs(name) {
			mark = max(mark, seq)
		}
	}
	return mark
}

// Read reads what the ledger says of the named experiments; looks after the mark
// are new. Errors are those of the ledger.
func Read(l *ledger.Ledger, names []string, mark int64) (View, error) {
	v := View{Mark: Mark(l)}
	pending, err := l.Outbox()
	if err != nil {
		return v, err
	}
	v.Pending = len(pending)
	for _, p := range pending {
		if v.Oldest.IsZero() || p.DecidedAt.Before(v.Oldest) {
			v.Oldest = p.DecidedAt
		}
	}
	for _, name := range names {
		if err := v.read(l, name, mark); err != nil {
			return v, err
		}
	}
	return v, nil
}

func (v *View) read(l *ledger.Ledger, name string, mark int64) error {
	seqs := l.LookSeqs(name)
	for _, seq := range seqs {
		if seq <= mark {
			continue
		}
		look, err := l.LookAt(seq)
		if err != nil {
			return err
		}
		v.New = append(v.New, &look.Body)
	}
	for _, seq := range slices.Backward(seqs) {
		look, err := l.LookAt(seq)
		if err != nil {
			return err
		}
		if look.Body.Backfill {
			continue
		}
		v.Experiments = append(v.Experiments, standing(&look.Body))
		if look.At.After(v.Looked) {
			v.Looked = look.At
		}
		return nil
	}
	return nil
}

func standing(look *ledger.Look) Standing {
	s := Standing{Experiment: look.Experiment, Verdict: string(look.Decision.Verdict), Ages: map[string]time.Duration{}}
	s.SampleRatioFailed = slices.ContainsFunc(look.Health.Problems, func(f ledger.Finding) bool { return f.Code == "sample_ratio" })
	if newest := look.Health.NewestExposure; newest != nil {
		s.Ages["assignment/"+look.Spec.Assignment] = look.AsOf.Sub(*newest)
	}
	for _, source := range look.Health.Sources {
		if source.Newest != nil && !source.Activation {
			s.Ages[source.Source] = look.AsOf.Sub(*source.Newest)
		}
	}
	return s
}

// limit is how much of a summary is told, in bytes.
const limit = 8 << 10

// Summary is the last lines of what the new looks came to, in at most 8 KiB.
// Where a statement failed its error is left out: a warehouse may put values of
// rows into it, and this goes to others.
func (v View) Summary() string {
	var b strings.Builder
	for _, look := range v.New {
		if look.Failed != "" {
			fmt.Fprintf(&b, "%-8s  %s: evidence is missing; the log says why\n", look.Decision.Verdict, look.Experiment)
			continue
		}
		fmt.Fprintln(&b, report.Line(look, 0))
	}
	text := strings.ToValidUTF8(b.String(), "\uFFFD")
	if len(text) <= limit {
		return text
	}
	_, text, _ = strings.Cut(text[len(text)-limit:], "\n")
	return text
}
