package report

import (
	"fmt"
	"html/template"
	"slices"
	"time"

	"assay/decide"
	"assay/ledger"
	"assay/stats"
)

// healthView says whether the data can be trusted.
type healthView struct {
	Badge    badge
	Problems []problemView
	Causes   []string // where to look first
	Checks   []checkView
}

type problemView struct {
	Text, Source, Since string
	Spot                string // where the user's SQL is at fault
}

// alarm is a fact source that does not meet the exposed units: the loudest
// thing on a page, since every number of that source is worthless.
type alarm struct {
	Source, Sentence     string
	Heading              string
	UnitShape, FactShape string
	Noun                 string
	Details              string
	Causes               []causeView
	Command              string
}

// splitView is the sample ratio.
type splitView struct {
	Badge     badge
	Rows      []splitRow
	Evidence  string
	Chi       string
	Note      string
	Deviation string
	Since     string // one sentence; "" where the split is as intended
	Slices    []sliceRow
	Open      bool
	Course    []ratioPoint // over the looks, oldest first
	CourseOf  string       // the variation that the chart shows
	Chart     template.HTML
}

type splitRow struct {
	Variation, Units, Observed, Expected string
}

type sliceRow struct {
	Slice, Counts, Expected, Deviation, Evidence, Chi string
	Badge                                             badge
}

type tile struct {
	Label, Value, Note string
}

type sourceView struct {
	Source   string
	Cells    []string // exposed units with a fact, by variation
	Presence string
	Newest   string
	Badge    badge
	Notes    []string
}

func newHealthView(look *ledger.Look, history []ledger.Look) healthView {
	v := healthView{Badge: healthBadge(&look.Health), Checks: newChecks(look, history)}
	for _, p := range look.Health.Problems {
		problem := newProblemView(look, p)
		problem.Text = prose(problem.Text)
		v.Problems = append(v.Problems, problem)
	}
	if t := look.Health.Traffic; t != nil {
		for _, c := range t.Causes {
			v.Causes = append(v.Causes, prose(c.Text))
		}
	}
	return v
}

func newProblemView(look *ledger.Look, p ledger.Finding) problemView {
	v := problemView{Text: message(p.Text), Since: instant(p.Since), Spot: spotBlock(p.Place)}
	known := func(s ledger.SourceHealth) bool { return s.Source == p.Source }
	if p.Source != "" && slices.ContainsFunc(look.Health.Sources, known) { // Others name a slice, which the text does.
		v.Source = name(p.Source)
	}
	if v.Text == "" {
		v.Text = name(p.Code)
	}
	return v
}

func healthBadge(h *ledger.Health) badge {
	switch len(h.Problems) {
	case 0:
		if h.Units == 0 {
			return badge{"?", "no data yet", toneMute}
		}
		return badge{"✓", "healthy", toneGood}
	case 1:
		return badge{"!", "1 problem", toneWarn}
	}
	return badge{"!", fmt.Sprintf("%d problems", len(h.Problems)), toneWarn}
}

// newAlarm says in one sentence how a source and the exposed units miss each
// other.
func newAlarm(look *ledger.Look, s *ledger.SourceHealth, n numbers) alarm {
	a := alarm{
		Source: name(s.Source), Heading: unmatched(look, s.Source), Noun: noun(look.Spec.Identifier),
		Command: "assay doctor " + shellWord(look.Experiment),
	}
	a.Sentence = blindSentence(look, s, n)
	if s.Alignment == nil {
		return a
	}
	if s.Diagnosis != nil {
		for i := range s.Diagnosis.Causes {
			a.Causes = append(a.Causes, newCauseView(&s.Diagnosis.Causes[i], n))
		}
	}
	a.UnitShape, a.FactShape = shape(s.Alignment.UnitShape), shape(s.Alignment.FactShape)
	a.Details = alignmentText(look, s.Alignment, n)
	return a
}

// causeView is why a source is blind, and the mend to paste.
type causeView struct{ Text, Mend, Paste string }

func newCauseView(c *ledger.Diagnosed, n numbers) causeView {
	return causeView{Text: causeText(c, n), Mend: message(c.Mend), Paste: pasted(c.Paste)}
}

// shapeLength is the most characters of the form of an identifier.
const shapeLength = 48

func shape(s string) string { return shorten(clean(s), shapeLength) }

