package report

import (
	"cmp"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"assay/decide"
	"assay/ledger"
	"assay/stats"
)

// effectsView is one table: the metrics of one role.
type effectsView struct {
	ID, Title, Lead string
	KnownGood       string
	Treatment       string // heading of the treatment column
	Groups          []effectsGroup
}

// effectsGroup is the metrics of one quality dimension.
type effectsGroup struct {
	Quality string
	Rows    []effectRow
}

// effectRow is one comparison.
type effectRow struct {
	Metric, Description string
	Versus              string // the treatment, where there are several
	Control, Treatment  cell
	Relative, Absolute  cell
	Thin                string // the fixed interval of the relative effect
	Margin, Evidence    cell
	Status              badge
	Marks               []string
	Method              string
	Notes               []string
	OneLook             string
}

// cell is a number and what is said below it in small.
type cell struct {
	Main, Note string
	More       string // a second line in small
}

func newEffects(look *ledger.Look) []effectsView {
	var out []effectsView
	for _, r := range roles {
		e := effectsView{
			ID: "effects-" + r.Role, Title: r.Title, Lead: r.Lead,
			KnownGood: name(knownGood(look)), Treatment: treatmentHeading(look),
		}
		for i := range look.Metrics {
			if look.Metrics[i].Role == r.Role {
				e.add(look, &look.Metrics[i])
			}
		}
		slices.SortStableFunc(e.Groups, func(a, b effectsGroup) int {
			return cmp.Or(cmp.Compare(qualityRank(a.Quality), qualityRank(b.Quality)), cmp.Compare(a.Quality, b.Quality))
		})
		if len(e.Groups) > 0 {
			out = append(out, e)
		}
	}
	return out
}

// otherQuality heads the metrics without a quality dimension.
const otherQuality = "other"

func qualityRank(q string) int {
	if i := slices.Index(qualities, strings.ReplaceAll(q, " ", "_")); i >= 0 {
		return i
	}
	if q == otherQuality {
		return len(qualities) + 1
	}
	return len(qualities)
}

// add puts a metric's comparisons into its group.
func (e *effectsView) add(look *ledger.Look, m *ledger.MetricResult) {
	quality := strings.ReplaceAll(shorten(clean(m.Quality), 40), "_", " ")
	if quality == "" {
		quality = otherQuality
	}
	i := slices.IndexFunc(e.Groups, func(g effectsGroup) bool { return g.Quality == quality })
	if i < 0 {
		e.Groups = append(e.Groups, effectsGroup{Quality: quality})
		i = len(e.Groups) - 1
	}
	for j := range m.Comparisons {
		e.Groups[i].Rows = append(e.Groups[i].Rows, newEffectRow(look, m, &m.Comparisons[j]))
	}
	if len(m.Comparisons) == 0 {
		e.Groups[i].Rows = append(e.Groups[i].Rows, uncompared(m))
	}
}

func uncompared(m *ledger.MetricResult) effectRow {
	return effectRow{
		Metric: name(m.Name), Description: message(m.Description),
		Control: cell{Main: dash}, Treatment: cell{Main: dash}, Relative: cell{Main: dash},
		Absolute: cell{Main: dash}, Margin: cell{Main: dash}, Evidence: cell{Main: dash},
		Status: badge{"?", "cannot say: not compared", toneWarn},
	}
}

func treatments(look *ledger.Look) []string {
	var out []string
	for _, v := range look.Spec.Variations {
		if !v.KnownGood {
			out = append(out, v.ID)
		}
	}
	return out
}

func treatmentHeading(look *ledger.Look) string {
	if t := treatments(look); len(t) == 1 {
		return name(t[0])
	}
	return "treatment"
}

