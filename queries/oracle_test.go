package queries_test

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"

	"assay/connectors"
	"assay/queries"
	"assay/spec"
)

var (
	oneSeed = flag.Uint64("seed", 0, "run only the random world of this seed")
	worlds  = flag.Int("worlds", 600, "how many random worlds to run")
	update  = flag.Bool("update", false, "rewrite the golden files")
)

// unit is one row of the unit table as the oracle sees it.
type unit struct {
	key       string
	exposed   int64     // stratum as it was exposed
	code      int64     // the same, or that of a unit that was not activated
	first     time.Time // exposure
	anchor    time.Time // first exposure or activation
	newest    time.Time
	exposures int64
	low, high int64 // of its variations
	platform  string
	slices    [2]int64 // by platform and tier
}

// key is an identifier as it is compared; nil stays nil, and so does text that
// is no integer where integers are compared.
func key(raw *string, typ string) *string {
	if raw == nil || typ != "integer" {
		return raw
	}
	n, err := strconv.ParseInt(*raw, 10, 64)
	if err != nil {
		return nil
	}
	return ptr(strconv.FormatInt(n, 10))
}

func keyOf(raw *string, typ string) string {
	if k := key(raw, typ); k != nil {
		return *k
	}
	return ""
}

func (w *world) until() time.Time { return earlier(w.look.AsOf, w.e.End()) }

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// nobody is the key of exposures without one: they are kept apart by variation.
func nobody(arm int64) string { return fmt.Sprintf("\x00%d", arm) }

// units works out the unit table, by key.
func (w *world) units() map[string]*unit {
	out := map[string]*unit{}
	arms := map[string]map[int]bool{}
	for _, x := range w.exposures {
		if x.experiment != w.e.ExperimentID || x.at.Before(start) || !x.at.Before(w.until()) {
			continue
		}
		k := keyOf(x.id, w.idType)
		platform := ""
		if x.platform != nil {
			platform = *x.platform
		}
		arm := slices.IndexFunc(w.e.Variations, func(v spec.Variation) bool { return x.variation != nil && v.ID == *x.variation })
		order := int64(arm)
		if arm < 0 {
			order = int64(len(w.e.Variations))
		}
		if k == "" {
			k = nobody(order)
		}
		u := out[k]
		if u == nil {
			u = &unit{key: k, anchor: x.at, newest: x.at, platform: platform, low: order, high: order}
			out[k], arms[k] = u, map[int]bool{}
		}
		u.low, u.high = min(u.low, order), max(u.high, order)
		u.exposures++
		if x.at.Before(u.anchor) || x.at.Equal(u.anchor) && platform < u.platform {
			u.platform = platform
		}
		u.anchor = earlier(u.anchor, x.at)
		if x.at.After(u.newest) {
			u.newest = x.at
		}
		arms[k][arm] = true
	}
	for k, u := range out {
		u.exposed, u.first = w.stratum(k, u.anchor, arms[k]), u.anchor
		u.code = u.exposed
	}
	w.activated(out)
	for dim := range 2 {
		w.sliced(out, dim)
	}
	return out
}

// valueIn is what a unit has of a sliced dimension.
func (w *world) valueIn(u *unit, dim int) string {
	if dim == 0 {
		return u.platform
	}
	return w.traits[u.key]
}

// sliced numbers the values of a dimension by how many units have them.
func (w *world) sliced(units map[string]*unit, dim int) {
	count := map[string]int{}
	for _, u := range units {
		if u.code >= 0 {
			count[w.valueIn(u, dim)]++
		}
	}
	order := slices.SortedFunc(maps.Keys(count), func(a, b string) int {
		return cmp.Or(count[b]-count[a], strings.Compare(a, b))
	})
	for _, u := range units {
		u.slices[dim] = int64(slices.Index(order, w.valueIn(u, dim)))
	}
}

// part of the units: a stratum, or a slice of it.
type part struct {
	code  int64
	dim   int // -1 = all of the stratum
	slice int64
}

// parts are those that a unit is in.
func (u *unit) parts() []part {
	return []part{{u.code, -1, 0}, {u.code, 0, u.slices[0]}, {u.code, 1, u.slices[1]}}
}

// activated moves the anchors of the units that were activated, and marks the
// others.
func (w *world) activated(units map[string]*unit) {
	if w.activation == nil {
		return
	}
	source := w.activation.spec.Source
	byUnit := w.byUnit(source, w.p.Config.Facts[source].Key != "")
	for k, u := range units {
		if u.code < 0 {
			continue
		}
		facts := w.inside(*w.activation, u, byUnit[k])
		u.code = -10 - u.exposed
		for i, f := range facts {
			u.code = u.exposed
			if i == 0 || f.at.Before(u.anchor) {
				u.anchor = *f.at
			}
		}
	}
}

// stratum works out a unit's code.
func (w *world) stratum(k string, anchor time.Time, arms map[int]bool) int64 {
	switch {
	case strings.HasPrefix(k, nobody(0)[:1]):
		return queries.StratumNull
	case len(arms) > 1:
		return queries.StratumMultiple
	case arms[-1]:
		return queries.StratumUnknown
	}
	last := 0
	for i, e := range w.look.Epochs {
		if !anchor.Before(e.Start) && anchor.Before(e.Settled) {
			return queries.StratumSettling
		}
		if !anchor.Before(e.Start) {
			last = i
		}
	}
	for arm := range arms {
		last = last*len(w.e.Variations) + arm
	}
	return int64(last)
}

// owners works out the join: the owner of each conversation, and how many of
// them are ambiguous.
func (w *world) owners() (owner map[string]string, fanned int64) {
	owner = map[string]string{}
	when := map[string]time.Time{}
	several := map[string]map[string]bool{}
	timed := w.p.Config.Joins["own-er"].Timestamp
	for _, l := range w.links {
		to := key(l.to, w.idType)
		if l.from == nil || to == nil || timed && (l.at == nil || !l.at.Before(w.look.AsOf)) {
			continue
		}
		var at time.Time
		if timed {
			at = *l.at
		}
		if several[*l.from] == nil {
			several[*l.from] = map[string]bool{}
		}
		several[*l.from][*to] = true
		old, known := owner[*l.from]
		if !known || at.Before(when[*l.from]) || at.Equal(when[*l.from]) && w.less(*to, old) {
			owner[*l.from], when[*l.from] = *to, at
		}
	}
	for _, s := range several {
		if len(s) > 1 {
			fanned++
		}
	}
	return owner, fanned
}

