package report

import (
	"fmt"
	"html/template"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"assay/decide"
	"assay/ledger"
	"assay/stats"
)

// dash stands where there is nothing to show.
const dash = "–"

// numbers is a way of writing numbers down.
type numbers struct {
	gap     string // between a number and its unit
	percent string // after a share times 100
	minus   string
	power   func(exponent int) string // 10 to the exponent
}

// web is for HTML: units that never break from their number, a real minus.
var web = numbers{gap: "\u202f", percent: "\u202f%", minus: "−", power: superscript}

// term is for terminals: what can be searched and pasted.
var term = numbers{gap: " ", percent: " %", minus: "-", power: caret}

func caret(exponent int) string { return "10^" + strconv.Itoa(exponent) }

func superscript(exponent int) string {
	const digits = "⁰¹²³⁴⁵⁶⁷⁸⁹"
	raised := []rune(digits)
	var b strings.Builder
	b.WriteString("10")
	for _, c := range strconv.Itoa(exponent) {
		if c == '-' {
			b.WriteRune('⁻')
			continue
		}
		b.WriteRune(raised[c-'0'])
	}
	return b.String()
}

// count writes a whole number.
func (n numbers) count(x int64) string {
	return n.fixed(float64(x), 0)
}

// fixed writes x with that many decimals; a zero never has a sign.
func (n numbers) fixed(x float64, decimals int) string {
	if s, special := n.special(x); special {
		return s
	}
	s := strconv.FormatFloat(math.Abs(x), 'f', decimals, 64)
	whole, fraction, _ := strings.Cut(s, ".")
	whole = decide.Grouped(whole)
	if fraction != "" {
		whole += "." + fraction
	}
	if x < 0 && strings.ContainsAny(s, "123456789") {
		return n.minus + whole
	}
	return whole
}

// special writes what has no digits, and what has too many of them.
func (n numbers) special(x float64) (string, bool) {
	switch {
	case math.IsNaN(x):
		return dash, true
	case math.IsInf(x, 1):
		return "∞", true
	case math.IsInf(x, -1):
		return n.minus + "∞", true
	case math.Abs(x) >= 1e12 || x != 0 && math.Abs(x) < 1e-9:
		return n.scientific(x), true
	}
	return "", false
}

func (n numbers) scientific(x float64) string {
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(math.Abs(x), 'e', 1, 64), "e")
	power, err := strconv.Atoi(exponent)
	if err != nil {
		return dash
	}
	sign := ""
	if x < 0 {
		sign = n.minus
	}
	return sign + mantissa + "×" + n.power(power)
}

// signed is fixed with a plus sign on what is greater than zero.
func (n numbers) signed(x float64, decimals int) string {
	s := n.fixed(x, decimals)
	if x > 0 && (math.IsInf(x, 1) || strings.ContainsAny(s, "123456789")) {
		return "+" + s
	}
	return s
}

// share writes a share (0.05 = 5 %) with that many decimals.
func (n numbers) share(x float64, decimals int) string {
	return n.fixed(100*x, decimals) + n.percent
}

// exactShare writes a share that a person chose, with no more decimals than it needs.
func (n numbers) exactShare(x float64) string {
	return n.general(100*x, 6) + n.percent
}

// fraction writes part of whole as a share, or a dash where whole is nothing.
func (n numbers) fraction(part, whole int64) string {
	if whole == 0 {
		return dash
	}
	x := float64(part) / float64(whole)
	decimals := 1
	if part > 0 && x < 0.01 {
		decimals = decimalsOf(100*x, 2, 4)
	}
	return n.share(x, decimals)
}

// zvalue writes a z-value; what rounds to zero is zero.
func (n numbers) zvalue(z float64) string {
	const least = 0.005
	if math.Abs(z) < least {
		z = 0
	}
	return n.fixed(z, 2)
}

