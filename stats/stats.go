// Package stats is pure arithmetic on moments and counts: effects, confidence
// sequences and e-values that hold at every look, the sample-ratio test,
// error control over several metrics, and the chance of missing a harm.
//
// In: Moments and counts by arm and epoch, and a Design fixed before data.
// Out: values, never NaN or a made-up 0 or 1: a question that has no answer
// gets a Status that says why. No I/O, no clock, no logging.
package stats

// Moments of one metric in one arm and epoch. A mean has no denominator; a
// ratio has one. All are finite; N >= 0.
type Moments struct {
	N       int64   `json:"n"`       // units
	Any     int64   `json:"any"`     // units whose value is not zero
	Mean    float64 `json:"mean"`    // of the value (of the numerator), 0 if N = 0
	M2      float64 `json:"m2"`      // sum of squared deviations from Mean
	DenMean float64 `json:"denMean"` // of the denominator; 0 where there is none
	DenM2   float64 `json:"denM2"`
	Co      float64 `json:"co"` // sum of products of the deviations of numerator and denominator
	// M3 is the sum of cubed deviations of the value from Mean; 0 where the
	// warehouse does not tell it.
	M3 float64 `json:"m3,omitempty"`
	// Pre is the covariate; zero = there is none.
	Pre PreMoments `json:"pre,omitzero"`
	// Free are the degrees of freedom of M2 where they are fewer than N-1: of a
	// quantile. 0 = N-1.
	Free float64 `json:"free,omitempty"`
}

// PreMoments are the moments of the covariate: the same value before the unit
// was exposed, of a ratio its numerator and denominator. Sums of products of
// deviations, as in Moments.
type PreMoments struct {
	Mean    float64 `json:"mean"`
	M2      float64 `json:"m2"`
	DenMean float64 `json:"denMean"` // 0 where there is no denominator
	DenM2   float64 `json:"denM2"`
	Co      float64 `json:"co"`      // numerator and denominator of the covariate
	Value   float64 `json:"value"`   // its numerator with the value
	Den     float64 `json:"den"`     // its numerator with the denominator of the value
	OfValue float64 `json:"ofValue"` // its denominator with the value
	OfDen   float64 `json:"ofDen"`   // its denominator with the denominator of the value
}

// Stratum is one epoch of one comparison.
type Stratum struct {
	Epoch int
	// Share is the probability, in (0,1), that a unit of these two arms is in
	// treatment: wT/(wT+wC).
	Share              float64
	Control, Treatment Moments
}

// Kind of a metric, as far as arithmetic cares.
type Kind string

// The kinds.
const (
	KindProportion Kind = "proportion"
	KindMean       Kind = "mean" // per-unit value: count, sum and mean
	KindRatio      Kind = "ratio"
)

// Method of a harm test.
type Method string

// The methods. Two spend the error over the planned duration and are the
// sharpest; the others hold however long one looks.
const (
	MethodExact         Method = "exact"          // conditional binomial e-process on units with any
	MethodExactSpending Method = "exact_spending" // conditional binomial test that spends its error by time
	MethodMixture       Method = "mixture"        // normal mixture with t to z
	MethodScaleMixture  Method = "scale_mixture"  // average of normal mixtures of several scales
	MethodDelayedStart  Method = "delayed_start"  // normal boundary that starts after a tenth of the planned units
	MethodCalibrated    Method = "calibrated"     // normal boundary that spends its error by time
)

// exact tells whether a method looks at the labels of events only.
func (m Method) exact() bool { return m == MethodExact || m == MethodExactSpending }

// Spends tells whether a method spends its error look by look.
func (m Method) Spends() bool { return m == MethodExactSpending || m == MethodCalibrated }

// known tells whether there is such a method.
func (m Method) known() bool {
	switch m {
	case MethodExact, MethodExactSpending, MethodMixture, MethodScaleMixture, MethodDelayedStart, MethodCalibrated:
		return true
	}
	return false
}

// Scale is what of a unit's value is averaged.
type Scale string

// The scales.
const (
	ScaleLinear Scale = "linear" // the value; also ""
	ScaleLog    Scale = "log"    // its natural logarithm: Moments are of ln(value), effects of geometric means
)

// Lift is how the interval of the relative effect is made.
type Lift string

// The lifts.
const (
	LiftFieller Lift = "fieller" // Fieller's; also ""
	LiftLog     Lift = "log"     // delta method on the log of the ratio
	LiftDelta   Lift = "delta"   // delta method on the ratio itself
)

// Side is a direction of an effect.
type Side string

// The sides.
const (
	SideUp   Side = "up"
	SideDown Side = "down"
)

// Size of an effect: relative to the control mean (0.05 = 5 %), or absolute in
// the metric's unit. Never negative.
type Size struct {
	Value    float64 `json:"value"`
	Absolute bool    `json:"absolute,omitempty"`
}

