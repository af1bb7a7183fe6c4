package report

import (
	"fmt"

	"assay/ledger"
)

// openedText says how the start of an epoch is known; "" = it was not kept.
func openedText(e *ledger.Epoch) string {
	if s := e.Seen; s != nil {
		return fmt.Sprintf("seen in the exposures, between %s and %s; %s %s", instant(s.Earliest), instant(s.Latest),
			map[string]string{ledger.OpenedAccepted: "the flag store accepted it on", ledger.OpenedSpec: "by the spec since"}[s.Basis], instant(s.Stated))
	}
	return map[string]string{
		ledger.OpenedReadBack: "read back from the flag store",
		ledger.OpenedAccepted: "accepted by the flag store",
		ledger.OpenedSpec:     "by the spec",
	}[e.Opened]
}

// opened tells of the epochs whose start the exposures gave.
func (p *printer) opened(look *ledger.Look) {
	for i := range look.Epochs {
		if e := &look.Epochs[i]; e.Seen != nil {
			p.item("  ", fmt.Sprintf("Epoch %d, %s, is counted from %s on: its start was %s.",
				e.Index, allocationText(&e.Allocation, term), instant(e.Settled), openedText(e)))
		}
	}
}
