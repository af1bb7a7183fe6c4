package spec

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// maxVariations keeps a flag's arms within what flag stores and tables take.
const maxVariations = 62

func (v validator) experiment(e *Experiment, at place) {
	at.at("name").must(name.MatchString(e.Name),
		"a name has letters, digits, - and _, begins with a letter or digit, and is at most 64 long")
	at.at("experiment_id").must(e.ExperimentID != "", "the id is empty; without it the name is used")
	refer(at.at("assignment"), "assignment", e.Assignment, v.config.Assignments, v.section("assignments"))
	schedule(e, at)
	variations(e.Variations, at.at("variations"))
	coverage(e, at)
	prompts(e.Variations, at.at("variations"))
	v.roles(e, at)
	v.activation(e, at.at("activation"))
	v.slices(e, at.at("slices"))
	v.days(e, at.at("days_since_exposure"))
	v.flag(e.Flag, at.at("flag"))
	v.wholePercents(e, at)
	validatePolicy(e.Policy, at.at("policy"))
	v.shipsInTime(e, at)
}

// schedule checks when the experiment runs and how often it is looked at.
func schedule(e *Experiment, at place) {
	duration, cadence := at.at("duration"), at.at("cadence")
	duration.must(e.Duration.Duration > 0, "the duration must be more than 0")
	cadence.must(e.Cadence.Duration > 0, "the cadence must be more than 0")
	if duration.ok() && cadence.ok() && e.Duration.Duration > 0 {
		cadence.must(e.Cadence.Duration <= e.Duration.Duration, "the cadence %v is longer than the duration %v", e.Cadence, e.Duration)
	}
	if duration.ok() && cadence.absent && e.Duration.Duration > 0 && e.Duration.Duration < defaultCadence {
		duration.problemf("the duration is shorter than the default cadence of %v; give a cadence", Duration{defaultCadence})
	}
	at.at("planned_units").must(e.PlannedUnits >= 2, "planned_units must be at least 2, one an arm")
	if at.at("planned_units").absent {
		at.warnf("without planned_units the tests are tuned for any traffic, which costs about five points of power; a rough number does better, and one too small costs less than one too large")
	}
	at.at("start").must(inRange(e.Start.Time), "the year must lie between 2000 and 2200")
}

// inRange is where nanoseconds since 1970 fit and a year is not a slip.
func inRange(t time.Time) bool { return t.Year() >= 2000 && t.Year() <= 2200 }

// shipsInTime warns where the least duration before ship is never reached.
func (v validator) shipsInTime(e *Experiment, at place) {
	if e.Type != TypeExperiment || e.Duration.Duration <= 0 {
		return
	}
	least := cmp.Or(e.Policy.MinDuration, v.config.Policy.MinDuration, defaultPolicy.MinDuration)
	if least.Duration > e.Duration.Duration {
		at.at("duration").warnf("the duration %v is shorter than the least duration before ship (policy.min_duration), %v: it can never ship", e.Duration, least)
	}
}

// mostSlices bounds the dimensions by which effects are shown: each adds its
// values to every statement.
const mostSlices = 5

// slices checks the dimensions by which effects are shown.
func (v validator) slices(e *Experiment, at place) {
	a, ok := v.config.Assignments[e.Assignment]
	if at.absent || !ok {
		return
	}
	at.must(len(e.Slices) <= mostSlices, "want at most %d slices", mostSlices)
	seen := map[string]bool{}
	for i, name := range e.Slices {
		p := at.item(i)
		p.must(!seen[name], "%s is listed twice", name)
		seen[name] = true
		t, known := v.config.Traits[name]
		if slices.Contains(a.Dimensions, name) {
			p.must(!known, "%s is a dimension of assignment %s and a trait as well; name one of them otherwise", name, e.Assignment)
			continue
		}
		switch {
		case !known:
			p.problemf("%q is neither a dimension of assignment %s nor a trait%s", name, e.Assignment,
				suggest(name, slices.Concat(a.Dimensions, slices.Sorted(maps.Keys(v.config.Traits)))))
		case t.Identifier != a.Identifier:
			p.problemf("trait %s is of %s; the experiment randomises %s", name, t.Identifier, a.Identifier)
		}
	}
}

// mostDays bounds the days since exposure by which effects are shown: each may add
// a row for every unit.
const mostDays = 28

// days checks the days since exposure by which effects are shown.
func (v validator) days(e *Experiment, at place) {
	if !at.absent {
		at.must(e.DaysSinceExposure >= 2 && e.DaysSinceExposure <= mostDays, "want 2 to %d days", mostDays)
	}
}

