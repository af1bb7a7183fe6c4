package flags

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"assay/decide"
)

// goff is go-feature-flag's flag file, YAML or JSON. Only the flag's
// defaultRule, its notes in metadata and the variations of units outside the
// coverage are ever written; every other byte of the file stays as it is.
type goff struct {
	name, path string
	now        func() time.Time
}

func newGoff(name, path string, opts Options) format {
	return &goff{name: name, path: path, now: opts.Now}
}

// goffFlag is a flag of this format, as far as serving depends on it.
type goffFlag struct {
	Variations       map[string]any `json:"variations" yaml:"variations"`
	Targeting        []goffRule     `json:"targeting" yaml:"targeting"`
	DefaultRule      *goffRule      `json:"defaultRule" yaml:"defaultRule"`
	Disable          bool           `json:"disable" yaml:"disable"`
	ScheduledRollout []any          `json:"scheduledRollout" yaml:"scheduledRollout"`
	Experimentation  *struct {
		Start *time.Time `json:"start" yaml:"start"`
		End   *time.Time `json:"end" yaml:"end"`
	} `json:"experimentation" yaml:"experimentation"`
	Metadata map[string]any `json:"metadata" yaml:"metadata"`
}

type goffRule struct {
	Percentage         map[string]float64 `json:"percentage" yaml:"percentage"`
	Variation          string             `json:"variation" yaml:"variation"`
	ProgressiveRollout any                `json:"progressiveRollout" yaml:"progressiveRollout"`
	Disable            bool               `json:"disable" yaml:"disable"`
}

// goffScale is what one percent comes to in the buckets of go-feature-flag.
const goffScale = totalWeight / 100

// state reads who gets what from a flag, whoever wrote it.
func (g *goff) state(text []byte, key string) (State, error) {
	f, err := g.flag(text, key)
	if err != nil {
		return State{}, err
	}
	list, err := f.buckets(g.now())
	if err != nil {
		return State{Message: err.Error(), Unit: 1.0 / totalWeight}, nil
	}
	a := f.allocation(list)
	return State{Allocation: &a, Known: true, Unit: 1.0 / totalWeight}, nil
}

func (g *goff) fail(kind error, detail string) error {
	return &Error{Store: g.name, Kind: kind, Detail: detail}
}

func (g *goff) broken(err error) error {
	return g.fail(ErrUnavailable, fmt.Sprintf("flag file %s: %v", g.path, err))
}

// flag finds one flag's definition in the file.
func (g *goff) flag(text []byte, key string) (*goffFlag, error) {
	var f goffFlag
	var err error
	if g.isJSON(text) {
		err = flagInJSON(text, key, &f)
	} else {
		err = flagInYAML(text, key, &f)
	}
	switch {
	case errors.Is(err, errAbsent):
		return nil, g.fail(ErrNotFound, fmt.Sprintf("%s in %s", printable(key), g.path))
	case err != nil:
		return nil, g.broken(err)
	}
	return &f, nil
}

// isJSON tells whether the file is read and edited as JSON: by its name, or
// because it is JSON under another one.
func (g *goff) isJSON(text []byte) bool {
	return strings.EqualFold(filepath.Ext(g.path), ".json") || bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) && json.Valid(text)
}

func flagInJSON(text []byte, key string, into *goffFlag) error {
	if err := checkJSON(text); err != nil {
		return err
	}
	o, err := find(text, key)
	if err == nil {
		err = json.Unmarshal(text[o.open:o.close+1], into)
	}
	return err
}

func flagInYAML(text []byte, key string, into *goffFlag) error {
	root, err := parseYAML(text)
	if err != nil {
		return err
	}
	value := root.member(key)
	if value == nil {
		return fmt.Errorf("%s %w", printable(key), errAbsent)
	}
	if err := value.Decode(into); err != nil {
		return fmt.Errorf("flag %s: %w", printable(key), err)
	}
	return nil
}

