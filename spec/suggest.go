package spec

import (
	"fmt"
	"slices"
	"strings"
)

// Bounds of how many valid names a message lists, and of how many are compared
// for a suggestion.
const (
	maxListed   = 40
	maxCompared = 1000
)

// suggest is what a message says after an unknown name: the likely one, or the
// valid ones.
func suggest(name string, valid []string) string {
	if len(valid) == 0 {
		return ""
	}
	if near, ok := nearest(name, valid); ok {
		return fmt.Sprintf("; did you mean %s?", near)
	}
	if len(valid) > maxListed {
		return ""
	}
	return "; valid: " + strings.Join(slices.Sorted(slices.Values(valid)), ", ")
}

// suggestAll names the likely one and lists all valid ones.
func suggestAll(name string, valid []string) string {
	list := "; valid: " + strings.Join(valid, ", ")
	if near, ok := nearest(name, valid); ok {
		return fmt.Sprintf("; did you mean %s?%s", near, list[1:])
	}
	return list
}

// nearest is the valid name with the fewest edits, if these are few.
func nearest(name string, valid []string) (string, bool) {
	if len(name) > 64 || len(valid) > maxCompared {
		return "", false
	}
	best, least := "", 1+max(1, min(3, len(name)/2))
	for _, candidate := range slices.Sorted(slices.Values(valid)) {
		if n := edits(strings.ToLower(name), strings.ToLower(candidate)); n < least {
			best, least = candidate, n
		}
	}
	return best, best != ""
}

// edits is Levenshtein's distance in bytes.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
