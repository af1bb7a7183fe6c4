package queries

import (
	"strings"
	"testing"
	"time"

	"assay/spec"
)

// TestPlace finds marked words of the user's queries in every statement of every
// dialect, and holds where they are said to come from against where they do.
func TestPlace(t *testing.T) {
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
		found := map[Source]int{}
		for _, st := range append(s.All(), s.Checks()...) {
			for i, row := range strings.Split(st.SQL, "\n") {
				for mark := range strings.SplitSeq("mark_one mark_two mark_three", " ") {
					at := strings.Index(row, mark)
					if at < 0 {
						continue
					}
					of, offset, ok := st.Locate(i+1, len([]rune(row[:at]))+1)
					if text := textOf(project, of); !ok || !strings.HasPrefix(text[min(offset, len(text)):], mark) {
						t.Errorf("%s: %s of %s: line %d: %v %d %v", name, mark, st.Name, i+1, of, offset, ok)
					}
					found[of]++
				}
				if column := strings.Index(row, "assay_unit"); column >= 0 {
					if of, _, ok := st.Locate(i+1, column+1); ok {
						t.Errorf("%s: %s: line %d is not the user's: %v", name, st.Name, i+1, of)
					}
				}
			}
		}
		for _, of := range []Source{{"assignments", "exposures"}, {"facts", "events"}, {"joins", "sessions"}, {"traits", "country"}} {
			if found[of] < 3 {
				t.Errorf("%s: %d marks of %v", name, found[of], of)
			}
		}
	}
}

// TestPlaceOfLiteral finds what fills a placeholder at the placeholder, and
// nothing beyond the ends.
func TestPlaceOfLiteral(t *testing.T) {
	project, e := placed(t)
	s, err := Render(project, e, Look{AsOf: e.Start.Add(48 * time.Hour), Epochs: []Epoch{{Start: e.Start.Time, Settled: e.Start.Time}}}, DuckDB)
	if err != nil {
		t.Fatal(err)
	}
	text := project.Config.Assignments["exposures"].SQL
	for i, row := range strings.Split(s.Units.SQL, "\n") {
		at := strings.Index(row, "TIMESTAMP '2026-11-01 00:00:00.000000' AND mark_two")
		if at < 0 {
			continue
		}
		for column := at; column < at+38; column++ {
			if _, offset, ok := s.Units.Locate(i+1, column+1); !ok || !strings.HasPrefix(text[offset:], "{{start}} AND mark_two") {
				t.Fatalf("column %d: %d %v", column+1, offset, ok)
			}
		}
		if of, offset, ok := s.Units.Locate(i+1, 0); !ok || !strings.HasPrefix(text[offset:], "*/ WHERE") {
			t.Errorf("the line: %v %d %v", of, offset, ok)
		}
		if _, offset, ok := s.Units.Locate(i+1, 1000); !ok || text[offset] != '\n' {
			t.Errorf("behind the line's end: %d %v", offset, ok)
		}
	}
	for _, line := range []int{0, -1, 10000} {
		if _, _, ok := s.Units.Locate(line, 1); ok {
			t.Errorf("line %d is there", line)
		}
	}
}

func textOf(p *spec.Project, of Source) string {
	switch of.Kind {
	case "assignments":
		return p.Config.Assignments[of.Name].SQL
	case "facts":
		return p.Config.Facts[of.Name].SQL
	case "joins":
		return p.Config.Joins[of.Name].SQL
	case "metrics":
		name, key, _ := strings.Cut(of.Name, ".")
		m := p.Config.Metrics[name]
		return map[string]func() string{
			"where": func() string { return m.Where }, "value": func() string { return m.Value },
			"numerator.value": func() string { return m.Numerator.Value }, "numerator.where": func() string { return m.Numerator.Where },
			"denominator.value": func() string { return m.Denominator.Value }, "denominator.rule.text": func() string { return m.Denominator.Rule.Text },
			"total.value": func() string { return m.Total.Value },
		}[key]()
	default:
		return p.Config.Traits[of.Name].SQL
	}
}

