package report

import (
	"fmt"
	"html/template"
	"slices"
	"strings"
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
	Days                    *daysSection
	Level                   string
	Forest                  forestView
	Courses                 []courseView
	Daily                   *dailyView
	Ladder                  []rung
	Epochs                  []epochView
	Prompts                 *promptsView
	History                 []historyRow
	Repeat                  repeatView
	Past                    bool   // the page of one look, which later ones do not change
	List                    string // address of the list of all looks
}

// fact is a name and a value in the head of the page.
type fact struct{ Label, Value string }

// told is what a page is told of deliveries and of what persons did.
type told struct {
	since   *Since // all of it, on the latest page; nil = the page of one look
	setters *Since // what was known before the look of who set the flag and of earlier deliveries
}

func (s Site) newPage(look *ledger.Look, history []ledger.Look, t told) pageView {
	since := t.since
	history = complete(look, history)
	title := name(look.Experiment)
	at, list := atLatest, "./looks/index.html"
	if since == nil {
		at, list = atLook, "./index.html"
	}
	return pageView{
		frame: s.frame(title+": "+strings.ToLower(verdictOf(look).Word), at),
		Name:  title, Kind: kindText(look.Spec.Type), Description: message(look.Spec.Description),
		Owner: shorten(clean(look.Spec.Owner), nameLength), Tags: tags(look.Spec.Tags),
		Facts: facts(look), Banner: newBanner(look, history, t), Since: newSinceView(since),
		Health: newHealthView(look, history), Effects: newEffects(look), Raw: newRaw(look), Slices: newSlices(look), Level: level(look),
		Forest: newForest(look), Courses: newCourses(look, history), Days: newDays(look),
		Daily: newDaily(look), Ladder: ladder(look, t.setters, web), Epochs: epochs(look),
		Prompts: newPrompts(look, history, t.setters), History: newHistory(look, history, t),
		Repeat: newRepeat(look), Past: since == nil, List: list,
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
		out = append(out, fact{"Monitoring", prose(monitoring(look))})
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
	if ended := look.Standing.Ended; ended != nil && ended.At.Before(end) {
		return s + " (ended " + day(ended.At) + ")"
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

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return web.count(int64(n)) + " " + many
}
