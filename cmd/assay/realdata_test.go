package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
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
	dir := cookieCats(t, data)
	atCookieCats(t, "run", "--project", dir, "--as-of", "2026-01-09")
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

// cookieCats is the example's project with the data set beside it.
func cookieCats(t *testing.T, data string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../docs/examples/cookie-cats")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(data, "cookie_cats.csv"), filepath.Join(dir, "cookie_cats.csv")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// atCookieCats runs a command a week after the players installed.
func atCookieCats(t *testing.T, args ...string) string {
	t.Helper()
	var out, log bytes.Buffer
	code := execute(t.Context(), args, system{
		stdin: &bytes.Buffer{}, stdout: &out, stderr: &log, env: os.LookupEnv,
		now: func() time.Time { return time.Date(2026, 1, 9, 0, 1, 0, 0, time.UTC) }, terminal: isTerminal,
	})
	if code != exitDone {
		t.Fatalf("exit %d\n%s%s", code, out.String(), log.String())
	}
	return out.String()
}

// TestCookieCatsDoctor: sound real data are not accused, and identifiers that are
// written otherwise in one of two places are found among 90,189.
func TestCookieCatsDoctor(t *testing.T) {
	data := os.Getenv("ASSAY_REAL_DATA")
	if data == "" {
		t.Skip("ASSAY_REAL_DATA is not set: the doctor on real data is not checked")
	}
	const fact = "SELECT userid AS user_id, TIMESTAMP '2026-01-08 12:00:00'"
	for identifier, want := range map[string]string{
		"userid":                                  "",
		"sha256(CAST(userid AS VARCHAR))":         "digest",
		"'player_' || userid":                     "prefix",
		"CAST(CAST(userid AS DOUBLE) AS VARCHAR)": "number_format",
		"lpad(CAST(userid AS VARCHAR), 9, '0')":   "zeros",
		"version || '/' || userid":                "prefixes",
	} {
		t.Run(identifier, func(t *testing.T) {
			dir := cookieCats(t, data)
			path := filepath.Join(dir, "assay.yaml")
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			mine := strings.Replace(string(text), "user_id: {type: integer}", "user_id: {type: text}", 1)
			mine = strings.Replace(mine, fact, strings.Replace(fact, "userid", identifier, 1), 1)
			if err := os.WriteFile(path, []byte(mine), 0o600); err != nil {
				t.Fatal(err)
			}
			var found ledger.Checkup
			if err := json.Unmarshal([]byte(atCookieCats(t, "doctor", "gate", "--project", dir, "--as-of", "2026-01-09", "-o", "json")), &found); err != nil {
				t.Fatal(err)
			}
			causes, got := found.Sources[0].Causes, ""
			if len(causes) > 0 {
				got = causes[0].Code
			}
			if got != want {
				t.Errorf("found %q, want %q: %+v", got, want, causes)
			}
			if found.Units != 90189 || want == "" && (len(found.Traffic.Findings) > 0 || len(found.Problems) > 0) {
				t.Errorf("%d units, %+v", found.Units, found.Traffic.Findings)
			}
		})
	}
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