// less orders identifiers as the warehouse does.
func (w *world) less(a, b string) bool {
	if w.idType == "integer" || w.idType == "" && !w.unitsText {
		x, _ := strconv.Atoi(a)
		y, _ := strconv.Atoi(b)
		return x < y
	}
	return a < b
}

// byUnit brings the facts of a source to the units, once if repeats count once.
func (w *world) byUnit(source string, keyed bool) map[string][]fact {
	owner, _ := w.owners()
	first := map[string]time.Time{}
	for _, f := range w.facts[source] {
		if f.key == nil || f.at == nil {
			continue
		}
		if at, ok := first[*f.key]; !ok || f.at.Before(at) {
			first[*f.key] = *f.at
		}
	}
	out := map[string][]fact{}
	done := map[string]bool{}
	for _, f := range w.facts[source] {
		if f.at == nil || keyed && f.key != nil && (!f.at.Equal(first[*f.key]) || done[*f.key]) {
			continue
		}
		k := keyOf(f.id, w.idType)
		if source == "joined" {
			k = ""
			if f.id != nil {
				k = owner[*f.id]
			}
		}
		if f.key != nil {
			done[*f.key] = true
		}
		if k != "" {
			out[k] = append(out[k], f)
		}
	}
	return out
}

// cell is what the oracle knows of a metric in one stratum: the values of each
// unit, and the largest sum of sizes that went into one.
type cell struct {
	rows     [][4]float64 // value, denominator, covariate, its denominator
	size     float64
	nonzero  int64
	excluded int64 // units without a value (kinds mean and max) or without a logarithm
	off      int64 // units with a value that is not positive (scale log)
	vague    bool  // rounding decides which logarithms there are

	events [][]float64 // kind quantile: the values of each unit that has one
}

// total is what one part of a metric comes to for one unit.
type total struct {
	value, size float64
	n           int // facts that have a value
}

// unitTotals are the parts of one unit, in the span of the metric and before.
type unitTotals struct {
	u    *unit
	part [4]total
}

// cells works out a metric by stratum.
func (w *world) cells(m metricOf, units map[string]*unit) map[part]*cell {
	var byUnit [2]map[string][]fact
	sources := m.spec.Sources()
	for i := range byUnit {
		source := sources[min(i, len(sources)-1)]
		byUnit[i] = w.byUnit(source, w.p.Config.Facts[source].Key != "")
	}
	out := map[part]*cell{}
	var all []unitTotals
	for k, u := range units {
		if u.code < 0 || !w.had(m, u) || m.spec.CompleteOnly && u.anchor.Add(m.spec.Delay.Duration+m.spec.Window.Duration).After(w.limit(m)) {
			continue
		}
		for _, p := range u.parts() {
			if out[p] == nil {
				out[p] = &cell{}
			}
			if m.spec.Kind == "quantile" {
				out[p].event(m, w.inside(m, u, byUnit[0][k]))
			}
		}
		if m.spec.Kind == "quantile" {
			continue
		}
		all = append(all, w.totals(m, u, [2][]fact{byUnit[0][k], byUnit[1][k]}))
	}
	w.cap4(m, all)
	for _, t := range all {
		for _, p := range t.u.parts() {
			out[p].add(m, t)
		}
	}
	return out
}

// limit is where the facts of a metric stop to count.
func (w *world) limit(m metricOf) time.Time {
	if m.spec.PastEnd {
		return w.look.AsOf
	}
	return w.until()
}

// inside are the facts of a unit that count.
func (w *world) inside(m metricOf, u *unit, facts []fact) []fact {
	opens := u.anchor.Add(m.spec.Delay.Duration)
	limit := w.limit(m)
	if m.spec.Window.Duration > 0 {
		limit = earlier(limit, opens.Add(m.spec.Window.Duration))
	}
	if l := m.spec.Lookback.Duration; l > 0 && opens.Before(w.limit(m).Add(-l)) {
		opens = w.limit(m).Add(-l)
	}
	if m.day != nil {
		limit = earlier(limit, u.anchor.Add(time.Duration(*m.day+1)*day))
		if begins := u.anchor.Add(time.Duration(*m.day) * day); begins.After(opens) {
			opens = begins
		}
	}
	return between(m, facts, opens, limit)
}

// before are those that make the covariate.
func (w *world) before(m metricOf, u *unit, facts []fact) []fact {
	until := u.first.Add(min(0, m.spec.Delay.Duration))
	return between(m, facts, until.Add(-m.spec.Covariate.Duration), until)
}

func between(m metricOf, facts []fact, from, to time.Time) []fact {
	var out []fact
	for _, f := range facts {
		if !f.at.Before(from) && f.at.Before(to) && m.counts(f) {
			out = append(out, f)
		}
	}
	return out
}

func (w *world) totals(m metricOf, u *unit, facts [2][]fact) unitTotals {
	t := unitTotals{u: u}
	spans := [][2][]fact{{w.inside(m, u, facts[0]), w.inside(m, u, facts[1])}}
	if m.spec.Covariate.Duration > 0 {
		spans = append(spans, [2][]fact{w.before(m, u, facts[0]), w.before(m, u, facts[1])})
	}
	for i, both := range spans {
		span := both[0]
		switch m.spec.Kind {
		case "ratio":
			t.part[2*i] = aggregated("sum", span, m.numerator, m.above.ok)
			t.part[2*i+1] = aggregated("sum", both[1], m.denominatorValues, m.below.ok)
		case "daily_participation":
			t.part[0] = w.participation(m, u, span)
		case "proportion", "retention":
			t.part[2*i] = met(m, span)
		case "mean", "max", "distinct":
			t.part[2*i] = aggregated(m.spec.Kind, span, m.value, anyFact)
		default:
			t.part[2*i] = aggregated("sum", span, m.value, anyFact)
		}
	}
	return t
}

// aggregated puts the facts together that pass.
func aggregated(of string, facts []fact, v valueOf, pass func(fact) bool) total {
	var t total
	seen := map[string]bool{}
	greatest := math.Inf(-1)
	for _, f := range facts {
		value := v.of
		if !pass(f) || value(f) == nil {
			continue
		}
		x := *value(f)
		seen[strconv.FormatFloat(x, 'g', -1, 64)] = true
		if !usable(x) {
			continue
		}
		t.value, t.size, t.n = t.value+x, t.size+math.Abs(x), t.n+1
		greatest = max(greatest, x)
	}
	switch {
	case of == "distinct":
		return total{float64(len(seen)), float64(len(seen)), len(seen)}
	case t.n == 0:
		return total{}
	case of == "mean":
		t.value, t.size = t.value/float64(t.n), t.size/float64(t.n)
	case of == "max":
		t.value, t.size = greatest, math.Abs(greatest)
	}
	return t
}

