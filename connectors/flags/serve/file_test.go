package serve_test

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"assay/connectors/flags"
	"assay/connectors/flags/serve"
	"assay/decide"
)

// TestEditByHand changes the file while the server runs: the change is served,
// is a person's in the log, and assay's next change meets a conflict.
func TestEditByHand(t *testing.T) {
	w := newWorld(t, file(`"answer": `+two("0.1"))).start()
	w.write(file(`"answer": `+two("0.3"), `"second": `+two("1")))
	w.wantState(half(0.3))
	w.write(file(`"answer": ` + two("0.3")))
	w.wantState(half(0.3))
	if r := w.deliver(change("d_1", decide.Ramp, half(0.1), half(0.25))); r.Outcome != flags.OutcomeConflict || !strings.Contains(r.Message, "coverage 30 %") {
		t.Errorf("%+v", r)
	}
	w.wantState(half(0.3))
	w.wantLog("server found answer; person edit answer; person edit second; person edit second")
	if e := w.entries(); e[2].Before != nil || e[3].After != nil {
		t.Errorf("a flag came and went: %+v", e)
	}
	// White space is no change.
	w.write(strings.ReplaceAll(file(`"answer": `+two("0.3")), "\n", "\n\n"))
	w.wantState(half(0.3))
	if n := len(w.entries()); n != 4 {
		t.Errorf("%d entries", n)
	}
}

// TestEditMeanwhile has a person save the file while a change is written: theirs
// stays, and the sender, who tries again, learns of it.
func TestEditMeanwhile(t *testing.T) {
	w := newWorld(t, file(`"answer": `+two("0.1")))
	once := true
	w.at = func(instant string) {
		if instant == "flag-rename" && once {
			once = false
			w.put(w.path, file(`"answer": `+two("0.3")))
		}
	}
	w.start()
	c := change("d_1", decide.Ramp, half(0.1), half(0.25))
	if status, text := w.post("d_1", body(c)); status != 503 {
		t.Errorf("%d %s", status, text)
	}
	w.wantState(half(0.3))
	if status, text := w.post("d_1", body(c)); status != 409 {
		t.Errorf("%d %s", status, text)
	}
	w.wantState(half(0.3))
	w.wantLog("server found answer; person edit answer")
}

// TestEditInPlace writes into the file itself, as some editors do.
func TestEditInPlace(t *testing.T) {
	w := newWorld(t, file(`"answer": `+two("0.1"))).start()
	for _, coverage := range []string{"0.35", "0.45", "0.2", "0.3", "0.4"} { // some of the same size, at once
		w.put(w.path, file(`"answer": `+two(coverage)))
		share, _ := strconv.ParseFloat(coverage, 64)
		w.wantState(half(share))
	}
}

// TestBadEdit leaves a file with a problem: the last good state is served, by a
// new server too, nothing is written over it, and the problem is told.
func TestBadEdit(t *testing.T) {
	for name, bad := range map[string]string{
		"half a file": file(`"answer": ` + two("0.9"))[:60],
		"a share":     file(`"answer": ` + two("9")),
		"empty":       "",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, file(`"answer": `+two("0.1"))).start()
			w.write(bad)
			for range 2 {
				w.wantState(half(0.1))
				status, text := w.get("/healthz")
				if status != 200 || !strings.Contains(text, `"degraded"`) || !strings.Contains(text, w.path+":") || !strings.Contains(w.log.String(), "the last good state is served") {
					t.Errorf("%d %s\n%s", status, text, w.log)
				}
				status, text = w.post("d_1", body(rollback("d_1", half(0.1))))
				if status != 503 || w.read(w.path) != bad {
					t.Errorf("%d %s", status, text)
				}
				w.stop()
				w.start()
			}
			w.write(file(`"answer": ` + two("0.1")))
			if status, text := w.post("d_1", body(rollback("d_1", half(0.1)))); status != 200 {
				t.Errorf("%d %s", status, text)
			}
			if _, text := w.get("/healthz"); !strings.Contains(text, `"ok"`) {
				t.Error(text)
			}
			w.wantLog("server found answer; assay decision answer d_1")
		})
	}
}

// TestFileGone deletes the file: the last good state is served, and the file is
// not made anew.
func TestFileGone(t *testing.T) {
	w := newWorld(t, file(`"answer": `+two("0.1"))).start()
	if err := os.Remove(w.path); err != nil {
		t.Fatal(err)
	}
	w.wantState(half(0.1))
	if status, text := w.post("d_1", body(rollback("d_1", half(0.1)))); status != 503 {
		t.Errorf("%d %s", status, text)
	}
	if _, text := w.get("/healthz"); !strings.Contains(text, "does not exist") {
		t.Error(text)
	}
	w.write(file(`"answer": ` + two("0.1")))
	w.wantState(half(0.1))
	if _, text := w.get("/healthz"); !strings.Contains(text, `"ok"`) {
		t.Error(text)
	}
}

