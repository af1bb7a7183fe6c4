package job

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/connectors"
	"assay/ledger"
	"assay/spec"
	"assay/stats"
)

// running are moments that units are added to, and taken from.
type running struct{ n, sum, squares, cubes float64 }

func (r *running) add(x, sign float64) {
	r.n, r.sum, r.squares, r.cubes = r.n+sign, r.sum+sign*x, r.squares+sign*x*x, r.cubes+sign*x*x*x
}

func (r *running) moments(third bool) stats.Moments {
	n := int64(r.n)
	if n < 2 {
		return stats.Moments{}
	}
	mean := r.sum / r.n
	m := stats.FromWarehouse(n, n, mean, math.Max(0, r.squares-r.n*mean*mean)/(r.n-1))
	if third {
		m = m.WithThird(r.cubes / r.n)
	}
	return m
}

// weighted is an experiment of two arms.
func weighted(t *testing.T, treatment float64) *spec.Experiment {
	t.Helper()
	_, e := small(t, "rank", func(e *spec.Experiment) {
		e.Variations[0].Weight, e.Variations[1].Weight = 1-treatment, treatment
		e.PlannedUnits = 6000
	})
	return e
}

// fewer is how many lives are tried: under the race detector, which makes each of
// them slow, and where time is short, a tenth.
func fewer(lives int) int {
	if testing.Short() {
		return lives / 10
	}
	return lives
}

// alarms counts the lives in which a sound experiment is ever accused.
func alarms(lives int, life func(rng *rand.Rand) bool) (n int) {
	for i := range lives {
		if life(rand.New(rand.NewPCG(uint64(i), 77))) {
			n++
		}
	}
	return n
}

// within holds that alarms are no more than alpha of lives, and what chance adds.
func sound(t *testing.T, n, lives int, alpha float64) {
	t.Helper()
	most := alpha*float64(lives) + 3*math.Sqrt(alpha*float64(lives))
	t.Logf("%d of %d lives accused (at most %.1f)", n, lives, most)
	if float64(n) > most {
		t.Errorf("%d of %d sound lives are accused, at most %.1f may be", n, lives, most)
	}
}

// TestRepeatsHold: units come every day, and are exposed again and again at rates
// of their own, a robot among two hundred a thousand times a day; no arm differs,
// and over 60 looks hardly any life is accused. Nor is one whose units all come on
// the first day, so that a look has no new units but only new exposures.
func TestRepeatsHold(t *testing.T) {
	const looks, alpha = 60, 0.01
	lives := fewer(500)
	for _, c := range []struct {
		treatment float64
		daily     int
	}{{0.5, 100}, {0.1, 100}, {0.5, 0}, {0.1, 0}} {
		t.Run(fmt.Sprintf("%g %d", c.treatment, c.daily), func(t *testing.T) {
			t.Parallel()
			e := weighted(t, c.treatment)
			sound(t, alarms(lives, func(rng *rand.Rand) bool {
				var arms [2]running
				var rate, seen []float64
				var arm []int
				for look := range looks {
					come := c.daily
					if c.daily == 0 && look == 0 {
						come = 2000
					}
					for range come {
						r := 0.05 * math.Exp(rng.NormFloat64())
						if rng.IntN(200) == 0 {
							r = 1000
						}
						a := 0
						if rng.Float64() < c.treatment {
							a = 1
						}
						rate, seen, arm = append(rate, r), append(seen, 1), append(arm, a)
						arms[a].add(1, 1)
					}
					for i, r := range rate {
						if seen[i] >= 100 || rng.Float64() >= 1-math.Exp(-r) {
							continue
						}
						more := math.Min(100, seen[i]+math.Ceil(r))
						arms[arm[i]].add(seen[i], -1)
						arms[arm[i]].add(more, 1)
						seen[i] = more
					}
					third := c.treatment != 0.5
					c := alike(e, 1, stats.KindMean, alpha, []stats.Stratum{{Epoch: 1, Share: c.treatment, Control: arms[0].moments(third), Treatment: arms[1].moments(third)}})
					if c.Bound > 0 && c.LogETwoSided >= c.Bound {
						return true
					}
				}
				return false
			}), lives, alpha)
		})
	}
}