// met is 1 where what a unit's facts come to meets the condition.
func met(m metricOf, facts []fact) total {
	over := len(facts) > 0
	if t := m.spec.Total; t != nil {
		got := aggregated(t.Of, facts, m.value, anyFact)
		over = got.n > 0 && (t.Over != nil && got.value > *t.Over || t.AtLeast != nil && got.value >= *t.AtLeast)
	}
	if over {
		return total{1, 1, 1}
	}
	return total{size: 1}
}

// participation is the share of days with a fact, counted from where the window
// opens.
func (w *world) participation(m metricOf, u *unit, facts []fact) total {
	opens, limit := u.anchor.Add(m.spec.Delay.Duration), w.limit(m)
	if l := m.spec.Lookback.Duration; l > 0 && opens.Before(limit.Add(-l)) {
		opens = limit.Add(-l)
	}
	if c := u.anchor.Add(m.spec.Delay.Duration + m.spec.Window.Duration); m.spec.Window.Duration > 0 {
		limit = earlier(limit, c)
	}
	days := map[int64]bool{}
	for _, f := range facts {
		days[int64(f.at.Sub(opens)/day)] = true
	}
	if len(days) == 0 {
		return total{}
	}
	return total{float64(len(days)) / math.Ceil(float64(limit.Sub(opens))/float64(day)), 1, 1}
}

// cap4 caps what units come to: the value and the covariate alike, each at its
// own percentile.
func (w *world) cap4(m metricOf, all []unitTotals) {
	caps := [2]*spec.Cap{m.spec.Cap, nil}
	if m.spec.Kind == "ratio" {
		caps = [2]*spec.Cap{m.spec.Numerator.Cap, m.spec.Denominator.Cap}
	}
	for i := range 4 {
		c := caps[i%2]
		if c == nil {
			continue
		}
		at := 0.0
		if c.At != nil {
			at = *c.At
		} else {
			at = percentile(all, i, c.Percentile, m.zeros())
		}
		for k := range all {
			if p := &all[k].part[i]; at > 0 && p.value > at {
				p.value = at
			}
		}
	}
}

// zeros tells whether units without a fact are zeros.
func (m metricOf) zeros() bool {
	return m.spec.Kind != "mean" && m.spec.Kind != "max" && m.spec.Scale != spec.ScaleLog
}

// percentile is the value of rank p N, rounded up.
func percentile(all []unitTotals, part int, p float64, zeros bool) float64 {
	var list []float64
	for _, t := range all {
		if zeros || t.part[part].n > 0 {
			list = append(list, t.part[part].value)
		}
	}
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return list[max(0, int(math.Ceil(p*float64(len(list))-1e-9))-1)]
}

// add takes in one unit.
func (c *cell) add(m metricOf, t unitTotals) {
	y := t.part[0]
	if m.spec.Scale == spec.ScaleLog {
		c.log(t)
		return
	}
	if !m.zeros() && y.n == 0 {
		c.excluded++
		return
	}
	var row [4]float64
	for i, p := range t.part {
		row[i] = p.value
		c.size = max(c.size, p.size)
	}
	c.rows = append(c.rows, row)
	if y.value != 0 {
		c.nonzero++
	}
}

// log adds the logarithm of a unit's value. What rounding makes of a sum grows
// where it is divided by the sum.
func (c *cell) log(t unitTotals) {
	y, x := t.part[0], t.part[2]
	c.vague = c.vague || y.size > 0 && math.Abs(y.value) < 1e-9*y.size || x.size > 0 && math.Abs(x.value) < 1e-9*x.size
	if y.value <= 0 {
		c.excluded++
		if y.n > 0 {
			c.off++
		}
		return
	}
	row := [4]float64{math.Log(y.value)}
	if x.value > 0 {
		row[2] = math.Log1p(x.value)
		c.size = max(c.size, x.size/(1+x.value), row[2])
	}
	c.rows = append(c.rows, row)
	c.size = max(c.size, 1, y.size/y.value, math.Abs(row[0]))
	c.nonzero++
}

// event takes in the values of one unit, of which its facts may have several.
func (c *cell) event(m metricOf, facts []fact) {
	var list []float64
	if m.spec.Of == "unit" {
		of := map[string]string{"sum": "sum", "mean": "mean", "max": "max"}[m.spec.PerUnit]
		if t := aggregated(of, facts, m.value, anyFact); t.n > 0 {
			list = append(list, t.value)
			c.size = max(c.size, t.size)
		}
	} else {
		for _, f := range facts {
			if v := m.value.of(f); v != nil && usable(*v) {
				list = append(list, *v)
				c.size = max(c.size, math.Abs(*v))
			}
		}
	}
	if len(list) == 0 {
		c.excluded++
		return
	}
	c.events = append(c.events, list)
}

// usable tells whether a value counts at all.
func usable(value float64) bool { return math.Abs(value) < 1e80 }

// moments are the numbers of one metric in one stratum, over all its units:
// means and sample covariances of value, denominator, covariate and its
// denominator.
type moments struct {
	n, nonzero, off int64
	mean            [4]float64
	co              [4][4]float64
	cube            float64
}

func (c *cell) moments() moments {
	m := moments{n: int64(len(c.rows)), nonzero: c.nonzero, off: c.off}
	var columns [4][]float64
	for _, row := range c.rows {
		for i, v := range row {
			columns[i] = append(columns[i], v)
		}
		m.cube += row[0] * row[0] * row[0] / float64(len(c.rows))
	}
	for i := range 4 {
		m.mean[i] = average(columns[i])
		for k := range 4 {
			m.co[i][k] = covariance(columns[i], columns[k])
		}
	}
	return m
}

func average(list []float64) float64 {
	sum := 0.0
	for _, v := range list {
		sum += v
	}
	return sum / float64(max(1, len(list)))
}

func covariance(a, b []float64) float64 {
	if len(a) < 2 {
		return 0
	}
	ma, mb, sum := average(a), average(b), 0.0
	for i := range a {
		sum += (a[i] - ma) * (b[i] - mb)
	}
	return sum / float64(len(a)-1)
}

// withZeros adds units whose values are all zero, up to n.
func (m moments) withZeros(n int64) moments {
	if m.n == 0 || n <= m.n {
		m.n = n
		return m
	}
	was, now := float64(m.n), float64(n)
	out := moments{n: n, nonzero: m.nonzero, cube: m.cube * was / now}
	for i := range 4 {
		out.mean[i] = m.mean[i] * was / now
		for k := range 4 {
			out.co[i][k] = ((was-1)*m.co[i][k] + was*(now-was)/now*m.mean[i]*m.mean[k]) / (now - 1)
		}
	}
	return out
}

