package main

import (
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"assay/decide"
)

// afterMidnight is when the looks of a day begin.
const afterMidnight = 2 * time.Minute

// try makes one call of the program with its faults, undoes what does not last,
// and holds the exit code to the table of the design.
func (w *world) try(a attempt, at time.Time) error {
	t := &trial{world: w, attempt: a, asOf: at, now: at.Add(afterMidnight), before: w.records()}
	if err := t.prepare(); err != nil {
		return err
	}
	r, err := w.run(t.call)
	if err == nil && t.mate != nil {
		<-t.mate
	}
	if err := errors.Join(err, t.undo()); err != nil {
		return err
	}
	t.met(r)
	_, _ = fmt.Fprintf(w.log, "%s: %s: exit %d\n%s\n", at.Format(time.DateOnly), a, r.code, r.out)
	t.judge(r)
	return t.after(r)
}

// trial is an attempt while it is made.
type trial struct {
	*world
	attempt
	asOf, now time.Time
	before    int64 // records of the ledger
	call      call
	undoing   []func() error
	tampered  string
	// unreachable: there is no warehouse to run statements on. vague: what the
	// run finds in the warehouse hangs on how fast it is.
	unreachable, vague bool
	// mate is closed once the other run has ended.
	mate     chan struct{}
	mateCode int
	hits     int
}

func (t *trial) has(kind string) bool {
	return slices.ContainsFunc(t.faults, func(f fault) bool { return f.kind == kind })
}

func (t *trial) group(group string) *fault {
	i := slices.IndexFunc(t.faults, func(f fault) bool { return kindOf(f.kind).group == group })
	if i < 0 {
		return nil
	}
	return &t.faults[i]
}

// args is the command line of a run by this machine's clock.
func (t *trial) args() []string {
	args := []string{"run", "--as-of", t.asOf.Format(time.RFC3339)}
	if t.deliver {
		args = []string{"deliver"}
	}
	clock := t.now
	if f := t.group(groupClock); f != nil {
		clock = clock.Add(f.skew)
	}
	return append(args, "--now", clock.Format(time.RFC3339))
}

func (t *trial) prepare() error {
	t.call.args = t.args()
	if t.receiver != nil {
		t.receiver.mu.Lock()
		t.receiver.now, t.receiver.hits = t.now, 0
		t.receiver.mu.Unlock()
	}
	for _, f := range t.faults {
		if err := preparations[kindOf(f.kind).group](t, f); err != nil {
			return fmt.Errorf("%s: %w", f, err)
		}
	}
	return nil
}

// preparations bring faults about, by group.
var preparations = map[string]func(*trial, fault) error{
	groupProcess:   (*trial).disturb,
	groupReceiver:  (*trial).missend,
	groupDisk:      (*trial).fill,
	groupWarehouse: (*trial).spoil,
	groupPerson:    (*trial).meddle,
	groupClock:     func(*trial, fault) error { return nil }, // It is in the arguments.
	groupLedger:    (*trial).forge,
}

func (t *trial) undo() error {
	var errs []error
	for _, undo := range slices.Backward(t.undoing) {
		errs = append(errs, undo())
	}
	return errors.Join(errs...)
}

// disturb ends the program early, or lets another one run beside it.
func (t *trial) disturb(f fault) error {
	switch f.kind {
	case "kill":
		t.call.kill = f.at
	case "kill at any moment":
		t.call.killAfter = time.Millisecond * time.Duration(10+f.draw%200)
	case "terminated":
		t.call.pause = f.at
		t.call.meanwhile = func() {
			t.mu.Lock()
			defer t.mu.Unlock()
			_ = t.process.Signal(syscall.SIGTERM)
		}
	case "two runs at once":
		t.beside()
	case "a run during a run":
		t.call.pause = f.at
		t.call.meanwhile = func() {
			r, err := t.copy().run(call{args: t.args()})
			if err != nil || r.code != 11 {
				t.fail("a run while another held the ledger: exit %d, want 11 (%v)\n%s", r.code, err, r.out)
			}
		}
	default:
		t.receiver.mu.Lock()
		defer t.receiver.mu.Unlock()
		t.receiver.kill = f.kind
		t.undoing = append(t.undoing, t.receive(func(r *receiver) { r.kill = "" }))
	}
	return nil
}

