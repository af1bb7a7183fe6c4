package main

import (
	"testing"
)

func TestCellsHaveNamesOfTheirOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range allCells(true) {
		if seen[c.key()] {
			t.Errorf("two cells are called %q", c.key())
		}
		seen[c.key()] = true
	}
}
