package main

import (
	"fmt"
	"strings"
)

// life is one rollout or experiment whose truth is known.
type life struct {
	name  string
	truth string // what is wrong with it, in words
	want  []string
	// start is the day that it begins on, from 0, and length its days.
	start, length int
	store         string // local or hook
	spec          string // more of its spec
	arms          []string
	experiment    bool
	fast          bool // a look every six hours
	// harmless: a rollback would be a false one. harmful: how soon it is rolled
	// back is held to when that could be known.
	harmless, harmful bool

	// rates are the failing and the successful share of a variation's units on a
	// day since the start.
	rates func(arm string, day int) (failing, success float64)
	// loses is the share of a variation's exposures that are never logged.
	loses map[string]float64
	// away tells whether the rows of a day (since the beginning of all) come in
	// late, and on which day they do.
	away map[int]int
	// mended is the day from which facts carry the identifiers of the exposures;
	// 0 = always, -1 = never.
	mended int
	// acts are what persons do at the noon of a day since the start.
	acts map[int]act
	// applies: a person applies what is proposed, at the noon after it.
	applies bool
}

// act is what a person does: sets a flag, or clears the experiment.
type act struct {
	coverage float64
	sole     string
	clear    bool
}

const (
	baseFailing = 0.05
	baseSuccess = 0.30
)

// constant gives the treatments other rates from a day on.
func constant(failing, success float64, from int) func(string, int) (float64, float64) {
	return func(arm string, day int) (float64, float64) {
		if arm == "control" || day < from {
			return baseFailing, baseSuccess
		}
		return failing, success
	}
}

// perArm gives each variation its own rates.
func perArm(rates map[string][2]float64) func(string, int) (float64, float64) {
	return func(arm string, _ int) (float64, float64) {
		r, ok := rates[arm]
		if !ok {
			r = [2]float64{baseFailing, baseSuccess}
		}
		return r[0], r[1]
	}
}

const (
	shipped     = "shipped by assay"
	rolledBack  = "rolled back by assay"
	thirtyDays  = 30
	outageFirst = 8 // days on which the receiver of the store hook is down
	outageLast  = 11
)

// lives are all that are lived together: fifty.
func lives() []life {
	var all []life
	add := func(l life) {
		if l.length == 0 {
			l.length = 14
		}
		if l.store == "" {
			l.store = "local"
		}
		if l.arms == nil {
			l.arms = []string{"control", "treatment"}
		}
		if l.rates == nil {
			l.rates = constant(baseFailing, baseSuccess, 0)
		}
		all = append(all, l)
	}
	for _, some := range []func(add func(life)){harmless, harmful, brokenData, people, experiments, outages} {
		some(add)
	}
	return all
}

func harmless(add func(life)) {
	for i := range 8 {
		add(life{name: fmt.Sprintf("harmless-%d", i+1), truth: "nothing", want: []string{shipped}, start: i, harmless: true})
	}
	for i := range 2 {
		add(life{name: fmt.Sprintf("harmless-fast-%d", i+1), truth: "nothing; looked at every 6 h", want: []string{shipped}, start: 1 + i, harmless: true, fast: true})
		add(life{
			name: fmt.Sprintf("tolerated-%d", i+1), truth: "5 % more errors, 50 % are tolerated", want: []string{shipped},
			start: 2 + i, harmless: true, rates: constant(1.05*baseFailing, baseSuccess, 0),
		})
	}
}

