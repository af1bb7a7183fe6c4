package main

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"assay/decide"
	"assay/job"
	"assay/ledger"
)

// judge holds the end of one call to the table of exit codes.
func (t *trial) judge(r result) {
	if r.code == -1 {
		if t.call.kill == "" && t.call.killAfter == 0 && !t.killer() {
			t.fail("killed by nobody of ours\n%s", r.out)
		}
		return
	}
	if strings.Contains(r.out, "panic:") || strings.Contains(r.out, "goroutine ") {
		t.fail("it panicked\n%s", r.out)
	}
	if t.tampered != "" {
		if r.code != 3 || !strings.Contains(r.out, "tampered") {
			t.fail("ledger tampered (%s): exit %d, want 3\n%s", t.tampered, r.code, r.out)
		}
		return
	}
	if strings.Contains(r.out, "tampered") {
		t.fail("a false alarm of tampering\n%s", r.out)
		return
	}
	want, err := t.allowed(r)
	if err != nil {
		t.fail("the ledger after exit %d: %v\n%s", r.code, err, r.out)
		return
	}
	if !slices.Contains(want, r.code) {
		t.fail("exit %d, want %v\n%s", r.code, want, r.out)
	}
}

func (t *trial) killer() bool {
	f := t.group(groupProcess)
	return f != nil && strings.HasPrefix(f.kind, "killed")
}

// allowed are the exit codes that the table gives to what happened; more than
// one only where chance had a hand in it.
func (t *trial) allowed(r result) ([]int, error) {
	if f := t.group(groupClock); f != nil && f.skew+afterMidnight < -skewAllowed && !t.deliver {
		return []int{2}, nil // as-of is in the future
	}
	s, err := t.since()
	if err != nil {
		return nil, err
	}
	code := s.code(t)
	want := []int{code}
	if t.has("terminated") && r.paused {
		want = append(want, 143)
	}
	if t.mate != nil {
		want = []int{0, 1, 3, 4, 11}
		if !slices.Contains(want, t.mateCode) && t.mateCode != -1 {
			return nil, fmt.Errorf("the other run ended with %d", t.mateCode)
		}
		if r.code == 11 && t.mateCode == 11 {
			return nil, fmt.Errorf("both runs found the ledger locked")
		}
	}
	if f := t.group(groupDisk); f != nil && f.kind != "report folder in the way" {
		want = append(want, 1, 3) // The report or the ledger had no room.
	}
	return want, nil
}

// aftermath is what the ledger says came of a call.
type aftermath struct {
	undelivered, lost, failed bool
}

// since reads what was recorded since the call began.
func (t *trial) since() (s aftermath, err error) {
	l, err := t.ledger()
	if err != nil {
		return s, err
	}
	defer func() { _ = l.Close() }()
	pending, err := l.Outbox()
	if err != nil {
		return s, err
	}
	s.undelivered = len(pending) > 0
	for _, name := range l.Experiments() {
		h, err := l.History(name)
		if err != nil {
			return s, err
		}
		for _, a := range h.Attempts {
			if a.Seq > t.before && slices.Contains([]string{ledger.OutcomeConflict, ledger.OutcomeRefused, ledger.OutcomeDisabled}, a.Body.Outcome) {
				s.lost = true
			}
		}
		for _, look := range h.Looks {
			s.failed = s.failed || look.Seq > t.before && look.Body.Failed != ""
		}
	}
	return s, nil
}

// code is the exit code of the table: of several the first of 3, 1, 4.
func (s aftermath) code(t *trial) int {
	switch {
	case s.failed && t.unreachable:
		return 3
	case s.failed, t.has("report folder in the way"):
		return 1
	case s.undelivered, s.lost:
		return 4
	}
	return 0
}

// after holds what lies there after any call: a chain without a gap, and, where
// the call wrote the pages of its looks, pages that stay as they are.
func (t *trial) after(r result) error {
	if err := ledger.Verify(t.path("ledger.jsonl")); err != nil {
		t.fail("the ledger does not verify: %v", err)
		return nil
	}
	if t.deliver || r.code != 0 && r.code != 4 {
		return nil
	}
	l, err := t.ledger()
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	return t.keepPages(l, t.asOf)
}