func newEffectRow(look *ledger.Look, m *ledger.MetricResult, v *ledger.Versus) effectRow {
	q := quantityOf(web, m, &v.Comparison)
	row := effectRow{
		Metric: name(m.Name), Description: message(m.Description),
		Control: armCell(m, v.Control, q), Treatment: armCell(m, v.Treatment, q),
		Relative: relativeCell(v, q), Absolute: absoluteCell(v, q), Thin: thin(v, q),
		Margin: marginCell(v, q), Evidence: evidenceCell(m, v, look), Status: standing(look, m, v),
		Marks: marksOf(m, v, q), Method: methodNote(&v.Design), Notes: effectNotes(look, m, v, q), OneLook: labelledOneLook(v, q),
	}
	row.Control.More, row.Treatment.More = shareText(m, knownGood(look)), shareText(m, v.Variation)
	if blindTo(look, m) {
		row.Control, row.Treatment = cell{Main: dash, Note: "not matched"}, cell{Main: dash, Note: "not matched"}
	}
	if len(treatments(look)) > 1 {
		row.Versus = name(v.Variation)
	}
	return row
}

func armCell(m *ledger.MetricResult, a stats.ArmValue, q quantity) cell {
	if a.N == 0 {
		return cell{Main: dash, Note: "no units"}
	}
	note := q.count(a.N) + " units"
	if counted(m) {
		note = q.count(a.Any) + " of " + q.count(a.N)
	}
	return cell{Main: q.value(a.Value), Note: note}
}

func relativeCell(v *ledger.Versus, q quantity) cell {
	if !hasRelative(v) {
		return cell{Main: dash}
	}
	c := cell{Main: dash, Note: q.relativeInterval(v.RelativeInterval)}
	if v.Relative.Known {
		c.Main = q.relative(v.Relative.Value)
	}
	return c
}

func absoluteCell(v *ledger.Versus, q quantity) cell {
	if v.Status != stats.StatusOK {
		return cell{Main: dash}
	}
	return cell{Main: q.difference(v.Absolute), Note: q.interval(v.AbsoluteInterval)}
}

// evidenceCell is the e-value for harm against its bound; for a goal also its
// p-value after correction.
func evidenceCell(m *ledger.MetricResult, v *ledger.Versus, look *ledger.Look) cell {
	c := cell{Main: dash}
	if speaks(v) {
		c.Main, c.Note = proofCell(v)
	}
	if m.Role == "goal" && v.Adjusted != nil && v.Status == stats.StatusOK {
		return cell{Main: web.pvalue(*v.Adjusted), Note: correctionNote(look, web)}
	}
	return c
}

// proofCell is the evidence of harm and what it takes.
func proofCell(v *ledger.Versus) (main, note string) {
	got, needed, z, ok := v.Proof()
	switch {
	case !z:
		return "E\u00a0=\u00a0" + strings.TrimPrefix(web.evalue(got), "≈ "), "needed " + web.needed(needed)
	case !ok && v.Z.Known:
		return "z\u00a0=\u00a0" + web.zvalue(got), "no bound at this look"
	case !ok:
		return dash, "no bound at this look"
	default:
		return "z\u00a0=\u00a0" + web.zvalue(got), "needed " + web.fixed(needed, 2)
	}
}

// effectNotes are the small print of a comparison.
func effectNotes(look *ledger.Look, m *ledger.MetricResult, v *ledger.Versus, q quantity) []string {
	var notes []string
	add := func(s string) {
		if s != "" {
			notes = append(notes, s)
		}
	}
	add(mdeNote(v, q))
	add(goalHarmNote(m, v, q))
	if look.Standing.Ended == nil {
		add(reachNote(m, v, q))
	}
	if m.Definition != "" {
		add(message(m.Definition))
	}
	if m.Window != "" {
		add("window: " + message(m.Window))
	}
	if v.Status == stats.StatusOK && v.Note != "" {
		add(message(v.Note))
	}
	if _, _, z, ok := v.Proof(); z && !ok && v.Status == stats.StatusOK && v.Note == "" && v.Design.Method == stats.MethodExactSpending {
		add("too few events for this look to establish harm, wherever they are")
	}
	if v.Presence != nil && v.Presence.Failed {
		add("! units without a value are left out, and their share differs between variations (" +
			q.evidence(v.Presence.LogE, v.Presence.Bound) + ")")
	}
	return notes
}

// mdeNote is the smallest effect of interest, and the chance that a harm of
// this size beyond the margin goes unnoticed with the data of this look.
func mdeNote(v *ledger.Versus, q quantity) string {
	if v.Design.MDE.Value <= 0 {
		return ""
	}
	s := "smallest effect of interest " + q.size(v.Design.MDE)
	if v.Miss.Known && v.Design.Harm != "" {
		s += " (a harm of it beyond the margin is missed with a chance of at most " + q.chance(v.Miss.Value) + ")"
	}
	return s
}

