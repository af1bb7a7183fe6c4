package spec_test

import (
	"testing"
	"time"

	"assay/spec"

	"github.com/google/go-cmp/cmp"
)

func TestScheduleIsRead(t *testing.T) {
	s := load(t, "testdata/ok").Config.Schedule
	ping := s.PingURL
	s.PingURL = spec.Secret{}
	want := spec.Schedule{
		Cron: "15 */2 * * *", Timezone: "Europe/Berlin", Jitter: spec.Duration{Duration: 5 * time.Minute}, CatchUp: new(false),
		Grace: spec.Duration{Duration: 20 * time.Second}, Listen: "127.0.0.1:9464",
	}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Errorf("schedule (-want +got):\n%s", diff)
	}
	if ping.Reveal() != "https://ping.example/hook-token-4711" {
		t.Errorf("ping_url is %q", ping.Reveal())
	}
}

func TestScheduleDefaults(t *testing.T) {
	p := load(t, "testdata/warnings")
	s := p.Config.Schedule
	if s.Cron != "" || s.Timezone != "UTC" || !*s.CatchUp || s.Grace.Duration != 20*time.Second || s.Listen != "" || !s.PingURL.IsZero() {
		t.Errorf("%+v", s)
	}
	none := &spec.Project{}
	if got := none.SmallestCadence(); got != 24*time.Hour {
		t.Errorf("without experiments the smallest cadence is %s", got)
	}
	several := &spec.Project{Experiments: []spec.Experiment{{}, {Cadence: spec.Duration{Duration: time.Hour}}, {Cadence: spec.Duration{Duration: 6 * time.Hour}}}}
	if got := several.SmallestCadence(); got != time.Hour {
		t.Errorf("the smallest cadence is %s", got)
	}
}

func TestParseCron(t *testing.T) {
	from := time.Date(2026, 11, 1, 12, 34, 56, 0, time.UTC)
	for _, c := range []struct{ expression, zone, want string }{
		{"*/5 * * * *", "UTC", "2026-11-01T12:35:00Z"},
		{"  0 6 * * mon-fri ", "UTC", "2026-11-02T06:00:00Z"},
		{"0 6 * * *", "Asia/Kolkata", "2026-11-02T00:30:00Z"},
		{"0 6 * * *", "", "2026-11-02T06:00:00Z"},
		{"CRON_TZ=Asia/Tokyo 0 6 * * *", "", "2026-11-01T21:00:00Z"},
		{"TZ=Asia/Tokyo   @daily", "Europe/Berlin", "2026-11-01T15:00:00Z"},
		{"@hourly", "UTC", "2026-11-01T13:00:00Z"},
		{"@every 90m", "UTC", "2026-11-01T14:04:56Z"},
		{"0 0 29 2 *", "UTC", "2028-02-29T00:00:00Z"},
	} {
		ticks, err := spec.ParseCron(c.expression, c.zone)
		if err != nil {
			t.Errorf("%s: %v", c.expression, err)
			continue
		}
		if got := ticks.Next(from).UTC().Format(time.RFC3339); got != c.want {
			t.Errorf("%s in %q: next is %s, want %s", c.expression, c.zone, got, c.want)
		}
	}
}

func TestParseCronRefuses(t *testing.T) {
	for expression, want := range map[string]string{
		"":                          "not a cron expression: expected exactly 5 fields, found 0: []",
		"* * * *":                   "not a cron expression: expected exactly 5 fields, found 4: [* * * *]",
		"0 0 * * * *":               "not a cron expression: expected exactly 5 fields, found 6: [0 0 * * * *]",
		"60 * * * *":                "not a cron expression: end of range (60) above maximum (59): 60",
		"@reboot":                   "not a cron expression: unrecognized descriptor: @reboot",
		"@every":                    "not a cron expression: unrecognized descriptor: @every",
		"@every 0s":                 "@every wants at least 1s",
		"@every -1h":                "@every wants at least 1s",
		"0 0 30 2 *":                "it never comes: there is no such day",
		", * * * *":                 "it never comes: there is no such day",
		"TZ=":                       "want TZ=ZONE and the expression",
		"CRON_TZ=UTC":               "want CRON_TZ=ZONE and the expression",
		"CRON_TZ= 0 6 * * *":        "want CRON_TZ=ZONE and the expression",
		"CRON_TZ=Local 0 6 * * *":   `unknown timezone "Local"; want a name such as Europe/Berlin or UTC`,
		"CRON_TZ=Nowhere @daily":    `unknown timezone "Nowhere"; want a name such as Europe/Berlin or UTC`,
		"CRON_TZ=UTC TZ=UTC @daily": "not a cron expression: expected exactly 5 fields, found 2: [TZ=UTC @daily]",
	} {
		_, err := spec.ParseCron(expression, "")
		if err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", expression, err, want)
		}
	}
}

// No text makes the parser panic or the search for the next tick endless.
func FuzzParseCron(f *testing.F) {
	for _, seed := range []string{"*/5 * * * *", "CRON_TZ=UTC @daily", "TZ=", "@every 1ns", ", , , , ,", "0 0 30 2 *", "? ? ? ? ?", "1-0 * * * *", "*/0 * * * *"} {
		f.Add(seed, "Europe/Berlin")
	}
	from := time.Date(2026, 3, 29, 0, 30, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, expression, zone string) {
		ticks, err := spec.ParseCron(expression, zone)
		if err != nil {
			return
		}
		if next := ticks.Next(from); !next.IsZero() && !next.After(from) {
			t.Errorf("%q in %q: after %s comes %s", expression, zone, from, next)
		}
	})
}
