package job

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"assay/ledger"
	"assay/queries"
)

// file is the project's file as the user named it.
func (x *examiner) file() string { return filepath.Base(x.p.Path) }

func (x *examiner) edit(old string, value any, path ...string) ledger.Edit {
	return ledger.Edit{File: x.file(), Path: path, Old: old, New: value}
}

// sqlEdit changes the SQL of a source.
func (x *examiner) sqlEdit(source, sql string) ledger.Edit {
	return x.edit(x.p.Config.Facts[source].SQL, sql, "facts", source, "sql")
}

// asText makes an identifier compared as text where the spec leaves that to the
// engine: what is written anew is text.
func (x *examiner) asText(identifier string) []ledger.Edit {
	if x.p.Config.Identifiers[identifier].Type != "" {
		return nil
	}
	return []ledger.Edit{x.edit("", "text", "identifiers", identifier, "type")}
}

// mendSpelling writes the mend of a source whose identifiers are spelled
// otherwise. A side that only a digest or a common form of both can meet gets a
// join, so that the exposures and all other sources stay as they are.
func (x *examiner) mendSpelling(f *examined, t try) *ledger.Mend {
	cfg := x.p.Config
	if t.cause == "type" {
		id := f.s.Identifier
		return &ledger.Mend{Text: "Compare " + id + " as text.", Edits: []ledger.Edit{x.edit(cfg.Identifiers[id].Type, "text", "identifiers", id, "type")}}
	}
	sql := cfg.Facts[f.Source].SQL
	if len(t.right) > 0 {
		sql = x.d.Wrapped(sql, f.s.Identifier, x.d.Rewrite(x.d.TextOf(f.s.Identifier), t.right))
	}
	if len(t.left) == 0 {
		return &ledger.Mend{
			Text:  fmt.Sprintf("Write %s of %s as the exposures have it, in its SQL.", f.s.Identifier, f.Source),
			Edits: append([]ledger.Edit{x.sqlEdit(f.Source, sql)}, x.asText(f.s.Identifier)...),
		}
	}
	unit := x.out.Identifier
	assignment := cfg.Assignments[x.e.Assignment]
	name := x.fresh(unit + "_in_" + f.Source)
	pairs := x.d.Linking(assignment.SQL, x.d.Rewrite(x.d.TextOf(unit), t.left), name, unit)
	return &ledger.Mend{
		Text:  fmt.Sprintf("Declare what the exposures' %s becomes in %s as an identifier of its own, and join by it.", unit, f.Source),
		Edits: x.through(f, sql, name, pairs),
	}
}

// fresh is a name that no identifier and no join has.
func (x *examiner) fresh(name string) string {
	for {
		_, identifier := x.p.Config.Identifiers[name]
		_, join := x.p.Config.Joins[name]
		if !identifier && !join {
			return name
		}
		name += "_2"
	}
}

// through gives a source another identifier and a join from it to the units.
func (x *examiner) through(f *examined, sql, name, pairs string) []ledger.Edit {
	return []ledger.Edit{
		x.edit("", map[string]any{"type": "text"}, "identifiers", name),
		x.edit("", map[string]any{"identifiers": []string{name, x.out.Identifier}, "sql": pairs}, "joins", name),
		x.edit(strings.Join(x.p.Config.Facts[f.Source].Identifiers, ", "), x.instead(f, name), "facts", f.Source, "identifiers"),
		x.sqlEdit(f.Source, x.d.Renamed(sql, f.s.Identifier, name)),
	}
}

// instead are the source's identifiers with another one in place of that by which
// it is joined.
func (x *examiner) instead(f *examined, name string) []string {
	list := slices.Clone(x.p.Config.Facts[f.Source].Identifiers)
	for i, id := range list {
		if id == f.s.Identifier {
			list[i] = name
		}
	}
	return list
}

// mendTime writes the mend of a source whose timestamp is read by another clock.
func (x *examiner) mendTime(f *examined, clock queries.Clock) *ledger.Mend {
	sql := x.p.Config.Facts[f.Source].SQL
	expression := x.d.Timed("timestamp", clock)
	if f.s.Wide {
		sql = x.d.Unbounded(sql)
	}
	m := &ledger.Mend{
		Text:  fmt.Sprintf("Make a time of timestamp in the SQL of %s.", f.Source),
		Edits: []ledger.Edit{x.sqlEdit(f.Source, x.d.Wrapped(sql, "timestamp", expression))},
	}
	if f.s.Wide {
		m.Text += " Its own bounds compare the wrong measure and are opened; set them on the raw column to keep partitions pruned."
	}
	return m
}
