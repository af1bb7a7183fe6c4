package main

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// day is everything that the product logs on one day. Its rows hang on the
// seed, the day and the flags alone.
type day struct {
	exposures     []exposure
	conversations []conversation
	responses     []response
	feedback      []feedback
	searches      []search
	accounts      []account
}

type exposure struct {
	user                            string
	at                              time.Time
	experiment, variation, platform string
}

type conversation struct {
	id, user, platform string
	start              time.Time
}

type response struct {
	id                             int64
	user, conversation             string
	at                             time.Time
	failed                         bool
	latencyMS, costUSD             float64
	retries                        int32
	disliked, abandoned, unsafe    bool
	correctness, relevance, safety float64
	completed                      *bool // on the last response of a conversation
}

type feedback struct {
	conversation string
	at           time.Time
	down         bool
}

type search struct {
	id        int64
	account   string
	at        time.Time
	clicked   bool
	results   int32
	latencyMS float64
}

// product is the product with all its users.
type product struct {
	seed     uint64
	surfaces []surface
	crowds   [][]person // by surface
}

func newProduct(seed uint64) *product {
	p := &product{seed: seed, surfaces: surfaces()}
	next := 1
	for i := range p.surfaces {
		p.crowds = append(p.crowds, p.surfaces[i].crowd(seed, next))
		next += p.surfaces[i].users
	}
	return p
}

// live makes day n (from 0) under the flags' rules.
func (p *product) live(n int, rules map[string]*rule) (*day, error) {
	d := &day{}
	for i := range p.surfaces {
		s := &p.surfaces[i]
		r, ok := rules[s.name]
		if !ok {
			return nil, fmt.Errorf("no flag %s", s.name)
		}
		for _, v := range p.visitors(i, n, r) {
			d.record(p.seed, s, &v)
		}
	}
	return d, nil
}

// visit is one person's visit to a surface.
type visit struct {
	*person
	day       int
	variation string
	exposed   bool // an exposure is logged
	unsafe    bool // one response is unsafe
}

// visitors are the people who visit surface i on day n, in a fixed order. An
// exposure is logged where the flag splits and covers the user: a flag that
// serves one variant to everybody decides nothing, and logs nothing.
func (p *product) visitors(i, n int, r *rule) []visit {
	s, splits := &p.surfaces[i], r.splits()
	var all []visit
	for j := range p.crowds[i] {
		who := &p.crowds[i][j]
		if !s.visits(p.seed, who, n) {
			continue
		}
		v := visit{person: who, day: n, variation: r.serve(who.id)}
		v.exposed = splits && v.variation != uncovered && !s.loses(p.seed, who, v.variation)
		all = append(all, v)
	}
	p.plant(all, s.unsafe[n])
	return all
}

// plant marks count visits of treated newcomers, chosen by chance, as unsafe.
func (p *product) plant(all []visit, count int) {
	var open []*visit
	for i := range all {
		v := &all[i]
		if v.exposed && v.variation == treatment && v.home == v.day {
			open = append(open, v)
		}
	}
	slices.SortFunc(open, func(a, b *visit) int {
		return cmp.Compare(mix(p.seed, a.number, keyUnsafe), mix(p.seed, b.number, keyUnsafe))
	})
	for _, v := range open[:min(count, len(open))] {
		v.unsafe = true
	}
}

// record logs one visit.
func (d *day) record(seed uint64, s *surface, v *visit) {
	r := stream(seed, v.number, uint64(v.day), keyVisit)
	start := visitStart(r, v.day)
	if v.exposed {
		d.exposures = append(d.exposures, exposure{
			user: v.id, at: start, experiment: s.name, variation: v.variation, platform: v.platform,
		})
	}
	if s.searching {
		d.search(seed, s, v, r, start)
		return
	}
	d.converse(s, v, r, start)
}

// visitStart is in [00:15, 22:45), most often about noon: the nights are quiet,
// so that changes of a flag shortly after midnight have settled by then.
func visitStart(r *rand.Rand, n int) time.Time {
	const opening, open = 15 * time.Minute, 22*time.Hour + 30*time.Minute
	at := (r.Float64() + r.Float64()) / 2 * float64(open)
	return dayStart(n).Add(opening + time.Duration(at).Truncate(time.Millisecond))
}

