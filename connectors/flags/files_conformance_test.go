package flags

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"assay/decide"
)

// servedFile is a flag file and the units that an evaluator is asked about.
type servedFile struct {
	Text  string   `json:"text"`
	Key   string   `json:"key"`
	Units []string `json:"units"`

	allocation decide.Allocation
}

// evaluator is a program that serves flag files.
type evaluator struct {
	kind    string // of the flag store
	command func(ctx context.Context, tools string) *exec.Cmd
	// draw predicts what each unit gets, where we know how.
	draw func(s servedFile, unit string) string
	// units are asked about of each file; many of the first few.
	units, many int
}

func here(name string) string {
	path, err := filepath.Abs(filepath.Join("conformance", "files", name))
	if err != nil {
		panic(err)
	}
	return path
}

func python(script string) func(context.Context, string) *exec.Cmd {
	return func(ctx context.Context, tools string) *exec.Cmd {
		return exec.CommandContext(ctx, filepath.Join(tools, "venv", "bin", "python"), here(script))
	}
}

var evaluators = map[string]evaluator{
	"flagd, JavaScript": {
		kind: "flagd",
		command: func(ctx context.Context, tools string) *exec.Cmd {
			return exec.CommandContext(ctx, "node", filepath.Join(tools, "flagd.mjs"))
		},
		draw:  func(s servedFile, unit string) string { return FlagdFractional.Redraw(s.Key, unit, s.allocation) },
		units: 20_000, many: 20_000,
	},
	"flagd, Python": {
		kind: "flagd", command: python("flagd.py"),
		draw:  func(s servedFile, unit string) string { return FlagdCBOR.Redraw(s.Key, unit, s.allocation) },
		units: 1000, many: 20_000,
	},
	"go-feature-flag": {kind: "gofeatureflag", command: python("gofeatureflag.py"), units: 300, many: 20_000},
}

// hostileKeys are keys of flags that a person may think of.
var hostileKeys = []string{"answer-v2", `a"b\c`, "with space", "a.b/c:d", "<script>", "' OR 1=1", "ключ", "🚩", "true", "123", "# no", "{{x}}"}

// TestFilesServe asks the evaluators what units get from files that assay wrote,
// rung by rung: the shares are those decided, no unit ever changes its arm, and
// after a rollback everybody gets control.
func TestFilesServe(t *testing.T) {
	tools := os.Getenv("ASSAY_CONFORMANCE_FILES")
	if tools == "" {
		t.Skip("make conformance runs it: connectors/flags/conformance/files.sh")
	}
	for name, e := range evaluators {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(6, 6))
			for i, key := range hostileKeys {
				arms := []decide.Arm{arm("control", 0.5), arm("treatment", 0.5)}
				if i > 0 {
					arms = randomArms(random)
				}
				units := e.units
				if i == 0 {
					units = e.many
				}
				climbed(t, e, tools, key, arms, units)
			}
		})
	}
}

// climbed takes one flag up the ladder and back.
func climbed(t *testing.T, e evaluator, tools, key string, arms []decide.Arm, units int) {
	t.Helper()
	rungs := []decide.Allocation{}
	for _, coverage := range []float64{0.1, 0.25, 0.5, 0.75, 1} {
		rungs = append(rungs, alloc(coverage, arms...))
	}
	var nobody []decide.Arm
	for _, a := range arms {
		nobody = append(nobody, arm(a.Variation, map[bool]float64{true: 1}[a.Variation == "control"]))
	}
	rungs = append(rungs, alloc(1, nobody...))
	store, path := fresh(t, e.kind, key, arms)
	now := alloc(1, nobody...)
	var files []servedFile
	for i, rung := range rungs {
		change := ramp(now, rung)
		change.ID, change.FlagKey = fmt.Sprintf("d_%d", i), key
		if got := quick(t, store, change); got.Outcome != OutcomeDelivered {
			t.Fatalf("%q at %s: %+v", key, describe(rung), got)
		}
		now = rung
		s := servedFile{Text: get(t, path), Key: key, allocation: rung}
		for u := range units {
			s.Units = append(s.Units, fmt.Sprintf("user-%d", u))
		}
		files = append(files, s)
	}
	judged(t, e, files, asked(t, e, tools, files))
}