// reachNote is what the end still promises.
func reachNote(m *ledger.MetricResult, v *ledger.Versus, q quantity) string {
	if !v.Reach.Known || v.Within || m.Role != "goal" && v.Design.Margin.Value == 0 {
		return ""
	}
	what := "within the margin"
	if m.Role == "goal" {
		what = "better"
	}
	return "chance that the end shows it to be " + what + ", were it as good as the interval allows: " + q.likelihood(v.Reach.Value)
}

// goalHarmNote shows a goal's evidence of harm, whose column holds its p-value.
func goalHarmNote(m *ledger.MetricResult, v *ledger.Versus, q quantity) string {
	if m.Role != "goal" || v.Adjusted == nil || !speaks(v) {
		return ""
	}
	return "harm: " + q.proof(v)
}

var methodWords = map[stats.Method]string{
	stats.MethodExact:         "exact test",
	stats.MethodExactSpending: "exact test, error spent by time",
	stats.MethodMixture:       "normal mixture",
	stats.MethodScaleMixture:  "average of normal mixtures",
	stats.MethodDelayedStart:  "delayed start",
	stats.MethodCalibrated:    "calibrated boundary",
}

func methodNote(d *stats.Design) string {
	word, known := methodWords[d.Method]
	if !known {
		word = clean(string(d.Method))
	}
	if strings.Contains(d.Reason, word) {
		return message(d.Reason)
	}
	if d.Reason != "" {
		word = joined(word, " (", message(d.Reason)) + ")"
	}
	return word
}

// oneLookLabel stands before everything that must not be acted upon at a look
// of one's choice.
const oneLookLabel = "one look only, not safe under peeking, decides nothing"

func labelledOneLook(v *ledger.Versus, q quantity) string {
	s := oneLook(v, q)
	if s == "" {
		return ""
	}
	return oneLookLabel + ": " + s
}

// oneLook is what ordinary methods would say of this look alone.
func oneLook(v *ledger.Versus, q quantity) string {
	if v.Status != stats.StatusOK || !bounded(v.OneLook.Interval) {
		return ""
	}
	s := q.interval(v.OneLook.Interval)
	if v.OneLook.P.Known {
		s += ", " + q.pvalue(v.OneLook.P.Value)
	}
	if chances := posteriorText(&v.OneLook.Posterior, q); chances != "" {
		s = joined(s+"; "+chances, "; ", priorText(v.Design.Prior, q))
	}
	return s
}

// posteriorText is the chance to win and what either choice loses on average,
// as a share of control where there is one.
func posteriorText(p *stats.Posterior, q quantity) string {
	if p.Status != stats.StatusOK || !p.Win.Known {
		return ""
	}
	s := "chance to win " + q.likelihood(p.Win.Value)
	switch {
	case p.RelativeLoss.Ship.Known && p.RelativeLoss.Keep.Known:
		return s + ", expected loss " + q.smallShare(p.RelativeLoss.Ship.Value) + " of control if shipped, " +
			q.smallShare(p.RelativeLoss.Keep.Value) + " if not"
	case p.Loss.Ship.Known && p.Loss.Keep.Known:
		return s + ", expected loss " + q.amount(p.Loss.Ship.Value) + " if shipped, " + q.amount(p.Loss.Keep.Value) + " if not"
	}
	return s
}

// priorText is what was believed before data, if anything was.
func priorText(p stats.Prior, q quantity) string {
	if p.Flat() {
		return ""
	}
	return "prior of the relative effect: mean " + q.exactShare(p.Mean) + ", standard deviation " + q.exactShare(p.SD)
}

// forestView is the forest plot in all its layouts.
type forestView struct {
	Charts []template.HTML
}

func newForest(look *ledger.Look) forestView {
	var v forestView
	rows := forestRows(look)
	if !slices.ContainsFunc(rows, func(r forestRow) bool { return r.Drawn }) {
		return v
	}
	for i, l := range forestLayouts {
		v.Charts = append(v.Charts, forest(picture{
			ID:    []string{"forest", "forest-narrow"}[i],
			Title: "Relative effects with their confidence sequences",
			Desc:  forestText(rows),
		}, rows, l))
	}
	return v
}

