package job

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/connectors"
	"assay/decide"
	"assay/ledger"
	"assay/queries"
)

// traffic is what the look says of exposures beside the split.
func (g *gatherer) traffic() *ledger.Traffic {
	if g.ev.health.Traffic == nil {
		g.ev.health.Traffic = &ledger.Traffic{}
	}
	return g.ev.health.Traffic
}

// unknownSince notes since when an undeclared variation is logged.
func (g *gatherer) unknownSince(rows *connectors.Rows, row int, name string) {
	exposures, _ := rows.Int(row, "exposures")
	first, _ := rows.Int(row, "first_exposure")
	t := g.traffic()
	t.Unknown = append(t.Unknown, ledger.UnknownVariation{Name: name, Exposures: exposures, First: time.UnixMicro(first).UTC()})
}

// strays asks of which variations the exposures are that fit no stratum, where
// there are any.
func (g *gatherer) strays(ctx context.Context) error {
	h := &g.ev.health
	if h.NullRows == 0 && h.Multiple == 0 {
		return nil
	}
	rows, ok, err := g.run(ctx, g.script.Strays)
	if !ok {
		return err
	}
	for row := range rows.Len() {
		switch kind, _ := rows.Int(row, "kind"); kind {
		case queries.StratumNull:
			g.missing(rows, row)
		case queries.StratumMultiple:
			g.several(rows, row)
		}
	}
	if t := g.traffic(); t.Several != nil {
		slices.SortStableFunc(t.Several.Pairs, func(a, b ledger.Pair) int { return cmp.Compare(b.Units, a.Units) })
		g.beganWith(rows)
	}
	if m := g.traffic().Missing; m != nil {
		m.Split = g.splitWith(m.Exposures)
	}
	return nil
}

// instantOf reads a time.
func instantOf(rows *connectors.Rows, row int, column string) time.Time {
	micros, _ := rows.Int(row, column)
	return time.UnixMicro(micros).UTC()
}

