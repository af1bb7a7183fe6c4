package spec

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// validate holds a decoded project against what the words mean: names resolve,
// numbers are in range, roles are complete. Values that could not be decoded
// have their problem already and are left alone.
func validate(p *Project, config place, specs []place) {
	v := validator{
		config:   &p.Config,
		sql:      sqlFor(p.Config.Warehouse.Type),
		root:     config,
		sections: config.index(),
		metrics:  config.at("metrics").index(),
		facts:    config.at("facts").index(),
		joined:   config.at("joins").absent || config.at("joins").sound(),
	}
	v.validateConfig()
	validateSchedule(p.Config.Schedule, p.SmallestCadence(), config.at("schedule"))
	first := map[string]place{}
	for i := range p.Experiments {
		v.experiment(&p.Experiments[i], specs[i])
		uniqueName(p.Experiments[i].Name, specs[i].at("name"), first)
	}
	validateNotify(p, config.at("notify"), specs)
}

// validator holds what references resolve against.
type validator struct {
	config   *Config
	sql      sqlOf
	root     place
	sections map[string]place // of assay.yaml
	metrics  map[string]place
	facts    map[string]place
	joined   bool // the joins could be decoded
}

// section is a section of assay.yaml, the file's beginning where it is absent.
func (v validator) section(name string) place {
	if at, ok := v.sections[name]; ok {
		return at
	}
	at := v.root
	at.absent = true
	return at
}

// uniqueName also refuses names that differ only in case: they name folders.
func uniqueName(name string, at place, first map[string]place) {
	if !at.ok() {
		return
	}
	key := strings.ToLower(name)
	if other, taken := first[key]; taken {
		at.problemf("the name %s is taken by %s", name, other.where())
		return
	}
	first[key] = at
}

var (
	name          = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)
	sqlIdentifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,62}$`)
)

// named checks a name that the user gives to something.
func named(given string, at place) {
	if !name.MatchString(given) {
		at.keyProblemf("a name has letters, digits, - and _, begins with a letter or digit, and is at most 64 long")
	}
}

// plainIdentifier checks a name that is also a column or a view.
func plainIdentifier(given string, at place) {
	if !sqlIdentifier.MatchString(given) {
		at.keyProblemf("%q is not a plain SQL identifier: letters, digits and _, not beginning with a digit", given)
	}
}

// refer looks up a name declared in a section of assay.yaml; a name that is
// not there is a problem, unless the section itself could not be read.
func refer[T any](at place, noun, given string, declared map[string]T, section place) (T, bool) {
	found, ok := declared[given]
	if ok || !at.ok() || section.unreadable() {
		return found, ok
	}
	var valid []string
	if len(declared) <= maxCompared {
		valid = slices.Collect(maps.Keys(declared))
	}
	at.problemf("%s %q is not declared%s", noun, given, suggest(given, valid))
	return found, false
}

// timezone checks a zone's name. Local would make a look depend on its host.
func timezone(zone string, at place) {
	if !at.ok() {
		return
	}
	if zone == "" || !known(zone) {
		at.problemf("unknown timezone %q; want a name such as Europe/Berlin or UTC", zone)
	}
}

// positive checks durations that mean nothing at 0; left out, the default holds.
func positive(at place, durations map[string]Duration) {
	for _, key := range slices.Sorted(maps.Keys(durations)) {
		at.at(key).must(durations[key].Duration > 0, "%s must be more than 0; without it the default holds", key)
	}
}
