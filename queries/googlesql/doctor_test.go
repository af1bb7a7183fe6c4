package googlesql_test

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/goccy/go-googlesql"

	"assay/queries"
	"assay/spec"
)

// checkup are all statements of a checkup of an experiment. Those without a purpose
// are the user's own queries and what a mend makes of them.
func checkup(t *testing.T, p *spec.Project, e *spec.Experiment, d queries.Dialect) []queries.Statement {
	t.Helper()
	look := looks(e)[severalEpochs]
	doctor, err := queries.NewDoctor(p, taking(*e, reached(p, e)...), queries.Checkup{AsOf: look.AsOf, From: e.Start.Time}, d)
	if err != nil {
		t.Fatal(err)
	}
	every := doctor.Every()
	if err := doctor.Failed(); err != nil {
		t.Fatal(err)
	}
	return every
}

// check analyzes a statement; a user's query may have columns of any type.
func (w *warehouse) check(st queries.Statement) error {
	if st.Purpose != "" {
		_, err := w.run(st)
		return err
	}
	if _, err := googlesql.AnalyzeStatement(st.SQL, w.options, w.catalog, w.types); err != nil {
		return fmt.Errorf("%s: %w\n%s", st.Name, err, numbered(st.SQL))
	}
	return nil
}

// TestCheckup analyzes every statement of assay doctor, with every rewriting and
// every mend that it may print, and holds that none of its kinds is left out.
func TestCheckup(t *testing.T) {
	total := 0
	for _, project := range projects {
		p := load(t, project)
		for i := range p.Experiments {
			e := &p.Experiments[i]
			w := open(t, project)
			for _, st := range checkup(t, p, e, queries.BigQuery) {
				if err := w.check(st); err != nil {
					t.Errorf("%v", err)
				}
				total++
			}
		}
	}
	t.Logf("%d statements", total)
	// Every makes one of each: a new kind of statement has to join it.
	kinds := 0
	typ := reflect.TypeFor[*queries.Doctor]()
	for m := range typ.Methods() {
		if m.Type.NumOut() == 1 && (m.Type.Out(0) == reflect.TypeFor[queries.Statement]() || m.Type.Out(0) == reflect.TypeFor[*queries.Statement]()) {
			kinds++
		}
	}
	if kinds != 20 {
		t.Errorf("%d kinds of statements: add the new one to Every, and count it here", kinds)
	}
}
