package report

import (
	"fmt"
	"slices"
	"strings"

	"assay/ledger"
	"assay/stats"
)

// checkView is one question about the data: its answer in plain words, and what
// is behind it.
type checkView struct {
	Title, Text string
	Badge       badge
	Open        bool // something is wrong: the detail is shown at once
	Facts       []tile
	Split       *splitView
	Strays      []strayRow
	Alike       []alikeRow
	Sources     *sourcesView
}

// sourcesView is the table of fact sources.
type sourcesView struct {
	Variations []string
	Rows       []sourceView
}

// The codes of findings by the check that they belong to; others stand only in
// the list of problems.
var (
	identifierCodes = []string{
		"source_blind", "source_empty", "source_out_of_window", "source_fading", "not_finite", "facts_lost",
		"no_logarithm", "null_identifiers",
	}
	splitCodes  = []string{"sample_ratio", "sample_ratio_small", "sample_ratio_dimension", "activation_differs"}
	armsCodes   = []string{"multiple_exposure", "unknown_variation"}
	freshCodes  = []string{"no_exposures", "stale_exposures", "stale_source", "stale_data", "missing_day"}
	volumeCodes = []string{"exposures_collapsed", "exposures_lost", "warehouse_failed"}
	alikeCodes  = []string{"repeats_differ", "pre_exposure_differs"}
)

// newChecks are the checks in the order in which their failure spoils a look.
func newChecks(look *ledger.Look, history []ledger.Look) []checkView {
	traffic := newTrafficView(look)
	checks := []checkView{
		identifierCheck(look), splitCheck(look, history), armsCheck(look, traffic), freshCheck(look), volumeCheck(look),
	}
	if traffic != nil && len(traffic.Alike) > 0 {
		checks = append(checks, alikeCheckView(look, traffic))
	}
	return checks
}

// flawed turns a good badge into a warning where a finding has one of the codes.
func flawed(look *ledger.Look, codes []string, good badge, bad string) (badge, bool) {
	for _, p := range look.Health.Problems {
		if slices.Contains(codes, p.Code) {
			return badge{"!", bad, toneWarn}, true
		}
	}
	if look.Health.Units == 0 && good.Tone == toneGood {
		return badge{"?", "no data yet", toneMute}, false
	}
	return good, false
}

func identifierCheck(look *ledger.Look) checkView {
	v := checkView{Title: "Identifiers"}
	v.Badge, v.Open = flawed(look, identifierCodes, badge{"✓", "meet", toneGood}, "need a look")
	sources := &sourcesView{}
	for _, variation := range look.Spec.Variations {
		sources.Variations = append(sources.Variations, name(variation.ID))
	}
	for i := range look.Health.Sources {
		s := &look.Health.Sources[i]
		sources.Rows = append(sources.Rows, newSourceView(look, s))
		if s.Presence.Failed && !v.Open {
			v.Badge, v.Open = badge{"!", "presence differs", toneWarn}, true
		}
		if s.Blind {
			v.Badge, v.Open = badge{"✕", "do not meet", toneBad}, true
		}
	}
	v.Text = presenceText(look)
	if len(sources.Rows) == 0 {
		v.Badge = badge{"?", "no source read", toneMute}
		return v
	}
	v.Sources = sources
	return v
}

// sourcesNamed is how many fact sources the line on identifiers names.
const sourcesNamed = 4

// presenceText says what share of the exposed units each source has, the blind
// ones first.
func presenceText(look *ledger.Look) string {
	sources := slices.Clone(look.Health.Sources)
	slices.SortStableFunc(sources, func(a, b ledger.SourceHealth) int { return rankBlind(a) - rankBlind(b) })
	text := ""
	for i := range sources[:min(len(sources), sourcesNamed)] {
		s := &sources[i]
		exposed := sum(s.Units)
		if exposed == 0 {
			exposed = look.Health.Units
		}
		part := "none in "
		over := windowsOver(look, s)
		if over > 0 {
			exposed = over
		}
		if present := sum(s.Present); present > 0 {
			part = web.fraction(present, exposed) + " in "
		}
		text = joined(text, ", ", part+shorten(name(s.Source), 40))
		if over > 0 {
			text += " (of those whose window is over)"
		}
	}
	if text == "" {
		return "No fact source was read."
	}
	if more := len(sources) - sourcesNamed; more > 0 {
		text += fmt.Sprintf(" and %d more sources", more)
	}
	return "Exposed " + noun(look.Spec.Identifier) + " that have facts: " + text + "."
}