// fresh is a file with one flag, of which everybody gets control.
func fresh(t *testing.T, kind, key string, arms []decide.Arm) (Store, string) {
	t.Helper()
	variations := map[string]any{"control": 0}
	for i, a := range arms {
		variations[a.Variation] = i
	}
	flag := map[string]any{"variants": variations, "defaultVariant": "control", "state": "ENABLED"}
	file := map[string]any{"flags": map[string]any{key: flag}}
	if kind == "gofeatureflag" {
		file = map[string]any{key: map[string]any{"variations": variations, "defaultRule": map[string]any{"variation": "control"}}}
	}
	text, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	if kind == "gofeatureflag" {
		return goffFile(t, "flags.json", string(text))
	}
	return flagFile(t, string(text))
}

// asked runs an evaluator on files and returns what each unit of each file gets.
func asked(t *testing.T, e evaluator, tools string, files []servedFile) [][]string {
	t.Helper()
	question, err := json.Marshal(files)
	if err != nil {
		t.Fatal(err)
	}
	cmd := e.command(t.Context(), tools)
	var problems bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(question), &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, problems.Bytes())
	}
	var all [][]string
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, len(out)+1)
	for lines.Scan() {
		var variants []string
		if err := json.Unmarshal(lines.Bytes(), &variants); err != nil {
			t.Fatal(err)
		}
		all = append(all, variants)
	}
	if len(all) != len(files) {
		t.Fatalf("%d answers to %d files: %s", len(all), len(files), problems.Bytes())
	}
	return all
}

// judged holds what units got to what was decided.
func judged(t *testing.T, e evaluator, files []servedFile, got [][]string) {
	t.Helper()
	for i, s := range files {
		counts, rolledBack := map[string]float64{}, i == len(files)-1
		for u, variant := range got[i] {
			counts[variant]++
			was := ""
			if i > 0 {
				was = got[i-1][u]
			}
			switch predicted := predict(e, s, s.Units[u]); {
			case variant == "":
				t.Fatalf("%q at %s: %s gets nothing", s.Key, describe(s.allocation), s.Units[u])
			case rolledBack && variant != "control":
				t.Fatalf("%q: %s gets %s after the rollback", s.Key, s.Units[u], variant)
			case !rolledBack && was != "" && !isOutside(was) && variant != was:
				t.Fatalf("%q at %s: %s goes from %s to %s", s.Key, describe(s.allocation), s.Units[u], was, variant)
			case predicted != "" && predicted != variant && (!isOutside(predicted) || !isOutside(variant)):
				t.Fatalf("%q at %s: %s gets %s, want %s", s.Key, describe(s.allocation), s.Units[u], variant, predicted)
			}
		}
		n := float64(len(s.Units))
		for _, arm := range s.allocation.Arms {
			p := arm.Weight * s.allocation.Coverage
			if off := counts[arm.Variation]/n - p; math.Abs(off) > 5*math.Sqrt(p*(1-p)/n)+1e-4 {
				t.Errorf("%q at %s: %s has a share of %g", s.Key, describe(s.allocation), arm.Variation, counts[arm.Variation]/n)
			}
		}
	}
}

// predict is what we say a unit gets; "" = we cannot say.
func predict(e evaluator, s servedFile, unit string) string {
	for _, r := range s.Key {
		if r > 126 && e.kind == "flagd" {
			return "" // What is hashed of such a key differs between languages.
		}
	}
	if e.kind == "gofeatureflag" {
		return goffPredicts(s, unit)
	}
	if variant := e.draw(s, unit); variant != "" {
		return variant
	}
	return uncovered
}

func goffPredicts(s servedFile, unit string) string {
	list, err := goffLayout(s.allocation)
	if err != nil {
		return ""
	}
	percent, order := map[string]float64{}, []string{}
	for i, number := range goffPercent(list) {
		percent[list[i].variant] = parsed(number)
		order = append(order, list[i].variant)
	}
	return goffServes(percent, order, s.Key+unit)
}
