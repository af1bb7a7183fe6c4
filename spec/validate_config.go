package spec

import (
	"net/url"
	"slices"
	"strings"
)

func (v validator) validateConfig() {
	c, at := v.config, v.root
	at.at("version").must(c.Version == 1, "version %d is not supported; write 1", c.Version)
	validateWarehouse(c.Warehouse, at.at("warehouse"))
	validateIdentifiers(at.at("identifiers"))
	for name, p := range at.at("assignments").entries() {
		v.assignment(name, p)
	}
	for name, p := range at.at("traits").entries() {
		named(name, p)
		v.identifier(c.Traits[name].Identifier, p.at("identifier"))
		v.sql.query(c.Traits[name].SQL, p.at("sql"))
	}
	for name, p := range at.at("joins").entries() {
		v.join(name, p)
	}
	for name, p := range at.at("facts").entries() {
		v.source(name, p)
	}
	for name, p := range at.at("metrics").entries() {
		v.metric(name, p)
	}
	for name, p := range at.at("flag_stores").entries() {
		validateStore(name, c.FlagStores[name], p)
	}
	validatePolicy(c.Policy, at.at("policy"))
	validateReport(c.Report, at.at("report"))
	v.places()
	if i := c.Incremental; i != nil {
		p := at.at("incremental")
		if warehouseKeys[c.Warehouse.Type] != nil && c.Warehouse.Type != "duckdb" {
			p.refuse("what looks keep is in a DuckDB file, which only a duckdb warehouse can read; this one is %s", c.Warehouse.Type)
		}
		p.at("overlap").must(i.Overlap.Duration > 0, "overlap must be more than 0: every load takes some time")
		positive(p, map[string]Duration{"rebuild": i.Rebuild})
		p.at("path").must(i.Path != "", "the path is empty")
	}
}

func validateWarehouse(w Warehouse, at place) {
	at.at("threads").must(w.Threads >= 0, "threads must be 0 (all cores) or more")
	at.at("path").must(w.Path != "", "the path is empty; leave it out for a database in memory")
	positive(at, map[string]Duration{"timeout": w.Timeout})
	for name, p := range at.at("files").entries() {
		plainIdentifier(name, p)
		p.must(w.Files[name] != "", "the path is empty")
	}
	if warehouseKeys[w.Type] == nil {
		return
	}
	for key, kinds := range foreignKeys(warehouseKeys, w.Type) {
		at.at(key).refuse("%s belongs to %s; this warehouse is %s", key, orList(kinds), w.Type)
	}
	at.at("budget").must(w.Budget > 0, "the budget must be more than 0")
	at.at("endpoint").must(endpoint(w.Endpoint), "want https://host, or http:// for this machine, without a path")
	switch w.Type {
	case "bigquery":
		validateBigQuery(w, at)
	case "snowflake":
		validateSnowflake(w, at)
	}
}

// reserved are the columns that an assignment query gives beside its
// identifier and dimensions.
var reserved = []string{"timestamp", "experiment_id", "variation_id"}

// validateIdentifiers checks the names, which are also columns: those of a
// warehouse do not differ by case.
func validateIdentifiers(at place) {
	first := map[string]bool{}
	for name, p := range at.entries() {
		plainIdentifier(name, p)
		folded := strings.ToLower(name)
		if slices.Contains(reserved, folded) {
			p.keyProblemf("%s is a column of its own in an assignment query; name the identifier otherwise", name)
		}
		if first[folded] {
			p.keyProblemf("%s differs from another identifier in case only", name)
		}
		first[folded] = true
	}
}

func (v validator) identifier(given string, at place) {
	refer(at, "identifier", given, v.config.Identifiers, v.section("identifiers"))
}

func (v validator) assignment(name string, at place) {
	a := v.config.Assignments[name]
	named(name, at)
	v.identifier(a.Identifier, at.at("identifier"))
	v.sql.query(a.SQL, at.at("sql"))
	timezone(a.Timezone, at.at("timezone"))
	positive(at, map[string]Duration{"freshness": a.Freshness})
	at.at("assigned_at").must(!slices.Contains(reserved, strings.ToLower(a.AssignedAt)), "%s is another column already; give the instant of the assignment one of its own", a.AssignedAt)
	seen := map[string]bool{strings.ToLower(a.Identifier): true}
	for _, column := range reserved {
		seen[column] = true
	}
	for i, dimension := range a.Dimensions {
		p, folded := at.at("dimensions").item(i), strings.ToLower(dimension)
		p.must(dimension != "", "the name is empty")
		p.must(!seen[folded], "%s is a column already and cannot be a dimension as well", dimension)
		seen[folded] = true
	}
}

