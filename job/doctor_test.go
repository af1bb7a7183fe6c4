package job

import (
	cmp2 "cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"assay/connectors"
	"assay/ledger"
	"assay/queries"
	"assay/spec"
)

// ward is a generated warehouse of one experiment with one fact source. Units are
// numbered i = 0 ...; the texts are SQL over i.
type ward struct {
	name string
	want string // first cause; "" = healthy

	units       int
	id          string // identifier in the exposures
	fact        string // identifier in the facts
	factUnits   string // condition on i: which units have facts; "" = all
	at          string // time of a unit's fact, over at0 (a minute after exposure)
	factColumns string // more columns, as ", expr AS name"
	unitColumns string
	factSQL     string // the source's SQL; "" = the usual one
	extra       string // more SQL that makes tables or rows
	spec        func(*spec.Config)
	declared    string // type of the identifier: "" = text, "none" = not declared
	unmendable  bool
	since       string
}

const (
	hashed = "md5('s' || i)" // 32 hex digits that are no digest of anything there
	uuids  = "CAST(CAST(concat(substr(md5('s' || i), 1, 8), '-', substr(md5('s' || i), 9, 4), '-', substr(md5('s' || i), 13, 4), '-', substr(md5('s' || i), 17, 4), '-', substr(md5('s' || i), 21)) AS UUID) AS VARCHAR)"
	plain  = "'u-' || lpad(CAST(i * 7919 % 1000000 AS VARCHAR), 6, '0')"
	mixed  = "substr(translate(to_base64(unhex(md5('m' || i))), '+/=', 'abc'), 1, 14)"
	mails  = "'ann.' || i || '@gmail.com'"
	others = "'p' || i || '@example.com'"
)