func forestText(rows []forestRow) string {
	var parts []string
	for _, r := range rows {
		parts = append(parts, shorten(r.Label, 60)+": "+joined(numbersOf(r), ", ", r.Status.Word))
	}
	return "One line a comparison, zero marked, harm beyond the margin tinted. " + strings.Join(parts, "; ") +
		". The tables above hold the same numbers."
}

func forestRows(look *ledger.Look) []forestRow {
	several := len(treatments(look)) > 1
	var rows []forestRow
	for _, r := range roles {
		for i := range look.Metrics {
			m := &look.Metrics[i]
			if m.Role != r.Role {
				continue
			}
			for j := range m.Comparisons {
				row := newForestRow(look, m, &m.Comparisons[j])
				row.Group = r.Title
				if several {
					row.Label += ", " + name(m.Comparisons[j].Variation)
				}
				rows = append(rows, row)
			}
		}
	}
	return rows
}

func newForestRow(look *ledger.Look, m *ledger.MetricResult, v *ledger.Versus) forestRow {
	q := quantityOf(web, m, &v.Comparison)
	row := forestRow{
		Label: name(m.Name), Harm: towardsHarm(v.Design.Harm), Margin: marginRelative(v),
		Status: shortStanding(standing(look, m, v)),
	}
	if !hasRelative(v) {
		return row
	}
	row.Drawn, row.Estimate = true, v.Relative
	row.Lower, row.Upper = v.RelativeInterval.Lower, v.RelativeInterval.Upper
	row.Range = q.relativeInterval(v.RelativeInterval)
	if bounded(v.OneLook.Relative) {
		row.Thin = &v.OneLook.Relative
	}
	if v.Relative.Known {
		row.Value = q.relative(v.Relative.Value)
	}
	return row
}

// shortStanding leaves the reason of "cannot say" to the table.
func shortStanding(b badge) badge {
	b.Word, _, _ = strings.Cut(b.Word, ":")
	if word, earlier := strings.CutSuffix(b.Word, before); earlier {
		b.Word = word
		if b.Tone == toneBad { // The others say no more by being old.
			b.Word += " earlier"
		}
	}
	return b
}

// courseView is a metric's confidence sequence over the looks.
type courseView struct {
	Title, Versus, Scale string
	Level                string
	Badge                badge
	Chart                template.HTML
	Rows                 []courseRow
}

type courseRow struct {
	Look, Effect, E, Word string
	Span                  int // rows that the cell of Word stands for; 0 = it is in one above
}

// newCourses draws one chart a comparison of goals and guardrails.
func newCourses(look *ledger.Look, history []ledger.Look) []courseView {
	var out []courseView
	for _, role := range []string{"guardrail", "goal"} {
		for i := range look.Metrics {
			m := &look.Metrics[i]
			if m.Role != role {
				continue
			}
			for j := range m.Comparisons {
				out = append(out, newCourse(look, history, course{m, &m.Comparisons[j], len(out)}))
			}
		}
	}
	return out
}

// course is one comparison whose past is drawn.
type course struct {
	metric *ledger.MetricResult
	versus *ledger.Versus
	index  int
}

func newCourse(look *ledger.Look, history []ledger.Look, c course) courseView {
	relative := hasRelative(c.versus) && c.versus.Relative.Known
	q := quantityOf(web, c.metric, &c.versus.Comparison)
	v := courseView{
		Title: name(c.metric.Name), Scale: "absolute", Level: confidence(c.versus.Design.Alpha),
		Badge: shortStanding(standing(look, c.metric, c.versus)),
	}
	s := sequence{From: look.Spec.Start, To: look.AsOf, Marks: rampMarks(look), Harm: towardsHarm(c.versus.Design.Harm)}
	s.Label = q.tick
	if relative {
		v.Scale, s.Margin, s.Label = "relative", marginRelative(c.versus), web.relativeTick
	} else if c.versus.Design.Margin.Absolute || c.versus.Design.Margin.Value == 0 {
		s.Margin = &c.versus.Design.Margin.Value
	}
	if len(treatments(look)) > 1 {
		v.Versus = name(c.versus.Variation)
	}
	for i := range history {
		m, past := sameComparison(&history[i], c)
		if past == nil || history[i].Version != look.Version {
			continue
		}
		p := seqPointOf(&history[i], past, relative)
		p.Proof = provedShare(past)
		s.Points = append(s.Points, p)
		v.Rows = append(v.Rows, newCourseRow(&history[i], m, past, relative))
	}
	spans(v.Rows)
	if len(s.Points) > 0 && (s.From.IsZero() || s.Points[0].At.Before(s.From)) {
		s.From = s.Points[0].At
	}
	if s.drawable() {
		v.Chart = sequenceChart(coursePicture(v, c), s)
	}
	return v
}

