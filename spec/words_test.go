package spec_test

import (
	"testing"
	"time"

	"assay/spec"
)

// TestPolicyWords: whatever a policy has is in words, so that a decision can be
// repeated from them.
func TestPolicyWords(t *testing.T) {
	no, floor := false, 0.001
	got := spec.Policy{
		Alpha: spec.Alphas{Goals: 0.05}, AutoRollback: &no, MaxBlind: spec.Duration{Duration: 24 * time.Hour},
		OnSampleRatio: "hold", MinUnits: 20, SampleRatioFloor: &floor,
	}.Words()
	for key, want := range map[string]string{
		"alpha.goals": "0.05", "auto_rollback": "false", "max_blind": "1d", "on_sample_ratio": "hold", "min_units": "20", "sample_ratio_floor": "0.001",
	} {
		if got[key] != want {
			t.Errorf("%s is %q, want %q", key, got[key], want)
		}
	}
	if _, ok := got["prior"]; ok {
		t.Errorf("what is not set is there: %v", got)
	}
}