func blindSentence(look *ledger.Look, s *ledger.SourceHealth, n numbers) string {
	exposed := sum(s.Units)
	if exposed == 0 {
		exposed = look.Health.Units
	}
	who := noun(look.Spec.Identifier)
	source := name(s.Source)
	if s.Alignment == nil {
		return fmt.Sprintf("%s of %s exposed %s appear in %s.", n.count(sum(s.Present)), n.count(exposed), who, source)
	}
	if s.Alignment.Rows == 0 {
		return fmt.Sprintf("%s exposed %s, and %s has no rows at all.", n.count(exposed), who, source)
	}
	sentence := fmt.Sprintf("%s exposed %s, none of whom appears in %s", n.count(exposed), who, source)
	if s.Alignment.Matched > 0 {
		sentence = fmt.Sprintf("%s exposed %s, %s of whom appear in %s at all and %s inside their window",
			n.count(exposed), who, n.count(s.Alignment.Matched), source, n.count(s.Alignment.InWindow))
	}
	return sentence + shapesText(s.Alignment, source) + "."
}

func shapesText(a *ledger.Alignment, source string) string {
	unit, fact := shape(a.UnitShape), shape(a.FactShape)
	switch {
	case unit == "" || fact == "":
		return ""
	case unit == fact:
		return ": the identifiers of both look like " + unit + ", yet they differ"
	}
	return ": exposures look like " + unit + ", " + source + " like " + fact
}

func alignmentText(look *ledger.Look, a *ledger.Alignment, n numbers) string {
	s := fmt.Sprintf("%s rows, %s without identifier, %s distinct identifiers, %s of them exposed %s",
		n.count(a.Rows), n.count(a.NullRows), n.count(a.IDs), n.count(a.Matched), noun(look.Spec.Identifier))
	if a.Newest != nil {
		s += "; newest row " + age(a.Newest, look.AsOf)
	}
	return s + "."
}

func newSplitView(look *ledger.Look) splitView {
	h := &look.Health
	v := splitView{Badge: badge{"?", "not tested", toneMute}}
	total := sum(h.ByVariation)
	var expected []float64
	for i, check := range h.SampleRatio {
		row := newSliceRow(check)
		if i == 0 {
			expected, v.Note = check.Expected, message(check.Note)
			v.Badge, v.Evidence, v.Chi = row.Badge, row.Evidence, row.Chi
			v.Deviation, v.Since = deviationText(&check.SampleRatio, web), sinceText(look, check.Since, web)
			continue
		}
		v.Open = v.Open || check.Failed || check.Detected
		v.Slices = append(v.Slices, row)
	}
	for i, variation := range look.Spec.Variations {
		row := splitRow{Variation: name(variation.ID), Units: dash, Observed: dash, Expected: dash}
		if i < len(h.ByVariation) {
			row.Units = web.count(h.ByVariation[i])
			row.Observed = ratio(h.ByVariation[i], total)
		}
		if i < len(expected) {
			row.Expected = web.share(expected[i], 2)
		}
		v.Rows = append(v.Rows, row)
	}
	return v
}

// ratio is a share with two decimals, as in a sample ratio.
func ratio(part, whole int64) string {
	if whole == 0 {
		return dash
	}
	return web.share(float64(part)/float64(whole), 2)
}

func newSliceRow(c ledger.RatioCheck) sliceRow {
	row := sliceRow{Slice: name(c.Slice), Badge: ratioBadge(&c.SampleRatio), Chi: dash, Evidence: dash, Deviation: dash}
	if c.Bound > 0 {
		row.Evidence = ratioEvidence(&c.SampleRatio)
	}
	if c.Detected {
		row.Deviation = web.points(c.Deviation)
	}
	if c.ChiP != nil {
		row.Chi = web.pvalue(*c.ChiP)
	}
	for i, n := range c.Counts {
		row.Counts = joined(row.Counts, " / ", web.count(n))
		if i < len(c.Expected) {
			row.Expected = joined(row.Expected, " / ", web.share(c.Expected[i], 1))
		}
	}
	return row
}

// ratioEvidence is what decides: of a slice that after correction for their number.
func ratioEvidence(s *stats.SampleRatio) string {
	if s.Corrected == nil {
		return web.evidence(s.LogE, s.Bound)
	}
	return web.evidence(*s.Corrected, s.Bound) + " (uncorrected " + web.evalue(s.LogE) + ")"
}