// finish holds the whole to its promises, once everything has recovered.
func (w *world) finish() error {
	l, err := w.ledger()
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	pending, err := l.Outbox()
	if err != nil {
		return err
	}
	if len(pending) > 0 {
		w.fail("%d deliveries are still owed", len(pending))
	}
	for _, story := range w.plan.stories {
		h, err := l.History(story)
		if err != nil {
			return err
		}
		w.once(story, h)
		w.respected(story, h)
		if err := w.agrees(l, story, h); err != nil {
			return err
		}
		w.ended(story, h)
	}
	if w.receiver != nil {
		w.received()
	}
	if w.plan.tabled {
		if err := w.tabled(l); err != nil {
			return err
		}
	}
	return w.rendered()
}

// once holds every delivery to one end, and every look to one decision.
func (w *world) once(story string, h *ledger.History) {
	ends, newest := map[string]ledger.Attempt{}, int64(0)
	for _, a := range h.Attempts {
		if !a.Body.Terminal() {
			continue
		}
		if _, twice := ends[a.Body.Delivery]; twice {
			w.fail("%s: delivery %s has ended twice", story, a.Body.Delivery)
		}
		ends[a.Body.Delivery] = a.Body
	}
	decided := map[string]string{}
	for _, look := range h.Looks {
		v := look.Body.Decision.Verdict
		if len(look.Body.Deliveries) > 0 || v == decide.Hold || v == decide.Review {
			newest = look.Seq // It takes the place of what those before it owe, or holds it back.
		}
		if look.Body.Failed != "" {
			continue
		}
		if _, twice := decided[look.Body.ID]; twice {
			w.fail("%s: look %s was decided twice", story, look.Body.ID)
		}
		decided[look.Body.ID] = string(look.Body.Decision.Verdict)
	}
	for _, look := range h.Looks {
		for _, d := range look.Body.Deliveries {
			end, ok := ends[d.ID]
			switch {
			case !ok:
				w.fail("%s: delivery %s of the look as of %s was lost", story, d.ID, look.Body.AsOf.Format("01-02"))
			case end.Outcome == ledger.OutcomeSuperseded && (end.Message == "" || look.Seq == newest):
				w.fail("%s: delivery %s was dropped without a newer look against it, or without a note", story, d.ID)
			}
		}
	}
}

// respected holds every change to the state that a person left: a delivery that
// was made after an edit was decided on it.
func (w *world) respected(story string, h *ledger.History) {
	expected := map[string]ledger.Delivery{}
	for _, look := range h.Looks {
		for _, d := range look.Body.Deliveries {
			expected[d.ID] = d
		}
	}
	var last *edit
	for i := range w.edits {
		if w.edits[i].flag == story {
			last = &w.edits[i]
		}
	}
	if last == nil {
		return
	}
	state, err := w.state(story)
	if err != nil {
		w.fail("harness: %v", err)
		return
	}
	if serves(state) == serves(last.state) {
		return
	}
	for _, a := range h.Attempts {
		d := expected[a.Body.Delivery]
		if a.Seq <= last.after || a.Body.Outcome != ledger.OutcomeDelivered && a.Body.Outcome != ledger.OutcomeUnverified {
			continue
		}
		if serves(d.Expected) != serves(last.state) && serves(d.Target) != serves(last.state) {
			w.fail("%s: a person set %s; a change from %s to %s was made over it", story, serves(last.state), serves(d.Expected), serves(d.Target))
		}
		return
	}
	w.fail("%s: a person set %s; it serves %s, and nobody says why", story, serves(last.state), serves(state))
}

// agrees holds the flag to what the newest look knows of it.
func (w *world) agrees(l *ledger.Ledger, story string, h *ledger.History) error {
	look, err := job.Latest(l, story)
	if err != nil || look == nil {
		if look == nil {
			w.fail("%s: there is no look", story)
		}
		return err
	}
	state, err := w.state(story)
	if err != nil {
		return err
	}
	known := look.Body.Allocation
	for _, a := range h.Attempts {
		if a.Seq > look.Seq && a.Body.State != nil && (a.Body.Outcome == ledger.OutcomeDelivered || a.Body.Outcome == ledger.OutcomeUnverified) {
			known = *a.Body.State
		}
	}
	if serves(known) != serves(state) {
		w.fail("%s: the flag serves %s; the ledger knows %s", story, serves(state), serves(known))
	}
	return nil
}

