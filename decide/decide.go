// Package decide turns evidence and a policy into a decision with its reasons.
//
// In: Evidence of one look. Out: one Decision. Pure: no I/O, no errors, no
// clock; the rules are one table in rules.go.
package decide

import (
	"time"

	"assay/stats"
)

// Verdict is what is to be done.
type Verdict string

// The verdicts.
const (
	Rollback Verdict = "rollback"
	Hold     Verdict = "hold"
	Ramp     Verdict = "ramp"
	Ship     Verdict = "ship"
	Continue Verdict = "continue"
	Review   Verdict = "review"
)

// Arm is a variation's share of the covered units.
type Arm struct {
	Variation string  `json:"variation"`
	Weight    float64 `json:"weight"` // in [0,1]; all sum to 1
}

// Allocation is the absolute state of a flag: who gets what. Units outside
// the coverage get the known-good variation and are not exposed.
type Allocation struct {
	Coverage  float64 `json:"coverage"` // share of all units, in [0,1]
	Arms      []Arm   `json:"arms"`     // in the order of the spec
	KnownGood string  `json:"knownGood"`
}

// Reason is one row of the table that matched.
type Reason struct {
	Rule    int     `json:"rule"` // row of the table, 0 to 9
	Code    string  `json:"code"` // for machines, e.g. guardrail_harmed
	Verdict Verdict `json:"verdict"`
	Text    string  `json:"text"` // for people
	// What it is about, where it is about something.
	Metric    string `json:"metric,omitempty"`
	Variation string `json:"variation,omitempty"`
	Source    string `json:"source,omitempty"`
}

// Decision of one look.
type Decision struct {
	Verdict Verdict `json:"verdict"`
	// Summary is the first reason as one sentence.
	Summary string `json:"summary"`
	// Reasons are all rows that match, in the order of the table; the first decides.
	Reasons []Reason `json:"reasons"`
	// Target is the state the flag should have; nil = leave it.
	Target *Allocation `json:"target,omitempty"`
	// Winner is the variation that a ship serves to everybody.
	Winner string `json:"winner,omitempty"`
	// Proposal: delivered as a proposal, never applied.
	Proposal bool `json:"proposal,omitempty"`
	// WouldChange says what would have led to another verdict.
	WouldChange []string `json:"wouldChange"`
}

// Step is where a ladder or an experiment stands.
type Step struct {
	Index    int       `json:"index"`    // rung, from 0; -1 = nobody is exposed
	Coverage float64   `json:"coverage"` // of this rung
	Next     *float64  `json:"next,omitempty"`
	Since    time.Time `json:"since"`              // start of this rung's epoch
	Due      time.Time `json:"due,omitzero"`       // when the next rung may start
	LastRung bool      `json:"lastRung,omitempty"` // full coverage is reached
}

// Judgement is a metric's comparison in its role.
type Judgement struct {
	Metric     string
	Role       string // goal or guardrail
	Variation  string // treatment
	Rollback   bool   // harm rolls back
	Latched    bool   // an earlier look of this version established the harm
	Within     bool   // this look or an earlier one showed harm to be within the margin
	Source     string
	Comparison stats.Comparison
	// Step counts complete units of this rung in the smaller arm.
	StepUnits int64
	// WinP is the two-sided sequential p-value of the goal, adjusted over goals;
	// Better tells whether the effect is on the good side.
	WinP   float64
	Better bool
}