// general writes x with at most that many significant digits and no trailing zeros.
func (n numbers) general(x float64, digits int) string {
	if s, special := n.special(x); special {
		return s
	}
	s := n.fixed(x, decimalsOf(x, digits, 9))
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// probability writes a probability with two significant digits.
func (n numbers) probability(p float64) string {
	switch {
	case p < 0.0001:
		return "< 0.0001"
	case p > 0.995:
		return "1"
	}
	return n.fixed(p, decimalsOf(p, 2, 5))
}

// pvalue writes "p = 0.01", "p < 0.0001".
func (n numbers) pvalue(p float64) string {
	s := n.probability(p)
	if strings.HasPrefix(s, "<") {
		return "p " + s
	}
	return "p = " + s
}

// certain is the log e-value beyond which a number says nothing any more.
const certain = 1e6

// chance writes a probability as a share; very small ones only as small.
func (n numbers) chance(p float64) string {
	if p < 0.001 {
		return n.share(0.001, 1)
	}
	return n.share(p, 1)
}

// likelihood writes a chance that may be near 0 or 1 and is neither.
func (n numbers) likelihood(p float64) string {
	switch {
	case p < 0.001:
		return "< " + n.share(0.001, 1)
	case p > 0.999:
		return "> " + n.share(0.999, 1)
	}
	return n.share(p, 1)
}

// smallShare writes a share with two significant digits; very small ones only
// as small.
func (n numbers) smallShare(x float64) string {
	if x < 0.0001 {
		return "< " + n.share(0.0001, 2)
	}
	return n.general(100*x, 2) + n.percent
}

// evalue writes an e-value from its logarithm; large ones as a power of ten.
func (n numbers) evalue(logE float64) string {
	switch {
	case math.IsNaN(logE):
		return dash
	case logE > certain:
		return "∞"
	case logE < math.Log(0.001):
		return "< 0.001"
	case logE >= math.Log(1e6):
		return n.largeE(logE)
	}
	e := math.Exp(logE)
	return n.fixed(e, decimalsOf(e, 3, 3))
}

// largeE never leaves the logarithm, so that no evidence is too large to write.
func (n numbers) largeE(logE float64) string {
	log10 := logE / math.Ln10
	exponent := math.Floor(log10)
	mantissa := math.Round(10*math.Pow(10, log10-exponent)) / 10
	if mantissa >= 10 {
		mantissa, exponent = 1, exponent+1
	}
	if exponent >= 100 {
		return "≈ " + n.power(int(exponent))
	}
	return n.fixed(mantissa, 1) + "×" + n.power(int(exponent))
}

// evidence writes "E = 60.2, needed 200".
func (n numbers) evidence(logE, bound float64) string {
	e := n.evalue(logE)
	if !strings.HasPrefix(e, "<") && !strings.HasPrefix(e, "≈") {
		e = "= " + e
	}
	return "E " + e + ", needed " + n.needed(bound)
}

// proof writes the evidence of harm in the measure that its method judges by.
func (n numbers) proof(v *ledger.Versus) string {
	got, needed, z, ok := v.Proof()
	switch {
	case !z:
		return n.evidence(got, needed)
	case ok:
		return "z = " + n.zvalue(got) + ", needed " + n.fixed(needed, 2)
	case v.Z.Known:
		return "z = " + n.zvalue(got) + ", no bound at this look"
	default:
		return "no bound at this look"
	}
}

// needed writes the e-value at which a bound is reached: 1/alpha.
func (n numbers) needed(bound float64) string {
	if bound >= math.Log(1e6) {
		return n.largeE(bound)
	}
	return n.general(math.Exp(bound), 4)
}

// decimalsOf is the number of decimals at which x shows that many significant
// digits, at most most.
func decimalsOf(x float64, digits, most int) int {
	x = math.Abs(x)
	if x == 0 || math.IsInf(x, 0) || math.IsNaN(x) {
		return min(max(digits-1, 0), most)
	}
	return min(max(digits-1-int(math.Floor(math.Log10(x))), 0), most)
}

// quantity is how the values of one comparison are written, all with the same
// number of decimals: two significant digits of about three standard errors.
type quantity struct {
	numbers
	factor   float64 // 100 for shares
	after    string  // what follows a value
	step     string  // what follows a difference
	decimals int
}

// counted tells whether a metric is a share of units: so many of so many.
func counted(m *ledger.MetricResult) bool { return m.Kind == "proportion" || m.Kind == "retention" }

func quantityOf(n numbers, m *ledger.MetricResult, c *stats.Comparison) quantity {
	q := quantity{numbers: n, factor: 1}
	if unit := shorten(clean(m.Unit), 12); unit != "" {
		q.after = n.gap + unit
	}
	if counted(m) || m.Kind == "daily_participation" {
		q.factor, q.after = 100, n.percent
		q.step = n.gap + "pp"
	} else {
		q.step = q.after
	}
	q.decimals = decimalsOf(q.factor*uncertainty(c), 2, 6)
	return q
}

// uncertainty is the scale on which the values of a comparison are known.
func uncertainty(c *stats.Comparison) float64 {
	se := math.Max(c.Control.SE, c.Treatment.SE)
	if se > 0 && !math.IsInf(se, 0) {
		return 3 * se
	}
	largest := math.Max(math.Abs(c.Control.Value), math.Abs(c.Treatment.Value))
	return largest / 10
}

// value writes one arm's value.
func (q quantity) value(x float64) string {
	s := q.fixed(q.factor*x, q.decimals)
	if s == dash {
		return s
	}
	return s + q.after
}

// difference writes a signed difference.
func (q quantity) difference(x float64) string {
	return q.signed(q.factor*x, q.decimals) + q.step
}

// tick writes a mark of an axis of differences.
func (q quantity) tick(x float64) string {
	s := q.general(q.factor*x, 3) + q.step
	if x > 0 {
		return "+" + s
	}
	return s
}

// interval writes the ends of an interval of differences.
func (q quantity) interval(i stats.Interval) string {
	if !bounded(i) {
		return "no interval"
	}
	return q.signed(q.factor*i.Lower, q.decimals) + " to " + q.signed(q.factor*i.Upper, q.decimals) + q.step
}

// amount writes a distance with two significant digits; a very small one only
// as small.
func (q quantity) amount(x float64) string {
	if q.factor*x < 1e-9 {
		return "< " + q.power(-9) + q.step
	}
	return q.general(q.factor*x, 2) + q.step
}

// size writes a margin or mde.
func (q quantity) size(s stats.Size) string {
	if !s.Absolute {
		return q.exactShare(s.Value)
	}
	return q.general(q.factor*s.Value, 6) + q.step
}

// relative writes a relative effect (0.05 = +5 %).
func (n numbers) relative(x float64) string {
	return n.signed(100*x, relativeDecimals(x)) + n.percent
}

// relativeInterval writes the ends of an interval of relative effects.
func (n numbers) relativeInterval(i stats.Interval) string {
	if !bounded(i) {
		return "no interval"
	}
	return n.relativeEnd(i.Lower) + " to " + n.relativeEnd(i.Upper)
}

func (n numbers) relativeEnd(x float64) string {
	if math.IsInf(x, 0) {
		return n.signed(x, 0)
	}
	return n.relative(x)
}

// relativeTick writes a mark of an axis of relative effects.
func (n numbers) relativeTick(x float64) string {
	s := n.general(100*x, 3) + n.percent
	if x > 0 {
		return "+" + s
	}
	return s
}

func relativeDecimals(x float64) int {
	switch x = math.Abs(x); {
	case x >= 10:
		return 0
	case x > 0 && x < 0.01:
		return 2
	}
	return 1
}

// instant writes a moment in UTC, its seconds only where it has any.
func instant(t time.Time) string {
	if t.IsZero() {
		return dash
	}
	t = t.UTC()
	if t.Second() != 0 {
		return t.Format("2006-01-02 15:04:05") + " UTC"
	}
	return t.Format("2006-01-02 15:04") + " UTC"
}

// day writes the date of a moment in UTC.
func day(t time.Time) string {
	if t.IsZero() {
		return dash
	}
	return t.UTC().Format(time.DateOnly)
}

// unit is where a line must not break: between a number and what it counts.
var unit = regexp.MustCompile(`(\d) (%|(?:d|h|min|s)\b)`)

// spaced puts a space between the numbers and the units of a duration as a spec
// has it: 1d becomes 1 d.
func spaced(s string) string { return glued.ReplaceAllString(s, "$1\u202f$2") }

var glued = regexp.MustCompile(`(\d)([a-zµ])`)

// unbroken is a text in which no date and no short identifier breaks at its hyphens.
func unbroken(s string) template.HTML {
	text := hyphened.ReplaceAllStringFunc(template.HTMLEscapeString(s), func(word string) string {
		const most = 24 // What is longer may not fit a line.
		if len(word) > most {
			return word
		}
		return `<span class="moment">` + word + `</span>`
	})
	return template.HTML(text) //nolint:gosec // It is escaped above, and no entity has a hyphen.
}

var hyphened = regexp.MustCompile(`[0-9A-Za-z_]+(?:-[0-9][0-9A-Za-z_:]*)+`)

// measure is a statistic before its value.
var measure = regexp.MustCompile(`\b([zEp]) ([=<≈]) `)

// prose is a text from a decision as the page has it: numbers keep their units.
func prose(s string) string {
	text := measure.ReplaceAllString(message(s), "$1\u00a0$2\u00a0")
	return minus.ReplaceAllString(unit.ReplaceAllString(text, "$1\u202f$2"), "$1−$2")
}

// minus is one before a number: dates and ranges have none after a blank.
var minus = regexp.MustCompile(`(^|[ (])-(\d)`)

// length writes a length of time in its two largest units.
func length(d time.Duration) string {
	d = d.Abs().Round(time.Second)
	days, hours := int(d.Hours())/24, int(d.Hours())%24
	minutes, seconds := int(d.Minutes())%60, int(d.Seconds())%60
	switch {
	case days > 0:
		return pair(days, "d", hours, "h")
	case hours > 0:
		return pair(hours, "h", minutes, "min")
	case minutes > 0:
		return pair(minutes, "min", seconds, "s")
	}
	return fmt.Sprintf("%d s", seconds)
}

func pair(a int, unit string, b int, smaller string) string {
	if b == 0 {
		return fmt.Sprintf("%d %s", a, unit)
	}
	return fmt.Sprintf("%d %s %d %s", a, unit, b, smaller)
}

// age says how long before as-of a row is.
func age(t *time.Time, asOf time.Time) string {
	if t == nil || t.IsZero() {
		return "none"
	}
	if t.After(asOf) {
		return length(t.Sub(asOf)) + " after as-of"
	}
	return length(asOf.Sub(*t)) + " before as-of"
}

// noun is the word for what an identifier names, in the plural: user_id gives
// users.
func noun(identifier string) string {
	word, found := strings.CutSuffix(clean(identifier), "_id")
	irregular := strings.HasSuffix(word, "y") || strings.HasSuffix(word, "s")
	if !found || word == "" || len(word) > 20 || irregular || strings.ContainsFunc(word, notLetter) {
		return "units"
	}
	return word + "s"
}

func notLetter(r rune) bool { return r < 'a' || r > 'z' }
