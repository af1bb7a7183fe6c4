package spec_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/spec"
)

// BenchmarkValidate100 loads 100 experiments over a library of 50 metrics. The
// budget is 100 ms.
func BenchmarkValidate100(b *testing.B) {
	dir := b.TempDir()
	var config strings.Builder
	config.WriteString("version: 1\nwarehouse: {type: duckdb}\nidentifiers: {user_id: {}}\n" +
		"assignments:\n  exposures:\n    identifier: user_id\n    sql: |\n      SELECT user_id, ts AS timestamp, experiment_id, variation_id\n" +
		"      FROM exposures WHERE ts >= {{start}} AND ts < {{end}} AND experiment_id = {{experiment}}\n" +
		"facts:\n  events: {identifiers: [user_id], sql: 'SELECT * FROM events WHERE ts >= {{start}} AND ts < {{end}}'}\nmetrics:\n")
	for i := range 50 {
		fmt.Fprintf(&config, "  metric_%d:\n    description: The mean of column %d per user within a week.\n    kind: mean\n    source: events\n"+
			"    value: column_%d\n    where: column_%d > 0 AND kind = 'answer'\n    direction: down\n    quality: latency\n    window: 7d\n    unit: ms\n", i, i, i, i)
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	write("assay.yaml", config.String())
	if err := os.Mkdir(filepath.Join(dir, "experiments"), 0o700); err != nil {
		b.Fatal(err)
	}
	for i := range 100 {
		var e strings.Builder
		fmt.Fprintf(&e, "name: experiment-%d\ntype: rollout\ndescription: A new prompt for answers, number %d.\nowner: team\ntags: [llm, answers]\n"+
			"assignment: exposures\nstart: 2026-11-01\nduration: 14d\nplanned_units: 20_000\nvariations:\n"+
			"  - id: control\n    known_good: true\n    prompt: {name: p, template: 'Answer the question.', model: m, parameters: {temperature: 0.2}}\n"+
			"  - id: treatment\n    prompt: {name: p, template: 'Answer the question %d.', model: m}\nguardrails:\n", i, i, i)
		for j := range 8 {
			fmt.Fprintf(&e, "  - metric: metric_%d\n    mde: 10%%\n    margin: 2%%\n", (i+j)%50)
		}
		fmt.Fprintf(&e, "goals:\n  - {metric: metric_%d, mde: 0.05}\n", (i+20)%50)
		write(fmt.Sprintf("experiments/experiment-%d.yaml", i), e.String())
	}
	b.ReportAllocs()
	for b.Loop() {
		p, problems, err := spec.Load(dir, os.LookupEnv)
		if err != nil || len(problems) > 0 || len(p.Experiments) != 100 {
			b.Fatal(err, problems)
		}
	}
}
