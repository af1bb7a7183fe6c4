package stats

import (
	"encoding/json"
	"fmt"
)

// Optional is a number that may have no answer; null in JSON. The zero value
// has none. It is a value, so that a result needs no allocation.
type Optional struct {
	Value float64
	Known bool
}

// Some is a number that is known, if it is finite.
func Some(x float64) Optional {
	if !isFinite(x) {
		return Optional{}
	}
	return Optional{Value: x, Known: true}
}

// IsZero tells omitzero that there is nothing to write.
func (o Optional) IsZero() bool { return !o.Known }

// MarshalJSON writes the number, or null. It never errs: Known numbers that
// Some made are finite.
func (o Optional) MarshalJSON() ([]byte, error) {
	if !o.Known {
		return []byte("null"), nil
	}
	return json.Marshal(o.Value)
}

// UnmarshalJSON reads what MarshalJSON writes; it errs on anything else.
func (o *Optional) UnmarshalJSON(b []byte) error {
	var x *float64
	if err := json.Unmarshal(b, &x); err != nil {
		return fmt.Errorf("optional number: %w", err)
	}
	*o = Optional{}
	if x != nil {
		*o = Some(*x)
	}
	return nil
}
