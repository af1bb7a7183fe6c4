package main

import (
	"encoding/json"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// bigQueryDays are the days of the demo that are lived on BigQuery too:
// ASSAY_BIGQUERY_DAYS, of which the first three have every kind of metric.
func bigQueryDays(t *testing.T) (days int, python string) {
	t.Helper()
	python = os.Getenv("ASSAY_SQLGLOT")
	days, err := strconv.Atoi(os.Getenv("ASSAY_BIGQUERY_DAYS"))
	if err != nil || python == "" {
		t.Skip("NOT CHECKED: the demo on BigQuery's client; ASSAY_BIGQUERY_DAYS or ASSAY_SQLGLOT is not set (make conformance sets both)")
	}
	return days, python
}

// TestDemoOnBigQuery lives the demo twice: on DuckDB, and through BigQuery's own
// client on a server that runs BigQuery's SQL, with a table of results there. Every
// look decides the same for the same reasons, from the same numbers to 1e-9.
func TestDemoOnBigQuery(t *testing.T) {
	days, python := bigQueryDays(t)
	w := newDemoWorld(t)
	w.live(1, days)
	dir := filepath.Join(t.TempDir(), "bigquery")
	address := freeAddress(t)
	demo := exec.CommandContext(t.Context(), filepath.Join(w.bin, "demo"),
		"--assay", besideBigQuery(t, w.bin, address, dir, python), "--dir", dir, "--project", bigQueryProject(t, address), "--days", strconv.Itoa(days))
	if out, err := demo.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	pages, err := filepath.Glob(filepath.Join(w.dir, "report", "*", "looks", "*.json"))
	if err != nil || len(pages) == 0 {
		t.Fatalf("no looks: %v", err)
	}
	there := demoWorld{t: t, dir: dir}
	if n := there.count("(SELECT DISTINCT look_id FROM assay_results)"); n != int64(len(pages)) {
		t.Errorf("the table of results has %d looks of %d", n, len(pages))
	}
	largest := 0.0
	for _, page := range pages {
		name, err := filepath.Rel(w.dir, page)
		if err != nil {
			t.Fatal(err)
		}
		var onDuckDB, onBigQuery any
		w.load(page, &onDuckDB)
		w.load(filepath.Join(dir, name), &onBigQuery)
		c := comparison{}
		c.compare("", onDuckDB, onBigQuery)
		for _, d := range c.differences {
			t.Errorf("%s: %s", name, d)
		}
		largest = max(largest, c.largest)
	}
	t.Logf("%d looks over %d days; the largest relative difference is %.2g", len(pages), days, largest)
}

// freeAddress is an address of this machine at which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// besideBigQuery is a program in the place of assay, which runs it beside a server
// over the demo's file: only one process has that open.
func besideBigQuery(t *testing.T, bin, address, dir, python string) string {
	t.Helper()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", bin+string(filepath.Separator), "assay/connectors/bigquerytest/serve")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	translator, err := filepath.Abs("../../queries/testdata/transpile.py")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(bin, "beside.sh")
	script := fmt.Sprintf(`#!/bin/sh
case "$1" in
run) exec '%[1]s/serve' -listen '%[2]s' -file '%[3]s/warehouse.duckdb' -project assay-demo -python '%[4]s' -script '%[5]s' -- '%[1]s/assay' "$@" ;;
*) exec '%[1]s/assay' "$@" ;;
esac
`, bin, address, dir, python, translator)
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// bigQueryProject is the demo's project with another warehouse.
func bigQueryProject(t *testing.T, address string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../testdata/demo")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "assay.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const duck = "  type: duckdb\n  path: warehouse.duckdb\n"
	if !strings.Contains(string(text), duck) {
		t.Fatal("the demo has another warehouse")
	}
	edited := strings.Replace(string(text), duck, fmt.Sprintf(
		"  type: bigquery\n  project: assay-demo\n  dataset: main\n  location: EU\n  endpoint: http://%s\n", address), 1)
	edited += "\nresults: {table: main.assay_results}\n"
	if err := os.WriteFile(path, []byte(edited), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// comparison is what is different between two looks.
type comparison struct {
	differences []string
	largest     float64 // relative
}

// differs are the parts of a look that differ between engines: the SQL, and what
// the sources' owners are asked to do, which quotes it.
var differs = []string{".statements", ".health.sources.diagnosis", ".health.problems.text"}

func (c *comparison) compare(path string, a, b any) {
	if slices.Contains(differs, path) {
		return
	}
	switch a := a.(type) {
	case map[string]any:
		b, _ := b.(map[string]any)
		for key := range b {
			if _, both := a[key]; !both {
				a[key] = nil
			}
		}
		for key, value := range a {
			c.compare(path+"."+key, value, b[key])
		}
	case []any:
		b, _ := b.([]any)
		if len(a) != len(b) {
			c.note(path, len(a), len(b))
			return
		}
		for i, value := range a {
			c.compare(path, value, b[i])
		}
	case float64:
		b, ok := b.(float64)
		relative := math.Abs(a-b) / max(math.Abs(a), math.Abs(b), 1e-6)
		if a != b {
			c.largest = max(c.largest, relative)
		}
		if !ok || relative > 1e-9 {
			c.note(path, a, b)
		}
	default:
		if a != b {
			c.note(path, a, b)
		}
	}
}

func (c *comparison) note(path string, a, b any) {
	one, _ := json.Marshal(a)
	other, _ := json.Marshal(b)
	c.differences = append(c.differences, fmt.Sprintf("%s is %s on DuckDB and %s on BigQuery", path, one, other))
}
