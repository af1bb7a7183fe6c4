package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"assay/decide"
	"assay/job"
	"assay/ledger"
)

const (
	quarter = 6 * time.Hour
	// visitors are new users of each life in a quarter of a day.
	visitors = 250
)

// lived is the thirty days while they go by.
type lived struct {
	*world
	seed  uint64
	lives []life
	log   io.Writer
	late  map[int][]row // rows that come in later, by day
	// known is the look at which a dry run on the warehouse says rollback first,
	// and undone the one after which the flag serves control, by life.
	known, undone map[string]time.Time
	proposals     map[string]*decide.Allocation
	killed        int
}

// liveAndTell lives the days and prints what became of each life.
func liveAndTell(ctx context.Context, o options, out io.Writer) error {
	began := time.Now()
	v, err := newLife(o)
	if err != nil {
		return err
	}
	defer v.close()
	for n := range 4 * thirtyDays {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := v.live(n); err != nil {
			return fmt.Errorf("day %d: %w", n/4+1, err)
		}
	}
	return v.tell(out, time.Since(began))
}

func newLife(o options) (*lived, error) {
	w := &world{assay: o.assay, dir: o.dir, met: map[string]int{}, log: io.Discard, receiver: newReceiver(storeRemembering)}
	v := &lived{
		world: w, seed: o.seed, lives: lives(), log: os.Stderr, late: map[int][]row{},
		known: map[string]time.Time{}, undone: map[string]time.Time{}, proposals: map[string]*decide.Allocation{},
	}
	files := map[string]string{"assay.yaml": lifeProject()}
	var flags []string
	for i := range v.lives {
		l := &v.lives[i]
		files["experiments/"+l.name+".yaml"] = l.yaml()
		if l.store == "hook" {
			w.receiver.flags[l.name] = held{state: l.opening()}
			continue
		}
		flags = append(flags, l.flag())
	}
	files["flags.json"] = "{\"flags\": {\n" + strings.Join(flags, ",\n") + "\n}}\n"
	errs := []error{runSQL(w.path("warehouse.duckdb"), lifeTables)}
	for name, text := range files {
		errs = append(errs, os.MkdirAll(filepath.Dir(w.path(name)), 0o755), os.WriteFile(w.path(name), []byte(text), 0o644))
	}
	return v, errors.Join(errs...)
}

// opening is the state that a flag starts with.
func (l *life) opening() decide.Allocation {
	a := decide.Allocation{Coverage: 0.1, KnownGood: "control"}
	if l.experiment {
		a.Coverage = 1
	}
	for _, arm := range l.arms {
		a.Arms = append(a.Arms, decide.Arm{Variation: arm, Weight: 1 / float64(len(l.arms))})
	}
	return a
}

// flag is the life's flag in a flag file.
func (l *life) flag() string {
	variants, split := `"uncovered": 0`, ""
	each, rest := 50, 900
	if l.experiment {
		each, rest = 1000, 0
	}
	for i, arm := range l.arms {
		variants += fmt.Sprintf(", %q: %d", arm, i)
		split += fmt.Sprintf("[%q, %d], ", arm, each)
	}
	split += fmt.Sprintf(`["uncovered", %d]`, rest)
	return fmt.Sprintf(`%q: {"state": "ENABLED", "variants": {%s}, "defaultVariant": "control", "targeting": {"fractional": [%s]}}`, l.name, variants, split)
}

// live is a quarter of a day: the product under its flags, then at its end the
// looks that are due.
func (v *lived) live(n int) error {
	day, end := n/4, firstDay.Add(time.Duration(n+1)*quarter)
	v.outage(day)
	if err := v.product(n); err != nil {
		return err
	}
	if n%4 == 1 { // Noon.
		if err := v.persons(day, end); err != nil {
			return err
		}
	}
	if n%4 != 3 {
		return v.look(end, "--select", "tag:fast")
	}
	if err := v.foresee(end); err != nil {
		return err
	}
	if err := v.look(end); err != nil {
		return err
	}
	return v.note(end)
}

// outage takes the receiver of the store hook down for some days.
func (v *lived) outage(day int) {
	v.receiver.mu.Lock()
	defer v.receiver.mu.Unlock()
	v.receiver.manner = ""
	if day >= outageFirst && day <= outageLast {
		v.receiver.manner = "is down"
	}
}

