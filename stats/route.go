package stats

import "fmt"

// exactBelow is the base rate from which on the exact method, which looks at
// the events only, would leave too much of the data unused.
const exactBelow = 0.3

// Route picks the method of a metric before data and says why. kind is
// proportion, count, sum, mean or ratio; asked is auto, exact or mixture;
// baseRate is the declared share of units (proportion) or mean per unit, nil
// where none is. An unknown kind or method gets no Method, and the reason says
// so.
func Route(kind, asked string, baseRate *float64) (method Method, reason string) {
	switch kind {
	case "proportion", "count", "sum", "mean", "ratio":
	default:
		return "", fmt.Sprintf("unknown kind of metric %q", kind)
	}
	switch asked {
	case string(MethodExact), string(MethodMixture):
		return Method(asked), "set for this metric"
	case "auto", "":
		return routeKind(kind, baseRate)
	default:
		return "", fmt.Sprintf("unknown method %q", asked)
	}
}

// routeKind is the choice of auto.
func routeKind(kind string, baseRate *float64) (method Method, reason string) {
	declared := baseRate != nil
	rare := declared && *baseRate < exactBelow
	switch {
	case kind == "proportion" && declared && !rare:
		return MethodMixture, fmt.Sprintf("base rate %g is at least %g: the exact test would leave the units without an event unused", *baseRate, exactBelow)
	case kind == "proportion":
		return MethodExact, "a share of units: the exact test holds at any number of events, none included"
	case kind == "count" && rare:
		return MethodExact, fmt.Sprintf("base rate %g is below %g: exact test on the share of units with any", *baseRate, exactBelow)
	case kind == "count" && declared:
		return MethodMixture, fmt.Sprintf("base rate %g is at least %g: normal mixture on the mean per unit", *baseRate, exactBelow)
	case kind == "count":
		return MethodMixture, "no base rate is declared: normal mixture on the mean per unit"
	case kind == "ratio":
		return MethodMixture, "a ratio of means: normal mixture with the delta method"
	default:
		return MethodMixture, "a mean: normal mixture"
	}
}
