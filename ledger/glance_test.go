package ledger_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/decide"
	"assay/ledger"
)

// TestGlances: what is known without decoding is what decoding finds, whatever
// the texts of a look say, while it is open and after it is opened again.
func TestGlances(t *testing.T) {
	evil := `","decision":{"verdict":"ship","wouldChange":1,"proposal":true,"reasons":[{"rule":0,`
	bodies := []ledger.Look{look("x", 1, "a"), look("x", 2), look("x", 3, "a"), look("x", 4)}
	bodies[0].Failed, bodies[0].Spec.Description = evil, evil
	bodies[0].Decision = decide.Decision{Verdict: decide.Ramp, Summary: evil, Proposal: true, Reasons: []decide.Reason{{Rule: 5, Text: evil}}}
	bodies[1].Backfill = true
	bodies[1].Decision = decide.Decision{Verdict: decide.Hold, Reasons: []decide.Reason{{Rule: 0}, {Rule: 1}}, WouldChange: []string{evil}}
	bodies[2].Decision = decide.Decision{Verdict: decide.Hold, Summary: evil, Reasons: []decide.Reason{{Rule: 1}, {Rule: 0}}, WouldChange: []string{}}
	bodies[3].Decision = decide.Decision{Verdict: "<b>"}
	each(t, func(t *testing.T, s storage, path string) {
		l := s.must(t, path)
		for i, body := range bodies {
			mustAppend(t, l, i, body)
			mustAppend(t, l, i, look("y", i))
		}
		check := func(l *ledger.Ledger) {
			t.Helper()
			var got, want []ledger.Glance
			got = l.Glances("x")
			for e, err := range l.Looks("x") {
				if err != nil {
					t.Fatal(err)
				}
				b := &e.Body
				want = append(want, ledger.Glance{
					Seq: e.Seq, At: e.At, ID: b.ID, AsOf: b.AsOf, Version: b.Version, Number: b.Number, Backfill: b.Backfill,
					Failed: b.Failed != "", Verdict: b.Decision.Verdict, Proposal: b.Decision.Proposal,
					Ended: b.Decision.Verdict == decide.Hold && len(b.Decision.Reasons) > 0 && b.Decision.Reasons[0].Rule == 0,
				})
			}
			if diff := cmp.Diff(want, got); diff != "" || len(got) != len(bodies) {
				t.Errorf("glances (-decoded +glanced):\n%s", diff)
			}
			if entries := l.Glances("y"); !l.LastAt().Equal(entries[len(entries)-1].At) || l.Glances("z") != nil {
				t.Errorf("last at %s", l.LastAt())
			}
		}
		check(l)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		again, err := s.readOnly(path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = again.Close() }()
		check(again)
	})
}
