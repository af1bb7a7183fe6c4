package job

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"time"

	"assay/decide"
	"assay/ledger"
)

// assemble decides and puts the look together.
func assemble(j *Job, at *vantage, ev *evidence) *ledger.Look {
	e := at.experiment
	look := &ledger.Look{
		ID: at.id, Experiment: e.Name, AsOf: at.asOf.UTC(), Digest: at.digest,
		Version: at.plan.Version, PlanDigest: at.plan.PlanDigest, Number: at.number, Backfill: at.backfill,
		Spec: specInfo(at), Tool: j.Tool, Revision: j.Revision,
		Allocation: at.allocation, AllocationSource: at.source, Step: at.step(),
		Health: ev.health, Metrics: ev.results, Daily: ev.days, Statements: ev.statements,
	}
	look.Incremental = ev.incremental
	if ev.failure != nil {
		look.Failed = ev.failure.Error()
	}
	for i, epoch := range at.dataEpochs() {
		out := ledger.Epoch{Index: i + 1, Start: epoch.start.UTC(), Settled: epoch.settled.UTC(), Allocation: epoch.allocation, Opened: epoch.opened, Seen: epoch.seen}
		for _, c := range ev.strata[i] {
			out.Units = append(out.Units, c.exposed)
		}
		look.Epochs = append(look.Epochs, out)
	}
	conflict(at, ev)
	evidence := summarise(at, ev, look.Step)
	look.Decision = decide.Decide(evidence, policyOf(e.Policy))
	look.Standing = standing(at, evidence, look.Decision)
	look.Health.Problems = problems(at, ev.findings)
	return look
}

// conflict records that a person changed the flag, made it into something that
// is no allocation, or that the store could not be asked.
func conflict(at *vantage, ev *evidence) {
	find := func(code, text string) { ev.findings = append(ev.findings, ledger.Finding{Code: code, Text: text}) }
	switch {
	case at.foreign != "":
		find("conflict", "The flag cannot be read as an allocation: "+at.foreign+".")
	case at.unread != "":
		find("store_unread", "The flag store did not tell its state ("+at.unread+"); what the ledger knows was used.")
	case at.strayed:
		find("conflict", "A person changed the flag since the last look; that is respected.")
	}
}

// summarise is what the rules see of a look.
func summarise(at *vantage, ev *evidence, step decide.Step) decide.Evidence {
	e := at.experiment
	out := decide.Evidence{
		AsOf: at.asOf, Start: e.Start.Time, End: e.End(), Rollout: e.Type == "rollout",
		Allocation: at.allocation, Open: open(at), Terminal: at.ended(),
		Stale: ev.stale, Blind: ev.blind, Unhealthy: ev.unhealthy,
		Judgements: ev.judgements, Step: step, Rungs: e.Ladder,
	}
	for _, v := range e.Variations {
		if !v.KnownGood {
			out.Treatments = append(out.Treatments, v.ID)
		}
	}
	if at.previous != nil {
		out.Healthy = at.previous.Standing.Healthy
	}
	if troubled(ev) {
		out.BlindSince = at.asOf
		if at.previous != nil && !at.previous.Standing.BlindSince.IsZero() {
			out.BlindSince = at.previous.Standing.BlindSince
		}
	}
	return out
}

// troubled tells whether rows 2 to 4 hold.
func troubled(ev *evidence) bool {
	holds := func(t decide.Trouble) bool { return t.Action != "warn" }
	return slices.ContainsFunc(slices.Concat(ev.stale, ev.blind, ev.unhealthy), holds)
}

// open is the split while units are exposed: the present one, or where nobody
// is exposed that of the spec.
func open(at *vantage) decide.Allocation {
	if _, sole := at.allocation.Sole(); sole {
		return initial(at.experiment)
	}
	return at.allocation
}

// standing is what this look hands to the next.
func standing(at *vantage, e decide.Evidence, d decide.Decision) ledger.Standing {
	s := ledger.Standing{Ended: e.Terminal, BlindSince: e.BlindSince, Healthy: e.Healthy}
	if s.Ended != nil && at.previous != nil {
		s.Owes = at.previous.Standing.Owes
	}
	if e.BlindSince.IsZero() {
		s.Healthy = 0
		if _, sole := at.allocation.Sole(); !sole {
			s.Healthy = at.allocation.Coverage
		}
	}
	if s.Ended == nil && ends(d) {
		s.Ended = &decide.Terminal{Verdict: d.Verdict, At: at.asOf.UTC(), By: byAssay}
	}
	s.VerdictSince = at.asOf.UTC()
	if p := at.previous; p != nil && p.Decision.Verdict == d.Verdict {
		s.VerdictSince = p.Standing.VerdictSince
	}
	return s
}

