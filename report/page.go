package report

import (
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"
	"unicode"

	"assay/ledger"
)

// pageView is all that the page of one look shows, ready to be laid out.
type pageView struct {
	frame
	Name, Kind, Description string
	Owner                   string
	Tags                    []string
	Facts                   []fact
	Banner                  banner
	Since                   *sinceView
	Health                  healthView
	Effects                 []effectsView
	Raw                     []rawRow
	Slices                  []slicesView
	Level                   string
	Forest                  forestView
	Courses                 []courseView
	Daily                   *dailyView
	Ladder                  []rung
	Epochs                  []epochView
	Prompts                 *promptsView
	History                 []historyRow
	Repeat                  repeatView
	Linked                  bool // there is an index to go back to
}

// fact is a name and a value in the head of the page.
type fact struct{ Label, Value string }

func newPage(look *ledger.Look, history []ledger.Look, since *Since) pageView {
	history = complete(look, history)
	title := name(look.Experiment)
	return pageView{
		frame: newFrame(title + ": " + strings.ToLower(verdictOf(look).Word)),
		Name:  title, Kind: kindText(look.Spec.Type), Description: message(look.Spec.Description),
		Owner: shorten(clean(look.Spec.Owner), nameLength), Tags: tags(look.Spec.Tags),
		Facts: facts(look), Banner: newBanner(look, history, since), Since: newSinceView(since),
		Health: newHealthView(look, history), Effects: newEffects(look), Raw: newRaw(look), Slices: newSlices(look), Level: level(look),
		Forest: newForest(look), Courses: newCourses(look, history),
		Daily: newDaily(look), Ladder: ladder(look), Epochs: epochs(look),
		Prompts: newPrompts(look), History: newHistory(look, history),
		Repeat: newRepeat(look), Linked: since != nil,
	}
}

// complete makes sure that the look itself ends its history.
func complete(look *ledger.Look, history []ledger.Look) []ledger.Look {
	has := slices.ContainsFunc(history, func(h ledger.Look) bool {
		return h.ID == look.ID && h.AsOf.Equal(look.AsOf) && h.Version == look.Version
	})
	if has {
		return history
	}
	return append(slices.Clone(history), *look)
}

func kindText(kind string) string {
	if kind == "" {
		return "Experiment"
	}
	runes := []rune(shorten(clean(kind), 40))
	return string(unicode.ToUpper(runes[0])) + string(runes[1:])
}

// tagsShown is how many tags are shown.
const tagsShown = 12

func tags(all []string) []string {
	var out []string
	for _, t := range all[:min(len(all), tagsShown)] {
		out = append(out, shorten(name(t), 40))
	}
	return out
}

func facts(look *ledger.Look) []fact {
	out := []fact{
		{"As of", instant(look.AsOf)},
		{"Look", lookFact(look)},
	}
	if !look.Spec.Start.IsZero() {
		out = append(out, fact{"Monitoring", monitoring(look)})
	}
	out = append(out, fact{"Exposed " + noun(look.Spec.Identifier), strings.TrimSpace(web.count(look.Health.Units) + " " + planned(look))})
	if look.Spec.FlagKey != "" {
		out = append(out, fact{"Flag", name(look.Spec.FlagKey)})
	}
	return out
}

func lookFact(look *ledger.Look) string {
	s := fmt.Sprintf("%d (plan version %d)", look.Number, look.Version)
	if look.Backfill {
		s += ", backfill"
	}
	return s
}

func monitoring(look *ledger.Look) string {
	start, end := look.Spec.Start, look.Spec.End
	s := day(start) + " to " + day(end)
	if look.AsOf.Before(start) || !end.After(start) {
		return s
	}
	if !look.AsOf.Before(end) {
		return s + " (over)"
	}
	return s + " (" + length(look.AsOf.Sub(start)) + " of " + length(end.Sub(start)) + ")"
}

