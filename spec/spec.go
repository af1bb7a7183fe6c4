// Package spec is the YAML as the user writes it: one assay.yaml and one file
// per experiment or rollout.
//
// In: files. Out: a Project whose every reference resolves and whose every
// default is filled in, or all problems at once, each at file:line:column with
// its source line. A spec never touches a warehouse, and a secret in it prints
// as ***.
package spec

import (
	"cmp"
	"math"
	"time"
)

// Project is an assay.yaml together with the experiments it names.
type Project struct {
	// Dir is the absolute folder of assay.yaml; relative paths start there.
	Dir string
	// Path is assay.yaml as the user named it.
	Path        string
	Config      Config
	Experiments []Experiment // sorted by name
	// Warnings are about what is allowed and probably not meant.
	Warnings Problems

	texts map[[2]string]place // queries in assay.yaml, by the key they stand below and their name
}

// Config is assay.yaml.
type Config struct {
	Version     int                   `yaml:"version" doc:"Format version of this file; 1."`
	Warehouse   Warehouse             `yaml:"warehouse" doc:"Where the queries run."`
	Identifiers map[string]Identifier `yaml:"identifiers" doc:"Kinds of unit identifiers, by name (user_id, session_id, ...)."`
	Assignments map[string]Assignment `yaml:"assignments" doc:"Assignment queries by name: who was exposed to what, when."`
	Traits      map[string]Trait      `yaml:"traits,omitempty" doc:"Dimensions of units by name that exposures do not carry (plan, country of the account): one value a unit."`
	Joins       map[string]Join       `yaml:"joins,omitempty" doc:"Join queries by name: pairs of identifiers that belong together."`
	Facts       map[string]Source     `yaml:"facts" doc:"Fact sources by name: the metric queries."`
	Metrics     map[string]Metric     `yaml:"metrics" doc:"The library of metrics, defined once, reused by name."`
	Policy      Policy                `yaml:"policy,omitempty" doc:"Defaults of the decision policy; an experiment may override each."`
	FlagStores  map[string]FlagStore  `yaml:"flag_stores,omitempty" doc:"Flag stores by name."`
	Notify      []Notification        `yaml:"notify,omitempty" doc:"Who is told when a verdict changes, or a decision does not arrive."`
	Report      Report                `yaml:"report,omitempty" doc:"Where reports are written."`
	Ledger      Ledger                `yaml:"ledger,omitempty" doc:"Where the ledger is kept."`
	Schedule    Schedule              `yaml:"schedule,omitempty" doc:"When assay schedule runs, and who is told that runs happen."`
	Results     *Results              `yaml:"results,omitempty" doc:"A table of the warehouse to which what each look found is written as well; without it only the report and the ledger have it."`
	Incremental *Incremental          `yaml:"incremental,omitempty" doc:"Looks keep what they found beside the warehouse, and the next one scans only what is newer; without it every look scans everything."`
	Experiments []string              `yaml:"experiments,omitempty" doc:"Globs of experiment files; default experiments/*.yaml."`
}

