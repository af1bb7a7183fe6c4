package report

import (
	"math"
	"strconv"
	"testing"
	"time"

	"assay/stats"
)

// contrast is the ratio of two colours as WCAG 2.2 defines it, from 1 to 21.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	if len(colour) != 7 {
		t.Fatalf("colour %q", colour)
	}
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		v, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		s := float64(v) / 255
		if s <= 0.04045 {
			s /= 12.92
		} else {
			s = math.Pow((s+0.055)/1.055, 2.4)
		}
		sum += weight * s
	}
	return sum
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{term.count(1234), "1234"},
		{term.count(38919), "38,919"},
		{term.count(-1234567), "-1,234,567"},
		{web.count(38919), "38,919"},
		{term.fixed(-0.004, 2), "0.00"},
		{term.fixed(math.Inf(-1), 2), "-∞"},
		{term.fixed(math.NaN(), 2), dash},
		{web.zvalue(-2.7e-14), "0.00"},
		{web.zvalue(-0.006), "−0.01"},
		{term.zvalue(4.756), "4.76"},
		{web.fixed(-1.5, 1), "−1.5"},
		{term.signed(0, 1), "0.0"},
		{term.signed(0.04, 1), "0.0"},
		{term.signed(0.26, 1), "+0.3"},
		{term.signed(math.Inf(1), 1), "+∞"},
		{term.exactShare(0.1), "10 %"},
		{term.exactShare(0.125), "12.5 %"},
		{term.exactShare(0.1 + 0.2), "30 %"},
		{term.general(1e15, 3), "1.0×10^15"},
		{term.general(2e-12, 3), "2.0×10^-12"},
		{web.general(2e-12, 3), "2.0×10⁻¹²"},
		{term.fraction(1, 3), "33.3 %"},
		{term.fraction(12, 38919), "0.031 %"},
		{term.fraction(1, 0), dash},
		{term.probability(0.0086), "0.0086"},
		{term.probability(0.52), "0.52"},
		{term.pvalue(1e-9), "p < 0.0001"},
		{term.probability(1), "1"},
		{term.chance(5e-203), "0.1 %"},
		{term.chance(0.184), "18.4 %"},
		{term.relative(0.402), "+40.2 %"},
		{term.relative(-0.0021), "-0.21 %"},
		{term.relativeInterval(stats.Interval{Lower: -0.2, Upper: math.Inf(1)}), "-20.0 % to +∞"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestEValues(t *testing.T) {
	for _, c := range []struct {
		logE float64
		want string
	}{
		{math.Log(60.2), "60.2"},
		{math.Log(200), "200"},
		{math.Log(12345), "12,345"},
		{math.Log(4.1e8), "4.1×10^8"},
		{math.Log(9.97e8), "1.0×10^9"},
		{1000, "≈ 10^434"},
		{math.Inf(1), "∞"},
		{math.MaxFloat64, "∞"},
		{math.Log(0.5), "0.500"},
		{-40, "< 0.001"},
		{math.NaN(), dash},
	} {
		if got := term.evalue(c.logE); got != c.want {
			t.Errorf("e-value of %v: got %q, want %q", c.logE, got, c.want)
		}
	}
	if got := term.evidence(math.Log(60.2), math.Log(200)); got != "E = 60.2, needed 200" {
		t.Error(got)
	}
	if got := term.evidence(-40, math.Log(20)); got != "E < 0.001, needed 20" {
		t.Error(got)
	}
}

func TestLengthsAndInstants(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{length(42 * time.Second), "42 s"},
		{length(90 * time.Second), "1 min 30 s"},
		{length(2 * time.Hour), "2 h"},
		{length(50 * time.Hour), "2 d 2 h"},
		{instant(time.Time{}), dash},
		{instant(time.Date(2026, 11, 5, 2, 0, 0, 0, time.FixedZone("", 7200))), "2026-11-05 00:00 UTC"},
		{instant(time.Date(2026, 11, 5, 0, 0, 7, 0, time.UTC)), "2026-11-05 00:00:07 UTC"},
		{age(nil, start), "none"},
		{age(ptr(start.Add(-time.Hour)), start), "1 h before as-of"},
		{noun("user_id"), "users"},
		{noun("entity_id"), "units"},
		{noun("<b>_id"), "units"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestCleanShowsWhatHides(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"a\x00b", "a⟨U+0000⟩b"},
		{"a\nb\tc", "a b c"},
		{"x\u202ey", "x⟨U+202E⟩y"},
		{"\x1b[31mred", "⟨U+001B⟩[31mred"},
		{"\xff\xfe", "\ufffd"},
		{"zero\u200bwidth", "zero⟨U+200B⟩width"},
		{"tag\U000e0041", "tag⟨U+E0041⟩"},
		{"שלום", "שלום"},
	} {
		if got := clean(c.in); got != c.want {
			t.Errorf("clean(%q) = %q, want %q", c.in, got, c.want)
		}
	}
	if got := shorten("abcdef", 4); got != "abc…" {
		t.Error(got)
	}
}

func TestShellWords(t *testing.T) {
	for in, want := range map[string]string{"answer-v2": "answer-v2", "a b": "'a b'", "a'b": `'a'\''b'`, "-rf": "'-rf'"} {
		if got := shellWord(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}
