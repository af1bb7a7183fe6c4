package queries

import (
	"fmt"
	"strings"

	"assay/spec"
)

// aggregate puts the facts of a unit together.
type aggregate struct {
	name string // in names of columns
	sql  string // filled with the input
	typ  func(d Dialect) string
	// numbers: a value that is no number of usable size counts as none.
	numbers bool
	// merge makes that of two sets of facts from those of each, filled with the
	// column; "" = that cannot be done.
	merge string
}

func floats(d Dialect) string   { return d.Float }
func texts(d Dialect) string    { return d.Text }
func integers(d Dialect) string { return d.Integer }

// The aggregates. Distinct values are compared as text: classes of facts whose
// values have several types share a column.
var (
	sum        = aggregate{"sum", "SUM(%s)", floats, true, "SUM(%s)"}
	average    = aggregate{"avg", "AVG(%s)", floats, true, "of its sum and number"}
	greatest   = aggregate{"max", "MAX(%s)", floats, true, "MAX(%s)"}
	distinct   = aggregate{"distinct", "COUNT(DISTINCT %s)", texts, false, ""}
	activeDays = aggregate{"days", "COUNT(DISTINCT %s)", integers, false, ""}
	daySpan    = aggregate{"span", "MAX(%s)", integers, false, ""}
)

// aggregates are those that a spec can name.
var aggregates = map[string]aggregate{"count": sum, "sum": sum, "mean": average, "max": greatest, "distinct": distinct}

// shelved are the aggregates in the order of their columns.
var shelved = []aggregate{sum, average, greatest, distinct}

// of writes the aggregate of an input.
func (a aggregate) of(d Dialect, in string) string {
	text := fmt.Sprintf(a.sql, in)
	if strings.HasPrefix(text, "COUNT(") {
		// As others, it is NULL where there is nothing; averages of whole numbers are
		// none.
		return cast("NULLIF("+text+", 0)", d.Float)
	}
	return text
}

// dayMicros is a day as the statements count it: 24 hours.
const dayMicros = 86_400_000_000

// opening is when a unit's window opens.
func opening(m *measure) string {
	opens := "u.assay_anchor" + plus(m.opens)
	if m.since.IsZero() {
		return opens
	}
	return fmt.Sprintf("CASE WHEN %[1]s < %[2]s THEN %[2]s ELSE %[1]s END", opens, moment(m.since))
}

// activeDay is the beginning of a fact's day since its unit's window opened. It
// is not divided: what an engine makes of a quotient of integers differs.
func activeDay(m *measure) string {
	since := fmt.Sprintf("(f.assay_at - (%s))", opening(m))
	return fmt.Sprintf("%[1]s - MOD(%[1]s, %[2]d)", since, dayMicros)
}

// openDays is the number of days, the last one begun, in which a unit's window
// has been open.
func openDays(m *measure) string {
	open := fmt.Sprintf("%s - (%s)", moment(m.limit), opening(m))
	if m.closes > 0 {
		open = fmt.Sprintf("CASE WHEN u.assay_anchor%s < %s THEN %d ELSE %s END",
			plus(m.closes), moment(m.limit), (m.closes - m.opens).Microseconds(), open)
	}
	up := fmt.Sprintf("((%s) + %d)", open, dayMicros-1)
	return fmt.Sprintf("(%[1]s - MOD(%[1]s, %[2]d)) / %[2]d", up, dayMicros)
}

// rule is the condition that a fact's text breaks a rule, or keeps it; "" for
// none.
func (d Dialect) rule(r *spec.Rule) string {
	if r == nil {
		return ""
	}
	text := cast(r.Text, d.Text)
	var keeps []string
	if r.MinLength > 0 {
		keeps = append(keeps, fmt.Sprintf("%s >= %d", fmt.Sprintf(d.Length, text), r.MinLength))
	}
	if r.MaxLength > 0 {
		keeps = append(keeps, fmt.Sprintf("%s <= %d", fmt.Sprintf(d.Length, text), r.MaxLength))
	}
	if r.JSON {
		keeps = append(keeps, fmt.Sprintf(d.ValidJSON, text))
	}
	if r.Matches != "" {
		keeps = append(keeps, fmt.Sprintf(d.Found, text, d.text(r.Matches)))
	}
	if r.Lacks != "" {
		keeps = append(keeps, "NOT "+fmt.Sprintf(d.Found, text, d.text(r.Lacks)))
	}
	kept := strings.Join(keeps, " AND ")
	if r.Counts == spec.RuleKept {
		return kept
	}
	// A text that is NULL keeps nothing.
	return "CASE WHEN " + kept + " THEN 0 ELSE 1 END = 1"
}
