package main

import (
	"strconv"
	"time"

	"assay/decide"
	"assay/stats"
)

// launch is when every simulated rollout begins; any instant would do.
func launch() time.Time { return time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC) }

// lifetime of a simulated rollout; only the shares of it matter.
const lifetime = 28 * 24 * time.Hour

// desk turns the comparisons of a look into the product's decision.
type desk struct {
	evidence decide.Evidence
	looks    int
}

func newDesk(p *plan, guardrails int) desk {
	flag := decide.Allocation{
		Coverage: 1, KnownGood: "control",
		Arms: []decide.Arm{{Variation: "control", Weight: 1 - p.share}, {Variation: "treatment", Weight: p.share}},
	}
	d := desk{looks: p.looks, evidence: decide.Evidence{
		Start: launch(), End: launch().Add(lifetime), Rollout: true,
		Allocation: flag, Open: flag, Treatments: []string{"treatment"},
		Step:       decide.Step{Coverage: 1, LastRung: true, Since: launch()},
		Judgements: make([]decide.Judgement, guardrails),
	}}
	for i := range d.evidence.Judgements {
		d.evidence.Judgements[i] = decide.Judgement{
			Metric: "guardrail " + strconv.Itoa(i+1), Role: decide.RoleGuardrail, Variation: "treatment", Source: "facts",
		}
	}
	return d
}

// file puts a comparison on the desk.
func (d *desk) file(guardrail int, c stats.Comparison) {
	j := &d.evidence.Judgements[guardrail]
	j.Comparison, j.StepUnits = c, min(c.Control.N, c.Treatment.N)
	j.Latched = j.Latched || c.Harmed
}

// decide on what is filed at the k-th look.
func (d *desk) decide(k int) decide.Verdict {
	d.evidence.AsOf = d.evidence.Start.Add(lifetime * time.Duration(k) / time.Duration(d.looks))
	return decide.Decide(d.evidence, policy()).Verdict
}

// policy is the default of a spec.
func policy() decide.Policy {
	return decide.Policy{AutoRollback: true, MinStepUnits: 100, MaxBlind: 24 * time.Hour, AlphaGoals: alpha}
}
