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
			"    ios                 4.0 % → 7.2 %, +80.5 % (+25.5 % to +159.6 %)\n", "    (none) ", "    all others ",
			"4.0 % → 7.2 %, cannot say: too few\n",
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

// TestSlicesInMarkdown: a comment has them too, as far as there is room.
func TestSlicesInMarkdown(t *testing.T) {
	look := harmful().look
	m := &look.Metrics[0]
	slice := ledger.SliceResult{Dimension: "platform", Value: "ios", Effect: effectOf(&m.Comparisons[0])}
	slice.Variation, slice.Status = "treatment", stats.StatusOK
	few := slice
	few.Value, few.Status = "a|b", stats.StatusTooFew
	m.Slices = []ledger.SliceResult{slice, few}
	got := markdownOf(t, Site{}, story{look: look})
	for _, want := range []string{
		"<details><summary>Effects by dimension (they decide nothing)</summary>", "| Metric | Dimension | Value | Arms | Effect |\n",
		"| error_rate | platform | ios | 4.0 % → 7.2 % | +80.5 % (+25.5 % to +159.6 %) |\n", `| a\|b | 4.0 % → 7.2 % | cannot say: too few`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	for range 2 * markdownSlices {
		m.Slices = append(m.Slices, slice)
	}
	if got := markdownOf(t, Site{}, story{look: look}); !strings.Contains(got, "102 rows more; the report has them.") {
		t.Errorf("nothing is said of those left out:\n%s", got)
	}
}

// TestUnified: removed lines come before the added ones of the same place.
func TestUnified(t *testing.T) {
	got := unified(sideBySide("a\nb\nc\n", "a\nB\nd\nc\nlast"))
	if want := "  a|- b|+ B|+ d|  c|+ last"; strings.Join(got, "|") != want {
		t.Errorf("%q, want %q", strings.Join(got, "|"), want)
	}
}
