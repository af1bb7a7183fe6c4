package report

import (
	"strings"
	"testing"

	"assay/decide"
	"assay/ledger"
)

// TestTodo: whoever an experiment needs is told in the index what to do about it;
// one that needs nobody has nothing of the kind.
func TestTodo(t *testing.T) {
	held := func(rule int, code string, would ...string) *ledger.Look {
		look := base("tone", 3, 100)
		look.Decision = decide.Decision{
			Verdict: decide.Hold, Reasons: []decide.Reason{{Rule: rule, Code: code, Verdict: decide.Hold}}, WouldChange: would,
		}
		return look
	}
	usual := held(4, "sample_ratio")
	usual.Health.Traffic = &ledger.Traffic{Causes: []ledger.UsualCause{{Text: "Bots are left out of one arm."}}}
	proposed := held(1, "guardrail_harmed")
	proposed.Decision.Verdict, proposed.Decision.Proposal = decide.Rollback, true
	review := held(8, "end_reached")
	review.Decision.Verdict = decide.Review
	rollback := held(1, "guardrail_harmed")
	rollback.Decision.Verdict = decide.Rollback
	for name, c := range map[string]struct {
		entry Entry
		want  string
	}{
		"the mend of the likeliest cause": {Entry{Look: blind().look}, "Call the column of searches what it is, account_id"},
		"no cause is known":               {Entry{Look: held(3, "source_blind")}, "assay doctor tone"},
		"a usual cause":                   {Entry{Look: usual}, "Look first at this: Bots are left out of one arm."},
		"until when it holds":             {Entry{Look: held(2, "stale_source", decide.NotHeld+"newer rows of events are loaded")}, "It goes on, once newer rows of events are loaded."},
		"nothing is known":                {Entry{Look: held(4, "unheard_of")}, "what is wrong with the data: assay doctor tone"},
		"a proposal":                      {Entry{Look: proposed}, "Approve it: assay apply tone."},
		"a review":                        {Entry{Look: review}, "Decide from its page"},
		"a rollback":                      {Entry{Look: rollback}, "assay clear tone"},
		"a conflict":                      {Entry{Look: rollback, Delivery: Conflict}, "A person has changed the flag"},
		"an approval in the store":        {Entry{Look: rollback, Delivery: Approval}, "Approve the change in the store."},
		"overdue":                         {Entry{Look: base("tone", 3, 100), Overdue: true}, "assay run makes up for it"},
		"a failure":                       {Entry{Look: base("tone", 3, 100), Failure: "table is gone"}, "Mend what the message names"},
		"a hostile name":                  {Entry{Name: "a b; rm", Look: proposed}, "assay apply 'a b; rm'."},
	} {
		if got := c.entry.todo(); !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if !c.entry.need().person() {
			t.Errorf("%s: needs nobody", name)
		}
	}
	if got := lookTodo(proposed, false); got != "Approve it: assay apply tone." {
		t.Errorf("the look's own: %q", got)
	}
	proposed.Backfill = true
	if got := lookTodo(proposed, false); got != "" {
		t.Errorf("a backfill: %q", got)
	}
	for _, outcome := range undelivered {
		if deliveryTodo[outcome] == "" {
			t.Errorf("nothing to do about %s", outcome)
		}
	}
	for name, e := range map[string]Entry{
		"applied": {Look: proposed, Acted: true}, "reviewed": {Look: review, Acted: true}, "cleared": {Look: rollback, Acted: true},
		"nothing": {Look: base("tone", 3, 100)}, "gone": {Gone: true}, "no look": {Name: "x"}, "ended": {Look: held(0, "already_decided")},
	} {
		if got := e.todo(); got != "" || e.need().person() {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestProblemsIn: of several problems the index says what they are about.
func TestProblemsIn(t *testing.T) {
	for want, codes := range map[string][]string{
		"":                              {},
		"split":                         {"sample_ratio"},
		"identifiers, freshness":        {"source_blind", "stale_source", "missing_day"},
		"split, the flag, others":       {"sample_ratio", "conflict", "unheard_of", "store_unread"},
		"one variation each, volume":    {"multiple_exposure", "exposures_lost"},
		"before exposure, split":        {"pre_exposure_differs", "activation_differs"},
		"freshness, one variation each": {"no_exposures", "unknown_variation"},
	} {
		var h ledger.Health
		for _, code := range codes {
			h.Problems = append(h.Problems, ledger.Finding{Code: code})
		}
		if got := problemsIn(&h); got != want {
			t.Errorf("%v: %q, want %q", codes, got, want)
		}
	}
}
