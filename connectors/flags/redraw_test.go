package flags

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/murmur3"
)

// TestGrowthBookHash holds the hash against the test cases that GrowthBook's SDKs
// share (packages/sdk-js/test/cases.json, "hash").
func TestGrowthBookHash(t *testing.T) {
	for _, c := range []struct {
		seed, value string
		version     int
		want        float64
	}{
		{"", "a", 1, 0.22},
		{"", "b", 1, 0.077},
		{"b", "a", 1, 0.946},
		{"ef", "d", 1, 0.652},
		{"asdf", "8952klfjas09ujk", 1, 0.549},
		{"", "123", 1, 0.011},
		{"", `___)((*":&`, 1, 0.563},
		{"seed", "a", 2, 0.0505},
		{"seed", "b", 2, 0.2696},
		{"foo", "ab", 2, 0.2575},
		{"foo", "def", 2, 0.2019},
		{"89123klj", "8952klfjas09ujkasdf", 2, 0.124},
		{"90850943850283058242805", "123", 2, 0.7516},
		{"()**(%$##$%#$#", `___)((*":&`, 2, 0.0128},
	} {
		for _, d := range map[int][]Draw{1: {GrowthBook1, GrowthBook1UTF16}, 2: {GrowthBook2, GrowthBook2UTF16}}[c.version] {
			if got := d.growthBook(c.seed, c.value); got != c.want {
				t.Errorf("%s of %q, %q is %v, want %v", d, c.seed, c.value, got, c.want)
			}
		}
	}
	if GrowthBook1.growthBook("s", "é") == GrowthBook1UTF16.growthBook("s", "é") {
		t.Error("bytes and 16-bit units of é hash alike")
	}
}

// TestCBOR has the examples of RFC 8949, appendix A, and the borders of the heads.
func TestCBOR(t *testing.T) {
	for text, want := range map[string]string{
		"": "\x60", "IETF": "\x64IETF", "\u00fc": "\x62\xc3\xbc", strings.Repeat("a", 23): "\x77" + strings.Repeat("a", 23),
		strings.Repeat("a", 24): "\x78\x18" + strings.Repeat("a", 24), strings.Repeat("a", 255): "\x78\xff" + strings.Repeat("a", 255),
		strings.Repeat("a", 256): "\x79\x01\x00" + strings.Repeat("a", 256), strings.Repeat("a", 65536): "\x7a\x00\x01\x00\x00" + strings.Repeat("a", 65536),
	} {
		if got := string(cborText(text)); got != want {
			t.Errorf("%.20q is %.20q, want %.20q", text, got, want)
		}
	}
}

// TestRedraw: ranges as in GrowthBook's cases (reduced coverage: [0, 0.25) and
// [0.5, 0.75)), buckets as assay serves them.
func TestRedraw(t *testing.T) {
	counts := map[string]int{}
	for i := range 20000 {
		value := fmt.Sprint("u", i)
		n := GrowthBook2.growthBook("k", value)
		want := ""
		switch {
		case n < 0.25:
			want = "control"
		case n >= 0.5 && n < 0.75:
			want = "treatment"
		}
		if got := GrowthBook2.Redraw("k", value, half(0.5)); got != want {
			t.Fatalf("%s at %v: %q, want %q", value, n, got, want)
		}
		list := layout(half(0.5))
		want = serve(list, murmur3.StringSum32("k"+value))
		if want == uncovered {
			want = ""
		}
		got := FlagdFractional.Redraw("k", value, half(0.5))
		if got != want {
			t.Fatalf("%s: %q, want %q", value, got, want)
		}
		counts[got]++
	}
	if n := counts["treatment"]; n < 4700 || n > 5300 {
		t.Error(counts)
	}
	if a := Reversed(half(1)); a.Arms[0].Variation != "treatment" || half(1).Arms[0].Variation != "control" {
		t.Error(a)
	}
}