// buckets is what the default rule gives, in the order in which go-feature-flag
// hands out its range: by name, the last first. The error says why the flag is
// not understood.
func (f *goffFlag) buckets(now time.Time) ([]bucket, error) {
	if err := f.foreign(now); err != nil {
		return nil, err
	}
	list, err := f.DefaultRule.buckets()
	if err != nil {
		return nil, err
	}
	for _, b := range list {
		if _, ok := f.Variations[b.variant]; !ok {
			return nil, fmt.Errorf("it serves %s, which is not one of its variations", printable(b.variant))
		}
	}
	return list, nil
}

// foreign says what a person made of a flag, where not all that counts is the
// default rule.
func (f *goffFlag) foreign(now time.Time) error {
	e := f.Experimentation
	switch {
	case f.Disable:
		return errors.New("it is disabled: it serves the default of the code")
	case len(f.ScheduledRollout) > 0:
		return errors.New("it has a scheduledRollout, which changes it by itself")
	case e != nil && (e.Start != nil && now.Before(*e.Start) || e.End != nil && now.After(*e.End)):
		return errors.New("it is outside the time of its experimentation: it serves the default of the code")
	case slices.ContainsFunc(f.Targeting, func(r goffRule) bool { return !r.Disable }):
		return errors.New("it has targeting: not everybody gets what the default rule says")
	case f.DefaultRule == nil:
		return errors.New("it has no defaultRule: it serves the default of the code")
	case f.DefaultRule.ProgressiveRollout != nil:
		return errors.New("its default rule has a progressiveRollout, which changes it by itself")
	}
	return nil
}

func (r *goffRule) buckets() ([]bucket, error) {
	if r.Percentage == nil {
		if r.Variation == "" {
			return nil, errors.New("its default rule has neither a variation nor a percentage: it serves the default of the code")
		}
		return []bucket{{r.Variation, 1}}, nil
	}
	var list []bucket
	end := 0.0
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(r.Percentage))) {
		p := r.Percentage[name]
		if !(p >= 0 && p <= math.MaxInt32/goffScale) {
			return nil, fmt.Errorf("the percentage of %s is not a number from 0", printable(name))
		}
		start := math.Floor(end)
		end += p * goffScale
		if w := int64(math.Floor(end) - start); w > 0 {
			list = append(list, bucket{name, w})
		}
	}
	if len(list) == 0 {
		return nil, errors.New("its percentage gives no variation any weight")
	}
	return list, nil
}

// isOutside tells whether a variation is one of those for units outside the
// coverage. There can be several in a flag, since go-feature-flag lays its
// buckets out by name.
func isOutside(variation string) bool {
	return variation == uncovered || strings.HasSuffix(variation, "-"+uncovered) || strings.HasSuffix(variation, " "+uncovered)
}

// allocation turns buckets into shares. The known-good variation is the one
// that assay wrote down; the format has no other place for it.
func (f *goffFlag) allocation(list []bucket) decide.Allocation {
	sum, covered := int64(0), int64(0)
	for _, b := range list {
		sum += b.weight
		if !isOutside(b.variant) {
			covered += b.weight
		}
	}
	a := decide.Allocation{Coverage: float64(covered) / float64(sum)}
	if name, ok := f.Metadata[metaKnownGood].(string); ok && f.Variations[name] != nil {
		a.KnownGood = name
	}
	for _, b := range slices.Backward(list) {
		if !isOutside(b.variant) {
			a.Arms = append(a.Arms, decide.Arm{Variation: b.variant, Weight: float64(b.weight) / float64(covered)})
		}
	}
	if covered == 0 && a.KnownGood != "" {
		a.Arms = []decide.Arm{{Variation: a.KnownGood, Weight: 1}}
	}
	return a
}

