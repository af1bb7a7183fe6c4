package queries

import (
	"strings"
	"testing"
	"time"
)

// TestRehearse composes every statement of a look: no temporary table is made, each
// that is read is made in it, in order, and where the user's queries stand in the
// composed text is still known.
func TestRehearse(t *testing.T) {
	project, e := placed(t)
	for _, name := range DialectNames() {
		d, err := DialectOf(name)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Render(project, e, Look{AsOf: e.Start.Add(48 * time.Hour), Epochs: []Epoch{{Start: e.Start.Time, Settled: e.Start.Time}}}, d)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]Rehearsal{}
		for _, r := range Rehearse(append(s.All(), s.Checks()...), d) {
			got[r.Name] = r
			if strings.Contains(r.SQL, "CREATE ") {
				t.Errorf("%s: %s makes a table:\n%s", name, r.Name, r.SQL)
			}
			for i, row := range strings.Split(r.SQL, "\n") {
				if at := strings.Index(row, "mark_three"); at >= 0 {
					of, offset, ok := r.Locate(i+1, len([]rune(row[:at]))+1)
					if !ok || !strings.HasPrefix(textOf(project, of)[offset:], "mark_three") {
						t.Errorf("%s: %s: line %d: %v %d %v", name, r.Name, i+1, of, offset, ok)
					}
				}
			}
		}
		for _, c := range []struct {
			statement, again, makes string
			own                     bool
		}{
			{"units", "", "assay_exposed", true},
			{"links of sessions", "", "assay_links_sessions", true},
			{"slices", "assay_exposed", "assay_units", true},
			{"summary", "assay_exposed assay_units", "", false},
			{"hours", "assay_exposed", "", false},
			{"facts of events", "assay_exposed assay_links_sessions assay_units", "", true},
			{"unknown variations", "", "", true},
			{"alignment of events", "assay_exposed assay_links_sessions assay_units", "", true},
		} {
			r, ok := got[c.statement]
			if again := strings.Join(r.Again, " "); !ok || again != c.again || r.Makes != c.makes || r.Own != c.own {
				t.Errorf("%s: %s: again %q, makes %q, own %v; want %+v", name, c.statement, again, r.Makes, r.Own, c)
			}
		}
	}
}
