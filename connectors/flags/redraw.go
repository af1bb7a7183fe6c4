package flags

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"slices"
	"strconv"
	"unicode/utf16"

	"github.com/twmb/murmur3"

	"assay/decide"
)

// Draw is a way in which a client finds the variation of a unit.
type Draw string

// The draws. GrowthBook's SDK for JavaScript hashes the 16-bit units of a text, that
// for Go its UTF-8 bytes, and that for Python its code points, which are the 16-bit
// units but for signs beyond the first plane: all the same for plain ASCII. Of
// flagd's evaluators that for JavaScript (flagd-core 4.0.1) hashes the text itself,
// that for Python (0.6.1) its CBOR encoding; others do one or the other by version.
const (
	GrowthBook1      Draw = "GrowthBook, hashVersion 1"
	GrowthBook2      Draw = "GrowthBook, hashVersion 2"
	GrowthBook1UTF16 Draw = "GrowthBook, hashVersion 1, JavaScript"
	GrowthBook2UTF16 Draw = "GrowthBook, hashVersion 2, JavaScript"
	FlagdFractional  Draw = "flagd, fractional"
	FlagdCBOR        Draw = "flagd, fractional, CBOR"
)

// Draws lists the known ways.
func Draws() []Draw {
	return []Draw{FlagdFractional, FlagdCBOR, GrowthBook1, GrowthBook2, GrowthBook1UTF16, GrowthBook2UTF16}
}

// Redraw is the variation that a client gives to a value of the hashed attribute
// under a seed and an allocation; "" where it is not covered. GrowthBook gives
// the arms ranges in the order of the allocation; flagd the buckets that assay
// writes, with the flag's key for a seed.
func (d Draw) Redraw(seed, value string, a decide.Allocation) string {
	switch d {
	case FlagdFractional:
		return pick(layout(a), murmur3.StringSum32(seed+value))
	case FlagdCBOR:
		return pick(layout(a), murmur3.Sum32(cborText(seed+value)))
	case GrowthBook1, GrowthBook2, GrowthBook1UTF16, GrowthBook2UTF16:
	}
	n, start := d.growthBook(seed, value), 0.0
	for _, arm := range a.Arms {
		if n >= start && n < start+a.Coverage*arm.Weight {
			return arm.Variation
		}
		start += arm.Weight
	}
	return ""
}

// pick is the bucket of a hash, scaled to the total weight as flagd does; ""
// where that is uncovered.
func pick(list []bucket, hash uint32) string {
	total := int64(0)
	for _, b := range list {
		total += b.weight
	}
	at := int64(uint64(hash) * uint64(total) >> 32)
	for _, b := range list {
		if at -= b.weight; at < 0 && b.variant != uncovered {
			return b.variant
		} else if at < 0 {
			return ""
		}
	}
	return ""
}

// growthBook is the place of a value in [0,1).
func (d Draw) growthBook(seed, value string) float64 {
	switch d {
	case GrowthBook1:
		return float64(fnv32(value+seed)%1000) / 1000
	case GrowthBook1UTF16:
		return float64(fnv32UTF16(value+seed)%1000) / 1000
	case GrowthBook2UTF16:
		return float64(fnv32(strconv.FormatUint(uint64(fnv32UTF16(seed+value)), 10))%10000) / 10000
	case GrowthBook2, FlagdFractional, FlagdCBOR:
	}
	return float64(fnv32(strconv.FormatUint(uint64(fnv32(seed+value)), 10))%10000) / 10000
}

// Ordered tells whether the order of an allocation's arms makes a difference.
func (d Draw) Ordered() bool { return d != FlagdFractional && d != FlagdCBOR }

// cborText is a text in CBOR (RFC 8949, section 3.1, major type 3), with the
// shortest head.
func cborText(s string) []byte {
	const major = 3 << 5
	var head []byte
	switch n := len(s); {
	case n < 24:
		head = []byte{major | byte(n)}
	case n <= math.MaxUint8:
		head = []byte{major | 24, byte(n)}
	case n <= math.MaxUint16:
		head = binary.BigEndian.AppendUint16([]byte{major | 25}, uint16(n))
	default:
		head = binary.BigEndian.AppendUint32([]byte{major | 26}, uint32(n))
	}
	return append(head, s...)
}

func fnv32(s string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s))
	return h.Sum32()
}

// fnv32UTF16 is FNV-1a over 16-bit units: each is xored in whole.
func fnv32UTF16(s string) uint32 {
	const offset, prime = 2166136261, 16777619
	h := uint32(offset)
	for _, unit := range utf16.Encode([]rune(s)) {
		h = (h ^ uint32(unit)) * prime
	}
	return h
}

// Reversed is the allocation with its arms in the other order, in which a store
// may keep them.
func Reversed(a decide.Allocation) decide.Allocation {
	a.Arms = slices.Clone(a.Arms)
	slices.Reverse(a.Arms)
	return a
}
