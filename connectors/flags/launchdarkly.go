package flags

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"assay/connectors/outbound"
	"assay/decide"
	"assay/spec"
)

// The weights of a rollout are thousandths of a percent.
const (
	launchDarklyTotal = 100_000
	launchDarklyUnit  = 1.0 / launchDarklyTotal
)

// launchDarkly is LaunchDarkly's REST interface. What moves is the flag's
// default rule, or one that the spec names; targets and rules before it stay.
// It knows weights only, one for each variation: units outside the coverage get
// a variation of their own, uncovered.
type launchDarkly struct {
	*api
	naming
	project, environment, rule string
}

func openLaunchDarkly(name string, cfg spec.FlagStore, dir string, opts Options) (Store, error) {
	a, err := openAPI(name, cfg, dir, opts, vendor{url: "https://app.launchdarkly.com"})
	if err != nil {
		return nil, err
	}
	a.explain = explainLaunchDarkly
	l := &launchDarkly{api: a, naming: newNaming(cfg.Variations), project: cfg.Project, environment: cfg.Environment, rule: cfg.Rule}
	if l.project == "" {
		l.project = "default"
	}
	return l, nil
}

// ldFlag is a flag, as far as serving depends on it.
type ldFlag struct {
	Variations   []ldVariation            `json:"variations"`
	Archived     bool                     `json:"archived"`
	Environments map[string]ldEnvironment `json:"environments"`
}

type ldVariation struct {
	ID    string `json:"_id"`
	Name  string `json:"name"`
	Value any    `json:"value"`
}

type ldEnvironment struct {
	On       bool `json:"on"`
	Archived bool `json:"archived"`
	Rules    []struct {
		ID string `json:"_id"`
		ldServe
	} `json:"rules"`
	Fallthrough   ldServe `json:"fallthrough"`
	Prerequisites []any   `json:"prerequisites"`
}

// ldServe is one variation, by its index, or a rollout.
type ldServe struct {
	Variation *int       `json:"variation"`
	Rollout   *ldRollout `json:"rollout"`
}

type ldRollout struct {
	Variations []struct {
		Variation int   `json:"variation"`
		Weight    int64 `json:"weight"`
	} `json:"variations"`
	BucketBy             string `json:"bucketBy"`
	ContextKind          string `json:"contextKind"`
	ExperimentAllocation any    `json:"experimentAllocation"`
}

// Name implements Store.
func (l *launchDarkly) Name() string { return l.store }

// Read implements Store.
func (l *launchDarkly) Read(ctx context.Context, flagKey string) (State, error) {
	flag, serve, problem, err := l.look(ctx, flagKey)
	if err != nil {
		return State{}, err
	}
	return l.vet(l.state(flag, serve, problem))
}

// look finds the flag and the rule that moves it, or says what is in the way.
func (l *launchDarkly) look(ctx context.Context, flagKey string) (flag ldFlag, serve ldServe, problem string, err error) {
	c := call{method: http.MethodGet, path: []string{"api", "v2", "flags", l.project, flagKey}, query: url.Values{"env": {l.environment}}}
	if err := l.do(ctx, c, &flag); err != nil {
		return flag, serve, "", err
	}
	e, ok := flag.Environments[l.environment]
	switch {
	case !ok:
		return flag, serve, "", l.fail(ErrNotFound, fmt.Sprintf("in the environment %s", printable(l.environment)))
	case flag.Archived || e.Archived:
		return flag, serve, "", l.fail(ErrNotFound, "it is archived")
	case !e.On:
		return flag, serve, "it is switched off in the environment: it serves the off variation", nil
	case len(e.Prerequisites) > 0:
		return flag, serve, "it has prerequisites: who does not meet them gets the off variation", nil
	case l.rule == "":
		return flag, e.Fallthrough, "", nil
	}
	for _, rule := range e.Rules {
		if rule.ID == l.rule {
			return flag, rule.ldServe, "", nil
		}
	}
	return flag, serve, "the rule that the spec names is gone", nil
}