// Warehouse says where the queries run.
type Warehouse struct {
	Type    string   `yaml:"type" enum:"duckdb,bigquery,snowflake" doc:"Engine."`
	Timeout Duration `yaml:"timeout,omitempty" doc:"Longest time of one statement; default 1h."`
	Budget  Size     `yaml:"budget,omitempty" doc:"bigquery, snowflake: most bytes that one run may scan, e.g. 500GB, told by the engine before anything runs; beyond it nothing runs."`

	Path        string            `yaml:"path,omitempty" doc:"duckdb: database file; without it the database is in memory and reads only files."`
	ReadWrite   bool              `yaml:"read_write,omitempty" doc:"duckdb: open the database file for writing; by default it is opened read-only."`
	MemoryLimit string            `yaml:"memory_limit,omitempty" doc:"duckdb: memory limit of the engine, e.g. 4GB."`
	Threads     int               `yaml:"threads,omitempty" doc:"duckdb: threads of the engine; 0 = all cores."`
	TempDir     string            `yaml:"temp_dir,omitempty" doc:"duckdb: where the engine spills; relative to this file."`
	Files       map[string]string `yaml:"files,omitempty" doc:"duckdb: views over Parquet or CSV files: name -> path or glob, relative to this file."`

	Project         string            `yaml:"project,omitempty" doc:"bigquery: project that the jobs run in and that is billed."`
	Location        string            `yaml:"location,omitempty" doc:"bigquery: where the datasets are, e.g. EU."`
	Dataset         string            `yaml:"dataset,omitempty" doc:"bigquery: dataset ([project.]dataset) of tables that the SQL names without one."`
	CredentialsFile string            `yaml:"credentials_file,omitempty" doc:"bigquery: file of a service account or of a workload identity, relative to this file; without it application default credentials."`
	Impersonate     string            `yaml:"impersonate,omitempty" doc:"bigquery: service account to act as."`
	Endpoint        string            `yaml:"endpoint,omitempty" doc:"bigquery, snowflake: address of the API, where it is not the public one."`
	MaxBytesBilled  Size              `yaml:"max_bytes_billed,omitempty" doc:"bigquery: most bytes that one statement may be billed for; one that would take more is refused before it runs."`
	Labels          map[string]string `yaml:"labels,omitempty" doc:"bigquery: labels of all jobs, beside assay's own."`

	Connection           string `yaml:"connection,omitempty" doc:"snowflake: name of a connection in connections.toml; keys given here win."`
	Account              string `yaml:"account,omitempty" doc:"snowflake: account identifier, e.g. myorg-myaccount."`
	User                 string `yaml:"user,omitempty" doc:"snowflake: user."`
	Role                 string `yaml:"role,omitempty" doc:"snowflake: role."`
	Warehouse            string `yaml:"warehouse,omitempty" doc:"snowflake: virtual warehouse that computes."`
	Database             string `yaml:"database,omitempty" doc:"snowflake: database of tables that the SQL names without one."`
	Schema               string `yaml:"schema,omitempty" doc:"snowflake: schema of tables that the SQL names without one, and of temporary ones."`
	Authenticator        string `yaml:"authenticator,omitempty" enum:"password,key_pair,oauth,programmatic_access_token" doc:"snowflake: how to sign in; by default what is given tells."`
	Password             Secret `yaml:"password,omitempty" env:"only" doc:"snowflake: password, only as ${ENV}."`
	Token                Secret `yaml:"token,omitempty" env:"only" doc:"snowflake: OAuth or programmatic access token, only as ${ENV}."`
	TokenFile            string `yaml:"token_file,omitempty" doc:"snowflake: file with the token, relative to this file."`
	PrivateKey           Secret `yaml:"private_key,omitempty" env:"only" doc:"snowflake: private key (PEM) of a key pair, only as ${ENV}."`
	PrivateKeyFile       string `yaml:"private_key_file,omitempty" doc:"snowflake: file with the private key, relative to this file."`
	PrivateKeyPassphrase Secret `yaml:"private_key_passphrase,omitempty" env:"only" doc:"snowflake: passphrase of an encrypted private key, only as ${ENV}."`
}

// Identifier is a kind of unit identifier.
type Identifier struct {
	Type        string `yaml:"type,omitempty" enum:"text,integer" doc:"Compare as this type; without it identifiers are compared as the warehouse gives them."`
	Description string `yaml:"description,omitempty" doc:"For people."`
}

// Assignment is an assignment query. Its SQL gives the identifier column (named
// like the identifier), timestamp, experiment_id, variation_id and any
// dimensions.
type Assignment struct {
	Identifier string   `yaml:"identifier" doc:"The identifier that is randomised; the column has the same name."`
	SQL        string   `yaml:"sql" doc:"SELECT giving identifier, timestamp, experiment_id, variation_id and dimensions; may use {{start}}, {{end}}, {{experiment}}."`
	Dimensions []string `yaml:"dimensions,omitempty" doc:"Columns by which sample ratio is also checked."`
	AssignedAt string   `yaml:"assigned_at,omitempty" doc:"Column with the instant at which the flag assigned the variation, where exposures are logged later; assay doctor compares the two."`
	Timezone   string   `yaml:"timezone,omitempty" doc:"Zone of timestamps that carry none; default UTC."`
	Freshness  Duration `yaml:"freshness,omitempty" doc:"How old the newest exposure may be at as-of; default policy.freshness."`
}

// Trait is a dimension that units have of themselves. Its SQL gives the
// identifier and value; of several values of a unit the last in the order of text
// counts.
type Trait struct {
	Identifier string `yaml:"identifier" doc:"The identifier of the rows: that which is randomised."`
	SQL        string `yaml:"sql" doc:"SELECT giving the identifier and value."`
}

