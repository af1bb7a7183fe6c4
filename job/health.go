package job

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"assay/connectors"
	"assay/decide"
	"assay/ledger"
	"assay/queries"
	"assay/spec"
)

// exposureHealth judges the exposures: none, old, several or unknown variations,
// missing identifiers.
func (g *gatherer) exposureHealth() {
	h, e := &g.ev.health, g.at.experiment
	limit := g.at.project.FreshnessOf(g.at.project.Config.Assignments[e.Assignment].Freshness, e)
	span, ok := g.at.exposed()
	switch {
	case g.at.ended() != nil || !ok:
		// Nobody is exposed; that is no failure.
	case h.NewestExposure == nil:
		g.unexposed(span, limit)
	case g.expected().Sub(later(*h.NewestExposure, span.from)) > limit:
		g.trouble(&g.ev.stale, "stale_exposures", "hold", "",
			fmt.Sprintf("The newest exposure is from %s, more than %s before as-of.", minute(*h.NewestExposure), spec.Duration{Duration: limit}))
	}
	seen := h.Units + h.Multiple + h.Unknown + h.Settling
	g.shareTrouble("multiple_exposure", e.Policy.OnMultiple, h.Multiple, seen, e.Policy.MaxMultiple,
		"%s of %s units (%s) were seen in several variations; they are left out."+escaped(g.severalText()))
	g.shareTrouble("unknown_variation", e.Policy.OnUnknown, h.Unknown, seen, e.Policy.MaxUnknown,
		"%s of %s units (%s) are in undeclared variations ("+escaped(strings.Join(h.UnknownNames, ", "))+")."+g.unknownText())
	g.strayFindings()
}

// unexposed tells that nobody was ever logged although the flag was open. Where the
// fail-safe has closed it since, it stays closed: opened again it would be as blind as
// before, and be closed again. One that was found closed may never have been open.
func (g *gatherer) unexposed(open span, limit time.Duration) {
	id := g.at.experiment.ExperimentID
	switch {
	case g.expected().Sub(open.from) < limit:
	case open.to == nil:
		g.trouble(&g.ev.stale, "no_exposures", "hold", "",
			fmt.Sprintf("No exposure of experiment_id %q has been logged since %s.", id, minute(open.from)))
	case g.at.past.closedAt(*open.to):
		g.trouble(&g.ev.stale, "no_exposures", "hold", "", fmt.Sprintf(
			"No exposure of experiment_id %q was logged while the flag was open, from %s to %s: it stays closed until there are any, or a person opens or clears it.",
			id, minute(open.from), minute(*open.to)))
	}
}

// escaped is a text inside of a format.
func escaped(s string) string { return strings.ReplaceAll(s, "%", "%%") }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// reference is the instant against which age is judged: no exposure or fact
// counts after the end of the experiment.
func (g *gatherer) reference() time.Time {
	if end := g.at.experiment.End(); end.Before(g.at.asOf) {
		return end
	}
	return g.at.asOf
}

// expected is until when rows are to be expected: where nobody is exposed any
// more, until then. A flag that the fail-safe closed would otherwise stay closed
// for want of new rows, although all that were missing have come in.
func (g *gatherer) expected() time.Time {
	at := g.reference()
	if span, ok := g.at.exposed(); ok && span.to != nil && span.to.Before(at) {
		return *span.to
	}
	return at
}

func (g *gatherer) shareTrouble(code, action string, n, of int64, limit float64, text string) {
	if n == 0 {
		return
	}
	share := float64(n) / float64(of)
	text = fmt.Sprintf(text, decide.Count(n), decide.Count(of), strconv.FormatFloat(math.Round(1000*share)/10, 'f', -1, 64)+" %")
	if share < limit {
		g.find(code, text, "")
		return
	}
	g.trouble(&g.ev.unhealthy, code, action, "", text)
}

// trouble is both a reason for the decision and a finding for the reader.
func (g *gatherer) trouble(list *[]decide.Trouble, code, action, source, text string) {
	*list = append(*list, decide.Trouble{Code: code, Text: text, Source: source, Action: action})
	g.find(code, text, source)
}