// goffLayout lists the buckets of an allocation. go-feature-flag gives each
// variation one bucket, in the order of the names, the last first. Each arm has
// a region whose size depends on its weight alone; of two neighbours the first
// is covered at its low end and the second at its high end, and what is between
// them is outside the coverage, under a name that stands between theirs. So
// coverage grows by moving borders inside the regions, and no unit ever changes
// its arm. The error says that there is no such name.
func goffLayout(a decide.Allocation) ([]bucket, error) {
	var arms []decide.Arm
	for _, arm := range a.Arms {
		if arm.Weight > 0 {
			arms = append(arms, arm)
		}
	}
	slices.SortFunc(arms, func(x, y decide.Arm) int { return strings.Compare(y.Variation, x.Variation) })
	weights := make([]float64, len(arms))
	for i, arm := range arms {
		weights[i] = arm.Weight
	}
	regions := apportion(weights, totalWeight)
	covered := within(regions, int64(math.Round(a.Coverage*totalWeight)))
	var list []bucket
	for i := 0; i < len(arms); i++ {
		if i%2 == 0 && i+1 < len(arms) { // The first of two neighbours.
			list = append(list, bucket{arms[i].Variation, covered[i]})
			continue
		}
		outside, above := regions[i]-covered[i], ""
		if i > 0 {
			above = arms[i-1].Variation
		}
		if i%2 == 1 {
			outside += regions[i-1] - covered[i-1]
		}
		if outside > 0 {
			name, err := between(arms[i].Variation, above)
			if err != nil {
				return nil, err
			}
			list = append(list, bucket{name, outside})
		}
		list = append(list, bucket{arms[i].Variation, covered[i]})
	}
	return slices.DeleteFunc(list, func(b bucket) bool { return b.weight == 0 }), nil
}

// between is the name of a variation outside the coverage that comes after one
// name and before another; "" = no other.
func between(lower, upper string) (string, error) {
	for _, mark := range []string{"-", " "} {
		if name := lower + mark + uncovered; upper == "" || name < upper {
			return name, nil
		}
	}
	return "", fmt.Errorf("no name fits between those of the variations %s and %s for units outside the coverage", printable(lower), printable(upper))
}

// goffPercent are the percentages that make go-feature-flag hand out exactly
// these buckets. It adds percentages up in any order and cuts off what is below
// a thousandth; so that no rounding can move a border, and with it units, each
// is a whole number of 1/1024 percent: such numbers and their sums are exact.
func goffPercent(list []bucket) []string {
	const parts = 1024
	out := make([]string, len(list))
	end, before := int64(0), int64(0)
	for i, b := range list {
		end += b.weight
		upTo := (end*parts + goffScale - 1) / goffScale // The least that is not below the border.
		out[i] = strconv.FormatFloat(float64(upTo-before)/parts, 'f', -1, 64)
		before = upTo
	}
	return out
}

// lacks says what a flag would need to serve an allocation.
func (f *goffFlag) lacks(target decide.Allocation) string {
	if _, ok := f.Variations[target.KnownGood]; !ok {
		return fmt.Sprintf("the known-good variation %s is not a variation of the flag", printable(target.KnownGood))
	}
	for _, arm := range target.Arms {
		if isOutside(arm.Variation) {
			return fmt.Sprintf("%s cannot be the name of a variation: names that end so are those of units outside the coverage", printable(arm.Variation))
		}
		if _, ok := f.Variations[arm.Variation]; !ok && arm.Weight > 0 {
			return fmt.Sprintf("variation %s is not a variation of the flag", printable(arm.Variation))
		}
	}
	return ""
}

// edit implements format.
func (g *goff) edit(text []byte, c Change) ([]byte, error) {
	f, err := g.flag(text, c.FlagKey)
	if err != nil {
		return nil, err
	}
	if problem := f.lacks(c.Target); problem != "" {
		return nil, g.fail(ErrRefused, problem)
	}
	list, err := goffLayout(c.Target)
	if err != nil {
		return nil, g.fail(ErrRefused, err.Error())
	}
	edit := editYAML
	if g.isJSON(text) {
		edit = editJSON
	}
	edited, err := edit(text, c, list)
	if err != nil {
		return nil, g.fail(ErrRefused, fmt.Sprintf("flag file %s: the flag cannot be changed in place: %v", g.path, err))
	}
	if problem := g.spoilt(text, edited, c); problem != "" {
		return nil, g.fail(ErrRefused, fmt.Sprintf("flag file %s: %s", g.path, problem))
	}
	return edited, nil
}