// seriousness orders findings; what is not listed comes last.
var seriousness = []string{
	"warehouse_failed", "over_budget", "source_blind", "source_empty", "source_out_of_window", "source_fading", "not_finite", "no_exposures", "stale_exposures",
	"stale_source", "missing_day", "exposures_collapsed", "exposures_lost", "facts_lost", "sample_ratio", "activation_differs", "multiple_exposure", "unknown_variation", "conflict", "store_unread",
	"change_unseen", "ramp_unseen", "pre_exposure_differs", "null_identifiers", "repeats_differ",
}

// problems orders the findings and says since which look each has lasted.
func problems(at *vantage, findings []ledger.Finding) []ledger.Finding {
	rank := func(f ledger.Finding) int {
		if i := slices.Index(seriousness, f.Code); i >= 0 {
			return i
		}
		return len(seriousness)
	}
	out := append([]ledger.Finding{}, findings...)
	slices.SortStableFunc(out, func(a, b ledger.Finding) int { return cmp.Compare(rank(a), rank(b)) })
	for i := range out {
		out[i].Since = at.asOf.UTC()
		if at.previous == nil {
			continue
		}
		for _, before := range at.previous.Health.Problems {
			if before.Code == out[i].Code && before.Source == out[i].Source {
				out[i].Since = before.Since
			}
		}
	}
	return out
}

func specInfo(at *vantage) ledger.SpecInfo {
	e := at.experiment
	info := ledger.SpecInfo{
		Type: e.Type, Description: e.Description, Owner: e.Owner, Tags: e.Tags,
		Identifier: at.project.Config.Assignments[e.Assignment].Identifier, Assignment: e.Assignment,
		Start: e.Start.UTC(), End: e.End().UTC(), Cadence: e.Cadence.String(), PlannedUnits: e.PlannedUnits,
		Ladder: e.Ladder, FlagKey: e.Flag.Key,
		Alpha: ledger.Alphas{
			Guardrails: e.Policy.Alpha.Guardrails, Goals: e.Policy.Alpha.Goals, SampleRatio: e.Policy.Alpha.SampleRatio,
		},
		GoalCorrection: e.Policy.GoalCorrection, Activation: e.Activation, Policy: e.Policy.Words(), Text: at.project.Resolved(e),
	}
	for _, v := range e.Variations {
		out := ledger.Variation{ID: v.ID, KnownGood: v.KnownGood, Weight: v.Weight}
		if p := v.Prompt; p != nil {
			out.Prompt = &ledger.Prompt{Name: p.Name, Version: p.Version(), Model: p.Model, Template: p.Template, Parameters: p.Parameters}
		}
		info.Variations = append(info.Variations, out)
	}
	return info
}

// deliveries are the effects that a look owes to the flag stores. A proposal
// that the look before made already is not made again.
func (at *vantage) deliveries(look *ledger.Look) []ledger.Delivery {
	target := look.Decision.Target
	if target == nil || same(*target, at.allocation) {
		return nil
	}
	if p := at.previous; look.Decision.Proposal && p != nil && p.Decision.Proposal && p.Decision.Target != nil && same(*p.Decision.Target, *target) {
		return nil
	}
	var out []ledger.Delivery
	for _, store := range at.experiment.Flag.Stores {
		// A look that is repeated after a failure may decide otherwise: each record
		// owes deliveries of its own.
		sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d", look.ID, store, at.past.looks))
		out = append(out, ledger.Delivery{
			ID: "assay_" + hex.EncodeToString(sum[:12]), Store: store, FlagKey: at.experiment.Flag.Key,
			Expected: at.allocation, Target: *target, Proposal: look.Decision.Proposal,
		})
	}
	return out
}

// owes are the deliveries that have to arrive before the end counts that this
// look, or one before it, decided.
func (at *vantage) owes(look *ledger.Look) []string {
	if !ends(look.Decision) || look.Standing.Ended == nil {
		return look.Standing.Owes
	}
	var ids []string
	for _, d := range look.Deliveries {
		ids = append(ids, d.ID)
	}
	return ids
}

// moved is the largest relative change of an estimate between two computations
// of one look.
func moved(before, after *ledger.Look) float64 {
	worst := 0.0
	for i := range min(len(before.Metrics), len(after.Metrics)) {
		a, b := before.Metrics[i].Comparisons, after.Metrics[i].Comparisons
		for k := range min(len(a), len(b)) {
			for _, pair := range [][2]float64{
				{a[k].Control.Value, b[k].Control.Value}, {a[k].Treatment.Value, b[k].Treatment.Value},
			} {
				if scale := math.Max(math.Abs(pair[0]), math.Abs(pair[1])); scale > 0 {
					worst = math.Max(worst, math.Abs(pair[0]-pair[1])/scale)
				}
			}
		}
	}
	return worst
}

// Clear forgets that an experiment was rolled back or shipped: evidence starts
// afresh at now.
func (j *Job) Clear(experiment, note string, asOf time.Time) error {
	return j.record(ledger.Clear{Experiment: experiment, Note: note, AsOf: asOf})
}
