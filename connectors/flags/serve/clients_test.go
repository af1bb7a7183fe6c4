package serve_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"assay/connectors/flags"
	"assay/decide"
)

// sdks is the folder that connectors/flags/conformance/serve.sh installs other
// languages' clients into.
func sdks(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("ASSAY_SDKS")
	if dir == "" && os.Getenv("ASSAY_REQUIRE_SDKS") != "" {
		t.Fatal("ASSAY_SDKS is not set")
	}
	if dir == "" {
		t.Skip("ASSAY_SDKS is not set: make conformance sets it")
	}
	return dir
}

// served is what a client gave to one unit for one flag.
type served struct {
	Value any    `json:"value"`
	Arm   string `json:"arm"`
	Error string `json:"error"`
}

// hostile are ids and attributes that hash or compare in odd ways.
var hostile = []map[string]any{
	{"id": ""},
	{},
	{"id": "ünï"},
	{"id": "日本語"},
	{"id": "🎛"},
	{"id": "a\x00b"},
	{"id": "0"},
	{"id": strings.Repeat("x", 5000)},
	{"id": "e1", "email": "qa+1@x"},
	{"id": "e2", "email": "aqa+1@x"},
	{"id": "e3", "email": "qaa1@x"},
	{"id": "e4", "beta": "true"},
	{"id": "e5", "beta": nil},
	{"id": "e6", "country": nil},
	{"id": "e7", "age": "20"},
	{"id": "e8", "age": nil},
	{"id": "e9", "company": "", "plan": "pro", "seats": 2},
}

// units are n people with attributes, and the hostile ones.
func units(n int) []map[string]any {
	var all []map[string]any
	for i := range n {
		u := map[string]any{
			"id": fmt.Sprintf("user-%d", i), "company": fmt.Sprintf("c-%d", i/3), "country": []string{"de", "fr", "us", "ch"}[i%4],
			"plan": []string{"free", "pro", "team"}[i%3], "seats": i % 5, "age": i % 110,
		}
		if i%10 == 0 {
			u["beta"] = true
		}
		if i%50 == 0 {
			u["email"] = fmt.Sprintf("qa+%d@example.com", i)
		}
		all = append(all, u)
	}
	return append(all, hostile...)
}

// ask runs a script over units.
func (w *world) ask(people []map[string]any, flags []string, command ...string) []map[string]served {
	w.t.Helper()
	text, err := json.Marshal(people)
	if err != nil {
		w.t.Fatal(err)
	}
	path := filepath.Join(w.t.TempDir(), "units.json")
	w.put(path, string(text))
	args := slices.Concat(command[1:], []string{w.http.URL, path}, flags)
	cmd := exec.CommandContext(w.t.Context(), command[0], args...)
	var failed strings.Builder
	cmd.Stderr = &failed
	out, err := cmd.Output()
	if err != nil {
		w.t.Fatalf("%s: %v\n%s", command, err, failed.String())
	}
	var all []map[string]served
	if err := json.Unmarshal(out, &all); err != nil || len(all) != len(people) {
		w.t.Fatalf("%d answers for %d units, %v", len(all), len(people), err)
	}
	return all
}

const scripts = "../conformance/serve/"

// others are the clients that hash as GrowthBook's for Go does.
func others(dir string) map[string][]string {
	return map[string][]string{
		"JavaScript": {"node", scripts + "growthbook.mjs", dir},
		"Python":     {filepath.Join(dir, "venv", "bin", "python"), scripts + "growthbook_client.py"},
	}
}

// TestOtherClients gives 10,000 units to GrowthBook's clients for Go, JavaScript
// and Python at several steps of a ramp and after a rollback: all say the same of
// every flag.
func TestOtherClients(t *testing.T) {
	dir := sdks(t)
	w := newWorld(t, full(t)).start()
	names := []string{"answer", "tone", "price", "regional", "aged", "naïve \"flag\" <b>&'\\/:;% 🎛"}
	people := units(10_000)
	before := half(0.5)
	for i, step := range []flags.Change{
		change("d_0", decide.Ramp, before, half(0.5)),
		change("d_1", decide.Ramp, half(0.5), half(0.75)),
		rollback("d_2", half(0.75)),
	} {
		if r := w.deliver(step); r.Outcome != flags.OutcomeDelivered {
			t.Fatalf("%+v", r)
		}
		c := newClient(w)
		c.fetch()
		for language, command := range others(dir) {
			different := 0
			for n, got := range w.ask(people, names, command...) {
				for _, name := range names {
					g := c.get(name, people[n])
					want := served{Value: plain(t, g.Value), Arm: g.Arm}
					if !cmp.Equal(got[name], want) {
						if different++; different < 10 {
							t.Errorf("step %d, %s, %.60v, %s: %+v, in Go %+v", i, language, people[n], name, got[name], want)
						}
					}
				}
			}
			t.Logf("step %d, %s: %d units, %d different", i, language, len(people), different)
		}
	}
}

