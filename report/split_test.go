package report

import (
	"strings"
	"testing"

	"assay/ledger"
	"assay/stats"
)

func TestSinceText(t *testing.T) {
	look := base("answer-v2", 5, 6000)
	since := func(edit func(*ledger.RatioSince)) *ledger.RatioSince {
		s := offSince(3, []int64{4990, 5010}, []int64{469, 531})
		edit(s)
		return s
	}
	for _, c := range []struct {
		name  string
		since *ledger.RatioSince
		want  string
	}{
		{"none", nil, ""},
		{
			"a break", since(func(*ledger.RatioSince) {}),
			"Since 2026-11-04 (between 2026-11-04 and 2026-11-05): treatment 53.1 % instead of 50.0 %; before it 50.1 %.",
		},
		{
			"a certain day", since(func(s *ledger.RatioSince) { s.LatestDay = s.EarliestDay }),
			"Since 2026-11-04: treatment 53.1 % instead of 50.0 %; before it 50.1 %.",
		},
		{
			"from the start", since(func(s *ledger.RatioSince) { s.Before = nil }),
			"Since 2026-11-04, the first day: treatment 53.1 % instead of 50.0 %.",
		},
		{"over", since(func(s *ledger.RatioSince) {
			s.LatestDay, s.Until = s.EarliestDay, ptr(dayOf(4))
			s.After = &stats.RatioGroup{Counts: []int64{600, 400}, Expected: []float64{0.6, 0.4}}
		}), "From 2026-11-04 until 2026-11-05: treatment 53.1 % instead of 50.0 %; before it 50.1 %; after it 40.0 % instead of 40.0 %."},
		{"by little", since(func(s *ledger.RatioSince) {
			s.LatestDay, s.Since.Counts = s.EarliestDay, []int64{49_960_000, 50_040_000}
		}), "Since 2026-11-04: treatment 50.04 % instead of 50.00 %; before it 50.10 %."},
		{
			"cannot say", &ledger.RatioSince{RatioChange: stats.RatioChange{Status: stats.ChangeTooFew, Note: "there are too few units to tell the day"}},
			"Since when cannot be said: there are too few units to tell the day.",
		},
		{
			"damaged", &ledger.RatioSince{RatioChange: stats.RatioChange{Status: stats.ChangeFound, Since: &stats.RatioGroup{}}},
			"Since when cannot be said.",
		},
		{"more arms than the spec has", since(func(s *ledger.RatioSince) {
			s.Before, s.Since = nil, &stats.RatioGroup{Counts: []int64{10, 10, 80}, Expected: []float64{0.4, 0.3, 0.3}}
		}), "Since 2026-11-04, the first day: – 80.0 % instead of 30.0 %."},
	} {
		if got := sinceText(look, c.since, term); got != c.want {
			t.Errorf("%s:\n%s\n%s", c.name, got, c.want)
		}
	}
}

func TestSplitLine(t *testing.T) {
	look := base("answer-v2", 5, 6000)
	if got := splitLine(look); got != "" {
		t.Errorf("as intended: %q", got)
	}
	check := &look.Health.SampleRatio[0]
	check.Detected, check.Deviation, check.Floor = true, 0.0002, 0.001
	if got := splitLine(look); got != "off by 0.02 pp, below the floor of 0.1 pp: too small to matter" {
		t.Errorf("below the floor: %q", got)
	}
	if b := ratioBadge(&check.SampleRatio); b.Word != "off, too small to matter" {
		t.Errorf("below the floor: %q", b.Word)
	}
	check.Failed, check.Deviation = true, 0.031
	check.Since = offSince(3, []int64{4990, 5010}, []int64{469, 531})
	if got := splitLine(look); !strings.HasPrefix(got, "off by 3.1 pp, at least the floor of 0.1 pp. Since 2026-11-04") {
		t.Errorf("failed: %q", got)
	}
	if look.Health.SampleRatio = nil; splitLine(look) != "" {
		t.Error("nothing is off where nothing was tested")
	}
}
