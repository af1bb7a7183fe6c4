package job

import (
	"context"
	"fmt"
	"time"

	"assay/ledger"
	"assay/report"
)

// diagnosis is what a look may spend on finding out why a source is blind.
var diagnosis = Examination{Sample: 5000, MaxRows: 20_000_000, MaxBytes: 2_000_000_000}

const (
	// diagnosisHolds is how long the causes that an earlier look found are taken over
	// while the source stays blind.
	diagnosisHolds = 24 * time.Hour
	// causesKept are the likeliest causes that a look keeps.
	causesKept = 2
)

// diagnose asks why a blind source does not meet the units, once a day for as long
// as the spec and the blindness last. What it cannot find out keeps no look from
// being taken; the error is that of a context that ended.
func (g *gatherer) diagnose(ctx context.Context, h *ledger.SourceHealth) error {
	if g.at.beside {
		return nil
	}
	if d := g.diagnosed(h.Source); d != nil {
		h.Diagnosis = d
		return nil
	}
	o := diagnosis
	o.AsOf, o.Source = g.at.asOf, h.Source
	found, err := g.job.Doctor(ctx, g.at.experiment, o)
	if err != nil {
		return ctx.Err()
	}
	for _, s := range found.Sources {
		if len(s.Causes) == 0 {
			continue
		}
		h.Diagnosis = &ledger.Diagnosis{AsOf: found.AsOf}
		for _, c := range s.Causes[:min(causesKept, len(s.Causes))] {
			h.Diagnosis.Causes = append(h.Diagnosis.Causes, keptOf(c))
		}
	}
	return nil
}

func keptOf(c ledger.Cause) ledger.Diagnosed {
	d := ledger.Diagnosed{Code: c.Code, Text: c.Text, Before: c.Before, After: c.After, Since: c.Since}
	if c.Mend != nil {
		d.Mend, d.Paste = c.Mend.Text, report.Paste(c.Mend.Edits)
	}
	return d
}

// diagnosed is what an earlier look found, if that still holds.
func (g *gatherer) diagnosed(source string) *ledger.Diagnosis {
	before := g.at.previous
	if before == nil || before.Digest != g.at.digest {
		return nil
	}
	for _, s := range before.Health.Sources {
		if s.Source == source && s.Diagnosis != nil && g.at.asOf.Sub(s.Diagnosis.AsOf) < diagnosisHolds {
			return s.Diagnosis
		}
	}
	return nil
}

// why is what the finding of a blind source ends with.
func (g *gatherer) why(h *ledger.SourceHealth) string {
	if h.Diagnosis == nil {
		return fmt.Sprintf(" To find out why: assay doctor %s.", g.at.experiment.Name)
	}
	return fmt.Sprintf(" The likeliest cause: %s More: assay doctor %s.", h.Diagnosis.Causes[0].Text, g.at.experiment.Name)
}