// brokenWards are those with a known cause.
var brokenWards = []ward{
	{name: "facts upper", want: "case", id: plain, fact: "upper(" + plain + ")"},
	{name: "units upper", want: "case", id: "upper(" + plain + ")", fact: plain},
	{name: "units mixed, facts lower", want: "case", id: mixed, fact: "lower(" + mixed + ")"},
	{name: "blanks behind", want: "space", id: plain, fact: plain + " || '  '"},
	{name: "newline and no-break space", want: "space", id: plain, fact: "chr(160) || " + plain + " || chr(10)"},
	{name: "blanks in exposures", want: "space", id: "' ' || " + plain, fact: plain},
	{name: "decomposed", want: "unicode", id: "'josé-' || i", fact: "'jose' || chr(769) || '-' || i"},
	{name: "full width", want: "unicode", id: "'k' || i", fact: "translate('k' || i, '0123456789k', '０１２３４５６７８９ｋ')"},
	{name: "prefix in facts", want: "prefix", id: hashed, fact: "'user:' || " + hashed},
	{name: "prefix in exposures", want: "prefix", id: "'u-' || (i + 1000)", fact: "'' || (i + 1000)"},
	{name: "prefix without a sign", want: "prefix", id: hashed, fact: "'usr' || " + hashed},
	{name: "other prefix", want: "prefix", id: "'user:' || (i + 1000)", fact: "'member/' || (i + 1000)"},
	{name: "prefix with a quote, and no escape", want: "prefix", id: hashed, fact: "'it''s%' || " + hashed},
	{name: "three prefixes", want: "prefixes", id: plain, fact: "['web:', 'ios:', 'android/'][1 + i % 3] || " + plain},
	{name: "two prefixes, half and half", want: "prefixes", id: hashed, fact: "CASE WHEN i % 2 = 0 THEN 'a|' ELSE 'b|' END || " + hashed},
	{name: "prefixes in exposures", want: "prefixes", id: "['web:', 'ios:', 'android/'][1 + i % 3] || " + plain, fact: plain},
	{name: "many prefixes and case", want: "case+prefixes", id: plain, fact: "'t' || (i % 50) || '/x#' || upper(" + plain + ")"},
	{name: "suffix in facts", want: "suffix", id: hashed, fact: hashed + " || '@web'"},
	{name: "suffix in exposures", want: "suffix", id: "(i + 1000) || '-prod'", fact: "'' || (i + 1000)"},
	{name: "zeros lost", want: "zeros", id: "lpad('' || i, 8, '0')", fact: "'' || i"},
	{name: "zeros added", want: "zeros", id: "'' || (i + 1)", fact: "lpad('' || (i + 1), 10, '0')"},
	{name: "floats in facts", want: "number_format", id: "'' || (i + 1000)", fact: "CAST(i + 1000 AS DOUBLE)"},
	{name: "floats in exposures", want: "number_format", id: "CAST(i + 1000 AS DOUBLE)", fact: "'' || (i + 1000)"},
	{name: "exponents", want: "number_format", id: "'' || (i + 1000)", fact: "format('{:.6e}', CAST(i + 1000 AS DOUBLE))"},
	{name: "declared integer", want: "type", declared: "integer", id: plain, fact: plain},
	{name: "no dashes", want: "uuid", id: uuids, fact: "replace(" + uuids + ", '-', '')"},
	{name: "braces", want: "uuid", id: uuids, fact: "'{' || upper(" + uuids + ") || '}'"},
	{name: "urn in exposures", want: "uuid", id: "'urn:uuid:' || " + uuids, fact: uuids},
	{name: "percent", want: "url_encoding", id: others, fact: "url_encode(" + others + ")"},
	{name: "base64", want: "base64", id: plain, fact: "to_base64(encode(" + plain + "))"},
	{name: "base64 without padding", want: "base64", id: "'customer-' || i", fact: "rtrim(to_base64(encode('customer-' || i)), '=')"},
	{name: "facts are md5", want: "digest", id: others, fact: "md5(" + others + ")"},
	{name: "facts are sha1, upper", want: "digest", id: plain, fact: "upper(sha1(" + plain + "))"},
	{name: "facts are sha256", want: "digest", id: plain, fact: "sha256(" + plain + ")"},
	{name: "exposures are sha256", want: "digest", id: "sha256(" + others + ")", fact: others},
	{name: "exposures are md5, upper", want: "digest", id: "upper(md5(" + others + "))", fact: others},
	{name: "digest of lower case", want: "digest+case", id: "'Ann.' || i || '@Example.com'", fact: "sha256(lower('Ann.' || i || '@Example.com'))"},
	{name: "digest and prefix", want: "prefix+digest", id: plain, fact: "'sha256:' || sha256(" + plain + ")"},
	{name: "tags", want: "email", id: others, fact: "'p' || i || '+news@example.com'"},
	{name: "dots", want: "email", id: "'ann' || i || '@gmail.com'", fact: mails},
	{name: "mailto", want: "email", id: others, fact: "'mailto:' || " + others},
	{name: "prefix and case", want: "case+prefix", id: "'abc' || i || 'x'", fact: "'USR-ABC' || i || 'X'"},
	{name: "zeros and prefix", want: "prefix+zeros", id: "'u-' || lpad('' || i, 7, '0')", fact: "'' || i"},
	{name: "space and case", want: "case+space", id: plain, fact: "' ' || upper(" + plain + ")"},
	{name: "base64 and prefix", want: "base64+prefix", id: "'' || (i + 100000)", fact: "to_base64(encode('user/' || (i + 100000)))"},
	{name: "other column of the facts", want: "column", id: plain, fact: "'s' || i", factColumns: ", " + plain + " AS \"Member Ref id\""},
	{name: "other column of the exposures", want: "column", id: plain, fact: hashed, unitColumns: ", " + hashed + " AS device_id"},
	{
		name: "declared join", want: "join", id: plain, fact: "'acct-' || (i + 10000)",
		extra: "CREATE TABLE accounts AS SELECT 'acct-' || (i + 10000) AS account_id, " + plain + " AS user_id FROM range(5000) t(i);",
		spec: func(c *spec.Config) {
			c.Identifiers["account_id"] = spec.Identifier{Type: "text"}
			c.Joins = map[string]spec.Join{"accounts": {Identifiers: []string{"account_id", "user_id"}, SQL: "SELECT account_id, user_id FROM accounts"}}
		},
	},
	{name: "clock three hours early", want: "clock", id: plain, fact: plain, at: "at0 - INTERVAL 3 HOUR"},
	{name: "clock eight hours late", want: "clock", id: plain, fact: plain, at: "at0 + INTERVAL 8 HOUR"},
	{name: "zone declared wrongly", want: "clock", id: plain, fact: plain, spec: func(c *spec.Config) {
		s := c.Facts["events"]
		s.Timezone = "Asia/Tokyo"
		c.Facts["events"] = s
	}},
	{name: "half-hour clock", want: "clock", id: plain, fact: plain, at: "at0 + INTERVAL 330 MINUTE + INTERVAL 2 HOUR"},
	{
		name: "milliseconds for seconds", want: "time_unit", id: plain, fact: plain, at: "to_timestamp(epoch_ms(at0))",
		factSQL: "SELECT user_id, ts AS timestamp, amount FROM events",
	},
	{name: "seconds for microseconds", want: "time_unit", id: plain, fact: plain, at: "make_timestamp(CAST(epoch(at0) AS BIGINT))"},
	{name: "milliseconds, bounded", want: "time_unit", id: plain, fact: plain, at: "to_timestamp(epoch_ms(at0))"},
	{name: "a number for a time", want: "time_type", id: plain, fact: plain, at: "epoch_ms(at0)", factSQL: "SELECT user_id, ts AS timestamp, amount FROM events"},
	{
		name: "environment in the SQL", want: "environment", id: plain, fact: "'x' || " + plain,
		extra:   "CREATE SCHEMA staging; CREATE SCHEMA prod; CREATE TABLE staging.events AS FROM events; CREATE TABLE prod.events AS SELECT * REPLACE (substr(user_id, 2) AS user_id) FROM events; UPDATE staging.events SET user_id = md5(user_id);",
		factSQL: "SELECT user_id, ts AS timestamp, amount FROM staging.events",
	},
	{name: "environment as a column", want: "environment", id: plain, fact: hashed, factColumns: ", 'staging' AS env", unitColumns: ", 'prod' AS env", unmendable: true},
	{name: "load stopped", want: "late", id: plain, fact: plain, extra: "DELETE FROM events WHERE ts >= TIMESTAMP '2026-11-03';", unmendable: true},
	{name: "nulls", want: "null", id: plain, fact: "CASE WHEN i % 10 > 0 THEN NULL ELSE " + plain + " END", unmendable: true},
	{name: "placeholders", want: "placeholder", id: plain, fact: "CASE WHEN i % 10 > 0 THEN 'anonymous' ELSE " + plain + " END", unmendable: true},
	{name: "constant", want: "constant", id: plain, fact: "'service-bot-7'", unmendable: true},
	{name: "no rows", want: "source_empty", id: plain, fact: plain, extra: "DELETE FROM events;", unmendable: true},
	{name: "null column", want: "null", id: plain, fact: "CAST(NULL AS VARCHAR)", unmendable: true},
	{name: "other population", want: "disjoint", units: 1500, id: plain, fact: hashed, unmendable: true},
	{name: "numbers that meet by chance", want: "disjoint", units: 3000, id: plain, fact: "'acct-' || lpad('' || (i * 104729 % 100000000), 8, '0')", unmendable: true},
	{name: "logged at the result", want: "window", id: plain, fact: plain, at: "at0 - INTERVAL 20 HOUR", unmendable: true},
	{name: "missing column", want: "query_fails", id: plain, fact: plain, factSQL: "SELECT user_id, tss AS timestamp FROM events", unmendable: true},
	{name: "no timestamp", want: "column_missing", id: plain, fact: plain, factSQL: "SELECT user_id, ts FROM events", unmendable: true},
	{name: "prefix since a day", want: "prefix", since: "2026-11-04 06:00", id: plain, fact: "CASE WHEN at0 >= TIMESTAMP '2026-11-04 06:00' THEN 'web|' || " + plain + " ELSE " + plain + " END"},
	{
		name: "join, facts' leg", want: "prefix", id: plain, fact: "'c:' || (i + 5000)",
		extra: "CREATE TABLE owners AS SELECT '' || (i + 5000) AS conversation_id, " + plain + " AS user_id FROM range(5000) t(i);",
		spec:  byConversation,
	},
	{
		name: "join, units' leg", want: "case", id: plain, fact: "'c' || (i + 5000)",
		extra: "CREATE TABLE owners AS SELECT 'c' || (i + 5000) AS conversation_id, upper(" + plain + ") AS user_id FROM range(5000) t(i);",
		spec:  byConversation,
	},
}