// copy is the same world for a second process.
func (w *world) copy() *world {
	return &world{assay: w.assay, dir: w.dir, receiver: w.receiver, log: io.Discard}
}

// beside starts another run at the same time.
func (t *trial) beside() {
	t.mate = make(chan struct{})
	other := t.copy()
	go func() {
		defer close(t.mate)
		r, err := other.run(call{args: t.args()})
		t.mateCode = r.code
		if err != nil {
			t.mateCode = -2
		}
	}()
}

func (t *trial) receive(what func(*receiver)) func() error {
	return func() error {
		t.receiver.mu.Lock()
		defer t.receiver.mu.Unlock()
		what(t.receiver)
		return nil
	}
}

// missend makes the receiver answer badly.
func (t *trial) missend(f fault) error {
	t.undoing = append(t.undoing, t.receive(func(r *receiver) { r.manner = "" }))
	return t.receive(func(r *receiver) { r.manner = f.kind })()
}

// fill leaves no room on the disk.
func (t *trial) fill(f fault) error {
	const block = 512
	switch f.kind {
	case "disk full": // Anywhere in the ledger's next records.
		size := 0
		if info, err := os.Stat(t.path("ledger.jsonl")); err == nil {
			size = int(info.Size())
		}
		t.call.fileLimit = 1 + size/block + int(f.draw%60)
	case "no room for pages":
		// The ledger of the first days is smaller than a page.
		t.call.fileLimit = 1 + int(t.ledgerSize()+30_000)/block
	case "no room for the flag file":
		t.call.fileLimit = (flagFileSize - 20_000) / block
	case "report folder in the way":
		return t.blockReport()
	}
	return nil
}

func (w *world) ledgerSize() int64 {
	info, err := os.Stat(w.path("ledger.jsonl"))
	if err != nil {
		return 0
	}
	return info.Size()
}

// blockReport puts a file where the folder of the report belongs.
func (t *trial) blockReport() error {
	report, aside := t.path("report"), t.path("report.aside")
	had := os.Rename(report, aside) == nil
	t.undoing = append(t.undoing, func() error {
		err := os.Remove(report)
		if had {
			err = errors.Join(err, os.Rename(aside, report))
		}
		return err
	})
	return os.WriteFile(report, nil, 0o644)
}

// spoil takes the warehouse away, before the run or in the middle of it.
func (t *trial) spoil(f fault) error {
	path := t.path("warehouse.duckdb")
	t.undoing = append(t.undoing, func() error {
		_ = os.Remove(path)
		_ = os.Remove(path + ".wal")
		return os.Symlink(t.fixture, path)
	})
	switch f.kind {
	case "warehouse removed", "warehouse removed meanwhile":
		return t.whenPaused(f, func() error { return os.Remove(path) })
	case "warehouse overwritten meanwhile":
		if err := t.ownWarehouse(); err != nil {
			return err
		}
		return t.whenPaused(f, func() error { return garble(path, f.draw) })
	}
	if err := t.ownWarehouse(); err != nil {
		return err
	}
	switch f.kind {
	case "warehouse is garbage":
		t.unreachable = true
		return os.WriteFile(path, []byte(strings.Repeat("no database ", 1000)), 0o644)
	case "warehouse cut off":
		t.unreachable = true
		return os.Truncate(path, int64(1+f.draw%4000))
	case "table of facts gone":
		return runSQL(path, "DROP TABLE responses")
	default:
		t.unreachable = true
		return t.lockWarehouse(path)
	}
}

// whenPaused does something at the instant of a fault, or now.
func (t *trial) whenPaused(f fault, what func() error) error {
	if f.at == "" {
		t.unreachable = true
		return what()
	}
	t.vague = true
	t.call.pause = f.at
	t.call.meanwhile = func() {
		if err := what(); err != nil {
			t.fail("harness: %s: %v", f, err)
		}
	}
	return nil
}