// near compares to 1e-9, and where numbers of a size cancel to what is left of
// a float then.
func near(got, want, size float64) bool {
	return math.Abs(got-want) <= 1e-9*math.Abs(want)+1e-13*size
}

// TestOracle compares what the statements return with what the events say when
// they are counted one by one.
func TestOracle(t *testing.T) {
	first, count := uint64(1), *worlds
	if testing.Short() {
		count = min(count, 60)
	}
	if *oneSeed > 0 {
		first, count = *oneSeed, 1
	}
	list := make([]*check, count)
	for i := range list {
		w, metrics := newWorld(first + uint64(i))
		list[i] = &check{w: w, metrics: metrics, seen: &coverage{}}
	}
	wh, err := connectors.Open(t.Context(), spec.Warehouse{Type: "duckdb", Threads: 1}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = wh.Close() }()
	t.Run("worlds", func(t *testing.T) {
		for _, part := range slices.Collect(slices.Chunk(list, (count+3)/4)) {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				for _, c := range part {
					c.t = t
					if c.run(wh); c.failed {
						c.shrink(wh)
						t.Fatalf("seed %d: run again with -run TestOracle -seed %d", c.w.seed, c.w.seed)
					}
				}
			})
		}
	})
	var seen coverage
	for _, c := range list {
		seen.add(c.seen)
	}
	t.Logf("%+v", seen)
	if *oneSeed == 0 && count >= 600 {
		seen.assert(t)
	}
}

// coverage counts what the random worlds came by, so that none of it is missed.
type coverage struct {
	Long, Mixed, Wide, Joined, Fanned, Settling, Multiple, Unknown, Null, Partial, Infinite, Moments int
	Logs, Off, Cubes, Quantiles, Events, Covariates, Caps, Percentiles, Totals, Rules, Lookbacks     int
	Inactive, Activated, Across, Sliced, Days                                                        int
	Kinds                                                                                            map[string]int
}

// count notes what a metric that was compared had.
func (c *coverage) count(m queries.Measure, s spec.Metric, want moments) {
	add := func(n *int, had bool) {
		if had && want.n > 0 {
			*n++
		}
	}
	c.Moments++
	add(&c.Partial, m.CompleteOnly)
	add(&c.Logs, m.Log)
	if want.off > 0 {
		c.Off++
	}
	add(&c.Covariates, m.Covariate && want.co[2][2] > 0)
	add(&c.Caps, s.Cap != nil && s.Cap.At != nil)
	add(&c.Percentiles, len(m.Caps) > 0)
	add(&c.Totals, s.Total != nil && want.nonzero > 0)
	add(&c.Rules, s.Rule != nil && want.nonzero > 0)
	add(&c.Lookbacks, s.Lookback.Duration > 0 && want.nonzero > 0)
	if c.Kinds == nil {
		c.Kinds = map[string]int{}
	}
	c.Kinds[s.Kind]++
}

func (c *coverage) add(o *coverage) {
	c.Long, c.Mixed, c.Wide = c.Long+o.Long, c.Mixed+o.Mixed, c.Wide+o.Wide
	c.Joined, c.Fanned, c.Settling = c.Joined+o.Joined, c.Fanned+o.Fanned, c.Settling+o.Settling
	c.Multiple, c.Unknown, c.Null = c.Multiple+o.Multiple, c.Unknown+o.Unknown, c.Null+o.Null
	c.Partial, c.Infinite, c.Moments = c.Partial+o.Partial, c.Infinite+o.Infinite, c.Moments+o.Moments
	c.Logs, c.Off, c.Cubes = c.Logs+o.Logs, c.Off+o.Off, c.Cubes+o.Cubes
	c.Quantiles, c.Events, c.Covariates = c.Quantiles+o.Quantiles, c.Events+o.Events, c.Covariates+o.Covariates
	c.Caps, c.Percentiles, c.Totals = c.Caps+o.Caps, c.Percentiles+o.Percentiles, c.Totals+o.Totals
	c.Rules, c.Lookbacks = c.Rules+o.Rules, c.Lookbacks+o.Lookbacks
	c.Inactive, c.Activated, c.Across = c.Inactive+o.Inactive, c.Activated+o.Activated, c.Across+o.Across
	c.Sliced, c.Days = c.Sliced+o.Sliced, c.Days+o.Days
	if c.Kinds == nil {
		c.Kinds = map[string]int{}
	}
	for kind, n := range o.Kinds {
		c.Kinds[kind] += n
	}
}

func (c *coverage) assert(t *testing.T) {
	t.Helper()
	for name, n := range map[string]int{
		"long": c.Long, "mixed": c.Mixed, "wide": c.Wide, "joined": c.Joined, "fanned": c.Fanned, "settling": c.Settling,
		"multiple": c.Multiple, "unknown": c.Unknown, "null": c.Null, "partial": c.Partial, "infinite": c.Infinite,
		"logarithms": c.Logs, "values without one": c.Off, "cubes": c.Cubes, "quantiles": c.Quantiles,
		"quantiles of events": c.Events, "covariates": c.Covariates, "caps": c.Caps, "percentile caps": c.Percentiles,
		"totals": c.Totals, "rules": c.Rules, "lookbacks": c.Lookbacks, "max": c.Kinds["max"], "distinct": c.Kinds["distinct"],
		"inactive units": c.Inactive, "activated units": c.Activated, "ratios over two sources": c.Across, "slices": c.Sliced, "days": c.Days, "retention": c.Kinds["retention"], "daily participation": c.Kinds["daily_participation"],
	} {
		if n < 10 {
			t.Errorf("only %d worlds had %s", n, name)
		}
	}
}

// check runs one world.
type check struct {
	t       *testing.T
	w       *world
	metrics map[string]metricOf
	seen    *coverage
	script  *queries.Script
	session connectors.Session
	units   map[string]*unit
	summary map[int64]summaryRow
	parts   map[part]summaryRow
	days    map[int64][]int64 // units by stratum that have had each day
	partial bool              // alignment would not be that of all rows and metrics
	quiet   bool              // nothing is told
	failed  bool
}

type summaryRow struct {
	Units, Exposures, Newest int64
	Closed                   map[string]int64
}

func (c *check) errorf(format string, args ...any) {
	c.t.Helper()
	c.failed = true
	if !c.quiet {
		c.t.Errorf(format, args...)
	}
}

