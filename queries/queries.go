// Package queries renders a spec as the SQL of one look.
//
// In: a project, one of its experiments, a Look and a Dialect. Out: a Script of
// statements, and the layout that says which column holds which metric. The
// statements come from the templates in sql/, which are the same for every
// engine; what differs is a Dialect. Nothing here knows a driver.
//
// All times inside the statements are microseconds since 1970 UTC, so that
// windows are plain sums and no engine's interval arithmetic is trusted.
package queries

import "time"

// Look is what a rendering depends on beside the spec.
type Look struct {
	AsOf   time.Time
	Epochs []Epoch // by start; at least one
	// Skewed tells that arms differ in size by intent. Third moments are then
	// brought along; between equal arms the skewness of a value cancels.
	Skewed bool
	// State is that of earlier looks; nil = all is scanned, and nothing left.
	State *State
}

// Epoch is a span with constant weights. Units first exposed in [Start,
// Settled) are left out of the effects.
type Epoch struct{ Start, Settled time.Time }

// Statement is one SQL statement.
type Statement struct {
	Name    string // short and unique in the script: "units", "facts of responses"
	Purpose string // why it runs, one line
	SQL     string
	Texts   []Text // where queries of the spec stand in it

	makes string // the temporary table that it makes; "" = none
	body  int    // where its query begins

	expressions []expression // of metrics, that stand in it wherever they are needed
}

// Script is everything a look may run, in order. Units, Links and Activation create
// temporary tables that the others read, so they share one session.
type Script struct {
	Units      Statement   // creates the table of exposed units: one row per unit
	Merge      []Statement // with a state: Units creates the recent ones and, after Leave.Units, these all of them
	Links      []Link
	Activation *Facts    // makes the unit table of the exposed ones; nil without an activation metric
	Sliced     *Sliced   // adds the slices to the unit table; nil without any
	Summary    Statement // counts per stratum
	Hours      Statement // first exposures per hour and arm
	Unknown    Statement // names of undeclared variations; run where there are any
	Strays     Statement // exposures that fit no stratum; run where there are any
	Changes    []string  // columns of Strays, one for every epoch but the first
	Dimensions []Dimension
	Slices     []Slice
	Days       *Days // counts units by day since exposure; nil where none are asked for
	Facts      []Facts
	Ratios     []Across
	Leave      *Leave // writes the state; nil without one

	arms int
}

// Link resolves one join source.
type Link struct {
	Join   string
	Create Statement
	Health Statement
}

// DimensionValues is how many values of a dimension are counted at the most:
// those with most units.
const DimensionValues = 20

// Dimension counts units per value of a dimension.
type Dimension struct {
	Name string
	Statement
}

// Sliced adds the slices of units. They decide nothing: where that fails Without
// makes the same table with every unit in the rest.
type Sliced struct {
	Statement
	Without Statement
}

// Slice counts the units of each slice of a dimension. In the rows of a Facts
// statement Column is the slice that a row is about, SliceAll where it is about
// all of them; a row is about one slice of one dimension at the most.
type Slice struct {
	Dimension, Column string
	Statement
}

// Values of a slice's column.
const (
	SliceAll  = -1
	SliceRest = DimensionValues // all values that are not among the largest
)

// Facts is the one statement that scans a fact source for all its metrics, and
// those that are run beside it only where the source looks blind or stale. Its
// rows have assay_stratum and assay_class; units with any fact that counts for a
// metric, the newest such fact, the number of facts whose value is NaN, infinite
// or of a size of 1e80 and more and therefore none (not_finite), and the columns
// of the measures.
type Facts struct {
	Source  string
	Metrics []string // that read the source, those over two sources included
	// Keep makes the table that Statement reads; nil where that scans the source
	// itself. Ratios over two sources need one of each.
	Keep *Statement
	// Recent scans the newer facts, of which Statement makes all with what is kept of
	// the others; nil where all are scanned, which Whole gives the reason for where
	// there is a state.
	Recent *Statement
	Whole  string
	// Days: the rows of Statement have column assay_day.
	Days bool
	Statement
	Alignment Statement
	Shapes    Statement
	Measures  []Measure
}

// Across is the ratios whose numerators are of the first source and whose
// denominators are of the second. It runs after the statements of both.
type Across struct {
	Sources [2]string
	Statement
	Measures []Measure
}

