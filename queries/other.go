package queries

import (
	"fmt"
	"strings"
	"time"

	"assay/spec"
)

// OtherVariations is a query of the units of another experiment as of an instant,
// with its variation as value, to slice one experiment's units by; units in
// several of its variations have none. It can stand for a trait.
func OtherVariations(p *spec.Project, other *spec.Experiment, asOf time.Time, d Dialect) (string, error) {
	r := &renderer{p: p, e: other, look: Look{AsOf: asOf}, d: d}
	data := r.exposures()
	data["Name"] = d.ident(r.assignment().Identifier)
	data["Raw"] = "a." + d.ident(r.assignment().Identifier)
	s := r.statement("units of "+other.Name, "other.sql", "variations of another experiment", data)
	return strings.TrimSpace(s.SQL), r.err
}

// TraitName is the name of the trait that has an experiment's variations; no
// trait of a spec is called so.
func TraitName(experiment string) string { return fmt.Sprintf("variation of %s", experiment) }
