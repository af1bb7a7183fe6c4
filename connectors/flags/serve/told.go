package serve

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
)

// Example is a first flags file.
//
//go:embed example.json
var Example string

// Told is what an entry is about and what changed, in words. Names and reasons
// are data that strangers may have influenced.
func (e Entry) Told() string {
	what := e.Flag
	if e.Segment != "" {
		what = "segment " + e.Segment
	}
	parts := []string{what}
	if e.Verdict != "" {
		parts = append(parts, fmt.Sprintf("%s of %s (%s)", e.Verdict, e.Experiment, e.ID))
	}
	if e.Target != nil {
		parts = append(parts, fmt.Sprintf("coverage %g is proposed", e.Target.Coverage))
	}
	if e.Segment == "" && e.Target == nil {
		parts = append(parts, brief(e.Before)+" -> "+brief(e.After))
	}
	if e.Reason != "" {
		parts = append(parts, e.Reason)
	}
	return strings.Join(parts, "; ")
}

// brief is the split of a flag in the log.
func brief(text json.RawMessage) string {
	var f Flag
	switch {
	case text == nil:
		return "nothing"
	case json.Unmarshal(text, &f) != nil:
		return "?"
	case f.Disabled:
		return "disabled"
	}
	arms := make([]string, len(f.Variations))
	for i, arm := range f.Allocation().Arms {
		arms[i] = fmt.Sprintf("%s %.4g", arm.Variation, arm.Weight)
	}
	return fmt.Sprintf("coverage %.4g (%s)", f.Coverage, strings.Join(arms, ", "))
}