// Join is a join query: two identifier columns and optionally timestamp. Where
// an identifier has several partners the earliest link wins.
type Join struct {
	Identifiers []string `yaml:"identifiers" doc:"The two identifiers that the rows link."`
	SQL         string   `yaml:"sql" doc:"SELECT giving both identifier columns and optionally timestamp."`
	Timestamp   bool     `yaml:"timestamp,omitempty" doc:"The query gives a timestamp: the earliest link wins; otherwise the smallest identifier."`
	Timezone    string   `yaml:"timezone,omitempty" doc:"Zone of timestamps that carry none; default UTC."`
}

// Source is a fact source (metric query): identifier columns, timestamp, any
// columns.
type Source struct {
	Identifiers []string `yaml:"identifiers" doc:"Identifier columns of the rows."`
	SQL         string   `yaml:"sql" doc:"SELECT giving identifiers, timestamp and columns; may use {{start}}, {{end}}, {{experiment}}."`
	Key         string   `yaml:"key,omitempty" doc:"Column that identifies a row, if rows can repeat; repeats count once."`
	Timezone    string   `yaml:"timezone,omitempty" doc:"Zone of timestamps that carry none; default UTC."`
	Freshness   Duration `yaml:"freshness,omitempty" doc:"How old the newest fact may be at as-of; default policy.freshness."`
}

// Metric is a per-unit aggregate of facts inside a window.
type Metric struct {
	Description  string   `yaml:"description,omitempty" doc:"What it measures, for people."`
	Kind         string   `yaml:"kind" enum:"proportion,count,sum,mean,max,distinct,ratio,retention,daily_participation,quantile" doc:"What is computed per unit and across units."`
	Source       string   `yaml:"source" doc:"Fact source."`
	Where        string   `yaml:"where,omitempty" doc:"SQL condition on the source's columns; only matching facts count."`
	Rule         *Rule    `yaml:"rule,omitempty" doc:"What a text has to be, judged in the warehouse: only facts that break the rule, or keep it, count."`
	Value        string   `yaml:"value,omitempty" doc:"SQL expression on the source's columns (kinds sum, mean, max, distinct and quantile)."`
	Total        *Total   `yaml:"total,omitempty" doc:"Kinds proportion and retention: a unit counts where its total over its facts is over a threshold; without it any fact will do."`
	Cap          *Cap     `yaml:"cap,omitempty" doc:"Kinds count, sum, mean, max and distinct: a unit's value is at most this. A ratio has caps on its parts."`
	Quantile     float64  `yaml:"quantile,omitempty" share:"true" doc:"Kind quantile: which one, as 0.95 or 95%."`
	Of           string   `yaml:"of,omitempty" enum:"unit,event" doc:"Kind quantile: over values of units, or of single facts, of which a unit may have several."`
	PerUnit      string   `yaml:"per_unit,omitempty" enum:"sum,mean,max" doc:"Kind quantile of units: what the facts of a unit are put together to; default mean."`
	Scale        string   `yaml:"scale,omitempty" enum:"linear,log,auto" doc:"Kinds sum and mean: what is averaged over units. log takes the natural logarithm of a unit's value, so that a heavy tail (latency, cost, tokens) cannot upset the test; effects are ratios of geometric means, margin and mde are relative, and units without a positive value are absent. auto, for heavy tails, is log where the arms of the experiment differ in size, and linear where they do not. Default linear."`
	Numerator    *Part    `yaml:"numerator,omitempty" doc:"Kind ratio: what is summed above."`
	Denominator  *Part    `yaml:"denominator,omitempty" doc:"Kind ratio: what is summed below."`
	Direction    string   `yaml:"direction,omitempty" enum:"up,down" doc:"Which way is good."`
	Quality      string   `yaml:"quality,omitempty" enum:"correctness,relevance,safety,task_completion,behaviour,cost,latency" doc:"Quality dimension; the report groups by it."`
	Delay        Duration `yaml:"delay,omitempty" doc:"The window opens this long after first exposure; a negative one opens it before."`
	Window       Duration `yaml:"window,omitempty" doc:"Length of the window; without it facts count until as-of."`
	Lookback     Duration `yaml:"lookback,omitempty" doc:"In place of a window: only the last facts before as-of (or the experiment's end) count, over this long."`
	Covariate    Duration `yaml:"covariate,omitempty" doc:"Adjust for the same value over this long before first exposure (CUPED): it narrows intervals where the past tells the future. The exact tests of rare events do without."`
	CompleteOnly bool     `yaml:"complete_only,omitempty" doc:"Leave out units whose window has not closed at as-of."`
	PastEnd      bool     `yaml:"past_end,omitempty" doc:"Let windows run past the end of the experiment."`
	BaseRate     *float64 `yaml:"base_rate,omitempty" doc:"What control is known to show: share of units (proportion) or mean per unit; tunes and routes the test. Not with scale log."`
	BaseSD       *float64 `yaml:"base_sd,omitempty" doc:"Standard deviation over units that control is known to show, of a ratio that of numerator less ratio times denominator, over the mean denominator, on a log scale that of the logarithm; for assay plan only."`
	Unit         string   `yaml:"unit,omitempty" doc:"Unit of the value for the report, e.g. ms or USD."`
}

