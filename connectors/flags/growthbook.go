package flags

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"assay/connectors/outbound"
	"assay/decide"
	"assay/spec"
)

// growthBook is GrowthBook's REST interface, version 2. A flag is moved by the
// percentage rollouts of one environment that have no condition: they hash
// alike, and each serves its value to those up to its coverage that no rollout
// before it serves, so that together they are one list of buckets. Who is left
// gets the default value. A change is a draft revision that is published with a
// comment; where a review is needed the draft waits for it.
type growthBook struct {
	*api
	naming
	environment string
}

func openGrowthBook(name string, cfg spec.FlagStore, dir string, opts Options) (Store, error) {
	a, err := openAPI(name, cfg, dir, opts, vendor{url: "https://api.growthbook.io", scheme: "Bearer "})
	if err != nil {
		return nil, err
	}
	a.explain = explainGrowthBook
	return &growthBook{api: a, naming: newNaming(cfg.Variations), environment: cfg.Environment}, nil
}

// gbFeature is a feature, as far as serving depends on it.
type gbFeature struct {
	Archived     bool   `json:"archived"`
	DefaultValue string `json:"defaultValue"`
	Environments map[string]struct {
		Enabled bool `json:"enabled"`
	} `json:"environments"`
	Rules         []gbRule `json:"rules"`
	Prerequisites []any    `json:"prerequisites"`
	Revision      struct {
		Version int `json:"version"`
	} `json:"revision"`
}

// gbRevision is a draft or a published version of a feature.
type gbRevision struct {
	Version     int      `json:"version"`
	BaseVersion int      `json:"baseVersion"`
	Status      string   `json:"status"`
	Comment     string   `json:"comment"`
	Rules       []gbRule `json:"rules"`
}

// gbEnvelope is how a revision is answered.
type gbEnvelope struct {
	Revision gbRevision `json:"revision"`
}

// Name implements Store.
func (g *growthBook) Name() string { return g.store }

// Read implements Store.
func (g *growthBook) Read(ctx context.Context, flagKey string) (State, error) {
	feature, err := g.feature(ctx, flagKey)
	if err != nil {
		return State{}, err
	}
	return g.vet(g.state(feature, feature.Rules))
}

func (g *growthBook) path(flagKey string, more ...string) []string {
	return append([]string{"api", "v2", "features", flagKey}, more...)
}

func (g *growthBook) feature(ctx context.Context, flagKey string) (gbFeature, error) {
	var answer struct {
		Feature *gbFeature `json:"feature"`
	}
	if err := g.do(ctx, call{method: http.MethodGet, path: g.path(flagKey)}, &answer); err != nil {
		return gbFeature{}, err
	}
	switch {
	case answer.Feature == nil:
		return gbFeature{}, g.fail(ErrUnavailable, "the answer is not what the interface promises")
	case answer.Feature.Archived:
		return gbFeature{}, g.fail(ErrNotFound, "it is archived")
	}
	if _, ok := answer.Feature.Environments[g.environment]; !ok {
		return gbFeature{}, g.fail(ErrNotFound, fmt.Sprintf("in the environment %s", printable(g.environment)))
	}
	return *answer.Feature, nil
}

// state reads who gets what under the rules of a feature or of a draft of it.
func (g *growthBook) state(feature gbFeature, rules []gbRule) State {
	c, problem := cascadeOf(rules, g.environment)
	state := State{Unit: 1 / float64(c.total), Message: problem}
	switch {
	case !feature.Environments[g.environment].Enabled:
		state.Message = "it is switched off in the environment: it serves the default of the code"
	case len(feature.Prerequisites) > 0:
		state.Message = "it has prerequisites: who does not meet them gets the default of the code"
	}
	if state.Message != "" {
		return state
	}
	list := c.buckets(feature.DefaultValue)
	for i := range list {
		list[i].variant = g.from(list[i].variant)
	}
	a := served(list)
	state.Known, state.Allocation = true, &a
	return state
}

// Apply implements Store. A draft of assay's own that would do the same is used
// again, one that would do something else is discarded: nobody shall approve
// what was decided otherwise since.
func (g *growthBook) Apply(ctx context.Context, c Change) error {
	feature, err := g.feature(ctx, c.FlagKey)
	if err != nil {
		return err
	}
	if over, err := g.begin(g.state(feature, feature.Rules), c); over || err != nil {
		return err
	}
	edits, problem := g.edits(feature, c.Target)
	if problem != "" {
		return g.fail(ErrRefused, problem)
	}
	draft, found, err := g.ours(ctx, feature, c)
	if err != nil {
		return err
	}
	if !found {
		if draft, err = g.draft(ctx, feature, c, edits); err != nil {
			return err
		}
	}
	if c.Proposal {
		return nil
	}
	return g.publish(ctx, draft, c)
}

// gbMark begins the comments of assay's drafts.
const gbMark = "assay "

// ours finds the draft of an earlier attempt, and discards those of earlier
// decisions.
func (g *growthBook) ours(ctx context.Context, feature gbFeature, c Change) (draft gbRevision, found bool, err error) {
	var answer struct {
		Revisions []gbRevision `json:"revisions"`
	}
	query := url.Values{"featureId": {c.FlagKey}, "limit": {"50"}}
	if err := g.do(ctx, call{method: http.MethodGet, path: []string{"api", "v2", "feature-revisions"}, query: query}, &answer); err != nil {
		return draft, false, err
	}
	for _, r := range answer.Revisions {
		if r.Status == "published" || r.Status == "discarded" || !strings.HasPrefix(r.Comment, gbMark) {
			continue
		}
		state := g.state(feature, r.Rules)
		if !found && r.BaseVersion == feature.Revision.Version && state.Known && c.reached(state) {
			draft, found = r, true
			continue
		}
		if err := g.discard(ctx, c.FlagKey, r.Version); err != nil {
			return draft, false, err
		}
	}
	return draft, found, nil
}

