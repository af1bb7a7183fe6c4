package queries

import (
	"fmt"
	"strings"
	"time"
)

// What follows writes SQL that mends the user's: all three engines know * REPLACE.

// Clock is how a column that should be a time is read.
type Clock string

// The clocks. ClockNumber reads a number as seconds, milliseconds, microseconds or
// nanoseconds since 1970, whichever gives a date of our age; ClockScaled does so
// with a time that was made of such a number by the wrong measure; ClockText reads
// a text.
const (
	ClockTime   Clock = ""
	ClockNumber Clock = "number"
	ClockScaled Clock = "scaled"
	ClockText   Clock = "text"
)

// read is a column by a clock, in microseconds since 1970 UTC.
func (c Clock) read(d Dialect, column, zone string) string {
	switch c {
	case ClockNumber:
		return d.ofOurAge("CAST(" + column + " AS " + d.Integer + ")")
	case ClockScaled:
		return d.ofOurAge(d.micros(column, zone))
	case ClockText:
		return d.micros("CAST("+column+" AS TIMESTAMP)", "")
	case ClockTime:
	}
	return d.micros(column, zone)
}

// ofOurAge reads a number in whatever measure makes it an instant between 1973
// and 5138.
func (d Dialect) ofOurAge(x string) string {
	return fmt.Sprintf("CAST(CASE WHEN ABS(%[1]s) < 100000000000 THEN %[1]s * 1000000 WHEN ABS(%[1]s) < 100000000000000 THEN %[1]s * 1000"+
		" WHEN ABS(%[1]s) < 100000000000000000 THEN %[1]s ELSE FLOOR(%[1]s / 1000) END AS %s)", x, d.Integer)
}

// earliest is before all data.
var earliest = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)

// Unbounded is a query whose bounds leave nothing out.
func (d Dialect) Unbounded(sql string) string {
	first := d.instant(earliest)
	return placeholder.ReplaceAllStringFunc(sql, func(m string) string {
		switch placeholder.FindStringSubmatch(m)[1] {
		case "start":
			return first
		case "end":
			return d.Farthest
		}
		return m
	})
}

// Wrapped is a query whose column is another expression.
func (d Dialect) Wrapped(sql, column, expression string) string {
	return fmt.Sprintf("SELECT * REPLACE (%s AS %s)\nFROM (\n%s\n) AS unmended", expression, d.ident(column), inner(sql))
}

// Renamed is a query whose column has another name.
func (d Dialect) Renamed(sql, column, name string) string {
	return fmt.Sprintf("SELECT * %s (%s), %[2]s AS %s\nFROM (\n%s\n) AS unmended", d.Except, d.ident(column), d.ident(name), inner(sql))
}

// Linking is a query of pairs made of an assignment query: an expression on it
// and its identifier.
func (d Dialect) Linking(sql, expression, name, identifier string) string {
	return fmt.Sprintf("SELECT DISTINCT %s AS %s, %s\nFROM (\n%s\n) AS unmended", expression, d.ident(name), d.ident(identifier), inner(sql))
}

// Ident is a column name as the engine wants it.
func (d Dialect) Ident(name string) string { return d.ident(name) }

// TextOf is a column as a text.
func (d Dialect) TextOf(name string) string { return cast(d.ident(name), d.Text) }

// Timed is a column, read by a clock, as a time.
func (d Dialect) Timed(name string, c Clock) string {
	return fmt.Sprintf(d.FromMicros, c.read(d, d.ident(name), ""))
}

// Shifted is a time column so much later.
func (d Dialect) Shifted(name string, by time.Duration) string {
	return fmt.Sprintf(d.FromMicros, d.micros(d.ident(name), "")+plus(by))
}

// inner is a query inside another: without its last semicolon, indented.
func inner(sql string) string {
	sql = strings.TrimRight(strings.TrimSpace(sql), "; \t\r\n")
	return "  " + strings.ReplaceAll(sql, "\n", "\n  ")
}
