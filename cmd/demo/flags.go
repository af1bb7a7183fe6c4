package main

import (
	"encoding/json"
	"fmt"

	"github.com/twmb/murmur3"
)

// rule is what a flag does to a user, as flagd evaluates it.
type rule struct {
	flag string
	// fallback is the default variant; it serves where no bucket does.
	fallback string
	// key holds the parts whose concatenation is hashed.
	key     []keyPart
	buckets []bucket
	total   uint64
}

// bucket is a variant and its integer weight.
type bucket struct {
	variant string
	weight  uint64
}

// keyPart is a piece of the hashed key: text, or the user.
type keyPart struct {
	text string
	user bool
}

// definition is a flag in flagd's file format, as far as it matters here.
type definition struct {
	State          string                     `json:"state"`
	Variants       map[string]json.RawMessage `json:"variants"`
	DefaultVariant string                     `json:"defaultVariant"`
	Targeting      json.RawMessage            `json:"targeting"`
}

// readRules reads every flag of a file in flagd's format.
func readRules(text []byte) (map[string]*rule, error) {
	var file struct {
		Flags map[string]definition `json:"flags"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("flags: %w", err)
	}
	rules := make(map[string]*rule, len(file.Flags))
	for name, def := range file.Flags {
		var err error
		if rules[name], err = newRule(name, def); err != nil {
			return nil, fmt.Errorf("flag %s: %w", name, err)
		}
	}
	return rules, nil
}

// hasUnit is the condition that there is something to hash. The demo's people
// always have an id.
const hasUnit = `{"!!":[{"var":"targetingKey"}]}`

// withUnit is the targeting of units that have an id.
func withUnit(targeting json.RawMessage) json.RawMessage {
	var guarded struct {
		If []json.RawMessage `json:"if"`
	}
	if json.Unmarshal(targeting, &guarded) == nil && len(guarded.If) == 3 && string(guarded.If[0]) == hasUnit {
		return guarded.If[1]
	}
	return targeting
}

// newRule understands a flag that is disabled, has no targeting, or splits by
// one fractional list; anything else is an error, so that traffic never goes
// where the flag did not send it.
func newRule(flag string, def definition) (*rule, error) {
	r := &rule{flag: flag, fallback: def.DefaultVariant}
	if def.State == "DISABLED" || len(def.Targeting) == 0 {
		return r, nil
	}
	var targeting map[string][]json.RawMessage
	if err := json.Unmarshal(withUnit(def.Targeting), &targeting); err != nil {
		return nil, fmt.Errorf("targeting: %w", err)
	}
	if len(targeting) == 0 {
		return r, nil
	}
	list, ok := targeting["fractional"]
	if !ok || len(targeting) > 1 {
		return nil, fmt.Errorf("targeting is not one fractional list")
	}
	if err := r.fraction(list); err != nil {
		return nil, err
	}
	return r, r.check(def.Variants)
}

// fraction reads the list of a fractional: an optional key, then buckets.
func (r *rule) fraction(list []json.RawMessage) error {
	r.key = []keyPart{{text: r.flag}, {user: true}}
	if len(list) > 0 && list[0][0] == '{' {
		key, err := r.readKey(list[0])
		if err != nil {
			return err
		}
		r.key, list = key, list[1:]
	}
	for _, item := range list {
		b, err := readBucket(item)
		if err != nil {
			return fmt.Errorf("bucket %s: %w", item, err)
		}
		r.buckets = append(r.buckets, b)
		r.total += b.weight
	}
	return nil
}

// readKey reads {"cat": [parts]} or a single {"var": name}.
func (r *rule) readKey(text json.RawMessage) ([]keyPart, error) {
	var cat struct {
		Cat []json.RawMessage `json:"cat"`
	}
	if err := json.Unmarshal(text, &cat); err != nil {
		return nil, fmt.Errorf("bucketing key %s: %w", text, err)
	}
	parts := cat.Cat
	if parts == nil {
		parts = []json.RawMessage{text}
	}
	key := make([]keyPart, len(parts))
	for i, part := range parts {
		var err error
		if key[i], err = r.readPart(part); err != nil {
			return nil, err
		}
	}
	return key, nil
}

func (r *rule) readPart(text json.RawMessage) (keyPart, error) {
	var literal string
	if json.Unmarshal(text, &literal) == nil {
		return keyPart{text: literal}, nil
	}
	var variable struct {
		Var string `json:"var"`
	}
	if err := json.Unmarshal(text, &variable); err != nil {
		return keyPart{}, fmt.Errorf("bucketing key %s: %w", text, err)
	}
	switch variable.Var {
	case "$flagd.flagKey":
		return keyPart{text: r.flag}, nil
	case "targetingKey":
		return keyPart{user: true}, nil
	}
	return keyPart{}, fmt.Errorf("bucketing key %s: only $flagd.flagKey and targetingKey are known", text)
}

// readBucket reads ["variant", weight]; without a weight it is 1.
func readBucket(text json.RawMessage) (bucket, error) {
	b := bucket{weight: 1}
	var items []json.RawMessage
	if err := json.Unmarshal(text, &items); err != nil {
		return b, err
	}
	if len(items) < 1 || len(items) > 2 {
		return b, fmt.Errorf("want a variant and a weight")
	}
	if err := json.Unmarshal(items[0], &b.variant); err != nil {
		return b, err
	}
	if len(items) == 1 {
		return b, nil
	}
	return b, json.Unmarshal(items[1], &b.weight)
}

// check holds the buckets against the variants and flagd's limit on weights.
func (r *rule) check(variants map[string]json.RawMessage) error {
	const most = 1<<31 - 1
	if r.total > most {
		return fmt.Errorf("weights sum to %d, more than %d", r.total, most)
	}
	for _, b := range r.buckets {
		if _, ok := variants[b.variant]; !ok {
			return fmt.Errorf("targeting serves %q, which is no variant", b.variant)
		}
	}
	return nil
}

// serve is the variant that the user gets: the hash of the key falls into a
// bucket of [0, total).
func (r *rule) serve(user string) string {
	if r.total == 0 {
		return r.fallback
	}
	point := (uint64(murmur3.StringSum32(r.hashed(user))) * r.total) >> 32
	for _, b := range r.buckets {
		if point < b.weight {
			return b.variant
		}
		point -= b.weight
	}
	return r.fallback
}

func (r *rule) hashed(user string) string {
	var key string
	for _, part := range r.key {
		if part.user {
			key += user
			continue
		}
		key += part.text
	}
	return key
}

// splits tells whether the flag sends users different ways.
func (r *rule) splits() bool {
	served := make(map[string]bool)
	for _, b := range r.buckets {
		if b.weight > 0 {
			served[b.variant] = true
		}
	}
	return len(served) > 1
}
