package job

import (
	"testing"

	"assay/decide"
	"assay/ledger"
	"assay/spec"
)

func TestWidens(t *testing.T) {
	for name, c := range map[string]struct {
		from, to decide.Allocation
		proposal bool
		want     bool
	}{
		"a ramp":                    {half(0.1), half(0.25), false, true},
		"a ship":                    {half(1), half(1).All("treatment"), false, true},
		"a flag that is opened":     {half(0.1).All("control"), half(0.1), false, true},
		"a rollback":                {half(0.5), half(0.5).All("control"), false, false},
		"a step back":               {half(0.5), half(0.25), false, false},
		"the same, rounded":         {half(0.25), half(0.25 + 1e-9), false, false},
		"more for known good":       {divided(1, 0.5), divided(1, 0.3), false, false},
		"more coverage, less of it": {divided(0.5, 0.5), divided(1, 0.2), false, false},
		"a ramp that is proposed":   {half(0.1), half(0.25), true, false},
	} {
		d := ledger.Delivery{Expected: c.from, Target: c.to, Proposal: c.proposal}
		if got := widens(d); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// TestBeforeLooks: what narrows goes first, what widens only where no look comes.
func TestBeforeLooks(t *testing.T) {
	owed := func(id, experiment string, target decide.Allocation) ledger.Pending {
		return ledger.Pending{Experiment: experiment, Delivery: ledger.Delivery{ID: id, Expected: half(0.25), Target: target}}
	}
	got := ""
	for _, p := range beforeLooks([]*spec.Experiment{{Name: "looked"}})([]ledger.Pending{
		owed("a", "other", half(0.5)), owed("b", "looked", half(0.5)), owed("c", "looked", half(0.1)), owed("d", "other", half(1).All("control")),
	}) {
		got += p.Delivery.ID
	}
	if got != "cda" {
		t.Errorf("sent %s, want cda", got)
	}
}

// TestNewerLook: only a look that came after the decision, and that holds or wants a
// review, speaks against it.
func TestNewerLook(t *testing.T) {
	p := ledger.Pending{Experiment: "tone", LookID: "old", AsOf: hours(24)}
	for name, c := range map[string]struct {
		verdict decide.Verdict
		asOf    float64
		id      string
		change  func(*ledger.Look)
		want    bool
	}{
		"a hold":            {decide.Hold, 48, "new", func(*ledger.Look) {}, true},
		"a review":          {decide.Review, 48, "new", func(*ledger.Look) {}, true},
		"it goes on":        {decide.Continue, 48, "new", func(*ledger.Look) {}, false},
		"the same look":     {decide.Hold, 48, "old", func(*ledger.Look) {}, false},
		"an older one":      {decide.Hold, 12, "new", func(*ledger.Look) {}, false},
		"a backfill":        {decide.Hold, 48, "new", func(l *ledger.Look) { l.Backfill = true }, false},
		"a look that fails": {decide.Hold, 48, "new", func(l *ledger.Look) { l.Failed = "no answer" }, true},
	} {
		look := &ledger.Look{ID: c.id, AsOf: hours(c.asOf), Decision: decide.Decision{Verdict: c.verdict}}
		c.change(look)
		if got := newerLook([]Result{{Experiment: "rank", Look: look}, {Experiment: "tone", Look: look}}, p); (got != nil) != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if newerLook([]Result{{Experiment: "tone", Skipped: "over"}}, p) != nil {
		t.Error("an experiment without a look speaks")
	}
}
