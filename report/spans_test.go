package report

import (
	"slices"
	"testing"
)

// TestSpans: every row is in the cell of a run of equal words, and in one only.
func TestSpans(t *testing.T) {
	for _, c := range []struct {
		words []string
		want  []int
	}{
		{nil, nil}, {[]string{"a"}, []int{1}}, {[]string{"a", "a", "b", "a", "a", "a"}, []int{2, 0, 1, 3, 0, 0}}, {[]string{"a", "b"}, []int{1, 1}},
	} {
		var rows []courseRow
		for _, w := range c.words {
			rows = append(rows, courseRow{Word: w})
		}
		spans(rows)
		spans(rows) // Once more says the same.
		var got []int
		for _, r := range rows {
			got = append(got, r.Span)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v: %v, want %v", c.words, got, c.want)
		}
	}
}
