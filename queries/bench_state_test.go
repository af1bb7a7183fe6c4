package queries_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"assay/connectors"
	"assay/queries"
	"assay/spec"
)

// BenchmarkIncremental: a day's look that adds to what the looks before kept,
// with an overlap of one day and all that it keeps itself, against a full one. On
// day 27 the last users are exposed, three days later the last windows close.
// "begun" is the first look of the kind, which keeps everything.
func BenchmarkIncremental(b *testing.B) {
	atScales(b, func(b *testing.B, s scale) {
		for _, c := range []struct {
			name    string
			days    int
			metrics []spec.Metric
		}{
			{"day27", 27, []spec.Metric{everything}},
			{"day30", 30, []spec.Metric{everything}},
			{"day27-events20", 27, sparse(20)},
		} {
			b.Run(c.name, func(b *testing.B) {
				w := open(b, parquet, s)
				at := atEnd()
				at.AsOf = begin.Add(time.Duration(c.days) * day)
				whole := render(b, "full", at, c.metrics)
				state := keptBefore(b, w, at, c.metrics)
				compete(b, w, state.day.within(budgetDay), state.begun, whole)
			})
		}
	})
}

// keptState is a state as it was a day before, and the looks that use it.
type keptState struct{ day, begun contender }

func keptBefore(b *testing.B, w connectors.Warehouse, at queries.Look, metrics []spec.Metric) keptState {
	b.Helper()
	dir := b.TempDir()
	earlier := at
	earlier.AsOf = at.AsOf.Add(-day)
	first := filepath.Join(dir, "first.duckdb")
	looking(b, "first", first, earlier, nil, metrics).run(b, w)
	fresh, path := filepath.Join(dir, "fresh.duckdb"), filepath.Join(dir, "day.duckdb")
	day := looking(b, "day", path, at, &earlier.AsOf, metrics)
	day.before = func(b *testing.B) { duplicate(b, first, path) }
	begun := looking(b, "begun", fresh, at, nil, metrics)
	begun.before = func(*testing.B) { _ = os.Remove(fresh) }
	return keptState{day, begun}
}

// looking is an incremental look; before is as-of of the one before, nil for none.
func looking(b *testing.B, name, path string, at queries.Look, before *time.Time, metrics []spec.Metric) contender {
	b.Helper()
	state := &queries.State{Database: name, Overlap: day}
	if before != nil {
		state.Units = state.Until(*before)
		state.Sources = map[string]time.Time{"facts": state.Units}
	}
	at.State = state
	script := scriptOf(b, at, metrics)
	attach := queries.AttachState(path, name)
	list := append(attach, script.All()...)
	list = append(list, script.Leave.Begin)
	list = append(list, script.Leave.Sources["facts"]...)
	list = append(list, script.Leave.Commit, queries.DetachState(name))
	answer := totalOf(script)
	return contender{name: name, statements: list, answer: func(results []*connectors.Rows) float64 {
		return answer(results[len(attach):])
	}}
}

func duplicate(b *testing.B, from, to string) {
	b.Helper()
	in, err := os.Open(from)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	out, err := os.Create(to)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		b.Fatal(err)
	}
	if err := out.Close(); err != nil {
		b.Fatal(err)
	}
}
