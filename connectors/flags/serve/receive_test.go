package serve_test

import (
	"bytes"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/connectors/flags"
	"assay/connectors/flags/serve"
	"assay/decide"
)

// TestDelivery is assay's own webhook store against the server: every outcome.
func TestDelivery(t *testing.T) {
	w := newWorld(t, file(`"answer": `+two("0.1"), `"off": {"disabled": true, "variations": [{"id": "control", "value": 1}], "knownGood": "control"}`)).start()
	for _, step := range []struct {
		what    string
		change  flags.Change
		outcome string
		then    decide.Allocation
	}{
		{"ramp", change("d_1", decide.Ramp, half(0.1), half(0.25)), flags.OutcomeDelivered, half(0.25)},
		{"again, another id", change("d_2", decide.Ramp, half(0.1), half(0.25)), flags.OutcomeDelivered, half(0.25)},
		{"decided on another state", change("d_3", decide.Ramp, half(0.1), half(0.5)), flags.OutcomeConflict, half(0.25)},
		{"rollback", rollback("d_4", half(0.25)), flags.OutcomeDelivered, split(1, 0)},
		{"a variation that is not there", change("d_5", decide.Ramp, split(1, 0), decide.Allocation{
			Coverage: 1, KnownGood: "control", Arms: []decide.Arm{{Variation: "other", Weight: 1}},
		}), flags.OutcomeRefused, split(1, 0)},
	} {
		if r := w.deliver(step.change); r.Outcome != step.outcome {
			t.Errorf("%s: %+v, want %s", step.what, r, step.outcome)
		}
		w.wantState(step.then)
	}
	proposal := change("d_6", decide.Ship, split(1, 0), split(1, 1))
	proposal.Proposal = true
	if r := w.deliver(proposal); r.Outcome != flags.OutcomeProposed {
		t.Errorf("%+v", r)
	}
	w.wantState(split(1, 0))
	for key, want := range map[string]string{"none": flags.OutcomeRefused, "off": flags.OutcomeRefused} {
		c := rollback("d_7", half(1))
		c.FlagKey = key
		if r := w.deliver(c); r.Outcome != want {
			t.Errorf("flag %s: %+v, want %s", key, r, want)
		}
	}
	w.wantLog("server found answer; server found off; assay decision answer d_1; assay decision answer d_4; assay proposal answer d_6")
	e := w.entries()[3]
	if !strings.Contains(string(e.Before), `"coverage":0.25`) || !strings.Contains(string(e.After), `"coverage":1`) ||
		e.Reason != "because" || e.Verdict != decide.Rollback || e.Experiment != "answer" || e.Digest == "" || !e.At.Equal(w.now()) {
		t.Errorf("%+v", e)
	}
}

// TestWebhooksRefused posts what is not to be believed or cannot be applied.
func TestWebhooksRefused(t *testing.T) {
	w := newWorld(t, file(`"answer": `+two("0.1"), `"off": {"disabled": true, "variations": [{"id": "control", "value": 1}], "knownGood": "control"}`)).start()
	good := body(rollback("d_1", half(0.1)))
	set := func(name, value string) func(*http.Request) {
		return func(q *http.Request) { q.Header.Set(name, value) }
	}
	at := func(d time.Duration) func(*http.Request) {
		return set("webhook-timestamp", strconv.FormatInt(w.now().Add(d).Unix(), 10))
	}
	of := func(key string) []byte {
		c := rollback("d_1", half(0.1))
		c.FlagKey = key
		return body(c)
	}
	for name, c := range map[string]struct {
		id     string
		body   []byte
		spoil  func(*http.Request)
		status int
		says   string
	}{
		"no signature":        {"d_1", good, set("webhook-signature", ""), 401, "signature"},
		"another's signature": {"d_1", good, set("webhook-signature", "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="), 401, "signature"},
		"half a signature":    {"d_1", good, set("webhook-signature", "v1"), 401, "signature"},
		"another id":          {"d_1", good, set("webhook-id", "d_2"), 401, "signature"},
		"a moved timestamp":   {"d_1", good, at(time.Minute), 401, "signature"},
		"a timestamp of text": {"d_1", good, set("webhook-timestamp", "now"), 401, "signature"},
		"id only in header":   {"d_2", good, nil, 400, "id of the header"},
		"no JSON":             {"d_1", []byte("hello"), nil, 400, "not a message"},
		"empty":               {"d_1", nil, nil, 400, "not a message"},
		"another type":        {"d_1", bytes.Replace(good, []byte("assay.decision."), []byte("x."), 1), nil, 400, "type"},
		"no such verdict":     {"d_1", bytes.ReplaceAll(good, []byte(`"rollback"`), []byte(`"obey"`)), nil, 400, "verdict"},
		"too large":           {"d_1", bytes.Repeat([]byte(" "), flags.MaxMessage+1), nil, 413, "too large"},
		"unknown flag":        {"d_1", of("none"), nil, 404, "does not exist"},
		"disabled flag":       {"d_1", of("off"), nil, 410, "disabled"},
		"an unexpected state": {"d_1", body(rollback("d_1", half(0.5))), nil, 409, `"coverage":0.1`},
	} {
		spoil := c.spoil
		if spoil == nil {
			spoil = func(*http.Request) {}
		}
		if status, text := w.post(c.id, c.body, spoil); status != c.status || !strings.Contains(text, c.says) {
			t.Errorf("%s: %d %s, want %d and %s", name, status, text, c.status, c.says)
		}
	}
	if status, text := w.postWith(another, "d_1", good); status != 401 {
		t.Errorf("signed with another secret: %d %s", status, text)
	}
	w.wantState(half(0.1))
	if log := w.log.String(); strings.Contains(log, strings.TrimPrefix(secret, "whsec_")) {
		t.Error("the log has the secret")
	}
}