// TestNothingToServe starts over a file with problems and without a past.
func TestNothingToServe(t *testing.T) {
	w := newWorld(t, file(`"answer": `+two("9")))
	if _, problems, err := serve.Open(w.options()); err == nil || len(problems) != 1 {
		t.Errorf("%v, %v", problems, err)
	}
	// What was refused holds no lock.
	w.write(file(`"answer": ` + two("0.1")))
	w.start()
	w.wantState(half(0.1))
	for what, spoil := range map[string]func(*serve.Options){
		"no file":      func(o *serve.Options) { o.Path = w.path + ".none" },
		"no secret":    func(o *serve.Options) { o.SecretFile = w.path + ".none" },
		"a bad secret": func(o *serve.Options) { o.SecretFile = w.path },
	} {
		o := w.options()
		spoil(&o)
		if _, _, err := serve.Open(o); err == nil {
			t.Errorf("%s: it serves", what)
		}
	}
}

// TestSet changes the flag from another process: it is served and recorded with
// who and why; what cannot be is not written.
func TestSet(t *testing.T) {
	w := newWorld(t, file(`"answer": `+two("0.1"))).start()
	share, off := 0.4, true
	by := func(c serve.ByHand) (int, error) {
		c.Flag, c.User, c.Note = "answer", "kim", "calm"
		_, _, problems, err := serve.Set(t.Context(), w.path, c, w.now)
		return len(problems), err
	}
	if n, err := by(serve.ByHand{Coverage: &share, Weights: map[string]float64{"treatment": 1}}); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	w.wantState(split(0.4, 1))
	for _, bad := range []serve.ByHand{{Weights: map[string]float64{"treatment": 0.4}}, {Weights: map[string]float64{"none": 1}}} {
		if n, err := by(bad); n == 0 || err != nil {
			t.Errorf("%+v: %d, %v", bad, n, err)
		}
	}
	w.wantState(split(0.4, 1))
	if n, err := by(serve.ByHand{Disabled: &off}); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	if status, _ := w.get("/state/answer"); status != 410 {
		t.Errorf("status %d", status)
	}
	if _, _, _, err := serve.Set(t.Context(), w.path, serve.ByHand{Flag: "none", Disabled: &off}, w.now); err == nil {
		t.Error("a flag that is not there was set")
	}
	w.wantLog("server found answer; person set answer; person set answer")
	if e := w.entries()[1]; e.User != "kim" || e.Reason != "calm" || !strings.Contains(string(e.After), `"coverage":0.4`) {
		t.Errorf("%+v", e)
	}
}

// TestSetWithoutServer, and with a log that a crash has torn.
func TestSetWithoutServer(t *testing.T) {
	w := newWorld(t, file(`"answer": `+two("0.1")))
	share := 0.4
	for range 2 {
		if _, _, problems, err := serve.Set(t.Context(), w.path, serve.ByHand{Flag: "answer", Coverage: &share}, w.now); err != nil || problems != nil {
			t.Fatal(err, problems)
		}
		log := w.read(serve.LogPath(w.path))
		w.put(serve.LogPath(w.path), log+`{"at":"2026-`)
	}
	w.start()
	w.wantState(half(0.4))
	w.wantLog("server found answer; person set answer; person set answer")
}

// TestStrangeLog has lines that are no entries: they are passed over and told.
func TestStrangeLog(t *testing.T) {
	w := newWorld(t, file(`"answer": `+two("0.1")))
	w.put(serve.LogPath(w.path), "hello\n{}\n")
	w.start()
	w.wantState(half(0.1))
	if log := w.log.String(); !strings.Contains(log, "line=1") || !strings.Contains(log, "line=2") {
		t.Error(log)
	}
	if err := serve.ReadLog(serve.LogPath(w.path), func(serve.Entry) {}); err == nil || !strings.Contains(err.Error(), ".jsonl:2: no entry") {
		t.Errorf("%v", err)
	}
}

// TestSymbolicLink keeps a link to the file what it is.
func TestSymbolicLink(t *testing.T) {
	w := newWorld(t, file(`"answer": `+two("0.1")))
	target := w.path + ".real"
	if err := os.Rename(w.path, target); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, w.path); err != nil {
		t.Fatal(err)
	}
	w.start()
	if r := w.deliver(rollback("d_1", half(0.1))); r.Outcome != flags.OutcomeDelivered {
		t.Fatalf("%+v", r)
	}
	if info, err := os.Lstat(w.path); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("%v, %v", info, err)
	}
	if info, err := os.Stat(target); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}