func (c *check) run(wh connectors.Warehouse) {
	c.t.Helper()
	session, err := wh.Session(c.t.Context(), connectors.Tags{})
	if err != nil {
		c.errorf("%v", err)
		return
	}
	defer func() { _ = session.Close() }()
	c.session = session
	c.tables(c.w)
	c.look()
}

// tables makes the tables of a world.
func (c *check) tables(w *world) {
	c.t.Helper()
	c.query(queries.Statement{Name: "tables", SQL: "BEGIN;\n" + w.sql(c.t) + "COMMIT"})
}

// look runs the statements of the world's look and compares what they return.
func (c *check) look() {
	c.t.Helper()
	script, err := queries.Render(c.w.p, c.w.e, c.w.look, queries.DuckDB)
	if err != nil {
		c.errorf("%v", err)
		return
	}
	c.script, c.units = script, c.w.units()
	c.query(script.Units)
	if script.Leave != nil {
		for _, s := range append(script.Leave.Units, script.Merge...) {
			c.query(s)
		}
	}
	c.checkLinks()
	if script.Activation != nil {
		c.query(script.Activation.Statement)
	}
	if script.Sliced != nil {
		c.query(script.Sliced.Statement)
	}
	c.checkSummary()
	c.checkHours()
	c.checkStrays()
	c.checkDimension()
	c.checkUnknown()
	for _, f := range script.Facts {
		c.checkFacts(f)
		if !c.partial {
			c.checkAlignment(f)
			c.checkShapes(f)
		}
	}
	for _, a := range script.Ratios {
		rows := c.query(a.Statement)
		for _, m := range a.Measures {
			c.checkMetric(queries.Facts{Source: a.Sources[0], Statement: a.Statement}, m, rows, c.w.cells(c.metrics[m.Metric], c.units))
			c.seen.Across++
		}
	}
}

func (c *check) query(s queries.Statement) *connectors.Rows {
	c.t.Helper()
	rows, err := c.session.Run(context.Background(), s)
	if err != nil {
		c.errorf("%v\n%s", err, s.SQL)
		return &connectors.Rows{}
	}
	return rows
}

func (c *check) diff(what string, got, want any, s queries.Statement) {
	c.t.Helper()
	if d := diff.Diff(want, got); d != "" {
		c.errorf("%s (-oracle +engine):\n%s\n%s", what, d, s.SQL)
	}
}

func (c *check) checkSummary() {
	want := map[int64]summaryRow{}
	for _, u := range c.units {
		row := want[u.code]
		row.Units++
		row.Exposures += u.exposures
		row.Newest = max(row.Newest, u.newest.UnixMicro())
		want[u.code] = row
		switch u.code {
		case queries.StratumSettling:
			c.seen.Settling++
		case queries.StratumMultiple:
			c.seen.Multiple++
		case queries.StratumUnknown:
			c.seen.Unknown++
		case queries.StratumNull:
			c.seen.Null++
		}
		if u.code < -9 {
			c.seen.Inactive++
		} else if c.w.activation != nil && u.code >= 0 && u.anchor.After(u.first) {
			c.seen.Activated++
		}
	}
	c.summary, c.parts = map[int64]summaryRow{}, map[part]summaryRow{}
	got := map[int64]summaryRow{}
	rows := c.query(c.script.Summary)
	for i := range rows.Len() {
		code, _ := rows.Int(i, "assay_stratum")
		var row summaryRow
		row.Units, _ = rows.Int(i, "units")
		row.Exposures, _ = rows.Int(i, "exposures")
		row.Newest, _ = rows.Int(i, "newest")
		got[code] = row
		row.Closed = map[string]int64{}
		for _, m := range c.script.Measures() {
			if m.Closed != "" {
				row.Closed[m.Closed], _ = rows.Int(i, m.Closed)
			}
		}
		c.summary[code] = row
		c.parts[part{code, -1, 0}] = row
	}
	c.diff("summary", got, want, c.script.Summary)
	c.checkRepeats(rows)
}

type hourRow struct{ Hour, Code int64 }

func (c *check) checkHours() {
	want, got := map[hourRow]int64{}, map[hourRow]int64{}
	for _, u := range c.units {
		if u.exposed >= 0 {
			want[hourRow{u.first.Truncate(time.Hour).UnixMicro(), u.exposed}]++
		}
	}
	rows := c.query(c.script.Hours)
	for i := range rows.Len() {
		at, _ := rows.Int(i, "hour")
		code, _ := rows.Int(i, "assay_stratum")
		got[hourRow{at, code}], _ = rows.Int(i, "units")
	}
	c.diff("hours", got, want, c.script.Hours)
}

// strayRow is what exposures of one kind and of these variations come to.
type strayRow struct {
	Units, Exposures, First, Last, EarliestLast int64
	Across                                      string
}

func (c *check) checkStrays() {
	want, got := map[[3]int64]strayRow{}, map[[3]int64]strayRow{}
	across := map[[3]int64][]int64{}
	for _, u := range c.units {
		key := [3]int64{0, -1, -1}
		if u.exposed < 0 && u.exposed != queries.StratumSettling {
			key = [3]int64{u.exposed, u.low, u.high}
		}
		row, first, newest := want[key], u.first.UnixMicro(), u.newest.UnixMicro()
		if row.Units == 0 {
			row = strayRow{First: first, Last: newest, EarliestLast: newest}
			across[key] = make([]int64, len(c.w.look.Epochs)-1)
		}
		row.Units++
		row.Exposures += u.exposures
		row.First, row.Last, row.EarliestLast = min(row.First, first), max(row.Last, newest), min(row.EarliestLast, newest)
		for i, e := range c.w.look.Epochs[1:] {
			if u.first.Before(e.Start) && !u.newest.Before(e.Start) {
				across[key][i]++
			}
		}
		row.Across = fmt.Sprint(across[key])
		want[key] = row
	}
	rows := c.query(c.script.Strays)
	for i := range rows.Len() {
		value := func(name string) int64 { n, _ := rows.Int(i, name); return n }
		counts := make([]int64, len(c.script.Changes))
		for j, column := range c.script.Changes {
			counts[j] = value(column)
		}
		got[[3]int64{value("kind"), value("low"), value("high")}] = strayRow{
			value("units"), value("exposures"), value("first_exposure"), value("last_exposure"), value("earliest_last"), fmt.Sprint(counts),
		}
	}
	c.diff("stray exposures", got, want, c.script.Strays)
}

