package queries_test

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

const benchChild = "ASSAY_BENCH_CHILD"

// BenchmarkMemory: the peak memory of a process that takes one look, per
// million exposed units. The scan needs next to nothing: it shows what a
// process needs anyway, which weighs more in a tenth of the tables.
func BenchmarkMemory(b *testing.B) {
	contenders := []contender{
		look(b, "one", everything), look(b, "sparse20", sparse(20)...),
		look(b, "sparse50", sparse(50)...), look(b, "dense20", dense(20)...),
	}
	contenders = append(contenders, looksByKind(b)...)
	for i := range contenders {
		contenders[i].budget = budgetMemory
	}
	contenders = append(contenders, scan(), bare(""))
	if os.Getenv(benchChild) != "" {
		peak(b, contenders)
		return
	}
	atScales(b, func(b *testing.B, s scale) {
		benchDir(b, s)
		// Of four exposures a unit, each of anybody.
		exposed := float64(s.Units) * (1 - math.Exp(-4)) / 1e6
		for _, c := range contenders {
			cmd := exec.CommandContext(b.Context(), os.Args[0],
				"-test.run=^$", "-test.bench=^BenchmarkMemory$", "-test.benchtime=1x")
			cmd.Env = append(os.Environ(), benchChild+"="+s.Name+"/"+c.name)
			out, err := cmd.CombinedOutput()
			if err != nil {
				b.Fatalf("%v\n%s", err, out)
			}
			perMillion := hwm(b, string(out)) / exposed
			b.ReportMetric(perMillion, c.name+"-GB/M")
			if c.budget > 0 {
				b.ReportMetric(perMillion/c.budget, c.name+"-of-budget")
			}
		}
		b.ReportMetric(0, "ns/op")
	})
}

// peak is the process of its own: it takes the look that it is asked for and
// prints what the system says of it.
func peak(b *testing.B, contenders []contender) {
	b.Helper()
	for _, s := range scales(b) {
		for _, c := range contenders {
			if os.Getenv(benchChild) == s.Name+"/"+c.name {
				c.run(b, open(b, parquet, s))
			}
		}
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip(err)
	}
	fmt.Println(string(status))
}

// hwm reads the peak memory in GB.
func hwm(b *testing.B, status string) float64 {
	b.Helper()
	for line := range strings.Lines(status) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			if err != nil {
				b.Fatal(err)
			}
			return kb * 1024 / 1e9
		}
	}
	b.Skip("this system does not tell the peak memory of a process")
	return 0
}
