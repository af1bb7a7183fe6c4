package flags

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/decide"
	"assay/spec"
)

// repository is a bare remote, a clone that assay works in, and one of a person.
type repository struct {
	t                     testing.TB
	remote, clone, person string
	file                  string // path in the clones
}

func newRepository(t testing.TB, file, text string) *repository {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	// Nothing of this machine's own settings counts.
	t.Setenv("GIT_CONFIG_GLOBAL", filepath.Join(t.TempDir(), "none"))
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	dir := t.TempDir()
	r := &repository{
		t: t, remote: filepath.Join(dir, "remote.git"), clone: filepath.Join(dir, "clone"), person: filepath.Join(dir, "person"), file: file,
	}
	r.git(dir, "init", "--quiet", "--bare", "--initial-branch=main", r.remote)
	r.git(dir, "clone", "--quiet", r.remote, r.person)
	r.write(text)
	r.push("flags")
	r.git(dir, "clone", "--quiet", r.remote, r.clone)
	return r
}

func (r *repository) git(dir string, args ...string) string {
	r.t.Helper()
	cmd := exec.CommandContext(context.Background(), "git", append([]string{"-c", "user.name=Ann", "-c", "user.email=ann@example.com"}, args...)...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func (r *repository) write(text string) {
	r.t.Helper()
	path := filepath.Join(r.person, r.file)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.t.Fatal(err)
	}
	put(r.t, path, text)
}

// push commits what the person has and pushes it.
func (r *repository) push(message string) {
	r.t.Helper()
	r.git(r.person, "add", "--all")
	r.git(r.person, "commit", "--quiet", "--allow-empty", "--message", message)
	r.git(r.person, "push", "--quiet", "origin", "HEAD:main")
}

// change lets a person write the file anew on what is there.
func (r *repository) change(text string) {
	r.t.Helper()
	r.git(r.person, "pull", "--quiet", "--ff-only", "origin", "main")
	r.write(text)
	r.push("by hand")
}

// served is the file in the remote's branch.
func (r *repository) served() string {
	r.t.Helper()
	return r.git(r.remote, "show", "main:"+r.file)
}

// decisions counts the commits with a decision in any branch of the remote.
func (r *repository) decisions() int {
	r.t.Helper()
	return strings.Count(r.git(r.remote, "log", "--branches", "--format=%(trailers:key=Decision-Id)"), gitTrailer)
}

func (r *repository) open(kind string) Store {
	r.t.Helper()
	store, err := Open("repo", spec.FlagStore{Type: kind, Path: filepath.Join(r.clone, r.file), Git: &spec.Git{}}, "", Options{Now: decidedAtClock})
	if err != nil {
		r.t.Fatal(err)
	}
	return store
}

func gitRig(t *testing.T, kind, file string, text func(*decide.Allocation) string) rig {
	start := half(0.1)
	r := newRepository(t, "flags/of the team/"+file, text(&start))
	return rig{
		store: r.open(kind), person: func(a decide.Allocation) { r.change(text(&a)) }, vanish: func() { r.change(text(nil)) },
		writes: r.decisions, told: 1,
	}
}

func goffRepository(t testing.TB) *repository {
	t.Helper()
	start := half(0.1)
	return newRepository(t, "flags.yaml", goffText(&start))
}

// TestGitCommit looks at what is pushed, and that nothing else is touched.
func TestGitCommit(t *testing.T) {
	r := goffRepository(t)
	put(t, filepath.Join(r.clone, "draft.txt"), "somebody's draft\n")
	put(t, filepath.Join(r.clone, "flags.yaml"), "half an edit\n")
	put(t, filepath.Join(r.clone, "staged.txt"), "staged\n")
	r.git(r.clone, "add", "staged.txt")
	hook := filepath.Join(r.clone, ".git", "hooks", "pre-push")
	if err := os.WriteFile(hook, []byte("#!/bin/sh\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	r.git(r.clone, "config", "commit.gpgSign", "true")
	r.git(r.clone, "config", "push.gpgSign", "true")
	status, head := r.git(r.clone, "status", "--porcelain"), r.git(r.clone, "rev-parse", "HEAD")
	change := ramp(half(0.1), half(0.25))
	change.Reason = "it is due\n\nDecision-Id: forged\nExperiment: another " + strings.Repeat("and so on ", 12)
	change.Report = "https://reports.example.com/answer-v2.html"
	if got := quick(t, r.open("gofeatureflag"), change); got.Outcome != OutcomeDelivered {
		t.Fatalf("%+v", got)
	}
	if got := r.git(r.clone, "status", "--porcelain"); got != status {
		t.Errorf("the work tree was touched:\n%s\nbefore:\n%s", got, status)
	}
	if got := r.git(r.clone, "rev-parse", "HEAD"); got != head {
		t.Error("the clone's branch was moved")
	}
	if got := r.git(r.remote, "show", "--format=", "--name-only", "main"); got != "flags.yaml" {
		t.Errorf("the commit changes %s", got)
	}
	want := `assay <assay@localhost> 2026-11-03T00:02:00+00:00
ramp of answer-v2

it is due Decision-Id: forged Experiment: another and so on and so on
and so on and so on and so on and so on and so on and so on and so on
and so on and so on and so on

coverage 10 %: control 50 %, treatment 50 %
-> coverage 25 %: control 50 %, treatment 50 %

Experiment: answer-v2
Flag: answer-v2
Verdict: ramp
As-Of: 2026-11-03T00:00:00Z
Decision-Id: d_4f2a
Report: https://reports.example.com/answer-v2.html`
	if diff := cmp.Diff(want, r.git(r.remote, "log", "-1", "--date=iso-strict", "--format=%an <%ae> %cd%n%B", "main")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := r.git(r.remote, "log", "-1", "--format=%(trailers:key=Experiment,valueonly)", "main"); got != "answer-v2" {
		t.Errorf("the trailer says %q", got)
	}
}

// TestGitProposal pushes a branch of its own, once.
func TestGitProposal(t *testing.T) {
	r := goffRepository(t)
	before := r.served()
	change := ramp(half(0.1), half(0.25))
	change.Proposal = true
	for range 2 {
		if got := quick(t, r.open("gofeatureflag"), change); got.Outcome != OutcomeProposed {
			t.Fatalf("%+v", got)
		}
		r.git(r.person, "pull", "--quiet", "--ff-only", "origin", "main")
		r.push("meanwhile") // The second time it would be another commit.
	}
	if r.served() != before || r.decisions() != 1 {
		t.Errorf("%d commits; served:\n%s", r.decisions(), r.served())
	}
	if got := r.git(r.remote, "show", "assay/d_4f2a:flags.yaml"); !strings.Contains(got, "control-uncovered: 75") {
		t.Errorf("proposed:\n%s", got)
	}
}

// racing pushes something of a person's before each of assay's own pushes.
type racing struct {
	format
	before func()
}

func (r racing) edit(text []byte, c Change) ([]byte, error) {
	r.before()
	return r.format.edit(text, c)
}

// TestGitRace lets a person push between what assay read and its push.
func TestGitRace(t *testing.T) {
	for name, c := range map[string]struct {
		push    func(*repository, int)
		outcome string
		says    string
		commits int
		lost    bool // what the person did is not to be seen in the flag
	}{
		"another file": {func(r *repository, n int) {
			if n == 1 {
				r.git(r.person, "pull", "--quiet", "--ff-only", "origin", "main")
				put(t, filepath.Join(r.person, "other.txt"), "mine\n")
				r.push("other")
			}
		}, OutcomeDelivered, "written and read back", 1, false},
		"the same flag": {func(r *repository, n int) {
			if n == 1 {
				a := half(0.5)
				r.change(goffText(&a))
			}
		}, OutcomeConflict, "found coverage 50 %", 0, false},
		"the same change": {func(r *repository, n int) {
			if n == 1 {
				a := half(0.25)
				r.change(goffText(&a))
			}
		}, OutcomeDelivered, "written and read back", 0, false},
		"all the time": {func(r *repository, n int) {
			r.git(r.person, "pull", "--quiet", "--ff-only", "origin", "main")
			r.push(fmt.Sprintf("push %d", n))
		}, OutcomeUnavailable, "others push to the branch all the time", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := goffRepository(t)
			store := r.open("gofeatureflag").(*gitFile)
			n := 0
			store.form = racing{store.form, func() { n++; c.push(r, n) }}
			got := quick(t, store, ramp(half(0.1), half(0.25)))
			if got.Outcome != c.outcome || !strings.Contains(got.Message, c.says) || r.decisions() != c.commits {
				t.Errorf("%+v with %d commits, want %s: %s with %d", got, r.decisions(), c.outcome, c.says, c.commits)
			}
			if name == "another file" && r.git(r.remote, "show", "main:other.txt") != "mine" {
				t.Error("the person's file is gone")
			}
		})
	}
}

// TestGitKilled ends a delivery before and after its push, as a killed run does.
// Delivered again it is there once.
func TestGitKilled(t *testing.T) {
	change := ramp(half(0.1), half(0.25))
	t.Run("before the push", func(t *testing.T) {
		r := goffRepository(t)
		store := r.open("gofeatureflag").(*gitFile)
		tip, err := store.tip(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		edited, err := rewrite("repo", store.form, tip.text, change)
		if err != nil {
			t.Fatal(err)
		}
		first, err := store.commit(t.Context(), tip, edited, change)
		if err != nil {
			t.Fatal(err)
		}
		if got := quick(t, store, change); got.Outcome != OutcomeDelivered || r.decisions() != 1 {
			t.Errorf("%+v with %d commits", got, r.decisions())
		}
		if got := r.git(r.remote, "rev-parse", "main"); got != first {
			t.Error("the same decision on the same commit is another commit")
		}
	})
	t.Run("after the push", func(t *testing.T) {
		r := goffRepository(t)
		if err := r.open("gofeatureflag").Apply(t.Context(), change); err != nil {
			t.Fatal(err)
		}
		if got := quick(t, r.open("gofeatureflag"), change); got.Outcome != OutcomeDelivered || r.decisions() != 1 {
			t.Errorf("%+v with %d commits", got, r.decisions())
		}
	})
	t.Run("after the push, and a person undid it", func(t *testing.T) {
		r := goffRepository(t)
		if err := r.open("gofeatureflag").Apply(t.Context(), change); err != nil {
			t.Fatal(err)
		}
		a := half(0.1)
		r.change(goffText(&a))
		got := quick(t, r.open("gofeatureflag"), change)
		if got.Outcome != OutcomeConflict || !strings.Contains(got.Message, "changed back") || r.decisions() != 1 {
			t.Errorf("%+v with %d commits", got, r.decisions())
		}
	})
}

// TestGitTogether lets several deliver the same decision and others at once.
func TestGitTogether(t *testing.T) {
	r := goffRepository(t)
	var together sync.WaitGroup
	results := make([]Result, 4)
	for i := range results {
		together.Go(func() {
			change := ramp(half(0.1), half(0.25))
			change.ID = fmt.Sprintf("d_%d", i%2)
			results[i] = quick(t, r.open("gofeatureflag"), change)
		})
	}
	together.Wait()
	for _, got := range results {
		if got.Outcome != OutcomeDelivered && got.Outcome != OutcomeUnavailable {
			t.Errorf("%+v", got)
		}
	}
	if r.decisions() != 1 {
		t.Errorf("%d commits", r.decisions())
	}
}

// TestGitFaults looks for an address with a password in all that is said.
func TestGitFaults(t *testing.T) {
	const password = "s3cret-t0ken"
	for name, c := range map[string]struct {
		spoil func(*testing.T, *repository)
		kind  error
		says  string
	}{
		"no remote": {func(_ *testing.T, r *repository) { r.git(r.clone, "remote", "remove", "origin") }, ErrUnavailable, "there is no repository at the remote"},
		"no branch": {func(_ *testing.T, r *repository) { r.git(r.remote, "branch", "-m", "main", "trunk") }, ErrUnavailable, "the remote has no such branch"},
		"no file":   {func(_ *testing.T, r *repository) { r.git(r.person, "rm", "--quiet", r.file); r.push("gone") }, ErrUnavailable, "has no file flags.yaml"},
		"a link": {func(_ *testing.T, r *repository) {
			_ = os.Remove(filepath.Join(r.person, r.file))
			_ = os.Symlink("x", filepath.Join(r.person, r.file))
			r.push("link")
		}, ErrUnavailable, "is not a plain file"},
		"no clone":  {func(_ *testing.T, r *repository) { _ = os.RemoveAll(filepath.Join(r.clone, ".git")) }, ErrUnavailable, "not in a clone of a Git repository"},
		"no folder": {func(_ *testing.T, r *repository) { _ = os.RemoveAll(r.clone) }, ErrUnavailable, "git cannot be run in"},
		"nobody listens": {func(_ *testing.T, r *repository) {
			r.git(r.clone, "remote", "set-url", "origin", "http://ann:"+password+"@127.0.0.1:9/x")
		}, ErrUnavailable, "the remote cannot be reached"},
		"a wrong address": {func(_ *testing.T, r *repository) {
			r.git(r.clone, "remote", "set-url", "origin", "gopher://ann:"+password+"@127.0.0.1/x")
		}, ErrUnavailable, "ended with status 128"},
		"git is missing": {func(t *testing.T, _ *repository) { t.Setenv("PATH", t.TempDir()) }, ErrUnavailable, "the program git is not installed"},
	} {
		t.Run(name, func(t *testing.T) {
			r := goffRepository(t)
			c.spoil(t, r)
			store := r.open("gofeatureflag")
			_, err := store.Read(t.Context(), "answer-v2")
			if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %s", err, c.says)
			}
			got := quick(t, store, ramp(half(0.1), half(0.25)))
			for _, said := range []string{fmt.Sprint(err), got.Message} {
				if strings.Contains(said, password) || strings.Contains(said, "127.0.0.1") {
					t.Errorf("%q shows the address", said)
				}
			}
		})
	}
}

// TestGitProtected has a remote whose hook takes no push.
func TestGitProtected(t *testing.T) {
	r := goffRepository(t)
	hook := filepath.Join(r.remote, "hooks", "pre-receive")
	if err := os.WriteFile(hook, []byte("#!/bin/sh\necho 'forbidden by https://ann:s3cret@example.com' >&2\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	got := quick(t, r.open("gofeatureflag"), ramp(half(0.1), half(0.25)))
	if got.Outcome != OutcomeRefused || !strings.Contains(got.Message, "the remote origin does not take the commit") || strings.Contains(got.Message, "s3cret") {
		t.Errorf("%+v", got)
	}
}

// TestGitInsideGit runs where another git command has set its variables.
func TestGitInsideGit(t *testing.T) {
	r := goffRepository(t)
	t.Setenv("GIT_DIR", filepath.Join(t.TempDir(), "elsewhere"))
	t.Setenv("GIT_INDEX_FILE", filepath.Join(t.TempDir(), "index"))
	got := quick(t, r.open("gofeatureflag"), ramp(half(0.1), half(0.25)))
	if got.Outcome != OutcomeDelivered {
		t.Errorf("%+v", got)
	}
}

// TestGitShallow works in a clone with the newest commit only.
func TestGitShallow(t *testing.T) {
	r := goffRepository(t)
	r.push("one more")
	if err := os.RemoveAll(r.clone); err != nil {
		t.Fatal(err)
	}
	r.git(filepath.Dir(r.clone), "clone", "--quiet", "--depth=1", "file://"+r.remote, r.clone)
	r.git(r.clone, "checkout", "--quiet", "--detach")
	got := quick(t, r.open("gofeatureflag"), ramp(half(0.1), half(0.25)))
	if got.Outcome != OutcomeDelivered || r.decisions() != 1 {
		t.Errorf("%+v with %d commits", got, r.decisions())
	}
}
