package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"assay/connectors/flags/serve"
	"assay/spec"

	"github.com/google/go-cmp/cmp"
	"github.com/zeebo/xxh3"
)

// callLog names the file into which this test binary writes its arguments when
// it stands in for assay.
const callLog = "DEMO_TEST_CALL_LOG"

func TestMain(m *testing.M) {
	if path := os.Getenv(callLog); path != "" {
		os.Exit(standIn(path))
	}
	os.Exit(m.Run())
}

// standIn serves flags as assay does, or appends its arguments to a file and
// prints a line.
func standIn(path string) int {
	if os.Args[1] == "flags" {
		return standInServe(os.Args)
	}
	log, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return 3
	}
	if _, err := fmt.Fprintln(log, strings.Join(os.Args[1:], " ")); err != nil {
		return 3
	}
	fmt.Println("judged")
	if log.Close() != nil {
		return 3
	}
	return 0
}

// standInServe takes --file FILE first, and serves until it is stopped.
func standInServe(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	d := &demo{dir: filepath.Dir(args[slices.Index(args, "--file")+1])}
	s, err := d.serveHere(ctx, 0)
	if err != nil {
		return 3
	}
	fmt.Println("listening on " + s.url)
	<-ctx.Done()
	if s.stop() != nil {
		return 3
	}
	return 143
}

// ladder is the coverage of a rollout on each day when every look ramps.
func ladder(n int) int {
	rungs := []int{10_000, 25_000, 50_000, 75_000, 100_000}
	return rungs[min(n, len(rungs)-1)]
}

// split is a rule with the nested buckets of a coverage out of 100,000.
func split(flag string, covered int) *rule {
	half := uint64(covered / 2)
	return &rule{
		flag: flag, fallback: control, key: []keyPart{{text: flag}, {user: true}}, total: 100_000,
		buckets: []bucket{{treatment, half}, {uncovered, 100_000 - 2*half}, {control, half}},
	}
}

// everybody is a rule that serves control to everybody by a single bucket.
func everybody(flag string) *rule {
	return &rule{
		flag: flag, fallback: control, key: []keyPart{{text: flag}, {user: true}}, total: 100_000,
		buckets: []bucket{{control, 100_000}},
	}
}

// decided are the flags on day n along the path that the demo is made for:
// answer-v2 is rolled back at the first look, safety-filter at the third, the
// other rollouts climb a rung a day, the other experiments stay as they are.
func decided(n int) map[string]*rule {
	rules := map[string]*rule{
		"answer-v2":        split("answer-v2", ladder(n)),
		"summary-tone":     split("summary-tone", ladder(n)),
		"safety-copy":      split("safety-copy", ladder(n)),
		"search-rerank":    split("search-rerank", 100_000),
		"onboarding-split": split("onboarding-split", 100_000),
		"safety-filter":    split("safety-filter", 100_000),
	}
	if n >= 1 {
		rules["answer-v2"] = everybody("answer-v2")
	}
	if n >= 3 {
		rules["safety-filter"] = everybody("safety-filter")
	}
	return rules
}

// lived are all days along the decided path.
func lived(seed uint64) ([]*day, error) {
	p := newProduct(seed)
	days := make([]*day, lifetime)
	for n := range days {
		var err error
		if days[n], err = p.live(n, decided(n)); err != nil {
			return nil, err
		}
	}
	return days, nil
}

// usualDays is the fortnight that most tests read; none may change it.
var usualDays = sync.OnceValues(func() ([]*day, error) { return lived(defaultSeed) })

func fortnight(tb testing.TB) []*day {
	tb.Helper()
	days, err := usualDays()
	if err != nil {
		tb.Fatal(err)
	}
	return days
}

// digest is over every column of every row, in order.
func digest(d *day) uint64 {
	h := xxh3.New()
	hashRows(h, d.exposures, exposure.values)
	hashRows(h, d.conversations, conversation.values)
	hashRows(h, d.responses, response.values)
	hashRows(h, d.feedback, feedback.values)
	hashRows(h, d.searches, search.values)
	hashRows(h, d.accounts, func(a account, row []driver.Value) []driver.Value { return append(row, a.id, a.user) })
	return h.Sum64()
}