// ended holds an experiment to the end of its story, where no person had a hand
// in it.
func (w *world) ended(story string, h *ledger.History) {
	if slices.ContainsFunc(w.edits, func(e edit) bool { return e.flag == story }) {
		return
	}
	if len(h.Observed) > 0 {
		w.fail("%s: assay's own change was taken for a person's: %+v", story, h.Observed[0].Body)
	}
	state, err := w.state(story)
	if err != nil {
		w.fail("harness: %v", err)
		return
	}
	got := serves(state)
	switch {
	case story == storyHarm || story == storyLate && len(w.plan.days) >= 2:
		if got != "control" {
			w.fail("%s: it serves %s although it harms", story, got)
		}
	case story == storyWin:
		if len(w.plan.days) >= 2 && got != "treatment" {
			w.fail("%s: it serves %s, want treatment", story, got)
		}
	default:
		if got == "control" || got == "treatment" {
			w.fail("%s: it serves %s to everybody although nothing was wrong", story, got)
		}
	}
	w.rungs(story, h)
}

// rungs holds a rollout to one rung a look.
func (w *world) rungs(story string, h *ledger.History) {
	for _, look := range h.Looks {
		target := look.Body.Decision.Target
		if target == nil || look.Body.Decision.Verdict != "ramp" {
			continue
		}
		from := serves(look.Body.Allocation)
		next := map[string]string{"control": "10 %", "10 %": "25 %", "20 %": "25 %", "25 %": "50 %", "40 %": "50 %", "50 %": "75 %", "75 %": "100 %"}
		if got := serves(*target); next[from] != got && story != storyWin {
			w.fail("%s: a step from %s to %s", story, from, got)
		}
	}
}

// received is what the receiver itself has to say.
func (w *world) received() {
	w.receiver.mu.Lock()
	defer w.receiver.mu.Unlock()
	for _, text := range w.receiver.faults {
		w.fail("receiver: %s", text)
	}
	for id, n := range w.receiver.applied {
		if n > 1 && w.receiver.remembers {
			w.fail("receiver: %s was applied %d times", id, n)
		}
	}
}

// rendered writes all pages anew from the ledger: the folder has to be the one
// that the runs left, to the byte.
func (w *world) rendered() error {
	if err := w.noSecrets(); err != nil {
		return err
	}
	before, err := w.report()
	if err != nil {
		return err
	}
	if err := os.RemoveAll(w.path("report")); err != nil {
		return err
	}
	if r, err := w.run(call{args: []string{"report"}}); err != nil || r.code != 0 {
		return fmt.Errorf("assay report: exit %d, %w\n%s", r.code, err, r.out)
	}
	after, err := w.report()
	for path, sum := range after {
		switch old, ok := before[path]; {
		case !ok:
			w.fail("no run has written %s", path)
		case old != sum:
			w.fail("%s is another one when it is written again", path)
		}
		delete(before, path)
	}
	for path := range before {
		w.fail("%s is not in the ledger", path)
	}
	for path, sum := range w.pages {
		if now, ok := after[path]; !ok || now != sum {
			w.fail("%s is not what it was", path)
		}
	}
	return err
}

// noSecrets looks for secrets in every file that the program wrote.
func (w *world) noSecrets() error {
	return filepath.WalkDir(w.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		w.secrets(string(data), path)
		return err
	})
}

// written is what a table of results has of a look.
type written struct{ record, rows int64 }

// tabled holds the table of results to the ledger: every look is in it, as it was
// recorded last, with each of its rows once, and nothing else.
func (w *world) tabled(l *ledger.Ledger) (err error) {
	db, err := sql.Open("duckdb", w.path("warehouse.duckdb"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	//nolint:noctx // a local file
	rows, err := db.Query("SELECT look_id, record, COUNT(*), COUNT(DISTINCT (metric, metric_role, variation)) FROM assay_results GROUP BY ALL")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	want := map[string]written{}
	for _, ref := range l.LookRefs() {
		look, err := l.LookAt(ref.Seq)
		if err != nil {
			return err
		}
		n := int64(0)
		for _, m := range look.Body.Metrics {
			n += int64(len(m.Comparisons))
		}
		want[ref.ID] = written{ref.Seq, max(n, 1)}
	}
	for rows.Next() {
		var id string
		var seq, n, distinct int64
		if err := rows.Scan(&id, &seq, &n, &distinct); err != nil {
			return err
		}
		if want[id] != (written{seq, n}) || n != distinct {
			w.fail("the table of results has %d rows, %d of them distinct, of look %s by record %d; want %+v", n, distinct, id, seq, want[id])
		}
		delete(want, id)
	}
	if len(want) > 0 {
		w.fail("the table of results lacks %d looks", len(want))
	}
	return rows.Err()
}
