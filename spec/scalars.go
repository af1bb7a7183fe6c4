package spec

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Duration is a length of time: Go's notation plus d for 24 hours and w for 7
// days ("36h", "14d", "1d12h").
type Duration struct{ time.Duration }

const day = 24 * time.Hour

var (
	errDuration = errors.New("want a duration such as 36h, 14d or 1d12h")
	errInstant  = errors.New("want a date such as 2026-11-01 or an instant such as 2026-11-01T08:00:00Z")
	errNoZone   = errors.New("the instant has no zone: end it with Z for UTC, or with an offset such as +02:00")
)

var durationPart = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)(ns|us|µs|ms|s|m|h|d|w)`)

// ParseDuration reads a Duration; a leading minus is accepted, a bare number
// other than 0 is not. The error says what is wanted.
func ParseDuration(text string) (Duration, error) {
	rest, negative := strings.CutPrefix(text, "-")
	if rest == "0" {
		return Duration{}, nil
	}
	if rest == "" {
		return Duration{}, errDuration
	}
	var sum time.Duration
	for rest != "" {
		part := durationPart.FindStringSubmatch(rest)
		if part == nil {
			return Duration{}, errDuration
		}
		length, err := lengthOf(part[1], part[2])
		if err != nil || sum > math.MaxInt64-length {
			return Duration{}, errors.New("the duration is too long: at most 292 years")
		}
		sum += length
		rest = rest[len(part[0]):]
	}
	if negative {
		sum = -sum
	}
	return Duration{sum}, nil
}

// lengthOf is number times unit; an error means that it overflows.
func lengthOf(number, unit string) (time.Duration, error) {
	hours := map[string]time.Duration{"d": 24, "w": 7 * 24}
	times, long := hours[unit]
	if !long {
		return time.ParseDuration(number + unit)
	}
	length, err := time.ParseDuration(number + "h")
	if err != nil || length > math.MaxInt64/times {
		return 0, errDuration
	}
	return length * times, nil
}

// String writes the duration as a user would: 14d, 1d12h, 10m, 1m30s.
func (d Duration) String() string {
	if d.Duration < 0 && d.Duration != math.MinInt64 {
		return "-" + Duration{-d.Duration}.String()
	}
	var b strings.Builder
	rest := d.Duration
	for _, unit := range []struct {
		name   string
		length time.Duration
	}{{"d", day}, {"h", time.Hour}, {"m", time.Minute}} {
		if n := rest / unit.length; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, unit.name)
			rest -= n * unit.length
		}
	}
	if rest != 0 || b.Len() == 0 {
		b.WriteString(rest.String())
	}
	return b.String()
}

// MarshalText writes String.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what ParseDuration reads.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := ParseDuration(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// Size is a number of bytes: a whole number with B, KB, MB, GB, TB or PB, or the
// same with i for powers of 1024 ("50GB", "1.5TiB"). At least 0.
type Size int64

var (
	errSize = errors.New("want a size such as 50GB or 1.5TiB")
	// sizeUnits are powers of 1000 or 1024.
	sizeUnits = []string{"", "K", "M", "G", "T", "P"}
	sizeForm  = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?) ?([KMGTP]?)(i?)B$`)
)

// ParseSize reads a Size; the error says what is wanted.
func ParseSize(text string) (Size, error) {
	part := sizeForm.FindStringSubmatch(text)
	if part == nil || part[2] == "" && part[3] != "" {
		return 0, errSize
	}
	base := 1000.0
	if part[3] != "" {
		base = 1024
	}
	number, err := strconv.ParseFloat(part[1], 64)
	bytes := number * math.Pow(base, float64(slices.Index(sizeUnits, part[2])))
	if err != nil || bytes >= math.MaxInt64 {
		return 0, errors.New("the size is too large: at most 9 million TB")
	}
	return Size(math.Round(bytes)), nil
}

// String writes the size in the largest unit that is at least 1, with up to three
// digits: 50GB, 1.65TB.
func (s Size) String() string {
	value, unit := float64(s), 0
	for value >= 999.5 && unit < len(sizeUnits)-1 {
		value, unit = value/1000, unit+1
	}
	return strconv.FormatFloat(value, 'g', max(3, len(strconv.Itoa(int(value)))), 64) + sizeUnits[unit] + "B"
}

// MarshalText writes the bytes exactly.
func (s Size) MarshalText() ([]byte, error) {
	return []byte(strconv.FormatInt(int64(s), 10) + "B"), nil
}

// UnmarshalText reads what ParseSize reads.
func (s *Size) UnmarshalText(text []byte) error {
	parsed, err := ParseSize(string(text))
	if err != nil {
		return err
	}
	*s = parsed
	return nil
}

// Instant is a point in time in UTC, written as RFC 3339 or as a date.
type Instant struct{ time.Time }

// ParseInstant reads a date (midnight UTC) or an RFC 3339 instant and gives it
// in UTC. The error says what is wanted.
func ParseInstant(text string) (Instant, error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339Nano} {
		if t, err := time.Parse(layout, text); err == nil {
			return Instant{t.UTC()}, nil
		}
	}
	for _, layout := range []string{"2006-01-02T15:04:05", time.DateTime, "2006-01-02T15:04", "2006-01-02 15:04"} {
		if _, err := time.Parse(layout, text); err == nil {
			return Instant{}, errNoZone
		}
	}
	return Instant{}, errInstant
}

// Secret is a value that must never be shown: it prints, formats, logs and
// marshals as ***. The value lies behind a pointer, so that a Secret in an
// unexported field of some other struct does not print either.
type Secret struct{ value *string }

// NewSecret wraps a value.
func NewSecret(value string) Secret { return Secret{&value} }

// Reveal returns the value; call it only where it is used.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero tells whether there is no secret.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

// Equal tells whether both hold the same value.
func (s Secret) Equal(other Secret) bool { return s.Reveal() == other.Reveal() }

const redacted = "***"

// String returns ***, or nothing where there is no secret.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return redacted
}

// Format prints *** under every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// GoString returns ***.
func (s Secret) GoString() string { return s.String() }

// MarshalText returns ***.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalYAML returns ***.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

// LogValue returns ***.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
