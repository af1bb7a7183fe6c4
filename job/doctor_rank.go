package job

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"unicode"

	"assay/ledger"
	"assay/queries"
)

// profile is how the identifiers of one side are written.
type profile struct {
	n                        int64
	fewestDigits, mostDigits int64 // at the end of an identifier
	signs                    map[string]int64
	prefixes, suffixes       []string
}

// some tells whether a sign shows on one identifier in fifty.
func (p profile) some(sign string) bool {
	return p.n > 0 && 50*p.signs[sign] >= p.n && p.signs[sign] > 0
}

// most tells whether it shows on more than half.
func (p profile) most(sign string) bool { return 2*p.signs[sign] > p.n }

// move is one cause and how it would be undone on each side. The right side is
// the facts', where a mend touches one source only.
type move struct {
	cause       string
	cost        float64 // 1 = the plainest; a guess costs more
	left, right []queries.Step
}

func steps(names ...string) []queries.Step {
	out := make([]queries.Step, len(names))
	for i, name := range names {
		out[i] = queries.Step{Name: name}
	}
	return out
}

// moves lists what the spelling of the two sides makes worth a try.
func moves(left, right profile) []move {
	list := slices.Concat(plainMoves(left, right), affixMoves(left, right), numberMoves(left, right),
		uuidMoves(left, right), digestMoves(left, right), mailMoves(left, right))
	return list
}

// plainMoves are case, white space, quotes, encodings and Unicode forms.
func plainMoves(left, right profile) []move {
	var list []move
	letters := func(p profile) bool { return p.some("upper") || p.some("lower") }
	if letters(left) && letters(right) {
		switch {
		case !left.some("upper"):
			list = append(list, move{"case", 1, nil, steps("lower")})
		case !left.some("lower"):
			list = append(list, move{"case", 1, nil, steps("upper")})
		}
		list = append(list, move{"case", 1.4, steps("lower"), steps("lower")})
	}
	for _, c := range []struct{ cause, sign, step string }{
		{"space", "blank_ends", "trim"},
		{"quotes", "quotes", "unquote"},
		{"url_encoding", "percent", "decode"},
		{"base64", "base64", "unbase64"},
		{"unicode", "nfc", "nfc"},
		{"unicode", "nfkc", "nfkc"},
	} {
		l, r := left.some(c.sign), right.some(c.sign)
		if r {
			list = append(list, move{c.cause, 1, nil, steps(c.step)})
		}
		if l { // None of these is a matter of taste, on whichever side.
			list = append(list, move{c.cause, 1.05, steps(c.step), steps(c.step)}, move{c.cause, 1.05, steps(c.step), nil})
		}
	}
	return list
}

// affixMoves take a constant beginning or end away, or give it.
func affixMoves(left, right profile) []move {
	var list []move
	add := func(cause, give, take string, ls, rs []string) {
		for _, r := range rs {
			list = append(list, move{cause, 1.1, nil, []queries.Step{{Name: take, Text: r}}})
		}
		for _, l := range ls {
			list = append(list, move{cause, 1.1, nil, []queries.Step{{Name: give, Text: l}}})
			for _, r := range rs {
				if l != r {
					list = append(list, move{cause, 1.2, nil, []queries.Step{{Name: take, Text: r}, {Name: give, Text: l}}})
				}
			}
		}
	}
	add("prefix", "prefix", "unprefix", left.prefixes, right.prefixes)
	add("suffix", "suffix", "unsuffix", left.suffixes, right.suffixes)
	// Beginnings of several kinds have none that most share.
	if right.some("parted") && !left.some("parted") {
		list = append(list, move{"prefixes", 1.3, nil, steps("tail")})
	}
	if left.some("parted") {
		list = append(list, move{"prefixes", 1.6, steps("tail"), steps("tail")})
	}
	l, r := apart(last(left.prefixes), last(right.prefixes))
	list = append(list, oneSided("prefix", l, r)...)
	l, r = apart(backwards(last(left.suffixes)), backwards(last(right.suffixes)))
	return append(list, oneSided("suffix", backwards(l), backwards(r))...)
}

// last is the longest of the cuts; "" without any.
func last(cuts []string) string {
	if len(cuts) == 0 {
		return ""
	}
	return cuts[len(cuts)-1]
}

// apart takes from two beginnings what both end with, in whatever case: of
// WEB:U- and u- it leaves WEB: and nothing.
func apart(a, b string) (string, string) {
	x, y := []rune(a), []rune(b)
	for len(x) > 0 && len(y) > 0 && unicode.ToLower(x[len(x)-1]) == unicode.ToLower(y[len(y)-1]) {
		x, y = x[:len(x)-1], y[:len(y)-1]
	}
	return string(x), string(y)
}

