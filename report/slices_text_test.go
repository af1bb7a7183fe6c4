package report

import (
	"bytes"
	"strings"
	"testing"

	"assay/ledger"
	"assay/stats"
)

// TestSlicesInText: a terminal has the slices that the page has, in its width.
func TestSlicesInText(t *testing.T) {
	look := harmful().look
	v := look.Metrics[0].Comparisons[0]
	slice := func(value, status string, rest bool) ledger.SliceResult {
		e := effectOf(&v)
		e.Variation, e.Status = "treatment", stats.Status(status)
		return ledger.SliceResult{Dimension: "platform", Value: value, Rest: rest, Effect: e}
	}
	look.Metrics[0].Slices = []ledger.SliceResult{slice("ios", string(stats.StatusOK), false), slice("", string(stats.StatusOK), false), slice(evil, string(stats.StatusTooFew), false), slice("x", string(stats.StatusOK), true)}
	var text, explained bytes.Buffer
	if err := Text(&text, look, TextOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := Explain(&explained, Explained{Look: look}, TextOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, got := range []string{text.String(), explained.String()} {
		for _, want := range []string{
			"by dimension (decides nothing)", "  error_rate by platform\n",
			"    ios                 4.0% → 7.2%, +80.5% (+25.5% to +159.6%)\n", "    (none) ", "    all others ",
			"4.0% → 7.2%, cannot say: too few\n",
		} {
			if !strings.Contains(got, want) {
				t.Errorf("no %q in\n%s", want, got)
			}
		}
		if strings.ContainsAny(got, "\x1b\u202e\x00") {
			t.Error("a control character gets through")
		}
		for line := range strings.Lines(got) {
			if columns(strings.TrimSuffix(line, "\n")) > usualWidth {
				t.Errorf("%d columns: %s", columns(line), line)
			}
		}
	}
}

// TestUnified: removed lines come before the added ones of the same place.
func TestUnified(t *testing.T) {
	got := unified(sideBySide("a\nb\nc\n", "a\nB\nd\nc\nlast"))
	if want := "  a|- b|+ B|+ d|  c|+ last"; strings.Join(got, "|") != want {
		t.Errorf("%q, want %q", strings.Join(got, "|"), want)
	}
}