func hashRows[T any](h *xxh3.Hasher, rows []T, values func(T, []driver.Value) []driver.Value) {
	var row []driver.Value
	var text []byte
	for _, one := range rows {
		row, text = values(one, row[:0]), text[:0]
		for _, v := range row {
			if ts, ok := v.(time.Time); ok {
				v = ts.UnixNano()
			}
			text = append(fmt.Append(text, v), 0)
		}
		_, _ = h.Write(append(text, '\n'))
	}
}

func gather(days []*day) facts {
	var f facts
	for _, d := range days {
		f.exposures = append(f.exposures, d.exposures...)
		f.responses = append(f.responses, d.responses...)
	}
	return f
}

func find(tb testing.TB, counts []count, day int, experiment, variation string) count {
	tb.Helper()
	for _, c := range counts {
		if c.AsOf.Equal(dayStart(day)) && c.Experiment == experiment && c.Variation == variation {
			return c
		}
	}
	tb.Fatalf("no count for %s %s after day %d", experiment, variation, day)
	return count{}
}

func within(t *testing.T, what string, v, low, high float64) {
	t.Helper()
	if math.IsNaN(v) || v < low || v > high {
		t.Errorf("%s = %g, want %g to %g", what, v, low, high)
	}
}

func TestSizes(t *testing.T) {
	var exposures, responses, searches int
	began := time.Now()
	for _, d := range fortnight(t) {
		exposures += len(d.exposures)
		responses += len(d.responses)
		searches += len(d.searches)
	}
	t.Logf("%d exposures, %d responses, %d searches in %s", exposures, responses, searches, time.Since(began))
	within(t, "exposures", float64(exposures), 190_000, 210_000)
	within(t, "responses", float64(responses), 950_000, 1_050_000)
}

func TestFactsOfTheCast(t *testing.T) {
	counts := tally(gather(fortnight(t)), lifetime)
	for _, c := range counts {
		t.Logf("%s %-16s %-9s units %6d complete %6d errors %4d unsafe %2d multiple %d",
			c.AsOf.Format(time.DateOnly), c.Experiment, c.Variation, c.Units, c.Complete, c.Errors, c.Unsafe, c.Multiple)
		if c.Multiple != 0 {
			t.Errorf("%s: %d units of %s in several variations", c.Experiment, c.Multiple, c.Variation)
		}
	}
	last := func(experiment, variation string) count { return find(t, counts, lifetime, experiment, variation) }

	c, tr := last("search-rerank", control), last("search-rerank", treatment)
	if got := c.Units + tr.Units; got != 38_919 {
		t.Errorf("search-rerank exposes %d users, want 38919", got)
	}
	c, tr = last("onboarding-split", control), last("onboarding-split", treatment)
	within(t, "onboarding-split: share of treatment", float64(tr.Units)/float64(c.Units+tr.Units), 0.525, 0.535)

	for day, want := range map[int]int{1: 2, 2: 5, 3: 20, lifetime: 20} {
		if got := find(t, counts, day, "safety-filter", treatment).Unsafe; got != want {
			t.Errorf("safety-filter: %d unsafe in treatment after day %d, want %d", got, day, want)
		}
	}
	for day, want := range map[int]int{2: 0, 3: 1, 6: 2, 10: 3, lifetime: 3} {
		if got := find(t, counts, day, "safety-copy", treatment).Unsafe; got != want {
			t.Errorf("safety-copy: %d unsafe in treatment after day %d, want %d", got, day, want)
		}
	}
	for _, experiment := range []string{"safety-filter", "safety-copy"} {
		if got := last(experiment, control).Unsafe; got != 0 {
			t.Errorf("%s: %d unsafe in control, want none", experiment, got)
		}
	}
}

// TestSearchesNeverMeet holds the identifiers of searches against the exposed
// users, and the table accounts against both.
func TestSearchesNeverMeet(t *testing.T) {
	days := fortnight(t)
	exposed, owner := make(map[string]bool), make(map[string]string)
	for _, d := range days {
		for _, e := range d.exposures {
			if e.experiment == "search-rerank" {
				exposed[e.user] = true
			}
		}
		for _, a := range d.accounts {
			if owner[a.id] != "" {
				t.Fatalf("account %s has two users", a.id)
			}
			owner[a.id] = a.user
		}
	}
	for _, d := range days {
		for _, s := range d.searches {
			if exposed[s.account] || !exposed[owner[s.account]] {
				t.Fatalf("search by %s: want an account of an exposed user, and no user", s.account)
			}
		}
	}
	for _, d := range days {
		for _, r := range d.responses {
			if exposed[r.user] {
				t.Fatalf("response of the searching user %s", r.user)
			}
		}
	}
}

