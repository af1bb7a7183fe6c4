package stats

import "fmt"

// exactBelow is the base rate from which on the exact methods, which look at
// the events only, would leave too much of the data unused.
const exactBelow = 0.3

// Question is what the choice of a method depends on; all of it is known before
// data.
type Question struct {
	// Kind is proportion, retention, count, sum, mean, max, distinct, ratio,
	// daily_participation or quantile.
	Kind string
	// Asked is auto (or "") or a Method.
	Asked string
	// BaseRate is the declared share of units (proportion) or mean per unit; nil =
	// not declared.
	BaseRate *float64
	Scale    Scale
	// Share is the planned probability of treatment among the two arms; 0 =
	// unknown.
	Share float64
	// Capped: there is a last look, after which nothing is to be found.
	Capped bool
	// Planned units; 0 = traffic is unknown.
	Planned float64
	// Covariate: one is declared. The exact methods do without.
	Covariate bool
}

// Route picks the method of a metric before data and says why. An unknown kind
// or method, or one that cannot judge the kind, gets no Method, and the reason
// says so.
func Route(q Question) (method Method, reason string) {
	switch q.Kind {
	case "proportion", "retention", "count", "sum", "mean", "max", "distinct", "ratio", "daily_participation", "quantile":
	default:
		return "", fmt.Sprintf("unknown kind of metric %q", q.Kind)
	}
	asked := Method(q.Asked)
	switch {
	case q.Asked == "auto" || q.Asked == "":
		exact, why := q.exact()
		if exact {
			return q.exactMethod(why)
		}
		return q.normalMethod(why)
	case !asked.known():
		return "", fmt.Sprintf("unknown method %q", q.Asked)
	case asked.exact() && (q.Kind == "ratio" || q.Kind == "quantile"):
		return "", fmt.Sprintf("method %s cannot judge a %s", q.Asked, q.Kind)
	case asked.Spends() && !q.Capped:
		return "", fmt.Sprintf("method %s needs a last look", q.Asked)
	default:
		return asked, "set for this metric"
	}
}

// exact tells whether the labels of the events are judged, or the values.
func (q *Question) exact() (exact bool, why string) {
	declared := q.BaseRate != nil
	rare := declared && *q.BaseRate < exactBelow
	share := q.Kind == "proportion" || q.Kind == "retention"
	switch {
	case share && declared && !rare:
		return false, fmt.Sprintf("base rate %g is at least %g: an exact test would leave the units without an event unused", *q.BaseRate, exactBelow)
	case share:
		return true, "a share of units: an exact test holds at any number of events, none included"
	case q.Kind == "count" && rare:
		return true, fmt.Sprintf("base rate %g is below %g: exact test on the share of units with any", *q.BaseRate, exactBelow)
	case q.Kind == "count" && declared:
		return false, fmt.Sprintf("base rate %g is at least %g: normal boundary on the mean per unit", *q.BaseRate, exactBelow)
	case q.Kind == "count":
		return false, "no base rate is declared: normal boundary on the mean per unit"
	case q.Kind == "ratio":
		return false, "a ratio of means: normal boundary with the delta method"
	case q.Kind == "quantile":
		return false, "a quantile: normal boundary with the variance of its order statistics"
	case q.Scale == ScaleLog:
		return false, "a mean of logarithms, which no heavy tail disturbs: normal boundary"
	default:
		return false, "a mean: normal boundary" + q.tails()
	}
}

// tails warns of what a normal boundary cannot bear, a heavy tail under unequal
// arms, and says what can.
func (q *Question) tails() string {
	if q.Share == 0 || q.Share > 0.4 && q.Share < 0.6 {
		return ""
	}
	return "; the arms are unequal, so that skewness is taken off and, where it is too strong, nothing is said: a log scale (scale: auto), a cap or the share over a threshold stays sharp"
}

func (q *Question) exactMethod(why string) (Method, string) {
	if q.Covariate {
		why += ", and does without the covariate"
	}
	if q.Capped {
		return MethodExactSpending, why + "; its error is spent over the planned duration"
	}
	return MethodExact, why
}

func (q *Question) normalMethod(why string) (Method, string) {
	switch {
	case q.Capped:
		return MethodCalibrated, why + ", calibrated to the looks of the planned duration"
	case q.Planned == 0:
		return MethodScaleMixture, why + ", averaged over several scales: the planned units are unknown"
	default:
		return MethodMixture, why
	}
}
