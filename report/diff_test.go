package report

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// sides rebuilds both texts of a diff that has no lines left out.
func sides(t *testing.T, rows []diffLine) (left, right []string) {
	t.Helper()
	for _, r := range rows {
		if r.Skip {
			t.Fatal("lines are left out")
		}
		if r.LeftNo > 0 {
			left = append(left, r.Left)
		}
		if r.RightNo > 0 {
			right = append(right, r.Right)
		}
		if r.Equal && r.Left != r.Right {
			t.Errorf("called equal: %q and %q", r.Left, r.Right)
		}
	}
	return left, right
}

func TestDiffKeepsBothTexts(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	text := func() []string {
		out := make([]string, random.IntN(14))
		for i := range out {
			out[i] = fmt.Sprint(random.IntN(5))
		}
		return out
	}
	for range 500 {
		a, b := text(), text()
		left, right := sides(t, align(a, b, common(a, b)))
		if strings.Join(left, "\n") != strings.Join(a, "\n") || strings.Join(right, "\n") != strings.Join(b, "\n") {
			t.Fatalf("%q against %q gave %q and %q", a, b, left, right)
		}
	}
}

func TestDiffFindsTheChange(t *testing.T) {
	a := strings.Repeat("same\n", 20) + "old\n" + strings.Repeat("tail\n", 20)
	b := strings.Repeat("same\n", 20) + "new\n" + strings.Repeat("tail\n", 20)
	var changed, skipped int
	for _, r := range sideBySide(a, b) {
		if r.Skip {
			skipped += r.Skipped
		} else if !r.Equal {
			changed++
			if r.Left != "old" || r.Right != "new" || r.LeftNo != 21 {
				t.Errorf("%+v", r)
			}
		}
	}
	if changed != 1 || skipped != 40-2*diffContext {
		t.Errorf("%d changed, %d left out", changed, skipped)
	}
}

func TestDiffShowsWhatCannotBeSeen(t *testing.T) {
	rows := sideBySide("a\n", "a\r\n")
	if len(rows) != 1 || rows[0].Equal || rows[0].Right != "a⟨U+000D⟩" {
		t.Errorf("%+v", rows)
	}
}

func TestDiffOfHugeTextsIsBounded(t *testing.T) {
	a, b := strings.Repeat("a\nb\n", 5000), strings.Repeat("c\nd\n", 5000)
	if rows := sideBySide(a, b); len(rows) != 10000 {
		t.Errorf("%d rows, want one block of 10000", len(rows))
	}
}
