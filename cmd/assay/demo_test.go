package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/decide"
	"assay/ledger"
	"assay/stats"
)

// demoWorld is a folder in which the demo ran.
type demoWorld struct {
	t                    *testing.T
	bin, dir             string
	looks                map[string][]ledger.Look // by experiment, oldest first
	tally                []tallied
	exposures, responses int64
	flags                string
}

// tallied is what the demo counted row by row for one variation as of a day.
type tallied struct {
	AsOf       time.Time `json:"asOf"`
	Experiment string    `json:"experiment"`
	Variation  string    `json:"variation"`
	Units      float64   `json:"units"`
	Errors     float64   `json:"errors"`
	Unsafe     float64   `json:"unsafe"`
}

// newDemoWorld builds both programs.
func newDemoWorld(t *testing.T) *demoWorld {
	t.Helper()
	if testing.Short() {
		t.Skip("the demo takes half a minute; -short leaves it out")
	}
	w := &demoWorld{t: t, bin: t.TempDir(), dir: filepath.Join(t.TempDir(), "demo")}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", w.bin+string(filepath.Separator), "assay/cmd/assay", "assay/cmd/demo")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return w
}

// live runs some days.
func (w *demoWorld) live(from, days int) {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), filepath.Join(w.bin, "demo"), "--assay", filepath.Join(w.bin, "assay"),
		"--dir", w.dir, "--project", "../../testdata/demo", "--from", fmt.Sprint(from), "--days", fmt.Sprint(days))
	if out, err := cmd.CombinedOutput(); err != nil {
		w.t.Fatalf("%v\n%s", err, out)
	}
	w.read()
}

