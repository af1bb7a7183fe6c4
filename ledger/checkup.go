package ledger

import "time"

// Checkup is what assay doctor found: how the identifiers of the exposures and
// of each fact source meet, and why they do not. It is shown and never recorded.
// It holds no identifier, only what many of them share.
type Checkup struct {
	Experiment string    `json:"experiment"`
	Identifier string    `json:"identifier"`
	AsOf       time.Time `json:"asOf"`
	From       time.Time `json:"from"` // exposures and facts before it were not looked at
	Dialect    string    `json:"dialect"`
	// MaxRows and MaxBytes bound what each query gives; Shortened: From is later than
	// what was asked for, so that it is no more. Partial: not all that there is since
	// the start was looked at.
	MaxRows   int64 `json:"maxRows"`
	MaxBytes  int64 `json:"maxBytes"`
	Shortened bool  `json:"shortened,omitempty"`
	Partial   bool  `json:"partial,omitempty"`
	// Sample bounds the identifiers that causes were tried on, Reach those among
	// which they were looked for.
	Sample     int             `json:"sample"`
	Reach      int             `json:"reach"`
	Exposures  CheckedSide     `json:"exposures"`
	Units      int64           `json:"units"`
	Problems   []Cause         `json:"problems"` // of the exposures themselves
	Sources    []CheckedSource `json:"sources"`
	Statements int             `json:"statements"` // that were run
	// Traffic is the checkup of the traffic; nil = it was left out.
	Traffic *TrafficCheckup `json:"traffic,omitempty"`
}

// CheckedSide counts the rows and identifiers of one side.
type CheckedSide struct {
	Type        string     `json:"type"` // of the identifier column, in the engine's words
	TimeType    string     `json:"timeType"`
	Rows        int64      `json:"rows"`
	Identifiers int64      `json:"identifiers"`
	Null        int64      `json:"null"` // rows
	Empty       int64      `json:"empty"`
	Placeholder int64      `json:"placeholder"`
	Commonest   int64      `json:"commonest"` // rows of the identifier that has most
	Unread      int64      `json:"unread"`    // identifiers that are not of the declared type
	Oldest      *time.Time `json:"oldest,omitempty"`
	Newest      *time.Time `json:"newest,omitempty"`
	Shape       string     `json:"shape,omitempty"`
}

// CheckedSource is how a fact source and the exposed units meet.
type CheckedSource struct {
	Source     string   `json:"source"`
	Identifier string   `json:"identifier"`
	Metrics    []string `json:"metrics"`
	CheckedSide
	Units      int64           `json:"units"`      // exposed
	Matched    int64           `json:"matched"`    // of these, with any row
	InWindow   int64           `json:"inWindow"`   // of these, with a row inside the widest window
	OnlyBefore int64           `json:"onlyBefore"` // of Matched, with rows before first exposure only
	Variations []CheckedArm    `json:"variations"`
	Foreign    int64           `json:"foreign"` // identifiers that nobody exposed has
	Before     int64           `json:"before"`  // rows before first exposure
	Future     int64           `json:"future"`  // rows at or after as-of
	Join       *CheckedJoin    `json:"join,omitempty"`
	Change     *MeetingChange  `json:"change,omitempty"`
	Exposed    *MeetingChange  `json:"exposedChange,omitempty"` // by hours of first exposure
	Hours      []MeetingBucket `json:"hours,omitempty"`
	// Causes of what does not meet, the likeliest first; empty = nothing is wrong
	// that could be found.
	Causes []Cause `json:"causes"`
}

// CheckedArm is one variation.
type CheckedArm struct {
	Variation string `json:"variation"`
	Units     int64  `json:"units"`
	Matched   int64  `json:"matched"`
	InWindow  int64  `json:"inWindow"`
}

// CheckedJoin is the join through which a source is brought to the units.
type CheckedJoin struct {
	Join      string `json:"join"`
	Links     int64  `json:"links"`
	Linked    int64  `json:"linked"`    // identifiers that have a link
	FannedOut int64  `json:"fannedOut"` // of these, linked to several units
	Orphans   int64  `json:"orphans"`   // identifiers of the source without a link
	Exposed   int64  `json:"exposed"`   // exposed units that have a link
}

// MeetingBucket is one hour or day of MeetingChange.
type MeetingBucket struct {
	At          time.Time `json:"at"`
	Identifiers int64     `json:"identifiers"`
	Matched     int64     `json:"matched"`
}

// MeetingChange is when the share of identifiers that meet changed; shares are in
// [0,1].
type MeetingChange struct {
	Since  time.Time `json:"since"`
	Before float64   `json:"before"`
	After  float64   `json:"after"`
}

// Diagnosis is what a look found out of a source that is blind.
type Diagnosis struct {
	AsOf   time.Time   `json:"asOf"`   // of the look that asked
	Causes []Diagnosed `json:"causes"` // the likeliest first
}

// Diagnosed is a Cause as a look keeps it: its mend in words, and what to paste
// into the spec, if that is all it takes.
type Diagnosed struct {
	Code   string     `json:"code"`
	Text   string     `json:"text"`
	Before float64    `json:"before"`
	After  *float64   `json:"after,omitempty"`
	Since  *time.Time `json:"since,omitempty"`
	Mend   string     `json:"mend,omitempty"`
	Paste  string     `json:"paste,omitempty"`
}

// Cause is one reason why identifiers do not meet.
type Cause struct {
	Code string `json:"code"` // prefix, case, prefix+case, digest, join, column, clock, late, ...
	Text string `json:"text"`
	// Place is where the user's SQL is at fault.
	Place *Place `json:"place,omitempty"`
	// Before and After are shares of the exposed units that are found, in [0,1], as
	// things are and with the mend; where it was not tried After is nil.
	Before float64    `json:"before"`
	After  *float64   `json:"after,omitempty"`
	Since  *time.Time `json:"since,omitempty"`
	Mend   *Mend      `json:"mend,omitempty"`

	Cost float64 `json:"-"` // how far-fetched it is
}

// Mend is what to change in the spec.
type Mend struct {
	Text  string `json:"text"`
	Edits []Edit `json:"edits,omitempty"`
}

// Edit sets the value at a path of keys in a file of the spec. New is a text, or
// a list or map of texts.
type Edit struct {
	File string   `json:"file"`
	Path []string `json:"path"`
	Old  string   `json:"old,omitempty"`
	New  any      `json:"new"`
}