// editJSON writes the change into a JSON file.
func editJSON(text []byte, c Change, list []bucket) ([]byte, error) {
	rule, err := find(text, c.FlagKey, "defaultRule")
	if err != nil {
		return nil, err
	}
	var members []entry
	for _, m := range rule.members {
		if m.name != "percentage" && m.name != "variation" {
			members = append(members, entry{m.name, raw(text[m.start:m.end])})
		}
	}
	flag := []string{c.FlagKey}
	edits := []edit{{flag, "defaultRule", objectOf(append(members, servingOf(list)))}}
	variations, err := find(text, c.FlagKey, "variations")
	if err != nil {
		return nil, err
	}
	good, _ := variations.member(c.Target.KnownGood)
	for _, b := range list {
		if isOutside(b.variant) {
			edits = append(edits, edit{append(flag, "variations"), b.variant, raw(text[good.start:good.end])})
		}
	}
	o, err := find(text, c.FlagKey)
	if err != nil {
		return nil, err
	}
	if m, ok := o.member("metadata"); !ok || string(text[m.start:m.end]) == "null" {
		edits = append(edits, edit{flag, "metadata", raw([]byte("{}"))})
	}
	for _, note := range notes(c) {
		edits = append(edits, edit{append(flag, "metadata"), note[0], literal(note[1])})
	}
	for _, e := range edits {
		if text, err = set(text, e.path, e.name, e.value); err != nil {
			return nil, err
		}
	}
	return text, nil
}

// entry is a member of an object that is written.
type entry struct {
	name  string
	value writer
}

// servingOf is the member of the default rule that says who gets what.
func servingOf(list []bucket) entry {
	if len(list) == 1 {
		return entry{"variation", literal(list[0].variant)}
	}
	percent := goffPercent(list)
	members := make([]entry, len(list))
	for i, b := range list {
		members[i] = entry{b.variant, raw([]byte(percent[i]))}
	}
	return entry{"percentage", objectOf(members)}
}

// objectOf writes an object.
func objectOf(members []entry) writer {
	return func(s style) []byte {
		out := []byte("{" + s.open())
		for i, m := range members {
			if i > 0 {
				out = append(out, s.between()...)
			}
			out = append(out, named(s, m.name, m.value)...)
		}
		return append(out, s.close()+"}"...)
	}
}

// spoilt says where an edited file means something else than the file before
// it, beside the change itself: an anchor that another flag uses, a form that
// the edit did not see through. Such a file is never written.
func (g *goff) spoilt(before, after []byte, c Change) string {
	var old, edited map[string]any
	decode := func(text []byte, into *map[string]any) error { return yaml.Unmarshal(text, into) }
	if g.isJSON(before) {
		decode = func(text []byte, into *map[string]any) error { return json.Unmarshal(text, into) }
	}
	if err := errors.Join(decode(before, &old), decode(after, &edited)); err != nil {
		return fmt.Sprintf("the flag cannot be changed in place: %v", err)
	}
	state, err := g.state(after, c.FlagKey)
	if err != nil || !state.Known || !c.reached(state) {
		return "the flag cannot be changed in place: it would not serve what was decided"
	}
	was, is := withoutOurs(old[c.FlagKey]), withoutOurs(edited[c.FlagKey])
	delete(old, c.FlagKey)
	delete(edited, c.FlagKey)
	if !reflect.DeepEqual(was, is) || !reflect.DeepEqual(old, edited) {
		return "the flag cannot be changed in place without changing something else"
	}
	return ""
}

// withoutOurs is a flag without what assay writes in it.
func withoutOurs(flag any) map[string]any {
	out := map[string]any{}
	for key, value := range members(flag) {
		switch key {
		case "defaultRule":
			value = without(value, func(key string) bool { return key == "percentage" || key == "variation" })
		case "variations":
			value = without(value, isOutside)
		case "metadata":
			value = without(value, func(key string) bool { return strings.HasPrefix(key, metaPrefix) })
		}
		if m, empty := value.(map[string]any); value != nil && (!empty || len(m) > 0) {
			out[key] = value
		}
	}
	return out
}

func without(value any, ours func(key string) bool) any {
	out := members(value)
	maps.DeleteFunc(out, func(key string, _ any) bool { return ours(key) })
	return out
}

// members is a copy of an object's members; empty where the value is none.
func members(value any) map[string]any {
	if m, ok := value.(map[string]any); ok {
		return maps.Clone(m)
	}
	return map[string]any{}
}
