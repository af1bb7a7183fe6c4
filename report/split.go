package report

import (
	"math"

	"assay/ledger"
	"assay/stats"
)

// points writes a difference of shares (0.031 = 3.1 percentage points).
func (n numbers) points(x float64) string {
	return n.general(100*x, 2) + n.gap + "pp"
}

// deviationText says how far a split is off that is detected to be; "" where it
// is not, and where an older look does not know.
func deviationText(s *stats.SampleRatio, n numbers) string {
	if !s.Detected {
		return ""
	}
	text := "off by " + n.points(s.Deviation)
	switch {
	case s.Floor == 0:
		return text
	case s.Failed:
		return text + ", at least the floor of " + n.points(s.Floor)
	}
	return text + ", below the floor of " + n.points(s.Floor) + ": too small to matter"
}

// sinceText says in one sentence since when a split is off: the variation that
// is off most, its share since, the intended one, and those before and after.
func sinceText(look *ledger.Look, since *ledger.RatioSince, n numbers) string {
	switch {
	case since == nil:
		return ""
	case since.Status != stats.ChangeFound || since.Since == nil || len(since.Since.Expected) == 0:
		return joined("Since when cannot be said", ": ", message(since.Note)) + "."
	}
	arm := furthest(look, since.Since)
	share, intended := observed(since.Since, arm), since.Since.Expected[arm]
	decimals := 1
	if math.Abs(share-intended) < 0.01 {
		decimals = 2
	}
	text := spanText(since) + ": " + variation(look, arm) + " " + n.share(share, decimals) + " instead of " + n.share(intended, decimals)
	if before := since.Before; before != nil {
		text += "; before it " + sharesText(before, n, armShare{arm, intended, decimals})
	}
	if after := since.After; after != nil {
		text += "; after it " + sharesText(after, n, armShare{arm, intended, decimals})
	}
	return text + "."
}

// spanText names the days, and those between which the first may lie.
func spanText(since *ledger.RatioSince) string {
	text := "Since " + day(since.Day)
	if since.Until == nil && since.Hour != nil {
		return hourText(since)
	}
	if since.Until != nil {
		text = "From " + day(since.Day) + " until " + day(*since.Until)
	}
	switch {
	case since.Before == nil:
		text += ", the first day"
	case !since.EarliestDay.Equal(since.LatestDay):
		text += " (between " + day(since.EarliestDay) + " and " + day(since.LatestDay) + ")"
	}
	return text
}

// armShare is a variation with what it should have had in the span.
type armShare struct {
	arm      int
	intended float64
	decimals int
}

// sharesText is an arm's share, with the intended one where it was another then.
func sharesText(g *stats.RatioGroup, n numbers, of armShare) string {
	text := n.share(observed(g, of.arm), of.decimals)
	if of.arm < len(g.Expected) && math.Abs(g.Expected[of.arm]-of.intended) > 1e-6 {
		text += " instead of " + n.share(g.Expected[of.arm], of.decimals)
	}
	return text
}

func observed(g *stats.RatioGroup, arm int) float64 {
	shares := g.Observed()
	if arm >= len(shares) {
		return 0
	}
	return shares[arm]
}

// furthest is the arm whose share is off most; of two that are off alike the
// treatment.
func furthest(look *ledger.Look, g *stats.RatioGroup) int {
	best, most := 0, -1.0
	for i := range g.Expected {
		off := math.Abs(observed(g, i) - g.Expected[i])
		knownGood := i < len(look.Spec.Variations) && look.Spec.Variations[i].KnownGood
		if off > most+1e-9 || off > most-1e-9 && !knownGood {
			best, most = i, max(off, most)
		}
	}
	return best
}

func variation(look *ledger.Look, arm int) string {
	if arm >= len(look.Spec.Variations) {
		return dash
	}
	return name(look.Spec.Variations[arm].ID)
}

// splitLine is the sample ratio on a terminal; "" where it is as intended.
func splitLine(look *ledger.Look) string {
	if len(look.Health.SampleRatio) == 0 {
		return ""
	}
	overall := &look.Health.SampleRatio[0]
	return joined(deviationText(&overall.SampleRatio, term), ". ", sinceText(look, overall.Since, term))
}