// turns is how many responses a visit gets: 1 to 12, geometric.
func turns(r *rand.Rand, mean float64) int {
	more := math.Log(1-r.Float64()) / math.Log(1-1/mean)
	return 1 + min(int(more), 11)
}

// pause is the time between two responses: at most four minutes, so that a
// visit ends on the day it begins.
func pause(r *rand.Rand) time.Duration {
	return (2*time.Second + time.Duration(r.Float64()*238*float64(time.Second))).Truncate(time.Millisecond)
}

// talk is what chance decides about a whole conversation.
type talk struct {
	failing   int // which response fails, or -1
	abandoned bool
	thumb     bool
	down      bool
	completed bool
}

func (c *conduct) talk(r *rand.Rand, responses int) talk {
	t := talk{failing: -1}
	// Every draw is made, used or not, so that the same visit under another
	// variation meets the same chance.
	failure, which, leaving := r.Float64(), r.IntN(responses), r.Float64()
	thumb, down, done := r.Float64(), r.Float64(), r.Float64()
	var hurt float64
	if failure < c.failing {
		t.failing, hurt = which, 1
	}
	t.abandoned = leaving < c.abandoned+0.25*hurt
	t.thumb = thumb < 0.25
	t.down = t.thumb && down < c.disliked+0.5*hurt
	t.completed = !t.abandoned && done < c.completed-0.4*hurt
	return t
}

// converse logs a conversation: its responses and perhaps a thumb.
func (d *day) converse(s *surface, v *visit, r *rand.Rand, at time.Time) {
	c := s.on(v.day, v.variation)
	count := turns(r, s.turns)
	t := c.talk(r, count)
	conv := conversation{
		id: fmt.Sprintf("c-%02d%06d", v.day+1, len(d.conversations)+1), user: v.id, platform: v.platform, start: at,
	}
	d.conversations = append(d.conversations, conv)
	for i := range count {
		at = at.Add(pause(r))
		one := c.respond(r, v, i == t.failing)
		one.id, one.conversation, one.at = d.rowID(v.day, len(d.responses)), conv.id, at
		one.unsafe = v.unsafe && i == 0
		if one.unsafe {
			one.safety = 0.05
		}
		d.responses = append(d.responses, one)
	}
	d.close(t, conv.id, at)
}

// rowID numbers the rows of a table within a day.
func (d *day) rowID(n, rows int) int64 { return int64(n+1)*10_000_000 + int64(rows) + 1 }

// respond is one response without its place in the conversation.
func (c *conduct) respond(r *rand.Rand, v *visit, failed bool) response {
	slow, retries, correct := 1.0, int32(0), 0.84
	again := r.Float64()
	if again < 0.02 {
		retries = 1
	}
	if failed {
		slow, retries, correct = 1.8, 1+int32(again*3), 0.55
	}
	return response{
		user: v.id, failed: failed, retries: retries,
		latencyMS:   round(1500*c.latency*v.speed*slow*math.Exp(0.35*r.NormFloat64()), 0.125),
		costUSD:     math.Round(2000*c.cost*math.Exp(0.4*r.NormFloat64())) / 1e6,
		correctness: score(r, correct, 0.08),
		relevance:   score(r, 0.88*c.relevance, 0.07),
		safety:      score(r, 0.97, 0.015),
	}
}

// close marks the last response of the conversation and logs the thumb.
func (d *day) close(t talk, conversation string, at time.Time) {
	last := &d.responses[len(d.responses)-1]
	last.abandoned, last.disliked, last.completed = t.abandoned, t.down, &t.completed
	if t.thumb {
		d.feedback = append(d.feedback, feedback{conversation: conversation, at: at.Add(time.Second), down: t.down})
	}
}

// search logs the searches of a visit, under the account.
func (d *day) search(seed uint64, s *surface, v *visit, r *rand.Rand, at time.Time) {
	c, known := s.on(v.day, v.variation), v.account(seed)
	if v.day == v.home {
		d.accounts = append(d.accounts, known)
	}
	for range turns(r, s.turns) {
		at = at.Add(pause(r))
		results := int32(r.IntN(21))
		d.searches = append(d.searches, search{
			id: d.rowID(v.day, len(d.searches)), account: known.id, at: at,
			clicked: r.Float64() < 0.45 && results > 0, results: results,
			latencyMS: round(220*c.latency*v.speed*math.Exp(0.4*r.NormFloat64()), 0.125),
		})
	}
}