// Sources are the fact sources of the metric: one, or those of the two parts of a
// ratio where they differ.
func (m Metric) Sources() []string {
	above, below := m.Source, m.Source
	if m.Numerator != nil {
		above = cmp.Or(m.Numerator.Source, m.Source)
	}
	if m.Denominator != nil {
		below = cmp.Or(m.Denominator.Source, m.Source)
	}
	if above == below {
		return []string{above}
	}
	return []string{above, below}
}

// ScaleLog is the scale on which a metric is the mean of its logarithm;
// ScaleAuto is that where arms are uneven, and linear otherwise. The linear one
// is "" after Load: writing the default out changes no digest.
const (
	ScaleLog    = "log"
	ScaleAuto   = "auto"
	scaleLinear = "linear"
)

// For is the metric as an experiment takes it: on the scale that auto means
// there. It depends on the declared weights only, so that it is known before
// data.
func (m Metric) For(e *Experiment) Metric {
	if m.Scale != ScaleAuto {
		return m
	}
	m.Scale = ""
	for _, v := range e.Variations {
		if math.Abs(v.Weight-e.Variations[0].Weight) > 1e-6 {
			m.Scale = ScaleLog
		}
	}
	return m
}

// Part is the numerator or denominator of a ratio: the sum of Value over the
// facts that match the metric's Where and its own; without Value it is a count.
type Part struct {
	Source string `yaml:"source,omitempty" doc:"Fact source, where it is another one than the metric's."`
	Value  string `yaml:"value,omitempty" doc:"SQL expression; without it facts are counted."`
	Where  string `yaml:"where,omitempty" doc:"SQL condition, in addition to the metric's."`
	Rule   *Rule  `yaml:"rule,omitempty" doc:"What a text has to be: only facts that break the rule, or keep it, count."`
	Cap    *Cap   `yaml:"cap,omitempty" doc:"A unit's part is at most this."`
}

// Rule is what a text has to be. A NULL text breaks every rule.
type Rule struct {
	Text      string `yaml:"text" doc:"SQL expression of the text, e.g. a column of the source."`
	MinLength int    `yaml:"min_length,omitempty" doc:"Least number of characters."`
	MaxLength int    `yaml:"max_length,omitempty" doc:"Greatest number of characters."`
	JSON      bool   `yaml:"json,omitempty" doc:"It is valid JSON."`
	Matches   string `yaml:"matches,omitempty" doc:"Regular expression (RE2) that is found in it."`
	Lacks     string `yaml:"lacks,omitempty" doc:"Regular expression (RE2) that is not found in it."`
	Counts    string `yaml:"counts,omitempty" enum:"broken,kept" doc:"Which facts count: those that break any part of the rule, or those that keep all of it; default broken."`
}

// RuleKept are the facts that keep the whole rule; the default, those that break
// it, is "" after Load.
const (
	RuleKept   = "kept"
	ruleBroken = "broken"
)

// Total is a condition on what a unit's facts come to. Units without facts never
// meet it.
type Total struct {
	Of      string   `yaml:"of" enum:"count,sum,mean,max,distinct" doc:"What the facts of a unit are put together to."`
	Value   string   `yaml:"value,omitempty" doc:"SQL expression on the source's columns; not for count."`
	Over    *float64 `yaml:"over,omitempty" doc:"The total is more than this."`
	AtLeast *float64 `yaml:"at_least,omitempty" doc:"The total is this or more."`
}

