package flags

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/decide"
)

func TestSame(t *testing.T) {
	swapped := alloc(0.1, arm("treatment", 0.5), arm("control", 0.5))
	other := half(0.1)
	other.KnownGood = "treatment"
	nameless := half(0.1)
	nameless.KnownGood = ""
	for name, c := range map[string]struct {
		a, b decide.Allocation
		want bool
	}{
		"itself":                             {half(0.1), half(0.1), true},
		"arms in another order":              {half(0.1), swapped, true},
		"an arm of weight 0 left out":        {alloc(1, arm("control", 0), arm("treatment", 1)), alloc(1, arm("treatment", 1)), true},
		"rounded to the unit":                {half(0.1), alloc(0.10001, arm("control", 0.5), arm("treatment", 0.5)), true},
		"ten units more":                     {half(0.1), half(0.1001), false},
		"another split":                      {half(0.1), alloc(0.1, arm("control", 0.6), arm("treatment", 0.4)), false},
		"the same percentages, not covered":  {half(0.1), alloc(1, arm("control", 0.95), arm("treatment", 0.05)), false},
		"nobody covered, any split":          {half(0), alloc(0, arm("control", 0.9), arm("treatment", 0.1)), true},
		"nobody covered, all known-good":     {half(0), alloc(1, arm("control", 1)), true},
		"nobody covered, all treatment":      {half(0), alloc(1, arm("treatment", 1)), false},
		"a stranger":                         {half(1), alloc(1, arm("control", 0.5), arm("treatment", 0.25), arm("x", 0.25)), false},
		"another known-good for the rest":    {half(0.1), other, false},
		"another known-good that none gets":  {half(1), func() decide.Allocation { a := half(1); a.KnownGood = "treatment"; return a }(), true},
		"a known-good that nobody said":      {half(0.1), nameless, true},
		"full coverage, different direction": {alloc(1, arm("control", 1)), alloc(1, arm("treatment", 1)), false},
	} {
		for _, pair := range [][2]decide.Allocation{{c.a, c.b}, {c.b, c.a}} {
			if got := Same(pair[0], pair[1], defaultUnit); got != c.want {
				t.Errorf("%s: %v", name, got)
			}
		}
	}
}

func TestConform(t *testing.T) {
	like := half(0.1)
	for name, c := range map[string]struct{ a, want decide.Allocation }{
		"order": {alloc(0.2, arm("treatment", 0.4), arm("control", 0.6)), alloc(0.2, arm("control", 0.6), arm("treatment", 0.4))},
		"stranger": {
			alloc(1, arm("x", 0.4), arm("treatment", 0.6)),
			alloc(1, arm("control", 0), arm("treatment", 0.6), arm("x", 0.4)),
		},
		"nobody covered":   {alloc(0, arm("control", 1)), half(0)},
		"nobody's default": {decide.Allocation{Coverage: 1, Arms: []decide.Arm{arm("treatment", 1)}}, alloc(1, arm("control", 0), arm("treatment", 1))},
	} {
		if diff := cmp.Diff(c.want, Conform(c.a, like)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestPercentSumsTo100(t *testing.T) {
	if diff := cmp.Diff(map[string]float64{"control": 95, "treatment": 5}, percent(half(0.1))); diff != "" {
		t.Error(diff)
	}
	random := rand.New(rand.NewPCG(3, 3))
	for range 2000 {
		a := alloc(random.Float64(), randomArms(random)...)
		units := 0.0
		for variation, p := range percent(a) {
			share := shares(a)[variation]
			if variation == "control" {
				share += 1 - a.Coverage
			}
			if math.Abs(p/100-share) > 1.0001e-5 {
				t.Fatalf("%v: %s gets %v %%, not %v", a, variation, p, share)
			}
			units += math.Round(p * 1000)
		}
		if units != 100_000 {
			t.Fatalf("%v: sum %v", a, units/1000)
		}
	}
}

func TestValid(t *testing.T) {
	if err := valid(half(0.1)); err != nil {
		t.Error(err)
	}
	for name, a := range map[string]decide.Allocation{
		"coverage above 1":   half(1.1),
		"coverage below 0":   half(-0.1),
		"coverage no number": half(math.NaN()),
		"no arms":            alloc(1),
		"weights below 1":    alloc(1, arm("control", 0.5)),
		"weights above 1":    alloc(1, arm("control", 0.5), arm("treatment", 0.6)),
		"negative weight":    alloc(1, arm("control", 1), arm("x", -0.5), arm("treatment", 0.5)),
		"weight no number":   alloc(1, arm("control", math.NaN())),
		"an arm twice":       alloc(1, arm("control", 0.5), arm("control", 0.5)),
		"an arm nameless":    alloc(1, arm("", 1)),
		"a name too long":    alloc(1, arm(strings.Repeat("x", 1000), 1)),
	} {
		if valid(a) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestDescribe(t *testing.T) {
	a := alloc(1.0/3, arm("control", 0.5), arm("\u202ex\n<b>", 0.5))
	if got, want := describe(a), `coverage 33.333 %: control 50 %, "\u202ex\n<b>" 50 %`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := printable(strings.Repeat("a", 1000)); len(got) > 70 {
		t.Errorf("%d bytes", len(got))
	}
}