// state reads who gets what from a rule, whoever wrote it.
func (l *launchDarkly) state(flag ldFlag, serve ldServe, problem string) State {
	state := State{Unit: launchDarklyUnit, Message: problem}
	if problem != "" {
		return state
	}
	list, problem := l.buckets(flag, serve)
	if problem != "" {
		state.Message = problem
		return state
	}
	a := served(list)
	state.Known, state.Allocation = true, &a
	return state
}

func (l *launchDarkly) buckets(flag ldFlag, serve ldServe) (list []bucket, problem string) {
	add := func(index int, weight int64) bool {
		if index < 0 || index >= len(flag.Variations) || weight < 0 {
			return false
		}
		list = append(list, bucket{l.called(flag.Variations[index]), weight})
		return true
	}
	switch {
	case serve.Rollout == nil && serve.Variation != nil && add(*serve.Variation, 1):
		return list, ""
	case serve.Rollout == nil:
		return nil, "its rule serves no variation"
	case serve.Rollout.ExperimentAllocation != nil:
		return nil, "an experiment of LaunchDarkly runs on its rule"
	}
	sum := int64(0)
	for _, v := range serve.Rollout.Variations {
		if !add(v.Variation, v.Weight) {
			return nil, "its rollout serves a variation that the flag does not have"
		}
		sum += v.Weight
	}
	if sum <= 0 || sum > launchDarklyTotal {
		return nil, "the weights of its rollout are no shares"
	}
	return list, ""
}

// called is assay's name of a variation: what the spec calls its id, its name,
// or else its value where that is a text.
func (l *launchDarkly) called(v ldVariation) string {
	for _, theirs := range v.labels() {
		if name, ok := l.ours[theirs]; ok {
			return name
		}
	}
	if labels := v.labels(); len(labels) > 1 {
		return l.from(labels[1])
	}
	return l.from(v.ID)
}

// labels are what a variation may be called, the surest first.
func (v ldVariation) labels() []string {
	labels := []string{v.ID}
	if v.Name != "" {
		labels = append(labels, v.Name)
	}
	if text, ok := v.Value.(string); ok && text != "" {
		labels = append(labels, text)
	}
	return labels
}

// Apply implements Store: a semantic patch that sets all weights. Where the
// environment wants an approval, a request for one is opened instead.
func (l *launchDarkly) Apply(ctx context.Context, c Change) error {
	flag, serve, problem, err := l.look(ctx, c.FlagKey)
	if err != nil {
		return err
	}
	if over, err := l.begin(l.state(flag, serve, problem), c); over || err != nil {
		return err
	}
	instruction, problem := l.instruction(flag, serve, c.Target)
	if problem != "" {
		return l.fail(ErrRefused, problem)
	}
	if c.Proposal {
		_, err := l.request(ctx, c, instruction)
		return err
	}
	err = l.do(ctx, call{
		method: http.MethodPatch, path: []string{"api", "v2", "flags", l.project, c.FlagKey},
		media: "application/json; domain-model=launchdarkly.semanticpatch",
		body:  ldPatch{l.environment, remark(c), []map[string]any{instruction}},
	}, nil)
	if errors.Is(err, ErrApproval) {
		return l.ask(ctx, c, instruction)
	}
	return err
}

type ldPatch struct {
	Environment  string           `json:"environmentKey"`
	Comment      string           `json:"comment"`
	Instructions []map[string]any `json:"instructions"`
}