// checkRepeats compares the moments of the exposures that units have.
func (c *check) checkRepeats(rows *connectors.Rows) {
	for i := range rows.Len() {
		code, _ := rows.Int(i, "assay_stratum")
		var values, cubes []float64
		for _, u := range c.units {
			if u.code == code {
				n := float64(min(u.exposures, 100))
				values, cubes = append(values, n), append(cubes, n*n*n)
			}
		}
		mean, _ := rows.Float(i, "rows_mean")
		variance, _ := rows.Float(i, "rows_var")
		cube, _ := rows.Float(i, "rows_third")
		if !near(mean, average(values), 1) || !near(variance, covariance(values, values), 1) || !near(cube, average(cubes), average(cubes)) {
			c.errorf("exposures of units of stratum %d: %v, %v, %v of %v", code, mean, variance, cube, values)
		}
	}
}

type valueRow struct {
	Value string
	Code  int64
}

func (c *check) checkDimension() {
	want, got := map[valueRow]int64{}, map[valueRow]int64{}
	for _, u := range c.units {
		if u.exposed >= 0 {
			want[valueRow{u.platform, u.exposed}]++
		}
	}
	rows := c.query(c.script.Dimensions[0].Statement)
	c.readSlices()
	c.readDays()
	for i := range rows.Len() {
		value, _ := rows.Text(i, "value")
		code, _ := rows.Int(i, "assay_stratum")
		got[valueRow{value, code}], _ = rows.Int(i, "units")
	}
	c.diff("dimension", got, want, c.script.Dimensions[0].Statement)
}

func (c *check) checkUnknown() {
	want, got := map[string][2]int64{}, map[string][2]int64{}
	for _, x := range c.w.exposures {
		if x.experiment != c.w.e.ExperimentID || x.at.Before(start) || !x.at.Before(c.w.until()) {
			continue
		}
		name := "NULL"
		if x.variation != nil {
			name = *x.variation
		}
		if slices.ContainsFunc(c.w.e.Variations, func(v spec.Variation) bool { return v.ID == name }) {
			continue
		}
		row := want[name]
		if row[0] == 0 {
			row[1] = x.at.UnixMicro()
		}
		want[name] = [2]int64{row[0] + 1, min(row[1], x.at.UnixMicro())}
	}
	rows := c.query(c.script.Unknown)
	for i := range rows.Len() {
		name, ok := rows.Text(i, "variation")
		if !ok {
			name = "NULL"
		}
		exposures, _ := rows.Int(i, "exposures")
		first, _ := rows.Int(i, "first_exposure")
		got[name] = [2]int64{exposures, first}
	}
	c.diff("unknown variations", got, want, c.script.Unknown)
}

func (c *check) checkLinks() {
	for _, l := range c.script.Links {
		owner, fanned := c.w.owners()
		c.query(l.Create)
		rows := c.query(l.Health)
		links, _ := rows.Int(0, "links")
		out, _ := rows.Int(0, "fanned_out")
		c.diff("links", []int64{links, out}, []int64{int64(len(owner)), fanned}, l.Create)
		c.seen.Joined++
		if fanned > 0 {
			c.seen.Fanned++
		}
	}
}

// checkFacts compares every metric of one source in every stratum.
func (c *check) checkFacts(f queries.Facts) {
	for _, before := range []*queries.Statement{f.Recent, f.Keep} {
		if before != nil {
			c.query(*before)
		}
	}
	rows := c.query(f.Statement)
	byUnit := c.w.byUnit(f.Source, c.w.p.Config.Facts[f.Source].Key != "")
	classed := 0
	for _, m := range f.Measures {
		c.checkMetric(f, m, rows, c.w.cells(c.metrics[m.Metric], c.units))
		c.checkDays(f, m, rows)
		if m.Class != queries.ClassAll {
			classed++
		}
	}
	switch classed {
	case 0:
		c.seen.Wide++
	case len(f.Measures):
		c.seen.Long++
	default:
		c.seen.Mixed++
	}
	for i := range rows.Len() {
		class, _ := rows.Int(i, "assay_class")
		if class == queries.ClassAll && c.whole(rows, i) && allDays(f, rows, i) {
			c.presence(f, rows, i, byUnit)
		}
		if code, ok := rows.Int(i, "assay_stratum"); code < 0 || !ok || class < queries.ClassAll {
			c.errorf("facts of %s: a row for stratum %d, class %d\n%s", f.Source, code, class, f.SQL)
		}
	}
}

// presence checks what a row says of the facts as such, as far as it does not
// depend on how the windows of several metrics are put together.
func (c *check) presence(f queries.Facts, rows *connectors.Rows, row int, byUnit map[string][]fact) {
	code, _ := rows.Int(row, "assay_stratum")
	units, _ := rows.Int(row, "units")
	newest, _ := rows.Int(row, "newest")
	lost, _ := rows.Int(row, "not_finite")
	var most, latest, bad int64
	opens, covariate := time.Duration(0), time.Duration(0)
	for _, s := range c.over(f.Source) {
		opens, covariate = min(opens, s.Delay.Duration), max(covariate, s.Covariate.Duration-min(0, s.Delay.Duration))
	}
	for k, u := range c.units {
		had := false
		for _, x := range byUnit[k] {
			if u.code != code || x.at.Before(u.anchor.Add(opens)) && (covariate == 0 || x.at.Before(u.first.Add(-covariate))) || !x.at.Before(c.w.look.AsOf) {
				continue
			}
			if x.amount != nil && !usable(*x.amount) {
				bad++
			}
			if x.at.Before(u.anchor.Add(opens)) {
				continue // It enters a covariate at the most.
			}
			had = true
			latest = max(latest, x.at.UnixMicro())
		}
		if had {
			most++
		}
	}
	if units > most || newest > latest || lost > bad || units == 0 && covariate == 0 {
		c.errorf("facts of %s in stratum %d: %d units of %d, newest %d of %d, %d not finite of %d", f.Source, code, units, most, newest, latest, lost, bad)
	}
	if lost > 0 {
		c.seen.Infinite++
	}
}

// readSlices reads the counts of units by slice into the summary.
func (c *check) readSlices() {
	for dim, slice := range c.script.Slices {
		rows := c.query(slice.Statement)
		for i := range rows.Len() {
			var row summaryRow
			code, _ := rows.Int(i, "assay_stratum")
			number, _ := rows.Int(i, "assay_slice")
			row.Units, _ = rows.Int(i, "units")
			row.Closed = map[string]int64{}
			for _, m := range c.script.Measures() {
				if m.Closed != "" {
					row.Closed[m.Closed], _ = rows.Int(i, m.Closed)
				}
			}
			value, _ := rows.Text(i, "value")
			for _, u := range c.units {
				if u.code == code && u.slices[dim] == number && c.w.valueIn(u, dim) != value {
					c.errorf("slice %d of %s is %q, the oracle has %q", number, slice.Dimension, value, c.w.valueIn(u, dim))
				}
			}
			c.parts[part{code, dim, number}] = row
			c.seen.Sliced++
		}
	}
}