// TestBalanceHolds: sound covariates with a heavy tail and many zeros are not
// accused, in equal arms and in unequal ones.
func TestBalanceHolds(t *testing.T) {
	const looks, alpha = 40, 0.01
	lives := fewer(2000)
	for _, treatment := range []float64{0.5, 0.1} {
		t.Run(fmt.Sprint(treatment), func(t *testing.T) {
			t.Parallel()
			e := weighted(t, treatment)
			sound(t, alarms(lives, func(rng *rand.Rand) bool {
				var arms [2]running
				for range looks {
					for range 100 {
						x := 0.0
						if rng.IntN(3) == 0 {
							x = math.Exp(1.2 * rng.NormFloat64())
						}
						a := 0
						if rng.Float64() < treatment {
							a = 1
						}
						arms[a].add(x, 1)
					}
					c := alikeBefore(e, 1, stats.KindMean, alpha, []stats.Stratum{{Epoch: 1, Share: treatment, Control: arms[0].moments(false), Treatment: arms[1].moments(false)}})
					if c.Bound > 0 && c.LogETwoSided >= c.Bound {
						return true
					}
				}
				return false
			}), lives, alpha)
		})
	}
}

// TestAlikeFinds: a difference is found, and one without any variance too; where
// there are no units or nothing to compare there is no answer.
func TestAlikeFinds(t *testing.T) {
	e := weighted(t, 0.5)
	of := func(n int64, mean, variance float64) stats.Moments { return stats.FromWarehouse(n, n, mean, variance) }
	for _, c := range []struct {
		name               string
		control, treatment stats.Moments
		found              bool
		status             stats.Status
	}{
		{"twice as often", of(1000, 1.5, 1), of(1000, 3, 4), true, stats.StatusOK},
		{"as often", of(1000, 1.5, 1), of(1000, 1.52, 1), false, stats.StatusOK},
		{"every one twice", of(300, 1, 0), of(300, 2, 0), true, stats.StatusUnweighed},
		{"every one once", of(300, 1, 0), of(300, 1, 0), false, stats.StatusNoVariance},
		{"few", of(3, 1, 0), of(3, 2, 0), false, stats.StatusTooFew},
		{"none", of(0, 0, 0), of(300, 2, 0), false, stats.StatusNoUnits},
	} {
		got := alike(e, 1, stats.KindMean, 0.01, []stats.Stratum{{Epoch: 1, Share: 0.5, Control: c.control, Treatment: c.treatment}})
		if found := got.Bound > 0 && got.LogETwoSided >= got.Bound; found != c.found || got.Status != c.status {
			t.Errorf("%s: found %v with %s (%s), ln E %g of %g", c.name, found, got.Status, got.Note, got.LogETwoSided, got.Bound)
		}
	}
}

// week is the volume of first exposures of a product by hour: nights at a
// twentieth of noon, weekends at so much of a working day, days that differ by
// chance, fewer new units every day, and a holiday that is like a Sunday.
type week struct {
	daily, weekend, decay, noise float64
	days                         int
}

func (w week) hours(rng *rand.Rand) []dayCell {
	var out []dayCell
	var total float64
	shape := func(h int) float64 { return 0.05 + 0.475*(1-math.Cos(2*math.Pi*float64(h-3)/24)) }
	for h := range 24 {
		total += shape(h)
	}
	for d := range w.days {
		volume := w.daily * math.Pow(w.decay, float64(d)) * math.Exp(w.noise*rng.NormFloat64())
		if d%7 >= 5 || d == 16 { // a Wednesday
			volume *= w.weekend
		}
		for h := range 24 {
			mean := volume * shape(h) / total * math.Exp(0.2*rng.NormFloat64())
			n := int64(math.Max(0, math.Round(mean+math.Sqrt(mean)*rng.NormFloat64())))
			out = append(out, dayCell{started.Add(time.Duration(24*d+h) * time.Hour), 0, []int64{n / 2, n - n/2}})
		}
	}
	return out
}

