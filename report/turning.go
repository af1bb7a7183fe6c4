package report

import (
	"fmt"
	"iter"
	"strings"

	"assay/decide"
	"assay/ledger"
	"assay/stats"
)

// turning is the comparison that a verdict turns on, in one sentence: the metric,
// what each arm showed, the estimate with its interval, and the evidence against
// its boundary.
type turning struct {
	Lead string // why this comparison is the one to look at
	evidence
	Besides string // which guardrails may not be judged; "" = all may
}

// newTurning finds the comparison to tell of: that of the first reason, or of the
// look that ended the experiment, or else the guardrail nearest to its boundary.
// It is nil where none can say anything.
func newTurning(look *ledger.Look, history []ledger.Look, n numbers) *turning {
	if e := newEvidence(look, n); e != nil {
		return &turning{"Decided by", *e, ""}
	}
	if end := ending(look, history); end != nil {
		if e := newEvidence(end, n); e != nil {
			lead := "Decided at " + lookNumber(end) + ", as of " + instant(end.AsOf) + ", by"
			return &turning{lead, *e, ""}
		}
	}
	m, v := nearest(look)
	if v == nil || doubted(look) {
		return nil
	}
	t := &turning{nearestLead(look), *evidenceOf(look, m, v, n), unbounded(look, n)}
	if got, _, _, _ := v.Proof(); got < 0 && t.Harm {
		t.E, t.Harm = "no sign of harm ("+t.E+")", false
	}
	return t
}

// sentence is what the page says of it, for texts without marks.
func (t *turning) sentence() string {
	s := t.Lead + " " + t.Metric + " in " + t.Versus + ": " + t.Arms + ", effect " + t.Effect
	if t.E != "" && t.Harm {
		s += "; evidence of harm " + t.E
	} else {
		s = joined(s, "; ", t.E)
	}
	return joined(s+".", " ", t.Besides)
}

// unbounded names the guardrails that have an answer and may not be judged yet: the
// nearest to its limit says nothing of them.
func unbounded(look *ledger.Look, n numbers) string {
	var names []string
	for m, v := range guards(look) {
		if _, _, z, ok := v.Proof(); z && !ok && !v.Within && !latched(v) {
			e := evidenceOf(look, m, v, n)
			names = append(names, e.Metric+" in "+e.Versus+", "+e.Arms)
		}
	}
	if len(names) == 0 {
		return ""
	}
	const most = 2
	if more := len(names) - most; more > 0 {
		names = append(names[:most], plural(more, "other", "others"))
	}
	return "Not to be judged at this look: " + strings.Join(names, "; ") + "."
}

// ending is the look that ended an experiment which has ended since; nil where it
// is not at hand.
func ending(look *ledger.Look, history []ledger.Look) *ledger.Look {
	at := look.Standing.Ended
	if at == nil || !ended(&look.Decision) {
		return nil
	}
	for i := range history {
		h := &history[i]
		if h.AsOf.Equal(at.At) && h.Decision.Verdict == at.Verdict && !h.Backfill {
			return h
		}
	}
	return nil
}

func nearestLead(look *ledger.Look) string {
	if look.Decision.Verdict == decide.Ship {
		return "The guardrail nearest to its limit was"
	}
	return "The guardrail nearest to its limit is"
}

// doubted tells whether the data cannot be trusted: then no guardrail reassures.
func doubted(look *ledger.Look) bool {
	reasons := look.Decision.Reasons
	return len(reasons) > 0 && reasons[0].Rule >= staleRule && reasons[0].Rule <= unhealthyRule
}

// guards are the comparisons of guardrails that have an answer; one whose source is
// blind has none.
func guards(look *ledger.Look) iter.Seq2[*ledger.MetricResult, *ledger.Versus] {
	return func(yield func(*ledger.MetricResult, *ledger.Versus) bool) {
		for i := range look.Metrics {
			m := &look.Metrics[i]
			if m.Role != "guardrail" || blindTo(look, m) {
				continue
			}
			for j := range m.Comparisons {
				v := &m.Comparisons[j]
				if v.Status == stats.StatusOK && speaks(v) && !yield(m, v) {
					return
				}
			}
		}
	}
}

// nearest is the guardrail whose evidence of harm is the largest share of what it
// takes.
func nearest(look *ledger.Look) (*ledger.MetricResult, *ledger.Versus) {
	var metric *ledger.MetricResult
	var found *ledger.Versus
	most := 0.0
	for m, v := range guards(look) {
		got, needed, _, ok := v.Proof()
		if !ok || needed <= 0 {
			continue
		}
		if share := got / needed; found == nil || share > most {
			metric, found, most = m, v, share
		}
	}
	return metric, found
}

// standingView is since when a verdict holds, and which one it followed.
type standingView struct {
	Since  string // "" = not known
	Before *badge // the verdict before it; nil = none is known
}

func newStanding(look *ledger.Look, history []ledger.Look) standingView {
	var v standingView
	since := look.Standing.VerdictSince
	if since.IsZero() {
		return v
	}
	v.Since = prose(sinceWords(look))
	for i := range history {
		if h := &history[i]; h.AsOf.Before(since) && !h.Backfill {
			b := decisionBadge(&h.Decision)
			v.Before = &b
		}
	}
	return v
}

// sentence says it in words; "" where nothing is known.
func (v standingView) sentence() string {
	if v.Since == "" {
		return ""
	}
	s := plain(v.Since)
	if v.Before != nil {
		s += ", before it: " + strings.ToLower(v.Before.Word)
	}
	return s + "."
}

// sinceWords says since when a verdict holds.
func sinceWords(look *ledger.Look) string {
	since := look.Standing.VerdictSince
	if !since.Before(look.AsOf) || look.Decision.Verdict == decide.Ramp { // Each step is a verdict of its own.
		return "New at this look"
	}
	return fmt.Sprintf("The verdict has held since %s (%s)", instant(since), length(look.AsOf.Sub(since)))
}