// placed is a project whose queries have marks behind comments, texts over
// several lines, wide letters and placeholders.
func placed(t *testing.T) (*spec.Project, *spec.Experiment) {
	t.Helper()
	const text = "SELECT *, 'a\n {{start}}' AS mark_one -- 東京 {{end}}\nFROM x /* {{start}}\n */ WHERE t > {{start}} AND mark_two < {{ end }}\n\tAND '東' = {{experiment}} AND mark_three"
	project := &spec.Project{Config: spec.Config{
		Identifiers: map[string]spec.Identifier{"user_id": {}, "session_id": {}},
		Assignments: map[string]spec.Assignment{"exposures": {Identifier: "user_id", SQL: text}},
		Facts:       map[string]spec.Source{"events": {Identifiers: []string{"session_id"}, SQL: text}},
		Joins:       map[string]spec.Join{"sessions": {Identifiers: []string{"user_id", "session_id"}, SQL: text}},
		Traits:      map[string]spec.Trait{"country": {Identifier: "user_id", SQL: text}},
		Metrics:     map[string]spec.Metric{"errors": {Kind: "proportion", Source: "events", Direction: "down"}},
	}}
	e := &spec.Experiment{
		Name: "one", ExperimentID: "one", Assignment: "exposures", Type: "rollout",
		Start:      spec.Instant{Time: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)},
		Duration:   spec.Duration{Duration: 14 * 24 * time.Hour},
		Variations: []spec.Variation{{ID: "control", KnownGood: true}, {ID: "treatment"}},
		Slices:     []string{"country"},
		Guardrails: []spec.Use{{Metric: "errors"}},
	}
	return project, e
}

// TestPlaceOfExpression finds words of a metric's expressions wherever a statement
// has them, and no word that only holds one.
func TestPlaceOfExpression(t *testing.T) {
	p := &spec.Project{Config: spec.Config{
		Identifiers: map[string]spec.Identifier{"user_id": {}},
		Assignments: map[string]spec.Assignment{"exposures": {Identifier: "user_id", SQL: "SELECT * FROM exposures"}},
		Facts:       map[string]spec.Source{"events": {Identifiers: []string{"user_id"}, SQL: "SELECT * FROM events"}},
		Metrics: map[string]spec.Metric{
			"cost":  {Kind: "sum", Source: "events", Value: "price * pieces\n", Where: "price > 0\n  AND paid\n"},
			"share": {Kind: "ratio", Source: "events", Numerator: &spec.Part{Value: "gain", Where: "won"}, Denominator: &spec.Part{Value: "stake", Rule: &spec.Rule{Text: "note", MinLength: 2, Counts: spec.RuleKept}}},
			"slow":  {Kind: "proportion", Source: "events", Total: &spec.Total{Of: "mean", Value: "latency", Over: new(900.0)}},
		},
	}}
	e := &spec.Experiment{
		Name: "e", ExperimentID: "e", Assignment: "exposures", Start: spec.Instant{Time: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)},
		Duration: spec.Duration{Duration: 240 * time.Hour}, Variations: []spec.Variation{{ID: "a", KnownGood: true}, {ID: "b"}},
		Goals: []spec.Use{{Metric: "cost"}, {Metric: "share"}, {Metric: "slow"}},
	}
	words := map[string]Source{
		"pieces": {"metrics", "cost.value"}, "paid": {"metrics", "cost.where"}, "gain": {"metrics", "share.numerator.value"},
		"won": {"metrics", "share.numerator.where"}, "stake": {"metrics", "share.denominator.value"},
		"note": {"metrics", "share.denominator.rule.text"}, "latency": {"metrics", "slow.total.value"},
	}
	for _, name := range DialectNames() {
		d, err := DialectOf(name)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Render(p, e, Look{AsOf: e.Start.Add(48 * time.Hour), Epochs: []Epoch{{Start: e.Start.Time, Settled: e.Start.Time}}}, d)
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]int{}
		for i, row := range strings.Split(s.Facts[0].SQL, "\n") {
			for word, want := range words {
				at := strings.Index(row, word)
				if at < 0 {
					continue
				}
				of, offset, ok := s.Facts[0].Locate(i+1, at+1)
				if text := strings.TrimSpace(textOf(p, of)); !ok || of != want || !strings.HasPrefix(text[offset:], word) {
					t.Errorf("%s: %s in line %d: %v %d %v", name, word, i+1, of, offset, ok)
				}
				found[word]++
			}
			if at := strings.Index(row, "assay_stratum"); at >= 0 {
				if of, _, ok := s.Facts[0].Locate(i+1, at+1); ok {
					t.Errorf("%s: line %d is not the user's: %v", name, i+1, of)
				}
			}
		}
		if len(found) != len(words) {
			t.Errorf("%s: found %v", name, found)
		}
	}
	for text, at := range map[string]int{"SELECT ax FROM t": 7, "SELECT a1 FROM t": 7, "SELECT _a": 8, "": 0, "a": 3} {
		if from, ok := around(text, "a", at); ok {
			t.Errorf("a in %q at %d: %d", text, at, from)
		}
	}
}
