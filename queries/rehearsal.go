package queries

import (
	"regexp"
	"slices"
	"strings"

	"assay/spec"
)

// Rehearsal is a statement of a look as an engine can judge it before any of them
// has run: one query, in which the temporary tables that it reads are made once
// more, since in a dry run there are none.
type Rehearsal struct {
	Statement
	// Again are the temporary tables that are made in it.
	Again []string
	// Makes is the temporary table that the statement itself makes; "" = none.
	Makes string
	// Own tells whether it reads what queries of the spec give; without it reads only
	// what earlier statements of the look have made.
	Own bool
}

// Rehearse composes the statements of a list, which are in the order they run. A
// look that keeps a state cannot be rehearsed: its tables stay.
func Rehearse(list []Statement, d Dialect) []Rehearsal {
	made := map[string]Statement{}
	var order []string
	hidden := spec.Verbatim(d.Name)
	out := make([]Rehearsal, len(list))
	for i, s := range list {
		var again []string
		for j := len(order) - 1; j >= 0; j-- {
			table := order[j]
			// What a table is made of was made before it.
			if mentions(s, table, hidden) || slices.ContainsFunc(again, func(later string) bool { return mentions(made[later], table, hidden) }) {
				again = append(again, table)
			}
		}
		slices.Reverse(again)
		out[i] = Rehearsal{Statement: rehearsed(s, again, made), Again: again, Makes: s.makes, Own: len(s.Texts) > 0}
		if s.makes != "" {
			made[s.makes] = s
			order = append(order, s.makes)
		}
	}
	return out
}

// mentions tells whether a statement reads a table: its name stands in it outside
// of texts and comments.
func mentions(s Statement, table string, hidden *regexp.Regexp) bool {
	text := hidden.ReplaceAllString(s.SQL[s.body:], " ")
	return regexp.MustCompile(`\b` + regexp.QuoteMeta(table) + `\b`).MatchString(text)
}

// rehearsed is the statement's query below the tables that it reads.
func rehearsed(s Statement, again []string, made map[string]Statement) Statement {
	out := Statement{Name: s.Name, Purpose: s.Purpose}
	var b strings.Builder
	add := func(s Statement) {
		for _, t := range s.Texts {
			t.from += b.Len() - s.body
			out.Texts = append(out.Texts, t)
		}
		b.WriteString(strings.TrimRight(s.SQL[s.body:], "\n") + "\n")
	}
	for i, table := range again {
		if i == 0 {
			b.WriteString("WITH ")
		} else {
			b.WriteString(", ")
		}
		b.WriteString(table + " AS (\n")
		add(made[table])
		b.WriteString(")\n")
	}
	if len(again) == 0 {
		add(s)
	} else {
		b.WriteString("SELECT * FROM (\n")
		add(s)
		b.WriteString(") AS rehearsed\n")
	}
	out.SQL = b.String()
	return out
}

// creation opens a temporary table; a template that writes it notes which, and
// where its query begins.
type creation struct {
	r     *renderer
	table string
}

// create is the creation of a temporary table.
func (r *renderer) create(table string) *creation { return &creation{r, table} }

// String is called by the template just before it writes the text.
func (c *creation) String() string {
	text := strings.ReplaceAll(c.r.d.Temp, "%s", c.table)
	c.r.makes, c.r.body = c.table, c.r.out.Len()+len(text)
	return text
}