func coursePicture(v courseView, c course) picture {
	last := v.Rows[len(v.Rows)-1]
	return picture{
		ID:    "course-" + strconv.Itoa(c.index),
		Title: joined(v.Title, ", ", v.Versus) + ": " + v.Scale + " effect over the looks",
		Desc:  "Estimate and confidence sequence by look. Latest: " + last.Effect + ". The table below holds the numbers.",
	}
}

// sameComparison finds the same metric, role and variation in an earlier look.
func sameComparison(look *ledger.Look, c course) (*ledger.MetricResult, *ledger.Versus) {
	for i := range look.Metrics {
		m := &look.Metrics[i]
		if m.Name == c.metric.Name && m.Role == c.metric.Role {
			return m, versus(m, c.versus.Variation)
		}
	}
	return nil, nil
}

func seqPointOf(look *ledger.Look, v *ledger.Versus, relative bool) seqPoint {
	p := seqPoint{At: look.AsOf, Harmed: v.Harmed || latched(v), Estimate: math.NaN()}
	if !relative {
		p.Known = v.Status == stats.StatusOK
		p.Estimate, p.Lower, p.Upper = v.Absolute, v.AbsoluteInterval.Lower, v.AbsoluteInterval.Upper
		return p
	}
	p.Known = hasRelative(v)
	p.Lower, p.Upper = v.RelativeInterval.Lower, v.RelativeInterval.Upper
	if v.Relative.Known {
		p.Estimate = v.Relative.Value
	}
	return p
}

func newCourseRow(look *ledger.Look, m *ledger.MetricResult, v *ledger.Versus, relative bool) courseRow {
	q := quantityOf(web, m, &v.Comparison)
	row := courseRow{
		Look: web.count(int64(look.Number)) + ", " + shortInstant(look.AsOf), E: dash,
		Word: shortStanding(standing(look, m, v)).Word,
	}
	c := absoluteCell(v, q)
	if relative {
		c = relativeCell(v, q)
	}
	row.Effect = c.Main
	if c.Note != "" {
		row.Effect += " (" + c.Note + ")"
	}
	if speaks(v) {
		main, note := proofCell(v)
		row.E = main + " (" + strings.TrimPrefix(note, "needed ") + ")"
	}
	return row
}

// shortInstant leaves out the time of day at midnight, of which long tables are
// full.
func shortInstant(t time.Time) string {
	if midnight := t.UTC().Truncate(24 * time.Hour); midnight.Equal(t) {
		return day(t)
	}
	return instant(t)
}

// provedShare is the evidence of harm over what it takes at that look; unknown
// where there is none.
func provedShare(v *ledger.Versus) stats.Optional {
	got, needed, _, ok := v.Proof()
	if !ok || v.Status != stats.StatusOK || !speaks(v) || !(needed > 0) || math.IsInf(needed, 0) || math.IsNaN(got) {
		return stats.Optional{}
	}
	return stats.Some(got / needed)
}

// rampMarks are the changes of coverage after the first epoch.
func rampMarks(look *ledger.Look) []rampMark {
	var out []rampMark
	for i, e := range look.Epochs {
		if i == 0 {
			continue
		}
		out = append(out, rampMark{At: e.Start, Label: rampLabel(&e.Allocation)})
	}
	return out
}

// rampLabel is the coverage from then on, or that everybody gets the same.
func rampLabel(a *decide.Allocation) string {
	switch sole, everybody := a.Sole(); {
	case !everybody:
		return web.exactShare(a.Coverage)
	case sole == a.KnownGood:
		return "back"
	}
	return "shipped"
}
