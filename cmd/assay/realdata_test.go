package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"assay/ledger"
)

// TestCookieCats holds the worked example of docs/cookie-cats.md to its figures.
// The data set is not part of the project: ASSAY_REAL_DATA names the folder
// that has cookie_cats.csv.
func TestCookieCats(t *testing.T) {
	data := os.Getenv("ASSAY_REAL_DATA")
	if data == "" {
		t.Skip("ASSAY_REAL_DATA is not set: the worked example on real data is not checked")
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../docs/examples/cookie-cats")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(data, "cookie_cats.csv"), filepath.Join(dir, "cookie_cats.csv")); err != nil {
		t.Fatal(err)
	}
	var out, log bytes.Buffer
	code := execute(t.Context(), []string{"run", "--project", dir, "--as-of", "2026-01-09"}, system{
		stdin: &bytes.Buffer{}, stdout: &out, stderr: &log, env: os.LookupEnv,
		now: func() time.Time { return time.Date(2026, 1, 9, 0, 1, 0, 0, time.UTC) }, terminal: isTerminal,
	})
	if code != exitDone {
		t.Fatalf("exit %d\n%s%s", code, out.String(), log.String())
	}
	text, err := os.ReadFile(filepath.Join(dir, "report", "gate", "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	var look ledger.Look
	if err := json.Unmarshal(text, &look); err != nil {
		t.Fatal(err)
	}
	checkCookieCats(t, look)
}

func checkCookieCats(t *testing.T, look ledger.Look) {
	t.Helper()
	if look.Decision.Verdict != "continue" || len(look.Health.Problems) > 0 {
		t.Errorf("verdict %s with problems %v, want continue with none", look.Decision.Verdict, look.Health.Problems)
	}
	if got := look.Health.ByVariation; len(got) != 2 || got[0] != 44700 || got[1] != 45489 {
		t.Errorf("units %v, want 44700 and 45489", got)
	}
	ratio := look.Health.SampleRatio[0]
	if ratio.Failed || ratio.ChiP == nil || math.Abs(*ratio.ChiP-0.0086) > 0.00005 {
		t.Errorf("sample ratio %+v, want chi-square p 0.0086 and no alarm", ratio)
	}
	if e := math.Exp(ratio.LogE); e < 4 || e > 7 {
		t.Errorf("sample-ratio e-value %v, want 4 to 7", e)
	}
	for _, want := range []struct {
		metric             string
		control, treatment float64
	}{{"day_1_retention", 0.4482, 0.4423}, {"day_7_retention", 0.1902, 0.1820}} {
		for _, m := range look.Metrics {
			if m.Name != want.metric {
				continue
			}
			c := m.Comparisons[0]
			if math.Abs(c.Control.Value-want.control) > 5e-5 || math.Abs(c.Treatment.Value-want.treatment) > 5e-5 {
				t.Errorf("%s: %v and %v, want %v and %v", want.metric, c.Control.Value, c.Treatment.Value, want.control, want.treatment)
			}
		}
	}
}