// persons do what they planned for the noon of a day.
func (v *lived) persons(day int, now time.Time) error {
	for i := range v.lives {
		l := &v.lives[i]
		if p := v.proposals[l.name]; p != nil && l.applies {
			if err := v.setFlag(l, *p); err != nil {
				return err
			}
			delete(v.proposals, l.name)
		}
		a, ok := l.acts[day-l.start]
		switch {
		case !ok:
		case a.clear:
			r, err := v.run(call{args: []string{"clear", l.name, "--note", "it was mended", "--now", now.Format(time.RFC3339)}})
			if err != nil || r.code != 0 {
				return fmt.Errorf("clear %s: exit %d, %w\n%s", l.name, r.code, err, r.out)
			}
			delete(v.known, l.name)
			delete(v.undone, l.name)
		case a.sole != "":
			if err := v.setFlag(l, l.opening().All(a.sole)); err != nil {
				return err
			}
		default:
			if err := v.setFlag(l, l.opening().Covering(a.coverage)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *lived) setFlag(l *life, state decide.Allocation) error {
	if l.store == "hook" {
		v.receiver.set(l.name, state)
		return nil
	}
	return writeFlag(v.path("flags.json"), l.name, state)
}

// instantsOfLife are where some of the runs are killed; each is run again.
var instantsOfLife = []string{"ledger-sync/7", "ledger-head-rename/20", "statement/30", "before-ledger/9", "after-ledger/12", "before-delivery", "flag-rename", "after-delivery", "after-attempt", "page-rename/15"}

// look runs what is due. Every third night the first run is killed somewhere.
func (v *lived) look(at time.Time, more ...string) error {
	c := call{args: append([]string{"run", "--parallel", "2", "--as-of", at.Format(time.RFC3339), "--now", at.Add(afterMidnight).Format(time.RFC3339)}, more...)}
	v.receiver.mu.Lock()
	v.receiver.now = at.Add(afterMidnight)
	down := v.receiver.manner != ""
	v.receiver.mu.Unlock()
	if r := rand.New(rand.NewPCG(v.seed, uint64(at.Unix()))); len(more) == 0 && r.IntN(3) == 0 {
		c.kill = pick(r, instantsOfLife)
		killed, err := v.run(c)
		if err != nil {
			return err
		}
		if killed.code == -1 {
			v.killed++
		}
		c.kill = ""
	}
	r, err := v.run(c)
	if err != nil {
		return err
	}
	// While the store is down decisions stay in the outbox.
	if r.code != 0 && (!down || r.code != 4) {
		v.fail("as of %s: exit %d\n%s", at.Format(time.DateTime), r.code, r.out)
	}
	return nil
}

// foresee asks what a look would say without recording anything: from the first
// night that it says rollback the harm could be known.
func (v *lived) foresee(at time.Time) error {
	var open []string
	for i := range v.lives {
		l := &v.lives[i]
		if _, known := v.known[l.name]; l.harmful && !known && v.day(at) > l.start {
			open = append(open, l.name)
		}
	}
	if len(open) == 0 {
		return nil
	}
	r, err := v.run(call{args: []string{"run", "--dry-run", "--parallel", "2", "--as-of", at.Format(time.RFC3339), "--now", at.Format(time.RFC3339), "--select", strings.Join(open, ",")}})
	if err != nil || r.code != 0 && r.code != 4 {
		return fmt.Errorf("dry run: exit %d, %w\n%s", r.code, err, r.out)
	}
	for line := range strings.Lines(r.out) {
		words := strings.Fields(line)
		if len(words) > 2 && words[0] == "rollback" {
			v.known[words[1]] = at
		}
	}
	return nil
}

func (v *lived) day(at time.Time) int { return int(at.Sub(firstDay) / (24 * time.Hour)) }

// note takes down what the night left.
func (v *lived) note(at time.Time) error {
	l, err := v.ledger()
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	for i := range v.lives {
		one := &v.lives[i]
		state, err := v.flagState(one)
		if err != nil {
			return err
		}
		if _, seen := v.undone[one.name]; !seen && served(state) == "control" {
			v.undone[one.name] = at
		}
		look, err := job.Latest(l, one.name)
		if err != nil {
			return err
		}
		if look != nil && look.Body.AsOf.Equal(at) && look.Body.Decision.Proposal && len(look.Body.Deliveries) > 0 {
			v.proposals[one.name] = look.Body.Decision.Target
		}
	}
	_, _ = fmt.Fprintf(v.log, "\rday %d", v.day(at))
	return nil
}

func (v *lived) flagState(l *life) (decide.Allocation, error) {
	if l.store == "hook" {
		v.receiver.mu.Lock()
		defer v.receiver.mu.Unlock()
		return v.receiver.flags[l.name].state, nil
	}
	return readSplit(v.path("flags.json"), l.name, l.arms)
}

// served says what everybody gets, or which share is covered.
func served(a decide.Allocation) string {
	if variation, ok := a.Sole(); ok {
		return variation
	}
	return fmt.Sprintf("%.3g %%", 100*a.Coverage)
}

// tell prints what became of each life.
func (v *lived) tell(out io.Writer, took time.Duration) error {
	l, err := v.ledger()
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	if pending, err := l.Outbox(); err != nil || len(pending) > 0 {
		v.fail("%d deliveries are still owed (%v)", len(pending), err)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "name\twhat is wrong\texpected\tgot\tknown, undone on day\t")
	falsely, harmless := 0, 0
	for i := range v.lives {
		one := &v.lives[i]
		got, err := v.became(l, one)
		if err != nil {
			return err
		}
		mark := ""
		switch {
		case slices.Contains(one.want, got):
		case one.harmless && strings.HasPrefix(got, rolledBack):
			falsely++
			mark = "false rollback"
		default:
			v.fail("%s: %s, want %s", one.name, got, strings.Join(one.want, " or "))
			mark = "WRONG"
		}
		if one.harmless {
			harmless++
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", one.name, one.truth, strings.Join(one.want, " or "), got, v.speed(one), mark)
		if err := v.climbed(l, one); err != nil {
			return err
		}
	}
	if most := mostFalse(harmless, falseRollbacks); falsely > most {
		v.fail("%d of %d harmless ones were rolled back; more than %d happen once in a thousand times", falsely, harmless, most)
	}
	v.received()
	err = table.Flush()
	for _, text := range v.wrong {
		_, _ = fmt.Fprintf(out, "FAILED %s\n", text)
	}
	_, _ = fmt.Fprintf(out, "\n%d lives, %d days, %d calls of the program (%d of them killed), %d records, %d false rollbacks of %d harmless ones (at most %d are allowed), seed %d: %d failures (%s)\n",
		len(v.lives), thirtyDays, v.calls, v.killed, v.records(), falsely, harmless, mostFalse(harmless, falseRollbacks), v.seed, len(v.wrong), took.Round(time.Second))
	if len(v.wrong) > 0 {
		return errors.Join(err, errBroken)
	}
	return err
}

// falseRollbacks is the chance that a harmless rollout is rolled back in its
// life, as its policy allows.
const falseRollbacks = 0.05

// mostFalse is the largest count of n that is not less likely than one in a
// thousand, each with chance p: a binomial bound.
func mostFalse(n int, p float64) int {
	term, sum := 1.0, 0.0
	for range n {
		term *= 1 - p
	}
	for k := range n {
		sum += term
		if 1-sum < 0.001 {
			return k
		}
		term *= float64(n-k) / float64(k+1) * p / (1 - p)
	}
	return n
}

// became says in words in which state a life ended.
func (v *lived) became(l *ledger.Ledger, one *life) (string, error) {
	look, err := job.Latest(l, one.name)
	if err != nil || look == nil {
		return "no look", err
	}
	state, err := v.flagState(one)
	if err != nil {
		return "", err
	}
	serving := served(state)
	b := &look.Body
	end := b.Standing.Ended
	switch {
	case end != nil && end.Verdict == decide.Rollback:
		return "rolled back by " + end.By + unless(serving, "control"), nil
	case end != nil && one.experiment:
		return "shipped by " + end.By + ": " + serving, nil
	case end != nil:
		return "shipped by " + end.By + unless(serving, "treatment"), nil
	case b.Decision.Proposal:
		return string(b.Decision.Verdict) + " proposed at " + serving, nil
	case serving == "control":
		return string(b.Decision.Verdict) + ", everybody gets control", nil
	}
	return string(b.Decision.Verdict) + " at " + serving, nil
}

func unless(serving, want string) string {
	if serving == want {
		return ""
	}
	return ", serves " + serving
}

// speed says when the harm could be known and when the flag served control; it
// has to be the same night, or the first one after an outage of the store.
func (v *lived) speed(one *life) string {
	known, ok := v.known[one.name]
	if !one.harmful || !ok {
		return ""
	}
	undone, ok := v.undone[one.name]
	if !ok {
		v.fail("%s: known on day %d and never undone", one.name, v.day(known))
		return fmt.Sprintf("%d, never", v.day(known))
	}
	due := known
	if last := firstDay.AddDate(0, 0, outageLast+2); one.store == "hook" && v.day(known) > outageFirst && known.Before(last) {
		due = last
	}
	if undone.After(due) {
		v.fail("%s: known on day %d, undone on day %d", one.name, v.day(known), v.day(undone))
	}
	return fmt.Sprintf("%d, %d", v.day(known), v.day(undone))
}

// climbed holds a life to one rung a look, and to no step at all once it ended.
func (v *lived) climbed(l *ledger.Ledger, one *life) error {
	rungs := []float64{0, 0.1, 0.25, 0.5, 0.75, 1}
	ended := false
	for look, err := range l.Looks(one.name) {
		if err != nil {
			return err
		}
		b := &look.Body
		if b.Decision.Verdict == decide.Ramp {
			from, to := b.Allocation.Coverage, b.Decision.Target.Coverage
			if _, sole := b.Allocation.Sole(); sole {
				from = 0
			}
			next := slices.IndexFunc(rungs, func(r float64) bool { return r > from+1e-6 })
			if next < 0 || to > rungs[next]+1e-6 {
				v.fail("%s as of %s: a step from %.3g to %.3g", one.name, b.AsOf.Format(time.DateOnly), from, to)
			}
		}
		if ended && len(b.Deliveries) > 0 && b.Version == 1 {
			v.fail("%s as of %s: a change after the end", one.name, b.AsOf.Format(time.DateOnly))
		}
		ended = b.Standing.Ended != nil && b.Decision.Reasons[0].Code == "already_decided"
	}
	return nil
}
