package stats

import (
	"encoding/json"
	"fmt"
	"math"
)

// Interval holds one end or two; an open end is null in JSON and ±Inf in Go.
type Interval struct {
	Lower, Upper float64
}

// openInterval says nothing.
func openInterval() Interval { return Interval{Lower: math.Inf(-1), Upper: math.Inf(1)} }

// around is the interval of half width h about x; an end that is no number is
// open.
func around(x, h float64) Interval {
	i := Interval{Lower: x - h, Upper: x + h}
	if math.IsNaN(i.Lower) {
		i.Lower = math.Inf(-1)
	}
	if math.IsNaN(i.Upper) {
		i.Upper = math.Inf(1)
	}
	return i
}

// Contains tells whether x is in the interval.
func (i Interval) Contains(x float64) bool { return i.Lower <= x && x <= i.Upper }

// within cuts the interval to [lower, upper].
func (i Interval) within(lower, upper float64) Interval {
	return Interval{Lower: max(i.Lower, lower), Upper: min(i.Upper, upper)}
}

// ends is an Interval in JSON.
type ends struct {
	Lower *float64 `json:"lower"`
	Upper *float64 `json:"upper"`
}

// MarshalJSON writes {"lower": 1, "upper": null}; null is an open end. It
// never errs.
func (i Interval) MarshalJSON() ([]byte, error) {
	var e ends
	if isFinite(i.Lower) {
		e.Lower = &i.Lower
	}
	if isFinite(i.Upper) {
		e.Upper = &i.Upper
	}
	return json.Marshal(e)
}

// UnmarshalJSON reads what MarshalJSON writes; it errs where that is no JSON of
// this form.
func (i *Interval) UnmarshalJSON(b []byte) error {
	var e ends
	if err := json.Unmarshal(b, &e); err != nil {
		return fmt.Errorf("interval: %w", err)
	}
	*i = openInterval()
	if e.Lower != nil {
		i.Lower = *e.Lower
	}
	if e.Upper != nil {
		i.Upper = *e.Upper
	}
	return nil
}
