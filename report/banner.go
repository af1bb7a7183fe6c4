package report

import (
	"fmt"
	"math"
	"strings"

	"assay/decide"
	"assay/ledger"
	"assay/stats"
)

// banner is the first screen: what was decided, why, and what it means.
type banner struct {
	Badge       badge
	Proposal    bool
	Backfill    bool
	Failed      string // why evidence is missing; "" = none is
	Summary     string
	Standing    standingView
	Turning     *turning
	Alarms      []alarm
	Look, AsOf  string
	Winner      string
	Todo        string // what a person can do; "" = nothing, or not known here
	Reasons     []reasonView
	WouldChange []string
	Flag        flagView
}

// evidence is the comparison that the first reason is about.
type evidence struct {
	Metric, Versus string
	Arms           string // what each arm showed
	Effect         string // estimate and interval
	E              string // what decides, against its bound
	Harm           bool   // E is evidence of harm, not of a goal that is better
}

type reasonView struct {
	Badge badge
	Rule  int
	Text  string
	About string
}

func newBanner(look *ledger.Look, history []ledger.Look, t told) banner {
	d := &look.Decision
	b := banner{
		Badge: verdictOf(look), Proposal: d.Proposal, Backfill: look.Backfill, Failed: message(look.Failed),
		Summary: prose(d.Summary), Standing: newStanding(look, history), Turning: newTurning(look, history, web),
		Look: "Look" + strings.TrimPrefix(lookNumber(look), "look"), AsOf: instant(look.AsOf), Flag: newFlagView(look, t.setters), Todo: pageTodo(look, t.since),
	}
	for i := range look.Health.Sources {
		if s := &look.Health.Sources[i]; s.Blind {
			b.Alarms = append(b.Alarms, newAlarm(look, s, web))
		}
	}
	if b.Turning != nil {
		b.Turning.E = prose(b.Turning.E)
	}
	if b.Summary == "" {
		b.Summary = "No reason was given."
	}
	if d.Winner != "" {
		b.Winner = name(d.Winner)
	}
	for i, r := range d.Reasons {
		badge := verdictBadge(r.Verdict)
		if i == 0 && ended(d) {
			badge = b.Badge // As the page is headed: what ended it.
		}
		b.Reasons = append(b.Reasons, reasonView{
			Badge: badge, Rule: r.Rule, Text: prose(r.Text),
			About: about(r.Metric, r.Variation, r.Source),
		})
	}
	for _, w := range d.WouldChange {
		b.WouldChange = append(b.WouldChange, prose(w))
	}
	return b
}

// endWords are the verdicts that end an experiment, once they have.
var endWords = map[decide.Verdict]string{decide.Rollback: "Rolled back", decide.Ship: "Shipped"}

// verdictOf is the verdict as the page heads it: of an ended experiment what
// ended it.
func verdictOf(look *ledger.Look) badge {
	b := decisionBadge(&look.Decision)
	end := look.Standing.Ended
	if end == nil || !ended(&look.Decision) {
		return b
	}
	if word, known := endWords[end.Verdict]; known {
		b.Word = word
	}
	return b
}

func lookNumber(look *ledger.Look) string {
	s := fmt.Sprintf("look %d", look.Number)
	if look.Version > 1 {
		s += fmt.Sprintf(" of plan version %d", look.Version)
	}
	return s
}

// about names what a reason is about.
func about(metric, variation, source string) string {
	s := ""
	if metric != "" {
		s = name(metric)
	}
	if variation != "" {
		s = joined(s, " in ", name(variation))
	}
	if source != "" {
		s = joined(s, ", source ", name(source))
	}
	return s
}

// joined puts by between a and b, where both say something.
func joined(a, by, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + by + b
}

// newEvidence finds the comparison behind the first reason, nil if it is not
// about one.
func newEvidence(look *ledger.Look, n numbers) *evidence {
	if len(look.Decision.Reasons) == 0 {
		return nil
	}
	first := look.Decision.Reasons[0]
	if first.Metric == "" {
		return nil
	}
	m, v := findComparison(look, first.Metric, first.Variation)
	if v == nil {
		return nil
	}
	return evidenceOf(look, m, v, n)
}

func evidenceOf(look *ledger.Look, m *ledger.MetricResult, v *ledger.Versus, n numbers) *evidence {
	q := quantityOf(n, m, &v.Comparison)
	return &evidence{
		Metric: name(m.Name),
		Versus: name(v.Variation) + " against " + name(knownGood(look)),
		Arms:   armsText(m, v, q),
		Effect: effectText(v, q),
		E:      proof(look, m, v, n),
		Harm:   !provesBetter(m, v),
	}
}

// findComparison finds a metric's comparison: the role that guards first, the
// named variation or else the only one.
func findComparison(look *ledger.Look, metric, variation string) (*ledger.MetricResult, *ledger.Versus) {
	for _, role := range []string{"guardrail", "goal", "secondary"} {
		for i := range look.Metrics {
			m := &look.Metrics[i]
			if m.Name != metric || m.Role != role {
				continue
			}
			if v := versus(m, variation); v != nil {
				return m, v
			}
		}
	}
	return nil, nil
}

func versus(m *ledger.MetricResult, variation string) *ledger.Versus {
	for i := range m.Comparisons {
		v := &m.Comparisons[i]
		if v.Variation == variation || variation == "" && len(m.Comparisons) == 1 {
			return v
		}
	}
	return nil
}

// armsText says what each arm showed: for shares the counts as well.
func armsText(m *ledger.MetricResult, v *ledger.Versus, q quantity) string {
	return armText(m, v.Control, q) + " → " + armText(m, v.Treatment, q)
}

func armText(m *ledger.MetricResult, a stats.ArmValue, q quantity) string {
	if a.N == 0 {
		return dash
	}
	s := q.value(a.Value)
	if counted(m) {
		s += fmt.Sprintf(" (%s of %s)", q.count(a.Any), q.count(a.N))
	}
	return s
}

// effectText is the relative effect where there is one, else the absolute one.
func effectText(v *ledger.Versus, q quantity) string {
	if v.Status != stats.StatusOK {
		return "cannot say: " + whyNot(v)
	}
	if v.Relative.Known {
		return q.relative(v.Relative.Value) + " (" + q.relativeInterval(v.RelativeInterval) + ")"
	}
	return q.difference(v.Absolute) + " (" + q.interval(v.AbsoluteInterval) + ")"
}

// proof is what decides about a metric: a goal's p-value after correction, and
// the evidence of harm of what is harmed or guards.
func proof(look *ledger.Look, m *ledger.MetricResult, v *ledger.Versus, n numbers) string {
	if !provesBetter(m, v) {
		return evidenceText(v, n)
	}
	return n.pvalue(*v.Adjusted) + " " + correctionNote(look, n)
}

// provesBetter tells whether a comparison is judged by its goal's p-value.
func provesBetter(m *ledger.MetricResult, v *ledger.Versus) bool {
	return m.Role == "goal" && v.Adjusted != nil && v.Status == stats.StatusOK && !v.Harmed && !latched(v)
}

// evidenceText is the e-value against its bound, with the largest one so far
// where that is the one that decided.
func evidenceText(v *ledger.Versus, n numbers) string {
	if v.Bound <= 0 {
		return ""
	}
	s := n.proof(v)
	if latched(v) && !v.Harmed {
		s += "; established at an earlier look"
	}
	return s
}

// confidence writes the level of an interval from its alpha.
func confidence(alpha float64) string {
	if alpha <= 0 || alpha >= 1 || math.IsNaN(alpha) {
		return ""
	}
	return web.general(100*(1-alpha), 4) + web.percent
}
