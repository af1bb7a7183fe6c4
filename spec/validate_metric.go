package spec

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// shape says which keys a kind of metric takes: those it needs, and those it
// may have beside where, rule, the window and the covariate.
type shape struct {
	needs []string
	may   []string
}

var shapes = map[string]shape{
	"proportion":          {may: []string{"total", "covariate"}},
	"count":               {may: []string{"cap", "covariate"}},
	"sum":                 {needs: []string{"value"}, may: []string{"scale", "cap", "covariate"}},
	"mean":                {needs: []string{"value"}, may: []string{"scale", "cap", "covariate"}},
	"max":                 {needs: []string{"value"}, may: []string{"scale", "cap", "covariate"}},
	"distinct":            {needs: []string{"value"}, may: []string{"cap", "covariate"}},
	"ratio":               {needs: []string{"numerator", "denominator"}, may: []string{"covariate"}},
	"retention":           {needs: []string{"delay", "window"}, may: []string{"total"}},
	"daily_participation": {},
	"quantile":            {needs: []string{"value", "quantile", "of"}, may: []string{"per_unit"}},
}

// shaped are the keys that only some kinds have.
var shaped = []string{"value", "numerator", "denominator", "total", "cap", "scale", "quantile", "of", "per_unit", "covariate"}

func (v validator) metric(name string, at place) {
	m := v.config.Metrics[name]
	named(name, at)
	refer(at.at("source"), "fact source", m.Source, v.config.Facts, v.section("facts"))
	if want, known := shapes[m.Kind]; known {
		want.check(m, at)
	}
	v.sql.expression(m.Where, at.at("where"))
	v.sql.expression(m.Value, at.at("value"))
	v.part(m.Numerator, at.at("numerator"))
	v.part(m.Denominator, at.at("denominator"))
	if m.Kind == "ratio" {
		at.at("rule").refuse("a rule of a ratio is that of a part: of both it would cancel out")
	}
	if len(m.Sources()) > 1 {
		at.at("where").refuse("the parts of the ratio are of two sources; give each its own where")
	}
	if m.Source != "" && !slices.Contains(m.Sources(), m.Source) {
		at.at("source").problemf("no part of the ratio is of this source; leave source out of one part")
	}
	v.rule(m.Rule, at.at("rule"))
	v.total(m.Total, at.at("total"))
	capped(m.Cap, at.at("cap"))
	quantile(m, at)
	metricWindow(m, at)
	scale(m, at)
	baseRate(m, at.at("base_rate"))
	baseSD(m, at.at("base_sd"))
}

// check holds the metric's keys against its kind.
func (s shape) check(m Metric, at place) {
	for _, key := range s.needs {
		if at.at(key).absent {
			at.keyProblemf("a metric of kind %s needs %s", m.Kind, key)
		}
	}
	for _, key := range shaped {
		if !slices.Contains(s.needs, key) && !slices.Contains(s.may, key) {
			at.at(key).refuse("a metric of kind %s has no %s%s", m.Kind, key, having(key))
		}
	}
}

// having says which kinds have a key.
func having(key string) string {
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(shapes)) {
		if s := shapes[kind]; slices.Contains(s.needs, key) || slices.Contains(s.may, key) {
			kinds = append(kinds, kind)
		}
	}
	if len(kinds) == 1 {
		return "; kind " + kinds[0] + " has one"
	}
	last := len(kinds) - 1
	return "; kinds " + strings.Join(kinds[:last], ", ") + " and " + kinds[last] + " have one"
}

func (v validator) part(p *Part, at place) {
	if p == nil {
		return
	}
	if !at.at("source").absent {
		refer(at.at("source"), "fact source", p.Source, v.config.Facts, v.section("facts"))
	}
	v.sql.expression(p.Value, at.at("value"))
	v.sql.expression(p.Where, at.at("where"))
	v.rule(p.Rule, at.at("rule"))
	capped(p.Cap, at.at("cap"))
}