// read takes in all that the days left behind.
func (w *demoWorld) read() {
	w.t.Helper()
	w.looks = map[string][]ledger.Look{}
	pages, err := filepath.Glob(filepath.Join(w.dir, "report", "*", "looks", "*.json"))
	if err != nil || len(pages) == 0 {
		w.t.Fatalf("no looks: %v", err)
	}
	slices.Sort(pages)
	for _, page := range pages {
		var look ledger.Look
		w.load(page, &look)
		w.looks[look.Experiment] = append(w.looks[look.Experiment], look)
	}
	w.load(filepath.Join(w.dir, "tally.json"), &w.tally)
	w.exposures, w.responses = w.count("exposures"), w.count("responses")
	if err := ledger.Verify(filepath.Join(w.dir, "ledger.jsonl")); err != nil {
		w.t.Error(err)
	}
	flags, err := os.ReadFile(filepath.Join(w.dir, "flags.json"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.flags = string(flags)
}

func (w *demoWorld) load(path string, into any) {
	w.t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		w.t.Fatalf("%s: %v", path, err)
	}
}

// count counts rows of a table of the warehouse.
func (w *demoWorld) count(table string) (n int64) {
	w.t.Helper()
	db, err := sql.Open("duckdb", filepath.Join(w.dir, "warehouse.duckdb")+"?access_mode=read_only")
	if err == nil {
		err = db.QueryRowContext(w.t.Context(), "SELECT count(*) FROM "+table).Scan(&n)
		_ = db.Close()
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// counted are the events of the two arms as of a look, by the tally.
func (w *demoWorld) counted(look ledger.Look, events func(tallied) float64) (treatment, control, units float64) {
	for _, c := range w.tally {
		if c.Experiment != look.Experiment || !c.AsOf.Equal(look.AsOf) {
			continue
		}
		units += c.Units
		if c.Variation == "control" {
			control = events(c)
		} else {
			treatment = events(c)
		}
	}
	return treatment, control, units
}

// eProcess is the one-sided conditional binomial e-value written down anew: of
// the events of two equal arms some carry the label treatment, each with
// probability theta; the null is a rate ratio of at most 1 + margin. The prior is
// Beta(k theta0, k (1 - theta0)) cut off at theta0, with k tuned to the events
// planned. Integrated by Simpson's rule over the log odds.
func eProcess(treatment, control, margin, alpha, planned float64) float64 {
	theta0 := (1 + margin) / (2 + margin)
	l := -math.Log(2 * alpha)
	rho2 := (2*l + math.Log1p(2*l)) / max(planned, 1)
	k := max(1, 1/rho2-1)
	a, b := k*theta0, k*(1-theta0)
	from := math.Log(theta0 / (1 - theta0))
	// d theta = theta (1 - theta) d logit.
	logPrior := func(x float64) float64 { return -a*math.Log1p(math.Exp(-x)) - b*math.Log1p(math.Exp(x)) }
	top := logPrior(from)
	ratio := func(x float64) float64 {
		return math.Exp(treatment*(-math.Log(theta0)-math.Log1p(math.Exp(-x))) + control*(-math.Log(1-theta0)-math.Log1p(math.Exp(x))))
	}
	const steps, width = 400_000, 40.0
	var above, mass float64
	for i := range steps + 1 {
		weight := 2.0
		if i%2 == 1 {
			weight = 4
		}
		if i == 0 || i == steps {
			weight = 1
		}
		x := from + width*float64(i)/steps
		p := weight * math.Exp(logPrior(x)-top)
		mass += p
		above += p * ratio(x)
	}
	return above / mass
}

// firstRollback is the position of the first look that rolls back; -1 = none does.
func firstRollback(looks []ledger.Look) int {
	return slices.IndexFunc(looks, func(l ledger.Look) bool { return l.Decision.Verdict == decide.Rollback })
}

// TestDemo lives the fourteen days of the demo and holds every story to what
// was counted outside of assay.
func TestDemo(t *testing.T) {
	w := newDemoWorld(t)
	w.live(1, 14)
	if w.exposures < 190_000 || w.exposures > 215_000 || w.responses < 950_000 || w.responses > 1_080_000 {
		t.Errorf("%d exposures and %d responses, want about 200,000 and 1,000,000", w.exposures, w.responses)
	}
	for name, looks := range w.looks {
		if len(looks) != 14 {
			t.Errorf("%d looks at %s, want 14", len(looks), name)
		}
	}
	t.Run("boundaries", w.boundaries)
	t.Run("answer-v2", w.answer)
	t.Run("summary-tone", w.summary)
	t.Run("search-rerank", w.search)
	t.Run("onboarding-split", w.onboarding)
	t.Run("safety-filter", w.safetyFilter)
	t.Run("safety-copy", w.safetyCopy)
	t.Run("again", w.again)
}

// counts is the exact spending test written down anew, event by event: the law
// of the number of events of treatment among all, of which each is one with
// probability theta if harm is just the margin, as long as no look has stopped.
type counts struct {
	law    []float64
	events int
	spent  float64
}

// least is the number of events of treatment from which a look that brings the
// total to events establishes harm, when may is the error spent by then.
func (c *counts) least(events int, theta, may float64) int {
	for ; c.events < events; c.events++ {
		next := make([]float64, len(c.law)+1)
		for k, p := range c.law {
			next[k] += p * (1 - theta)
			next[k+1] += p * theta
		}
		c.law = next
	}
	at, tail := len(c.law), 0.0
	for at > 0 && tail+c.law[at-1] <= may-c.spent {
		at--
		tail += c.law[at]
	}
	clear(c.law[at:])
	c.spent += tail
	return at
}

// harmfulUntil checks that a guardrail of three rolls back at the first look at
// which the independent exact test establishes harm, with the same boundary at
// every look until then, and that the e-value beside it is right.
func (w *demoWorld) harmfulUntil(t *testing.T, name, metric string, margin, planned float64, events func(tallied) float64) ledger.Look {
	t.Helper()
	const alpha = 0.05 / 3
	looks := w.looks[name]
	at := firstRollback(looks)
	if at < 0 {
		t.Fatalf("%s is never rolled back", name)
	}
	test := counts{law: []float64{1}}
	for _, look := range looks[:at+1] {
		treated, control, _ := w.counted(look, events)
		time := look.AsOf.Sub(look.Spec.Start).Hours() / look.Spec.End.Sub(look.Spec.Start).Hours()
		may := alpha * (1 - math.Pow(1-time, 1.25))
		i := slices.IndexFunc(look.Metrics, func(m ledger.MetricResult) bool { return m.Name == metric })
		versus := look.Metrics[i].Comparisons[0]
		harmed := false
		if total := int(treated + control); total > test.events {
			least := test.least(total, (1+margin)/(2+margin), may)
			harmed = int(treated) >= least
			if got := int(versus.Look.Least); got != least && (got != 0 || least <= total) || math.Abs(versus.Look.Spent-test.spent) > 1e-9 {
				t.Errorf("as of %s harm from %d events with %g spent, want %d with %g", look.AsOf, got, versus.Look.Spent, least, test.spent)
			}
		}
		if harmed != (look.Decision.Verdict == decide.Rollback) {
			t.Errorf("as of %s: %g v %g, and the verdict %s", look.AsOf, treated, control, look.Decision.Verdict)
		}
		e := eProcess(treated, control, margin, alpha, planned)
		if treated+control > 0 && math.Abs(versus.LogE-math.Log(e)) > 1e-6 {
			t.Errorf("as of %s the log e-value of %s is %g, want %g from %g v %g", look.AsOf, metric, versus.LogE, math.Log(e), treated, control)
		}
	}
	if r := looks[at].Decision.Reasons[0]; r.Metric != metric || r.Code != "guardrail_harmed" {
		t.Errorf("rolled back for %+v", r)
	}
	for _, look := range looks[at+1:] {
		if look.Decision.Verdict != decide.Hold || look.Decision.Reasons[0].Code != "already_decided" || len(look.Deliveries) > 0 {
			t.Errorf("as of %s: %s %s after the rollback", look.AsOf, look.Decision.Verdict, look.Decision.Reasons[0].Code)
		}
	}
	if got, err := jsonValue(w.flags, "flags."+name+".weights"); got != `{"control":1,"treatment":0}` || err != nil {
		t.Errorf("the flag of %s has the weights %s (%v)", name, got, err)
	}
	return looks[at]
}

// boundaries takes every look that spent error from what the ledger kept before
// it, and wants the same boundary, bit for bit.
func (w *demoWorld) boundaries(t *testing.T) {
	methods := map[stats.Method]int{}
	for _, looks := range w.looks {
		for _, look := range looks {
			for _, m := range look.Metrics {
				for _, v := range m.Comparisons {
					if n := len(v.Looks); n > 0 && v.Look.Time == v.Looks[n-1].Time && !v.Look.Held {
						methods[v.Design.Method]++
						again, why := stats.NextLook(v.Design, v.Looks[:n-1], v.Look.Time, w.strata(look, m, v))
						if why != "" || !reflect.DeepEqual(again, v.Looks[n-1]) {
							t.Errorf("%s %s as of %s: %+v, then %+v %s", look.Experiment, m.Name, look.AsOf, v.Looks[n-1], again, why)
						}
					}
				}
			}
		}
	}
	if methods[stats.MethodCalibrated] < 50 || methods[stats.MethodExactSpending] < 50 {
		t.Errorf("looks that spent error: %v", methods)
	}
}

// strata are the epochs of a comparison as the ledger has them: with the split
// that was meant, or the observed one where the sample ratio fails.
func (w *demoWorld) strata(look ledger.Look, m ledger.MetricResult, v ledger.Versus) []stats.Stratum {
	var out []stats.Stratum
	broken := look.Health.SampleRatio[0].Detected
	for _, e := range look.Epochs {
		s := stats.Stratum{Epoch: e.Index, Share: 0.5}
		if broken && e.Units[0] > 0 && e.Units[1] > 0 {
			s.Share = float64(e.Units[1]) / float64(e.Units[1]+e.Units[0])
		}
		for _, a := range m.Arms {
			if a.Epoch == e.Index && a.Variation == v.Variation {
				s.Treatment = a.Moments
			} else if a.Epoch == e.Index {
				s.Control = a.Moments
			}
		}
		if _, sole := e.Allocation.Sole(); !sole {
			out = append(out, s)
		}
	}
	return out
}

func (w *demoWorld) answer(t *testing.T) {
	look := w.harmfulUntil(t, "answer-v2", "error_rate", 0.1, 42_000*0.04, func(c tallied) float64 { return c.Errors })
	if look.Allocation.Coverage >= 0.5 {
		t.Errorf("rolled back at a coverage of %g", look.Allocation.Coverage)
	}
}

func (w *demoWorld) safetyFilter(t *testing.T) {
	unsafe := func(c tallied) float64 { return c.Unsafe }
	w.harmfulUntil(t, "safety-filter", "unsafe_rate", 0, 17_000*0.0005, unsafe)
	looks := w.looks["safety-filter"]
	if treated, control, _ := w.counted(looks[len(looks)-1], unsafe); treated != 20 || control != 0 {
		t.Errorf("%g v %g unsafe, want 20 v 0", treated, control)
	}
}

func (w *demoWorld) safetyCopy(t *testing.T) {
	looks := w.looks["safety-copy"]
	if at := firstRollback(looks); at >= 0 {
		t.Errorf("rolled back as of %s", looks[at].AsOf)
	}
	if treated, control, _ := w.counted(looks[len(looks)-1], func(c tallied) float64 { return c.Unsafe }); treated != 3 || control != 0 {
		t.Errorf("%g v %g unsafe, want 3 v 0", treated, control)
	}
}

func (w *demoWorld) summary(t *testing.T) {
	looks := w.looks["summary-tone"]
	for i, want := range []float64{0.1, 0.25, 0.5, 0.75, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1} {
		look := looks[i]
		if look.Allocation.Coverage != want {
			t.Errorf("as of %s the coverage is %g, want %g", look.AsOf, look.Allocation.Coverage, want)
		}
		verdict := decide.Continue
		switch {
		case i < 4:
			verdict = decide.Ramp
		case i == 13:
			verdict = decide.Ship
		}
		if look.Decision.Verdict != verdict {
			t.Errorf("as of %s: %s, want %s", look.AsOf, look.Decision.Verdict, verdict)
		}
	}
	if last := looks[13]; !last.AsOf.Equal(time.Date(2026, 11, 15, 0, 0, 0, 0, time.UTC)) || last.Decision.Winner != "treatment" {
		t.Errorf("shipped %s as of %s", last.Decision.Winner, last.AsOf)
	}
}

func (w *demoWorld) search(t *testing.T) {
	looks := w.looks["search-rerank"]
	for _, look := range looks {
		if look.Decision.Verdict != decide.Hold || look.Decision.Reasons[0].Code != "source_blind" || len(look.Deliveries) > 0 {
			t.Errorf("as of %s: %s %s", look.AsOf, look.Decision.Verdict, look.Decision.Reasons[0].Code)
		}
	}
	last := looks[len(looks)-1]
	if _, _, units := w.counted(last, func(tallied) float64 { return 0 }); last.Health.Units != 38_919 || units != 38_919 {
		t.Errorf("%d units, by the tally %g, want 38,919", last.Health.Units, units)
	}
	if a := last.Health.Sources[0].Alignment; !strings.HasPrefix(a.UnitShape, "u-9") || !strings.HasPrefix(a.FactShape, "acct-9") {
		t.Errorf("shapes %q and %q", a.UnitShape, a.FactShape)
	}
}

func (w *demoWorld) onboarding(t *testing.T) {
	looks := w.looks["onboarding-split"]
	last := looks[len(looks)-1]
	if last.Decision.Verdict != decide.Hold || last.Decision.Reasons[0].Code != "sample_ratio" {
		t.Errorf("%s %s", last.Decision.Verdict, last.Decision.Reasons[0].Code)
	}
	if share := float64(last.Health.ByVariation[1]) / float64(last.Health.Units); math.Abs(share-0.53) > 0.01 {
		t.Errorf("treatment has %g of the units, want about 0.53", share)
	}
	if at := firstRollback(looks); at >= 0 {
		t.Errorf("a broken split looked like harm as of %s", looks[at].AsOf)
	}
}

// edit changes the flags file as a person does: text in the part of one flag.
func (w *demoWorld) edit(flag, from, to string) {
	w.t.Helper()
	before, after, ok := strings.Cut(w.flags, `"`+flag+`": {`)
	changed := strings.Replace(after, from, to, 1)
	if !ok || changed == after {
		w.t.Fatalf("no %s in the flag %s:\n%s", from, flag, w.flags)
	}
	if err := os.WriteFile(filepath.Join(w.dir, "flags.json"), []byte(before+`"`+flag+`": {`+changed), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// again runs the last look once more, with the flag store down: it is shown from
// the ledger, and nothing is sent.
func (w *demoWorld) again(t *testing.T) {
	path := filepath.Join(w.dir, "ledger.jsonl")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, more := range [][]string{nil, {"--refresh"}} {
		args := append([]string{"run", "--project", w.dir, "--as-of", "2026-11-15", "--now", "2026-11-15T00:02:00Z"}, more...)
		cmd := exec.CommandContext(t.Context(), filepath.Join(w.bin, "assay"), args...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("the ledger grew by %d bytes (%v)", len(after)-len(before), err)
	}
}

// TestDemoByHand edits a weight between two days: the next day's traffic
// follows, and the look sees who did it.
func TestDemoByHand(t *testing.T) {
	w := newDemoWorld(t)
	w.live(1, 3)
	before := w.looks["summary-tone"][2]
	w.edit("summary-tone", `"coverage": 0.75`, `"coverage": 0.08`)
	w.live(4, 1)
	look := w.looks["summary-tone"][3]
	if look.Allocation.Coverage != 0.08 || look.AllocationSource != "local" {
		t.Errorf("coverage %g from %s, want 0.08 from local", look.Allocation.Coverage, look.AllocationSource)
	}
	if p := look.Health.Problems; len(p) == 0 || p[0].Code != "conflict" {
		t.Errorf("problems %+v, want a conflict", p)
	}
	day := func(l ledger.Look, back int) int64 {
		d := l.Daily[len(l.Daily)-back]
		return d.Units[0] + d.Units[1]
	}
	if was, is := day(before, 1), day(look, 1); is*3 > was {
		t.Errorf("%d users on day 3 at half coverage, %d on day 4 at 8 %%", was, is)
	}
}
