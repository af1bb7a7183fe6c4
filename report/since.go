package report

import (
	"fmt"
	"strings"
	"time"

	"assay/decide"
)

// Since is what has happened to an experiment's flag since a look.
type Since struct {
	Deliveries []Delivered `json:"deliveries"` // oldest first
	Changes    []Change    `json:"changes"`    // oldest first
	Clears     []Clear     `json:"clears"`     // oldest first
	Approvals  []Applied   `json:"approvals"`  // oldest first
	Plans      []Planned   `json:"plans"`      // oldest first, the first one is where it began

	// Acted: since the latest look a person has had applied what it proposed, or has
	// cleared the experiment.
	Acted bool `json:"acted,omitempty"`
}

// Outcome is what became of a delivery.
type Outcome string

// The outcomes, by the words of the ledger.
const (
	Pending     Outcome = "pending"     // in the outbox, never tried
	Unavailable Outcome = "unavailable" // tried in vain, to be tried again
	Verified    Outcome = "delivered"   // written and read back
	Unverified  Outcome = "unverified"  // accepted; the store cannot tell its state
	Proposed    Outcome = "proposed"    // handed over as a proposal, applied nowhere
	Conflict    Outcome = "conflict"    // a person changed the flag meanwhile; never overwritten
	Refused     Outcome = "refused"     // the store will never take it
	Approval    Outcome = "approval"    // a person has to approve it in the store first
	Disabled    Outcome = "disabled"    // the receiver wants no more deliveries
	Superseded  Outcome = "superseded"  // a newer decision took its place
	Withdrawn   Outcome = "withdrawn"   // the spec has no such store any more
)

// Delivered is one delivery and what became of it.
type Delivered struct {
	ID       string            `json:"id"`
	Store    string            `json:"store"`
	FlagKey  string            `json:"flagKey"`
	Target   decide.Allocation `json:"target"`
	Proposal bool              `json:"proposal,omitempty"`
	Outcome  Outcome           `json:"outcome"`
	At       time.Time         `json:"at,omitzero"` // of the latest attempt; zero = none yet
	Tries    int               `json:"tries"`
	Message  string            `json:"message,omitempty"`
	Attempts []Attempt         `json:"attempts,omitempty"` // oldest first; may be empty

	// Verdict and AsOf are of the look that decided it; Approved: a person had it
	// applied, By says who, where that is known.
	Verdict  decide.Verdict `json:"verdict,omitempty"`
	AsOf     time.Time      `json:"asOf,omitzero"`
	Approved bool           `json:"approved,omitempty"`
	By       string         `json:"by,omitempty"`
}

// Attempt is one try to deliver.
type Attempt struct {
	At      time.Time `json:"at"`
	Outcome Outcome   `json:"outcome"`
	Message string    `json:"message,omitempty"`
}

// Change is a change of the flag that was observed.
type Change struct {
	At      time.Time         `json:"at"`
	Store   string            `json:"store"`
	From    decide.Allocation `json:"from"`
	To      decide.Allocation `json:"to"`
	Message string            `json:"message,omitempty"` // who or what changed it, as far as that is known
}

// Applied is a person's order to do what a look proposed.
type Applied struct {
	At      time.Time      `json:"at"`
	Verdict decide.Verdict `json:"verdict"`
	AsOf    time.Time      `json:"asOf"`         // of the look
	By      string         `json:"by,omitempty"` // empty = not known
	Message string         `json:"message,omitempty"`
}

// Clear is a person's order to judge an ended experiment afresh.
type Clear struct {
	At      time.Time `json:"at"`
	By      string    `json:"by,omitempty"` // empty = not known
	Message string    `json:"message,omitempty"`
}

// Planned is a version of what is fixed before data; evidence begins anew with
// each.
type Planned struct {
	At      time.Time `json:"at"`
	Version int       `json:"version"`
	Changed []string  `json:"changed,omitempty"` // names of what differs from the version before
}

