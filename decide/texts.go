package decide

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"assay/stats"
)

// percent writes a share: 0.25 as "25 %".
func percent(share float64) string { return number(share*100) + " %" }

// number writes three significant digits, more only for whole numbers and for
// those that would otherwise need an exponent.
func number(x float64) string {
	if math.Abs(x) >= 1000 {
		x = math.Round(x)
	}
	if x == math.Trunc(x) && math.Abs(x) < 1e15 {
		return Count(int64(x))
	}
	return strconv.FormatFloat(x, 'g', 3, 64)
}

// Count writes a whole number as every text does: with a comma between groups of
// three digits, from five digits on.
func Count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	if digits, negative := strings.CutPrefix(digits, "-"); negative {
		return "-" + Grouped(digits)
	}
	return Grouped(digits)
}

// Grouped puts commas into a run of digits; four stay together, as years do.
func Grouped(digits string) string {
	if len(digits) < 5 {
		return digits
	}
	var b strings.Builder
	for i, c := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// evalue writes exp(logE) so that it can be read at any size.
func evalue(logE float64) string {
	if logE > 14 {
		return fmt.Sprintf("10^%.0f", math.Floor(logE/math.Ln10))
	}
	return number(math.Exp(logE))
}

func span(d time.Duration) string {
	if d >= 48*time.Hour && d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	}
	text := d.String()
	return strings.TrimSuffix(strings.TrimSuffix(text, "0s"), "0m")
}

// value writes a metric's value in its own way.
func value(c stats.Comparison, x float64) string {
	if c.Design.Kind == stats.KindProportion {
		return percent(x)
	}
	return number(x)
}

// size writes a size of a metric's effect: of a share in percentage points, where
// it is absolute.
func size(c stats.Comparison, s stats.Size) string {
	switch {
	case !s.Absolute:
		return percent(s.Value)
	case c.Design.Kind == stats.KindProportion:
		return number(100*s.Value) + " pp"
	}
	return number(s.Value)
}

// relative writes a relative effect with its interval; an open end is ∞.
func relative(c stats.Comparison) string {
	if !c.Relative.Known {
		return ""
	}
	ends := [2]string{"-∞", "∞"}
	if !math.IsInf(c.RelativeInterval.Lower, 0) {
		ends[0] = signed(c.RelativeInterval.Lower)
	}
	if !math.IsInf(c.RelativeInterval.Upper, 0) {
		ends[1] = signed(c.RelativeInterval.Upper)
	}
	return fmt.Sprintf(", %s (%s to %s)", signed(c.Relative.Value), ends[0], ends[1])
}

func signed(share float64) string {
	if share > 0 {
		return "+" + percent(share)
	}
	return percent(share)
}

// cannotSay is why there is no answer.
var cannotSay = map[stats.Status]string{
	stats.StatusNoUnits:     "an arm has no units yet",
	stats.StatusTooFew:      "too few units in an arm",
	stats.StatusNoVariance:  "nothing varies and the arms agree",
	stats.StatusUnweighed:   "nothing varies inside either arm, and they differ",
	stats.StatusSkewed:      "the arms are too unequal for values this skewed",
	stats.StatusNoEvents:    "no unit of either arm has any event yet",
	stats.StatusNoBase:      "a denominator is zero",
	stats.StatusNotFinite:   "the numbers are too large to compare",
	stats.StatusBadQuestion: "the question contradicts itself",
}

// CannotSay says in words why a comparison has no answer; "" = it has one, or the
// status is not known.
func CannotSay(s stats.Status) string { return cannotSay[s] }

// unjudged says that a guardrail has no answer, and why.
func unjudged(j Judgement) string {
	if j.Comparison.Status == stats.StatusOK {
		return fmt.Sprintf("%s has had no look yet that may decide", j.Metric)
	}
	why := cmp.Or(CannotSay(j.Comparison.Status), string(j.Comparison.Status))
	return fmt.Sprintf("%s cannot be judged (%s)", j.Metric, why)
}

// unmatched are the ways in which a source shows nothing of the exposed units, by
// the codes of troubles.
var unmatched = map[string]string{
	"source_blind":         "%s cannot be matched to the exposed units",
	"source_empty":         "%s has no rows",
	"source_out_of_window": "no row of %s lies in a window",
	"source_fading":        "%s has lost most of the exposed units",
}

// Unmatched says in words why a source shows nothing of the exposed units, whatever
// its numbers are; "" = the code is of something else.
func Unmatched(code, source string) string {
	if text, known := unmatched[code]; known {
		return fmt.Sprintf(text, source)
	}
	return ""
}

