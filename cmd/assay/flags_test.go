package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"assay/connectors/flags"
	"assay/connectors/flags/serve"
	"assay/decide"
	"assay/spec"
)

// served is a running assay flags serve.
type served struct {
	t   *testing.T
	cmd *exec.Cmd
	url string
	err *strings.Builder
}

// startServing starts assay flags serve in a folder of assay flags init.
func startServing(t *testing.T, dir string, more ...string) *served {
	t.Helper()
	s := &served{t: t, err: &strings.Builder{}}
	args := append([]string{"flags", "serve", "--file", "flags.json", "--secret-file", "webhook.secret", "--listen", "127.0.0.1:0"}, more...)
	s.cmd = program(t.Context(), dir, args...)
	s.cmd.Stderr = s.err
	out, err := s.cmd.StdoutPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if err != nil || !ok {
		t.Fatalf("%q, %v: %s", line, err, s.err)
	}
	s.url = url
	return s
}

// end sends a signal and returns the exit code; -1 = of the signal itself.
func (s *served) end(signal os.Signal) int {
	s.t.Helper()
	if err := s.cmd.Process.Signal(signal); err != nil {
		s.t.Fatal(err)
	}
	_ = s.cmd.Wait()
	return s.cmd.ProcessState.ExitCode()
}

func (s *served) get(path string) (int, string) {
	s.t.Helper()
	q, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = a.Body.Close() }()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return a.StatusCode, string(text)
}

// store is assay's own webhook store for the server.
func (s *served) store(dir string) flags.Store {
	s.t.Helper()
	store, err := flags.Open("own", spec.FlagStore{
		Type: "webhook", PrivateAddresses: true, URL: spec.NewSecret(s.url + "/webhook"), StateURL: spec.NewSecret(s.url + "/state/{flag}"),
		SecretFile: "webhook.secret",
	}, dir, flags.Options{Now: time.Now})
	if err != nil {
		s.t.Fatal(err)
	}
	return store
}

func initFlags(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := program(t.Context(), dir, "flags", "init").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

func answerAt(coverage, treatment float64) decide.Allocation {
	return decide.Allocation{Coverage: coverage, KnownGood: "control", Arms: []decide.Arm{
		{Variation: "control", Weight: 1 - treatment}, {Variation: "treatment", Weight: treatment},
	}}
}

// TestFlagsServe is the life of a server: a second one is refused, a change is
// delivered, a kill loses nothing, and a signal ends it cleanly.
func TestFlagsServe(t *testing.T) {
	dir := initFlags(t)
	s := startServing(t, dir)
	second := program(t.Context(), dir, "flags", "serve", "--listen", "127.0.0.1:0")
	if out, _ := second.CombinedOutput(); second.ProcessState.ExitCode() != exitLocked || !strings.Contains(string(out), "another server has the flags file") {
		t.Errorf("%d: %s", second.ProcessState.ExitCode(), out)
	}
	change := flags.Change{
		ID: "d_1", Experiment: "answer", FlagKey: "answer-prompt", Expected: answerAt(0.1, 0.5), Target: answerAt(1, 0),
		Verdict: decide.Rollback, AsOf: time.Now(), DecidedAt: time.Now(),
	}
	if r := flags.Deliver(t.Context(), s.store(dir), change); r.Outcome != flags.OutcomeDelivered {
		t.Fatalf("%+v\n%s", r, s.err)
	}
	if code := s.end(syscall.SIGKILL); code != -1 {
		t.Errorf("killed with %d", code)
	}
	s = startServing(t, dir, "-o", "text", "--log-format", "json")
	if status, text := s.get("/state/answer-prompt"); status != 200 || !strings.Contains(text, `{"variation":"treatment","weight":0}`) {
		t.Errorf("%d %s", status, text)
	}
	// A person changes it beside the server.
	if out, err := program(t.Context(), dir, "flags", "set", "answer-prompt", "--coverage", "0.5").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if _, text := s.get("/state/answer-prompt"); !strings.Contains(text, `"coverage":0.5`) {
		t.Error(text)
	}
	if code := s.end(syscall.SIGTERM); code != 143 {
		t.Errorf("ended with %d: %s", code, s.err)
	}
	if s := startServing(t, dir); s.end(os.Interrupt) != 130 {
		t.Errorf("interrupted: %s", s.err)
	}
	secret, err := os.ReadFile(filepath.Join(dir, "webhook.secret"))
	if err != nil || strings.Contains(s.err.String(), strings.TrimSpace(string(secret))) {
		t.Errorf("%v; the log has the secret", err)
	}
}

// TestFlagsServePort cannot have a port that is taken.
func TestFlagsServePort(t *testing.T) {
	s := startServing(t, initFlags(t))
	other := program(t.Context(), initFlags(t), "flags", "serve", "--listen", strings.TrimPrefix(s.url, "http://"))
	if out, _ := other.CombinedOutput(); other.ProcessState.ExitCode() != exitUnreachable {
		t.Errorf("%d: %s", other.ProcessState.ExitCode(), out)
	}
	if s.end(syscall.SIGTERM) != 143 {
		t.Error(s.err)
	}
}

// TestFlagsServeKilled kills the server at some instant of each delivery. Sent
// again under the same id, the change is there, once in the log, and so is every
// earlier one.
func TestFlagsServeKilled(t *testing.T) {
	dir := initFlags(t)
	chance := rand.New(rand.NewPCG(1, 2))
	state, lost := answerAt(0.1, 0.5), 0
	const rounds = 25
	for i := range rounds {
		target := answerAt(0.1+0.03*float64(i+1), 0.5)
		change := flags.Change{
			ID: fmt.Sprintf("d_%d", i), Experiment: "answer", FlagKey: "answer-prompt", Expected: state, Target: target,
			Verdict: decide.Ramp, AsOf: time.Now(), DecidedAt: time.Now(),
		}
		s := startServing(t, dir)
		store := s.store(dir)
		done := make(chan error, 1)
		go func() { done <- store.Apply(t.Context(), change) }()
		time.Sleep(time.Duration(chance.IntN(30_000)) * time.Microsecond)
		s.end(syscall.SIGKILL)
		if <-done != nil {
			lost++
		}
		s = startServing(t, dir)
		if err := s.store(dir).Apply(t.Context(), change); err != nil {
			t.Fatalf("round %d: %v\n%s", i, err, s.err)
		}
		got, err := s.store(dir).Read(t.Context(), "answer-prompt")
		if err != nil || !flags.Same(*got.Allocation, target, 1e-5) {
			t.Fatalf("round %d: %+v, %v", i, got, err)
		}
		s.end(syscall.SIGTERM)
		state = target
	}
	ids := map[string]int{}
	if err := serve.ReadLog(filepath.Join(dir, "flags.audit.jsonl"), func(e serve.Entry) { ids[e.ID]++ }); err != nil {
		t.Fatal(err)
	}
	for i := range rounds {
		if n := ids[fmt.Sprintf("d_%d", i)]; n != 1 {
			t.Errorf("change %d is in the log %d times", i, n)
		}
	}
	t.Logf("%d of %d answers were lost", lost, rounds)
}
