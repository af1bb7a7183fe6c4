package job

import (
	"fmt"
	"testing"

	"assay/connectors"
	"assay/spec"
	"assay/stats"
)

// crossed is a warehouse in which two experiments run on the same users: those
// of tone are a half. together says of a user of tone in which arm of it he is,
// 0 or 1, and what he takes longer if he is in both treatments.
func crossed(t *testing.T, together, more string) connectors.Warehouse {
	t.Helper()
	wh, err := connectors.Open(t.Context(), spec.Warehouse{Type: "duckdb", Threads: 1}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = wh.Close() })
	return stocked{wh, fmt.Sprintf(`BEGIN;
CREATE TEMP TABLE users AS
SELECT *, %s AS tone FROM (SELECT i, hash(10 * i + 1) %% 2 AS rank, hash(10 * i + 2) %% 2 = 0 AS also FROM range(8000) AS t(i));
CREATE TEMP TABLE exposures AS
SELECT 'u' || i AS user_id, TIMESTAMP '2026-11-01 01:00' AS exposed_at, 'rank' AS experiment_id, ['control', 'treatment'][CAST(1 + rank AS INTEGER)] AS variation_id FROM users
UNION ALL
SELECT 'u' || i, TIMESTAMP '2026-11-01 02:00', 'tone', ['control', 'treatment'][CAST(1 + tone AS INTEGER)] FROM users WHERE also
UNION ALL -- seen in both arms of tone, and in none that it declares
SELECT 'u' || i, TIMESTAMP '2026-11-01 03:00', 'tone', CASE WHEN i %% 100 = 1 THEN 'control' ELSE 'other' END FROM users WHERE also AND i %% 50 = 1;
CREATE TEMP TABLE responses AS
SELECT 'u' || i AS user_id, TIMESTAMP '2026-11-01 03:00' AS ts, hash(10 * i + 3) %% 20 = 0 AS failed,
  100 + hash(10 * i + 4) %% 50 + 5 * rank + 7 * tone + CASE WHEN also AND rank = 1 AND tone = 1 THEN %s ELSE 0 END AS latency_ms
FROM users;
COMMIT`, together, more)}
}

// TestInteractions: effects that only add up are no interaction; one that is
// larger for who is in both treatments is, and so is an assignment that depends on
// the other.
func TestInteractions(t *testing.T) {
	for name, c := range map[string]struct {
		together, more   string
		depends, changes bool
	}{
		"apart":               {"hash(10 * i + 5) % 2", "0", false, false},
		"together slower":     {"hash(10 * i + 5) % 2", "12", false, true},
		"one follows other":   {"CASE WHEN hash(10 * i + 6) % 5 = 0 THEN rank ELSE hash(10 * i + 5) % 2 END", "0", true, false},
		"nobody in the other": {"0", "0", false, false},
	} {
		p, e := small(t, "rank", func(e *spec.Experiment) {
			e.Secondary = append(e.Secondary, spec.Use{Metric: "latency"})
		})
		list, err := newJob(t, p, openLedger(t), crossed(t, c.together, c.more)).Interactions(t.Context(), e, hours(24))
		if err != nil || len(list) != 1 {
			t.Fatalf("%s: %v %+v", name, err, list)
		}
		got := list[0]
		if got.With != "tone" || got.Failed != "" || got.Units != 8000 || got.Shared < 3800 || got.Shared > 4200 {
			t.Errorf("%s: %+v", name, got)
		}
		if got.Depends() != c.depends {
			t.Errorf("%s: assignment depends: %+v", name, got.Assignments)
		}
		clear := false
		for _, change := range got.Effects {
			clear = clear || change.Clear(0.05)
			if change.Among != "treatment" || change.Against != "control" {
				t.Errorf("%s: %+v", name, change)
			}
			if name == "apart" && change.Status != stats.StatusOK {
				t.Errorf("%s: %+v", name, change)
			}
		}
		if clear != c.changes {
			t.Errorf("%s: effects change: %+v", name, got.Effects)
		}
	}
}
