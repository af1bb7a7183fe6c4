package ledger

import (
	"time"

	"assay/stats"
)

// Traffic is what a look says of the exposures beside the split: those that
// count for nobody, those that are logged again and again, units that the arms
// got before anything was shown to them, and whether all of it has arrived. A
// part that is missing has nothing to tell. It may be absent: looks from before
// there was any have none.
type Traffic struct {
	Missing  *Missing           `json:"missing,omitempty"`
	Several  *Several           `json:"several,omitempty"`
	Unknown  []UnknownVariation `json:"unknown,omitempty"`
	Repeats  []RepeatCheck      `json:"repeats,omitempty"` // one a treatment
	Balance  []BalanceCheck     `json:"balance,omitempty"` // by metric and treatment
	Gaps     []time.Time        `json:"gaps,omitempty"`    // days (UTC) without any first exposure
	Collapse *Collapse          `json:"collapse,omitempty"`
	Lost     []Loss             `json:"lost,omitempty"`
	Causes   []UsualCause       `json:"causes,omitempty"` // usual ones of a split that is off, likeliest first
}

// Missing is exposures without an identifier, which count for nobody.
type Missing struct {
	Exposures []int64   `json:"exposures"`       // rows by variation
	Other     int64     `json:"other,omitempty"` // rows in undeclared variations
	First     time.Time `json:"first"`
	Last      time.Time `json:"last"`
	// Split are the shares of the variations among units if each of the rows were
	// one; nil without units. Those that came by chance would be as the others.
	Split []float64 `json:"split,omitempty"`
}

// Several is units that were seen in several variations.
type Several struct {
	Units int64  `json:"units"`
	Pairs []Pair `json:"pairs"` // most units first
	// First is the first exposure of any of them; By is when the first of them had
	// been seen for the last time, so that by then it had begun.
	First time.Time `json:"first"`
	By    time.Time `json:"by"`
	// Change is the change of weights around which they were seen, Across how many
	// of them were first exposed before it and seen after it, and Others the share
	// of the other units that were. nil = it began with none.
	Change *time.Time `json:"change,omitempty"`
	Across int64      `json:"across,omitempty"`
	Others float64    `json:"others,omitempty"`
}

// Pair is the first and the last, in the order of the spec, of the variations
// that units were seen in; "" stands for all undeclared ones.
type Pair struct {
	From  string `json:"from"`
	To    string `json:"to"`
	Units int64  `json:"units"`
}

// UnknownVariation is one that the spec does not declare.
type UnknownVariation struct {
	Name      string    `json:"name"`
	Exposures int64     `json:"exposures"`
	First     time.Time `json:"first"`
}

// RepeatCheck tests whether units of a treatment are exposed as often as those
// of the known-good variation. Means are over units, of whose exposures a
// hundred count at the most.
type RepeatCheck struct {
	Variation string       `json:"variation"`
	Status    stats.Status `json:"status"`
	Note      string       `json:"note,omitempty"`
	Control   float64      `json:"control"`
	Treatment float64      `json:"treatment"`
	LogE      float64      `json:"logE"`  // valid at every look
	Bound     float64      `json:"bound"` // ln(treatments / alpha)
	Failed    bool         `json:"failed,omitempty"`
}

// BalanceCheck tests whether a metric was the same before the exposure, when no
// arm could have moved it.
type BalanceCheck struct {
	Metric    string       `json:"metric"`
	Variation string       `json:"variation"`
	Status    stats.Status `json:"status"`
	Note      string       `json:"note,omitempty"`
	Control   float64      `json:"control"` // before exposure
	Treatment float64      `json:"treatment"`
	LogE      float64      `json:"logE"`  // valid at every look
	Bound     float64      `json:"bound"` // ln(metrics x treatments / alpha)
	Failed    bool         `json:"failed,omitempty"`
}

// Collapse is far fewer first exposures than on the days before.
type Collapse struct {
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Units  int64     `json:"units"`
	Before int64     `json:"before"` // the fewest in the same hours of any of the seven days before
}

// Loss is units that the look before had and this one has not: rows are gone.
type Loss struct {
	Source string `json:"source,omitempty"` // "" = the exposures
	Units  int64  `json:"units"`
	Before int64  `json:"before"`
}

// UsualCause is a usual cause of a split that is off in such a way.
type UsualCause struct {
	Code string `json:"code"` // one_slice, from_start, since_hour, loss, gain, all_slices, activation, repeats, over
	Text string `json:"text"`
}
