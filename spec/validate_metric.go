package spec

// shape says which keys a kind of metric takes.
type shape struct {
	value bool // needs value
	parts bool // needs numerator and denominator
}

var shapes = map[string]shape{
	"proportion": {},
	"count":      {},
	"sum":        {value: true},
	"mean":       {value: true},
	"ratio":      {parts: true},
}

func (v validator) metric(name string, at place) {
	m := v.config.Metrics[name]
	named(name, at)
	refer(at.at("source"), "fact source", m.Source, v.config.Facts, v.section("facts"))
	if want, known := shapes[m.Kind]; known {
		want.check(m, at)
	}
	expression(m.Where, at.at("where"))
	expression(m.Value, at.at("value"))
	part(m.Numerator, at.at("numerator"))
	part(m.Denominator, at.at("denominator"))
	metricWindow(m, at)
	scale(m, at)
	baseRate(m, at.at("base_rate"))
	baseSD(m, at.at("base_sd"))
}

// check holds the metric's keys against its kind.
func (s shape) check(m Metric, at place) {
	for key, wanted := range map[string]bool{"value": s.value, "numerator": s.parts, "denominator": s.parts} {
		p := at.at(key)
		switch {
		case wanted && p.absent:
			at.keyProblemf("a metric of kind %s needs %s", m.Kind, key)
		case !wanted:
			p.refuse("a metric of kind %s has no %s", m.Kind, key)
		}
	}
}

func part(p *Part, at place) {
	if p == nil {
		return
	}
	expression(p.Value, at.at("value"))
	expression(p.Where, at.at("where"))
}

func metricWindow(m Metric, at place) {
	at.at("delay").must(m.Delay.Duration >= 0, "a delay is 0 or more")
	at.at("window").must(m.Window.Duration > 0, "a window must be more than 0; without one facts count until as-of")
	if m.CompleteOnly && at.at("window").absent {
		at.at("complete_only").keyProblemf("complete_only needs a window: without one no unit is ever complete")
	}
}

// scale checks where a logarithm may be taken: of a value. A base rate says
// nothing there, since effects are ratios whatever it is.
func scale(m Metric, at place) {
	if want, known := shapes[m.Kind]; known && !want.value {
		at.at("scale").refuse("a metric of kind %s has no scale; kinds sum and mean have one", m.Kind)
	}
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
	if m.Kind == "proportion" {
		at.must(*m.BaseRate > 0 && *m.BaseRate < 1, "the base rate of a proportion lies between 0 and 1, both excluded")
		return
	}
	at.must(*m.BaseRate > 0, "a base rate is more than 0")
}