func (v validator) join(name string, at place) {
	j := v.config.Joins[name]
	named(name, at)
	v.sql.query(j.SQL, at.at("sql"))
	timezone(j.Timezone, at.at("timezone"))
	list := at.at("identifiers")
	v.identifierList(j.Identifiers, list)
	list.must(len(j.Identifiers) == 2, "a join links exactly two identifiers")
}

func (v validator) source(name string, at place) {
	s := v.config.Facts[name]
	named(name, at)
	v.sql.query(s.SQL, at.at("sql"))
	timezone(s.Timezone, at.at("timezone"))
	positive(at, map[string]Duration{"freshness": s.Freshness})
	at.at("key").must(s.Key != "", "the name is empty")
	v.identifierList(s.Identifiers, at.at("identifiers"))
}

// identifierList checks identifiers of which each may stand once.
func (v validator) identifierList(given []string, at place) {
	seen := map[string]bool{}
	for i, identifier := range given {
		v.identifier(identifier, at.item(i))
		at.item(i).must(!seen[identifier], "identifier %s is listed twice", identifier)
		seen[identifier] = true
	}
}

// apiKeys are the keys that all stores with an API take.
var apiKeys = []string{"url", "token", "token_file", "environment", "variations", "private_addresses"}

// storeKeys are the keys of a flag store that belong to some types only.
var storeKeys = map[string][]string{
	"flagd":         {"path", "git"},
	"flipt":         append([]string{"namespace", "rule"}, apiKeys...),
	"gofeatureflag": {"path", "git"},
	"growthbook":    apiKeys,
	"launchdarkly":  append([]string{"project", "rule"}, apiKeys...),
	"unleash":       append([]string{"project", "rule"}, apiKeys...),
	"webhook":       {"url", "state_url", "secret", "secret_file", "private_addresses"},
}

func validateStore(name string, s FlagStore, at place) {
	named(name, at)
	if storeKeys[s.Type] == nil {
		return
	}
	for key, kinds := range foreignKeys(storeKeys, s.Type) {
		at.at(key).refuse("%s belongs to a %s store; this one is %s", key, orList(kinds), s.Type)
	}
	switch s.Type {
	case "flagd", "gofeatureflag":
		validateFile(s, at)
	case "webhook":
		validateWebhook(s, at)
	default:
		validateAPI(s, at)
	}
}

// foreignKeys are keys that belong to other types than this one, and to which.
func foreignKeys(byType map[string][]string, typ string) map[string][]string {
	owners := map[string][]string{}
	for kind, keys := range byType {
		for _, key := range keys {
			owners[key] = append(owners[key], kind)
		}
	}
	for key, kinds := range owners {
		if slices.Sort(kinds); slices.Contains(kinds, typ) {
			delete(owners, key)
		}
	}
	return owners
}

// article puts a or an before a word.
func article(word string) string {
	if strings.ContainsAny(word[:1], "aeiou") {
		return "an " + word
	}
	return "a " + word
}