// activation checks the metric at which windows begin.
func (v validator) activation(e *Experiment, at place) {
	if at.absent {
		return
	}
	m, known := refer(at, "metric", e.Activation, v.config.Metrics, v.section("metrics"))
	if !known {
		return
	}
	switch {
	case m.Kind != "" && m.Kind != "proportion" && m.Kind != "count":
		at.problemf("%s is a %s; the activation is the first fact of a proportion or a count", e.Activation, m.Kind)
	case m.Total != nil:
		at.problemf("%s has a total, which has no one instant; the activation is the first fact of a metric without", e.Activation)
	case slices.ContainsFunc(slices.Concat(e.Guardrails, e.Goals), func(u Use) bool { return u.Metric == e.Activation }):
		at.problemf("%s is judged as well: every unit that is compared has it, so that it can show nothing", e.Activation)
	case m.Delay.Duration < 0 || m.Lookback.Duration > 0:
		at.problemf("%s looks back; a unit is activated after it was exposed", e.Activation)
	}
	v.reach(e, Use{Metric: e.Activation}, at)
}

func variations(given []Variation, at place) {
	if !at.ok() {
		return
	}
	at.must(len(given) >= 2, "want at least two variations")
	at.must(len(given) <= maxVariations, "want at most %d variations", maxVariations)
	seen := map[string]bool{}
	good := 0
	for i, v := range given {
		p := at.item(i)
		p.at("id").must(v.ID != "", "the id is empty")
		p.at("id").must(!seen[v.ID], "variation %q is declared twice", v.ID)
		seen[v.ID] = true
		if v.KnownGood {
			good++
			p.at("known_good").must(good == 1, "only one variation is known_good")
		}
	}
	if good == 0 && at.sound() {
		at.problemf("mark one variation known_good: true; a rollback serves it to everybody")
	}
	weights(given, at)
}

// weights are given for all variations or for none.
func weights(given []Variation, at place) {
	var sum float64
	count := 0
	for i, v := range given {
		p := at.item(i).at("weight")
		p.must(v.Weight > 0 && v.Weight < 1, "a weight lies between 0 and 1, both excluded")
		sum += v.Weight
		if !p.absent {
			count++
		}
	}
	switch {
	case count == 0 || !at.sound():
	case count < len(given):
		at.problemf("give every variation a weight, or none for equal ones")
	case math.Abs(sum-1) > 1e-9:
		at.problemf("the weights sum to %.10g, not to 1", sum)
	}
}

// coverage checks what share of the units takes part: fixed in an experiment,
// a ladder in a rollout.
func coverage(e *Experiment, at place) {
	fixed, ladder := at.at("coverage"), at.at("ladder")
	fixed.must(e.Coverage > 0 && e.Coverage <= 1, "the coverage is a share: more than 0, at most 1")
	switch e.Type {
	case TypeExperiment:
		ladder.refuse("only a rollout has a ladder; an experiment has coverage")
	case TypeRollout:
		fixed.refuse("a rollout has a ladder of coverages instead")
		at.at("variations").must(len(e.Variations) <= 2, "a rollout has exactly two variations")
	}
	if !ladder.sound() {
		return
	}
	last := 0.0
	for i, rung := range e.Ladder {
		p := ladder.item(i)
		p.must(rung > 0 && rung <= 1, "a rung is a share: more than 0, at most 1")
		p.must(rung > last, "each rung is higher than the one before")
		last = rung
	}
	ladder.must(last == 1, "the ladder ends at 1, full coverage")
}

func prompts(given []Variation, at place) {
	first := map[string]string{}
	for i, v := range given {
		p := at.item(i).at("prompt")
		if v.Prompt == nil {
			continue
		}
		p.at("name").must(v.Prompt.Name != "", "the name is empty")
		template, file := p.at("template"), p.at("file")
		switch {
		case template.absent && file.absent:
			p.problemf("a prompt needs template or file")
			continue
		case !template.absent && !file.absent:
			file.keyProblemf("give either template or file")
			continue
		}
		template.must(strings.TrimSpace(v.Prompt.Template) != "", "the template is empty")
		file.must(v.Prompt.File != "", "the path is empty")
		version := v.Prompt.Version()
		if other, same := first[version]; same && v.Prompt.Template != "" {
			p.warnf("variations %s and %s run the same prompt version", other, v.ID)
		}
		first[version] = v.ID
	}
}