// TestFlagdClient gives the same units to flagd's evaluator: who is where the
// hash says, keeps the arm over the steps, is in one experiment of a group at
// most, and gets control after a rollback.
func TestFlagdClient(t *testing.T) {
	dir := sdks(t)
	w := newWorld(t, strings.Replace(full(t), `"flags": {`, `"flags": {"plain": `+two("0.1")+`,`, 1)).start()
	command := []string{"node", scripts + "flagd.mjs", dir}
	people := units(10_000)
	names := []string{"plain", "answer", "tone", "price", "regional", "aged"}
	arms := map[string]string{}
	for i, coverage := range []float64{0.1, 0.25, 1} {
		if i > 0 {
			c := change(fmt.Sprintf("d_%d", i), decide.Ramp, half([]float64{0, 0.1, 0.25}[i]), half(coverage))
			c.FlagKey = "plain"
			if r := w.deliver(c); r.Outcome != flags.OutcomeDelivered {
				t.Fatalf("%+v", r)
			}
		}
		covered := 0.0
		for n, got := range w.ask(people, names, command...) {
			id, _ := people[n]["id"].(string)
			arm := got["plain"].Arm
			want := flags.FlagdFractional.Redraw("plain", id, half(coverage))
			if want == "" || id == "" {
				want = flags.Uncovered
			}
			// This evaluator hashes 16-bit units of a text, others its bytes.
			if ascii(id) && arm != want || got["plain"].Error != "" {
				t.Fatalf("%q at %g: %+v, want %s", id, coverage, got["plain"], want)
			}
			if was := arms[id]; was != "" && was != flags.Uncovered && was != arm {
				t.Fatalf("%q went from %s to %s at %g", id, was, arm, coverage)
			}
			arms[id] = arm
			if arm != flags.Uncovered {
				covered++
			}
			w.checkFlagd(people[n], got)
		}
		if math.Abs(covered/1e4-coverage) > 0.02 {
			t.Errorf("%g of 10,000 covered at %g", covered, coverage)
		}
	}
	c := rollback("d_9", half(1))
	c.FlagKey = "plain"
	for _, c := range []flags.Change{c, rollback("d_8", half(0.5))} {
		if r := w.deliver(c); r.Outcome != flags.OutcomeDelivered {
			t.Fatalf("%+v", r)
		}
	}
	for n, got := range w.ask(people, names, command...) {
		if got["plain"].Arm != "control" || got["answer"].Arm != "control" {
			t.Fatalf("%v after the rollback: %+v", people[n], got)
		}
	}
}

func ascii(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII })
}

// checkFlagd holds what does not hang on the hash against the segments.
func (w *world) checkFlagd(unit map[string]any, got map[string]served) {
	w.t.Helper()
	exposed := func(flag string) bool {
		return got[flag].Arm != flags.Uncovered && !strings.HasSuffix(got[flag].Arm, "@staff")
	}
	if exposed("answer") && exposed("tone") {
		w.t.Errorf("%v is in two experiments of a group: %+v", unit, got)
	}
	if email, _ := unit["email"].(string); strings.HasPrefix(email, "qa+") != (got["answer"].Arm == "treatment@staff") {
		w.t.Errorf("%v gets %+v", unit, got["answer"])
	}
	if country, _ := unit["country"].(string); got["regional"].Value != !slices.Contains([]string{"de", "at", "ch"}, country) {
		w.t.Errorf("%v gets %+v", unit, got["regional"])
	}
	seats, _ := unit["seats"].(int)
	plan, _ := unit["plan"].(string)
	if exposed("price") && (seats < 2 || plan == "free" || plan == "") {
		w.t.Errorf("%v gets %+v", unit, got["price"])
	}
	if age, ok := unit["age"].(int); ok {
		want := "none"
		if age < 30 {
			want = "young"
		} else if age <= 99 {
			want = "adult"
		}
		if got["aged"].Value != want {
			w.t.Errorf("%v gets %+v, want %s", unit, got["aged"], want)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if got[name].Error != "" {
			w.t.Errorf("%v, %s: %+v", unit, name, got[name])
		}
	}
}