// volumeOf is what a look says of the volume up to an instant.
func volumeOf(at *vantage, all []dayCell, asOf time.Time) *evidence {
	at.asOf = asOf
	ev := newEvidence(at)
	ev.hourly = slices.DeleteFunc(slices.Clone(all), func(c dayCell) bool { return !c.day.Before(asOf) })
	newest := asOf.Add(-time.Minute)
	ev.health.NewestExposure = &newest
	g := &gatherer{at: at, ev: ev}
	g.missingDays()
	g.collapse()
	return ev
}

func troubles(ev *evidence) string {
	var codes []string
	for _, t := range ev.stale {
		codes = append(codes, t.Code)
	}
	return strings.Join(codes, " ")
}

// longRun is the standing of an experiment of five weeks.
func longRun(t *testing.T) *vantage {
	t.Helper()
	p, e := small(t, "rank", func(e *spec.Experiment) { e.Duration = spec.Duration{Duration: 35 * 24 * time.Hour} })
	e.Start = spec.Instant{Time: started}
	return standingAt(t, openLedger(t), p, e, Options{AsOf: hours(24)})
}

// TestVolumeHolds: looks at every hour for five weeks never take a night, a
// weekend or a holiday for a collapse, where a weekend has a twentieth of a
// working day and new units become fewer by a third every day.
func TestVolumeHolds(t *testing.T) {
	at := longRun(t)
	looks, judged := 0, 0
	for life := range fewer(60) {
		rng := rand.New(rand.NewPCG(uint64(life), 5))
		w := week{
			daily: math.Exp(5 + 6*rng.Float64()), weekend: []float64{1, 0.4, 0.05}[life%3],
			decay: []float64{1, 0.97, 0.67}[life/3%3], noise: []float64{0.1, 0.3}[life%2], days: 35,
		}
		all := w.hours(rng)
		for h := 24; h < 35*24; h += 3 {
			ev := volumeOf(at, all, hours(float64(h)))
			looks++
			g := &gatherer{at: at, ev: ev}
			if _, _, ok := g.compared(hours(float64(h-6)), hours(float64(h))); ok {
				judged++
			}
			if codes := troubles(ev); codes != "" || len(ev.findings) > 0 {
				t.Fatalf("life %d %+v, hour %d: %s %v", life, w, h, codes, ev.findings)
			}
		}
	}
	t.Logf("%d looks, %d of them with enough units to judge the last hours", looks, judged)
	if judged < looks/10 {
		t.Errorf("only %d of %d looks could judge", judged, looks)
	}
}

// TestVolumeFinds: a day that is not in the table and hours with hardly any
// exposure hold.
func TestVolumeFinds(t *testing.T) {
	at := longRun(t)
	all := week{daily: 20000, weekend: 0.3, decay: 1, noise: 0.1, days: 35}.hours(rand.New(rand.NewPCG(1, 1)))
	gone := slices.Clone(all)
	day := hours(15 * 24)
	for i, c := range gone {
		if !c.day.Before(day) && c.day.Before(day.Add(24*time.Hour)) {
			gone[i].units = []int64{0, 0}
		}
	}
	for _, c := range []struct {
		cells []dayCell
		hour  float64
		want  string
		found int
	}{
		{all, 15*24 + 20, "", 0},
		{gone, 15*24 + 20, "exposures_collapsed", 1},
		{gone, 17 * 24, "missing_day", 1},
		{gone, 21 * 24, "", 1}, // told, and no longer a reason to hold
	} {
		if ev := volumeOf(at, c.cells, hours(c.hour)); troubles(ev) != c.want || len(ev.findings) != c.found {
			t.Errorf("hour %g: %q %v, want %q", c.hour, troubles(ev), ev.findings, c.want)
		}
	}
	at.epochs = []epoch{{start: started, settled: started, allocation: half(1)}, {start: hours(15 * 24), settled: hours(15 * 24), allocation: half(0.05)}}
	fewer := slices.Clone(all)
	for i, c := range fewer {
		if !c.day.Before(hours(15 * 24)) {
			fewer[i].units = []int64{c.units[0] / 20, c.units[1] / 20}
		}
	}
	if ev := volumeOf(at, fewer, hours(15*24+20)); troubles(ev) != "" {
		t.Errorf("a smaller coverage is no collapse: %v", ev.findings)
	}
}