func (g *growthBook) discard(ctx context.Context, flagKey string, version int) error {
	return g.do(ctx, call{
		method: http.MethodPost, path: g.path(flagKey, "revisions", strconv.Itoa(version), "discard"), body: struct{}{},
	}, nil)
}

// draft makes a draft of the change. It is discarded where it cannot be finished
// and where the feature was changed since it was compared.
func (g *growthBook) draft(ctx context.Context, feature gbFeature, c Change, edits []gbEdit) (gbRevision, error) {
	var made gbEnvelope
	err := g.do(ctx, call{
		method: http.MethodPost, path: g.path(c.FlagKey, "revisions"),
		body: map[string]string{"title": shorten(fmt.Sprintf("assay: %s of %s", c.Verdict, c.Experiment), maxReason), "comment": remark(c)},
	}, &made)
	if err != nil {
		return gbRevision{}, err
	}
	version := made.Revision.Version
	err = g.finish(ctx, feature, c, edits, made.Revision)
	if err == nil {
		return made.Revision, nil
	}
	// What went wrong counts; a draft that is left is discarded by the next try.
	_ = g.discard(ctx, c.FlagKey, version)
	return gbRevision{}, err
}

func (g *growthBook) finish(ctx context.Context, feature gbFeature, c Change, edits []gbEdit, draft gbRevision) error {
	if draft.BaseVersion != feature.Revision.Version {
		return g.fail(ErrConflict, "it was changed while this change was under way")
	}
	last := draft
	for _, e := range edits {
		path := g.path(c.FlagKey, "revisions", strconv.Itoa(draft.Version), "rules")
		if e.rule != "" {
			path = append(path, e.rule)
		}
		var edited gbEnvelope
		if err := g.do(ctx, call{method: e.method, path: path, body: map[string]any{"rule": e.body}}, &edited); err != nil {
			return err
		}
		last = edited.Revision
	}
	if state := g.state(feature, last.Rules); !state.Known || !c.reached(state) {
		return g.fail(ErrUnavailable, "the draft does not serve what was written into it")
	}
	return nil
}

// publish makes a draft live, or sees to it that it is reviewed.
func (g *growthBook) publish(ctx context.Context, draft gbRevision, c Change) error {
	at := func(action string) call {
		return call{
			method: http.MethodPost, path: g.path(c.FlagKey, "revisions", strconv.Itoa(draft.Version), action),
			body: map[string]string{"comment": remark(c)},
		}
	}
	switch draft.Status {
	case "pending-review":
		return g.fail(ErrApproval, fmt.Sprintf("revision %d waits for a review", draft.Version))
	case "changes-requested":
		return g.fail(ErrApproval, fmt.Sprintf("the reviewers want revision %d changed", draft.Version))
	}
	err := g.do(ctx, at("publish"), nil)
	switch {
	case errors.Is(err, ErrApproval):
		if err := g.do(ctx, at("request-review"), nil); err != nil {
			return g.fail(ErrApproval, fmt.Sprintf("revision %d waits, but a review could not be asked for: %s", draft.Version, reasonOf(err)))
		}
		return g.fail(ErrApproval, fmt.Sprintf("revision %d waits for a review", draft.Version))
	case errors.Is(err, ErrConflict), errors.Is(err, ErrRefused), errors.Is(err, ErrAuth):
		_ = g.discard(ctx, c.FlagKey, draft.Version)
	}
	return err
}

// gbGate is what keeps a draft from being published.
type gbGate struct {
	Type string `json:"type"`
}

// explainGrowthBook knows the gates that can keep a draft from being published:
// newer servers list them, older ones say it in a sentence.
func explainGrowthBook(c call, answer outbound.Answer) (detail string, kind error) {
	var said struct {
		Message string   `json:"message"`
		Gates   []gbGate `json:"gates"`
	}
	if c.path[len(c.path)-1] != "publish" || json.Unmarshal(answer.Body, &said) != nil {
		return "", nil
	}
	closed := func(types ...string) bool {
		return slices.ContainsFunc(said.Gates, func(gate gbGate) bool { return slices.Contains(types, gate.Type) })
	}
	switch {
	case closed("permission-denied"):
		return "the token may not publish this change", ErrAuth
	case closed("stale-base"):
		return "it was changed while this change was under way", ErrConflict
	case closed("approval-required", "required-approvers-missing", "required-project-approvers-missing"),
		len(said.Gates) == 0 && answer.Status/100 == 4 && strings.Contains(said.Message, "requires approval before publishing"):
		return "a review is needed before it is published", ErrApproval
	case len(said.Gates) > 0:
		return "a gate of GrowthBook is closed: " + printable(said.Gates[0].Type), ErrRefused
	}
	return "", nil
}

// edits are what makes the feature serve an allocation, or what it would need.
func (g *growthBook) edits(feature gbFeature, target decide.Allocation) (edits []gbEdit, problem string) {
	c, _ := cascadeOf(feature.Rules, g.environment)
	list := layoutOf(target, c.total)
	for i, b := range list {
		value, ok := g.theirs[b.variant]
		if !ok {
			return nil, fmt.Sprintf("variations of the flag store does not say which value %s has", printable(b.variant))
		}
		list[i].variant = value
	}
	return c.edits(list, feature.DefaultValue, g.environment)
}
