package report

// spans lets rows in a row that say the same share one cell: the first has their
// number, the others 0 and no cell of their own. A long table is the shorter for it.
func spans(rows []courseRow) {
	first := 0
	for i := range rows {
		rows[i].Span = 0
		if rows[i].Word != rows[first].Word {
			first = i
		}
		rows[first].Span++
	}
}