// TestLoss: units that the look before had must be there.
func TestLoss(t *testing.T) {
	at := longRun(t)
	at.asOf = hours(48)
	at.previous = &ledger.Look{AsOf: hours(24), Digest: at.digest, Epochs: []ledger.Epoch{{Start: started}}, Health: ledger.Health{
		Units: 5000, Sources: []ledger.SourceHealth{{Source: "responses", Present: []int64{2000, 2000}}},
	}}
	for _, c := range []struct {
		units, present int64
		want           string
	}{{5100, 4000, ""}, {4990, 4000, ""}, {4900, 4000, "exposures_lost"}, {5100, 3500, "facts_lost"}} {
		ev := newEvidence(at)
		ev.health.Units, ev.health.Sources = c.units, []ledger.SourceHealth{{Source: "responses", Present: []int64{c.present / 2, c.present / 2}}}
		g := &gatherer{at: at, ev: ev}
		g.lostExposures()
		g.sourceVolume()
		if troubles(ev) != c.want {
			t.Errorf("%d units, %d with facts: %q, want %q", c.units, c.present, troubles(ev), c.want)
		}
	}
}

// strange is a warehouse whose exposures have everything wrong.
func strange(t *testing.T, statements string) connectors.Warehouse {
	t.Helper()
	wh, err := connectors.Open(t.Context(), spec.Warehouse{Type: "duckdb", Threads: 1}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = wh.Close() })
	return stocked{wh, `
CREATE TEMP TABLE exposures AS
SELECT 'u' || i AS user_id, TIMESTAMP '2026-11-01' + to_seconds(60 * i) AS exposed_at, 'rank' AS experiment_id,
  CASE WHEN hash(i) % 2 = 0 THEN 'control' ELSE 'treatment' END AS variation_id
FROM range(5000) AS t(i);
CREATE TEMP TABLE responses AS
SELECT user_id, exposed_at + INTERVAL 1 HOUR AS ts, false AS failed, CAST(100 AS DOUBLE) AS latency_ms FROM exposures;` + statements}
}

// stray takes a look at the third day.
func stray(t *testing.T, statements string, change func(*spec.Project, *spec.Experiment, *vantage)) *evidence {
	t.Helper()
	p, e := small(t, "rank")
	e.PlannedUnits = 5000
	l := openLedger(t)
	at := standingAt(t, l, p, e, Options{AsOf: hours(72)})
	if change != nil {
		change(p, e, at)
	}
	ev, err := newJob(t, p, l, strange(t, statements)).gather(t.Context(), at)
	if err != nil || ev.failure != nil {
		t.Fatal(err, ev.failure)
	}
	return ev
}

func found(ev *evidence, code string) string {
	for _, f := range ev.findings {
		if f.Code == code {
			return f.Text
		}
	}
	return ""
}

// TestHealthyTraffic: nothing is said of exposures that are as they should be.
func TestHealthyTraffic(t *testing.T) {
	if ev := stray(t, "", nil); len(ev.findings) > 0 {
		t.Error(ev.findings)
	}
}

// TestMissingIdentifier: exposures without one are counted by variation, since
// when, and with what they would do.
func TestMissingIdentifier(t *testing.T) {
	ev := stray(t, `
INSERT INTO exposures SELECT NULL, TIMESTAMP '2026-11-02 07:30' + to_seconds(i), 'rank', CASE WHEN i = 0 THEN 'treatment' ELSE 'control' END FROM range(500) AS t(i);`, nil)
	text := found(ev, "null_identifiers")
	for _, part := range []string{"500 exposures carry no identifier (control 499, treatment 1), since 2026-11-02 07:30Z", "Nearly all of them are in control", "instead of"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q does not say %q", text, part)
		}
	}
}