// pressing names a guardrail that looks harmed at a look that may not say so.
func pressing(j Judgement) string {
	return fmt.Sprintf("%s looks harmed (z = %s, needed at the last look %s), but this look may not establish it",
		j.Metric, fixed(j.Comparison.Z.Value), fixed(j.Comparison.Critical.Value))
}

// futile is the chance of the favourable verdict below which going on for its
// sake is called futile. It binds nobody: whoever stops spends no error.
const futile = 0.1

// futileText names what can hardly be shown any more by the end.
func futileText(e Evidence) string {
	out := ""
	for _, j := range e.Judgements {
		reach := j.Comparison.Reach
		if !reach.Known || reach.Value >= futile {
			continue
		}
		switch {
		case j.Role == RoleGoal:
			out += fmt.Sprintf(" %s can hardly be shown to be better by the end (chance %s).", j.Metric, percent(reach.Value))
		case j.Role == RoleGuardrail && j.hasMargin() && !j.within():
			out += fmt.Sprintf(" %s can hardly be shown to be within its margin by the end (chance %s).", j.Metric, percent(reach.Value))
		}
	}
	return out
}

// harmText names the culprit: estimate, interval, e-value against its bound and
// margin.
func harmText(j Judgement) string {
	c := j.Comparison
	margin := ""
	if j.hasMargin() {
		margin = fmt.Sprintf(" beyond the margin of %s", size(c, c.Design.Margin))
	}
	if !c.Harmed {
		return fmt.Sprintf("%s of %s was harmed%s at an earlier look of this version.", j.Metric, j.Variation, margin)
	}
	measure, got, needed := proof(j)
	return fmt.Sprintf("%s of %s is harmed%s: %s against %s%s; %s = %s, needed %s.",
		j.Metric, j.Variation, margin, value(c, c.Treatment.Value), value(c, c.Control.Value), relative(c),
		measure, got, needed)
}

// proof is the measure of the evidence of harm, its value and its bound.
func proof(j Judgement) (measure, value, needed string) {
	got, bound, z, ok := j.Comparison.Proof()
	switch {
	case !z:
		return "E", evalue(got), evalue(bound)
	case !ok:
		return "z", fixed(got), "none at this look"
	default:
		return "z", fixed(got), fixed(bound)
	}
}

// fixed writes a z-value; a zero never has a sign.
func fixed(z float64) string {
	const least = 0.005 // What rounds to zero.
	if math.Abs(z) < least {
		z = 0
	}
	return strconv.FormatFloat(z, 'f', 2, 64)
}

func winText(j Judgement) string {
	c := j.Comparison
	return fmt.Sprintf("%s of %s is better: %s against %s%s; p = %s after correction over goals, and no guardrail is harmed.",
		j.Metric, j.Variation, value(c, c.Treatment.Value), value(c, c.Control.Value), relative(c), number(j.WinP))
}

// missText says what "not harmed" is worth: guardrails with a margin are shown
// to be within it, and for the others the chance that a harm of the size of
// interest was missed is printed, where it is largest.
func missText(e Evidence) string {
	worst := -1.0
	text := ""
	within := len(filter(e.guardrails(), Judgement.hasMargin))
	if within > 0 {
		text = fmt.Sprintf("; %s shown to be within the margin", countOf(within, len(e.guardrails())))
	}
	missed := ""
	for _, j := range e.guardrails() {
		c := j.Comparison
		if !c.Miss.Known || c.Design.MDE.Value == 0 || j.hasMargin() || c.Miss.Value <= worst {
			continue
		}
		worst = c.Miss.Value
		missed = fmt.Sprintf("; a harm of %s in %s would have been missed with a chance of at most %s",
			size(c, c.Design.MDE), j.Metric, percent(c.Miss.Value))
	}
	return text + missed
}

func countOf(n, all int) string {
	switch {
	case n < all:
		return fmt.Sprintf("%d of %d are", n, all)
	case n == 1:
		return "it is"
	default:
		return "all are"
	}
}

// wouldChange says, for the verdict reached, what evidence would have led to
// another one.
func wouldChange(e Evidence, p Policy, d Decision) []string {
	switch d.Verdict {
	case Rollback:
		return changeRollback(e)
	case Hold:
		return changeHold(e, d)
	case Ship:
		return append(nearestHarm(e), "hold, if the data were stale or the split broken")
	case Ramp: // The next step is what is decided.
		e.Step.Next = nil
		return append(nearestHarm(e), nextSteps(e, p)...)
	case Continue, Review:
		return append(nearestHarm(e), nextSteps(e, p)...)
	}
	return nil
}