// TestTimestampWindow signs a body at other times than it arrives.
func TestTimestampWindow(t *testing.T) {
	w := newWorld(t, file(`"answer": `+two("0.1"))).start()
	for _, c := range []struct {
		late   time.Duration
		status int
	}{{5*time.Minute + time.Second, 401}, {-5*time.Minute - time.Second, 401}, {5 * time.Minute, 200}, {-5 * time.Minute, 200}} {
		w.pass(-c.late)
		status, text := w.post("d_1", body(rollback("d_1", half(0.1))), func(*http.Request) { w.pass(c.late) })
		if status != c.status {
			t.Errorf("%v late: %d %s, want %d", c.late, status, text, c.status)
		}
	}
}

// TestSecretsRotate changes the file of secrets while the server runs.
func TestSecretsRotate(t *testing.T) {
	w := newWorld(t, file(`"answer": `+two("0.1"))).start()
	try := func(key string, want int) {
		t.Helper()
		if status, text := w.postWith(key, "d_1", body(rollback("d_1", half(0.1)))); status != want {
			t.Errorf("%d %s, want %d", status, text, want)
		}
	}
	try(another, 401)
	w.put(w.secret, another+"\n"+secret+"\n")
	try(another, 200)
	try(secret, 200)
	w.put(w.secret, another)
	try(secret, 401)
	w.put(w.secret, "nonsense")
	try(another, 500)
	if err := os.Remove(w.secret); err != nil {
		t.Fatal(err)
	}
	try(another, 500)
}

// TestRepetition sends a change again: at once, after a restart, with another
// body, and after somebody changed the flag.
func TestRepetition(t *testing.T) {
	w := newWorld(t, file(`"answer": `+two("0.1"))).start()
	ramp := body(change("d_1", decide.Ramp, half(0.1), half(0.25)))
	want := func(text []byte, status int, says string) {
		t.Helper()
		if got, answer := w.post("d_1", text); got != status || !strings.Contains(answer, says) {
			t.Errorf("%d %s, want %d %s", got, answer, status, says)
		}
	}
	want(ramp, 200, `"applied":true`)
	want(ramp, 200, `"applied":false`)
	w.stop()
	w.start()
	w.pass(24 * time.Hour)
	want(ramp, 200, `"applied":false`)
	want(body(change("d_1", decide.Ramp, half(0.1), half(0.5))), 409, "another change with this id")
	// What a repetition knows beside may differ.
	wiser := change("d_1", decide.Ramp, half(0.1), half(0.25))
	wiser.Left = []decide.Allocation{half(0.25), half(0.75)}
	want(body(wiser), 200, `"applied":false`)
	// A later decision moved on: the repetition is still no news.
	if status, text := w.post("d_2", body(change("d_2", decide.Ramp, half(0.25), half(0.5)))); status != 200 {
		t.Errorf("%d %s", status, text)
	}
	want(ramp, 200, `"applied":false`)
	// A person moved it back: the sender learns that, and nothing is applied.
	w.write(strings.Replace(w.read(w.path), `"coverage": 0.5`, `"coverage": 0.05`, 1))
	if status, text := w.post("d_2", body(change("d_2", decide.Ramp, half(0.25), half(0.5)))); status != 409 || !strings.Contains(text, `"coverage":0.05`) {
		t.Errorf("%d %s", status, text)
	}
	w.wantState(half(0.05))
	w.wantLog("server found answer; assay decision answer d_1; assay decision answer d_2; person edit answer")
}

