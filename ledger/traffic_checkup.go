package ledger

import (
	"time"

	"assay/stats"
)

// TrafficCheckup is what a person who asks about the traffic of an experiment is
// told beyond a look. It is computed when asked for and recorded nowhere.
type TrafficCheckup struct {
	Experiment   string        `json:"experiment"`
	AsOf         time.Time     `json:"asOf"`
	Variations   []string      `json:"variations"`
	Outside      []Outside     `json:"outside,omitempty"`
	Missing      []MissingBy   `json:"missing,omitempty"`
	Switches     []Switch      `json:"switches,omitempty"` // by pair, most units first
	Volumes      []Volume      `json:"volumes"`
	Lags         []Lag         `json:"lags,omitempty"` // by variation, where assignments have an instant
	Redrawn      *Redrawn      `json:"redrawn,omitempty"`
	Interactions []Interaction `json:"interactions,omitempty"`
	// Findings are what is wrong, in sentences; empty = nothing.
	Findings []Finding `json:"findings"`
}

// Outside is exposures before the start or after the end.
type Outside struct {
	Side      string    `json:"side"`      // before, after
	Variation string    `json:"variation"` // "" = undeclared
	Exposures int64     `json:"exposures"`
	Units     int64     `json:"units"`
	First     time.Time `json:"first"`
	Last      time.Time `json:"last"`
}

// MissingBy is the exposures of one value of a dimension and one variation, and
// those of them without an identifier.
type MissingBy struct {
	Dimension string    `json:"dimension"`
	Value     string    `json:"value"`
	Variation string    `json:"variation"`
	Exposures int64     `json:"exposures"`
	Missing   int64     `json:"missing"`
	First     time.Time `json:"first,omitzero"`
}

// Switch is units that went from one variation to another.
type Switch struct {
	From  string    `json:"from"`
	To    string    `json:"to"`
	Units int64     `json:"units"`
	First time.Time `json:"first"` // hour of the first
	// Peak is the hour with most of them.
	Peak      time.Time `json:"peak"`
	PeakUnits int64     `json:"peakUnits"`
	// After is the change of weights that came shortly before the peak.
	After *time.Time `json:"after,omitempty"`
}

// Lag is how long after their assignment units of a variation were first exposed.
type Lag struct {
	Variation string        `json:"variation"`
	Units     int64         `json:"units"`
	Hour      int64         `json:"hour"`    // an hour or more after it
	Day       int64         `json:"day"`     // a day or more after it, which are among those
	Before    int64         `json:"before"`  // before it
	Unknown   int64         `json:"unknown"` // without an instant of assignment
	Longest   time.Duration `json:"longest"`
}

// Volume is how many rows there are of the exposures, or of a fact source.
type Volume struct {
	Source  string      `json:"source,omitempty"` // "" = the exposures
	Rows    int64       `json:"rows"`
	Newest  time.Time   `json:"newest,omitzero"` // last hour with a row
	Missing []time.Time `json:"missing,omitempty"`
	Low     *Collapse   `json:"low,omitempty"` // Units and Before are rows
	// Unjudged says why days and hours could not be compared.
	Unjudged string `json:"unjudged,omitempty"`
}

// Redrawn compares the logged variations with what known clients would have
// drawn.
type Redrawn struct {
	Units  int64      `json:"units"`            // sampled
	Draws  []DrawnBy  `json:"draws,omitempty"`  // best first
	Slices []DrawnFor `json:"slices,omitempty"` // of the best draw, by dimension value, worst first
	// Verdict is all, part, none or few: how far the best draw explains what was logged.
	Verdict string `json:"verdict"`
}

// DrawnBy is how many of the sampled units have the variation that a client
// would have drawn.
type DrawnBy struct {
	Draw      string  `json:"draw"`
	Seed      string  `json:"seed"`
	Attribute string  `json:"attribute"`
	Reversed  bool    `json:"reversed,omitempty"` // with the variations in the other order
	Agree     int64   `json:"agree"`
	Chance    float64 `json:"chance"` // share that would agree if the two had nothing to do with each other
}

// DrawnFor is the agreement for one value of a dimension.
type DrawnFor struct {
	Dimension string `json:"dimension"`
	Value     string `json:"value"`
	Agree     int64  `json:"agree"`
	Units     int64  `json:"units"`
}

// Interaction is another experiment that runs on the same identifiers at the same
// time.
type Interaction struct {
	Experiment string `json:"experiment"`
	Shared     int64  `json:"shared"` // units in both
	Failed     string `json:"failed,omitempty"`
	// Cross are the units by variation of the other one and of this.
	Cross   []CrossRow          `json:"cross,omitempty"`
	Effects []InteractionEffect `json:"effects,omitempty"`
}

// CrossRow is the units in one variation of the other experiment. Its check is
// against "it does not depend on the variation of this one".
type CrossRow struct {
	Other string            `json:"other"`
	Units []int64           `json:"units"`
	Check stats.SampleRatio `json:"check"`
}

// InteractionEffect is how much the effect of a treatment among the units in one
// variation of the other experiment differs from that in its first one.
type InteractionEffect struct {
	Metric     string  `json:"metric"`
	Variation  string  `json:"variation"`
	Base       string  `json:"base"`
	Other      string  `json:"other"`
	Difference float64 `json:"difference"` // of the two effects, in the metric's unit
	SE         float64 `json:"se"`
	LogE       float64 `json:"logE"` // valid at every look
	Bound      float64 `json:"bound"`
	Failed     bool    `json:"failed,omitempty"`
	Note       string  `json:"note,omitempty"` // why it cannot be said
}