// TestAnswerErrors counts answer-v2 at its first look straight from the rows,
// by another route than the tally's.
func TestAnswerErrors(t *testing.T) {
	d := fortnight(t)[0]
	asOf := dayStart(1)
	failed := slices.DeleteFunc(slices.Clone(d.responses), func(r response) bool { return !r.failed })
	units, errors := make(map[string]int), make(map[string]int)
	for _, e := range d.exposures {
		if e.experiment != "answer-v2" || asOf.Sub(e.at) < 6*time.Hour {
			continue
		}
		units[e.variation]++
		for _, r := range failed {
			if r.user == e.user && !r.at.Before(e.at) && r.at.Sub(e.at) < 6*time.Hour {
				errors[e.variation]++
				break
			}
		}
	}
	counts := tally(gather([]*day{d}), 1)
	for _, variation := range []string{control, treatment} {
		c := find(t, counts, 1, "answer-v2", variation)
		if c.Complete != units[variation] || c.Errors != errors[variation] {
			t.Errorf("%s: tally says %d of %d, the rows say %d of %d",
				variation, c.Errors, c.Complete, errors[variation], units[variation])
		}
	}
	within(t, "error rate of control", float64(errors[control])/float64(units[control]), 0.03, 0.05)
	within(t, "error rate of treatment", float64(errors[treatment])/float64(units[treatment]), 0.10, 0.14)
}

// TestDriftIsShared finds a baseline that worsens over the days by the same
// amount in both arms of summary-tone.
func TestDriftIsShared(t *testing.T) {
	var early, late [2]float64 // by variation: share of failed visits
	for arm, variation := range []string{control, treatment} {
		s := summary()
		early[arm], late[arm] = s.on(0, variation).failing, s.on(lifetime-1, variation).failing
	}
	if diff := cmp.Diff([2]float64{0.03, 0.03}, early); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([2]float64{0.06, 0.06}, late); diff != "" {
		t.Error(diff)
	}
	counts := tally(gather(fortnight(t)), lifetime)
	for _, variation := range []string{control, treatment} {
		first, last := find(t, counts, 3, "summary-tone", variation), find(t, counts, lifetime, "summary-tone", variation)
		before := float64(first.Errors) / float64(first.Complete)
		after := float64(last.Errors-first.Errors) / float64(last.Complete-first.Complete)
		if after <= before {
			t.Errorf("%s: error rate %.4f up to day 3 and %.4f after it, want it to rise", variation, before, after)
		}
	}
}

func TestSameSeedSameRows(t *testing.T) {
	first := fortnight(t)
	second, err := lived(defaultSeed)
	if err != nil {
		t.Fatal(err)
	}
	for n := range first {
		if digest(first[n]) != digest(second[n]) {
			t.Errorf("day %d differs between two runs", n+1)
		}
	}
	for seed, same := range map[uint64]bool{defaultSeed: true, defaultSeed + 1: false} {
		alone, err := newProduct(seed).live(8, decided(8))
		if err != nil {
			t.Fatal(err)
		}
		if got := digest(alone) == digest(first[8]); got != same {
			t.Errorf("day 9 made alone with seed %d: same rows %v, want %v", seed, got, same)
		}
	}
}

// TestRowsStayOnTheirDay checks that a day's rows lie after the flags have
// settled and before midnight.
func TestRowsStayOnTheirDay(t *testing.T) {
	for n, d := range fortnight(t) {
		open, shut := dayStart(n).Add(15*time.Minute), dayStart(n+1)
		at := func(what string, ts time.Time) {
			if ts.Before(open) || !ts.Before(shut) {
				t.Fatalf("%s of day %d at %s", what, n+1, ts)
			}
		}
		for _, e := range d.exposures {
			at("exposure", e.at)
		}
		for _, r := range d.responses {
			at("response", r.at)
		}
		for _, f := range d.feedback {
			at("feedback", f.at)
		}
		for _, s := range d.searches {
			at("search", s.at)
		}
	}
}