func rankBlind(s ledger.SourceHealth) int {
	if s.Blind {
		return 0
	}
	return 1
}

func splitCheck(look *ledger.Look, history []ledger.Look) checkView {
	split := newSplitView(look)
	v := checkView{Title: "Split", Badge: split.Badge, Split: &split}
	_, flaw := flawed(look, splitCodes, split.Badge, "")
	v.Open = flaw || split.Open || split.Badge.Tone == toneBad
	if flaw && split.Badge.Tone == toneGood {
		v.Badge = badge{"!", "off in a part", toneWarn}
	}
	split.course(look, history)
	var seen, intended []string
	for _, r := range split.Rows {
		seen = append(seen, shorten(r.Variation, 40)+" "+r.Observed)
		intended = append(intended, r.Expected)
	}
	if len(seen) == 0 {
		v.Text = "No variation is declared."
		return v
	}
	v.Text = strings.Join(seen, ", ") + "; intended " + strings.Join(intended, " and ") + "."
	if split.Since != "" {
		v.Text += " " + split.Since
	}
	return v
}

func armsCheck(look *ledger.Look, traffic *trafficView) checkView {
	h := &look.Health
	who, everyone := noun(look.Spec.Identifier), h.Units+h.Multiple+h.Unknown
	v := checkView{Title: "One variation each"}
	v.Badge, v.Open = flawed(look, armsCodes, badge{"✓", "as it should be", toneGood}, "too many strays")
	v.Text = fmt.Sprintf("None of %s %s was in several variations or in an undeclared one.", web.count(everyone), who)
	if h.Multiple+h.Unknown > 0 {
		v.Text = fmt.Sprintf("%s of %s %s were in several variations, %s in an undeclared one; they are left out.",
			web.count(h.Multiple), web.count(everyone), who, web.count(h.Unknown))
	}
	v.Facts = []tile{
		{"In several variations", web.count(h.Multiple), web.fraction(h.Multiple, everyone) + " of " + who + tolerated(look, "max_multiple")},
		{"In unknown variations", web.count(h.Unknown), unknownNote(h) + tolerated(look, "max_unknown")},
		{"Without identifier", web.count(h.NullRows), "of " + web.count(h.Exposures) + " exposure rows"},
	}
	if traffic != nil {
		v.Strays = traffic.Strays
	}
	return v
}

// tolerated is the share that a policy allows, where the look knows it.
func tolerated(look *ledger.Look, key string) string {
	if limit := look.Spec.Policy[key]; limit != "" {
		return "; tolerated share " + shorten(clean(limit), 20)
	}
	return ""
}

func freshCheck(look *ledger.Look) checkView {
	h := &look.Health
	v := checkView{Title: "Freshness", Text: "No exposure was seen."}
	v.Badge, v.Open = flawed(look, freshCodes, badge{"✓", "fresh", toneGood}, "stale")
	v.Facts = []tile{{"Newest exposure", age(h.NewestExposure, look.AsOf), newest(h.NewestExposure)}}
	stalest := ""
	for i := range h.Sources {
		s := &h.Sources[i]
		v.Facts = append(v.Facts, tile{"Newest counted of " + name(s.Source), age(newestRow(s), look.AsOf), newest(newestRow(s))})
		if s.Stale {
			stalest = joined(stalest, ", ", shorten(name(s.Source), 40)+" "+age(newestRow(s), look.AsOf))
			v.Badge, v.Open = badge{"!", "stale", toneWarn}, true
		}
	}
	if h.NewestExposure != nil {
		v.Text = "The newest exposure is " + age(h.NewestExposure, look.AsOf) + "."
	}
	if stalest != "" {
		v.Text += " Too old: " + stalest + "."
	}
	if ended(&look.Decision) && !v.Open {
		v.Badge = badge{"○", "ended", toneMute}
		v.Text += " The experiment has ended: nobody new is exposed."
		return v
	}
	if limit := look.Spec.Policy["freshness"]; limit != "" {
		v.Text += " At most " + shorten(spaced(clean(limit)), 20) + " is allowed."
	}
	return v
}