func ratioBadge(s *stats.SampleRatio) badge {
	switch {
	case s.Failed:
		return badge{"✕", "not as intended", toneBad}
	case s.Detected:
		return badge{"!", "off, too small to matter", toneInfo}
	case s.Status == stats.StatusOK:
		return badge{"✓", "as intended", toneGood}
	}
	why := decide.CannotSay(s.Status)
	if why == "" {
		why = "not tested"
	}
	return badge{"?", "cannot say: " + why, toneMute}
}

func planned(look *ledger.Look) string {
	if look.Spec.PlannedUnits == 0 {
		return ""
	}
	return "of " + web.count(look.Spec.PlannedUnits) + " planned"
}

func newest(t *time.Time) string {
	if t == nil {
		return "no row seen"
	}
	return instant(*t)
}

// unknownShown is how many undeclared variations are named.
const unknownShown = 5

func unknownNote(h *ledger.Health) string {
	if len(h.UnknownNames) == 0 {
		return "every variation is declared"
	}
	s := ""
	for _, u := range h.UnknownNames[:min(len(h.UnknownNames), unknownShown)] {
		s = joined(s, ", ", shorten(name(u), 40))
	}
	if more := len(h.UnknownNames) - unknownShown; more > 0 {
		s += fmt.Sprintf(" and %d more", more)
	}
	return s
}

func newSourceView(look *ledger.Look, s *ledger.SourceHealth) sourceView {
	v := sourceView{Source: name(s.Source), Newest: age(newestRow(s), look.AsOf), Badge: sourceBadge(s), Presence: dash}
	for i := range look.Spec.Variations {
		v.Cells = append(v.Cells, presentCell(s, i))
	}
	if s.Presence.Bound > 0 {
		v.Presence = web.evidence(s.Presence.LogE, s.Presence.Bound)
	}
	if j := s.Join; j != nil {
		v.Notes = append(v.Notes, fmt.Sprintf("Joined through %s: %s linked identifiers, %s (%s) linked to several %s; the earliest link wins.",
			name(j.Join), web.count(j.Links), web.count(j.FannedOut), web.fraction(j.FannedOut, j.Links), noun(look.Spec.Identifier)))
	}
	if over := windowsOver(look, s); over > 0 {
		v.Notes = append(v.Notes, "Only "+noun(look.Spec.Identifier)+" whose window is over count as found: "+web.count(over)+" of "+web.count(sum(s.Units))+".")
	}
	if s.Alignment != nil {
		v.Notes = append(v.Notes, alignmentText(look, s.Alignment, web))
	}
	return v
}

// windowsOver are the units whose window is over, where a source's metrics count no
// others and not all are; 0 = all are counted, or it is not known.
func windowsOver(look *ledger.Look, s *ledger.SourceHealth) int64 {
	exposed, most := sum(s.Units), int64(0)
	for i := range look.Metrics {
		m := &look.Metrics[i]
		if m.Source != s.Source || len(m.Comparisons) == 0 {
			continue
		}
		if !m.CompleteOnly || look.Spec.Activation != "" {
			return 0
		}
		if !slices.Contains(everyUnit, m.Kind) {
			continue
		}
		n := m.Comparisons[0].Control.N
		for j := range m.Comparisons {
			n += m.Comparisons[j].Treatment.N
		}
		most = max(most, n)
	}
	if s.Blind || most < sum(s.Present) || most+look.Health.Settling >= exposed {
		return 0
	}
	return most
}

// everyUnit are the kinds of metrics that count every unit, those without a fact as
// nothing.
var everyUnit = []string{"proportion", "count", "sum", "distinct", "ratio"}

// newestRow is a source's newest row, where none is of an exposed unit that of anybody.
func newestRow(s *ledger.SourceHealth) *time.Time {
	if s.Newest == nil && s.Alignment != nil {
		return s.Alignment.Newest
	}
	return s.Newest
}

func presentCell(s *ledger.SourceHealth, i int) string {
	if i >= len(s.Present) {
		return dash
	}
	cell := web.count(s.Present[i])
	if i < len(s.Units) {
		cell += " of " + web.count(s.Units[i]) + " (" + web.fraction(s.Present[i], s.Units[i]) + ")"
	}
	return cell
}

func sourceBadge(s *ledger.SourceHealth) badge {
	switch {
	case s.Blind:
		return badge{"✕", "blind", toneBad}
	case s.Stale:
		return badge{"!", "stale", toneWarn}
	case s.Presence.Failed:
		return badge{"!", "differs between variations", toneWarn}
	}
	return badge{"✓", "meets the exposures", toneGood}
}

func sum(xs []int64) int64 {
	var total int64
	for _, x := range xs {
		total += x
	}
	return total
}