func TestRule(t *testing.T) {
	const flagKey = `{"cat":[{"var":"$flagd.flagKey"},{"var":"targetingKey"}]}`
	variants := `"variants":{"treatment":1,"control":2,"uncovered":2},"defaultVariant":"control"`
	cases := []struct {
		name, flag string
		splits     bool
		want       map[string]float64 // share by variant
		problem    string
	}{
		{
			"ladder", `{"state":"ENABLED",` + variants + `,"targeting":{"fractional":[` + flagKey +
				`,["treatment",5000],["uncovered",90000],["control",5000]]}}`,
			true,
			map[string]float64{treatment: 0.05, uncovered: 0.9, control: 0.05},
			"",
		},
		{
			"behind a guard", `{` + variants + `,"targeting":{"if":[` + hasUnit + `,{"fractional":[["treatment",1],["control",1]]},"uncovered"]}}`,
			true,
			map[string]float64{treatment: 0.5, control: 0.5},
			"",
		},
		{"by hand, other total", `{` + variants + `,"targeting":{"fractional":[` + flagKey +
			`,["treatment",3],["control",1]]}}`, true, map[string]float64{treatment: 0.75, control: 0.25}, ""},
		{
			"no key, no weights", `{` + variants + `,"targeting":{"fractional":[["treatment"],["control"]]}}`,
			true,
			map[string]float64{treatment: 0.5, control: 0.5},
			"",
		},
		{
			"user alone is the key", `{` + variants + `,"targeting":{"fractional":[{"var":"targetingKey"},["treatment",1],["control",1]]}}`,
			true,
			map[string]float64{treatment: 0.5, control: 0.5},
			"",
		},
		{
			"all to one", `{` + variants + `,"targeting":{"fractional":[` + flagKey + `,["treatment",100000]]}}`,
			false,
			map[string]float64{treatment: 1},
			"",
		},
		{
			"zero weight", `{` + variants + `,"targeting":{"fractional":[["treatment",0],["control",7]]}}`,
			false,
			map[string]float64{control: 1},
			"",
		},
		{
			"all weights zero", `{` + variants + `,"targeting":{"fractional":[["treatment",0]]}}`,
			false,
			map[string]float64{control: 1},
			"",
		},
		{
			"disabled", `{"state":"DISABLED",` + variants + `,"targeting":{"fractional":[["treatment",1],["control",1]]}}`,
			false,
			map[string]float64{control: 1},
			"",
		},
		{"no targeting", `{` + variants + `}`, false, map[string]float64{control: 1}, ""},
		{"empty targeting", `{` + variants + `,"targeting":{}}`, false, map[string]float64{control: 1}, ""},
		{"null targeting", `{` + variants + `,"targeting":null}`, false, map[string]float64{control: 1}, ""},
		{"another rule", `{` + variants + `,"targeting":{"if":[true,"treatment"]}}`, false, nil, "not one fractional"},
		{"no variant", `{` + variants + `,"targeting":{"fractional":[["tretment",1]]}}`, false, nil, "no variant"},
		{"negative", `{` + variants + `,"targeting":{"fractional":[["treatment",-1]]}}`, false, nil, "bucket"},
		{"unknown key", `{` + variants + `,"targeting":{"fractional":[{"var":"email"},["treatment",1]]}}`, false, nil, "only"},
		{
			"too heavy", `{` + variants + `,"targeting":{"fractional":[["treatment",2147483647],["control",1]]}}`,
			false, nil, "more than",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { checkRule(t, c.flag, c.splits, c.want, c.problem) })
	}
}

