package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/job"
)

// TestCostText writes what an engine says of a look, and what it leaves open.
func TestCostText(t *testing.T) {
	c := &jsonCost{
		Cost: &job.Cost{
			AsOf: time.Date(2026, 11, 5, 0, 0, 0, 0, time.UTC), Bytes: 3_400_000_000, Again: 1_200_000_000, Doubt: 2_000_000_000, Looks: 10, Remaining: 34_000_000_000,
			Statements: []job.StatementCost{
				{Name: "units", Bytes: 1_200_000_000},
				{Name: "summary", Made: true},
				{Name: "hours", Made: true},
				{Name: "facts of a", Bytes: 2_200_000_000, Again: 1_200_000_000, Upper: true},
				{Name: "facts of b", Unknown: "assay.yaml:3:4: no\x1b[2J table"},
				{Name: "shapes of a", Bytes: 2_000_000_000, Again: 1_000_000_000, Upper: true, Doubt: true},
			},
		},
		Price: new(price(3_400_000_000, 6.25)), RemainingPrice: new(price(34_000_000_000, 6.25)),
	}
	want := []string{
		"cost of a look as of 2026-11-05 00:00: at most 3.4GB (0.02)",
		"  1.2GB of it is counted again: a dry run has no temporary tables",
		"  units: 1.2GB",
		"  facts of a: at most 2.2GB, 1.2GB of it again",
		"  facts of b: cannot say: assay.yaml:3:4: no\ufffd[2J table",
		"  shapes of a: at most 2GB, 1GB of it again (only where the data look wrong)",
		"  2 statements read only what the look has made: no estimate",
		"  where the data look wrong, at most 2GB more",
		"10 looks until the end: 34GB (0.21) if each scans as much;\n  data grow, so that this is no bound",
	}
	if diff := cmp.Diff(want, costText(c)); diff != "" {
		t.Error(diff)
	}
	if got := strings.Join(costText(&jsonCost{Unknown: "duckdb: it does not tell"}), "\n"); got != "cost: cannot say; duckdb: it does not tell" {
		t.Error(got)
	}
}
