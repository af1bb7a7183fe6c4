package flags

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"assay/connectors/outbound"
	"assay/decide"
	"assay/spec"
)

// What the weights of a strategy's variants sum to, and the share of all units
// that one of them is.
const (
	unleashTotal = 1000
	unleashUnit  = 1.0 / unleashTotal
)

// unleash is a server of Unleash. A flag is moved by one strategy, a gradual
// rollout: its rollout is the coverage, its variants are the arms. The two are
// hashed apart, so that no unit changes its arm when the coverage grows. Units
// outside the coverage get the flag switched off.
type unleash struct {
	*api
	naming
	project, environment, rule string
}

func openUnleash(name string, cfg spec.FlagStore, dir string, opts Options) (Store, error) {
	a, err := openAPI(name, cfg, dir, opts, vendor{})
	if err != nil {
		return nil, err
	}
	a.explain = explainUnleash
	u := &unleash{api: a, naming: newNaming(cfg.Variations), project: cfg.Project, environment: cfg.Environment, rule: cfg.Rule}
	if u.project == "" {
		u.project = "default"
	}
	return u, nil
}

// unleashFlag is a flag, as far as serving depends on it.
type unleashFlag struct {
	Archived     bool `json:"archived"`
	Environments []struct {
		Name       string     `json:"name"`
		Enabled    bool       `json:"enabled"`
		Strategies []strategy `json:"strategies"`
	} `json:"environments"`
}

type strategy struct {
	ID         string            `json:"id"`
	Name       string            `json:"name"`
	Disabled   bool              `json:"disabled"`
	Parameters map[string]string `json:"parameters"`
	Variants   []unleashVariant  `json:"variants"`
}

type unleashVariant struct {
	Name       string          `json:"name"`
	Weight     int64           `json:"weight"`
	WeightType string          `json:"weightType"`
	Stickiness string          `json:"stickiness"`
	Payload    json.RawMessage `json:"payload,omitempty"`
}

// Name implements Store.
func (u *unleash) Name() string { return u.store }

// Read implements Store.
func (u *unleash) Read(ctx context.Context, flagKey string) (State, error) {
	s, problem, err := u.strategy(ctx, flagKey)
	if err != nil {
		return State{}, err
	}
	return u.vet(u.state(s, problem))
}

// path is the address of a flag.
func (u *unleash) path(flagKey string, more ...string) []string {
	return append([]string{"api", "admin", "projects", u.project, "features", flagKey}, more...)
}

// strategy finds what moves the flag, or says what is in the way.
func (u *unleash) strategy(ctx context.Context, flagKey string) (s strategy, problem string, err error) {
	var flag unleashFlag
	if err := u.do(ctx, call{method: http.MethodGet, path: u.path(flagKey)}, &flag); err != nil {
		return strategy{}, "", err
	}
	if flag.Archived {
		return strategy{}, "", u.fail(ErrNotFound, "it is archived")
	}
	for _, e := range flag.Environments {
		if e.Name != u.environment {
			continue
		}
		s, problem = u.choose(e.Strategies)
		if !e.Enabled {
			problem = "it is switched off in the environment: it serves the default of the code"
		}
		return s, problem, nil
	}
	return strategy{}, "", u.fail(ErrNotFound, fmt.Sprintf("in the environment %s", printable(u.environment)))
}

// choose is the strategy that the spec names, or else the only active one.
func (u *unleash) choose(all []strategy) (s strategy, problem string) {
	active := slices.DeleteFunc(slices.Clone(all), func(s strategy) bool { return s.Disabled })
	if u.rule != "" {
		at := slices.IndexFunc(active, func(s strategy) bool { return s.ID == u.rule })
		if at < 0 {
			return s, "the strategy that the spec names as its rule is gone or disabled"
		}
		return active[at], ""
	}
	if len(active) != 1 {
		return s, fmt.Sprintf("it has %d active strategies; the spec has to name one as its rule where it is not the only one", len(active))
	}
	return active[0], ""
}