// Design is everything about a comparison that is fixed before data.
type Design struct {
	Kind   Kind   `json:"kind"`
	Method Method `json:"method"`
	// Reason says why this method.
	Reason string `json:"reason"`
	// Harm is the direction that hurts. In a ledger it is "" for a metric that does
	// not say: evidence of harm is then that of an increase, and concludes nothing.
	Harm Side `json:"harm"`
	// Margin is the harm that is tolerated, MDE the smallest effect of interest.
	Margin Size `json:"margin"`
	MDE    Size `json:"mde"`
	// Alpha is this comparison's share of the family's error, in (0,1).
	Alpha float64 `json:"alpha"`
	// Planned is the number of units expected in the two arms together by the end;
	// 0 = unknown.
	Planned float64 `json:"planned"`
	// Share is the planned probability, in (0,1), that a unit of the two arms is
	// in treatment; 0 = that of the first epoch.
	Share float64 `json:"share,omitempty"`
	Scale Scale   `json:"scale,omitempty"`
	Lift  Lift    `json:"lift,omitempty"`
	// Covariate asks to adjust for the covariate, where every epoch has it.
	Covariate bool `json:"covariate,omitempty"`
	// BaseRate is the expected value in control; 0 = not declared.
	BaseRate float64 `json:"baseRate,omitempty"`
	// MinUnits is the least number of units per arm for MethodMixture.
	MinUnits int64 `json:"minUnits"`
	// Prior is for the posterior at one look only, which decides nothing.
	Prior Prior `json:"prior,omitzero"`
}

// Status says whether a comparison has an answer.
type Status string

// The statuses. Every one but StatusOK means "cannot say".
const (
	StatusOK          Status = "ok"
	StatusNoUnits     Status = "no_units"     // an arm is empty in every epoch
	StatusTooFew      Status = "too_few"      // fewer units in an arm than MinUnits
	StatusNoVariance  Status = "no_variance"  // nothing varies in either arm and the arms agree
	StatusUnweighed   Status = "unweighed"    // nothing varies in either arm, and the arms differ
	StatusNoEvents    Status = "no_events"    // no unit of either arm has any event yet
	StatusNoBase      Status = "no_base"      // a denominator is zero
	StatusSkewed      Status = "skewed"       // arms too unequal for values this skewed
	StatusNotFinite   Status = "not_finite"   // the moments overflow
	StatusBadQuestion Status = "bad_question" // the design contradicts itself
)

// ArmValue is one arm's value, standardised over epochs.
type ArmValue struct {
	N     int64   `json:"n"`
	Any   int64   `json:"any"`
	Value float64 `json:"value"` // mean, share or ratio of means
	SE    float64 `json:"se"`    // standard error of Value, 0 where unknown
}