// ownWarehouse puts a copy where the link to the common one is.
func (t *trial) ownWarehouse() error {
	path := t.path("warehouse.duckdb")
	return errors.Join(os.Remove(path), copyFile(t.fixture, path))
}

// garble overwrites a file in place, here and there.
func garble(path string, draw uint64) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		return errors.Join(err, file.Close())
	}
	r := rand.New(rand.NewPCG(draw, 2))
	for range 200 {
		if _, err = file.WriteAt([]byte(strings.Repeat("garbage ", 64)), r.Int64N(info.Size())); err != nil {
			break
		}
	}
	return errors.Join(err, file.Close())
}

// lockWarehouse opens the file for writing, as a load job does.
func (t *trial) lockWarehouse(path string) error {
	db, err := sql.Open("duckdb", path)
	if err != nil {
		return err
	}
	t.undoing = append(t.undoing, db.Close)
	return db.Ping() //nolint:noctx // a local file
}

// meddle lets a person change a flag of the scenario.
func (t *trial) meddle(f fault) error {
	flag := t.plan.stories[int(f.draw>>8)%len(t.plan.stories)]
	state := wishes[f.draw%uint64(len(wishes))]
	switch {
	case f.kind == "person edits between question and change":
		t.editAfterQuestion(flag, state, 1+int(f.draw>>16)%3)
	case f.at == "":
		t.editFlag(flag, state, t.records())
	default:
		recorded := int64(0)
		if f.at == "after-delivery" || f.at == "flag-renamed" {
			recorded = 1 // The change was made; its record comes next.
		}
		t.call.pause = f.at
		t.call.meanwhile = func() { t.editFlag(flag, state, t.records()+recorded) }
	}
	return nil
}

// wishes are what persons make of flags; no rung of the ladder is among them.
var wishes = []decide.Allocation{covering(0.2), covering(0.4), sole("control"), sole("treatment")}

// editAfterQuestion edits right after the flag's state was told so many times,
// and has the receiver compare, as only it can.
func (t *trial) editAfterQuestion(flag string, state decide.Allocation, questions int) {
	t.undoing = append(t.undoing, t.receive(func(r *receiver) { r.edit, r.comparing = nil, false }))
	_ = t.receive(func(r *receiver) {
		r.comparing = true
		before := serves(r.flags[flag].state)
		r.edit = func() {
			if questions--; questions == 0 {
				after := t.records()
				if serves(r.flags[flag].state) != before {
					after++ // The change was made and is being read back; its record comes next.
				}
				t.edits = append(t.edits, edit{flag, state, after})
				r.put(flag, state)
			}
		}
	})()
}

// forge changes the ledger behind the program's back.
func (t *trial) forge(f fault) error {
	done, undo, err := t.tamper(f.draw)
	if done != "" {
		t.tampered = done
		t.undoing = append(t.undoing, undo)
	}
	return err
}

// met counts the faults that took effect.
func (t *trial) met(r result) {
	if t.receiver != nil {
		t.receiver.mu.Lock()
		t.hits = t.receiver.hits
		t.receiver.mu.Unlock()
	}
	for _, f := range t.faults {
		if t.tookEffect(f, r) {
			t.world.met[f.kind]++
		}
	}
}

func (t *trial) tookEffect(f fault, r result) bool {
	k := kindOf(f.kind)
	switch {
	case f.kind == "kill" || f.kind == "kill at any moment":
		return r.code == -1
	case f.kind == "ledger tampered":
		return t.tampered != ""
	case f.kind == "two runs at once":
		return true
	case strings.HasPrefix(f.kind, "killed by"):
		return r.code == -1
	case k.group == groupReceiver || f.kind == "person edits between question and change":
		return t.hits > 0
	case f.at != "":
		return r.paused
	case k.group == groupDisk:
		return r.code == 1 || r.code == 3 || strings.Contains(r.out, "too large")
	}
	return true
}
