package serve

import (
	"encoding/json"

	"assay/connectors/flags"
)

// flagdFile is flagd's flag definition format.
type flagdFile struct {
	Schema string               `json:"$schema"`
	Flags  map[string]flagdFlag `json:"flags"`
}

type flagdFlag struct {
	State          string                     `json:"state"`
	Variants       map[string]json.RawMessage `json:"variants"`
	DefaultVariant string                     `json:"defaultVariant"`
	Targeting      any                        `json:"targeting,omitempty"`
	Metadata       map[string]string          `json:"metadata"`
}

// op is one operator of flagd's targeting with its arguments.
type op map[string][]any

func variable(name string) map[string]string { return map[string]string{"var": name} }

// flagd writes a file's flags in flagd's format. Buckets are laid out so that no
// unit changes its arm when the coverage grows. A variant tells clients whether
// the unit is exposed: uncovered is the known-good variation for units outside
// the split, and VARIATION@RULE is a variation by a rule, which is not the
// experiment's.
func flagd(file *File) flagdFile {
	out := flagdFile{Schema: "https://flagd.dev/schema/v0/flags.json", Flags: map[string]flagdFlag{}}
	for key, flag := range file.Flags {
		out.Flags[key] = file.flagd(flag)
	}
	return out
}

func (file *File) flagd(flag *Flag) flagdFlag {
	f := flagdFlag{
		State: "ENABLED", Variants: map[string]json.RawMessage{}, DefaultVariant: flag.KnownGood,
		Metadata: map[string]string{"experiment": flag.Experiment},
	}
	for _, v := range flag.Variations {
		f.Variants[v.ID] = v.Value
	}
	if flag.Disabled {
		f.State = "DISABLED"
	}
	if flag.Disabled || flag.RolledBack() {
		return f
	}
	b := branches{flag: flag, variants: f.Variants}
	for i := range flag.Rules {
		rule := &flag.Rules[i]
		then := any(b.alias(rule.Serve, rule.Name))
		if rule.Split != nil {
			then = b.split(*rule.Split, rule.Name)
		}
		b.add(holds(file.Segments[rule.Segment]), then)
	}
	own := b.split(flag.Split, "")
	if flag.Segment != "" {
		b.add(holds(file.Segments[flag.Segment]), own)
		own = b.uncovered()
	}
	f.Targeting = b.otherwise(own)
	if sole, ok := f.Targeting.(string); ok {
		f.DefaultVariant, f.Targeting = sole, nil
	}
	return f
}

// branches are the arguments of an if: conditions and what then, in turn.
type branches struct {
	flag     *Flag
	variants map[string]json.RawMessage
	list     []any
}

func (b *branches) add(when, then any) { b.list = append(b.list, when, then) }

func (b *branches) otherwise(then any) any {
	if len(b.list) == 0 {
		return then
	}
	return op{"if": append(b.list, then)}
}

// uncovered is the variant of units that are in no split.
func (b *branches) uncovered() string {
	b.variants[flags.Uncovered] = b.flag.value(b.flag.KnownGood)
	return flags.Uncovered
}

// alias is the variant of a variation that a rule gives.
func (b *branches) alias(variation, rule string) string {
	if rule == "" {
		return variation
	}
	name := variation + aliasMark + rule
	b.variants[name] = b.flag.value(variation)
	return name
}

// split is a fractional list, or the one variant that every unit gets. A unit
// that has nothing to hash, or is in another part of the exclusion group, is
// uncovered.
func (b *branches) split(s Split, rule string) any {
	a := b.flag.allocation(s)
	if sole, ok := flags.Sole(a); ok {
		return b.alias(sole, rule)
	}
	list := []any{b.hashed(b.flag.Seed)}
	for _, bucket := range flags.Buckets(a) {
		variant := b.uncovered()
		if bucket.Variant != flags.Uncovered {
			variant = b.alias(bucket.Variant, rule)
		}
		list = append(list, []any{variant, bucket.Weight})
	}
	then := any(op{"fractional": list})
	if g := b.flag.Group; g != nil {
		then = op{"if": {op{"===": {b.part(g), "in"}}, then, b.uncovered()}}
	}
	return op{"if": {op{"!!": {b.attribute()}}, then, b.uncovered()}}
}

func (b *branches) attribute() map[string]string {
	if b.flag.Unit == defUnit {
		return variable("targetingKey")
	}
	return variable(b.flag.Unit)
}

func (b *branches) hashed(seed string) op { return op{"cat": {seed, b.attribute()}} }

// groupPlaces is how finely a group is divided.
const groupPlaces = 100_000

// part tells with "in" whether the unit is in the flag's part of its group. All
// flags of a group hash the same, so that disjoint parts share nobody.
func (b *branches) part(g *Group) op {
	from, to := int64(g.From*groupPlaces+0.5), int64(g.To*groupPlaces+0.5)
	list := []any{b.hashed("group/" + g.Name + "/")}
	for _, piece := range []struct {
		name string
		size int64
	}{{"before", from}, {"in", to - from}, {"after", groupPlaces - to}} {
		if piece.size > 0 {
			list = append(list, []any{piece.name, piece.size})
		}
	}
	return op{"fractional": list}
}

// holds is whether all conditions of a segment hold.
func holds(segment []Condition) any {
	all := make([]any, len(segment))
	for i, c := range segment {
		all[i] = c.flagd()
	}
	if len(all) == 1 {
		return all[0]
	}
	return op{"and": all}
}

func (c Condition) flagd() op {
	attribute := variable(c.Attribute)
	// A missing attribute would count as 0.
	number := func(operator string, bound float64) op {
		return op{"and": {op{"!==": {attribute, nil}}, op{operator: {attribute, bound}}}}
	}
	switch {
	case c.Equals != nil:
		return op{"===": {attribute, c.Equals}}
	case c.In != nil:
		return op{"in": {attribute, c.In}}
	case c.NotIn != nil:
		return op{"!": {op{"in": {attribute, c.NotIn}}}}
	case c.LT != nil:
		return number("<", *c.LT)
	case c.LTE != nil:
		return number("<=", *c.LTE)
	case c.GT != nil:
		return number(">", *c.GT)
	case c.GTE != nil:
		return number(">=", *c.GTE)
	}
	return op{"starts_with": {attribute, c.Prefix}}
}