// Comparison of a treatment with control on one metric. Where Status is not ok
// the intervals are open, the p-values 1 and the log e-values 0.
type Comparison struct {
	Status Status `json:"status"`
	// Design as it was used: Method is the exact one after a fallback.
	Design Design `json:"design"`
	// Note explains a Status other than ok, a change of method or epochs left out.
	Note      string   `json:"note,omitempty"`
	Control   ArmValue `json:"control"`
	Treatment ArmValue `json:"treatment"`

	// Absolute is treatment - control; Relative is that over the magnitude of
	// control (0.05 = 5 %), so that both have one sign. Both intervals are
	// two-sided confidence sequences at level 1 - Design.Alpha.
	//
	// For the exact method values are shares of units with any, Relative is the
	// ratio of the two shares less 1, and AbsoluteInterval is the normal one, for
	// display. RelativeInterval is exact for the rate ratio given the declared
	// split; its centre is the peak of the likelihood, which is not Relative where
	// the arms' sizes differ from the split by chance or the ratio differs
	// between epochs. Where they differ far, Relative may lie outside of it.
	Absolute         float64  `json:"absolute"`
	AbsoluteInterval Interval `json:"absoluteInterval"`
	Relative         Optional `json:"relative,omitzero"` // unknown: control is zero
	RelativeInterval Interval `json:"relativeInterval"`
	// LogETwoSided is the log e-value against "no difference", PTwoSided is
	// min(1, 1/E), for the delayed start its own: valid at any look, and at most
	// Design.Alpha where the interval leaves out zero.
	LogETwoSided float64 `json:"logETwoSided"`
	PTwoSided    float64 `json:"pTwoSided"`

	// Excess is the harm beyond the margin, in the metric's unit, positive =
	// worse than tolerated; ExcessBound and ExcessUpper are its confidence bounds,
	// each one-sided at Design.Alpha.
	// For the exact methods they are log rate ratios over the margin, from -745
	// (the rate ratio is zero) to 745; Excess is that of the peak of the likelihood given
	// the declared split, as ExcessBound and Harmed are, not that of Relative.
	// Harmed is ExcessBound > 0.
	Excess      float64 `json:"excess"`
	ExcessBound float64 `json:"excessBound"`
	ExcessUpper float64 `json:"excessUpper"`
	// Z is the excess in standard errors, taken to the normal scale; harm is
	// established where it reaches Critical at this look. For the exact methods
	// they are those of the tail probabilities. Unknown where a method has none:
	// an e-process without a normal scale, a look at which no error is spent.
	Z        Optional `json:"z,omitzero"`
	Critical Optional `json:"critical,omitzero"`
	// Info is the number of units that count, at the planned split; 0 for the
	// exact methods.
	Info float64 `json:"info,omitempty"`
	// MDEz is the smallest effect of interest in standard errors of the excess;
	// unknown where none is declared, and for the exact methods.
	MDEz Optional `json:"mdeZ,omitzero"`
	// Reach is the chance that the favourable verdict is reached at the planned
	// end, if the truth is as favourable as the data still allow: of a guardrail
	// that it is within its margin, of a goal that it is better; see Outlook and
	// Gain.
	Reach Optional `json:"reach,omitzero"`
	// Theta is the slope on the covariate, and Kept the share of the variance of
	// the difference that adjusting for it leaves; unknown without a covariate.
	Theta Optional `json:"theta,omitzero"`
	Kept  Optional `json:"kept,omitzero"`
	// Skew is the skewness of the excess, which the test takes off where it would
	// feign an effect; unknown where the moments do not tell it.
	Skew Optional `json:"skew,omitzero"`
	// Look is what this look spent, for the methods that spend.
	Look Look `json:"look,omitzero"`
	// LogE is the log e-value against "harm is within the margin"; harm is
	// established when it reaches Bound = ln(1/alpha).
	LogE   float64 `json:"logE"`
	Bound  float64 `json:"bound"`
	P      float64 `json:"p"` // min(1, 1/E)
	Harmed bool    `json:"harmed"`
	// LogEWithin is the log e-value against "harm is at least the margin" (with
	// margin 0: against "not better").
	LogEWithin  float64 `json:"logEWithin"`
	NonInferior bool    `json:"nonInferior"` // LogEWithin >= Bound
	PWithin     float64 `json:"pWithin"`
	// Miss is an upper bound on the chance that a harm of size MDE beyond the
	// margin would not be established with the data of this look, in [0,1];
	// unknown where it cannot be said. For the exact method it takes the control
	// events of this look as given (where there is none, those expected at the
	// base rate; none, where the harm is absolute) and those of treatment as Poisson around what they would be
	// under the harm, whatever they are. For the methods that spend their error
	// Outlook replaces it by that of all looks so far.
	Miss Optional `json:"miss,omitzero"`
}

// OneLook is what ordinary methods say at one look. They are not safe under
// peeking: whoever acts on them at the look of his choice is wrong more often
// than they say. They decide nothing.
type OneLook struct {
	Interval Interval `json:"interval"` // Welch's, of treatment - control at level 1 - Design.Alpha
	// Relative is that of the relative effect at the same level, by Design.Lift;
	// open where control may be zero, nothing in what was kept before there was one.
	Relative Interval `json:"relative,omitzero"`
	P        Optional `json:"p,omitzero"`
	// Posterior is of the same data under Design.Prior.
	Posterior Posterior `json:"posterior,omitzero"`
}

// SampleRatio is the sample-ratio check of one group of counts.
type SampleRatio struct {
	Status Status `json:"status"`
	// Note explains a Status other than ok, or names an arm that must be empty
	// and is not.
	Note     string    `json:"note,omitempty"`
	Counts   []int64   `json:"counts"`
	Expected []float64 `json:"expected"` // shares, sum 1
	// LogE is the log e-value of the Dirichlet-multinomial, valid at any look; the
	// greatest float where the mismatch is certain. Corrected is that after
	// correction over several slices; nil where there was none.
	LogE      float64  `json:"logE"`
	Corrected *float64 `json:"corrected,omitempty"`
	Bound     float64  `json:"bound"` // ln(1/alpha)
	// Deviation is how far an arm's share of the units is from the expected one,
	// for the arm that is off most, in [0,1]; over epochs the mean by units, but no
	// less than in any one that is detected by itself. Floor is the least that
	// fails.
	Deviation float64  `json:"deviation"`
	Floor     float64  `json:"floor"`
	Detected  bool     `json:"detected"` // LogE, or Corrected, >= Bound
	Failed    bool     `json:"failed"`   // Detected, and Deviation >= Floor
	ChiP      *float64 `json:"chiP,omitempty"`
	ChiStat   float64  `json:"chiStat"`
}
