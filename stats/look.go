package stats

// Look is what one look spends of a comparison's error, and the boundary that
// it gets for it. It depends on when the look is and how much has been seen,
// never on the effect, so it is known before the effect is. The looks of a
// comparison in order, as the ledger keeps them, reproduce every boundary.
type Look struct {
	// Time is the share of the planned duration that has passed, in (0,1].
	Time float64 `json:"time"`
	// Info is the number of units that count, in units of the planned split, for
	// MethodCalibrated; the number of events for MethodExactSpending.
	Info float64 `json:"info"`
	// Spent is the error spent by the test of harm up to and including this look,
	// in (0, Design.Alpha].
	Spent float64 `json:"spent"`
	// Z is the boundary of MethodCalibrated: harm at z >= Z, within the margin at
	// z <= -Z.
	Z float64 `json:"z,omitempty"`
}