var outcomeWords = map[Outcome]badge{
	Pending:     {"…", "not delivered yet", toneWarn},
	Unavailable: {"!", "not delivered yet: store unavailable", toneWarn},
	Verified:    {"✓", "delivered and read back", toneGood},
	Unverified:  {"✓", "accepted, cannot be read back", toneGood},
	Proposed:    {"✓", "proposed, for a person to apply", toneInfo},
	Conflict:    {"✕", "conflict: the flag was changed by a person", toneBad},
	Refused:     {"✕", "refused", toneBad},
	Approval:    {"!", "waits for an approval in the store", toneWarn},
	Disabled:    {"✕", "receiver takes no more deliveries", toneBad},
	Superseded:  {"○", "superseded", toneMute},
	Withdrawn:   {"○", "withdrawn: its store is not in the spec any more", toneWarn},
}

// undelivered are the outcomes after which the flag is not as decided.
var undelivered = []Outcome{Pending, Unavailable, Conflict, Refused, Approval, Disabled}

func outcomeBadge(o Outcome) badge {
	if b, known := outcomeWords[o]; known {
		return b
	}
	return badge{"?", shorten(name(string(o)), 24), toneWarn}
}

// sinceView is Since as the page shows it.
type sinceView struct {
	Deliveries []deliveryView
	Changes    []eventView
	Clears     []eventView
	Approvals  []eventView
	Plans      []eventView
	Empty      bool
}

type deliveryView struct {
	Store, Flag, Target string
	Decided             string
	Badge               badge
	At, Message, ID     string
	Tries               int
	Attempts            []eventView
}

type eventView struct {
	At, What, Message string
}

func newSinceView(s *Since) *sinceView {
	if s == nil {
		return nil
	}
	v := &sinceView{Empty: s.empty()}
	for _, d := range s.Deliveries {
		v.Deliveries = append(v.Deliveries, newDeliveryView(d))
	}
	for _, c := range s.Changes {
		v.Changes = append(v.Changes, eventView{instant(c.At), changeText(c, web), message(c.Message)})
	}
	for _, a := range s.Approvals {
		v.Approvals = append(v.Approvals, eventView{instant(a.At), approvedBy(a), message(a.Message)})
	}
	for _, c := range s.Clears {
		v.Clears = append(v.Clears, eventView{instant(c.At), clearedBy(c), message(c.Message)})
	}
	for _, p := range s.Plans {
		v.Plans = append(v.Plans, eventView{instant(p.At), plannedText(p), ""})
	}
	return v
}

func (s *Since) empty() bool {
	return len(s.Deliveries)+len(s.Changes)+len(s.Clears)+len(s.Approvals) == 0
}

// plannedText says what a plan changed; the first one changed nothing.
func plannedText(p Planned) string {
	text := fmt.Sprintf("plan version %d", p.Version)
	if len(p.Changed) == 0 {
		return text
	}
	return text + ", with fresh evidence; changed: " + message(strings.Join(p.Changed, ", "))
}

// approvedBy says what was applied, and by whom, where that is known.
func approvedBy(a Applied) string {
	text := name(string(a.Verdict)) + " of the look as of " + instant(a.AsOf) + " is to be applied"
	if a.By == "" {
		return text
	}
	return text + ", says " + name(a.By)
}

// clearedBy says who cleared, where that is known.
func clearedBy(c Clear) string {
	if c.By == "" {
		return "cleared"
	}
	return "cleared by " + name(c.By)
}

func newDeliveryView(d Delivered) deliveryView {
	v := deliveryView{
		Store: name(d.Store), Flag: name(d.FlagKey), Target: allocationText(&d.Target, web),
		Badge: outcomeBadge(d.Outcome), At: instant(d.At), Message: said(d.Outcome, d.Message),
		ID: name(d.ID), Tries: d.Tries,
	}
	if d.Verdict != "" {
		v.Decided = d.decidedBy()
	}
	if d.Proposal && d.Outcome != Proposed {
		v.Badge.Word += ", as a proposal"
	}
	for _, a := range d.Attempts {
		if len(d.Attempts) < 2 {
			break // The row says it all.
		}
		v.Attempts = append(v.Attempts, eventView{instant(a.At), outcomeBadge(a.Outcome).Word, said(a.Outcome, a.Message)})
	}
	return v
}

func changeText(c Change, n numbers) string {
	return name(c.Store) + ": " + allocationText(&c.From, n) + " → " + allocationText(&c.To, n)
}

// messageLength is the most characters of a message from outside.
const messageLength = 500

func message(s string) string { return shorten(clean(s), messageLength) }