// whole tells whether a row is about all slices.
func (c *check) whole(rows *connectors.Rows, row int) bool {
	return !slices.ContainsFunc(c.script.Slices, func(s queries.Slice) bool {
		number, _ := rows.Int(row, s.Column)
		return number != queries.SliceAll
	})
}

// partOf is what a row is about.
func (c *check) partOf(rows *connectors.Rows, row int, sliced bool) part {
	p := part{dim: -1}
	p.code, _ = rows.Int(row, "assay_stratum")
	if !sliced {
		return p
	}
	for dim, s := range c.script.Slices {
		if number, _ := rows.Int(row, s.Column); number != queries.SliceAll {
			p.dim, p.slice = dim, number
		}
	}
	return p
}

func (c *check) checkMetric(f queries.Facts, m queries.Measure, rows *connectors.Rows, want map[part]*cell) {
	got := map[part]moments{}
	across := len(c.metrics[m.Metric].spec.Sources()) > 1
	for i := range rows.Len() {
		if class, _ := rows.Int(i, "assay_class"); class == m.Class && m.Kind != "quantile" && allDays(f, rows, i) {
			got[c.partOf(rows, i, !across)] = readMoments(rows, i, m)
		}
	}
	for p, row := range c.parts {
		code := p.code
		if code < 0 || p.dim >= 0 && !m.Sliced {
			continue
		}
		cell := want[p]
		if cell == nil {
			cell = emptyCell()
		}
		counted := row.Units
		if m.CompleteOnly {
			counted = row.Closed[m.Closed]
		}
		if all := int64(len(cell.rows)+len(cell.events)) + cell.excluded; counted != all {
			c.errorf("%s in stratum %d: %d units count, the oracle has %d", m.Metric, code, counted, all)
		}
		if m.Kind == "quantile" {
			c.compareQuantile(f, m, code, rows, cell)
			continue
		}
		g := got[p]
		if g.n > counted {
			c.errorf("%s in stratum %d: %d of %d units have facts", m.Metric, code, g.n, counted)
		}
		if m.Zeros {
			g = g.withZeros(counted)
		}
		c.compare(f, m, code, g, cell)
	}
}

func emptyCell() *cell { return &cell{} }

func (c *check) compare(f queries.Facts, m queries.Measure, code int64, g moments, cell *cell) {
	c.compareTo(f, m, c.metrics[m.Metric].spec, code, g, cell)
}

// compareTo compares with a metric of the spec, or what of it is told.
func (c *check) compareTo(f queries.Facts, m queries.Measure, s spec.Metric, code int64, g moments, cell *cell) {
	want := cell.moments()
	if cell.vague {
		return
	}
	square := cell.size * cell.size
	ok := g.n == want.n && g.nonzero == want.nonzero && g.off == want.off
	if isShare(m) && !m.Covariate {
		want.mean, want.co = g.mean, g.co // Told by nonzero.
	}
	for i := range 4 {
		ok = ok && near(g.mean[i], want.mean[i], cell.size)
		for k := range 4 {
			ok = ok && near(g.co[i][k], want.co[i][k], square)
		}
	}
	if m.Cube {
		ok = ok && near(g.cube, want.cube, square*cell.size)
		c.seen.Cubes++
	}
	if m.Log != (s.Scale == "log") || m.Cube && (m.Log || s.Kind == "ratio" || isShare(m)) || m.Covariate != (s.Covariate.Duration > 0) {
		c.errorf("%s: log %t, cube %t, covariate %t", m.Metric, m.Log, m.Cube, m.Covariate)
	}
	c.seen.count(m, s, want)
	if !ok {
		c.errorf("%s (%s) in stratum %d:\n got %+v\nwant %+v\n%+v\n%s", m.Metric, m.Kind, code, g, want, s, f.SQL)
	}
}

func isShare(m queries.Measure) bool { return m.Kind == "proportion" || m.Kind == "retention" }

// compareQuantile compares a quantile, its ends, and how many of its events a
// unit has at or below it.
func (c *check) compareQuantile(f queries.Facts, m queries.Measure, code int64, rows *connectors.Rows, cell *cell) {
	values := slices.Concat(cell.events...)
	slices.Sort(values)
	s := c.metrics[m.Metric].spec
	row := -1
	for i := range rows.Len() {
		class, _ := rows.Int(i, "assay_class")
		if at, _ := rows.Int(i, "assay_stratum"); at == code && class == m.Class && c.whole(rows, i) && allDays(f, rows, i) {
			row = i
		}
	}
	if row < 0 {
		if len(values) > 0 {
			c.errorf("%s in stratum %d: no row for %d values", m.Metric, code, len(values))
		}
		return
	}
	half := 1.959963984540054 * math.Sqrt(s.Quantile*(1-s.Quantile)/float64(len(values)))
	for name, place := range map[string]float64{"_at": s.Quantile, "_lower": max(0, s.Quantile-half), "_upper": min(1, s.Quantile+half)} {
		got, known := rows.Float(row, m.Prefix+name)
		if known != (len(values) > 0) || known && !near(got, interpolate(values, place), cell.size) {
			c.errorf("%s%s in stratum %d: %v %t of %v\n%+v\n%s", m.Metric, name, code, got, known, values, s, f.SQL)
		}
	}
	c.seen.Quantiles++
	n, _ := rows.Int(row, m.Prefix+"_n")
	if n != int64(len(cell.events)) {
		c.errorf("%s in stratum %d: %d units, want %d", m.Metric, code, n, len(cell.events))
	}
	if !m.Events || len(values) == 0 {
		return
	}
	c.seen.Events++
	at := interpolate(values, s.Quantile)
	var below, events []float64
	for _, list := range cell.events {
		k := 0.0
		for _, v := range list {
			if v <= at {
				k++
			}
		}
		below, events = append(below, k), append(events, float64(len(list)))
	}
	for name, want := range map[string]float64{
		"_mean": average(below), "_var": covariance(below, below), "_den_mean": average(events),
		"_den_var": covariance(events, events), "_co": covariance(below, events),
	} {
		if got, _ := rows.Float(row, m.Prefix+name); !near(got, want, 1) {
			c.errorf("%s%s in stratum %d: %v, want %v\n%+v\n%s", m.Metric, name, code, got, want, s, f.SQL)
		}
	}
}