// rule checks what is asked of a text.
func (v validator) rule(r *Rule, at place) {
	if r == nil {
		return
	}
	v.sql.expression(r.Text, at.at("text"))
	at.at("min_length").must(r.MinLength > 0, "a length is more than 0")
	at.at("max_length").must(r.MaxLength > 0, "a length is more than 0")
	if r.MaxLength > 0 && r.MinLength > r.MaxLength {
		at.at("min_length").problemf("no text is at least %d and at most %d long", r.MinLength, r.MaxLength)
	}
	for key, pattern := range map[string]string{"matches": r.Matches, "lacks": r.Lacks} {
		p := at.at(key)
		p.must(pattern != "", "the pattern is empty; it would be found in every text")
		if _, err := regexp.Compile(pattern); err != nil && p.ok() {
			p.problemf("not a regular expression: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		}
		p.must(!namedGroup.MatchString(pattern), "(?<name>...) is not known to every warehouse; write (?:...)")
	}
	if r.MinLength == 0 && r.MaxLength == 0 && !r.JSON && r.Matches == "" && r.Lacks == "" {
		at.keyProblemf("the rule asks nothing of the text: min_length, max_length, json, matches or lacks")
	}
}

// namedGroup is a group that Go's regular expressions have and RE2 has not.
var namedGroup = regexp.MustCompile(`\(\?<[^=!]`)

// total checks a condition on what a unit's facts come to.
func (v validator) total(t *Total, at place) {
	if t == nil {
		return
	}
	v.sql.expression(t.Value, at.at("value"))
	switch {
	case t.Of == "count":
		at.at("value").refuse("facts are counted without a value")
	case t.Of != "" && at.at("value").absent:
		at.keyProblemf("a %s needs a value", t.Of)
	}
	if at.at("over").absent == at.at("at_least").absent {
		at.keyProblemf("give either over or at_least")
	}
	if t.Over != nil {
		at.at("over").must(*t.Over >= 0, "a threshold is 0 or more: a unit without facts must not be over it")
	}
	if t.AtLeast != nil {
		at.at("at_least").must(*t.AtLeast > 0, "a threshold is more than 0: a unit without facts must not reach it")
	}
}

// capped checks the greatest value of a unit.
func capped(c *Cap, at place) {
	if c == nil {
		return
	}
	if at.at("at").absent == at.at("percentile").absent {
		at.keyProblemf("give either at, a number, or percentile")
	}
	if c.At != nil {
		at.at("at").must(*c.At > 0, "a cap is more than 0")
	}
	at.at("percentile").must(c.Percentile > 0 && c.Percentile < 1, "a percentile lies between 0 and 1, both excluded, as 0.99 or 99%%")
}

// quantile checks which quantile of what.
func quantile(m Metric, at place) {
	at.at("quantile").must(m.Quantile > 0 && m.Quantile < 1, "a quantile lies between 0 and 1, both excluded, as 0.95 or 95%%")
	if m.Of == "event" {
		at.at("per_unit").refuse("per_unit is for a quantile of units; this one is of events")
	}
}

func metricWindow(m Metric, at place) {
	at.at("window").must(m.Window.Duration > 0, "a window must be more than 0; without one facts count until as-of")
	at.at("lookback").must(m.Lookback.Duration > 0, "a lookback is more than 0; without one facts count from the start of the window")
	at.at("covariate").must(m.Covariate.Duration > 0, "the span before first exposure is more than 0")
	if m.CompleteOnly && at.at("window").absent {
		at.at("complete_only").keyProblemf("complete_only needs a window: without one no unit is ever complete")
	}
	if !at.at("lookback").absent {
		at.at("window").refuse("a metric has a window or a lookback, not both")
	}
	if m.Window.Duration > 0 && m.Delay.Duration+m.Window.Duration <= 0 {
		at.at("window").problemf("the window closes before first exposure: what happens there no variation can change")
	}
	if m.Kind != "retention" {
		return
	}
	at.at("delay").must(m.Delay.Duration > 0, "a retention looks at a time after first exposure: its delay is more than 0")
	if !m.CompleteOnly && m.Window.Duration > 0 {
		at.at("window").warnf("units whose window is still open count as not retained; complete_only: true leaves them out")
	}
}

// scale checks where a base rate says nothing: effects are ratios of geometric
// means there, whatever it is.
func scale(m Metric, at place) {
	if m.Scale == ScaleLog {
		at.at("base_rate").refuse("a base rate is not for scale log, where effects are ratios of geometric means")
	}
}

// baseSD checks what a plan is made from.
func baseSD(m Metric, at place) {
	if m.BaseSD != nil {
		at.must(*m.BaseSD > 0, "a standard deviation is more than 0")
	}
}

func baseRate(m Metric, at place) {
	if m.BaseRate == nil {
		return
	}
	if m.Kind == "proportion" || m.Kind == "retention" {
		at.must(*m.BaseRate > 0 && *m.BaseRate < 1, "the base rate of a proportion lies between 0 and 1, both excluded")
		return
	}
	at.must(*m.BaseRate > 0, "a base rate is more than 0")
}