// orList is "a", "a or b", "a, b or c".
func orList(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

func validateFile(s FlagStore, at place) {
	p := at.at("path")
	if p.absent {
		at.keyProblemf("a %s store needs path, its flag file", s.Type)
	}
	p.must(s.Path != "", "the path is empty")
	if s.Git != nil {
		validateGit(*s.Git, at.at("git"))
	}
}

func validateWebhook(s FlagStore, at place) {
	address, secret, file := at.at("url"), at.at("secret"), at.at("secret_file")
	if address.absent {
		at.keyProblemf("a webhook store needs url")
	}
	validateAddress(s.URL, address)
	validateAddress(s.StateURL, at.at("state_url"))
	switch {
	case secret.absent && file.absent:
		at.keyProblemf("a webhook store needs its signing secret: secret: ${ENV} or secret_file")
	case !secret.absent && !file.absent:
		file.keyProblemf("give either secret or secret_file")
	}
	file.must(s.SecretFile != "", "the path is empty")
}

// selfHosted are the stores with an API that have no address by default.
var selfHosted = []string{"flipt", "unleash"}

func validateAPI(s FlagStore, at place) {
	address, token, file := at.at("url"), at.at("token"), at.at("token_file")
	if address.absent && slices.Contains(selfHosted, s.Type) {
		at.keyProblemf("%s store needs url, the address of its server", article(s.Type))
	}
	validateAddress(s.URL, address)
	switch {
	case token.absent && file.absent:
		at.keyProblemf("%s store needs its access token: token: ${ENV} or token_file", article(s.Type))
	case !token.absent && !file.absent:
		file.keyProblemf("give either token or token_file")
	}
	file.must(s.TokenFile != "", "the path is empty")
	if at.at("environment").absent {
		at.keyProblemf("%s store needs environment, whose flags are changed", article(s.Type))
	}
	for key, given := range map[string]string{"project": s.Project, "environment": s.Environment, "rule": s.Rule, "namespace": s.Namespace} {
		p := at.at(key)
		p.must(given != "", "the %s is empty", key)
		p.must(given != "." && given != "..", "%q cannot stand in an address", given)
	}
	validateVariations(s.Variations, at.at("variations"))
	switch variations := at.at("variations"); s.Type {
	case "growthbook":
		if variations.absent {
			at.keyProblemf("a growthbook store needs variations: the value of each, and of uncovered for units outside the coverage")
		}
		_, ok := s.Variations[uncovered]
		variations.must(ok, "variations has no uncovered: the value of units outside the coverage")
	case "unleash":
		variations.at(uncovered).refuse("unleash has no variant for units outside the coverage: they get the flag switched off")
	}
}

// uncovered is what flag stores call the units outside the coverage.
const uncovered = "uncovered"

// validateVariations makes sure that the names can be read backwards.
func validateVariations(names map[string]string, at place) {
	first := map[string]string{}
	for name, p := range at.entries() {
		theirs := names[name]
		p.must(theirs != "", "the name of %s in the store is empty", name)
		other, again := first[theirs]
		p.must(!again || theirs == "", "%s and %s have the same name in the store", other, name)
		first[theirs] = name
	}
}

// validateAddress never shows the address: its path is often a secret.
func validateAddress(address Secret, at place) {
	u, err := url.Parse(address.Reveal())
	good := err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
	at.must(good, "want an http or https URL")
}

// validatePolicy checks what is given; 0 would stand for the default.
func validatePolicy(p Policy, at place) {
	for key, alpha := range map[string]float64{
		"guardrails": p.Alpha.Guardrails, "goals": p.Alpha.Goals, "sample_ratio": p.Alpha.SampleRatio,
	} {
		at.at("alpha").at(key).must(alpha > 0 && alpha < 0.5, "an error rate lies between 0 and 0.5, both excluded")
	}
	for key, share := range map[string]float64{"max_multiple": p.MaxMultiple, "max_unknown": p.MaxUnknown} {
		at.at(key).must(share > 0 && share <= 1, "%s is a share: more than 0, at most 1", key)
	}
	floor := p.SampleRatioFloor
	at.at("sample_ratio_floor").must(floor == nil || *floor >= 0 && *floor < 1, "sample_ratio_floor is a share: at least 0 (no floor), less than 1")
	for key, units := range map[string]int64{"min_units": p.MinUnits, "min_step_units": p.MinStepUnits} {
		at.at(key).must(units >= 1, "%s must be at least 1", key)
	}
	if p.Prior != nil {
		at.at("prior").at("sd").must(p.Prior.SD > 0, "the spread of a prior is more than 0")
	}
	if p.GoalCorrection == CorrectBH {
		at.at("goal_correction").warnf("bh holds at one fixed time, and any look may ship; ebh holds at every look")
	}
	positive(at, map[string]Duration{
		"min_duration": p.MinDuration, "freshness": p.Freshness, "max_blind": p.MaxBlind, "settle": p.Settle,
	})
}