// Cap is the greatest value of a unit: a number, or the value at a percentile
// of all units of all variations together. One of the two is set.
type Cap struct {
	At         *float64 `yaml:"at,omitempty" doc:"A number, in the metric's unit."`
	Percentile float64  `yaml:"percentile,omitempty" share:"true" doc:"The value at this percentile of the pooled units, as 0.99 or 99%. Units without facts are among them where they count as zeros."`
}

// Policy is how evidence becomes a decision. After Load no field is unset.
type Policy struct {
	Alpha          Alphas   `yaml:"alpha,omitempty" doc:"Error rates, each in (0,1), valid over the experiment's whole life."`
	GoalCorrection string   `yaml:"goal_correction,omitempty" enum:"holm,bh,ebh" doc:"How p-values are corrected over goals: holm, against any false win, at every look; ebh, for the share of false wins, at every look; bh, for that share at one fixed time only; default holm."`
	Prior          *Prior   `yaml:"prior,omitempty" doc:"Belief about relative effects before data, for the chance to win and the expected loss, which decide nothing; without it all effects are taken for equally likely."`
	AutoRollback   *bool    `yaml:"auto_rollback,omitempty" doc:"false: rollback, ramp and ship are delivered as proposals; default true."`
	Approval       []string `yaml:"approval,omitempty" enum:"rollback,ramp,ship" doc:"Verdicts that are delivered as proposals until a person applies them (assay apply); auto_rollback: false stands for all three."`
	OnSampleRatio  string   `yaml:"on_sample_ratio,omitempty" enum:"hold,rollback,warn" doc:"What a sample-ratio mismatch does; default hold."`
	OnMultiple     string   `yaml:"on_multiple,omitempty" enum:"hold,rollback,warn" doc:"What too many units in several variations do; default hold."`
	OnUnknown      string   `yaml:"on_unknown,omitempty" enum:"hold,rollback,warn" doc:"What unknown variations do; default hold."`
	MaxMultiple    float64  `yaml:"max_multiple,omitempty" share:"true" doc:"Share of units in several variations that fails, as 0.01 or 1%; default 0.01."`
	MaxUnknown     float64  `yaml:"max_unknown,omitempty" share:"true" doc:"Share of units in unknown variations that fails, as 0.01 or 1%; default 0.01."`
	MinUnits       int64    `yaml:"min_units,omitempty" doc:"Least complete units per arm for a normal-based method; default 20."`
	MinStepUnits   int64    `yaml:"min_step_units,omitempty" doc:"Least complete units per arm and step to ramp; default 100."`
	MinDuration    Duration `yaml:"min_duration,omitempty" doc:"Least duration before ship; default 7d for an experiment, the monitoring duration for a rollout."`
	Freshness      Duration `yaml:"freshness,omitempty" doc:"How old the newest row of a source may be at as-of; default 24h."`
	MaxBlind       Duration `yaml:"max_blind,omitempty" doc:"How long a hold for bad data may last before the fail-safe acts; default 24h."`
	BlindAction    string   `yaml:"blind_action,omitempty" enum:"step_back,rollback" doc:"The fail-safe; default step_back, to the last healthy rung."`
	Settle         Duration `yaml:"settle,omitempty" doc:"How long clients take to fetch a changed flag; default 10m."`
	// SampleRatioFloor is a share in [0,1); 0 = no floor.
	SampleRatioFloor *float64 `yaml:"sample_ratio_floor,omitempty" share:"true" doc:"Least deviation of a variation's share of the units that fails as a sample-ratio mismatch, as 0.001 or 0.1%; 0 = no floor, default 0.001."`
}

// Alphas are error rates in (0,1).
type Alphas struct {
	Guardrails  float64 `yaml:"guardrails,omitempty" doc:"Chance that a harmless variation is ever rolled back, over all guardrails; default 0.05."`
	Goals       float64 `yaml:"goals,omitempty" doc:"Over all goals; default 0.05."`
	SampleRatio float64 `yaml:"sample_ratio,omitempty" doc:"False alarms of the sample-ratio check, and as many again over all values of dimensions; default 0.01."`
}

// How p-values are corrected over goals.
const (
	CorrectHolm = "holm"
	CorrectBH   = "bh"
	CorrectEBH  = "ebh"
)