// interpolate is the value at a place in [0,1] of sorted values.
func interpolate(values []float64, place float64) float64 {
	h := place * float64(len(values)-1)
	low, high := values[int(math.Floor(h))], values[int(math.Ceil(h))]
	return low + (h-math.Floor(h))*(high-low)
}

func readMoments(rows *connectors.Rows, i int, m queries.Measure) moments {
	var out moments
	out.n, _ = rows.Int(i, m.Prefix+"_n")
	if m.Log {
		out.nonzero = out.n
		out.off, _ = rows.Int(i, m.Prefix+"_off")
	} else {
		out.nonzero, _ = rows.Int(i, m.Prefix+"_any")
	}
	if m.Cube {
		out.cube, _ = rows.Float(i, m.Prefix+"_cube")
	}
	both := func(name string, a, b int) {
		out.co[a][b], _ = rows.Float(i, m.Prefix+name)
		out.co[b][a] = out.co[a][b]
	}
	out.mean[0], _ = rows.Float(i, m.Prefix+"_mean")
	both("_var", 0, 0)
	if m.Kind == "ratio" {
		out.mean[1], _ = rows.Float(i, m.Prefix+"_den_mean")
		both("_den_var", 1, 1)
		both("_co", 0, 1)
	}
	if m.Covariate {
		out.mean[2], _ = rows.Float(i, m.Prefix+"_pre_mean")
		both("_pre_var", 2, 2)
		both("_pre_value", 2, 0)
	}
	if m.Covariate && m.Kind == "ratio" {
		out.mean[3], _ = rows.Float(i, m.Prefix+"_pre_den_mean")
		both("_pre_den_var", 3, 3)
		both("_pre_co", 2, 3)
		both("_pre_den", 2, 1)
		both("_pre_of_value", 3, 0)
		both("_pre_of_den", 3, 1)
	}
	return out
}

func (c *check) checkAlignment(f queries.Facts) {
	var want [6]int64
	owner, _ := c.w.owners()
	ids, matched := map[string]bool{}, map[string]bool{}
	for _, x := range c.w.facts[f.Source] {
		if x.at == nil || !x.at.Before(c.w.look.AsOf) {
			continue
		}
		want[0]++
		want[4] = max(want[4], x.at.UnixMicro())
		typ := c.w.idType
		if f.Source == "joined" {
			typ = "text"
		}
		k := keyOf(x.id, typ)
		if k == "" {
			want[1]++
			continue
		}
		ids[k] = true
		if f.Source == "joined" {
			if c.units[owner[k]] != nil && owner[k] != "" {
				matched[k] = true
			}
		} else if c.units[k] != nil {
			matched[k] = true
		}
	}
	want[2], want[3], want[5] = int64(len(ids)), int64(len(matched)), c.inWindow(f)
	var got [6]int64
	rows := c.query(f.Alignment)
	for i, name := range []string{"fact_rows", "null_rows", "identifiers", "matched", "newest", "in_window"} {
		got[i], _ = rows.Int(0, name)
	}
	c.diff("alignment of "+f.Source, got, want, f.Alignment)
}

// inWindow counts the units with any row between the earliest opening and the
// latest closing of the windows.
func (c *check) inWindow(f queries.Facts) (n int64) {
	byUnit := c.w.byUnit(f.Source, false)
	for k, u := range c.units {
		if u.code >= 0 && slices.ContainsFunc(byUnit[k], func(x fact) bool { return c.inWidest(f, u, *x.at) }) {
			n++
		}
	}
	return n
}

// over are the metrics that read a source.
func (c *check) over(source string) []spec.Metric {
	var out []spec.Metric
	for _, m := range c.metrics {
		if slices.Contains(m.spec.Sources(), source) {
			out = append(out, m.spec)
		}
	}
	return out
}

func (c *check) inWidest(f queries.Facts, u *unit, at time.Time) bool {
	opened, open, early := false, false, false
	for _, s := range c.over(f.Source) {
		opens := u.anchor.Add(s.Delay.Duration)
		opened = opened || !at.Before(opens)
		open = open || s.Window.Duration == 0 || at.Before(opens.Add(s.Window.Duration))
		early = early || s.PastEnd && at.Before(c.w.look.AsOf) || at.Before(c.w.until())
	}
	return opened && open && early
}

// shapeRow is the commonest shape of one side.
type shapeRow struct {
	Shape, First, Last string
	N                  int64
}

func (c *check) checkShapes(f queries.Facts) {
	owner, _ := c.w.owners()
	sides := map[string]map[string]bool{"facts": {}, "units": {}}
	for _, x := range c.w.facts[f.Source] {
		if x.at == nil || !x.at.Before(c.w.look.AsOf) {
			continue
		}
		k := keyOf(x.id, c.w.idType)
		if f.Source == "joined" {
			k = keyOf(x.id, "text")
			if to, ok := owner[k]; ok {
				k = to
			}
		}
		sides["facts"][k] = true
	}
	for k, u := range c.units {
		if u.exposed != queries.StratumNull {
			sides["units"][k] = true
		}
	}
	want, got := map[string]shapeRow{}, map[string]shapeRow{}
	for side, ids := range sides {
		delete(ids, "")
		if len(ids) > 0 {
			want[side] = commonest(ids)
		}
	}
	rows := c.query(f.Shapes)
	for i := range rows.Len() {
		side, _ := rows.Text(i, "side")
		var row shapeRow
		row.Shape, _ = rows.Text(i, "shape")
		row.First, _ = rows.Text(i, "first_id")
		row.Last, _ = rows.Text(i, "last_id")
		row.N, _ = rows.Int(i, "n")
		got[side] = row
	}
	c.diff("shapes of "+f.Source, got, want, f.Shapes)
}

func commonest(ids map[string]bool) shapeRow {
	byShape := map[string]shapeRow{}
	for id := range ids {
		shape := strings.Map(func(r rune) rune {
			switch {
			case r >= '0' && r <= '9':
				return '9'
			case r >= 'a' && r <= 'z':
				return 'a'
			case r >= 'A' && r <= 'Z':
				return 'A'
			default:
				return r
			}
		}, id)
		row, ok := byShape[shape]
		if !ok {
			row = shapeRow{Shape: shape, First: id, Last: id}
		}
		row.First, row.Last, row.N = min(row.First, id), max(row.Last, id), row.N+1
		byShape[shape] = row
	}
	var best shapeRow
	for _, row := range byShape {
		if row.N > best.N || row.N == best.N && row.Shape < best.Shape {
			best = row
		}
	}
	return best
}
