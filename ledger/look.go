package ledger

import (
	"time"

	"assay/decide"
	"assay/stats"
)

// Look is one analysis of one experiment as of one instant: everything that
// the report shows and that is needed to repeat the decision. It is written
// once and rendered from here ever after.
type Look struct {
	ID         string `json:"id"` // hash of experiment, as-of and digest
	Experiment string `json:"experiment"`
	// AsOf bounds the facts: those at or after it never count.
	AsOf   time.Time `json:"asOf"`
	Digest string    `json:"digest"` // of the resolved spec of this experiment
	// Version counts changes of what is fixed before data (PlanDigest); Number
	// counts looks within the version, from 1.
	Version    int    `json:"version"`
	PlanDigest string `json:"planDigest"`
	Number     int    `json:"number"`
	// Backfill: as-of is not newer than the last decided one; nothing was
	// delivered, unless that was asked for.
	Backfill bool `json:"backfill,omitempty"`

	// Failed is why (part of) the evidence is missing; such a look is repeated by
	// the next run with the same as-of.
	Failed string `json:"failed,omitempty"`

	Spec     SpecInfo `json:"spec"`
	Tool     string   `json:"tool"` // version of assay
	Revision string   `json:"revision,omitempty"`

	// Allocation is the flag's state that the decision was based on.
	Allocation decide.Allocation `json:"allocation"`
	// AllocationSource says where it was read: a store's name, ledger or spec.
	AllocationSource string      `json:"allocationSource"`
	Epochs           []Epoch     `json:"epochs"`
	Step             decide.Step `json:"step"`

	Health     Health          `json:"health"`
	Metrics    []MetricResult  `json:"metrics"`
	Daily      []DayCount      `json:"daily"`
	Standing   Standing        `json:"standing"`
	Decision   decide.Decision `json:"decision"`
	Deliveries []Delivery      `json:"deliveries,omitempty"` // planned by this look
	Statements []Statement     `json:"statements"`
	// Incremental is filled where the look kept something for the next one.
	Incremental *Incremental `json:"incremental,omitempty"`
}

// Incremental says what a look had to scan, where looks keep what they found.
type Incremental struct {
	// Since is where the scan of exposures began; nil = all were scanned.
	Since   *time.Time   `json:"since,omitempty"`
	Sources []KeptSource `json:"sources"`
}

// KeptSource is a fact source of an incremental look.
type KeptSource struct {
	Source string `json:"source"`
	// Since is where the scan began for units known by then; nil = all was scanned.
	Since *time.Time `json:"since,omitempty"`
	// Whole is why nothing of it can be kept, so that every look scans all of it.
	Whole string `json:"whole,omitempty"`
}

// Standing is what one look hands to the next.
type Standing struct {
	// Ended is set from the look on that rolled back or shipped, or saw that a
	// person did; only assay clear resets it.
	Ended *decide.Terminal `json:"ended,omitempty"`
	// BlindSince is the as-of of the first of the unbroken run of looks that held
	// for bad data; zero = data are good.
	BlindSince time.Time `json:"blindSince,omitzero"`
	// Owes are the deliveries that have to arrive before Ended counts, where assay
	// ended it: an order that no store took ends nothing.
	Owes []string `json:"owes,omitempty"`
	// Healthy is the coverage at the last look with good data; zero = none yet.
	Healthy float64 `json:"healthy,omitempty"`
	// VerdictSince is the as-of of the first of the unbroken run of looks with
	// this verdict.
	VerdictSince time.Time `json:"verdictSince,omitzero"`
}

// SpecInfo is the part of the spec that a reader of the report needs.
type SpecInfo struct {
	Type         string      `json:"type"`
	Description  string      `json:"description,omitempty"`
	Owner        string      `json:"owner,omitempty"`
	Tags         []string    `json:"tags,omitempty"`
	Identifier   string      `json:"identifier"`
	Assignment   string      `json:"assignment"`
	Start        time.Time   `json:"start"`
	End          time.Time   `json:"end"`
	Cadence      string      `json:"cadence"`
	PlannedUnits int64       `json:"plannedUnits"`
	Ladder       []float64   `json:"ladder,omitempty"`
	Variations   []Variation `json:"variations"`
	FlagKey      string      `json:"flagKey,omitempty"`
	Alpha        Alphas      `json:"alpha"`
	// GoalCorrection is how p-values were corrected over goals: holm, bh or ebh;
	// empty = holm, in looks from before there was a choice.
	GoalCorrection string `json:"goalCorrection,omitempty"`
	Activation     string `json:"activation,omitempty"` // metric at which windows begin
	// Policy is the whole policy in words, by the keys of the spec ("max_blind",
	// "alpha.guardrails"); looks from before it was kept have none.
	Policy map[string]string `json:"policy,omitempty"`
	// Text is the resolved spec as YAML: what Look.Digest is made of. Looks from
	// before it was kept have none.
	Text string `json:"text,omitempty"`
}

