package report

import (
	"fmt"
	"strings"
	"time"

	"assay/ledger"
)

// Record says in one sentence what a record of the ledger says.
func Record(body ledger.Body) string {
	switch b := body.(type) {
	case ledger.Plan:
		return planRecord(b)
	case ledger.Look:
		return lookRecord(b)
	case ledger.Attempt:
		return attemptRecord(b)
	case ledger.Observed:
		return fmt.Sprintf("%s serves %s of %s, which assay did not set (expected %s)", b.Store, allocationText(&b.State, term), b.FlagKey, allocationText(&b.Expected, term))
	case ledger.Clear:
		if b.Note == "" {
			return "cleared"
		}
		return "cleared: " + b.Note
	}
	return laterRecord(body)
}

// laterRecord says so of approvals and of what people are told.
func laterRecord(body ledger.Body) string {
	switch b := body.(type) {
	case ledger.Approval:
		out := fmt.Sprintf("%s of the look as of %s is to be applied", b.Decision.Verdict, b.AsOf.UTC().Format(time.RFC3339))
		if b.By != "" {
			out += ", says " + b.By
		}
		if b.Note != "" {
			out += ": " + b.Note
		}
		return out
	case ledger.Notice:
		return fmt.Sprintf("%s is to be told of %s as of %s: %s", b.Channel, b.Event, b.AsOf.UTC().Format(time.RFC3339), b.Reason)
	case ledger.Told:
		out := fmt.Sprintf("%s, try %d: %s", b.Channel, b.Try, b.Outcome)
		if b.Message != "" {
			out += " (" + b.Message + ")"
		}
		return out
	}
	return ""
}

func planRecord(p ledger.Plan) string {
	if len(p.Changed) == 0 {
		return fmt.Sprintf("plan %d, digest %s", p.Version, p.PlanDigest)
	}
	return fmt.Sprintf("plan %d, digest %s, changed: %s", p.Version, p.PlanDigest, strings.Join(p.Changed, ", "))
}

func lookRecord(k ledger.Look) string {
	out := fmt.Sprintf("look %d as of %s: %s", k.Number, k.AsOf.UTC().Format(time.RFC3339), k.Decision.Verdict)
	if k.Decision.Proposal {
		out += " (a proposal)"
	}
	if k.Backfill {
		out += " (a backfill)"
	}
	if k.Failed != "" {
		out += ", failed: " + k.Failed
	}
	return out + ". " + k.Decision.Summary
}

func attemptRecord(a ledger.Attempt) string {
	out := fmt.Sprintf("%s of %s, try %d: %s", a.Store, a.FlagKey, a.Try, a.Outcome)
	if a.State != nil {
		out += ", serves " + allocationText(a.State, term)
	}
	if a.Message != "" {
		out += " (" + a.Message + ")"
	}
	return out
}
