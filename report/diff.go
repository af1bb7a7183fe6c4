package report

import "strings"

// A line diff of two prompts, side by side.

// diffCells is the most cells of the table of common subsequences; two texts
// beyond it are shown as one replaced block.
const diffCells = 4 << 20

// diffContext is how many unchanged lines are shown around a change.
const diffContext = 3

// diffLine is one row: a line of the left text, of the right one, or both.
type diffLine struct {
	Left, Right         string
	LeftNo, RightNo     int // from 1; 0 = no line on this side
	Equal, Skip         bool
	Skipped             int // unchanged lines left out here
	LeftMark, RightMark string
}

// sideBySide lines two texts up.
func sideBySide(left, right string) []diffLine {
	a, b := lines(left), lines(right)
	start := commonPrefix(a, b)
	end := commonSuffix(a[start:], b[start:])
	middleA, middleB := a[start:len(a)-end], b[start:len(b)-end]
	pairs := make([][2]int, 0, start+end)
	for i := range start {
		pairs = append(pairs, [2]int{i, i})
	}
	for _, p := range common(middleA, middleB) {
		pairs = append(pairs, [2]int{p[0] + start, p[1] + start})
	}
	for i := range end {
		pairs = append(pairs, [2]int{len(a) - end + i, len(b) - end + i})
	}
	return collapse(align(a, b, pairs))
}

func lines(s string) []string {
	s = strings.TrimSuffix(visible(s), "\n")
	if s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}

func commonPrefix(a, b []string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func commonSuffix(a, b []string) int {
	n := 0
	for n < len(a) && n < len(b) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	return n
}

// common gives the pairs of indices of a longest common subsequence.
func common(a, b []string) [][2]int {
	if len(a) == 0 || len(b) == 0 || len(a) > diffCells/len(b) {
		return nil
	}
	table := longest(a, b)
	width := len(b) + 1
	var pairs [][2]int
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			pairs = append(pairs, [2]int{i, j})
			i, j = i+1, j+1
		case table[(i+1)*width+j] >= table[i*width+j+1]:
			i++
		default:
			j++
		}
	}
	return pairs
}

// longest holds, for every pair of tails, the length of their longest common
// subsequence.
func longest(a, b []string) []int32 {
	width := len(b) + 1
	table := make([]int32, (len(a)+1)*width)
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				table[i*width+j] = table[(i+1)*width+j+1] + 1
				continue
			}
			table[i*width+j] = max(table[(i+1)*width+j], table[i*width+j+1])
		}
	}
	return table
}

// align puts the lines between two common pairs opposite each other.
func align(a, b []string, pairs [][2]int) []diffLine {
	var rows []diffLine
	i, j := 0, 0
	for _, p := range append(pairs, [2]int{len(a), len(b)}) {
		for i < p[0] || j < p[1] {
			row := diffLine{}
			if i < p[0] {
				row.Left, row.LeftNo, row.LeftMark = a[i], i+1, "−"
				i++
			}
			if j < p[1] {
				row.Right, row.RightNo, row.RightMark = b[j], j+1, "+"
				j++
			}
			rows = append(rows, row)
		}
		if i < len(a) && j < len(b) {
			rows = append(rows, diffLine{Left: a[i], Right: b[j], LeftNo: i + 1, RightNo: j + 1, Equal: true})
			i, j = i+1, j+1
		}
	}
	return rows
}

// collapse leaves out long runs of unchanged lines.
func collapse(rows []diffLine) []diffLine {
	var out []diffLine
	for i := 0; i < len(rows); {
		run := 0
		for i+run < len(rows) && rows[i+run].Equal {
			run++
		}
		if run == 0 {
			out = append(out, rows[i])
			i++
			continue
		}
		out = append(out, shortRun(rows[i:i+run], i == 0, i+run == len(rows))...)
		i += run
	}
	return out
}

func shortRun(run []diffLine, first, last bool) []diffLine {
	head, tail := diffContext, diffContext
	if first {
		head = 0
	}
	if last {
		tail = 0
	}
	if len(run) <= head+tail+1 {
		return run
	}
	out := append([]diffLine{}, run[:head]...)
	out = append(out, diffLine{Skip: true, Skipped: len(run) - head - tail})
	return append(out, run[len(run)-tail:]...)
}