// Alphas are the families' error rates, each in (0,1).
type Alphas struct {
	Guardrails  float64 `json:"guardrails"`
	Goals       float64 `json:"goals"`
	SampleRatio float64 `json:"sampleRatio"`
}

// Variation is one arm with the prompt version it runs.
type Variation struct {
	ID        string  `json:"id"`
	KnownGood bool    `json:"knownGood,omitempty"`
	Weight    float64 `json:"weight"`
	Prompt    *Prompt `json:"prompt,omitempty"`
}

// Prompt is an immutable prompt version.
type Prompt struct {
	Name       string         `json:"name"`
	Version    string         `json:"version"` // digest of template, model and parameters
	Model      string         `json:"model,omitempty"`
	Template   string         `json:"template"`
	Parameters map[string]any `json:"parameters,omitempty"`
}

// Epoch is a span in which the intended weights were constant.
type Epoch struct {
	Index      int               `json:"index"`
	Start      time.Time         `json:"start"`
	Settled    time.Time         `json:"settled"` // exposures before it are left out
	Allocation decide.Allocation `json:"allocation"`
	// Opened is how its start is known, one of the Opened constants; looks from before
	// it was kept have none.
	Opened string `json:"opened,omitempty"`
	// Seen is filled where Opened is data.
	Seen *Seen `json:"seen,omitempty"`
	// Units by variation (order of Spec.Variations), without multiple and unknown.
	Units []int64 `json:"units"`
	// Settling are the units first exposed before Settled.
	Settling int64 `json:"settling,omitempty"`
}

// How the start of an epoch is known.
const (
	OpenedReadBack = "read_back" // the store showed the allocation
	OpenedAccepted = "accepted"  // the store took it and does not tell its state
	OpenedSpec     = "spec"      // the spec says so: the first epoch, and where there is no store
	OpenedData     = "data"      // the exposures contradict what was accepted or what the spec says
)

// Seen is a change of weights that the exposures put at another instant than it was
// said to be.
type Seen struct {
	Basis  string    `json:"basis"`  // what said so: OpenedAccepted or OpenedSpec
	Stated time.Time `json:"stated"` // the instant that it said
	// Earliest and Latest are between which it happened, 20 times likelier than
	// before or after; units first exposed in between are among those settling.
	Earliest time.Time `json:"earliest"`
	Latest   time.Time `json:"latest"`
	// LogLR is the log of the likelihood ratio of the hourly exposures by variation
	// against Stated, at least stats.DecisiveSplit.
	LogLR float64 `json:"logLR"`
}

// Health says whether the data can be trusted.
type Health struct {
	Units       int64   `json:"units"`     // units in declared variations, settling ones left out
	Exposures   int64   `json:"exposures"` // rows
	ByVariation []int64 `json:"byVariation"`
	// Activated are those of ByVariation that were activated, where the experiment
	// names an activation metric.
	Activated      []int64        `json:"activated,omitempty"`
	Multiple       int64          `json:"multiple"` // units seen in several variations
	Unknown        int64          `json:"unknown"`  // units in undeclared variations
	UnknownNames   []string       `json:"unknownNames,omitempty"`
	NullRows       int64          `json:"nullRows"` // exposures without an identifier
	Settling       int64          `json:"settling"`
	NewestExposure *time.Time     `json:"newestExposure,omitempty"`
	SampleRatio    []RatioCheck   `json:"sampleRatio"` // overall first, then epochs, then dimension values, corrected for their number
	Sources        []SourceHealth `json:"sources"`
	Problems       []Finding      `json:"problems"` // what is wrong, most serious first; empty = healthy
	Traffic        *Traffic       `json:"traffic,omitempty"`
}

// RatioCheck is a sample-ratio check of one slice.
type RatioCheck struct {
	Slice string `json:"slice"` // "overall", "epoch 2", "platform = ios"
	stats.SampleRatio
	// Since is filled where the overall split is detected to be off.
	Since *RatioSince `json:"since,omitempty"`
}