// instruction is the semantic instruction for an allocation, or what the flag
// would need to serve it. What the rollout hashes stays.
func (l *launchDarkly) instruction(flag ldFlag, serve ldServe, target decide.Allocation) (instruction map[string]any, problem string) {
	weights := make(map[string]any, len(flag.Variations))
	for _, v := range flag.Variations {
		weights[v.ID] = int64(0)
	}
	for name, weight := range totals(target, launchDarklyTotal) {
		at := slices.IndexFunc(flag.Variations, func(v ldVariation) bool { return l.called(v) == name })
		if at < 0 {
			return nil, missing(name, "a variation of the flag")
		}
		weights[flag.Variations[at].ID] = weight
	}
	instruction = map[string]any{"kind": "updateFallthroughVariationOrRollout", "rolloutWeights": weights}
	if l.rule != "" {
		instruction["kind"], instruction["ruleId"] = "updateRuleVariationOrRollout", l.rule
	}
	if r := serve.Rollout; r != nil && r.BucketBy != "" {
		instruction["rolloutBucketBy"] = r.BucketBy
	}
	if r := serve.Rollout; r != nil && r.ContextKind != "" {
		instruction["rolloutContextKind"] = r.ContextKind
	}
	return instruction, ""
}

// ldApprovals are the requests for approval of a flag in an environment.
type ldApprovals struct {
	Items []struct {
		ID           string           `json:"_id"`
		Description  string           `json:"description"`
		ReviewStatus string           `json:"reviewStatus"`
		Status       string           `json:"status"`
		Instructions []map[string]any `json:"instructions"`
	} `json:"items"`
}

// ask opens a request for approval and says so.
func (l *launchDarkly) ask(ctx context.Context, c Change, instruction map[string]any) error {
	waiting, err := l.request(ctx, c, instruction)
	switch {
	case err != nil:
		return l.fail(ErrApproval, "a request for it could not be opened: "+reasonOf(err))
	case waiting:
		return l.fail(ErrApproval, "a request for it waits in LaunchDarkly")
	}
	return l.fail(ErrApproval, "a request for it was opened in LaunchDarkly")
}

// ldMark begins the descriptions of assay's requests.
const ldMark = "assay: "

// request opens a request for approval, unless one for the same waits already:
// what is decided anew at every look is asked for once. Requests of earlier
// decisions are withdrawn, so that nobody approves what no longer holds.
func (l *launchDarkly) request(ctx context.Context, c Change, instruction map[string]any) (waiting bool, err error) {
	path := []string{"api", "v2", "projects", l.project, "flags", c.FlagKey, "environments", l.environment, "approval-requests"}
	var open ldApprovals
	if err := l.do(ctx, call{method: http.MethodGet, path: path}, &open); err != nil {
		return false, err
	}
	instructions := []map[string]any{instruction}
	for _, item := range open.Items {
		switch {
		case item.Status != "pending" || item.ReviewStatus == "declined":
		case sameJSON(item.Instructions, instructions):
			waiting = true
		case strings.HasPrefix(item.Description, ldMark):
			if err := l.do(ctx, call{method: http.MethodDelete, path: append(slices.Clone(path), item.ID)}, nil); err != nil {
				return false, err
			}
		}
	}
	if waiting {
		return true, nil
	}
	return false, l.do(ctx, call{method: http.MethodPost, path: path, body: map[string]any{
		"description": shorten(fmt.Sprintf("%s%s of %s", ldMark, c.Verdict, c.Experiment), maxReason), "comment": remark(c),
		"instructions": instructions, "notifyMemberIds": []string{},
	}}, nil)
}

// sameJSON compares what two values are as JSON; ids that a server added to an
// instruction do not matter.
func sameJSON(theirs, ours []map[string]any) bool {
	if len(theirs) != len(ours) {
		return false
	}
	for i := range ours {
		for key, value := range ours[i] {
			left, errLeft := json.Marshal(theirs[i][key])
			right, errRight := json.Marshal(value)
			if errLeft != nil || errRight != nil || !reflect.DeepEqual(left, right) {
				return false
			}
		}
	}
	return true
}

// explainLaunchDarkly knows that 405 is how a change is refused that somebody
// has to approve.
func explainLaunchDarkly(c call, answer outbound.Answer) (detail string, kind error) {
	if c.method == http.MethodPatch && answer.Status == http.StatusMethodNotAllowed {
		return "the environment takes approved changes only", ErrApproval
	}
	return "", nil
}
