package report

import "assay/ledger"

// toldView is what a flag store was told, and whether it took it.
type toldView struct {
	Lead, Store, State string
	Outcome            *badge // nil: not known to this page
	At, Message        string // of the latest try
}

// newTold is what the look owes its flag stores, or else the last thing that one
// was told before; nothing where none was ever told anything.
func newTold(look *ledger.Look, since *Since) []toldView {
	var out []toldView
	for i := range look.Deliveries {
		p := &look.Deliveries[i]
		v := toldView{Lead: "To be sent to", Store: name(p.Store), State: allocationText(&p.Target, web)}
		answer := deliveryOf(p.ID, since)
		switch {
		case p.Proposal:
			v.Lead = "Proposed to"
		case answer != nil:
			v.Lead = "Told"
		}
		v.answered(answer)
		out = append(out, v)
	}
	if last := lastDelivery(since); len(out) == 0 && last != nil {
		v := toldView{Lead: "Last told", Store: name(last.Store), State: allocationText(&last.Target, web)}
		v.answered(last)
		out = append(out, v)
	}
	return out
}

// answered fills in what became of a delivery.
func (v *toldView) answered(d *Delivered) {
	if d == nil {
		return
	}
	b := outcomeBadge(d.Outcome)
	v.Outcome, v.Message = &b, said(d.Outcome, d.Message)
	if !d.At.IsZero() {
		v.At = instant(d.At)
	}
}

// said is what a store said, where it adds to the outcome.
func said(o Outcome, text string) string {
	const plain = "written and read back"
	if o == Verified && text == plain {
		return ""
	}
	return message(text)
}

// deliveryOf finds a delivery by its id; nil where the page does not know it.
func deliveryOf(id string, since *Since) *Delivered {
	if since == nil {
		return nil
	}
	for i := range since.Deliveries {
		if since.Deliveries[i].ID == id {
			return &since.Deliveries[i]
		}
	}
	return nil
}

// lastDelivery is the newest one that no newer decision replaced; nil where there
// is none.
func lastDelivery(since *Since) *Delivered {
	if since == nil {
		return nil
	}
	for i := len(since.Deliveries) - 1; i >= 0; i-- {
		if since.Deliveries[i].Outcome != Superseded {
			return &since.Deliveries[i]
		}
	}
	return nil
}
