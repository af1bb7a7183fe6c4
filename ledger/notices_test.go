package ledger_test

import (
	"path/filepath"
	"testing"

	"assay/decide"
	"assay/ledger"
)

func notice(id, experiment, channel string) ledger.Notice {
	return ledger.Notice{ID: id, Experiment: experiment, Channel: channel, Event: "rollback", Verdict: decide.Rollback, AsOf: noon, Reason: "harmed"}
}

func noticeIDs(untold []ledger.Untold) (out []string) {
	for _, u := range untold {
		out = append(out, u.Notice.ID)
	}
	return out
}

func sameIDs(t *testing.T, what string, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %q, want %q", what, got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("%s: %q, want %q", what, got, want)
		}
	}
}

// TestNotices keeps what is to be told until it has its end, over a reopening.
func TestNotices(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.jsonl")
	l := open(t, path)
	for i, body := range []ledger.Body{
		notice("a1", "a", "team"), notice("a2", "a", "growth"), notice("b1", "b", "team"), look("a", 4),
		ledger.Told{Notice: "b1", Experiment: "b", Channel: "team", Outcome: ledger.OutcomeUnavailable, Try: 1, NextTry: at(9)},
		notice("a3", "a", "team"),
		ledger.Told{Notice: "a2", Experiment: "a", Channel: "growth", Outcome: ledger.OutcomeTold, Try: 1},
	} {
		mustAppend(t, l, i, body)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := ledger.Verify(path); err != nil {
		t.Fatal(err)
	}
	l = open(t, path)
	untold, err := l.Untold()
	if err != nil {
		t.Fatal(err)
	}
	sameIDs(t, "untold", noticeIDs(untold), []string{"a1", "b1", "a3"})
	if b := untold[1]; b.Tries != 1 || !b.NextTry.Equal(at(9)) || !b.At.Equal(at(2)) || b.Notice.Reason != "harmed" {
		t.Errorf("%+v", b)
	}
	live, dropped := ledger.Newest(untold)
	sameIDs(t, "live", noticeIDs(live), []string{"b1", "a3"})
	sameIDs(t, "dropped", noticeIDs(dropped), []string{"a1"})
	if !l.Noticed("a1") || !l.Noticed("a2") || l.Noticed("a4") {
		t.Error("what was noticed is not known")
	}
	if pending, err := l.Outbox(); err != nil || len(pending) > 0 {
		t.Errorf("notices are no deliveries: %+v, %v", pending, err)
	}
}

func TestNoticesRefused(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "ledger.jsonl"))
	for _, body := range []ledger.Body{
		ledger.Notice{Experiment: "a", Channel: "team"},
		ledger.Notice{ID: "a1", Experiment: "a"},
		ledger.Told{Notice: "a1", Experiment: "a", Outcome: "said"},
		ledger.Told{Experiment: "a", Outcome: ledger.OutcomeTold},
	} {
		if err := l.Append(noon, body); err == nil {
			t.Errorf("accepted %+v", body)
		}
	}
}