// Measure says where a metric's numbers are in the rows of a Facts statement.
type Measure struct {
	Metric string
	Kind   string
	// Class is the value of column assay_class, Prefix that of its columns
	// (<prefix>_n, _any, _mean, _var and for ratios _den_mean, _den_var, _co).
	// On the log scale they are of ln(value) over the units with a positive one;
	// then there is no _any, and _off counts the units whose value is not positive.
	Class  int64
	Prefix string
	// Closed is the column of Summary that counts the units whose window has
	// closed; "" = the window never closes.
	Closed string
	// CompleteOnly: only units whose window has closed count.
	CompleteOnly bool
	// Zeros: units without a fact are exact zeros (not for kind mean, nor on the
	// log scale).
	Zeros bool
	// Log: the moments are those of the natural logarithm.
	Log bool
	// Covariate: columns <prefix>_pre_mean, _pre_var and _pre_value (covariance with
	// the value) are those of the covariate, over the units of _n; for ratios also
	// _pre_den_mean, _pre_den_var, _pre_co (of both parts of the covariate), and the
	// covariances _pre_den, _pre_of_value and _pre_of_den: of the covariate's
	// numerator with the denominator, of its denominator with either.
	Covariate bool
	// Quantile in (0,1) of kind quantile: columns <prefix>_at, _lower and _upper are
	// the quantile and its ends, _n the values. With Events values are facts, and
	// _n, _mean, _var, _den_mean, _den_var and _co are over units, of the facts at or
	// below the quantile and of all facts.
	Quantile float64
	Events   bool
	// Sliced: there are moments by slice as well. A quantile has none, since that of
	// a slice would rank its values anew, nor has a ratio over two sources.
	Sliced bool
	// DayFrom and DayUntil: there are moments of each day since exposure from one to
	// before the other as well; both are 0 where there are none.
	DayFrom, DayUntil int
	// Caps are the columns with the values of percentile caps, of a ratio one for
	// each part that has one. Where it is not positive nothing is capped.
	Caps []string
	// Cube: column <prefix>_cube is the mean of the cubed value over the units
	// that have one.
	Cube bool
}

// Share tells whether a unit counts or does not, once however many facts it has.
func (m Measure) Share() bool { return m.Kind == "proportion" || m.Kind == "retention" }

// Codes of column assay_stratum that stand for no stratum.
const (
	StratumMultiple = -1 // seen in several variations
	StratumUnknown  = -2 // in an undeclared variation
	StratumSettling = -3 // first exposed while a change was settling
	StratumNull     = -4 // exposures without an identifier

	// stratumInactive less a stratum stands for its units that were not activated.
	stratumInactive = -10
)

// ClassAll is the value of assay_class in rows that cover all facts of a unit.
const ClassAll = -1

// Stratum splits a code >= 0 of column assay_stratum into the position of its
// epoch in Look.Epochs and of its variation in the spec.
func (s *Script) Stratum(code int64) (epoch, arm int) {
	return int(code) / s.arms, int(code) % s.arms
}

// Measures lists where the numbers of all metrics are.
func (s *Script) Measures() []Measure {
	var all []Measure
	for _, f := range s.Facts {
		all = append(all, f.Measures...)
	}
	for _, a := range s.Ratios {
		all = append(all, a.Measures...)
	}
	return all
}

// Inactive tells whether a code stands for units that were not activated, and of
// which stratum.
func Inactive(code int64) (stratum int64, ok bool) {
	return stratumInactive - code, code <= stratumInactive
}

// All lists the statements in the order they may run.
func (s *Script) All() []Statement {
	all := []Statement{s.Units}
	if s.Leave != nil {
		all = append(append(all, s.Leave.Units...), s.Merge...)
	}
	for _, l := range s.Links {
		all = append(all, l.Create, l.Health)
	}
	if s.Activation != nil {
		all = append(all, s.Activation.Statement)
	}
	if s.Sliced != nil {
		all = append(all, s.Sliced.Statement)
	}
	all = append(all, s.Summary, s.Hours)
	for _, d := range s.Dimensions {
		all = append(all, d.Statement)
	}
	for _, slice := range s.Slices {
		all = append(all, slice.Statement)
	}
	if s.Days != nil {
		all = append(all, s.Days.Statement)
	}
	for _, f := range s.Facts {
		for _, before := range []*Statement{f.Recent, f.Keep} {
			if before != nil {
				all = append(all, *before)
			}
		}
		all = append(all, f.Statement)
	}
	for _, a := range s.Ratios {
		all = append(all, a.Statement)
	}
	return all
}

// Checks lists the statements that run only where All leaves a doubt.
func (s *Script) Checks() []Statement {
	checks := []Statement{s.Unknown, s.Strays}
	if a := s.Activation; a != nil {
		checks = append(checks, a.Alignment, a.Shapes)
	}
	for _, f := range s.Facts {
		checks = append(checks, f.Alignment, f.Shapes)
	}
	return checks
}