// sourceHealth judges a source by what the facts statement showed. Only where
// that leaves a doubt is the whole source looked at.
func (g *gatherer) sourceHealth(ctx context.Context, f queries.Facts, h *ledger.SourceHealth) error {
	e := g.at.experiment
	limit := g.at.project.FreshnessOf(g.at.project.Config.Facts[f.Source].Freshness, e)
	old := h.Newest == nil || g.expected().Sub(*h.Newest) > limit
	was, fewer := g.fewer(h)
	if !old && !fewer || total(h.Units) == 0 || g.at.ended() != nil {
		return nil
	}
	if err := g.align(ctx, f, h); err != nil || h.Alignment == nil {
		return err
	}
	// Of the units with any row now, whatever the metrics count, there must be
	// fewer than half as many as had one that counts before.
	fewer = fewer && float64(h.Alignment.InWindow) < was/2*float64(total(h.Units))
	g.judge(doubt{f, h, limit, fewer})
	if !h.Blind {
		return nil
	}
	if err := g.diagnose(ctx, h); err != nil {
		return err
	}
	g.ev.findings[len(g.ev.findings)-1].Text += g.why(h)
	return nil
}

func total(list []int64) int64 {
	var sum int64
	for _, n := range list {
		sum += n
	}
	return sum
}

// fewer tells whether far fewer of the exposed units have a fact than at the
// look before: less than half the share, which was.
func (g *gatherer) fewer(h *ledger.SourceHealth) (was float64, ok bool) {
	if g.at.previous == nil {
		return 0, false
	}
	for _, before := range g.at.previous.Health.Sources {
		if before.Source != h.Source || before.Activation != h.Activation || total(before.Units) < 100 || total(h.Units) < 100 {
			continue
		}
		was = float64(total(before.Present)) / float64(total(before.Units))
		is := float64(total(h.Present)) / float64(total(h.Units))
		return was, is < was/2
	}
	return 0, false
}

// doubt is a source that has to be judged by a look at all of it.
type doubt struct {
	facts queries.Facts
	*ledger.SourceHealth
	limit time.Duration
	fewer bool
}

// manyUnits is how many exposed units it takes before none of them being among
// identifiers of the same form is no matter of rare events.
const manyUnits = 1000

// unmet tells whether the identifiers of a source do not meet the units'.
func (d doubt) unmet() bool {
	a, units := d.Alignment, total(d.Units)
	return a.Rows > 0 && a.Matched == 0 && (units >= manyUnits || units >= leastUnits && a.UnitShape != a.FactShape)
}

// judge says what the look at the whole source found: nothing there, nobody
// met, nobody in time, far fewer, or old.
func (g *gatherer) judge(d doubt) {
	a, units := d.Alignment, total(d.Units)
	name := g.at.project.Config.Assignments[g.at.experiment.Assignment].Identifier
	many := units >= leastUnits
	switch {
	case a.Rows == 0 && many && g.windowOpen(d.facts, d.limit):
		g.blind(d, "source_empty", fmt.Sprintf("Source %s has no rows before as-of.", d.Source))
	case d.unmet():
		g.blind(d, "source_blind", fmt.Sprintf(
			"The identifiers of %s do not meet those of the exposures: none of %s exposed units (%s) is found among the %s identifiers of %s. Their form is %s in the exposures, %s in %s (9 is any digit).",
			d.Source, decide.Count(units), name, decide.Count(a.IDs), d.Source, a.UnitShape, a.FactShape, d.Source))
	case a.Matched >= leastUnits && a.InWindow == 0 && many && g.windowOpen(d.facts, 0):
		g.blind(d, "source_out_of_window", fmt.Sprintf(
			"%s exposed units are known to %s, but none has a row inside its window: their rows come before the first exposure or too late. Look at time zones and at when exposures are logged.",
			decide.Count(a.Matched), d.Source))
	case d.fewer:
		g.blind(d, "source_fading", fmt.Sprintf(
			"Far fewer exposed units have facts in %s than at the look before: %s of %s.", d.Source, decide.Count(a.InWindow), decide.Count(units)))
	case a.Newest != nil && g.expected().Sub(*a.Newest) > d.limit:
		d.Stale = true
		g.sourceTrouble(&g.ev.stale, "stale_source", d.Source, fmt.Sprintf("The newest row of %s is from %s, more than %s before as-of.",
			d.Source, minute(*a.Newest), spec.Duration{Duration: d.limit}))
	}
}