// harmful ones are so from the beginning or from a day on. Where the harm began
// late, over all days it may not be more than what is tolerated: that is for a
// person to review.
func harmful(add func(life)) {
	for i, times := range []float64{2.2, 3, 4, 8} {
		late := []string{rolledBack}
		if times < 3 {
			late = []string{"review at 100 %"}
		}
		add(life{
			name: fmt.Sprintf("harmful-%d", i+1), truth: fmt.Sprintf("%g times the errors", times), want: []string{rolledBack},
			start: i, harmful: true, rates: constant(times*baseFailing, baseSuccess, 0),
		})
		add(life{
			name: fmt.Sprintf("harmful-late-%d", i+1), truth: fmt.Sprintf("%g times the errors from day 7 on", times), want: late,
			start: i, harmful: true, rates: constant(times*baseFailing, baseSuccess, 7),
		})
	}
	add(life{name: "harmful-fast", truth: "4 times the errors; looked at every 6 h", want: []string{rolledBack}, start: 3, harmful: true, fast: true, rates: constant(0.2, baseSuccess, 0)})
	add(life{name: "total-breakage", truth: "everything fails", want: []string{rolledBack}, start: 2, harmful: true, rates: constant(1, 0, 0)})
}

// brokenData are held, and what the policy says is done when that lasts.
func brokenData(add func(life)) {
	for i := range 2 {
		add(life{name: fmt.Sprintf("blind-%d", i+1), truth: "facts carry other identifiers, for ever", want: []string{"hold, everybody gets control"}, start: i, mended: -1})
	}
	add(life{name: "blind-mended", truth: "facts carry other identifiers until day 6", want: []string{shipped}, start: 1, length: 20, mended: 7, harmless: true})
	for i := range 2 {
		add(life{name: fmt.Sprintf("split-broken-%d", i+1), truth: "40 % of the treatment's exposures are lost", want: []string{"hold at 10 %"}, start: 1 + i, loses: map[string]float64{"treatment": 0.4}})
	}
	add(life{
		name: "split-rolls-back", truth: "40 % of the treatment's exposures are lost; the policy rolls back", want: []string{rolledBack},
		start: 2, loses: map[string]float64{"treatment": 0.4}, spec: "policy: {on_sample_ratio: rollback}",
	})
	for i := range 2 {
		first := 7 + 2*i
		add(life{
			name: fmt.Sprintf("stale-%d", i+1), truth: "no rows for three days, then all of them", want: []string{shipped}, start: 1, length: 18, harmless: true,
			away: map[int]int{first: first + 3, first + 1: first + 3, first + 2: first + 3},
		})
	}
	add(life{
		name: "stale-harmful", truth: "4 times the errors from day 6 on, whose rows come in three days late", want: []string{rolledBack}, start: 1, length: 18, harmful: true,
		rates: constant(0.2, baseSuccess, 6), away: map[int]int{7: 10, 8: 10, 9: 10},
	})
}

// people approve, ignore, change, close, reopen and clear.
func people(add func(life)) {
	add(life{name: "approval-harmless", truth: "nothing; a person applies what is proposed", want: []string{"shipped by a person"}, start: 2, length: 16, applies: true, spec: "policy: {auto_rollback: false}"})
	add(life{name: "approval-harmful", truth: "4 times the errors; a person applies what is proposed", want: []string{"rolled back by a person"}, start: 2, applies: true, spec: "policy: {auto_rollback: false}", rates: constant(0.2, baseSuccess, 3)})
	add(life{name: "approval-ignored", truth: "4 times the errors; nobody applies what is proposed", want: []string{"rollback proposed at 10 %"}, start: 3, spec: "policy: {auto_rollback: false}", rates: constant(0.2, baseSuccess, 0)})
	add(life{name: "person-widens", truth: "nothing; a person sets 60 % on day 2", want: []string{shipped}, start: 2, harmless: true, acts: map[int]act{2: {coverage: 0.6}}})
	add(life{name: "person-closes", truth: "nothing; a person closes it on day 4", want: []string{"rolled back by a person"}, start: 2, acts: map[int]act{4: {sole: "control"}}})
	add(life{name: "person-ships", truth: "nothing; a person ships it on day 5", want: []string{"shipped by a person"}, start: 3, acts: map[int]act{5: {sole: "treatment"}}})
	add(life{name: "person-reopens", truth: "8 times the errors; a person turns it on again on day 9", want: []string{"rolled back by assay, serves 10 %"}, start: 1, harmful: true, rates: constant(0.4, baseSuccess, 0), acts: map[int]act{9: {coverage: 0.1}}})
	add(life{
		name: "cleared-mended", truth: "8 times the errors until day 6; cleared on day 7", want: []string{shipped}, start: 1, harmful: true, acts: map[int]act{7: {clear: true}},
		rates: func(arm string, day int) (float64, float64) {
			if arm == "treatment" && day < 7 {
				return 0.4, baseSuccess
			}
			return baseFailing, baseSuccess
		},
	})
	add(life{name: "cleared-too-early", truth: "8 times the errors; cleared on day 7", want: []string{rolledBack}, start: 2, harmful: true, acts: map[int]act{7: {clear: true}}, rates: constant(0.4, baseSuccess, 0)})
}