func changeRollback(e Evidence) []string {
	var out []string
	for _, j := range e.guards() {
		if j.Comparison.Harmed {
			measure, got, needed := proof(j)
			out = append(out, fmt.Sprintf("no rollback, had the %s of %s stayed below %s (it is %s)", measure, j.Metric, needed, got))
		}
	}
	return append(out, anew)
}

func changeHold(e Evidence, d Decision) []string {
	if d.Reasons[0].Rule == 0 {
		return []string{anew}
	}
	var out []string
	for _, r := range d.Reasons {
		if r.Verdict == Hold {
			out = append(out, NotHeld+mended(r))
		}
	}
	return append(slices.Compact(out), nearestHarm(e)...)
}

// anew is the way back from an end, which only a person takes.
const anew = "a fresh start, if a person runs assay clear; then only units exposed after it count"

// NotHeld begins what WouldChange says of a hold: what follows is when it ends.
const NotHeld = "not held, once "

// mends say when a hold ends, by the code of its reason; %s is the source.
var mends = map[string]string{
	"warehouse_failed":     "the warehouse answers again",
	"over_budget":          "a look costs less than the budget, or the budget is raised",
	"no_exposures":         "exposures are logged",
	"stale_exposures":      "newer exposures are loaded",
	"missing_day":          "the exposures of the missing day are loaded",
	"exposures_collapsed":  "as many exposures arrive as before",
	"exposures_lost":       "the exposures that are gone are back",
	"facts_lost":           "the rows of %s that are gone are back",
	"stale_source":         "newer rows of %s are loaded",
	"source_blind":         "the identifiers of %s meet those of the exposures",
	"source_empty":         "%s has rows",
	"source_out_of_window": "%s has rows of exposed units inside their window",
	"source_fading":        "%s has facts of as many exposed units as before",
	"not_finite":           "the values of %s are numbers",
	"sample_ratio":         "the traffic splits as intended",
	"activation_differs":   "units are activated alike in every variation",
	"multiple_exposure":    "units stay in one variation",
	"unknown_variation":    "only declared variations are logged",
}

// mended says when a reason to hold is gone.
func mended(r Reason) string {
	text, known := mends[r.Code]
	switch {
	case !known:
		return "this is mended: " + strings.TrimSuffix(r.Text, ".")
	case strings.Contains(text, "%s"):
		return fmt.Sprintf(text, cmp.Or(r.Source, "the source"))
	}
	return text
}

// nearestHarm names the guardrail that is closest to a rollback.
func nearestHarm(e Evidence) []string {
	guards := filter(e.guards(), func(j Judgement) bool { return j.judged() && !j.harmed() && e.blindTo(j) == "" })
	if len(guards) == 0 {
		return nil
	}
	j := slices.MaxFunc(guards, func(a, b Judgement) int {
		return cmp.Compare(closeness(a), closeness(b))
	})
	if _, _, z, ok := j.Comparison.Proof(); z && !ok {
		return []string{fmt.Sprintf("rollback, if a later look shows harm in %s", j.Metric)}
	}
	measure, got, needed := proof(j)
	return []string{fmt.Sprintf("rollback, if the %s of %s reached %s (it is %s)", measure, j.Metric, needed, got)}
}

// closeness is how near a guardrail is to a rollback; 1 is there.
func closeness(j Judgement) float64 {
	got, needed, _, ok := j.Comparison.Proof()
	if !ok || needed == 0 {
		return math.Inf(-1)
	}
	return got / needed
}

func nextSteps(e Evidence, p Policy) []string {
	var out []string
	if e.Rollout && e.Step.Next != nil {
		out = append(out, fmt.Sprintf("ramp to %s, from %s with %s complete units per arm from this step",
			percent(*e.Step.Next), instant(e.Step.Due), Count(p.MinStepUnits)))
	}
	if e.Rollout {
		return append(out, fmt.Sprintf("ship, at full coverage from %s, if no guardrail is harmed and each that has a margin is shown to be within it", instant(e.End)))
	}
	return append(out, fmt.Sprintf("ship, from %s, if a goal is better after correction (p at most %s) and each guardrail that has a margin is shown to be within it",
		instant(e.Start.Add(p.MinDuration)), number(p.AlphaGoals)))
}