func volumeCheck(look *ledger.Look) checkView {
	h := &look.Health
	v := checkView{Title: "Volume"}
	v.Badge, v.Open = flawed(look, volumeCodes, badge{"✓", "as expected", toneGood}, "fell")
	v.Text = joined(web.count(h.Units)+" exposed "+noun(look.Spec.Identifier), " ", planned(look)) + ", in " + web.count(h.Exposures) + " rows."
	v.Facts = []tile{{"Exposed " + noun(look.Spec.Identifier), web.count(h.Units), planned(look)}, {"Exposure rows", web.count(h.Exposures), "repetitions included"}}
	if look.Spec.Activation != "" {
		v.Facts = append(v.Facts, tile{"Activated", web.count(sum(h.Activated)), "by " + name(look.Spec.Activation) + "; the others are left out"})
	}
	if h.Settling > 0 {
		v.Facts = append(v.Facts, tile{"While the flag settled", web.count(h.Settling), "counted, left out of effects"})
	}
	return v
}

func alikeCheckView(look *ledger.Look, traffic *trafficView) checkView {
	v := checkView{Title: "Before exposure", Alike: traffic.Alike, Open: traffic.Open}
	v.Badge, _ = flawed(look, alikeCodes, badge{"✓", "alike", toneGood}, "differs")
	if traffic.Open {
		v.Badge = badge{"!", "differs", toneWarn}
	}
	v.Text = plural(len(traffic.Alike), "test", "tests") + " of what no variation can move."
	return v
}

// ratioPoint is one look of the sample ratio.
type ratioPoint struct {
	Look, AsOf, Shares, Evidence string
	Badge                        badge
}

// course fills in the sample ratio over the looks: how far the share of the
// variation that is off most was from the intended one.
func (v *splitView) course(look *ledger.Look, history []ledger.Look) {
	if len(look.Health.SampleRatio) == 0 {
		return
	}
	now := &look.Health.SampleRatio[0].SampleRatio
	arm := furthest(look, &stats.RatioGroup{Counts: now.Counts, Expected: now.Expected})
	s := sequence{To: look.AsOf, Label: func(x float64) string { return web.general(100*x, 3) + web.gap + "pp" }, Bare: true}
	for i := range history {
		h := &history[i]
		if len(h.Health.SampleRatio) == 0 || h.Health.SampleRatio[0].Status != stats.StatusOK {
			continue
		}
		r := &h.Health.SampleRatio[0].SampleRatio
		g := &stats.RatioGroup{Counts: r.Counts, Expected: r.Expected}
		if arm >= len(r.Expected) {
			continue
		}
		s.Points = append(s.Points, seqPoint{At: h.AsOf, Estimate: observed(g, arm) - r.Expected[arm], Known: true, Harmed: r.Failed})
		v.Course = append(v.Course, ratioPoint{
			Look: lookNumberShort(h.Number, h.Version), AsOf: instant(h.AsOf), Shares: sharesOf(g), Evidence: ratioEvidence(r), Badge: ratioBadge(r),
		})
	}
	if len(s.Points) < 2 {
		v.Course = nil
		return
	}
	s.From = s.Points[0].At
	v.CourseOf = variation(look, arm)
	v.Chart = sequenceChart(picture{
		ID: "ratio-course", Title: "Sample ratio over the looks: " + v.CourseOf + ", observed less intended share",
		Desc: "Zero is the intended share; dots are looks, filled red where the split was not as intended. The table below holds the same numbers.",
	}, s)
}

func sharesOf(g *stats.RatioGroup) string {
	text := ""
	for _, share := range g.Observed() {
		text = joined(text, " / ", web.share(share, 2))
	}
	return text
}