// Prior is a normal distribution of relative effects (0.05 = +5 %). After Load
// an SD of 0 means that there is none.
type Prior struct {
	Mean float64 `yaml:"mean,omitempty" share:"true" doc:"Mean, as 0.02 or 2%; default 0."`
	SD   float64 `yaml:"sd" share:"true" doc:"Standard deviation, as 0.3 or 30%; more than 0."`
}

// FlagStore is where decisions go.
type FlagStore struct {
	Type       string `yaml:"type" enum:"flagd,flipt,gofeatureflag,growthbook,launchdarkly,unleash,webhook" doc:"Kind of store."`
	Path       string `yaml:"path,omitempty" doc:"flagd, gofeatureflag: the flag file, relative to this file."`
	Git        *Git   `yaml:"git,omitempty" doc:"flagd, gofeatureflag: the flag file is served from a branch of a Git repository; changes are committed and pushed there."`
	URL        Secret `yaml:"url,omitempty" doc:"webhook: where changes are posted; flipt, growthbook, launchdarkly, unleash: the address of the server, by default the vendor's cloud where there is one; may be ${ENV}."`
	StateURL   Secret `yaml:"state_url,omitempty" doc:"webhook: where the present state is read (GET, {flag} is replaced by the key); without it the state is what the ledger last saw accepted."`
	Secret     Secret `yaml:"secret,omitempty" env:"only" doc:"webhook: signing secret (whsec_...), only as ${ENV}."`
	SecretFile string `yaml:"secret_file,omitempty" doc:"webhook: file with the signing secret."`

	Token       Secret            `yaml:"token,omitempty" env:"only" doc:"flipt, growthbook, launchdarkly, unleash: access token, only as ${ENV}."`
	TokenFile   string            `yaml:"token_file,omitempty" doc:"flipt, growthbook, launchdarkly, unleash: file with the access token."`
	Project     string            `yaml:"project,omitempty" doc:"launchdarkly, unleash: key of the project; default for both: default."`
	Environment string            `yaml:"environment,omitempty" doc:"flipt, growthbook, launchdarkly, unleash: key of the environment."`
	Rule        string            `yaml:"rule,omitempty" doc:"launchdarkly: id of the rule, by default the default rule; unleash: id of the strategy, by default the only active one; flipt: key of the segment that the rule serves, by default the only rule."`
	Namespace   string            `yaml:"namespace,omitempty" doc:"flipt: key of the namespace; default default."`
	Variations  map[string]string `yaml:"variations,omitempty" doc:"flipt, growthbook, launchdarkly, unleash: what the store calls a variation, and uncovered for the units outside the coverage: launchdarkly its id or name, growthbook the value, flipt and unleash the variant; default the same name."`

	PrivateAddresses bool `yaml:"private_addresses,omitempty" doc:"Stores that are sent requests: allow addresses of private networks and of this machine."`
}

// Git is the branch that a flag file is served from. The file's path is that in
// a clone of the repository; neither its work tree nor its branches are touched.
type Git struct {
	Remote string `yaml:"remote,omitempty" doc:"Remote of the clone that the flag file lies in; default origin."`
	Branch string `yaml:"branch,omitempty" doc:"Branch that flags are served from; default main."`
	Author string `yaml:"author,omitempty" doc:"Author of the commits; default assay <assay@localhost>."`
}

// Notification is a channel that is told of events.
type Notification struct {
	Name             string   `yaml:"name,omitempty" doc:"Name of the channel, by which the ledger knows what it was told; default its type."`
	Type             string   `yaml:"type" enum:"slack" doc:"Kind of channel: slack is an incoming webhook of Slack or of what takes the same (Mattermost, Discord with /slack)."`
	URL              Secret   `yaml:"url,omitempty" env:"only" doc:"The webhook's address, only as ${ENV}."`
	URLFile          string   `yaml:"url_file,omitempty" doc:"File with the address."`
	On               []string `yaml:"on,omitempty" enum:"rollback,ship,ramp,review,hold,continue,conflict,approval,undelivered" doc:"Verdicts that are told when the verdict becomes this one; conflict: a person changed the flag; approval: a store wants a person's approval; undelivered: a store did not take the decision. Default all but ramp and continue."`
	Select           []string `yaml:"select,omitempty" doc:"Experiments that it is told of: names and tag:x; default all."`
	PrivateAddresses bool     `yaml:"private_addresses,omitempty" doc:"Allow addresses of private networks and of this machine."`
}