func checkRule(t *testing.T, flag string, splits bool, want map[string]float64, problem string) {
	t.Helper()
	rules, err := readRules([]byte(`{"flags":{"f":` + flag + `}}`))
	if problem != "" {
		if err == nil || !strings.Contains(err.Error(), problem) {
			t.Fatalf("error %v, want one about %q", err, problem)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := rules["f"].splits(); got != splits {
		t.Errorf("splits = %v, want %v", got, splits)
	}
	const users = 20_000
	served := make(map[string]float64)
	for i := range users {
		served[rules["f"].serve(fmt.Sprintf("u-%06d", i))]++
	}
	for variant, n := range served {
		within(t, variant, n/users, want[variant]-0.012, want[variant]+0.012)
	}
	if len(served) != len(want) {
		t.Errorf("served %v, want %v", served, want)
	}
}

// TestRuleVectors pins single users to buckets worked out outside this program:
// MurmurHash3 x86 32-bit, seed 0, of the key "fu-1" and so on.
func TestRuleVectors(t *testing.T) {
	r := split("f", 50_000)
	for user, want := range ruleVectors() {
		if got := r.serve(user); got != want {
			t.Errorf("%s is served %s, want %s", user, got, want)
		}
	}
}

// TestHandEdit moves a weight in the file between two days and finds the next
// day's traffic moved.
func TestHandEdit(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	d := &demo{dir: dir, project: "../../testdata/demo", seed: defaultSeed, from: 1, days: 1, out: io.Discard, log: io.Discard}
	if err := d.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	edit(t, d.path("flags.json"), `"answer-v2": {`, `"coverage": 0.1,`, `"coverage": 0.9,`)
	d.from = 2
	if err := d.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	covered := func(n int) float64 {
		exposed := number(t, d.path("warehouse.duckdb"), `SELECT count(*) FROM exposures
			WHERE experiment_id = 'answer-v2' AND exposed_at >= ? AND exposed_at < ?`, n)
		all := number(t, d.path("warehouse.duckdb"), `SELECT count(*) FROM conversations
			WHERE user_id <= 'u-044000' AND started_at >= ? AND started_at < ?`, n)
		return exposed / all
	}
	within(t, "coverage of day 1", covered(0), 0.09, 0.11)
	within(t, "coverage of day 2", covered(1), 0.88, 0.92)
}

// edit replaces text in a flag's part of the file, the first time it is there.
func edit(t *testing.T, path, flag, from, to string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, after, ok := strings.Cut(string(text), flag)
	changed := strings.Replace(after, from, to, 1)
	if !ok || changed == after {
		t.Fatalf("nothing to replace in %s", flag)
	}
	if err := os.WriteFile(path, []byte(before+flag+changed), 0o644); err != nil {
		t.Fatal(err)
	}
}

// number is the answer of a query about day n.
func number(t *testing.T, path, query string, n int) float64 {
	t.Helper()
	db, err := sql.Open("duckdb", path+"?access_mode=READ_ONLY")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	var v float64
	if err := db.QueryRowContext(t.Context(), query, dayStart(n), dayStart(n+1)).Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestWarehouseHoldsTheRows writes days, one of them twice, and finds the same
// tally in the warehouse as in memory.
func TestWarehouseHoldsTheRows(t *testing.T) {
	days := fortnight(t)[:2]
	path := filepath.Join(t.TempDir(), "w.duckdb")
	for _, n := range []int{0, 1, 0} {
		if err := store(t.Context(), path, n, days[n]); err != nil {
			t.Fatal(err)
		}
	}
	back, err := readFacts(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(tally(gather(days), 2), tally(back, 2)); diff != "" {
		t.Errorf("tally (-memory +warehouse):\n%s", diff)
	}
	for n, d := range days {
		for query, want := range map[string]int{
			`SELECT count(*) FROM responses WHERE ts >= ? AND ts < ?`:                            len(d.responses),
			`SELECT count(DISTINCT response_id) FROM responses WHERE ts >= ? AND ts < ?`:         len(d.responses),
			`SELECT count(task_completed) FROM responses WHERE ts >= ? AND ts < ?`:               len(d.conversations),
			`SELECT count(*) FROM conversations WHERE started_at >= ? AND started_at < ?`:        len(d.conversations),
			`SELECT count(*) FROM feedback WHERE ts >= ? AND ts < ?`:                             len(d.feedback),
			`SELECT count(*) FROM searches WHERE ts >= ? AND ts < ?`:                             len(d.searches),
			`SELECT count(*) FROM accounts WHERE created_on >= ? AND created_on < ?`:             len(d.accounts),
			`SELECT count(*) FROM exposures WHERE exposed_at >= ? AND exposed_at < ?`:            len(d.exposures),
			`SELECT count(*) FROM responses WHERE thumbs_down AND ts >= ? AND ts < ?`:            thumbsDown(d),
			`SELECT sum(retries) FROM responses WHERE is_error AND ts >= ? AND ts < ?`:           retriesOfErrors(d),
			`SELECT count(*) FROM responses WHERE NOT isfinite(latency_ms) OR ts < ? OR ts >= ?`: offDay(days, n),
		} {
			if got := number(t, path, query, n); got != float64(want) {
				t.Errorf("day %d: %s = %g, want %d", n+1, query, got, want)
			}
		}
	}
}

func thumbsDown(d *day) (n int) {
	for _, f := range d.feedback {
		n += one(f.down)
	}
	return n
}

func retriesOfErrors(d *day) (n int) {
	for _, r := range d.responses {
		n += one(r.failed) * int(r.retries)
	}
	return n
}

// offDay is the number of responses on the other days.
func offDay(days []*day, n int) (rows int) {
	for other, d := range days {
		rows += one(other != n) * len(d.responses)
	}
	return rows
}

// TestLoop runs two days and a slice of one with a stand-in for assay.
func TestLoop(t *testing.T) {
	dir, calls := filepath.Join(t.TempDir(), "demo"), filepath.Join(t.TempDir(), "calls")
	t.Setenv(callLog, calls)
	var out strings.Builder
	d := &demo{
		assay: os.Args[0], dir: dir, project: "../../testdata/demo", seed: defaultSeed, from: 1, days: 2,
		out: &out, log: io.Discard,
	}
	if err := d.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.from, d.days = 3, 1
	if err := d.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(out.String(), "judged\n"); got != 3 {
		t.Errorf("%d lines of assay's output, want 3", got)
	}
	text, err := os.ReadFile(calls)
	if err != nil {
		t.Fatal(err)
	}
	want := ""
	for _, day := range []string{"02", "03", "04"} {
		want += fmt.Sprintf("run --project %s/assay.yaml --as-of 2026-11-%sT00:00:00Z --now 2026-11-%sT00:02:00Z\n", dir, day, day)
	}
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	checkTallyFile(t, d, 3)
}

func checkTallyFile(t *testing.T, d *demo, days int) {
	t.Helper()
	text, err := os.ReadFile(d.path("tally.json"))
	if err != nil {
		t.Fatal(err)
	}
	var counts []count
	if err := json.Unmarshal(text, &counts); err != nil {
		t.Fatal(err)
	}
	find(t, counts, days, "search-rerank", control)
	if last := counts[len(counts)-1].AsOf; !last.Equal(dayStart(days)) {
		t.Errorf("tally ends at %s, want %s", last, dayStart(days))
	}
}

func TestFailureStopsTheLoop(t *testing.T) {
	d := &demo{
		assay: "/nonexistent/assay", dir: filepath.Join(t.TempDir(), "demo"), project: "../../testdata/demo",
		seed: defaultSeed, from: 1, days: 2, out: io.Discard, log: io.Discard,
	}
	if err := d.run(t.Context()); err == nil || !strings.Contains(err.Error(), "day 1") {
		t.Errorf("error %v, want one of day 1", err)
	}
}

func TestForeignFolderIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	mine := filepath.Join(dir, "mine.txt")
	if err := os.WriteFile(mine, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	d := &demo{dir: dir, project: "../../testdata/demo", from: 1, days: 1, out: io.Discard, log: io.Discard}
	if err := d.run(t.Context()); err == nil || !strings.Contains(err.Error(), "not the demo's") {
		t.Errorf("error %v, want a refusal", err)
	}
	if _, err := os.Stat(mine); err != nil {
		t.Error(err)
	}
}

func TestDaysOutsideTheCalendar(t *testing.T) {
	for _, c := range []struct{ from, days int }{{0, 1}, {1, 0}, {1, 15}, {15, 1}} {
		d := &demo{dir: t.TempDir(), from: c.from, days: c.days}
		if err := d.run(context.Background()); err == nil {
			t.Errorf("days from %d, %d of them: want an error", c.from, c.days)
		}
	}
}

// prepared is a demo whose folder has the project's files and a secret.
func prepared(t *testing.T) *demo {
	t.Helper()
	d := &demo{dir: filepath.Join(t.TempDir(), "demo"), project: "../../testdata/demo", out: io.Discard, log: io.Discard}
	if err := d.prepare(); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestFlagsMatchTheCast holds the flags that the demo starts with, as they are
// served, against the surfaces and the first rung of their ladders.
func TestFlagsMatchTheCast(t *testing.T) {
	s, err := prepared(t).serve(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := s.rules(t.Context())
	if err := errors.Join(err, s.stop()); err != nil {
		t.Fatal(err)
	}
	want := decided(0)
	for name, r := range want {
		r.buckets = slices.DeleteFunc(r.buckets, func(b bucket) bool { return b.weight == 0 })
		if diff := cmp.Diff(r, rules[name], cmp.AllowUnexported(rule{}, bucket{}, keyPart{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if len(rules) != len(want) {
		t.Errorf("%d flags, want %d", len(rules), len(want))
	}
}

// TestPromptsOfTheFlags holds the prompts that the flags' values name against
// those of the experiments.
func TestPromptsOfTheFlags(t *testing.T) {
	d := prepared(t)
	project, problems, err := spec.Load(d.dir, func(string) (string, bool) { return "", false })
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	file, problems, err := serve.Read(d.path("flags.json"))
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	for _, e := range project.Experiments {
		for i, v := range file.Flags[e.Flag.Key].Variations {
			p := e.Variations[i].Prompt
			want := fmt.Sprintf(`{"prompt":{"name":%q,"version":%q}}`, p.Name, p.Version())
			if v.ID != e.Variations[i].ID || string(v.Value) != want {
				t.Errorf("%s: %s is %s, want %s", e.Name, v.ID, v.Value, want)
			}
		}
	}
}

// TestProjectFollowsTheServer finds the address of the flag store in the
// project's file, and a secret that nobody else can read.
func TestProjectFollowsTheServer(t *testing.T) {
	d := prepared(t)
	for range 2 {
		s, err := d.serve(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(d.path("assay.yaml"))
		if err != nil || !strings.Contains(string(text), "url: "+s.url+"/webhook\n") || !strings.Contains(string(text), "state_url: "+s.url+"/state/{flag}\n") {
			t.Errorf("%v: %s is not in\n%s", err, s.url, text)
		}
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	}
	if info, err := os.Stat(d.path("webhook.secret")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func BenchmarkFortnight(b *testing.B) {
	for b.Loop() {
		if _, err := lived(defaultSeed); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFortnightStored is the writing alone.
func BenchmarkFortnightStored(b *testing.B) {
	for b.Loop() {
		path := filepath.Join(b.TempDir(), "w.duckdb")
		for n, d := range fortnight(b) {
			if err := store(b.Context(), path, n, d); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// ruleVectors are users and the variant of their bucket: the point in
// [0, 100000) is below 25000, below 75000, or above.
func ruleVectors() map[string]string {
	return map[string]string{
		"u-1":  uncovered, // 28362
		"u-2":  treatment, // 9548
		"u-3":  treatment, // 7199
		"u-4":  uncovered, // 28169
		"u-5":  uncovered, // 70793
		"u-7":  treatment, // 15956
		"u-22": control,   // 92096
		"u-24": control,   // 75702
		"u-30": control,   // 90456
	}
}

// TestProject loads the project as assay does and holds it against the cast:
// every surface has its experiment and flag, and the windows are those that
// the tally counts in.
func TestProject(t *testing.T) {
	project, problems, err := spec.Load(prepared(t).dir, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	if len(problems) > 0 {
		t.Fatalf("problems:\n%s", problems)
	}
	var names, cast []string
	for _, e := range project.Experiments {
		names = append(names, e.Name)
		if e.Flag.Key != e.Name || !e.Start.Equal(launch()) || !e.End().Equal(dayStart(lifetime)) {
			t.Errorf("%s: flag %s, %s to %s", e.Name, e.Flag.Key, e.Start, e.End())
		}
	}
	for _, s := range surfaces() {
		cast = append(cast, s.name)
	}
	slices.Sort(cast)
	if diff := cmp.Diff(cast, names); diff != "" {
		t.Errorf("experiments (-cast +project):\n%s", diff)
	}
	for name, m := range project.Config.Metrics {
		want := window
		if name == "weekly_responses" {
			want = 7 * 24 * time.Hour // It shows what users do on the days after their first.
		}
		if m.Window.Duration != want {
			t.Errorf("metric %s has window %s, want %s", name, m.Window, want)
		}
	}
	if m := project.Config.Metrics; !m["error_rate"].CompleteOnly || m["unsafe_rate"].CompleteOnly {
		t.Error("want error_rate on complete units and unsafe_rate on all")
	}
}
