package spec_test

import (
	"testing"
	"time"

	"assay/spec"
)

func TestParseDuration(t *testing.T) {
	const day = 24 * time.Hour
	good := map[string]time.Duration{
		"0": 0, "0s": 0, "36h": 36 * time.Hour, "14d": 14 * day, "2w": 14 * day, "1d12h": 36 * time.Hour,
		"1w1d1h1m1s": 8*day + time.Hour + time.Minute + time.Second, "1.5d": 36 * time.Hour, "0.1d": 8640 * time.Second,
		"250ms": 250 * time.Millisecond, "-1h30m": -90 * time.Minute, "10m": 10 * time.Minute, "1µs": time.Microsecond,
	}
	for text, want := range good {
		got, err := spec.ParseDuration(text)
		if err != nil || got.Duration != want {
			t.Errorf("%s: got %v, %v; want %v", text, got.Duration, err, want)
		}
		again, err := spec.ParseDuration(got.String())
		if err != nil || again != got {
			t.Errorf("%s: %s reads as %v, %v", text, got, again, err)
		}
	}
	for _, text := range []string{"", "-", "1", "d", "1 d", "1d ", "1month", "1h30", "--1h", "1e3h", ".5h", "1.h", "106752d", "99999999999h", "15251w", "106751d24h"} {
		if got, err := spec.ParseDuration(text); err == nil {
			t.Errorf("%q reads as %v", text, got.Duration)
		}
	}
}

func TestDurationString(t *testing.T) {
	for length, want := range map[time.Duration]string{
		0: "0s", 14 * 24 * time.Hour: "14d", 36 * time.Hour: "1d12h", 90 * time.Second: "1m30s",
		time.Hour: "1h", 1500 * time.Millisecond: "1.5s", -time.Hour: "-1h", 24*time.Hour + time.Second: "1d1s",
	} {
		if got := (spec.Duration{Duration: length}).String(); got != want {
			t.Errorf("%d: got %s, want %s", length, got, want)
		}
	}
}

func TestParseInstant(t *testing.T) {
	for text, want := range map[string]string{
		"2026-11-01":                "2026-11-01T00:00:00Z",
		"2026-11-01T08:00:00Z":      "2026-11-01T08:00:00Z",
		"2026-11-01T08:00:00+02:00": "2026-11-01T06:00:00Z",
		"2026-11-01T08:00:00.25Z":   "2026-11-01T08:00:00.25Z",
	} {
		got, err := spec.ParseInstant(text)
		if err != nil || got.Format(time.RFC3339Nano) != want {
			t.Errorf("%s: got %v, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "now", "2026-13-01", "2026-11-01T08:00:00", "2026-11-01 08:00", "01.11.2026"} {
		if got, err := spec.ParseInstant(text); err == nil {
			t.Errorf("%q reads as %v", text, got)
		}
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]spec.Size{
		"0B": 0, "7B": 7, "50GB": 50e9, "1.5TiB": 3 << 39, "500 MiB": 500 << 20, "8PB": 8e15, "1KB": 1000,
	} {
		if got, err := spec.ParseSize(text); err != nil || got != want {
			t.Errorf("%s: %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "50", "GB", "-1GB", "1iB", "1gb", "10000PB", "1e3GB", "NaNGB"} {
		if got, err := spec.ParseSize(text); err == nil {
			t.Errorf("%q is read as %d", text, got)
		}
	}
	for size, want := range map[spec.Size]string{0: "0B", 999: "999B", 1500: "1.5KB", 999_600: "1MB", 50e9: "50GB", 1.65e12: "1.65TB", 8e18: "8000PB"} {
		if size.String() != want {
			t.Errorf("%d is written %s, want %s", int64(size), size, want)
		}
	}
}