func (v validator) flag(f FlagRef, at place) {
	key, stores := at.at("key"), at.at("stores")
	key.must(f.Key != "", "the key is empty")
	switch {
	case at.absent:
	case key.absent && !stores.absent:
		stores.keyProblemf("flag.stores needs flag.key, the flag in the stores")
	case stores.absent:
		at.keyProblemf("flag needs stores, the flag stores that are told")
	}
	stores.must(len(f.Stores) > 0, "name a flag store")
	seen := map[string]bool{}
	for i, store := range f.Stores {
		refer(stores.item(i), "flag store", store, v.config.FlagStores, v.section("flag_stores"))
		stores.item(i).must(!seen[store], "flag store %s is listed twice", store)
		seen[store] = true
	}
}

// wholePercents are coverages that a store of Unleash can write.
func (v validator) wholePercents(e *Experiment, at place) {
	for _, name := range e.Flag.Stores {
		if v.config.FlagStores[name].Type != "unleash" {
			continue
		}
		check := func(share float64, p place) {
			percent := share * 100
			p.must(math.Abs(percent-math.Round(percent)) < 1e-6, "flag store %s is unleash, which rolls out whole percents", name)
		}
		check(e.Coverage, at.at("coverage"))
		for i, rung := range e.Ladder {
			check(rung, at.at("ladder").item(i))
		}
		return
	}
}

// role is what a metric is used for, with what its uses take.
type role struct {
	key      string
	plural   string
	uses     []Use
	judged   bool // decides: needs a direction and a smallest effect of interest
	harmful  bool // takes margin and weight
	rollback bool // takes rollback
}

// Roles of a metric in an experiment, as the report and the plan name them.
const (
	RoleGuardrail = "guardrail"
	RoleGoal      = "goal"
	RoleSecondary = "secondary"
)

func (e *Experiment) roles() map[string]role {
	return map[string]role{
		RoleGuardrail: {key: "guardrails", plural: "guardrails", uses: e.Guardrails, judged: true, harmful: true},
		RoleGoal:      {key: "goals", plural: "goals", uses: e.Goals, judged: true, rollback: true},
		RoleSecondary: {key: "secondary", plural: "secondary metrics", uses: e.Secondary},
	}
}

// roles checks the metrics in their roles.
func (v validator) roles(e *Experiment, at place) {
	if at.at("guardrails").absent && at.at("goals").absent && !at.absent {
		at.problemf("name at least one guardrail or goal: criteria are declared before launch")
	}
	first := map[string]string{}
	roles := e.roles()
	for _, kind := range []string{RoleGuardrail, RoleGoal, RoleSecondary} {
		list := at.at(roles[kind].key)
		if roles[kind].judged {
			list.must(len(roles[kind].uses) > 0, "%s is empty", roles[kind].key)
		}
		for i, use := range roles[kind].uses {
			p := list.item(i)
			if other, twice := first[use.Metric]; twice {
				p.at("metric").problemf("metric %s is used already, as a %s", use.Metric, other)
			}
			first[use.Metric] = kind
			v.use(use, p, roles[kind])
			v.method(use, p.at("method"), roles[kind], at.at("planned_units"))
			v.reach(e, use, p.at("metric"))
		}
	}
}

// use checks one metric in its role.
func (v validator) use(u Use, at place, r role) {
	m, known := refer(at.at("metric"), "metric", u.Metric, v.config.Metrics, v.section("metrics"))
	if known && r.judged && m.Direction == "" && v.metrics[u.Metric].at("direction").absent {
		at.at("metric").problemf("metric %s has no direction; say there which way is good", u.Metric)
	}
	if r.judged && m.Lookback.Duration > 0 {
		at.at("metric").problemf("metric %s has a lookback: it forgets, so that its error cannot be bounded over looks; use it as a secondary metric", u.Metric)
	}
	sizes(u, at, r)
	if m.Scale == ScaleLog || m.Scale == ScaleAuto {
		ratios(u, m, at)
	}
	for key, allowed := range map[string]bool{"margin": r.harmful, "weight": r.harmful, "rollback": r.rollback} {
		if !allowed {
			at.at(key).refuse("%s is not for %s", key, r.plural)
		}
	}
	at.at("weight").must(u.Weight > 0, "a weight is more than 0")
}