// level is the confidence of the intervals, where all have the same one.
func level(look *ledger.Look) string {
	var levels []string
	for _, m := range look.Metrics {
		for _, v := range m.Comparisons {
			if l := confidence(v.Design.Alpha); l != "" && !slices.Contains(levels, l) {
				levels = append(levels, l)
			}
		}
	}
	slices.Sort(levels)
	return strings.Join(levels, " or ")
}

// dailyView is first exposures per day.
type dailyView struct {
	Charts     []template.HTML
	Legend     []legendItem
	Variations []string
	Rows       []dailyRow
}

type legendItem struct{ Class, Label string }

type dailyRow struct {
	Day   string
	Units []string
	SoFar string // of all variations
}

func newDaily(look *ledger.Look) *dailyView {
	if len(look.Daily) == 0 {
		return nil
	}
	v := &dailyView{}
	for i, variation := range look.Spec.Variations {
		v.Legend = append(v.Legend, legendItem{armClass(i), name(variation.ID)})
		v.Variations = append(v.Variations, name(variation.ID))
	}
	var days []dayBars
	for _, d := range look.Daily {
		units := make([]int64, len(v.Variations))
		copy(units, d.Units)
		days = append(days, dayBars{d.Day.UTC(), units})
	}
	slices.SortStableFunc(days, func(a, b dayBars) int { return a.Day.Compare(b.Day) })
	soFar := int64(0)
	for _, d := range days {
		soFar += sum(d.Units)
		row := dailyRow{Day: day(d.Day), SoFar: web.count(soFar)}
		for _, u := range d.Units {
			row.Units = append(row.Units, web.count(u))
		}
		v.Rows = append(v.Rows, row)
	}
	for i, p := range dailyLayouts {
		p.ID = []string{"daily", "daily-narrow"}[i]
		p.Title = "First exposures per day and variation"
		p.Desc = fmt.Sprintf("%d days from %s to %s. The table below holds the same numbers.",
			len(days), day(days[0].Day), day(days[len(days)-1].Day))
		v.Charts = append(v.Charts, daily(p, days, rampMarks(look)))
	}
	return v
}

// epochView is a span with constant weights.
type epochView struct {
	Index, Start, Settled, Allocation, Units, Settling string
}

func epochs(look *ledger.Look) []epochView {
	var out []epochView
	for _, e := range look.Epochs {
		v := epochView{
			Index: web.count(int64(e.Index)), Start: joined(instant(e.Start), ", ", openedText(&e)), Settled: instant(e.Settled),
			Allocation: allocationText(&e.Allocation, web), Settling: web.count(e.Settling),
		}
		for i, units := range e.Units {
			id := fmt.Sprint(i)
			if i < len(look.Spec.Variations) {
				id = shorten(name(look.Spec.Variations[i].ID), 40)
			}
			v.Units = joined(v.Units, ", ", id+" "+web.count(units))
		}
		out = append(out, v)
	}
	return out
}

// historyRow is one look in the history; Gap rows stand for looks left out.
type historyRow struct {
	Look, AsOf, Summary, Coverage, Units string
	Badge                                badge
	Gap                                  string
	This                                 bool
	Backfill, Failed                     bool
}

// newHistory lists the looks, newest first.
func newHistory(look *ledger.Look, history []ledger.Look) []historyRow {
	var out []historyRow
	for i := len(history) - 1; i >= 0; i-- {
		h := &history[i]
		out = append(out, historyRow{
			Look: lookFactShort(h), AsOf: instant(h.AsOf), Summary: message(h.Decision.Summary),
			Coverage: coverageText(h), Units: web.count(h.Health.Units), Badge: decisionBadge(&h.Decision),
			This: h.ID == look.ID && h.AsOf.Equal(look.AsOf), Backfill: h.Backfill, Failed: h.Failed != "",
		})
		if gap := missing(history, i); gap > 0 {
			out = append(out, historyRow{Gap: plural(gap, "look is", "looks are") + " not shown here"})
		}
	}
	return out
}

func lookFactShort(h *ledger.Look) string {
	if h.Version > 1 {
		return fmt.Sprintf("%d (v%d)", h.Number, h.Version)
	}
	return web.count(int64(h.Number))
}

