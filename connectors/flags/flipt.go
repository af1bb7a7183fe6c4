package flags

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"

	"assay/connectors/outbound"
	"assay/decide"
	"assay/spec"
)

// A unit's place in Flipt is one of 1000.
const (
	fliptTotal = 1000
	fliptUnit  = 1.0 / fliptTotal
	fliptType  = "flipt.core.Flag"
	// fliptRaces is how often a write is tried while others write to the same
	// environment: any change there makes a revision old.
	fliptRaces = 4
)

// flipt is a server of Flipt 2. A flag is moved by the distributions of one
// rule; units outside the coverage get a variant of their own, uncovered. Every
// write names the revision that was read, so that nothing is overwritten.
type flipt struct {
	*api
	naming
	environment, namespace, rule string
}

func openFlipt(name string, cfg spec.FlagStore, dir string, opts Options) (Store, error) {
	a, err := openAPI(name, cfg, dir, opts, vendor{scheme: "Bearer "})
	if err != nil {
		return nil, err
	}
	a.explain = explainFlipt
	f := &flipt{api: a, naming: newNaming(cfg.Variations), environment: cfg.Environment, namespace: cfg.Namespace, rule: cfg.Rule}
	if f.namespace == "" {
		f.namespace = "default"
	}
	return f, nil
}

// fliptResource is a flag with the revision of its environment. The flag is
// kept as it came: only what is set is changed.
type fliptResource struct {
	Resource struct {
		Payload map[string]json.RawMessage `json:"payload"`
	} `json:"resource"`
	Revision string `json:"revision"`
}

// fliptFlag is a flag, as far as serving depends on it.
type fliptFlag struct {
	Type     string         `json:"type"`
	Enabled  bool           `json:"enabled"`
	Variants []fliptVariant `json:"variants"`
	Rules    []fliptRule    `json:"rules"`
	Metadata map[string]any `json:"metadata"`
}

type fliptVariant struct {
	Key string `json:"key"`
}

type fliptRule struct {
	Segments      []string       `json:"segments"`
	Distributions []distribution `json:"distributions"`
}

type distribution struct {
	Variant string  `json:"variant"`
	Rollout float64 `json:"rollout"` // percent
}

// Name implements Store.
func (f *flipt) Name() string { return f.store }

// Read implements Store.
func (f *flipt) Read(ctx context.Context, flagKey string) (State, error) {
	_, flag, err := f.look(ctx, flagKey)
	if err != nil {
		return State{}, err
	}
	return f.vet(f.state(flag))
}

func (f *flipt) path(more ...string) []string {
	return append([]string{"api", "v2", "environments", f.environment, "namespaces", f.namespace, "resources"}, more...)
}

func (f *flipt) look(ctx context.Context, flagKey string) (r fliptResource, flag fliptFlag, err error) {
	if err := f.do(ctx, call{method: http.MethodGet, path: f.path(fliptType, flagKey)}, &r); err != nil {
		return r, flag, err
	}
	text, err := json.Marshal(r.Resource.Payload)
	if err != nil || r.Resource.Payload == nil || r.Revision == "" || json.Unmarshal(text, &flag) != nil {
		return r, flag, f.fail(ErrUnavailable, "the answer is not what the interface promises")
	}
	return r, flag, nil
}

// at is the rule that moves the flag, or what is in the way.
func (f *flipt) at(flag fliptFlag) (index int, problem string) {
	switch {
	case flag.Type != "" && flag.Type != "VARIANT_FLAG_TYPE":
		return 0, "it is a boolean flag and has no variants"
	case !flag.Enabled:
		return 0, "it is disabled: it serves the default of the code"
	case f.rule == "" && len(flag.Rules) != 1:
		return 0, fmt.Sprintf("it has %d rules; the spec has to name the segment of one where it is not the only one", len(flag.Rules))
	case f.rule == "":
		return 0, ""
	}
	index = slices.IndexFunc(flag.Rules, func(r fliptRule) bool { return slices.Equal(r.Segments, []string{f.rule}) })
	if index < 0 {
		return 0, "the rule of the segment that the spec names is gone"
	}
	return index, ""
}

