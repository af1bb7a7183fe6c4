package flags

import (
	"math"
	"net/http"
	"slices"
)

// gbRule is a rule of a feature, as far as serving depends on it.
type gbRule struct {
	ID              string   `json:"id"`
	Type            string   `json:"type"`
	Enabled         *bool    `json:"enabled"`
	Condition       string   `json:"condition"`
	SavedGroups     []any    `json:"savedGroupTargeting"`
	Prerequisites   []any    `json:"prerequisites"`
	AllEnvironments bool     `json:"allEnvironments"`
	Environments    []string `json:"environments"`
	Value           string   `json:"value"`
	Coverage        float64  `json:"coverage"`
	HashAttribute   string   `json:"hashAttribute"`
	Seed            string   `json:"seed"`
	HashVersion     int      `json:"hashVersion"`
}

func (r gbRule) on() bool { return r.Enabled == nil || *r.Enabled }

func (r gbRule) in(environment string) bool {
	return r.AllEnvironments || slices.Contains(r.Environments, environment)
}

// own tells whether the rule is of this environment alone.
func (r gbRule) own(environment string) bool {
	return !r.AllEnvironments && len(r.Environments) == 1 && r.Environments[0] == environment
}

func (r gbRule) targeted() bool {
	return r.Condition != "" && r.Condition != "{}" || len(r.SavedGroups) > 0 || len(r.Prerequisites) > 0
}

// reach is the share of units, in [0,1], that the rule serves where no rule
// before it does.
func (r gbRule) reach() float64 {
	if r.Type == "rollout" {
		return min(max(r.Coverage, 0), 1)
	}
	return 1
}

// hashing is what decides about the place of a unit; a rollout without a seed
// has its own id for one.
type hashing struct {
	attribute, seed string
	version         int
}

func (r gbRule) hashing() hashing {
	h := hashing{r.HashAttribute, r.Seed, r.HashVersion}
	if h.seed == "" {
		h.seed = r.ID
	}
	return h
}

// cascade are the rules without a condition, in their order.
type cascade struct {
	rules []gbRule // those that serve
	slots []gbRule // those of the environment alone, disabled ones too
	hash  hashing
	total int64 // places that the hash knows
}

// cascadeOf finds the cascade of an environment, or what is in the way. Rules
// with a condition that come before it serve whom they serve.
func cascadeOf(rules []gbRule, environment string) (c cascade, problem string) {
	c.hash = hashOf(rules, environment)
	c.total = 1000
	if c.hash.version == 2 {
		c.total = 10_000
	}
	for _, r := range rules {
		rollout := r.Type == "rollout"
		switch {
		case !r.in(environment):
			continue
		case r.targeted():
			if r.on() && len(c.rules) > 0 {
				problem = "a rule with a condition stands behind its rollouts"
			}
			continue
		case !rollout && r.Type != "force":
			if r.on() {
				problem = "a rule of it is " + printable(r.Type) + " and no percentage rollout"
			}
			continue
		}
		if rollout && r.on() && r.hashing() != c.hash {
			problem = "its rollouts do not hash alike: they need the same attribute, seed and hash version"
		}
		if r.own(environment) {
			c.slots = append(c.slots, r)
		}
		if r.on() {
			c.rules = append(c.rules, r)
		}
	}
	return c, problem
}

// hashOf is what the rollouts hash: the first that serves, or else the first.
func hashOf(rules []gbRule, environment string) hashing {
	var first hashing
	for _, r := range rules {
		switch {
		case !r.in(environment) || r.targeted() || r.Type != "rollout":
		case r.on():
			return r.hashing()
		case first == hashing{}:
			first = r.hashing()
		}
	}
	return first
}

// buckets is who gets which value.
func (c cascade) buckets(defaultValue string) []bucket {
	var list []bucket
	reached := int64(0)
	for _, r := range c.rules {
		end := int64(math.Round(r.reach() * float64(c.total)))
		if end > reached {
			list = append(list, bucket{r.Value, end - reached})
			reached = end
		}
	}
	return merge(append(list, bucket{defaultValue, c.total - reached}))
}

// gbEdit is one request that edits a draft.
type gbEdit struct {
	method, rule string
	body         map[string]any
}

// edits makes the cascade serve a list of buckets: its rules are used in their
// order, further ones added, and those not needed disabled, so that what they
// hash is not forgotten. Who is in the last bucket needs no rule where it has
// the default value.
func (c cascade) edits(list []bucket, defaultValue, environment string) (edits []gbEdit, problem string) {
	switch {
	case slices.ContainsFunc(c.rules, func(r gbRule) bool { return !r.own(environment) }):
		return nil, "a rollout of it is for other environments too: the environment needs rules of its own"
	case c.hash.attribute == "":
		return nil, "it has no percentage rollout in the environment that says what is hashed: add one"
	}
	if n := len(list) - 1; list[n].variant == defaultValue {
		list = list[:n]
	}
	end := int64(0)
	for i, b := range list {
		end += b.weight
		coverage := float64(end) / float64(c.total)
		if i >= len(c.slots) {
			edits = append(edits, gbEdit{http.MethodPost, "", c.added(b.variant, coverage, environment)})
			continue
		}
		slot := c.slots[i]
		if slot.on() && slot.Value == b.variant && slot.Type == "rollout" && slot.Coverage == coverage {
			continue
		}
		edits = append(edits, gbEdit{http.MethodPut, slot.ID, map[string]any{
			"enabled": true, "value": b.variant, "coverage": coverage,
			"hashAttribute": c.hash.attribute, "seed": c.hash.seed, "hashVersion": c.hash.drawn(),
		}})
	}
	for _, slot := range c.slots[min(len(list), len(c.slots)):] {
		if slot.on() {
			edits = append(edits, gbEdit{http.MethodPut, slot.ID, map[string]any{"enabled": false}})
		}
	}
	return edits, ""
}

// added is a further rule.
func (c cascade) added(value string, coverage float64, environment string) map[string]any {
	return map[string]any{
		"type": "rollout", "description": "assay", "enabled": true, "value": value, "coverage": coverage,
		"hashAttribute": c.hash.attribute, "seed": c.hash.seed, "hashVersion": c.hash.drawn(),
		"allEnvironments": false, "environments": []string{environment},
	}
}

// drawn is the version that a rule without one is drawn by.
func (h hashing) drawn() int { return max(h.version, 1) }
