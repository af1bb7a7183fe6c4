package googlesql_test

import (
	"testing"

	"assay/queries"
)

// TestRehearsed analyzes the statements of a look as a dry run has them: none makes
// a table, and none reads one that only a look makes.
func TestRehearsed(t *testing.T) {
	for _, project := range projects {
		p := load(t, project)
		e := &p.Experiments[0]
		w := open(t, project)
		script, err := queries.Render(p, e, looks(e)[severalEpochs], queries.BigQuery)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range queries.Rehearse(append(script.All(), script.Checks()...), queries.BigQuery) {
			r.Purpose = "" // What makes a table gives more than texts and numbers.
			if err := w.check(r.Statement); err != nil {
				t.Errorf("%s: %s: %v\n%s", project, r.Name, err, r.SQL)
			}
		}
	}
}