// byConversation makes the facts' identifier that of a join.
func byConversation(c *spec.Config) {
	c.Identifiers["conversation_id"] = spec.Identifier{Type: "text"}
	c.Joins = map[string]spec.Join{"owners": {Identifiers: []string{"conversation_id", "user_id"}, SQL: "SELECT conversation_id, user_id FROM owners"}}
	c.Facts["events"] = spec.Source{
		Identifiers: []string{"conversation_id"},
		SQL:         "SELECT user_id AS conversation_id, ts AS timestamp, amount FROM events WHERE ts >= {{start}} AND ts < {{end}}",
	}
}

// healthyWards are those in which nothing is wrong, however odd they look.
var healthyWards = []ward{
	{name: "uuids, one side without dashes", declared: "none", id: "CAST(" + uuids + " AS UUID)", fact: "replace(" + uuids + ", '-', '')"},
	{name: "all there", id: plain, fact: plain},
	{name: "one in a hundred", units: 4000, id: plain, fact: plain, factUnits: "i % 100 = 0"},
	{name: "one in a hundred, mixed case", units: 4000, id: mixed, fact: mixed, factUnits: "i % 100 = 0"},
	{name: "by organisation", units: 2000, id: "'o' || (i % 40) || '/u' || (i // 40)", fact: "'o' || (i % 40) || '/u' || (i // 40)", factUnits: "i % 3 = 0"},
	{name: "few units", units: 12, id: plain, fact: plain, factUnits: "i % 3 = 2"},
	{name: "late within freshness", id: plain, fact: plain, extra: "DELETE FROM events WHERE ts >= TIMESTAMP '2026-11-08' - INTERVAL 20 HOUR;"},
	{name: "a bot", id: plain, fact: plain, factUnits: "i % 2 = 0", extra: "INSERT INTO events SELECT 'bot-1', TIMESTAMP '2026-11-05', 1 FROM range(20000);"},
	{name: "mixed case", id: mixed, fact: mixed},
	{name: "short mixed case", units: 2000, id: "substr(translate(to_base64(unhex(md5('m' || i))), '+/=', 'abc'), 1, 3)", fact: "substr(translate(to_base64(unhex(md5('m' || i))), '+/=', 'abc'), 1, 3)", factUnits: "i % 5 = 0"},
	{
		name: "through a join", id: plain, fact: "'c' || i", spec: byConversation,
		extra: "CREATE TABLE owners AS SELECT 'c' || i AS conversation_id, " + plain + " AS user_id FROM range(5000) t(i);",
	},
	{name: "numbers", declared: "integer", id: "i + 1", fact: "i + 1", factUnits: "i % 4 = 0"},
	{name: "numbers, undeclared, row numbers beside", declared: "none", id: "i + 1", fact: "i + 1", factUnits: "i % 4 = 0", factColumns: ", i + 1 AS quantity"},
	{name: "most rows logged out", id: plain, fact: plain, factUnits: "i % 10 < 6", extra: "INSERT INTO events SELECT NULL, TIMESTAMP '2026-11-05', 1 FROM range(20000);"},
	{name: "the whole population", units: 200, id: plain, fact: plain, extra: "INSERT INTO events SELECT 'u-' || lpad(CAST(i * 7919 % 1000000 AS VARCHAR), 6, '0'), TIMESTAMP '2026-11-05', 1 FROM range(1000, 30000) t(i);"},
	{name: "uuids", declared: "none", id: "CAST(" + uuids + " AS UUID)", fact: "CAST(" + uuids + " AS UUID)", factUnits: "i % 3 = 0"},
	{name: "facts before as well", id: plain, fact: plain, factUnits: "i % 5 = 0", extra: "INSERT INTO events SELECT " + plain + ", TIMESTAMP '2026-10-20' + INTERVAL (i) MINUTE, 1 FROM range(300) t(i);"},
}