// TestLeft: a state that an earlier change of the sender may have left is no
// person's.
func TestLeft(t *testing.T) {
	w := newWorld(t, file(`"answer": `+two("0.25"))).start()
	c := change("d_1", decide.Ramp, half(0.1), half(0.5))
	if status, text := w.post("d_1", body(c)); status != 409 {
		t.Errorf("%d %s", status, text)
	}
	c.Left = []decide.Allocation{half(0.75), half(0.25)}
	if status, text := w.post("d_1", body(c)); status != 200 {
		t.Errorf("%d %s", status, text)
	}
	w.wantState(half(0.5))
	c.ID, c.Left = "d_2", []decide.Allocation{{Coverage: 2}}
	if status, text := w.post("d_2", body(c)); status != 400 || !strings.Contains(text, "may be left") {
		t.Errorf("%d %s", status, text)
	}
}

// TestConcurrentRepetition sends one change many times at once.
func TestConcurrentRepetition(t *testing.T) {
	w := newWorld(t, file(`"answer": `+two("0.1"))).start()
	var applied sync.Map
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			if status, text := w.post("d_1", body(rollback("d_1", half(0.1)))); status != 200 {
				t.Errorf("%d %s", status, text)
			} else if strings.Contains(text, `"applied":true`) {
				applied.Store(i, true)
			}
		})
	}
	group.Wait()
	n := 0
	applied.Range(func(any, any) bool { n++; return true })
	if n != 1 {
		t.Errorf("applied %d times", n)
	}
	w.wantLog("server found answer; assay decision answer d_1")
}

// TestCrashAfterApplying leaves what a crash can leave: the file is written, and
// the log has all of the entry, a part of it, or nothing.
func TestCrashAfterApplying(t *testing.T) {
	for name, left := range map[string]func(line string) string{
		"all of it": func(line string) string { return line },
		"a part":    func(line string) string { return line[:len(line)/2] },
		"no end":    func(line string) string { return strings.TrimSuffix(line, "\n") },
		"nothing":   func(string) string { return "" },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, file(`"answer": `+two("0.1"))).start()
			text := body(rollback("d_1", half(0.1)))
			if status, answer := w.post("d_1", text); status != 200 {
				t.Fatalf("%d %s", status, answer)
			}
			w.stop()
			log := w.read(serve.LogPath(w.path))
			cut := strings.LastIndex(strings.TrimSuffix(log, "\n"), "\n") + 1
			w.put(serve.LogPath(w.path), log[:cut]+left(log[cut:]))
			w.start()
			if status, answer := w.post("d_1", text); status != 200 || !strings.Contains(answer, `"applied":false`) {
				t.Errorf("%d %s", status, answer)
			}
			w.wantState(split(1, 0))
			what := "recovered"
			if name == "all of it" {
				what = "decision"
			}
			w.wantLog("server found answer; assay " + what + " answer d_1")
			if e := w.entries()[1]; !strings.Contains(string(e.Before), `"coverage":0.1`) || e.Verdict != decide.Rollback {
				t.Errorf("%+v", e)
			}
		})
	}
}

// TestCrashBeforeApplying leaves the new file beside the old one.
func TestCrashBeforeApplying(t *testing.T) {
	w := newWorld(t, file(`"answer": `+two("0.1")))
	w.put(strings.Replace(w.path, "flags.json", ".flags.json.123", 1), file(`"answer": `+two("1")))
	w.start()
	if status, text := w.post("d_1", body(rollback("d_1", half(0.1)))); status != 200 || !strings.Contains(text, `"applied":true`) {
		t.Errorf("%d %s", status, text)
	}
	w.wantState(split(1, 0))
}

// TestLogCannotBeWritten has an audit log that takes nothing: what assay and
// people change is served, nothing is acknowledged, and all is recorded once that
// is possible.
func TestLogCannotBeWritten(t *testing.T) {
	w := newWorld(t, file(`"answer": `+two("0.1"), `"second": `+two("0.1"))).start()
	log := serve.LogPath(w.path)
	before := w.read(log)
	if err := os.Remove(log); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(log, 0o755); err != nil {
		t.Fatal(err)
	}
	text := body(rollback("d_1", half(0.1)))
	for range 2 {
		if status, answer := w.post("d_1", text); status != 500 || strings.Contains(answer, log) {
			t.Errorf("%d %s", status, answer)
		}
		w.wantState(split(1, 0))
	}
	w.write(strings.Replace(w.read(w.path), `"coverage": 0.1`, `"coverage": 0.7`, 1))
	if _, text := w.get("/state/second"); !strings.Contains(text, `"coverage":0.7`) {
		t.Errorf("a person's change is not served: %s", text)
	}
	if _, text := w.get("/healthz"); !strings.Contains(text, `"degraded"`) || !strings.Contains(text, "audit log: ") {
		t.Error(text)
	}
	if err := os.Remove(log); err != nil {
		t.Fatal(err)
	}
	w.put(log, before)
	if status, answer := w.post("d_1", text); status != 200 || !strings.Contains(answer, `"applied":false`) {
		t.Errorf("%d %s", status, answer)
	}
	w.wantState(split(1, 0))
	w.wantLog("server found answer; server found second; assay recovered answer d_1; person edit second")
	if _, text := w.get("/healthz"); !strings.Contains(text, `"ok"`) {
		t.Error(text)
	}
}