// TestSeveralVariations: units that changed arm with a change of weights are told
// from those that come and go.
func TestSeveralVariations(t *testing.T) {
	changed := func(_ *spec.Project, _ *spec.Experiment, at *vantage) {
		at.epochs = []epoch{{start: started, settled: started, allocation: half(1)}, {start: hours(24), settled: hours(24), allocation: divided(1, 0.6)}}
	}
	ev := stray(t, `
INSERT INTO exposures SELECT user_id, TIMESTAMP '2026-11-02 00:30', 'rank', 'treatment' FROM exposures
WHERE variation_id = 'control' AND exposed_at < TIMESTAMP '2026-11-01 03:00';`, changed)
	text := found(ev, "multiple_exposure")
	for _, part := range []string{"In control and treatment", "had been in two by 2026-11-02 00:30Z", "It began with the change of weights of 2026-11-02 00:00Z"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q does not say %q", text, part)
		}
	}
	ev = stray(t, `
INSERT INTO exposures SELECT user_id, exposed_at + INTERVAL 5 MINUTE, 'rank', 'treatment' FROM exposures
WHERE variation_id = 'control' AND hash(user_id) % 10 = 0;`, changed)
	if text := found(ev, "multiple_exposure"); text == "" || strings.Contains(text, "It began with") {
		t.Errorf("%q: it began with no change", text)
	}
}

// TestUnknownSince: an undeclared variation is told with its first exposure.
func TestUnknownSince(t *testing.T) {
	ev := stray(t, `
INSERT INTO exposures SELECT 'x' || i, TIMESTAMP '2026-11-02 09:15' + to_seconds(i), 'rank', '100%' FROM range(300) AS t(i);`, nil)
	if text := found(ev, "unknown_variation"); !strings.Contains(text, "(100%). They are logged since 2026-11-02 09:15Z.") {
		t.Error(text)
	}
}

// TestRepeatedExposures: one arm logs twice, and the split is not touched.
func TestRepeatedExposures(t *testing.T) {
	ev := stray(t, `
INSERT INTO exposures SELECT user_id, exposed_at + INTERVAL 5 MINUTE, 'rank', variation_id FROM exposures WHERE variation_id = 'treatment' AND hash(user_id || 'x') % 3 = 0;`, nil)
	if text := found(ev, "repeats_differ"); !strings.Contains(text, "Units of treatment are exposed 1.3") {
		t.Error(text, ev.health.Traffic)
	}
	if c := ev.health.Traffic.Causes; len(c) != 1 || c[0].Code != "repeats" {
		t.Errorf("%+v", c)
	}
}

// TestUnbalanced: what was different before anybody was exposed is found, and
// what was not is not.
func TestUnbalanced(t *testing.T) {
	facts := `
INSERT INTO responses SELECT user_id, exposed_at - INTERVAL 1 DAY, false, 50 + hash(user_id || 'y') %% 100 + CASE WHEN variation_id = 'treatment' THEN %d ELSE 0 END FROM exposures;`
	covariate := func(p *spec.Project, _ *spec.Experiment, _ *vantage) {
		m := p.Config.Metrics["latency"]
		m.Covariate = spec.Duration{Duration: 7 * 24 * time.Hour}
		p.Config.Metrics["latency"] = m
	}
	for extra, want := range map[int]bool{0: false, 20: true} {
		ev := stray(t, fmt.Sprintf(facts, extra), covariate)
		if text := found(ev, "pre_exposure_differs"); (text != "") != want {
			t.Errorf("%d: %q %+v", extra, text, ev.health.Traffic)
		}
		if n := len(ev.health.Traffic.Balance); n != 1 {
			t.Errorf("%d checks", n)
		}
	}
}

