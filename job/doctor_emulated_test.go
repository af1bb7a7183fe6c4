package job

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"assay/connectors"
	"assay/connectors/bigquerytest"
	"assay/connectors/snowflaketest"
	"assay/connectors/sqlglot"
	"assay/ledger"
	"assay/spec"
)

// emulated is a server that runs the SQL of a service on DuckDB.
type emulated interface {
	http.Handler
	Exec(statement string) error
	Close() error
}

// elsewhere is a service whose own client asks such a server.
type elsewhere struct {
	dialect   string
	warehouse spec.Warehouse
	written   string // the warehouse in the spec
	server    func(translate func(string) (string, error)) (emulated, error)
	translate func(string) (string, error)
	// otherwise are wards with another first cause than on DuckDB; "" = nobody can be
	// in them there.
	otherwise map[string]string
	// named names the columns of tables as the translator has them.
	named *strings.Replacer
}

func ofBigQuery(t *testing.T) elsewhere {
	t.Helper()
	return elsewhere{
		dialect:   "bigquery",
		written:   "type: bigquery, project: assay-test, dataset: main, location: EU",
		warehouse: spec.Warehouse{Type: "bigquery", Project: "assay-test", Dataset: "main", Location: "EU", MaxBytesBilled: 1 << 30},
		server: func(translate func(string) (string, error)) (emulated, error) {
			s, err := bigquerytest.New("", "assay-test")
			if err == nil {
				s.Translate = translate
			}
			return s, err
		},
		translate: translator(t, "bigquery"),
		otherwise: map[string]string{"milliseconds, bounded": ""}, // no time is after the year 9999
	}
}

func ofSnowflake(t *testing.T) elsewhere {
	t.Helper()
	t.Setenv("SNOWFLAKE_HOME", t.TempDir())
	return elsewhere{
		dialect:   "snowflake",
		written:   "type: snowflake, connection: assay-test, schema: main",
		warehouse: spec.Warehouse{Type: "snowflake", Account: "assay-test", User: "assay", Password: spec.NewSecret("of-this-test"), Schema: "main"},
		server: func(translate func(string) (string, error)) (emulated, error) {
			s, err := snowflaketest.New("")
			if err == nil {
				s.Translate = translate
			}
			return s, err
		},
		translate: translator(t, "snowflake"),
		otherwise: map[string]string{
			"milliseconds, bounded": "",                                 // no time is after the year 9999
			"decomposed":            "prefix", "full width": "disjoint", // it has no normal forms
		},
		named: strings.NewReplacer(`"Member Ref id"`, `"Member Ref id exactly"`), // no other name there needs quoting
	}
}

// translator is that of a dialect, for all wards: it knows what it has translated.
func translator(t *testing.T, dialect string) func(string) (string, error) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	python := os.Getenv("ASSAY_SQLGLOT")
	missing := "NOT CHECKED: the doctor on " + dialect + "; ASSAY_SQLGLOT names no Python that has sqlglot"
	switch {
	case python != "":
	case os.Getenv("ASSAY_REQUIRE_SQLGLOT") == "1":
		t.Fatal(missing)
	default:
		t.Skip(missing)
	}
	tr, err := sqlglot.Start(context.WithoutCancel(t.Context()), python, filepath.Join("..", "queries", "testdata", "transpile.py"), dialect)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tr.Close(); err != nil {
			t.Error(err)
		}
	})
	return tr.Translate
}

