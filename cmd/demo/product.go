package main

import "time"

// The experiments' calendar: every one starts at launch and lasts lifetime
// days. Days are counted from 0 inside this program.
const lifetime = 14

// launch is the start of day 0.
func launch() time.Time { return time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC) }

// dayStart is the first instant of day n, and the as-of of the day before it.
func dayStart(n int) time.Time { return launch().AddDate(0, 0, n) }

// Variations with a meaning of their own.
const (
	treatment = "treatment"
	control   = "control"
	uncovered = "uncovered" // outside the coverage: known-good behaviour, never exposed
)

// surface is one place of the product: its own users, one flag, one experiment
// of the same name.
type surface struct {
	name  string
	users int
	// firstDay is the share, in [0,1], of the users who are there on day 0; the
	// others come first on one of the later days, evenly.
	firstDay float64
	// again is the chance, in [0,1], that a user comes back on a later day.
	again float64
	// turns is the mean number of responses (or searches) in a visit, at least 1.
	turns float64
	// searching users leave searches under their account; the others converse.
	searching bool
	base      conduct
	// treated is what the treatment does; every other variation keeps to base.
	treated conduct
	drift   drift
	// unsafe plants one unsafe response with this many treated newcomers, by day.
	unsafe map[int]int
	// lost is the client fault that swallows exposures.
	lost loss
}

// conduct is how the product behaves towards a visit. The first four are
// chances in [0,1], the others factors (1 = as usual).
type conduct struct {
	failing   float64 // some response of the visit is an error
	abandoned float64 // the visit is given up although nothing failed
	disliked  float64 // a thumb that is given without a failure points down
	completed float64 // the task of a visit without a failure is completed
	latency   float64
	cost      float64
	relevance float64
}

// drift is what happens to everybody between day 0 and the last day.
type drift struct {
	failing float64 // added to the chance of a failure by the last day
	latency float64 // added to the latency factor by the last day
}

// loss is the share, in [0,1], of the users on a platform and in a variation
// whose client never logs an exposure.
type loss struct {
	platform, variation string
	share               float64
}

// usual is the conduct that everybody knows.
func usual() conduct {
	return conduct{
		failing: 0.04, abandoned: 0.05, disliked: 0.16, completed: 0.8,
		latency: 1, cost: 1, relevance: 1,
	}
}

// surfaces is the product. The sizes give about 200,000 exposures and a
// million responses along the path that the six decisions take.
func surfaces() []surface {
	return []surface{answer(), summary(), searchRerank(), onboarding(), safetyFilter(), safetyCopy()}
}

// answer is cheaper and faster with the new prompt, and wrong three times as often.
func answer() surface {
	worse := usual()
	worse.failing, worse.latency, worse.cost = 0.12, 0.94, 0.88
	return surface{
		name: "answer-v2", users: 44_000, firstDay: 0.5, again: 0.1, turns: 4,
		base: usual(), treated: worse,
	}
}

// summary is harmless while the whole product gets slower and less reliable.
func summary() surface {
	base := usual()
	base.failing = 0.03
	return surface{
		name: "summary-tone", users: 31_000, firstDay: 0.3, again: 0.12, turns: 4,
		base: base, treated: base, drift: drift{failing: 0.03, latency: 0.25},
	}
}

// searchRerank counts its outcomes by account, not by user. Each of its users
// is there at least once, so that by the end exactly 38,919 are exposed.
func searchRerank() surface {
	return surface{
		name: "search-rerank", users: 38_919, firstDay: 0.2, again: 0.085, turns: 2,
		searching: true, base: usual(), treated: usual(),
	}
}

// onboarding loses exposures of control on Android: of 100 exposed users 53 are
// in treatment.
func onboarding() surface {
	return surface{
		name: "onboarding-split", users: 26_000, firstDay: 0.12, again: 0.1, turns: 3,
		base: usual(), treated: usual(),
		lost: loss{platform: "android", variation: control, share: 0.377},
	}
}

// safetyFilter completes more tasks and lets 20 users see something unsafe.
func safetyFilter() surface {
	bolder := usual()
	bolder.completed = 0.83
	return surface{
		name: "safety-filter", users: 17_000, firstDay: 0.3, again: 0.1, turns: 4,
		base: usual(), treated: bolder, unsafe: map[int]int{0: 2, 1: 3, 2: 15},
	}
}

// safetyCopy has three unsafe responses in treatment, which chance explains.
func safetyCopy() surface {
	return surface{
		name: "safety-copy", users: 24_000, firstDay: 0.3, again: 0.12, turns: 4,
		base: usual(), treated: usual(), unsafe: map[int]int{2: 1, 5: 1, 9: 1},
	}
}

// on is the surface's conduct towards a variation on day n.
func (s *surface) on(n int, variation string) conduct {
	c := s.base
	if variation == treatment {
		c = s.treated
	}
	passed := float64(n) / (lifetime - 1)
	c.failing += s.drift.failing * passed
	c.latency += s.drift.latency * passed
	return c
}