// Report says where reports are written.
type Report struct {
	Path   string `yaml:"path,omitempty" doc:"Folder; default report."`
	URL    string `yaml:"url,omitempty" doc:"Address at which the folder is published; notifications, commits and the feed link there."`
	Assets string `yaml:"assets,omitempty" enum:"inline,separate" doc:"Where the style sheet is: inline in every page, which is then one file, or in a separate file beside the index, for hosts whose policy forbids inline styles. Default inline."`
	Keep   int    `yaml:"keep,omitempty" doc:"How many looks of an experiment have a page of their own, the newest; in the place of the others is a small page that says so. Default all."`
}

// Ledger says where the ledger is kept: one of a file, a DuckDB file of its own and
// a table of the warehouse.
type Ledger struct {
	Path   string   `yaml:"path,omitempty" doc:"File; default ledger.jsonl."`
	DuckDB string   `yaml:"duckdb,omitempty" doc:"DuckDB file of its own, in place of path."`
	Table  string   `yaml:"table,omitempty" doc:"Table of the warehouse, as schema.table, in place of path: nothing is kept on this machine. Beside it lies one of the same name with _head. A DuckDB warehouse needs read_write: true."`
	Lease  Duration `yaml:"lease,omitempty" doc:"duckdb, table: how long a run that was stopped without warning keeps others away; a running one renews it. At least 1m; default 10m."`
}

// Results says where what looks found is written beside the report.
type Results struct {
	Table string `yaml:"table" doc:"Table, as schema.table; made where it is missing. One row for each look, metric and variation. A DuckDB warehouse needs read_write: true."`
}

// Incremental says what looks keep for the next one. The unit table and what facts
// come to for each unit are kept, per experiment, in a DuckDB file.
type Incremental struct {
	Overlap Duration `yaml:"overlap" doc:"How late rows may come in after their time: the next look scans that much before as-of again. Rows that come in later count from the next rebuild on."`
	Rebuild Duration `yaml:"rebuild,omitempty" doc:"After how long everything is scanned anew; default 7d."`
	Path    string   `yaml:"path,omitempty" doc:"Folder for the files, relative to this one; default kept."`
}

// Kinds of experiment files.
const (
	TypeExperiment = "experiment"
	TypeRollout    = "rollout"
)

// Experiment is one experiment or rollout. After Load all defaults are filled
// in and Policy is complete.
type Experiment struct {
	// Path is the file, as shown in problems.
	Path         string      `yaml:"-"`
	Name         string      `yaml:"name" doc:"Unique name: letters, digits, - and _."`
	Type         string      `yaml:"type" enum:"experiment,rollout" doc:"An experiment looks for the better variation; a rollout brings a change to everybody unless it harms."`
	Description  string      `yaml:"description,omitempty" doc:"What is tried, for people."`
	Owner        string      `yaml:"owner,omitempty" doc:"Who answers for it."`
	Tags         []string    `yaml:"tags,omitempty" doc:"Labels to select by: tag:x."`
	Assignment   string      `yaml:"assignment" doc:"Assignment query."`
	ExperimentID string      `yaml:"experiment_id,omitempty" doc:"Value of experiment_id in the exposures; default the name."`
	Start        Instant     `yaml:"start" doc:"Exposures before it do not count."`
	Duration     Duration    `yaml:"duration" doc:"Monitoring duration; the spec must say it."`
	Cadence      Duration    `yaml:"cadence,omitempty" doc:"Distance of scheduled looks; default 24h."`
	PlannedUnits int64       `yaml:"planned_units,omitempty" doc:"Units expected in all arms together by the end; fixed before data, tunes the tests. Left out where traffic is unknown, which costs power."`
	Variations   []Variation `yaml:"variations" doc:"The arms; exactly one is known_good."`
	Coverage     float64     `yaml:"coverage,omitempty" share:"true" doc:"Share of units in an experiment, as 0.25 or 25%; default 1 (a rollout uses its ladder)."`
	Ladder       []float64   `yaml:"ladder,omitempty" share:"true" doc:"Coverage steps of a rollout, as 0.25 or 25%, ending at 1; default [0.1, 0.25, 0.5, 0.75, 1]."`
	Activation   string      `yaml:"activation,omitempty" doc:"Metric (proportion or count) whose first fact after first exposure starts the windows of all others; units without one are counted, and left out of the effects."`
	Slices       []string    `yaml:"slices,omitempty" doc:"Dimensions of the assignment query, or traits, by whose values effects are shown: the twenty with most units and the rest. They decide nothing."`
	// DaysSinceExposure is 0 where effects are not shown by day.
	DaysSinceExposure int     `yaml:"days_since_exposure,omitempty" doc:"Show effects by day since a unit's first exposure (or activation) as well, for so many days, 2 to 28; left out: not. They decide nothing, and make looks dearer."`
	Guardrails        []Use   `yaml:"guardrails,omitempty" doc:"Metrics whose harm beyond the margin rolls back."`
	Goals             []Use   `yaml:"goals,omitempty" doc:"Metrics that are meant to get better."`
	Secondary         []Use   `yaml:"secondary,omitempty" doc:"Metrics that are reported and decide nothing."`
	Flag              FlagRef `yaml:"flag,omitempty" doc:"The flag that serves the variations; without it decisions are only reported."`
	Policy            Policy  `yaml:"policy,omitempty" doc:"Overrides of the project's policy."`
}

