package job

import (
	"fmt"
	"slices"
	"strings"

	"assay/ledger"
	"assay/stats"
)

// ratioCauses lists what usually makes a split off in the way that this one is:
// since when, where, and what else is off. They are where to look first, and no
// diagnosis.
func (g *gatherer) ratioCauses() {
	checks := g.ev.health.SampleRatio
	if len(checks) == 0 {
		return
	}
	var causes []ledger.UsualCause
	add := func(code, format string, values ...any) {
		causes = append(causes, ledger.UsualCause{Code: code, Text: fmt.Sprintf(format, values...)})
	}
	overall := checks[0]
	g.causesByDimension(overall.Detected, add)
	if overall.Detected {
		inOne := slices.ContainsFunc(causes, func(c ledger.UsualCause) bool { return c.Code == "one_slice" })
		g.causesByTime(overall, inOne, add)
	}
	for _, c := range checks {
		if c.Slice == "activated" && c.Detected {
			add("activation", "Units are activated more often in one arm: %s comes after the change shows, so that it is an outcome. Activate by something before it, or compare all exposed units.", g.at.experiment.Activation)
		}
	}
	if t := g.ev.health.Traffic; !overall.Detected && t != nil {
		for _, r := range t.Repeats {
			if r.Failed {
				add("repeats", "The split of units is as intended; only exposures are more in one arm. They are logged more often there, and who counts rows in place of units sees a mismatch that is none.")
				break
			}
		}
	}
	if len(causes) > 0 {
		g.traffic().Causes = causes
	}
}

type addCause func(code, format string, values ...any)

// causesByDimension tells a split that is off in one place from one that is off
// everywhere.
func (g *gatherer) causesByDimension(overall bool, add addCause) {
	of := map[string]int{}    // values of a dimension that are off
	sound := map[string]int{} // that have enough units and are not
	where := map[string][]string{}
	var names []string
	for _, s := range g.ev.slices {
		if _, seen := where[s.dimension]; !seen {
			names, where[s.dimension] = append(names, s.dimension), nil
		}
		switch {
		case s.check.Detected:
			of[s.dimension]++
			where[s.dimension] = append(where[s.dimension], fmt.Sprintf("%q", s.value))
		case s.check.Status == stats.StatusOK && total(s.check.Counts) >= leastPerArm*int64(len(s.check.Counts)):
			sound[s.dimension]++
		}
	}
	everywhere := overall
	for _, name := range names {
		switch {
		case of[name] > 0 && sound[name] > 0 && of[name] <= sound[name]:
			add("one_slice", "Units are lost only where %s is %s, not in %d other values. Look at what that client, version or region does differently between asking for the flag and logging the exposure.",
				name, strings.Join(where[name], " or "), sound[name])
			everywhere = false
		case sound[name] > 0:
			everywhere = false
		}
	}
	if everywhere && len(names) > 0 {
		add("all_slices", "Off alike in every slice: no client of its own. It comes before or after all of them: the weights in the flag store, a redirect of one arm, a filter of robots, a job that drops rows.")
	}
}

// leastPerArm is how many units per arm a slice needs before it counts as sound.
const leastPerArm = 100

// causesByTime tells from when on, and whose units are missing. Where only one slice
// is off, what all slices share is not to blame.
func (g *gatherer) causesByTime(overall ledger.RatioCheck, inOneSlice bool, add addCause) {
	s := overall.Since
	if s == nil || s.Status != stats.ChangeFound {
		return
	}
	switch {
	case s.From == 0 && inOneSlice:
		add("from_start", "Off there from the first day: no release or change of the flag since then caused it.")
	case s.From == 0:
		add("from_start", "Off from the first day: compare the weights in the flag store with those of the spec; then the moment at which an exposure is logged, a redirect of one arm, and filters of robots.")
	default:
		when := "on " + s.Day.Format("2006-01-02")
		if s.Hour != nil {
			when = "around " + minute(*s.Hour)
		}
		add("since_hour", "As intended before, off %s: something was deployed, configured or loaded differently then. Compare it with releases, changes of the flag and of the pipeline.", when)
		g.lossOrGain(s, add)
	}
	if s.Until != nil {
		add("over", "It is over since %s: what was rolled back or mended that day was the cause. Units lost in between do not come back; assay clear starts afresh.", s.Until.Format("2006-01-02"))
	}
}

// lossOrGain names the arm that is short since the split is off. A treatment that
// loses units only after a while mostly fails before it can log.
func (g *gatherer) lossOrGain(s *ledger.RatioSince, add addCause) {
	if s.Since == nil {
		return
	}
	e, observed := g.at.experiment, s.Since.Observed()
	short := 0
	for i := range observed {
		if observed[i]-s.Since.Expected[i] < observed[short]-s.Since.Expected[short] {
			short = i
		}
	}
	if v := e.Variations[short]; v.KnownGood {
		add("gain", "It is %s that is short: units of it are not logged any more (a cache, an old client, a fallback that logs nothing), or units are forced into a treatment.", v.ID)
	} else {
		add("loss", "It is %s that is short: since then it fails before its exposure is logged. A crash, an error or a timeout at the start of it is the usual one.", v.ID)
	}
}