// TestSinceHour: a deployment that loses units is dated to its hour.
func TestSinceHour(t *testing.T) {
	ev := stray(t, `
DELETE FROM exposures WHERE variation_id = 'treatment' AND exposed_at >= TIMESTAMP '2026-11-02 14:00' AND hash(user_id || 'z') % 10 > 0;`, nil)
	since := ev.health.SampleRatio[0].Since
	if since == nil || since.Hour == nil {
		t.Fatalf("%+v", ev.health.SampleRatio[0])
	}
	if hours(38).Before(*since.EarliestHour) || hours(38).After(*since.LatestHour) || since.LatestHour.Sub(*since.EarliestHour) > 6*time.Hour {
		t.Errorf("since %v, between %v and %v", since.Hour, since.EarliestHour, since.LatestHour)
	}
	var codes []string
	for _, c := range ev.health.Traffic.Causes {
		codes = append(codes, c.Code)
	}
	if !slices.Equal(codes, []string{"since_hour", "loss"}) {
		t.Error(codes)
	}
}

// TestCauses: each pattern of a broken split names what usually makes it.
func TestCauses(t *testing.T) {
	at := longRun(t)
	check := func(control, treatment int64, off bool) stats.SampleRatio {
		return stats.SampleRatio{Status: stats.StatusOK, Counts: []int64{control, treatment}, Expected: []float64{0.5, 0.5}, Detected: off, Failed: off}
	}
	value := func(name string, off bool) slice { return slice{"platform", name, check(5000, 4000, off)} }
	later, from := hours(80), hours(72)
	for _, c := range []struct {
		name    string
		overall stats.SampleRatio
		since   *ledger.RatioSince
		slices  []slice
		extra   []ledger.RatioCheck
		want    string
	}{
		{"sound", check(5000, 5000, false), nil, []slice{value("ios", false)}, nil, ""},
		{"one platform", check(10000, 9000, true), nil, []slice{value("ios", true), value("web", false)}, nil, "one_slice"},
		{"one platform, not seen overall", check(10000, 9900, false), nil, []slice{value("ios", true), value("web", false)}, nil, "one_slice"},
		{"every platform", check(10000, 8000, true), nil, []slice{value("ios", true), value("web", true)}, nil, "all_slices"},
		{"from the first day", check(10000, 8000, true), &ledger.RatioSince{RatioChange: stats.RatioChange{Status: stats.ChangeFound}}, nil, nil, "from_start"},
		{"a crash", check(10000, 8000, true), &ledger.RatioSince{
			RatioChange: stats.RatioChange{Status: stats.ChangeFound, From: 3, Since: &stats.RatioGroup{Counts: []int64{500, 300}, Expected: []float64{0.5, 0.5}}}, Day: from, Hour: &later,
		}, nil, nil, "since_hour loss"},
		{"control is short, and it is over", check(8000, 10000, true), &ledger.RatioSince{
			RatioChange: stats.RatioChange{Status: stats.ChangeFound, From: 3, Since: &stats.RatioGroup{Counts: []int64{300, 500}, Expected: []float64{0.5, 0.5}}}, Day: from, Until: &later,
		}, nil, nil, "since_hour gain over"},
		{"cannot be told", check(10000, 8000, true), &ledger.RatioSince{RatioChange: stats.RatioChange{Status: stats.ChangeTooFew}}, nil, nil, ""},
		{"activation", check(5000, 5000, false), nil, nil, []ledger.RatioCheck{{Slice: "activated", SampleRatio: check(900, 500, true)}}, "activation"},
	} {
		g := &gatherer{at: at, ev: newEvidence(at)}
		g.ev.slices = c.slices
		g.ev.health.SampleRatio = append([]ledger.RatioCheck{{Slice: "overall", SampleRatio: c.overall, Since: c.since}}, c.extra...)
		g.ratioCauses()
		var codes []string
		if tr := g.ev.health.Traffic; tr != nil {
			for _, cause := range tr.Causes {
				codes = append(codes, cause.Code)
			}
		}
		if got := strings.Join(codes, " "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
