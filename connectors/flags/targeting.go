package flags

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"assay/decide"
)

// Keys that assay writes into a flag's metadata.
const (
	metaPrefix     = "assay."
	metaKnownGood  = "assay.knownGood"
	metaExperiment = "assay.experiment"
	metaDecision   = "assay.decision"
	metaVerdict    = "assay.verdict"
	metaAsOf       = "assay.asOf"
	metaReason     = "assay.reason"
)

// definition is a flag of flagd's format, as far as serving depends on it.
type definition struct {
	State          *string                    `json:"state"`
	Variants       map[string]json.RawMessage `json:"variants"`
	DefaultVariant *string                    `json:"defaultVariant"`
	Targeting      json.RawMessage            `json:"targeting"`
	Metadata       map[string]any             `json:"metadata"`
	// order is that of the variants in the file.
	order []string
}

// state reads who gets what from a flag, whoever wrote it.
func (d *definition) state() State {
	list, err := d.buckets()
	if err != nil {
		return State{Message: err.Error(), Unit: 1.0 / totalWeight}
	}
	a := d.allocation(list)
	return State{Allocation: &a, Known: true, Unit: 1.0 / totalWeight}
}

// buckets is the fractional list, or the one bucket of a flag that serves
// everybody the same. Its error says why the flag is not understood.
func (d *definition) buckets() ([]bucket, error) {
	if d.State != nil && *d.State != "ENABLED" {
		return nil, fmt.Errorf("its state is %s: it serves the default of the code", printable(*d.State))
	}
	rule, err := d.fractional()
	if err != nil {
		return nil, err
	}
	list := []bucket{{cmp.Or(deref(d.DefaultVariant), ""), 1}}
	if rule != nil {
		if list, err = parseBuckets(rule); err != nil {
			return nil, err
		}
	} else if d.DefaultVariant == nil {
		return nil, errors.New("it has neither targeting nor a default variant: it serves the default of the code")
	}
	for _, b := range list {
		if _, ok := d.Variants[b.variant]; !ok {
			return nil, fmt.Errorf("it serves %s, which is not one of its variants", printable(b.variant))
		}
	}
	return list, nil
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

var errTargeting = errors.New("its targeting is not a single fractional rule")

// fractional returns the arguments of the fractional rule, or nil where the
// flag has no targeting.
func (d *definition) fractional() ([]json.RawMessage, error) {
	if len(d.Targeting) == 0 || string(d.Targeting) == "null" {
		return nil, nil
	}
	var rule map[string]json.RawMessage
	if json.Unmarshal(d.Targeting, &rule) != nil || len(rule) > 1 {
		return nil, errTargeting
	}
	if len(rule) == 0 {
		return nil, nil
	}
	var args []json.RawMessage
	if json.Unmarshal(rule["fractional"], &args) != nil || len(args) == 0 {
		return nil, errTargeting
	}
	return args, nil
}

// bucketBy is the expression that the flag hashes, as it stands in the file;
// nil where the flag leaves it to flagd.
func (d *definition) bucketBy() json.RawMessage {
	args, err := d.fractional()
	if err != nil || len(args) == 0 || args[0][0] != '{' {
		return nil
	}
	return args[0]
}

// parseBuckets reads the entries of a fractional list: ["variant", weight], or
// ["variant"] for weight 1; what is hashed may stand before them.
func parseBuckets(args []json.RawMessage) ([]bucket, error) {
	if args[0][0] == '{' {
		args = args[1:]
	}
	var list []bucket
	sum := int64(0)
	for _, arg := range args {
		b, err := parseBucket(arg)
		if err != nil {
			return nil, err
		}
		sum += b.weight
		if sum > math.MaxInt32 {
			return nil, errors.New("the weights of its fractional rule sum to more than 2147483647")
		}
		list = append(list, b)
	}
	list = merge(list)
	if len(list) == 0 {
		return nil, errors.New("its fractional rule gives no variant any weight")
	}
	return list, nil
}

func parseBucket(arg json.RawMessage) (bucket, error) {
	var parts []json.RawMessage
	b := bucket{weight: 1}
	if json.Unmarshal(arg, &parts) != nil || len(parts) < 1 || len(parts) > 2 || json.Unmarshal(parts[0], &b.variant) != nil {
		return b, errors.New("its fractional rule has an entry that is not a variant and a weight")
	}
	if len(parts) == 1 {
		return b, nil
	}
	if json.Unmarshal(parts[1], &b.weight) != nil || b.weight < 0 || string(parts[1]) == "null" {
		return b, fmt.Errorf("the weight of %s in its fractional rule is not a whole number from 0", printable(b.variant))
	}
	return b, nil
}

// allocation turns buckets into shares. The known-good variation is the one
// that assay wrote down; in a flag that assay has not touched yet it is the
// default variant, unless that is all the flag serves.
func (d *definition) allocation(list []bucket) decide.Allocation {
	weights, sum := map[string]int64{}, int64(0)
	for _, b := range list {
		weights[b.variant] += b.weight
		sum += b.weight
	}
	a := decide.Allocation{KnownGood: d.knownGood(weights)}
	covered := sum - weights[uncovered]
	a.Coverage = float64(covered) / float64(sum)
	for _, variant := range d.order {
		if w := weights[variant]; w > 0 && variant != uncovered {
			a.Arms = append(a.Arms, decide.Arm{Variation: variant, Weight: float64(w) / float64(covered)})
		}
	}
	if covered == 0 && a.KnownGood != "" {
		a.Arms = []decide.Arm{{Variation: a.KnownGood, Weight: 1}}
	}
	return a
}

func (d *definition) knownGood(weights map[string]int64) string {
	if name, ok := d.Metadata[metaKnownGood].(string); ok && slices.Contains(d.order, name) {
		return name
	}
	fallback := deref(d.DefaultVariant)
	if _, served := weights[fallback]; fallback == uncovered || (served && len(weights) == 1) {
		return ""
	}
	return fallback
}

// defaultBucketBy hashes the flag's key with the unit's, as flagd does by
// itself: flags split independently of each other.
const defaultBucketBy = `{"cat": [{"var": "$flagd.flagKey"}, {"var": "targetingKey"}]}`

// fractionalRule writes the targeting of a list of buckets, hashing what the
// flag hashed before.
func fractionalRule(bucketBy json.RawMessage, list []bucket) writer {
	if bucketBy == nil {
		bucketBy = json.RawMessage(defaultBucketBy)
	}
	return func(s style) []byte {
		inner := s.deeper()
		out := append([]byte("{"+s.open()+`"fractional"`+s.colon()+"["+inner.open()), bucketBy...)
		for _, b := range list {
			out = fmt.Appendf(out, "%s[%s%s%d]", inner.between(), literal(b.variant)(s), s.comma(), b.weight)
		}
		return append(out, inner.close()+"]"+s.close()+"}"...)
	}
}