// state reads who gets what from a strategy, whoever wrote it.
func (u *unleash) state(s strategy, problem string) State {
	state := State{Unit: unleashUnit, Message: problem}
	rollout, err := strconv.Atoi(s.Parameters["rollout"])
	sum := int64(0)
	for _, v := range s.Variants {
		sum += v.Weight
	}
	switch {
	case problem != "":
	case s.Name != "flexibleRollout":
		state.Message = fmt.Sprintf("its strategy is %s and no gradual rollout", printable(s.Name))
	case err != nil || rollout < 0 || rollout > 100:
		state.Message = fmt.Sprintf("the rollout of its strategy is %s and no whole percentage", printable(s.Parameters["rollout"]))
	case sum == 0:
		state.Message = "its strategy has no variants"
	default:
		state.Known, state.Allocation = true, &decide.Allocation{Coverage: float64(rollout) / 100}
		for _, v := range s.Variants {
			if v.Weight > 0 {
				arm := decide.Arm{Variation: u.from(v.Name), Weight: float64(v.Weight) / float64(sum)}
				state.Allocation.Arms = append(state.Allocation.Arms, arm)
			}
		}
	}
	return state
}

// Apply implements Store. The strategy is changed only if it is still what was
// compared: the server tests that before it writes.
func (u *unleash) Apply(ctx context.Context, c Change) error {
	if c.Proposal {
		return nil
	}
	s, problem, err := u.strategy(ctx, c.FlagKey)
	if err != nil {
		return err
	}
	if over, err := u.begin(u.state(s, problem), c); over || err != nil {
		return err
	}
	rollout, variants, problem := u.write(c.Target, s.Variants)
	if problem != "" {
		return u.fail(ErrRefused, problem)
	}
	return u.do(ctx, call{
		method: http.MethodPatch, path: u.path(c.FlagKey, "environments", u.environment, "strategies", s.ID),
		body: []patch{
			{"test", "/parameters/rollout", s.Parameters["rollout"]},
			{"test", "/variants", s.Variants},
			{"replace", "/parameters/rollout", rollout},
			{"replace", "/variants", variants},
		},
	}, nil)
}

// patch is an operation of RFC 6902.
type patch struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// write is the rollout and the variants of an allocation, or what the strategy
// would need to serve it. The server has the one variant whose weight is
// variable take what the fixed ones leave, which is its share exactly.
func (u *unleash) write(target decide.Allocation, present []unleashVariant) (rollout string, variants []unleashVariant, problem string) {
	percent := math.Round(target.Coverage * 100)
	if math.Abs(percent-target.Coverage*100) > 100*sumTolerance {
		return "", nil, fmt.Sprintf("a coverage of %s cannot be written: Unleash rolls out whole percents", inPercent(target.Coverage))
	}
	parts := make([]float64, len(target.Arms))
	for i, arm := range target.Arms {
		parts[i] = arm.Weight
	}
	weights := map[string]int64{}
	for i, weight := range apportion(parts, unleashTotal) {
		theirs := u.to(target.Arms[i].Variation)
		if weight > 0 && !slices.ContainsFunc(present, func(v unleashVariant) bool { return v.Name == theirs }) {
			return "", nil, fmt.Sprintf("variation %s is not a variant of the strategy", printable(target.Arms[i].Variation))
		}
		weights[theirs] = weight
	}
	variants = slices.Clone(present)
	largest := 0
	for i := range variants {
		variants[i].Weight, variants[i].WeightType = weights[variants[i].Name], "fix"
		if variants[i].Weight > variants[largest].Weight {
			largest = i
		}
	}
	variants[largest].WeightType = "variable"
	return strconv.Itoa(int(percent)), variants, ""
}

// explainUnleash knows two answers better than their status: who needs change
// requests lacks the permission to skip them, and a patch whose test fails is
// reported as a fault of the server.
func explainUnleash(c call, answer outbound.Answer) (detail string, kind error) {
	var said struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(answer.Body, &said) != nil {
		return "", nil
	}
	switch {
	case answer.Status == http.StatusForbidden && strings.Contains(said.Message, "SKIP_CHANGE_REQUEST"):
		return "the environment is changed by change requests only; nothing was sent", ErrApproval
	case c.method == http.MethodPatch && strings.Contains(said.Message, "TEST_OPERATION_FAILED"):
		return "its strategy was changed while this change was under way", ErrConflict
	}
	return "", nil
}
