package report

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"assay/ledger"
	"assay/spec"
)

// repeatView is what is needed to repeat the look.
type repeatView struct {
	Commands   []commandView
	Facts      []fact
	Policy     []fact
	Spec       string // resolved, as YAML
	SpecDigest string
	Statements []statementView
}

// commandView is what to type, and what for.
type commandView struct{ For, Line string }

type statementView struct {
	Name, Purpose, SQL string
	Cost               []fact
}

func newRepeat(look *ledger.Look) repeatView {
	v := repeatView{Commands: commands(look), Spec: cleanBlock(look.Spec.Text), SpecDigest: brief(look.Digest)}
	v.add("Look", look.ID)
	v.add("As of", look.AsOf.UTC().Format(time.RFC3339Nano))
	v.add("Spec digest", look.Digest)
	v.add("Plan", joined(fmt.Sprintf("version %d", look.Version), ", digest ", look.PlanDigest))
	v.add("assay", look.Tool)
	v.add("Revision", look.Revision)
	v.add("Type and cadence", joined(look.Spec.Type, ", every ", look.Spec.Cadence))
	v.add("Assignment", joined(look.Spec.Assignment, " by ", look.Spec.Identifier))
	a := look.Spec.Alpha
	v.add("Alpha", fmt.Sprintf("guardrails %s, goals %s, sample ratio %s",
		web.general(a.Guardrails, 4), web.general(a.Goals, 4), web.general(a.SampleRatio, 4)))
	for _, key := range slices.Sorted(maps.Keys(look.Spec.Policy)) {
		v.Policy = append(v.Policy, fact{name(key), message(look.Spec.Policy[key])})
	}
	v.add("Scanned", scanned(look.Incremental))
	v.add("Cost", costOfAll(look.Statements))
	for i := range look.Statements {
		v.Statements = append(v.Statements, newStatementView(&look.Statements[i]))
	}
	return v
}

func newStatementView(s *ledger.Statement) statementView {
	return statementView{Name: name(s.Name), Purpose: message(s.Purpose), SQL: cleanBlock(s.SQL), Cost: cost(s)}
}

var makesTable = regexp.MustCompile(`(?m)^\s*CREATE [A-Z ]*TABLE\b`)

// cost is what is known of running a statement: what came back, and under which
// digest of its text. What an engine says beyond that belongs here.
func cost(s *ledger.Statement) []fact {
	out := []fact{{"Rows", web.count(s.Rows)}}
	if s.Rows == 0 && makesTable.MatchString(s.SQL) {
		out[0].Value = "none: it makes a table"
	}
	if s.Digest != "" {
		out = append(out, fact{"SHA-256", shorten(clean(s.Digest), nameLength)})
	}
	if s.Bytes > 0 {
		out = append(out, fact{"Bytes", spec.Size(s.Bytes).String()})
	}
	if s.ID != "" {
		out = append(out, fact{"Job", shorten(clean(s.ID), nameLength)})
	}
	if s.Attached {
		out = append(out, fact{"Begun by", "an earlier run"})
	}
	return out
}

// costOfAll sums up what the statements of a look cost.
func costOfAll(all []ledger.Statement) string {
	if len(all) == 0 {
		return ""
	}
	var rows, bytes int64
	for i := range all {
		rows, bytes = rows+all[i].Rows, bytes+all[i].Bytes
	}
	text := plural(len(all), "statement", "statements") + ", " + web.count(rows) + " rows"
	if bytes > 0 {
		text += ", " + spec.Size(bytes).String() + " scanned"
	}
	return text
}

// commands are what to type to see this look again, to compute it anew and
// compare, and to see its SQL and its spec.
func commands(look *ledger.Look) []commandView {
	at := look.AsOf.UTC().Format(time.RFC3339Nano)
	out := []commandView{
		{"Shows the look as it is in the ledger", runCommand(look)},
		{"Computes it anew and says by how much it moved", runCommand(look) + " --refresh"},
		{"Prints the SQL, and runs nothing", "assay sql " + shellWord(look.Experiment) + " --as-of " + at},
	}
	if look.Revision == "" {
		return out
	}
	revision, dirty := strings.CutSuffix(look.Revision, "-dirty")
	use := "Brings back the folder of specs as it was"
	if dirty {
		use += ", but for changes that were not committed"
	}
	return append(out, commandView{use, "git checkout " + shellWord(revision)})
}

// scanned says what an incremental look read anew.
func scanned(i *ledger.Incremental) string {
	if i == nil {
		return ""
	}
	parts, kept := []string{"exposures " + begun(i.Since)}, i.Since != nil
	for _, s := range i.Sources {
		text := s.Source + " " + begun(s.Since)
		if s.Whole != "" {
			text = s.Source + ", all of it: " + s.Whole
		}
		parts = append(parts, text)
	}
	if kept { // Sources begin anew wherever units do.
		parts = append(parts, "the rest is from what earlier looks kept")
	}
	return strings.Join(parts, "; ")
}

// begun is where a scan began.
func begun(since *time.Time) string {
	if since == nil {
		return "from the beginning"
	}
	return "since " + since.UTC().Format("2006-01-02 15:04Z")
}

func (v *repeatView) add(label, value string) {
	if value != "" {
		v.Facts = append(v.Facts, fact{label, shorten(clean(value), 3*nameLength)})
	}
}

// runCommand is what to type to see this look again.
func runCommand(look *ledger.Look) string {
	return "assay run --select " + shellWord(look.Experiment) + " --as-of " + look.AsOf.UTC().Format(time.RFC3339Nano)
}

// shellWord quotes a word for a shell, unless it is plain.
func shellWord(s string) string {
	plain := s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", r)
	})
	if plain && s[0] != '-' {
		return s
	}
	return "'" + strings.ReplaceAll(name(s), "'", `'\''`) + "'"
}