// oneSided is an affix that one side has beyond the other.
func oneSided(cause, left, right string) []move {
	switch {
	case left != "" && right == "" && strings.TrimSpace(left) == left:
		return []move{{cause, 1.05, nil, []queries.Step{{Name: cause, Text: left}}}}
	case right != "" && left == "" && strings.TrimSpace(right) == right:
		return []move{{cause, 1.05, nil, []queries.Step{{Name: "un" + cause, Text: right}}}}
	}
	return nil
}

// numberMoves are zeros in front, and numbers that were written as floats.
func numberMoves(left, right profile) []move {
	var list []move
	if left.some("zeros") || right.some("zeros") {
		if !left.some("zeros") {
			list = append(list, move{"zeros", 1, nil, steps("unzero")})
		}
		if left.fewestDigits == left.mostDigits && left.mostDigits > 0 {
			list = append(list, move{"zeros", 1, nil, []queries.Step{{Name: "pad", Length: int(left.mostDigits)}}})
		}
		list = append(list, move{"zeros", 1.4, steps("zeroless"), steps("zeroless")})
	}
	for _, sign := range []string{"float", "exponent"} {
		if right.some(sign) {
			list = append(list, move{"number_format", 1, nil, steps("un" + sign)})
		}
		if left.some(sign) {
			list = append(list, move{"number_format", 1.02, steps("un" + sign), steps("un" + sign)})
		}
	}
	if right.some("float") && right.some("exponent") {
		list = append(list, move{"number_format", 1.1, nil, steps("unfloat", "unexponent")})
	}
	return list
}

// uuidMoves are dashes, braces and urn: of UUIDs.
func uuidMoves(left, right profile) []move {
	if !left.some("uuid") || !right.some("uuid") {
		return nil
	}
	to := "hex"
	if left.most("dashes") {
		to = "uuid"
	}
	list := []move{{"uuid", 1.08, steps("hex"), steps("hex")}}
	if right.some("upper") && left.some("upper") && !left.some("lower") {
		return append(list, move{"uuid", 1.05, nil, steps(to, "upper")})
	}
	return append(list, move{"uuid", 1.05, nil, steps(to)})
}

// digestMoves are digests of the other side, by the length of what is there.
func digestMoves(left, right profile) []move {
	var list []move
	for _, h := range []struct{ sign, step string }{{"hex32", "md5"}, {"hex40", "sha1"}, {"hex64", "sha256"}} {
		l, r := left.some(h.sign), right.some(h.sign)
		if l == r {
			continue
		}
		before := [][]string{{}, {"lower"}, {"trim", "lower"}}
		for i, pre := range before {
			cause, cost := "digest", 1.2+0.2*float64(i)
			if i > 0 {
				cause = "digest+case"
			}
			made := steps(append(slices.Clone(pre), h.step)...)
			switch {
			case r:
				list = append(list, move{cause, cost, made, steps("lower")})
			case left.some("lower") || !left.some("upper"):
				list = append(list, move{cause, cost, nil, made})
			default:
				list = append(list, move{cause, cost, nil, append(made, queries.Step{Name: "upperhex"})})
			}
		}
	}
	return list
}

// mailMoves are the ways to write one mailbox.
func mailMoves(left, right profile) []move {
	if !left.some("mail") || !right.some("mail") {
		return nil
	}
	var list []move
	for _, c := range []struct{ sign, step string }{{"mailto", "unmailto"}, {"tag", "untag"}, {"dots", "undot"}} {
		if right.some(c.sign) {
			list = append(list, move{"email", 1, nil, steps(c.step)})
		}
		if left.some(c.sign) {
			list = append(list, move{"email", 1.4, steps(c.step), steps(c.step)})
		}
	}
	whole := queries.Ordered(steps("unmailto", "lower", "untag", "undot")...)
	return append(list, move{"email", 1.9, whole, whole}, move{"email", 1.8, nil, whole})
}

// try is a move, or several together.
type try struct {
	move
	matched, merged int64
}

// tries are all moves alone and any two of different causes together, as far as
// the dialect has their functions.
func tries(list []move, d queries.Dialect) []try {
	out := []try{{move: move{cause: "type", cost: 0.9}}}
	usable := func(m move) bool {
		return !slices.ContainsFunc(slices.Concat(m.left, m.right), func(s queries.Step) bool { return !d.Rewritable(s) })
	}
	list = slices.DeleteFunc(slices.Clone(list), func(m move) bool { return !usable(m) })
	for i, a := range list {
		out = append(out, try{move: a})
		for _, b := range list[i+1:] {
			if a.cause == b.cause || strings.Contains(a.cause, b.cause) || strings.Contains(b.cause, a.cause) {
				continue
			}
			out = append(out, try{move: move{
				a.cause + "+" + b.cause, a.cost + b.cost,
				queries.Ordered(slices.Concat(a.left, b.left)...), queries.Ordered(slices.Concat(a.right, b.right)...),
			}})
		}
	}
	return out
}