// method checks that the metric and its role have what the method needs: events,
// an end at which the error is spent, planned units.
func (v validator) method(u Use, at place, r role, planned place) {
	kind := v.config.Metrics[u.Metric].Kind
	guards := r.harmful || r.rollback && u.Rollback
	switch u.Method {
	case "exact", "exact_spending":
		at.must(kind == "" || kind == "proportion" || kind == "retention" || kind == "count",
			"method %s is for proportions, retentions and counts; %s is a %s", u.Method, u.Metric, kind)
	case "delayed_start":
		at.must(!planned.absent, "method delayed_start begins at a tenth of the planned units; give planned_units")
	}
	if u.Method == "exact_spending" || u.Method == "calibrated" {
		at.must(guards, "method %s spends its error by the end of the duration: it is for what can roll back, guardrails and goals with rollback", u.Method)
	}
}

// sizes checks the smallest effect of interest and the margin.
func sizes(u Use, at place, r role) {
	if r.judged && at.at("mde").absent {
		at.problemf("state the smallest effect of interest: mde of %s", u.Metric)
	}
	if u.MDE != nil {
		at.at("mde").must(u.MDE.Value > 0, "the smallest effect of interest is more than 0")
		if !u.MDE.Absolute && u.MDE.Value > 1 {
			at.at("mde").warnf("%v is %.4g %% of the known-good mean; for an absolute size write {absolute: %v}", u.MDE.Value, 100*u.MDE.Value, u.MDE.Value)
		}
	}
	if u.Margin != nil {
		at.at("margin").must(u.Margin.Value >= 0, "a margin is 0 or more")
	}
	if r.harmful && (at.at("margin").absent || u.Margin != nil && u.Margin.Value == 0) && u.MDE != nil && u.MDE.Value > 0 {
		at.at("margin").warnf("the margin of %s is 0: any harm rolls back; consider margin: %s", u.Metric, u.MDE.half())
	}
}

// ratios checks the sizes of a metric on the log scale: relative, and where
// harm is down less than all that there is, which has no logarithm.
func ratios(u Use, m Metric, at place) {
	for key, size := range map[string]*Amount{"mde": u.MDE, "margin": u.Margin} {
		switch {
		case size == nil:
		case size.Absolute:
			at.at(key).problemf("%s has scale log, where effects are ratios; write %s relative, as 0.05 or 5%%", u.Metric, key)
		case m.Direction == "up":
			at.at(key).must(size.Value < 1, "%s has scale log and its harm is down: no ratio is lower by 100 %% or more", u.Metric)
		}
	}
}

// half is half the amount, as it is written.
func (a Amount) half() string {
	if a.Absolute {
		return fmt.Sprintf("{absolute: %.4g}", a.Value/2)
	}
	return fmt.Sprintf("%.4g", a.Value/2)
}

// reach checks that the metric's facts can be brought to the randomised units
// in exactly one way.
func (v validator) reach(e *Experiment, u Use, at place) {
	m, ok := v.config.Metrics[u.Metric]
	if !ok {
		return
	}
	for _, source := range m.Sources() {
		v.reachSource(e, u.Metric, source, at)
	}
}

func (v validator) reachSource(e *Experiment, metric, source string, at place) {
	a, ok := v.config.Assignments[e.Assignment]
	s, okSource := v.config.Facts[source]
	_, declared := v.config.Identifiers[a.Identifier]
	if !ok || !declared || !okSource || !v.joined || !v.facts[source].sound() {
		return
	}
	links := v.config.links(a.Identifier, s)
	if len(links) == 0 {
		at.problemf("metric %s cannot reach %s: its source %s has %s and no join links them", metric, a.Identifier, source, strings.Join(s.Identifiers, ", "))
	}
	if len(links) > 1 {
		names := make([]string, len(links))
		for i, l := range links {
			names[i] = l.join
		}
		at.problemf("metric %s reaches %s in several ways, by the joins %s; leave one", metric, a.Identifier, strings.Join(names, ", "))
	}
}

// link is a way from an identifier to a source: a join, or none where the
// source has the identifier itself.
type link struct{ join, identifier string }

// links are all ways, the direct one alone where there is one.
func (c *Config) links(identifier string, s Source) []link {
	if slices.Contains(s.Identifiers, identifier) {
		return []link{{identifier: identifier}}
	}
	var links []link
	for _, name := range slices.Sorted(maps.Keys(c.Joins)) {
		ends := c.Joins[name].Identifiers
		if at := slices.Index(ends, identifier); at >= 0 && len(ends) == 2 && slices.Contains(s.Identifiers, ends[1-at]) {
			links = append(links, link{join: name, identifier: ends[1-at]})
		}
	}
	return links
}
