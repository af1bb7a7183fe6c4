package spec

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Schedule says when assay schedule runs, and who is told of runs. After Load
// all but Cron, Jitter, Listen and PingURL are set.
type Schedule struct {
	Cron     string   `yaml:"cron,omitempty" doc:"When to run: five fields (minute hour day-of-month month day-of-week), @hourly, @daily, @weekly, @monthly, @yearly or @every 90m; without it at every multiple of the smallest cadence, in UTC."`
	Timezone string   `yaml:"timezone,omitempty" doc:"Zone of cron, e.g. Europe/Berlin; default UTC."`
	Jitter   Duration `yaml:"jitter,omitempty" doc:"Runs come up to this much later, always by the same for the same host and schedule, so that many hosts do not ask the warehouse at once; default 0."`
	CatchUp  *bool    `yaml:"catch_up,omitempty" doc:"Run once at the start if a run was due since the last recorded look; default true."`
	Grace    Duration `yaml:"grace,omitempty" doc:"How long a run may go on after SIGTERM or SIGINT before it is asked to stop, too; default 20s."`
	Listen   string   `yaml:"listen,omitempty" doc:"Address for /healthz, /readyz and /metrics, e.g. 127.0.0.1:9464; without it there is none."`
	PingURL  Secret   `yaml:"ping_url,omitempty" env:"only" doc:"URL that is told of the start and the exit code of each run, also of assay run, as <url>/start and <url>/<exit code>; only as ${ENV}."`
	// PrivateAddresses is about PingURL alone.
	PrivateAddresses bool `yaml:"private_addresses,omitempty" doc:"ping_url may be in a private network or on this machine."`
}

const defaultGrace = 20 * time.Second

func (s *Schedule) fill() {
	s.Timezone = cmp.Or(s.Timezone, "UTC")
	s.CatchUp = new(*cmp.Or(s.CatchUp, new(true)))
	s.Grace = cmp.Or(s.Grace, Duration{defaultGrace})
}

// SmallestCadence is the distance of looks of the experiment that is looked at
// most often; the default cadence where there is none.
func (p *Project) SmallestCadence() time.Duration {
	smallest := time.Duration(0)
	for i := range p.Experiments {
		cadence := p.Experiments[i].Cadence.Duration
		if cadence <= 0 {
			cadence = defaultCadence
		}
		if smallest == 0 || cadence < smallest {
			smallest = cadence
		}
	}
	return cmp.Or(smallest, defaultCadence)
}

// zonePrefixes begin an expression that says its own zone.
var zonePrefixes = []string{"CRON_TZ=", "TZ="}

// ParseCron reads what schedule.cron may say, in a zone unless it says its own.
// The error says what is wrong with it, also where it never comes.
func ParseCron(expression, zone string) (cron.Schedule, error) {
	expression = strings.TrimSpace(expression)
	own, rest, err := splitZone(expression)
	if err != nil {
		return nil, err
	}
	zone = cmp.Or(own, zone, "UTC")
	if !known(zone) {
		return nil, fmt.Errorf("unknown timezone %q; want a name such as Europe/Berlin or UTC", zone)
	}
	if length, every := strings.CutPrefix(rest, "@every "); every {
		// The parser would take anything shorter for a second.
		if d, err := time.ParseDuration(length); err == nil && d < time.Second {
			return nil, errors.New("@every wants at least 1s")
		}
	}
	ticks, err := cron.ParseStandard("CRON_TZ=" + zone + " " + rest)
	if err != nil {
		return nil, fmt.Errorf("not a cron expression: %w", err)
	}
	if ticks.Next(reference).IsZero() {
		return nil, errors.New("it never comes: there is no such day")
	}
	return ticks, nil
}

// known tells whether a zone has a name that means the same on every host.
func known(zone string) bool {
	_, err := time.LoadLocation(zone)
	return err == nil && !strings.EqualFold(zone, "local")
}

// reference is where a search for the next tick begins, whenever the spec is
// checked; the five years after it have every day there is.
var reference = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// splitZone takes CRON_TZ=zone off the front of an expression.
func splitZone(expression string) (zone, rest string, err error) {
	for _, prefix := range zonePrefixes {
		named, ok := strings.CutPrefix(expression, prefix)
		if !ok {
			continue
		}
		zone, rest, _ = strings.Cut(named, " ")
		if rest = strings.TrimSpace(rest); rest == "" || zone == "" {
			return "", "", fmt.Errorf("want %sZONE and the expression", prefix)
		}
		return zone, rest, nil
	}
	return "", expression, nil
}

// validateSchedule checks what is given. Where cron is left out the ticks are
// those of the cadence.
func validateSchedule(s Schedule, cadence time.Duration, at place) {
	shortest := cadence
	expression, zone := at.at("cron"), at.at("timezone")
	timezone(s.Timezone, zone)
	if expression.ok() {
		shortest = validateCron(s, expression, zone)
	} else if expression.absent {
		zone.refuse("timezone is the zone of cron, and there is no cron")
	}
	positive(at, map[string]Duration{"grace": s.Grace})
	jitter := at.at("jitter")
	jitter.must(s.Jitter.Duration >= 0, "jitter must be 0 or more")
	jitter.must(shortest == 0 || s.Jitter.Duration < shortest, "jitter must be less than what lies between two runs, here %s", Duration{shortest})
	at.at("listen").must(listenable(s.Listen), "want host:port, such as 127.0.0.1:9464, or :9464 for all interfaces")
	ping := at.at("ping_url")
	validateAddress(s.PingURL, ping)
	if ping.absent {
		at.at("private_addresses").refuse("private_addresses belongs to ping_url, which is not given")
	}
}

// validateCron gives the shortest time between two ticks; 0 = not known.
func validateCron(s Schedule, expression, zone place) time.Duration {
	given := s.Timezone
	if !known(given) { // that has its own problem
		given = ""
	}
	ticks, err := ParseCron(s.Cron, given)
	if err != nil {
		expression.problemf("%v", err)
		return 0
	}
	if own, _, _ := splitZone(strings.TrimSpace(s.Cron)); own != "" {
		zone.refuse("cron says its zone itself; give one of the two")
	}
	return shortestGap(ticks)
}

// gaps are so many that those of a day, a week and a month are among them.
const gaps = 100

func shortestGap(ticks cron.Schedule) time.Duration {
	var shortest time.Duration
	last := ticks.Next(reference)
	for range gaps {
		next := ticks.Next(last)
		if next.IsZero() {
			break
		}
		if gap := next.Sub(last); shortest == 0 || gap < shortest {
			shortest = gap
		}
		last = next
	}
	return shortest
}

func listenable(address string) bool {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n <= 65535
}