// sampleOf is what a try is judged by.
type sampleOf struct {
	n      int64   // identifiers in the left sample
	before float64 // share that meets now, in [0,1]
	scale  float64 // identifiers of the right side for each in its sample
	// perRight are identifiers of the left side for each of the right one.
	perRight float64
}

func (s sampleOf) after(t try) float64 {
	return min(1, float64(t.matched)*s.scale/float64(max(s.n, 1)))
}

// leastShare is the share of either side that has to be found: numbers meet by
// chance, the more the shorter they are.
const leastShare = 0.02

// helps tells whether so many more are found that it is no coincidence: five at
// least, a fiftieth of one of the sides, a quarter more than before, and more than
// three times those that the rewriting throws together.
func (s sampleOf) helps(t try) bool {
	gain := float64(t.matched) - s.before*float64(s.n)/s.scale
	if after := s.after(t); max(after, after*s.perRight) < leastShare {
		return false
	}
	return gain >= 5 && gain >= 0.25*s.before*float64(s.n)/s.scale && gain > 3*float64(t.merged)
}

// ranked are the tries that help: of those that find about as many as the best
// one the plainest first, and none that only adds to one before it.
func ranked(list []try, s sampleOf) []try {
	var out []try
	best := 0.0
	for _, t := range list {
		if s.helps(t) {
			out = append(out, t)
			best = max(best, s.after(t))
		}
	}
	slices.SortStableFunc(out, func(a, b try) int {
		near := func(t try) int {
			if s.after(t) >= 0.97*best {
				return 0
			}
			return 1
		}
		if c := cmp.Compare(near(a), near(b)); c != 0 {
			return c
		}
		if near(a) == 1 {
			return cmp.Or(cmp.Compare(b.matched, a.matched), cmp.Compare(a.cost, b.cost))
		}
		return cmp.Or(cmp.Compare(a.cost, b.cost), cmp.Compare(b.matched, a.matched))
	})
	var kept []try
	for _, t := range out {
		covered := slices.ContainsFunc(kept, func(k try) bool { return sharesCause(k.cause, t.cause) })
		if !covered && len(kept) < 3 {
			kept = append(kept, t)
		}
	}
	return kept
}

func sharesCause(a, b string) bool {
	for _, one := range strings.Split(a, "+") {
		if slices.Contains(strings.Split(b, "+"), one) {
			return true
		}
	}
	return a == "type"
}

// cuts are where a common beginning may end: behind its last sign that is no
// letter or digit, behind its last letter, and at its end.
func cuts(common string) []string {
	runes := []rune(common)
	var out []string
	if strings.TrimSpace(common) != common {
		return nil // White space is a cause of its own.
	}
	add := func(stop func(rune) bool) {
		for i := len(runes); i > 0; i-- {
			if stop(runes[i-1]) {
				if s := string(runes[:i]); !slices.Contains(out, s) {
					out = append(out, s)
				}
				return
			}
		}
	}
	add(func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	add(unicode.IsLetter)
	add(func(rune) bool { return true })
	return out
}

// backwards turns a text round, so that ends are cut like beginnings.
func backwards(s string) string {
	r := []rune(s)
	slices.Reverse(r)
	return string(r)
}

// changeOf finds the one instant since which far more or fewer meet: the split
// with the largest likelihood ratio (Hinkley 1970), where it is beyond chance and
// the shares differ by half of the larger one at the least. nil = there is none.
func changeOf(hours []ledger.MeetingBucket) *ledger.MeetingChange {
	var all, met float64
	for _, h := range hours {
		all, met = all+float64(h.Identifiers), met+float64(h.Matched)
	}
	logL := func(k, n float64) float64 {
		if n == 0 || k <= 0 || k >= n {
			return 0
		}
		return k*math.Log(k/n) + (n-k)*math.Log(1-k/n)
	}
	var out *ledger.MeetingChange
	best, n, k := 20.0, 0.0, 0.0
	for i, h := range hours {
		if i > 0 && n >= 20 && all-n >= 20 {
			if lr := logL(k, n) + logL(met-k, all-n) - logL(met, all); lr > best {
				before, after := k/n, (met-k)/(all-n)
				if math.Abs(before-after) >= 0.5*max(before, after) || math.Abs(before-after) >= 0.2 {
					best, out = lr, &ledger.MeetingChange{Since: h.At, Before: before, After: after}
				}
			}
		}
		n, k = n+float64(h.Identifiers), k+float64(h.Matched)
	}
	return out
}
