package report

import (
	"bytes"
	"strings"
	"testing"

	"assay/ledger"
	"assay/stats"
)

// dayWith is a day with an interval of the relative effect; an unknown relative
// effect leaves the absolute one, which is the same number.
func dayWith(day int, lower, upper float64, relative bool) ledger.DayResult {
	middle := (lower + upper) / 2
	d := ledger.DayResult{Day: day, Effect: ledger.Effect{
		Variation: "treatment", Status: stats.StatusOK,
		Control: stats.ArmValue{N: 100, Value: 1}, Treatment: stats.ArmValue{N: 90, Value: 1 + middle},
		Absolute: middle, AbsoluteInterval: stats.Interval{Lower: lower, Upper: upper},
	}}
	if relative {
		d.Relative, d.RelativeInterval = stats.Some(middle), d.AbsoluteInterval
	}
	return d
}

func withDays(days ...ledger.DayResult) *ledger.Look {
	look := harmful().look
	for i := range look.Metrics {
		look.Metrics[i].Days = nil
	}
	look.Metrics[0].Days = days
	return look
}

func TestDaysFinding(t *testing.T) {
	few := dayWith(2, 0, 0, true)
	few.Status = stats.StatusTooFew
	for name, c := range map[string]struct {
		days  []ledger.DayResult
		want  string
		scale string
	}{
		"moved":          {[]ledger.DayResult{dayWith(0, 0.1, 0.3, true), dayWith(1, 0, 0.2, true), dayWith(2, -0.2, 0, true), dayWith(3, -0.2, 0.05, true)}, "The effect moved: the intervals of day 0 and day 2 do not meet.", "relative"},
		"touching":       {[]ledger.DayResult{dayWith(0, 0.1, 0.3, true), dayWith(1, 0, 0.1, true)}, "No two days are known to differ: all intervals meet.", "relative"},
		"absolute":       {[]ledger.DayResult{dayWith(0, 0.1, 0.3, false), dayWith(1, -0.1, 0, true)}, "The effect moved: the intervals of day 0 and day 1 do not meet.", "absolute"},
		"one that tells": {[]ledger.DayResult{dayWith(1, 0.1, 0.3, true), few}, "Too few days can say anything to compare them.", "relative"},
	} {
		look := withDays(c.days...)
		section := newDays(look)
		if section == nil || len(section.Views) != 1 {
			t.Errorf("%s: %+v", name, section)
			continue
		}
		v := section.Views[0]
		if v.Finding != c.want || v.Scale != c.scale || len(v.Rows) != len(c.days) || !strings.Contains(string(v.Chart), "<svg") {
			t.Errorf("%s: %+v", name, v)
		}
		var text bytes.Buffer
		if err := Text(&text, look, TextOptions{Width: 200}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(text.String(), "days since exposure (decides nothing)") || !strings.Contains(text.String(), c.want) {
			t.Errorf("%s: %s", name, text.String())
		}
	}
}

// TestDaysAreLeftOut: one day is no course; without an answer on any day there is
// no picture; what a page has no room for is said in words; a metric that does not
// say which way is good has no zone of harm.
func TestDaysAreLeftOut(t *testing.T) {
	if s := newDays(withDays(dayWith(0, 0, 1, true))); s != nil {
		t.Errorf("one day: %+v", s)
	}
	a, b := dayWith(0, 0, 1, true), dayWith(1, 0, 1, true)
	a.Status, b.Status = stats.StatusTooFew, stats.StatusTooFew
	if s := newDays(withDays(a, b)); s == nil || s.Views[0].Chart != "" || len(s.Views[0].Rows) != 2 {
		t.Errorf("no answers: %+v", s)
	}
	look := large().look
	for i, v := range newDays(look).Views {
		if room := i < daysDrawn/14; room != (len(v.Rows) == 14) || room != (v.Chart != "") || v.Finding == "" {
			t.Errorf("metric %d: %d rows, %s", i, len(v.Rows), v.Finding)
		}
	}
	look = withDays(dayWith(0, -0.1, 0.1, true), dayWith(1, -0.1, 0.1, true))
	if chart := newDays(look).Views[0].Chart; !strings.Contains(string(chart), "harmzone") {
		t.Errorf("no zone of harm: %s", chart)
	}
	look.Metrics[0].Direction = ""
	if chart := newDays(look).Views[0].Chart; strings.Contains(string(chart), "harmzone") {
		t.Errorf("a zone of harm: %s", chart)
	}
}
