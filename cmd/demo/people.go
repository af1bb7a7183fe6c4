package main

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Chance hangs on the seed and on who, when and what alone, never on the order
// of the work: each kind of draw has its own key.
const (
	keyHome = iota + 1
	keyPlatform
	keySpeed
	keyAgain
	keyVisit
	keyLost
	keyUnsafe
	keyAccount
)

// mix folds keys into 64 well-spread bits (the finaliser of SplitMix64; Steele,
// Lea, Flood 2014).
func mix(keys ...uint64) uint64 {
	var h uint64
	for _, k := range keys {
		h = (h ^ k) + 0x9e3779b97f4a7c15
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
	}
	return h
}

// uniform is a draw from [0,1).
func uniform(keys ...uint64) float64 { return float64(mix(keys...)>>11) / (1 << 53) }

// stream is a source of many draws for one key.
func stream(keys ...uint64) *rand.Rand { return rand.New(rand.NewPCG(mix(keys...), keys[0])) }

// person is a user of one surface.
type person struct {
	number   uint64 // unique over all surfaces
	id       string
	home     int // first day, from 0
	platform string
	speed    float64 // factor on latency that stays with the user
}

// account is the other name of a searching user.
type account struct{ id, user string }

// crowd makes a surface's users, numbered from first.
func (s *surface) crowd(seed uint64, first int) []person {
	people := make([]person, s.users)
	for i := range people {
		number := uint64(first + i)
		people[i] = person{
			number:   number,
			id:       fmt.Sprintf("u-%06d", number),
			home:     s.homeDay(uniform(seed, number, keyHome)),
			platform: platform(uniform(seed, number, keyPlatform)),
			speed:    0.8 + 0.4*uniform(seed, number, keySpeed),
		}
	}
	return people
}

func (s *surface) homeDay(u float64) int {
	if u < s.firstDay {
		return 0
	}
	later := (u - s.firstDay) / (1 - s.firstDay) * (lifetime - 1)
	return 1 + min(int(later), lifetime-2)
}

func platform(u float64) string {
	switch {
	case u < 0.4:
		return "ios"
	case u < 0.7:
		return "android"
	}
	return "web"
}

// visits tells whether the person is there on day n.
func (s *surface) visits(seed uint64, who *person, n int) bool {
	if n <= who.home {
		return n == who.home
	}
	return uniform(seed, who.number, uint64(n), keyAgain) < s.again
}

// loses tells whether the person's client swallows exposures to the variation.
func (s *surface) loses(seed uint64, who *person, variation string) bool {
	return s.lost.platform == who.platform && s.lost.variation == variation &&
		uniform(seed, who.number, keyLost) < s.lost.share
}

// account is the person's account; its number tells nothing about the user's.
// Multiplication by an odd constant modulo 2^26 maps different users to
// different accounts.
func (p *person) account(seed uint64) account {
	const accounts = 1 << 26
	number := (p.number*48_271 + mix(seed, keyAccount)) % accounts
	return account{id: fmt.Sprintf("acct-%08d", number), user: p.id}
}

// round keeps a value to a multiple of step, so that rows do not hang on the
// last bit of a platform's arithmetic.
func round(v, step float64) float64 { return math.Round(v/step) * step }

// score is a judge's score around mean, in [0,1] with three digits.
func score(r *rand.Rand, mean, sd float64) float64 {
	return math.Round(1000*min(1, max(0, mean+sd*r.NormFloat64()))) / 1000
}