// TestForgottenIDs takes more changes than are remembered: a forgotten one is
// held against the state.
func TestForgottenIDs(t *testing.T) {
	w := newWorld(t, file(`"answer": `+two("0.1"))).start()
	first := body(change("d_0", decide.Ramp, half(0.1), half(0.2)))
	if status, text := w.post("d_0", first); status != 200 {
		t.Fatalf("%d %s", status, text)
	}
	w.pass(91 * 24 * time.Hour)
	if status, text := w.post("d_1", body(change("d_1", decide.Ramp, half(0.2), half(0.3)))); status != 200 {
		t.Fatalf("%d %s", status, text)
	}
	if status, text := w.post("d_0", first); status != 409 {
		t.Errorf("%d %s", status, text)
	}
	w.wantState(half(0.3))
}

// TestTwoServers cannot have one file.
func TestTwoServers(t *testing.T) {
	w := newWorld(t, file(`"answer": `+two("0.1"))).start()
	if _, _, err := serve.Open(w.options()); err == nil || err.Error() != serve.ErrInUse.Error() {
		t.Errorf("a second server: %v", err)
	}
}

// TestLayoutOfTheFile keeps what assay does not change as a person wrote it.
func TestLayoutOfTheFile(t *testing.T) {
	const text = "{\"version\":1, \"$schema\": \"x\",\n\t\"flags\": {\n\t\t\"zebra\": {\"knownGood\": \"a\",   \"variations\": [ {\"id\":\"a\",\"value\":[1,  2]} ]},\n" +
		"\t\t\"answer\": {\n\t\t\t\"weights\": {\"treatment\": 0.5, \"control\": 0.5},\n\t\t\t\"coverage\": 0.1,\n\t\t\t\"knownGood\": \"control\",\n" +
		"\t\t\t\"variations\": [{\"id\": \"control\", \"value\": 1e2}, {\"id\": \"treatment\", \"value\": 2.50}]\n\t\t}\n\t}\n}\n"
	w := newWorld(t, text).start()
	if r := w.deliver(rollback("d_1", half(0.1))); r.Outcome != flags.OutcomeDelivered {
		t.Fatalf("%+v", r)
	}
	got := w.read(w.path)
	for _, kept := range []string{
		`"zebra": {"knownGood": "a",   "variations": [ {"id":"a","value":[1,  2]} ]}`, `"value": 1e2`, `"value": 2.50`,
		"\t\t\t\"coverage\": 1,\n", "\t\t\t\"decision\": {\n\t\t\t\t\"id\": \"d_1\",\n",
	} {
		if !strings.Contains(got, kept) {
			t.Errorf("%q is gone:\n%s", kept, got)
		}
	}
}

// TestOtherPrompt delivers for a prompt that the flag does not serve: it is
// applied, and the log says so. A value that names none says nothing.
func TestOtherPrompt(t *testing.T) {
	w := newWorld(t, full(t)).start()
	c := change("d_1", decide.Ramp, half(0.5), half(0.75))
	c.Prompts = []flags.Prompt{{Variation: "control", Name: "answer", Version: "3f1c"}, {Variation: "treatment", Name: "answer", Version: "other"}}
	if r := w.deliver(c); r.Outcome != flags.OutcomeDelivered {
		t.Errorf("%+v", r)
	}
	if log := w.log.String(); strings.Count(log, "another prompt") != 1 || !strings.Contains(log, "version=other") {
		t.Error(log)
	}
	tone := change("d_2", decide.Rollback, decide.Allocation{Coverage: 1, KnownGood: "control", Arms: []decide.Arm{
		{Variation: "control", Weight: 0.34}, {Variation: "warm", Weight: 0.33}, {Variation: "short", Weight: 0.33},
	}}, split(1, 0))
	tone.FlagKey, tone.Prompts = "tone", []flags.Prompt{{Variation: "warm", Name: "tone", Version: "1"}, {Variation: "none", Name: "tone", Version: "1"}}
	if r := w.deliver(tone); r.Outcome != flags.OutcomeDelivered || strings.Count(w.log.String(), "another prompt") != 1 {
		t.Errorf("%+v\n%s", r, w.log)
	}
}