const wardConfig = `version: 1
warehouse: {%s}
identifiers:
  user_id: {%s}
assignments:
  exposures:
    identifier: user_id
    sql: |
      SELECT user_id, exposed_at AS timestamp, experiment_id, variation_id%s
      FROM exposures
      WHERE exposed_at >= {{start}} AND exposed_at < {{end}}
facts:
  events:
    identifiers: [user_id]
    sql: |
%s
metrics:
  buyers: {kind: proportion, source: events, direction: up, window: 2h, base_rate: 0.5}
`

const wardExperiment = `name: rank
type: experiment
assignment: exposures
start: 2026-11-01
duration: 14d
planned_units: 1000
variations:
  - {id: control, known_good: true}
  - {id: treatment}
goals:
  - {metric: buyers, mde: 20%}
`

// admit makes the ward's project, and its warehouse of DuckDB.
func (w ward) admit(t *testing.T) (*spec.Project, connectors.Warehouse) {
	t.Helper()
	p := w.project(t, "type: duckdb")
	wh, err := connectors.Open(t.Context(), spec.Warehouse{Type: "duckdb", Threads: 1}, p.Dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = wh.Close() })
	session, err := wh.Session(t.Context(), connectors.Tags{})
	if err != nil {
		t.Fatal(err)
	}
	tables := w.tables()
	if _, err := session.Run(t.Context(), queries.Statement{Name: "tables", SQL: tables}); err != nil {
		t.Fatalf("%v\n%s", err, tables)
	}
	if err := session.Close(); err != nil {
		t.Fatal(err)
	}
	return p, wh
}