func coverageText(h *ledger.Look) string {
	now := web.exactShare(h.Allocation.Coverage)
	if len(h.Allocation.Arms) == 0 {
		now = dash
	}
	if h.Decision.Target == nil {
		return now
	}
	return now + " → " + targetText(h)
}

// targetText is the coverage that is aimed at, or who gets everything.
func targetText(h *ledger.Look) string {
	for _, arm := range h.Decision.Target.Arms {
		if arm.Weight == 1 && h.Decision.Target.Coverage == 1 {
			return "all " + shorten(name(arm.Variation), 40)
		}
	}
	if h.Decision.Target.Coverage == 0 {
		return "all " + shorten(name(h.Decision.Target.KnownGood), 40)
	}
	return web.exactShare(h.Decision.Target.Coverage)
}

// missing counts the looks of the same version left out before the i-th.
func missing(history []ledger.Look, i int) int {
	h := &history[i]
	if i == 0 {
		return max(h.Number-1, 0)
	}
	if before := &history[i-1]; before.Version == h.Version {
		return max(h.Number-before.Number-1, 0)
	}
	return max(h.Number-1, 0)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return web.count(int64(n)) + " " + many
}

// repeatView is what is needed to repeat the look.
type repeatView struct {
	Command    string
	Facts      []fact
	Statements []statementView
}

type statementView struct {
	Name, Purpose, Rows, SQL string
	Cost                     string // what the engine said of it; "" = nothing
}

func newRepeat(look *ledger.Look) repeatView {
	v := repeatView{Command: runCommand(look)}
	v.add("Look", look.ID)
	v.add("Spec digest", look.Digest)
	v.add("Plan", joined(fmt.Sprintf("version %d", look.Version), ", digest ", look.PlanDigest))
	v.add("assay", look.Tool)
	v.add("Revision", look.Revision)
	v.add("Type and cadence", joined(look.Spec.Type, ", every ", look.Spec.Cadence))
	v.add("Assignment", joined(look.Spec.Assignment, " by ", look.Spec.Identifier))
	a := look.Spec.Alpha
	v.add("Alpha", fmt.Sprintf("guardrails %s, goals %s, sample ratio %s",
		web.general(a.Guardrails, 4), web.general(a.Goals, 4), web.general(a.SampleRatio, 4)))
	v.add("Scanned", scanned(look.Incremental))
	for _, s := range look.Statements {
		v.Statements = append(v.Statements, statementView{
			Name: name(s.Name), Purpose: message(s.Purpose), Rows: plural(int(s.Rows), "row", "rows"), SQL: cleanBlock(s.SQL), Cost: cost(s),
		})
	}
	return v
}

// scanned says what an incremental look read anew.
func scanned(i *ledger.Incremental) string {
	if i == nil {
		return ""
	}
	parts, kept := []string{"exposures " + begun(i.Since)}, i.Since != nil
	for _, s := range i.Sources {
		text := s.Source + " " + begun(s.Since)
		if s.Whole != "" {
			text = s.Source + ", all of it: " + s.Whole
		}
		parts = append(parts, text)
	}
	if kept { // Sources begin anew wherever units do.
		parts = append(parts, "the rest is from what earlier looks kept")
	}
	return strings.Join(parts, "; ")
}

// begun is where a scan began.
func begun(since *time.Time) string {
	if since == nil {
		return "from the beginning"
	}
	return "since " + since.UTC().Format("2006-01-02 15:04Z")
}

func (v *repeatView) add(label, value string) {
	if value != "" {
		v.Facts = append(v.Facts, fact{label, shorten(clean(value), 3*nameLength)})
	}
}

// runCommand is what to type to see this look again.
func runCommand(look *ledger.Look) string {
	return "assay run --select " + shellWord(look.Experiment) + " --as-of " + look.AsOf.UTC().Format(time.RFC3339Nano)
}

// shellWord quotes a word for a shell, unless it is plain.
func shellWord(s string) string {
	plain := s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", r)
	})
	if plain && s[0] != '-' {
		return s
	}
	return "'" + strings.ReplaceAll(name(s), "'", `'\''`) + "'"
}
