package serve

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"assay/connectors/flags"
	"assay/decide"
	"assay/spec"
)

const (
	maxName   = 200       // bytes of a name
	maxFile   = 16 << 20  // bytes of a flags file
	maxSource = 160       // characters of a line that is shown with a problem
	fileForm  = 1         // version of the file format
	defUnit   = "id"      // the attribute that is hashed where a flag names none
	aliasMark = "@"       // between variation and rule in flagd's variants
	sumSlack  = 1e-6      // how far weights may be from summing to 1
	schemaKey = "$schema" // read by editors only
)

// Parse reads a flags file. Everything that is wrong with it comes back at once,
// each problem at its place; then there is no File.
func Parse(name string, text []byte) (*File, spec.Problems) {
	c := &checker{name: name, text: text}
	root, err := parseTree(text)
	if bad, ok := errors.AsType[fault](err); ok {
		c.problemf(bad.at, "%s", bad.text)
	} else if err != nil {
		c.problemf(0, "%v", err)
	}
	if err != nil {
		return nil, c.problems
	}
	f := c.file(root)
	slices.SortStableFunc(c.problems, func(a, b spec.Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	if len(c.problems) > 0 {
		return nil, c.problems
	}
	return f, nil
}

func (c *checker) file(root *node) *File {
	f := &File{Segments: map[string][]Condition{}, Flags: map[string]*Flag{}}
	c.members(root, map[string]func(*node){
		schemaKey: skip,
		"version": func(n *node) {
			if c.is(n, kindNumber) && n.number != fileForm {
				c.problemf(n.at, "version %s is unknown: want %d", n.raw, fileForm)
			}
		},
		"segments": func(n *node) {
			c.named(n, func(name string, n *node) { f.Segments[name] = c.segment(n) })
		},
		"flags": func(n *node) {
			c.named(n, func(key string, n *node) {
				if flag := c.flag(key, n); flag != nil {
					f.Flags[key] = flag
				}
			})
		},
	}, "version", "flags")
	c.segmentsOf(root, f)
	c.groups(root.member("flags"), f)
	return f
}

// segmentsOf looks up the segments that flags and their rules name.
func (c *checker) segmentsOf(root *node, f *File) {
	known := func(n *node) {
		if n == nil || n.kind != kindText {
			return
		}
		if _, ok := f.Segments[n.text]; !ok {
			names := strings.Join(slices.Sorted(maps.Keys(f.Segments)), ", ")
			c.problemf(n.at, "segment %q does not exist: want one of %s", n.text, cmp.Or(names, "those in segments, which has none"))
		}
	}
	if flagsAt := root.member("flags"); flagsAt != nil {
		for _, m := range flagsAt.members {
			known(m.value.member("segment"))
			if rules := m.value.member("rules"); rules != nil {
				for _, rule := range rules.items {
					known(rule.member("segment"))
				}
			}
		}
	}
}

// groups makes sure that no two flags of a group share a unit.
func (c *checker) groups(at *node, f *File) {
	if at == nil {
		return
	}
	var earlier []member
	for _, m := range at.members {
		flag := f.Flags[m.name]
		if flag == nil || flag.Group == nil {
			continue
		}
		for _, e := range earlier {
			other := f.Flags[e.name]
			place := m.value.member("group").at
			switch {
			case other.Group.Name != flag.Group.Name:
			case other.Unit != flag.Unit:
				c.problemf(place, "flags of group %q exclude each other only where they hash the same unit: %q has %s, %q has %s",
					flag.Group.Name, m.name, flag.Unit, e.name, other.Unit)
			case other.Group.From < flag.Group.To && flag.Group.From < other.Group.To:
				c.problemf(place, "the parts of group %q that %q and %q have overlap", flag.Group.Name, m.name, e.name)
			}
		}
		earlier = append(earlier, m)
	}
}

func (c *checker) flag(key string, n *node) *Flag {
	f := &Flag{Unit: defUnit, Seed: key, Experiment: key}
	before := len(c.problems)
	readers := map[string]func(*node){
		"description": c.textInto(&f.Description),
		"disabled":    c.truthInto(&f.Disabled),
		"variations":  c.each(func(n *node) { c.variation(f, n) }),
		"knownGood":   c.textInto(&f.KnownGood),
		"unit":        c.attributeInto(&f.Unit),
		"seed":        c.nameInto(&f.Seed),
		"experiment":  c.nameInto(&f.Experiment),
		"segment":     c.nameInto(&f.Segment),
		"group":       func(n *node) { f.Group = c.group(n) },
		"decision":    func(n *node) { f.Decision = c.decision(n) },
		"rules":       c.each(func(n *node) { c.rule(f, n) }),
	}
	c.split(&f.Split, readers)
	c.members(n, readers, "variations", "knownGood")
	if len(c.problems) > before {
		return nil
	}
	c.serves(f, n.member("knownGood"), f.KnownGood)
	c.weigh(f, n)
	if rules := n.member("rules"); rules != nil {
		for i, rule := range rules.items {
			c.weighRule(f, &f.Rules[i], rule)
		}
	}
	if len(c.problems) > before {
		return nil
	}
	return f
}

// split adds the readers of a split's members.
func (c *checker) split(s *Split, readers map[string]func(*node)) {
	readers["coverage"] = c.shareInto(&s.Coverage)
	readers["weights"] = func(n *node) {
		s.Weights = map[string]float64{}
		c.named(n, func(id string, n *node) {
			var weight float64
			c.shareInto(&weight)(n)
			s.Weights[id] = weight
		})
	}
}

func (c *checker) variation(f *Flag, n *node) {
	var v Variation
	c.members(n, map[string]func(*node){
		"id":    c.nameInto(&v.ID),
		"value": func(n *node) { v.Value = c.value(n) },
	}, "id", "value")
	switch {
	case v.ID == flags.Uncovered || strings.Contains(v.ID, aliasMark):
		c.problemf(n.member("id").at, "%q cannot be a variation: it is how flagd's clients are told that a unit is not exposed", v.ID)
	case v.ID != "" && f.value(v.ID) != nil:
		c.problemf(n.member("id").at, "variation %q is there twice", v.ID)
	}
	if value := n.member("value"); value != nil && value.kind != kindNull {
		if f.kind != "" && value.kind != f.kind {
			c.problemf(value.at, "this is %s and an earlier value is %s: clients ask for one kind", value.kind, f.kind)
		}
		f.kind = value.kind
	}
	f.Variations = append(f.Variations, v)
}

// value is any JSON but null. Where it says which prompt runs, it says it whole.
func (c *checker) value(n *node) json.RawMessage {
	if n.kind == kindNull {
		c.problemf(n.at, "null is no value: clients take it for a flag that is not there")
	}
	if prompt := n.member("prompt"); prompt != nil && prompt.kind == kindObject {
		for _, name := range []string{"name", "version"} {
			if m := prompt.member(name); m == nil || m.kind != kindText || m.text == "" {
				c.problemf(prompt.at, "a prompt has a name and a version, both texts")
				break
			}
		}
	}
	return compact(n.raw)
}

func (c *checker) group(n *node) *Group {
	g := &Group{}
	before := len(c.problems)
	c.members(n, map[string]func(*node){
		"name": c.nameInto(&g.Name), "from": c.shareInto(&g.From), "to": c.shareInto(&g.To),
	}, "name", "from", "to")
	if len(c.problems) == before && g.From >= g.To {
		c.problemf(n.at, "the part from %g to %g of a group is empty", g.From, g.To)
	}
	return g
}

func (c *checker) decision(n *node) *Decision {
	d := &Decision{}
	var verdict, asOf string
	c.members(n, map[string]func(*node){
		"id": c.nameInto(&d.ID), "digest": c.textInto(&d.Digest), "experiment": c.textInto(&d.Experiment),
		"verdict": c.textInto(&verdict), "asOf": c.textInto(&asOf), "reason": c.textInto(&d.Reason),
	}, "id", "verdict", "asOf")
	d.Verdict = decide.Verdict(verdict)
	if at := n.member("asOf"); at != nil && at.kind == kindText && d.AsOf.UnmarshalText([]byte(asOf)) != nil {
		c.problemf(at.at, "%q is no instant: want RFC 3339", asOf)
	}
	return d
}

func (c *checker) rule(f *Flag, n *node) {
	r, s := Rule{}, Split{}
	readers := map[string]func(*node){
		"name": c.nameInto(&r.Name), "segment": c.nameInto(&r.Segment), "serve": c.textInto(&r.Serve),
	}
	c.split(&s, readers)
	c.members(n, readers, "name", "segment")
	if n.member("serve") == nil {
		r.Split = &s
	}
	if (n.member("serve") == nil) == (n.member("coverage") == nil) || n.member("serve") != nil && n.member("weights") != nil {
		c.problemf(n.at, "a rule has either serve, or coverage and weights")
	}
	if slices.ContainsFunc(f.Rules, func(other Rule) bool { return other.Name == r.Name }) {
		c.problemf(n.at, "rule %q is there twice", r.Name)
	}
	f.Rules = append(f.Rules, r)
}

// serves makes sure that a variation is one of the flag's.
func (c *checker) serves(f *Flag, at *node, variation string) {
	if f.value(variation) == nil {
		ids := make([]string, len(f.Variations))
		for i, v := range f.Variations {
			ids[i] = v.ID
		}
		c.problemf(at.at, "%q is not one of the flag's variations: %s", variation, strings.Join(ids, ", "))
	}
}

// weigh checks the weights at n against the flag's variations.
func (c *checker) weigh(f *Flag, n *node) {
	weights := n.member("weights")
	if weights == nil {
		return
	}
	sum := 0.0
	for _, m := range weights.members {
		c.serves(f, &node{at: m.at}, m.name)
		sum += m.value.number
	}
	if sum < 1-sumSlack || sum > 1+sumSlack {
		c.problemf(weights.at, "the weights sum to %g: want 1", sum)
	}
}

func (c *checker) weighRule(f *Flag, r *Rule, n *node) {
	if r.Split == nil {
		c.serves(f, n.member("serve"), r.Serve)
		return
	}
	c.weigh(f, n)
}

func compact(raw []byte) json.RawMessage {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return nil // It was parsed before.
	}
	return b.Bytes()
}