// End is the end of the monitoring duration.
func (e *Experiment) End() time.Time { return e.Start.Add(e.Duration.Duration) }

// KnownGood is the variation that a rollback serves to everybody.
func (e *Experiment) KnownGood() Variation {
	for _, v := range e.Variations {
		if v.KnownGood {
			return v
		}
	}
	return Variation{}
}

// Variation is one arm.
type Variation struct {
	ID        string  `yaml:"id" doc:"Value of variation_id in the exposures."`
	KnownGood bool    `yaml:"known_good,omitempty" doc:"The variation that a rollback serves to everybody."`
	Weight    float64 `yaml:"weight,omitempty" share:"true" doc:"Share of the covered units, as 0.5 or 50%, in (0,1); all sum to 1; default equal."`
	Prompt    *Prompt `yaml:"prompt,omitempty" doc:"The prompt this variation runs."`
}

// Prompt is a prompt version: its digest covers template, model and parameters.
type Prompt struct {
	Name       string         `yaml:"name" doc:"Name of the prompt, the same for all its versions."`
	Template   string         `yaml:"template,omitempty" doc:"The text itself."`
	File       string         `yaml:"file,omitempty" doc:"File with the text, relative to the experiment's file."`
	Model      string         `yaml:"model,omitempty" doc:"Model that runs the prompt."`
	Parameters map[string]any `yaml:"parameters,omitempty" doc:"Parameters of the model."`
}

// Use is a metric in a role.
type Use struct {
	Metric   string  `yaml:"metric" doc:"Name of the metric in the library."`
	MDE      *Amount `yaml:"mde,omitempty" doc:"Smallest effect of interest: 0.05, 5% or {relative: 0.05} of the known-good mean, or {absolute: x} in the metric's unit."`
	Margin   *Amount `yaml:"margin,omitempty" doc:"How much harm is tolerated (guardrails), written like mde; default 0."`
	Weight   float64 `yaml:"weight,omitempty" doc:"Guardrails: relative share of alpha; default 1."`
	Method   string  `yaml:"method,omitempty" enum:"auto,exact,exact_spending,mixture,scale_mixture,delayed_start,calibrated" doc:"Test. auto chooses by kind and base rate and says why. exact: by which arm each event is in, without approximation (proportion, count). exact_spending: the same, spending the error over the planned duration. mixture: normal, sharpest near planned_units. scale_mixture: normal, for unknown traffic. delayed_start: normal, sharpest early, from a tenth of planned_units on. calibrated: normal, spending the error over the planned duration. The two that spend are the sharpest, end with the duration and are for what can roll back; the others hold however long one looks."`
	Rollback bool    `yaml:"rollback,omitempty" doc:"Goals: harm rolls back as for a guardrail."`
}

// Amount is an effect size: relative to the known-good mean (0.05 = 5 %), or
// absolute in the metric's unit.
type Amount struct {
	Value    float64 `json:"value"`
	Absolute bool    `json:"absolute,omitempty"`
}

// FlagRef names the flag of an experiment.
type FlagRef struct {
	Key    string   `yaml:"key,omitempty" doc:"Key of the flag in the store."`
	Stores []string `yaml:"stores,omitempty" doc:"Flag stores that are told; the first one is asked for the present state."`
}