// project writes the ward's project, of a warehouse, into a folder and loads it.
func (w ward) project(t *testing.T, warehouse string) *spec.Project {
	t.Helper()
	dir := t.TempDir()
	declared := map[string]string{"": "type: text", "none": ""}[w.declared]
	if w.declared == "integer" {
		declared = "type: integer"
	}
	var names string
	for _, column := range strings.Split(w.unitColumns, " AS ")[1:] {
		names = ", " + column
	}
	sql := w.factSQL
	if sql == "" {
		sql = "SELECT *, ts AS timestamp FROM events\nWHERE ts >= {{start}} AND ts < {{end}}"
	}
	indented := "      " + strings.ReplaceAll(sql, "\n", "\n      ")
	write(t, filepath.Join(dir, "assay.yaml"), fmt.Sprintf(wardConfig, warehouse, declared, names, indented))
	write(t, filepath.Join(dir, "experiments", "rank.yaml"), wardExperiment)
	p := reload(t, dir)
	if w.spec != nil {
		w.spec(&p.Config)
		settle(t, dir, p.Config)
		p = reload(t, dir)
	}
	return p
}

// tables are the statements of DuckDB that make the ward's warehouse. Exposures are
// over the first seven days; a fact follows after a minute to an hour.
func (w ward) tables() string {
	return fmt.Sprintf(`BEGIN;
CREATE TEMP TABLE people AS SELECT i, TIMESTAMP '2026-11-01' + INTERVAL 1 MINUTE * CAST(floor(i * 9900.0 / %[1]d) AS INTEGER) AS exposed_at FROM range(%[1]d) t(i);
CREATE TABLE exposures AS SELECT %[2]s AS user_id, exposed_at, 'rank' AS experiment_id, CASE WHEN i %% 2 = 0 THEN 'control' ELSE 'treatment' END AS variation_id%[3]s FROM people;
CREATE TABLE events AS SELECT %[4]s AS user_id, %[5]s AS ts, 1 AS amount%[6]s FROM (SELECT i, exposed_at + INTERVAL 1 MINUTE * (1 + i * 37 %% 59) AS at0 FROM people) WHERE %[7]s;
%[8]s
COMMIT`, cmp2.Or(w.units, 300), w.id, w.unitColumns, w.fact, cmp2.Or(w.at, "at0"), w.factColumns, cmp2.Or(w.factUnits, "true"), w.extra)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func reload(t *testing.T, dir string) *spec.Project {
	t.Helper()
	p, problems, err := spec.Load(dir, func(string) (string, bool) { return "", false })
	if err != nil || len(problems) > 0 {
		text, _ := os.ReadFile(filepath.Join(dir, "assay.yaml"))
		t.Fatalf("%v %v\n%s", err, problems, text)
	}
	return p
}

// settle writes what a ward changes of the spec into its file.
func settle(t *testing.T, dir string, c spec.Config) {
	t.Helper()
	var edits []ledger.Edit
	for name, i := range c.Identifiers {
		edits = append(edits, ledger.Edit{Path: []string{"identifiers", name}, New: map[string]any{"type": i.Type}})
	}
	for name, j := range c.Joins {
		edits = append(edits, ledger.Edit{Path: []string{"joins", name}, New: map[string]any{"identifiers": j.Identifiers, "sql": j.SQL}})
	}
	s := c.Facts["events"]
	source := map[string]any{"identifiers": s.Identifiers, "sql": s.SQL}
	if s.Timezone != "" {
		source["timezone"] = s.Timezone
	}
	apply(t, filepath.Join(dir, "assay.yaml"), append(edits, ledger.Edit{Path: []string{"facts", "events"}, New: source}))
}

// apply makes the edits of a mend in a file, as a person would.
func apply(t *testing.T, path string, edits []ledger.Edit) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	root := map[string]any{}
	if err := yaml.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	for _, e := range edits {
		at := root
		for _, key := range e.Path[:len(e.Path)-1] {
			if at[key] == nil {
				at[key] = map[string]any{}
			}
			at = at[key].(map[string]any)
		}
		at[e.Path[len(e.Path)-1]] = e.New
	}
	if text, err = yaml.Marshal(root); err != nil {
		t.Fatal(err)
	}
	write(t, path, string(text))
}