func (g *gatherer) blind(d doubt, code, text string) {
	d.Blind = true
	g.sourceTrouble(&g.ev.blind, code, d.Source, text)
}

// valueless tells of facts whose value is NaN, infinite or absurdly large. They count as no
// value; where they are many nothing can be said from the rest.
func (g *gatherer) valueless(source string, lost, present int64) {
	if lost == 0 {
		return
	}
	text := fmt.Sprintf("Facts of %s with a value that is NaN, infinite or beyond 1e80: %s; they count as no value.", source, decide.Count(lost))
	if float64(lost) < g.at.experiment.Policy.MaxUnknown*float64(present) {
		g.find("not_finite", text, source)
		return
	}
	g.sourceTrouble(&g.ev.blind, "not_finite", source, text)
}

// sourceTrouble decides only where a guardrail or a goal reads the source; for
// secondary metrics it is told.
func (g *gatherer) sourceTrouble(list *[]decide.Trouble, code, source, text string) {
	e := g.at.experiment
	if m, ok := g.at.project.Config.Metrics[e.Activation]; ok && m.Source == source {
		g.trouble(list, code, "hold", source, text)
		return
	}
	for _, use := range slices.Concat(e.Guardrails, e.Goals) {
		if slices.Contains(g.at.project.Config.Metrics[use.Metric].Sources(), source) {
			g.trouble(list, code, "hold", source, text)
			return
		}
	}
	g.find(code, text, source)
}

// windowOpen tells whether facts could be expected by now, where they may take
// so long to be loaded.
func (g *gatherer) windowOpen(f queries.Facts, lag time.Duration) bool {
	first := g.at.project.Config.Metrics[f.Metrics[0]].Delay.Duration
	for _, m := range f.Metrics {
		first = min(first, g.at.project.Config.Metrics[m].Delay.Duration)
	}
	return g.at.asOf.Sub(g.at.experiment.Start.Time) > first+lag
}

// align looks at all identifiers of a source, once more scanned.
func (g *gatherer) align(ctx context.Context, f queries.Facts, h *ledger.SourceHealth) error {
	rows, ok, err := g.run(ctx, f.Alignment)
	if !ok {
		return err
	}
	a := &ledger.Alignment{}
	a.Rows, _ = rows.Int(0, "fact_rows")
	a.NullRows, _ = rows.Int(0, "null_rows")
	a.IDs, _ = rows.Int(0, "identifiers")
	a.Matched, _ = rows.Int(0, "matched")
	a.InWindow, _ = rows.Int(0, "in_window")
	if newest, ok := rows.Int(0, "newest"); ok {
		at := time.UnixMicro(newest).UTC()
		a.Newest = &at
	}
	h.Alignment = a
	if a.Matched > 0 || a.Rows == 0 {
		return nil
	}
	rows, ok, err = g.run(ctx, f.Shapes)
	if !ok {
		return err
	}
	for row := range rows.Len() {
		shape := shapeOf(rows, row)
		if side, _ := rows.Text(row, "side"); side == "units" {
			a.UnitShape = shape
		} else {
			a.FactShape = shape
		}
	}
	return nil
}

// shapeOf writes the form of an identifier, keeping only the letters and signs
// that all of that form begin with: u-9999 says more than a-9999, and still
// shows nobody's identifier, as long as there are many of that form.
func shapeOf(rows *connectors.Rows, row int) string {
	shape, _ := rows.Text(row, "shape")
	first, _ := rows.Text(row, "first_id")
	last, _ := rows.Text(row, "last_id")
	if n, _ := rows.Int(row, "n"); n < leastUnits {
		return shape
	}
	out := []rune(shape)
	a, b := []rune(first), []rune(last)
	for i := range out {
		if i >= len(a) || i >= len(b) || a[i] != b[i] || unicode.IsDigit(a[i]) {
			break
		}
		out[i] = a[i]
	}
	return string(out)
}

func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04Z") }