// RatioSince is the most likely span of days (UTC) in which the split was off.
// Where its status is not found there are no days.
type RatioSince struct {
	stats.RatioChange
	Day time.Time `json:"day,omitzero"` // the first that is off
	// Until is the first day as intended again; nil = still off.
	Until *time.Time `json:"until,omitempty"`
	// EarliestDay and LatestDay are between which Day lies with 95 % probability.
	EarliestDay time.Time `json:"earliestDay,omitzero"`
	LatestDay   time.Time `json:"latestDay,omitzero"`
	// Hour is the first that is off, where the hours of these days tell it, and
	// EarliestHour and LatestHour are between which it lies with 95 % probability.
	Hour         *time.Time `json:"hour,omitempty"`
	EarliestHour *time.Time `json:"earliestHour,omitempty"`
	LatestHour   *time.Time `json:"latestHour,omitempty"`
}

// SourceHealth is how one fact source meets the exposed units.
type SourceHealth struct {
	Source string `json:"source"`
	// Activation: it is judged as the source of the activation metric; Present are
	// the units that were activated, and Newest is the newest activation.
	Activation bool `json:"activation,omitempty"`
	// Present are exposed units with any fact that a metric counts, by variation.
	Present []int64 `json:"present"`
	Units   []int64 `json:"units"`
	// PresentLogE is against "presence does not differ between variations".
	Presence stats.SampleRatio `json:"presence"`
	Newest   *time.Time        `json:"newest,omitempty"` // newest fact seen
	Join     *JoinHealth       `json:"join,omitempty"`
	// Alignment is filled where the source looks blind or stale.
	Alignment *Alignment `json:"alignment,omitempty"`
	// Diagnosis is why it is blind, where that could be found out.
	Diagnosis *Diagnosis `json:"diagnosis,omitempty"`
	Blind     bool       `json:"blind,omitempty"`
	Stale     bool       `json:"stale,omitempty"`
}

// JoinHealth measures a join source.
type JoinHealth struct {
	Join      string `json:"join"`
	Links     int64  `json:"links"`     // identifiers of the source that have a link
	FannedOut int64  `json:"fannedOut"` // of these, linked to several units; the earliest wins
}

// Alignment is what a look at the whole source says about its identifiers.
type Alignment struct {
	Rows     int64 `json:"rows"`
	NullRows int64 `json:"nullRows"`
	IDs      int64 `json:"ids"`     // distinct identifiers in the source
	Matched  int64 `json:"matched"` // of these, exposed units
	// InWindow are the exposed units with any row inside the widest window.
	InWindow  int64      `json:"inWindow"`
	Newest    *time.Time `json:"newest,omitempty"`
	UnitShape string     `json:"unitShape"` // commonest form of exposed identifiers: u-9999
	FactShape string     `json:"factShape"` // commonest form of the source's: aaaa-9999
}

// Finding is something wrong with the data.
type Finding struct {
	Code   string `json:"code"` // source_blind, stale_data, sample_ratio, multiple_exposure, unknown_variation, no_exposures, null_identifiers, ...
	Text   string `json:"text"`
	Source string `json:"source,omitempty"`
	// Place is where the user's SQL is at fault.
	Place *Place `json:"place,omitempty"`
	// Since is the first look of the unbroken run of looks that showed it.
	Since time.Time `json:"since,omitzero"`
}

// Place is a spot in a file of the spec.
type Place struct {
	File   string `json:"file"`
	Line   int    `json:"line"`   // from 1
	Column int    `json:"column"` // from 1, in characters
	Source string `json:"source"` // the line, or what surrounds the spot where it is long
	Caret  int    `json:"caret"`  // the column in Source, from 1
}

// MetricResult is one metric in one role.
type MetricResult struct {
	Name        string `json:"name"`
	Role        string `json:"role"` // goal, guardrail or secondary
	Kind        string `json:"kind"`
	Source      string `json:"source"`
	Description string `json:"description,omitempty"`
	Quality     string `json:"quality,omitempty"`
	Direction   string `json:"direction,omitempty"`
	Unit        string `json:"unit,omitempty"`
	// Definition and Window say in words what is measured, and which facts count.
	Definition string `json:"definition,omitempty"`
	Window     string `json:"window"`
	// CompleteOnly: units whose window is not over are left out.
	CompleteOnly bool        `json:"completeOnly,omitempty"`
	MDE          *stats.Size `json:"mde,omitempty"`
	Margin       *stats.Size `json:"margin,omitempty"`
	// Caps are what percentile caps came to, of a ratio one for each part that has
	// one; not positive: nothing was capped.
	Caps        []float64    `json:"caps,omitempty"`
	Arms        []ArmMoments `json:"arms"`        // by variation and epoch
	Comparisons []Versus     `json:"comparisons"` // one a treatment
	// Slices are effects by the dimensions that the experiment names, the largest
	// slice of each first. They decide nothing.
	Slices []SliceResult `json:"slices,omitempty"`
	// Days are effects by day since exposure, where the experiment asks for them, in
	// order. They decide nothing.
	Days []DayResult `json:"days,omitempty"`
}

