package report

import (
	"testing"
	"time"

	"assay/ledger"
)

// TestScanned: a page says where each scan began, and nothing of what was kept
// where nothing was.
func TestScanned(t *testing.T) {
	at := time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)
	for want, i := range map[string]*ledger.Incremental{
		"": nil,
		"exposures from the beginning; clicks from the beginning": {Sources: []ledger.KeptSource{{Source: "clicks"}}},
		"exposures since 2026-11-03 00:00Z; clicks since 2026-11-03 00:00Z; log, all of it: days counts distinct values or days; the rest is from what earlier looks kept": {
			Since: &at, Sources: []ledger.KeptSource{{Source: "clicks", Since: &at}, {Source: "log", Whole: "days counts distinct values or days"}},
		},
	} {
		if got := scanned(i); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
