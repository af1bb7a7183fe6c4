package serve

import (
	"encoding/json"
	"regexp"

	"assay/connectors/flags"
)

// hashVersion is GrowthBook's: FNV-1a twice, to one of 10,000 places.
const hashVersion = 2

// payload is what GrowthBook's clients fetch.
type payload struct {
	Status   int                `json:"status"`
	Features map[string]feature `json:"features"`
}

type feature struct {
	DefaultValue json.RawMessage `json:"defaultValue"`
	Rules        []featureRule   `json:"rules,omitempty"`
}

// featureRule either forces a value or is an experiment.
type featureRule struct {
	ID        string          `json:"id"`
	Condition any             `json:"condition,omitempty"`
	Force     json.RawMessage `json:"force,omitempty"`
	*experiment
}

type experiment struct {
	Key           string            `json:"key"`
	Name          string            `json:"name"`
	Seed          string            `json:"seed"`
	HashAttribute string            `json:"hashAttribute"`
	HashVersion   int               `json:"hashVersion"`
	Coverage      float64           `json:"coverage"`
	Variations    []json.RawMessage `json:"variations"`
	Weights       []float64         `json:"weights"`
	Meta          []meta            `json:"meta"`
	Namespace     []any             `json:"namespace,omitempty"` // name, from, to
}

type meta struct {
	Key  string `json:"key"`
	Name string `json:"name"`
}

// growthBook writes a file's flags as features. Clients take the first rule that
// matches and whose split has the unit; who is in none gets the default, the
// known-good variation, and is not exposed. In a split the n-th arm has the range
// of places [start, start + coverage*weight), start being the weights before it:
// it depends on the weights alone, so that no unit changes its arm when the
// coverage grows.
func growthBook(file *File) payload {
	p := payload{Status: 200, Features: map[string]feature{}}
	for key, flag := range file.Flags {
		if !flag.Disabled {
			p.Features[key] = file.feature(flag)
		}
	}
	return p
}

func (file *File) feature(flag *Flag) feature {
	f := feature{DefaultValue: flag.value(flag.KnownGood)}
	if flag.RolledBack() {
		return f
	}
	for i := range flag.Rules {
		rule := &flag.Rules[i]
		r := featureRule{ID: rule.Name, Condition: conditionOf(file.Segments[rule.Segment])}
		if rule.Split == nil {
			r.Force = flag.value(rule.Serve)
			f.Rules = append(f.Rules, r)
			continue
		}
		f.Rules = append(f.Rules, flag.serve(r, *rule.Split, flag.Experiment+"/"+rule.Name)...)
	}
	r := featureRule{ID: flag.Experiment}
	if flag.Segment != "" {
		r.Condition = conditionOf(file.Segments[flag.Segment])
	}
	f.Rules = append(f.Rules, flag.serve(r, flag.Split, flag.Experiment)...)
	return f
}

// serve makes a split of a rule. One that gives every unit the same is no
// experiment: nobody is exposed, and no group is needed.
func (f *Flag) serve(r featureRule, s Split, key string) []featureRule {
	a := f.allocation(s)
	if sole, ok := flags.Sole(a); ok {
		r.Force = f.value(sole)
		return []featureRule{r}
	}
	e := &experiment{
		Key: key, Name: key, Seed: f.Seed, HashAttribute: f.Unit, HashVersion: hashVersion, Coverage: a.Coverage,
	}
	for _, arm := range a.Arms {
		e.Variations = append(e.Variations, f.value(arm.Variation))
		e.Weights = append(e.Weights, arm.Weight)
		e.Meta = append(e.Meta, meta{arm.Variation, arm.Variation})
	}
	if g := f.Group; g != nil {
		e.Namespace = []any{g.Name, g.From, g.To}
	}
	r.experiment = e
	return []featureRule{r}
}

// conditionOf writes a segment in GrowthBook's query language.
func conditionOf(segment []Condition) any {
	all := make([]any, len(segment))
	for i, c := range segment {
		all[i] = map[string]any{c.Attribute: c.growthBook()}
	}
	if len(all) == 1 {
		return all[0]
	}
	return map[string]any{"$and": all}
}

// growthBook names the type where clients would otherwise compare a missing
// attribute, or a text with a number, each in its own way.
func (c Condition) growthBook() map[string]any {
	number := func(op string, bound float64) map[string]any { return map[string]any{"$type": "number", op: bound} }
	switch {
	case c.Equals != nil:
		return map[string]any{"$eq": c.Equals}
	case c.In != nil:
		return map[string]any{"$in": c.In}
	case c.NotIn != nil:
		return map[string]any{"$nin": c.NotIn}
	case c.LT != nil:
		return number("$lt", *c.LT)
	case c.LTE != nil:
		return number("$lte", *c.LTE)
	case c.GT != nil:
		return number("$gt", *c.GT)
	case c.GTE != nil:
		return number("$gte", *c.GTE)
	}
	return map[string]any{"$type": "string", "$regex": "^" + regexp.QuoteMeta(c.Prefix)}
}