// state reads who gets what from a flag, whoever wrote it.
func (f *flipt) state(flag fliptFlag) State {
	state := State{Unit: fliptUnit}
	index, problem := f.at(flag)
	if problem != "" {
		state.Message = problem
		return state
	}
	var list []bucket
	sum := int64(0)
	for _, d := range flag.Rules[index].Distributions {
		weight := int64(math.Round(d.Rollout * fliptTotal / 100))
		if !(d.Rollout >= 0 && d.Rollout <= 100) || math.Abs(float64(weight)-d.Rollout*fliptTotal/100) > 1e-3 {
			state.Message = "a distribution of its rule is no percentage with at most one decimal"
			return state
		}
		list = append(list, bucket{f.from(d.Variant), weight})
		sum += weight
	}
	if sum != fliptTotal {
		state.Message = fmt.Sprintf("the distributions of its rule sum to %s and not to everybody", inPercent(float64(sum)/fliptTotal))
		return state
	}
	a := served(merge(list))
	state.Known, state.Allocation = true, &a
	return state
}

// Apply implements Store. A write that loses a race against a change of another
// flag is tried again; one against a change of this flag is a conflict.
func (f *flipt) Apply(ctx context.Context, c Change) error {
	if c.Proposal {
		return nil
	}
	for range fliptRaces {
		r, flag, err := f.look(ctx, c.FlagKey)
		if err != nil {
			return err
		}
		if over, err := f.begin(f.state(flag), c); over || err != nil {
			return err
		}
		if err := f.write(ctx, r, flag, c); !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return f.fail(ErrUnavailable, "the environment was changed by others each time this change was under way")
}

func (f *flipt) write(ctx context.Context, r fliptResource, flag fliptFlag, c Change) error {
	list, problem := f.distributions(flag, c.Target)
	if problem != "" {
		return f.fail(ErrRefused, problem)
	}
	payload, err := f.edited(r.Resource.Payload, flag, list, c)
	if err != nil {
		return f.fail(ErrUnavailable, "the answer is not what the interface promises")
	}
	return f.do(ctx, call{method: http.MethodPut, path: f.path(), body: map[string]any{
		"key": c.FlagKey, "payload": payload, "revision": r.Revision,
	}}, nil)
}

// edited is the flag with other distributions and a note of why.
func (f *flipt) edited(payload map[string]json.RawMessage, flag fliptFlag, list []distribution, c Change) (map[string]any, error) {
	var rules []map[string]any
	if err := json.Unmarshal(payload["rules"], &rules); err != nil {
		return nil, err
	}
	index, _ := f.at(flag)
	rules[index]["distributions"] = list
	metadata := map[string]any{}
	maps.Copy(metadata, flag.Metadata)
	for _, note := range notes(c) {
		metadata[note[0]] = note[1]
	}
	out := make(map[string]any, len(payload))
	for key, value := range payload {
		out[key] = value
	}
	out["@type"], out["rules"], out["metadata"] = fliptType, rules, metadata
	return out, nil
}

// distributions are those of an allocation, or what the flag would need to serve
// it. A variant may come twice: the order keeps the arms nested.
func (f *flipt) distributions(flag fliptFlag, target decide.Allocation) (list []distribution, problem string) {
	for _, b := range layoutOf(target, fliptTotal) {
		theirs := f.to(b.variant)
		if !slices.ContainsFunc(flag.Variants, func(v fliptVariant) bool { return v.Key == theirs }) {
			return nil, missing(b.variant, "a variant of the flag")
		}
		list = append(list, distribution{theirs, float64(b.weight) * 100 / fliptTotal})
	}
	return list, ""
}

// explainFlipt knows that the revision is what a write conflicts with.
func explainFlipt(c call, answer outbound.Answer) (detail string, kind error) {
	if c.method == http.MethodPut && answer.Status == http.StatusConflict {
		return "the environment was changed while this change was under way", ErrConflict
	}
	return "", nil
}