// examine runs the doctor on a project.
func examine(t *testing.T, p *spec.Project, w connectors.Warehouse) *ledger.Checkup {
	t.Helper()
	j := &Job{Project: p, Warehouse: w, Now: func() time.Time { return hours(24 * 7) }}
	c, err := j.Doctor(t.Context(), &p.Experiments[0], Examination{AsOf: hours(24 * 7)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// alike is a cause without regard to the order of its parts.
func sameIDs(code string) string {
	parts := strings.Split(code, "+")
	slices.Sort(parts)
	return strings.Join(parts, "+")
}

// TestDoctor breaks identifiers in every way that is known: the right cause comes
// first, and its mend, made in the spec as it is printed, brings the units back.
func TestDoctor(t *testing.T) {
	first, mended := 0, 0
	for _, w := range brokenWards {
		t.Run(w.name, func(t *testing.T) {
			p, wh := w.admit(t)
			c := examine(t, p, wh)
			s := c.Sources[0]
			if len(s.Causes) == 0 {
				t.Fatalf("no cause found: %+v", s)
			}
			if sameIDs(s.Causes[0].Code) != sameIDs(w.want) {
				t.Fatalf("first is %s (%s), want %s", s.Causes[0].Code, s.Causes[0].Text, w.want)
			}
			first++
			private(t, c)
			if w.since != "" && (s.Causes[0].Since == nil || s.Causes[0].Since.Format("2006-01-02 15:04") != w.since) {
				t.Errorf("since %v, want %s", s.Causes[0].Since, w.since)
			}
			if w.unmendable {
				return
			}
			if s.Causes[0].Mend == nil || len(s.Causes[0].Mend.Edits) == 0 {
				t.Fatalf("no mend for %+v", s.Causes[0])
			}
			apply(t, filepath.Join(p.Dir, "assay.yaml"), s.Causes[0].Mend.Edits)
			again := examine(t, reload(t, p.Dir), wh).Sources[0]
			if again.InWindow < 95*again.Units/100 || len(again.Causes) > 0 {
				t.Fatalf("mended %d of %d are met, %d in time, %+v\n%+v", again.Matched, again.Units, again.InWindow, again.Causes, s.Causes[0].Mend)
			}
			mended++
		})
	}
	t.Logf("right cause first in %d of %d; mended %d", first, len(brokenWards), mended)
}

// private holds that no identifier of a unit is in what the doctor says.
func private(t *testing.T, c *ledger.Checkup) {
	t.Helper()
	for _, s := range c.Sources {
		for _, cause := range s.Causes {
			for _, i := range []int{7, 123, 250} {
				if id := fmt.Sprintf("u-%06d", i*7919%1000000); strings.Contains(cause.Text, id) {
					t.Errorf("%s names %s", cause.Text, id)
				}
			}
		}
	}
}

// TestDoctorAccusesNobody: odd, and in order.
func TestDoctorAccusesNobody(t *testing.T) {
	for _, w := range healthyWards {
		t.Run(w.name, func(t *testing.T) {
			p, wh := w.admit(t)
			c := examine(t, p, wh)
			if s := c.Sources[0]; len(s.Causes) > 0 || len(c.Problems) > 0 {
				t.Errorf("accused: %+v %+v (%d of %d met)", s.Causes, c.Problems, s.Matched, s.Units)
			}
		})
	}
}

// TestDoctorSamples holds that a sample that is far smaller than the sides finds the
// same cause and says the same share, and the same again when it is asked again.
func TestDoctorSamples(t *testing.T) {
	w := ward{units: 3000, id: plain, fact: "CASE WHEN i % 4 = 0 THEN md5('z' || i) ELSE upper(" + plain + ") END"}
	p, wh := w.admit(t)
	j := &Job{Project: p, Warehouse: wh, Now: func() time.Time { return hours(24 * 7) }}
	var before []ledger.Cause
	for range 2 {
		c, err := j.Doctor(t.Context(), &p.Experiments[0], Examination{AsOf: hours(24 * 7), Sample: 200})
		if err != nil {
			t.Fatal(err)
		}
		causes := c.Sources[0].Causes
		if len(causes) == 0 || causes[0].Code != "case" || *causes[0].After < 0.6 || *causes[0].After > 0.9 {
			t.Fatalf("found %+v, want case for three quarters", causes)
		}
		if before != nil {
			if d := cmp.Diff(before, causes); d != "" {
				t.Errorf("asked again:\n%s", d)
			}
		}
		before = causes
	}
}

// TestDoctorIsBounded: where a query gives more than it may, less of the past is
// looked at, and the cause is found in what is left; one that gives as much whatever
// the span is not asked.
func TestDoctorIsBounded(t *testing.T) {
	shouted := ward{units: 3000, id: plain, fact: "upper(" + plain + ")"}
	whole := shouted
	whole.factSQL = "SELECT *, ts AS timestamp FROM events"
	elsewhere := shouted // All its rows are before the experiment.
	elsewhere.at = "at0 - INTERVAL 1 YEAR"
	joined := ward{
		units: 3000, id: plain, fact: "'c' || i", spec: byConversation,
		extra: "CREATE TABLE owners AS SELECT 'c' || (i // 3) AS conversation_id, " + plain + " AS user_id FROM range(9000) t(i);",
	}
	for name, c := range map[string]struct {
		ward      ward
		o         Examination
		shortened bool
		partial   bool
		cause     string
		asked     bool // of the source
	}{
		"as usual":             {shouted, Examination{}, false, false, "case", true},
		"rows":                 {shouted, Examination{MaxRows: 1000}, true, true, "case", true},
		"bytes":                {shouted, Examination{MaxBytes: 16 * 1000}, true, true, "case", true},
		"span":                 {shouted, Examination{Span: 48 * time.Hour}, false, true, "case", true},
		"whatever the span":    {whole, Examination{MaxRows: 2000}, true, true, "too_large", false},
		"whatever the span, b": {whole, Examination{MaxBytes: 16 * 2000}, true, true, "too_large", false},
		"without bounds":       {elsewhere, Examination{MaxRows: 2999}, true, true, "source_empty", true},
		"within bounds":        {elsewhere, Examination{}, false, false, "outside_span", true},
		"a join":               {joined, Examination{MaxRows: 5000}, false, false, "too_large", false},
	} {
		t.Run(name, func(t *testing.T) {
			p, wh := c.ward.admit(t)
			j := &Job{Project: p, Warehouse: wh, Now: func() time.Time { return hours(24 * 7) }}
			c.o.AsOf = hours(24 * 7)
			found, err := j.Doctor(t.Context(), &p.Experiments[0], c.o)
			if err != nil {
				t.Fatal(err)
			}
			s := found.Sources[0]
			if len(s.Causes) == 0 || s.Causes[0].Code != c.cause || found.Shortened != c.shortened || found.Partial != c.partial {
				t.Errorf("shortened %t, partial %t, %+v", found.Shortened, found.Partial, s.Causes)
			}
			if most := cmp2.Or(c.o.MaxRows, usualRows); s.Rows > most || found.Exposures.Rows > most || (s.Rows > 0) != c.asked && c.cause != "source_empty" && c.cause != "outside_span" {
				t.Errorf("%d rows and %d exposures, at most %d", s.Rows, found.Exposures.Rows, most)
			}
		})
	}
	p, wh := shouted.admit(t)
	j := &Job{Project: p, Warehouse: wh, Now: func() time.Time { return hours(24 * 7) }}
	p.Config.Assignments["exposures"] = spec.Assignment{Identifier: "user_id", SQL: "SELECT user_id, exposed_at AS timestamp, experiment_id, variation_id FROM exposures"}
	found, err := j.Doctor(t.Context(), &p.Experiments[0], Examination{AsOf: hours(24 * 7), MaxRows: 2000})
	if err != nil || len(found.Problems) != 1 || found.Problems[0].Code != "too_large" || len(found.Sources) > 0 {
		t.Errorf("exposures that are too many: %+v, %v", found, err)
	}
}
