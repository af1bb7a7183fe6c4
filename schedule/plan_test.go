package schedule_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"assay/schedule"
	"assay/spec"
)

// plan is that of a project with one experiment.
func plan(t *testing.T, s spec.Schedule, cadence time.Duration, host string) schedule.Plan {
	t.Helper()
	p, err := schedule.For(&spec.Project{
		Dir: "/projects/shop", Config: spec.Config{Schedule: s},
		Experiments: []spec.Experiment{{Cadence: spec.Duration{Duration: cadence}}},
	}, host)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func instant(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// ticks are those between two instants, as the clock on the wall of a zone
// shows them.
func ticks(t *testing.T, p schedule.Plan, from, until, zone string) []string {
	t.Helper()
	place, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	at, end := instant(t, from), instant(t, until)
	for range 1000 {
		at = p.Next(at)
		if at.IsZero() || at.After(end) {
			return out
		}
		out = append(out, at.In(place).Format("02 15:04 MST"))
	}
	t.Fatal("no end of ticks")
	return nil
}

// Clocks in Berlin go from 02:00 to 03:00 on 29 March 2026, and from 03:00 back
// to 02:00 on 25 October.
func TestClocksPutForwardAndBack(t *testing.T) {
	const spring, autumn = "2026-03-28T12:00:00Z 2026-03-30T11:00:00Z", "2026-10-24T12:00:00Z 2026-10-26T11:00:00Z"
	for _, c := range []struct{ expression, zone, span, want string }{
		{"30 2 * * *", "Europe/Berlin", spring, "29 03:00 CEST, 30 02:30 CEST"},
		{"30 2 * * *", "Europe/Berlin", autumn, "25 02:30 CEST, 26 02:30 CET"},
		{"*/20 2 * * *", "Europe/Berlin", spring, "29 03:00 CEST, 30 02:00 CEST, 30 02:20 CEST, 30 02:40 CEST"},
		{"*/20 2 * * *", "Europe/Berlin", autumn, "25 02:00 CEST, 25 02:20 CEST, 25 02:40 CEST, 26 02:00 CET, 26 02:20 CET, 26 02:40 CET"},
		{"0 3 * * *", "Europe/Berlin", spring, "29 03:00 CEST, 30 03:00 CEST"},
		{"0 1 * * *", "Europe/Berlin", spring, "29 01:00 CET, 30 01:00 CEST"},
		{"0 2 * * *", "Europe/Berlin", autumn, "25 02:00 CEST, 26 02:00 CET"},
		{"0 3 * * *", "Europe/Berlin", autumn, "25 03:00 CET, 26 03:00 CET"},
		{"30 2 * * *", "UTC", spring, "29 02:30 UTC, 30 02:30 UTC"},
		{"30 2 30 3 *", "Europe/Berlin", spring, "30 02:30 CEST"},
		{"CRON_TZ=America/New_York 30 2 * * *", "", "2026-03-07T12:00:00Z 2026-03-09T12:00:00Z", "08 03:00 EDT, 09 02:30 EDT"},
		{"30 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00Z 2026-10-05T12:00:00Z", "04 02:30 +11, 05 02:30 +11"},
		{"15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00Z 2026-10-05T12:00:00Z", "04 02:30 +11, 05 02:15 +11"},
		{"45 1 * * *", "Australia/Lord_Howe", "2026-04-04T12:00:00Z 2026-04-06T12:00:00Z", "05 01:45 +11, 06 01:45 +1030"},
	} {
		p := plan(t, spec.Schedule{Cron: c.expression, Timezone: c.zone}, time.Hour, "host")
		from, until, _ := strings.Cut(c.span, " ")
		zone := c.zone
		if zone == "" {
			zone = "America/New_York"
		}
		if got := strings.Join(ticks(t, p, from, until, zone), ", "); got != c.want {
			t.Errorf("%s in %s from %s:\n%s, want\n%s", c.expression, zone, from, got, c.want)
		}
	}
}

// A schedule at any hour goes by elapsed time: 23 ticks on the short day, 25 on
// the long one.
func TestEveryHourGoesByElapsedTime(t *testing.T) {
	for _, expression := range []string{"0 * * * *", "@hourly", "7 * * * *"} {
		p := plan(t, spec.Schedule{Cron: expression, Timezone: "Europe/Berlin"}, time.Hour, "host")
		for from, c := range map[string]struct {
			until string
			want  int
		}{
			"2026-03-28T23:00:00Z": {"2026-03-29T22:00:00Z", 23}, "2026-10-24T22:00:00Z": {"2026-10-25T23:00:00Z", 25},
		} {
			if got := ticks(t, p, from, c.until, "Europe/Berlin"); len(got) != c.want {
				t.Errorf("%s has %d ticks from %s: %v", expression, len(got), from, got)
			}
		}
	}
}

// Without an expression runs come where as-of is floored to.
func TestDerivedFromTheCadence(t *testing.T) {
	for cadence, want := range map[time.Duration]string{
		24 * time.Hour:     "02 00:00 UTC, 03 00:00 UTC",
		12 * time.Hour:     "01 12:00 UTC, 02 00:00 UTC, 02 12:00 UTC, 03 00:00 UTC, 03 12:00 UTC",
		7 * 24 * time.Hour: "02 00:00 UTC", // a Monday
		36 * time.Hour:     "02 12:00 UTC",
	} {
		p := plan(t, spec.Schedule{}, cadence, "host")
		got := ticks(t, p, "2026-11-01T09:00:00Z", "2026-11-03T13:00:00Z", "UTC")
		if strings.Join(got, ", ") != want {
			t.Errorf("cadence %s: %v, want %s", cadence, got, want)
		}
		first := p.Next(instant(t, "2026-11-01T09:00:00Z"))
		if !first.Truncate(cadence).Equal(first) {
			t.Errorf("cadence %s: %s is not what as-of is floored to", cadence, first)
		}
	}
}

func TestJitter(t *testing.T) {
	from := instant(t, "2026-11-01T09:00:00Z")
	s := spec.Schedule{Cron: "0 * * * *", Timezone: "UTC", Jitter: spec.Duration{Duration: 10 * time.Minute}}
	offsets := map[time.Duration]bool{}
	for _, host := range []string{"a", "b", "c", "d"} {
		p := plan(t, s, time.Hour, host)
		if again := plan(t, s, time.Hour, host); again.Offset() != p.Offset() {
			t.Errorf("host %s: %s, then %s", host, p.Offset(), again.Offset())
		}
		if p.Offset() < 0 || p.Offset() >= 10*time.Minute {
			t.Errorf("host %s: offset %s", host, p.Offset())
		}
		offsets[p.Offset()] = true
		first := p.Next(from)
		if want := from.Add(p.Offset()); !first.Equal(want) && !first.Equal(want.Add(time.Hour)) {
			t.Errorf("host %s: %s", host, first)
		}
		if second := p.Next(first); second.Sub(first) != time.Hour {
			t.Errorf("host %s: after %s comes %s", host, first, second)
		}
	}
	if len(offsets) != 4 {
		t.Errorf("four hosts have the offsets %v", offsets)
	}
	other := s
	other.Cron = "30 * * * *"
	if plan(t, s, time.Hour, "a").Offset() == plan(t, other, time.Hour, "a").Offset() {
		t.Error("two schedules of a host have one offset")
	}
	if got := plan(t, spec.Schedule{Cron: "0 * * * *"}, time.Hour, "a").Offset(); got != 0 {
		t.Errorf("without jitter the offset is %s", got)
	}
}

func TestMissedAndOverdue(t *testing.T) {
	p := plan(t, spec.Schedule{Cron: "0 6 * * *", Timezone: "UTC"}, time.Hour, "host")
	since := instant(t, "2026-11-01T06:02:00Z")
	for now, want := range map[string][]bool{
		"2026-11-01T06:02:00Z": {false, false}, "2026-11-02T05:59:59Z": {false, false}, "2026-11-02T06:00:00Z": {true, false},
		"2026-11-03T05:59:00Z": {true, false}, "2026-11-03T06:00:00Z": {true, true}, "2026-10-01T00:00:00Z": {false, false},
	} {
		at := instant(t, now)
		if got := []bool{p.Missed(since, at), p.Overdue(since, at)}; !slices.Equal(got, want) {
			t.Errorf("%s: missed and overdue are %v", now, got)
		}
	}
}

func TestForRefusesABadExpression(t *testing.T) {
	_, err := schedule.For(&spec.Project{Config: spec.Config{Schedule: spec.Schedule{Cron: "soon"}}}, "host")
	if err == nil || !strings.HasPrefix(err.Error(), "schedule: not a cron expression") {
		t.Errorf("%v", err)
	}
}
