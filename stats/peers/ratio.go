package peers

import (
	"gonum.org/v1/gonum/mathext"

	"assay/stats"
)

// The numbers of the sample-ratio checks as the products ship them.
const (
	GrowthBookRatioAlpha    = 0.001   // a p-value below it is a mismatch
	GrowthBookRatioMinUnits = 8       // units in each variation before it speaks
	SSRMConcentration       = 10000.0 // prior weight, in units
)

// GrowthBookSampleRatio is the p-value of GrowthBook's sample-ratio check:
// Pearson's chi-square, at one look only, whatever the number of looks. counts
// are units by arm, expected their shares on any positive scale. Degenerate
// input, an arm under GrowthBookRatioMinUnits among it: 1 and a status.
func GrowthBookSampleRatio(counts []int64, expected []float64) (p float64, status stats.Status) {
	r := stats.TestSampleRatio(counts, expected, GrowthBookPlanned, GrowthBookRatioAlpha)
	if r.Status != stats.StatusOK {
		return 1, r.Status
	}
	for i, c := range counts {
		if expected[i] > 0 && c < GrowthBookRatioMinUnits {
			return 1, stats.StatusTooFew
		}
	}
	if r.ChiP == nil {
		return 1, stats.StatusBadQuestion
	}
	return probability(*r.ChiP), stats.StatusOK
}

// SSRM is the sequential sample-ratio test as the package ssrm ships it: the
// Dirichlet-multinomial e-value (Lindon & Malek 2022) with a concentration of
// SSRMConcentration units, however large the test. It takes the parameters of
// GrowthBookSampleRatio; alpha in (0,1). Degenerate input: a status and a log
// e-value of 0.
func SSRM(counts []int64, expected []float64, alpha float64) stats.SampleRatio {
	// stats tunes its concentration to 1/Rho2(alpha, planned/4) - 1.
	planned := 4 * (SSRMConcentration + 1) * stats.Rho2(alpha, 1)
	return stats.TestSampleRatio(counts, expected, planned, alpha)
}

// Dependence is Pearson's chi-square of a table of counts: its statistic, its
// degrees of freedom and its p-value in (0,1], at one look only.
type Dependence struct {
	Status        stats.Status
	Statistic, DF float64
	P             float64
}

// AssignmentDependence tests whether the assignments of two experiments are
// independent (Eppo's documentation, "interaction detection"): table counts the
// units by variation of one and of the other, without continuity correction.
// Rows and columns without units do not count. Degenerate input, ragged rows or
// fewer than two rows or columns with units among it: a status and a p-value
// of 1.
func AssignmentDependence(table [][]int64) Dependence {
	rows, columns, total, status := margins(table)
	if status != stats.StatusOK {
		return Dependence{Status: status, P: 1}
	}
	d := Dependence{Status: stats.StatusOK, DF: (filled(rows) - 1) * (filled(columns) - 1)}
	if d.DF <= 0 {
		return Dependence{Status: stats.StatusNoVariance, P: 1}
	}
	for i, row := range table {
		for j, count := range row {
			if e := rows[i] * (columns[j] / total); e > 0 {
				off := float64(count) - e
				d.Statistic += off / e * off
			}
		}
	}
	d.P = probability(mathext.GammaIncRegComp(d.DF/2, d.Statistic/2))
	return d
}

// margins are the sums of the rows, of the columns and of all.
func margins(table [][]int64) (rows, columns []float64, total float64, status stats.Status) {
	if len(table) == 0 {
		return nil, nil, 0, stats.StatusBadQuestion
	}
	rows, columns = make([]float64, len(table)), make([]float64, len(table[0]))
	for i, row := range table {
		if len(row) != len(columns) {
			return nil, nil, 0, stats.StatusBadQuestion
		}
		for j, count := range row {
			if count < 0 {
				return nil, nil, 0, stats.StatusBadQuestion
			}
			rows[i] += float64(count)
			columns[j] += float64(count)
			total += float64(count)
		}
	}
	if total == 0 {
		return nil, nil, 0, stats.StatusNoUnits
	}
	return rows, columns, total, stats.StatusOK
}

// filled is the number of sums above zero.
func filled(sums []float64) float64 {
	n := 0.0
	for _, s := range sums {
		if s > 0 {
			n++
		}
	}
	return n
}