// outages of the flag store, for days.
func outages(add func(life)) {
	for i := range 2 {
		add(life{name: fmt.Sprintf("outage-harmless-%d", i+1), truth: "nothing; the flag store is down for four days", want: []string{shipped}, start: 5 + i, store: "hook", harmless: true})
	}
	add(life{name: "outage-harmful", truth: "8 times the errors from a day on which the flag store is down", want: []string{rolledBack}, start: 4, store: "hook", harmful: true, rates: constant(0.4, baseSuccess, 5)})
}

// experiments look for the better variation; three of them have more than two.
func experiments(add func(life)) {
	add(life{name: "better", truth: "a third more successes", experiment: true, want: []string{"shipped by assay: treatment"}, start: 1, rates: constant(baseFailing, 0.4, 0)})
	add(life{name: "better-but-harmful", truth: "a third more successes, and 4 times the errors", experiment: true, want: []string{rolledBack}, start: 2, harmful: true, rates: constant(0.2, 0.4, 0)})
	for i := range 2 {
		add(life{name: fmt.Sprintf("no-difference-%d", i+1), truth: "nothing", experiment: true, want: []string{"review at 100 %"}, start: 1 + i, harmless: true})
	}
	three := []string{"control", "a", "b"}
	add(life{name: "best-of-three", truth: "a: a sixth more successes, b: half more", experiment: true, arms: three, want: []string{"shipped by assay: b"}, start: 1, rates: perArm(map[string][2]float64{"a": {baseFailing, 0.35}, "b": {baseFailing, 0.45}})})
	add(life{name: "one-of-three-harms", truth: "a: half more successes, b: 5 times the errors", experiment: true, arms: three, want: []string{rolledBack}, start: 2, harmful: true, rates: perArm(map[string][2]float64{"a": {baseFailing, 0.31}, "b": {0.25, 0.3}})})
	add(life{name: "none-of-three", truth: "nothing", experiment: true, arms: three, want: []string{"review at 100 %"}, start: 3, harmless: true})
}

// yaml is the spec of a life.
func (l *life) yaml() string {
	var b strings.Builder
	kind := "rollout"
	if l.experiment {
		kind = "experiment"
	}
	fmt.Fprintf(&b, "name: %s\ntype: %s\nassignment: exposures\nstart: %s\nduration: %dd\nplanned_units: %d\n",
		l.name, kind, firstDay.AddDate(0, 0, l.start).Format("2006-01-02"), l.length, visitors*4*(l.length-2))
	if l.fast {
		b.WriteString("cadence: 6h\ntags: [fast]\n")
	}
	b.WriteString("variations:\n")
	for _, arm := range l.arms {
		good := ""
		if arm == "control" {
			good = ", known_good: true"
		}
		fmt.Fprintf(&b, "  - {id: %s%s}\n", arm, good)
	}
	source := "error_rate"
	if l.mended != 0 {
		source = "strange_error_rate"
	}
	fmt.Fprintf(&b, "guardrails:\n  - {metric: %s, mde: 100%%, margin: 50%%}\n", source)
	if l.experiment {
		b.WriteString("goals:\n  - {metric: success_rate, mde: 20%}\n")
	}
	fmt.Fprintf(&b, "flag: {key: %s, stores: [%s]}\n%s\n", l.name, l.store, l.spec)
	return b.String()
}