// SliceResult is the effect among the units of one slice. The intervals hold for
// all slices of the dimension together.
type SliceResult struct {
	Dimension string `json:"dimension"`
	Value     string `json:"value"`
	Rest      bool   `json:"rest,omitempty"` // all values that are not among the largest
	Effect
}

// DayResult is the effect on what units did on one of their days, among those for
// which it was over. The intervals hold for all days of the metric together.
type DayResult struct {
	// Day is the number of 24 hours since the unit's first exposure, or activation,
	// that had passed when the day began: 0, 1, ...
	Day int `json:"day"`
	Effect
}

// Effect is a treatment against the known-good variation among some of the units.
// The intervals are two-sided and hold at every look.
type Effect struct {
	Variation string         `json:"variation"`
	Status    stats.Status   `json:"status"`
	Note      string         `json:"note,omitempty"`
	Control   stats.ArmValue `json:"control"`
	Treatment stats.ArmValue `json:"treatment"`

	Absolute         float64        `json:"absolute"`
	AbsoluteInterval stats.Interval `json:"absoluteInterval"`
	Relative         stats.Optional `json:"relative,omitzero"`
	RelativeInterval stats.Interval `json:"relativeInterval"`
}

// ArmMoments are the moments that came back for one variation and epoch.
type ArmMoments struct {
	Variation string        `json:"variation"`
	Epoch     int           `json:"epoch"`
	Moments   stats.Moments `json:"moments"`
}

// Versus is a treatment against the known-good variation.
type Versus struct {
	Variation string `json:"variation"`
	stats.Comparison
	// OneLook is for the reader, never for the decision.
	OneLook stats.OneLook `json:"oneLook"`
	// Looks are all that this version's looks spent on this comparison, this one
	// included, in order; methods that spend no error have none.
	Looks []stats.Look `json:"looks,omitempty"`
	// Adjusted is the goal's p-value after SpecInfo.GoalCorrection over goals, in
	// [0,1]: the least error rate at which the goal counts as better.
	Adjusted *float64 `json:"adjusted,omitempty"`
	// MaxLogE is the largest LogE so far in this version, this look included.
	MaxLogE float64 `json:"maxLogE"`
	// Latched: harm was established at this look or an earlier one of this version;
	// Within: that it is within the margin.
	Latched bool `json:"latched,omitempty"`
	Within  bool `json:"within,omitempty"`
	// Recut: units have come into other epochs since the last of Looks, and no look
	// has spent any error since; the next one builds on none before it.
	Recut bool `json:"recut,omitempty"`
	// Presence warns where units without a value are left out and their share differs.
	Presence *stats.SampleRatio `json:"presence,omitempty"`
}

// DayCount is the number of first exposures of one day (UTC) by variation.
type DayCount struct {
	Day   time.Time `json:"day"`
	Units []int64   `json:"units"`
}

// Statement is one statement as it ran.
type Statement struct {
	Name    string `json:"name"`
	Purpose string `json:"purpose"`
	SQL     string `json:"sql"`
	// Digest is the SHA-256 of the SQL, in lower-case hexadecimal digits; looks from
	// before it was kept have none.
	Digest string `json:"digest,omitempty"`
	Rows   int64  `json:"rows"`
	// ID is that of the job or query in the engine, Bytes what it billed or, where
	// it bills none, scanned; an engine that does not tell leaves them out.
	ID    string `json:"id,omitempty"`
	Bytes int64  `json:"bytes,omitempty"`
	// Attached: a run before this one started it, and this one took its result.
	Attached bool `json:"attached,omitempty"`
}

// Delivery is an effect this look owes to a flag store.
type Delivery struct {
	ID       string            `json:"id"` // constant over retries
	Store    string            `json:"store"`
	FlagKey  string            `json:"flagKey"`
	Expected decide.Allocation `json:"expected"` // state the decision was based on
	Target   decide.Allocation `json:"target"`
	Proposal bool              `json:"proposal,omitempty"`
}