func earliest(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// missing takes in the exposures of one variation that carry no identifier.
func (g *gatherer) missing(rows *connectors.Rows, row int) {
	t := g.traffic()
	if t.Missing == nil {
		t.Missing = &ledger.Missing{Exposures: make([]int64, len(g.at.experiment.Variations))}
	}
	m := t.Missing
	m.First, m.Last = earliest(m.First, instantOf(rows, row, "first_exposure")), later(m.Last, instantOf(rows, row, "last_exposure"))
	n, _ := rows.Int(row, "exposures")
	if arm, _ := rows.Int(row, "low"); arm < int64(len(m.Exposures)) {
		m.Exposures[arm] += n
	} else {
		m.Other += n
	}
}

// splitWith are the shares of units if each of those exposures were one more.
func (g *gatherer) splitWith(exposures []int64) []float64 {
	all := slices.Clone(g.ev.health.ByVariation)
	if total(all) == 0 {
		return nil
	}
	for arm, n := range exposures {
		all[arm] += n
	}
	return shares(all)
}

// several takes in the units that were seen in a pair of variations.
func (g *gatherer) several(rows *connectors.Rows, row int) {
	t := g.traffic()
	if t.Several == nil {
		t.Several = &ledger.Several{}
	}
	s := t.Several
	s.First, s.By = earliest(s.First, instantOf(rows, row, "first_exposure")), earliest(s.By, instantOf(rows, row, "earliest_last"))
	units, _ := rows.Int(row, "units")
	low, _ := rows.Int(row, "low")
	high, _ := rows.Int(row, "high")
	s.Units += units
	s.Pairs = append(s.Pairs, ledger.Pair{From: g.variation(low), To: g.variation(high), Units: units})
}

// variation is a name; "" stands for the undeclared ones.
func (g *gatherer) variation(arm int64) string {
	if arm < int64(len(g.at.experiment.Variations)) {
		return g.at.experiment.Variations[arm].ID
	}
	return ""
}

// What it takes to say that units came into several variations by a change of
// weights: nearly all of them were seen on both sides of it, and the others not
// half as often.
const (
	nearlyAll  = 0.9
	notHalf    = 0.5
	leastPairs = 20
)

// beganWith finds the change of weights around which units changed their
// variation.
func (g *gatherer) beganWith(rows *connectors.Rows) {
	s := g.traffic().Several
	if s.Units < leastPairs {
		return
	}
	most := 0.0
	for i, column := range g.script.Changes {
		var across, others, rest int64
		for row := range rows.Len() {
			n, _ := rows.Int(row, column)
			units, _ := rows.Int(row, "units")
			switch kind, _ := rows.Int(row, "kind"); kind {
			case queries.StratumMultiple:
				across += n
			case 0:
				others, rest = others+n, rest+units
			}
		}
		share, usual := float64(across)/float64(s.Units), float64(others)/float64(max(1, rest))
		if share < nearlyAll || usual > notHalf*share || share-usual <= most {
			continue
		}
		change := g.at.dataEpochs()[i+1].start.UTC()
		most, s.Change, s.Across, s.Others = share-usual, &change, across, usual
	}
}

// strayFindings say in a sentence what was found.
func (g *gatherer) strayFindings() {
	if n := g.ev.health.NullRows; n > 0 {
		text := fmt.Sprintf("%s exposures carry no identifier; they are left out.", decide.Count(n))
		if m := g.traffic().Missing; m != nil {
			text = g.missingText(m)
		}
		g.find("null_identifiers", text, "")
	}
}

func (g *gatherer) missingText(m *ledger.Missing) string {
	e := g.at.experiment
	parts := make([]string, 0, len(m.Exposures)+1)
	for arm, n := range m.Exposures {
		parts = append(parts, fmt.Sprintf("%s %s", e.Variations[arm].ID, decide.Count(n)))
	}
	if m.Other > 0 {
		parts = append(parts, fmt.Sprintf("undeclared %s", decide.Count(m.Other)))
	}
	text := fmt.Sprintf("%s exposures carry no identifier (%s), since %s; they are left out.",
		decide.Count(total(m.Exposures)+m.Other), strings.Join(parts, ", "), minute(m.First))
	arm := fullest(m.Exposures)
	if m.Split == nil || float64(m.Exposures[arm]) < nearlyAll*float64(total(m.Exposures)) || total(m.Exposures) < leastUnits {
		return text
	}
	share := shares(g.ev.health.ByVariation)[arm]
	return text + fmt.Sprintf(" Nearly all of them are in %s, where a flag falls back to when it is asked without an identifier. "+
		"If each were a unit, %[1]s would have %.1f %% of the units instead of %.1f %%, and its figures would be those of people nobody drew for it.",
		e.Variations[arm].ID, 100*m.Split[arm], 100*share)
}

func fullest(list []int64) int {
	most := 0
	for i, n := range list {
		if n > list[most] {
			most = i
		}
	}
	return most
}

// severalText says which variations units were seen in, and with what it began.
func (g *gatherer) severalText() string {
	s := g.traffic().Several
	if s == nil || len(s.Pairs) == 0 {
		return ""
	}
	var parts []string
	for _, p := range s.Pairs[:min(3, len(s.Pairs))] {
		parts = append(parts, fmt.Sprintf("%s and %s %s", p.From, cmp.Or(p.To, "an undeclared one"), decide.Count(p.Units)))
	}
	text := fmt.Sprintf(" In %s; the first was exposed %s and had been in two by %s.", strings.Join(parts, ", "), minute(s.First), minute(s.By))
	if s.Change != nil {
		text += fmt.Sprintf(" It began with the change of weights of %s: %s of them were first exposed before it and seen after it, as against %.0f %% of the other units.",
			minute(*s.Change), decide.Count(s.Across), 100*s.Others)
	}
	return text
}

// unknownText says since when undeclared variations are logged.
func (g *gatherer) unknownText() string {
	t := g.ev.health.Traffic
	if t == nil || len(t.Unknown) == 0 {
		return ""
	}
	var first time.Time
	for _, u := range t.Unknown {
		first = earliest(first, u.First)
	}
	return " They are logged since " + minute(first) + "."
}