// holding is a warehouse of the service with the tables that statements of DuckDB
// make.
func (e elsewhere) holding(t *testing.T, tables string) connectors.Warehouse {
	t.Helper()
	s, err := e.server(e.translate)
	if err != nil {
		t.Fatal(err)
	}
	if e.named != nil {
		tables = e.named.Replace(tables)
	}
	if err := s.Exec(tables); err != nil {
		t.Fatalf("%v\n%s", err, tables)
	}
	at := httptest.NewServer(s)
	e.warehouse.Endpoint = at.URL
	w, err := connectors.Open(t.Context(), e.warehouse, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = w.Close()
		at.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// TestDoctorOfBigQuery breaks identifiers in every way that is known, in warehouses of
// BigQuery's own client, and TestDoctorOfSnowflake in those of Snowflake's driver:
// the findings are those that the doctor has on DuckDB, and the mend of the first
// ward of each cause brings the units back there too. All of them take each engine
// 70 s of a processor.
func TestDoctorOfBigQuery(t *testing.T) { ofBigQuery(t).examined(t) }

func TestDoctorOfSnowflake(t *testing.T) { ofSnowflake(t).examined(t) }

// TestDoctorOfSnowflakeQuotes: a column that only quotes can find is asked for in
// them, and named so.
func TestDoctorOfSnowflakeQuotes(t *testing.T) {
	e := ofSnowflake(t)
	w := ward{id: plain, fact: "'s' || i", factColumns: ", " + plain + " AS \"memberRef exactly\", 'x' AS \"userId exactly\""}
	p, there := w.project(t, e.written), e.holding(t, w.tables())
	found := examine(t, p, there)
	causes := found.Sources[0].Causes
	if len(causes) == 0 || causes[0].Code != "column" || !strings.Contains(causes[0].Text, `is in the column "memberRef" of events`) {
		t.Fatalf("%+v", causes)
	}
	mends(t, p, there, found)
}

// wards are those that are examined: with ASSAY_EMULATED_ALL=1, which the scripts of
// connectors/conformance set, all of them; otherwise the first one of each cause, and
// a few sound ones.
func (e elsewhere) wards(t *testing.T) []ward {
	t.Helper()
	all := slices.Concat(brokenWards, healthyWards)
	if os.Getenv("ASSAY_EMULATED_ALL") == "1" {
		return all
	}
	var some []ward
	seen := map[string]int{}
	for _, w := range all {
		if seen[w.want]++; seen[w.want] == 1 || w.want == "" && seen[""] <= 3 || e.otherwise[w.name] != "" {
			some = append(some, w)
		}
	}
	t.Logf("%d of %d wards; all of them with ASSAY_EMULATED_ALL=1", len(some), len(all))
	return some
}

func (e elsewhere) examined(t *testing.T) {
	t.Helper()
	mended := map[string]bool{}
	for _, w := range e.wards(t) {
		first, otherwise := e.otherwise[w.name]
		if otherwise && first == "" {
			continue
		}
		t.Run(w.name, func(t *testing.T) {
			p, there := w.project(t, e.written), e.holding(t, w.tables())
			found := examine(t, p, there)
			if otherwise {
				if causes := found.Sources[0].Causes; len(causes) == 0 || causes[0].Code != first {
					t.Fatalf("found %+v, want %s", causes, first)
				}
				return
			}
			private(t, found)
			onDuckDB, duck := w.admit(t)
			if d := cmp.Diff(level(examine(t, onDuckDB, duck)), level(found)); d != "" {
				t.Errorf("(-DuckDB +there):\n%s", d)
			}
			if !t.Failed() && w.want != "" && !w.unmendable && !mended[w.want] {
				mended[w.want] = true
				mends(t, p, there, found)
			}
		})
	}
}

// mends makes the mend of the first cause in the spec and asks again.
func mends(t *testing.T, p *spec.Project, w connectors.Warehouse, c *ledger.Checkup) {
	t.Helper()
	mend := c.Sources[0].Causes[0].Mend
	apply(t, filepath.Join(p.Dir, "assay.yaml"), mend.Edits)
	again := examine(t, reload(t, p.Dir), w).Sources[0]
	if again.InWindow < 95*again.Units/100 || len(again.Causes) > 0 {
		t.Errorf("mended %d of %d are met, %d in time, %+v\n%+v", again.Matched, again.Units, again.InWindow, again.Causes, mend)
	}
}

// worded are causes whose texts have words of the engine: its types, its errors and
// their places.
var worded = []string{"time_type", "query_fails"}

// level is what a checkup has to find on every engine: all but names of types, words
// of errors and the SQL of mends.
func level(c *ledger.Checkup) ledger.Checkup {
	out := *c
	out.Dialect, out.Exposures.Type, out.Exposures.TimeType = "", "", ""
	out.Sources = slices.Clone(c.Sources)
	for i := range out.Sources {
		s := &out.Sources[i]
		s.Type, s.TimeType = "", ""
		s.Causes = slices.Clone(s.Causes)
		for k := range s.Causes {
			cause := &s.Causes[k]
			if slices.Contains(worded, cause.Code) {
				cause.Text, cause.Place = "", nil
			}
			cause.Mend = outline(cause.Mend)
		}
	}
	return out
}

// outline is a mend without SQL.
func outline(m *ledger.Mend) *ledger.Mend {
	if m == nil {
		return nil
	}
	out := &ledger.Mend{Text: m.Text}
	for _, e := range m.Edits {
		out.Edits = append(out.Edits, ledger.Edit{File: e.File, Path: e.Path})
	}
	return out
}

// TestCheckupOfBigQuery asks about traffic by BigQuery's own client, and
// TestCheckupOfSnowflake by Snowflake's driver: what is found is what is found on
// DuckDB.
func TestCheckupOfBigQuery(t *testing.T) { ofBigQuery(t).checked(t) }

func TestCheckupOfSnowflake(t *testing.T) { ofSnowflake(t).checked(t) }

func (e elsewhere) checked(t *testing.T) {
	t.Helper()
	holding := func(t *testing.T, tables string) connectors.Warehouse {
		t.Helper()
		return e.holding(t, strings.ReplaceAll(tables, "CREATE TEMP TABLE", "CREATE TABLE"))
	}
	for _, c := range traffics {
		t.Run(c.name, func(t *testing.T) {
			want, got := examinedTraffic(t, inDuckDB, c.statements, c.change), examinedTraffic(t, holding, c.statements, c.change)
			if d := cmp.Diff(want, got, cmpopts.EquateApprox(1e-9, 0)); d != "" {
				t.Errorf("(-DuckDB +there):\n%s", d)
			}
		})
	}
}
