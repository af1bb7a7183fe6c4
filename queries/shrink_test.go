package queries_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"assay/connectors"
	"assay/spec"
)

// shrunk leaves out of a world what it still fails without: metrics, links,
// exposures and facts, in ever smaller parts, until nothing more can go.
func shrunk(w *world, fails func(*world) bool) *world {
	for before := -1; before != w.size(); {
		before = w.size()
		for _, uses := range []func(*spec.Experiment) *[]spec.Use{
			func(e *spec.Experiment) *[]spec.Use { return &e.Guardrails },
			func(e *spec.Experiment) *[]spec.Use { return &e.Goals },
			func(e *spec.Experiment) *[]spec.Use { return &e.Secondary },
		} {
			w = without(w, fails, *uses(w.e), func(w *world, list []spec.Use) {
				e := *w.e
				*uses(&e) = list
				w.e = &e
			})
		}
		for _, source := range slices.Sorted(maps.Keys(w.facts)) {
			w = without(w, fails, w.facts[source], func(w *world, list []fact) {
				w.facts = maps.Clone(w.facts)
				w.facts[source] = list
			})
		}
		w = without(w, fails, w.exposures, func(w *world, list []exposure) { w.exposures = list })
		w = without(w, fails, w.links, func(w *world, list []linkRow) { w.links = list })
	}
	return w
}

// without leaves out parts of one list.
func without[T any](w *world, fails func(*world) bool, list []T, set func(*world, []T)) *world {
	for part := len(list); part > 0; part /= 2 {
		for at := 0; at < len(list); {
			rest := slices.Concat(list[:at], list[min(at+part, len(list)):])
			smaller := *w
			set(&smaller, rest)
			if fails(&smaller) {
				w, list = &smaller, rest
			} else {
				at += part
			}
		}
	}
	return w
}

// size is the number of rows and metrics of a world.
func (w *world) size() int {
	n := len(w.exposures) + len(w.links) + len(w.e.Guardrails) + len(w.e.Goals) + len(w.e.Secondary)
	for _, facts := range w.facts {
		n += len(facts)
	}
	return n
}

// show writes a world that has become small.
func (w *world) show(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	fmt.Fprintf(&out, "as of %s, epochs %v\n", w.look.AsOf, w.look.Epochs)
	for _, uses := range [][]spec.Use{w.e.Guardrails, w.e.Goals, w.e.Secondary} {
		for _, use := range uses {
			fmt.Fprintf(&out, "%s: %+v\n", use.Metric, w.p.Config.Metrics[use.Metric])
		}
	}
	out.WriteString(w.sql(t))
	return out.String()
}

// shrink makes a failing check small and shows it.
func (c *check) shrink(wh connectors.Warehouse) {
	c.t.Helper()
	small := shrunk(c.w, func(w *world) bool {
		again := &check{t: c.t, w: w, metrics: c.metrics, seen: &coverage{}, quiet: true}
		again.run(wh)
		return again.failed
	})
	c.t.Logf("the same in small:\n%s", small.show(c.t))
	last := &check{t: c.t, w: small, metrics: c.metrics, seen: &coverage{}}
	last.run(wh)
}

// TestShrink: of a world that fails by two rows and a metric these are left.
func TestShrink(t *testing.T) {
	w, _ := newWorld(8)
	first, second := w.facts["direct"][3], w.exposures[1]
	metric := slices.Concat(w.e.Guardrails, w.e.Goals, w.e.Secondary)[0]
	tries := 0
	small := shrunk(w, func(w *world) bool {
		tries++
		return slices.Contains(w.facts["direct"], first) && slices.Contains(w.exposures, second) &&
			slices.Contains(slices.Concat(w.e.Guardrails, w.e.Goals, w.e.Secondary), metric)
	})
	if small.size() != 3 || w.size() < 50 {
		t.Errorf("of %d rows and metrics %d are left", w.size(), small.size())
	}
	if tries > 10*w.size() {
		t.Errorf("it took %d tries", tries)
	}
}
