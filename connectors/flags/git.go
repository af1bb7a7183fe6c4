package flags

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"assay/spec"
)

const (
	gitRemote = "origin"
	gitBranch = "main"
	gitAuthor = "assay <assay@localhost>"
	// gitPatience is the longest time of one call of git.
	gitPatience = time.Minute
	// gitGrace is how long what git started may hold its output after it ended.
	gitGrace = 5 * time.Second
	// gitTries is how often a change is made anew because somebody else pushed.
	gitTries = 5
	// gitBack is how far before a decision its commit is looked for.
	gitBack = 24 * time.Hour
)

// gitFile is a flag file in a branch of a remote Git repository, of which there
// is a clone on this machine. What counts is the remote's branch. A change is a
// commit on its newest one, made without the clone's work tree, index and
// branches, and pushed, never by force: between the two there is nothing that a
// killed run could leave half done.
type gitFile struct {
	name           string
	dir, base      string // folder in the clone, and the file's name
	remote, branch string
	author         *mail.Address
	form           format
}

func openGit(name string, cfg spec.Git, path string, form format) (Store, error) {
	author, err := mail.ParseAddress(cmp.Or(cfg.Author, gitAuthor))
	if err != nil {
		return nil, errors.New("git.author is not of the form name <address>")
	}
	return &gitFile{
		name: name, dir: filepath.Dir(path), base: filepath.Base(path), form: form,
		remote: cmp.Or(cfg.Remote, gitRemote), branch: cmp.Or(cfg.Branch, gitBranch), author: author,
	}, nil
}

// Name implements Store.
func (g *gitFile) Name() string { return g.name }

// Read implements Store: it fetches the branch and reads its newest commit.
func (g *gitFile) Read(ctx context.Context, flagKey string) (State, error) {
	tip, err := g.tip(ctx)
	if err != nil {
		return State{}, err
	}
	return g.form.state(tip.text, flagKey)
}

// Apply implements Store. Where somebody else pushed in the meantime, the change
// is compared and made again on what is there now. A proposal is a branch of its
// own, assay/<id>.
func (g *gitFile) Apply(ctx context.Context, change Change) error {
	for range gitTries {
		tip, err := g.tip(ctx)
		if err != nil {
			return err
		}
		edited, err := rewrite(g.name, g.form, tip.text, change)
		if err != nil || edited == nil {
			return err
		}
		if done, err := g.done(ctx, tip, change); err != nil || done {
			return err
		}
		commit, err := g.commit(ctx, tip, edited, change)
		if err != nil {
			return err
		}
		if again, err := g.push(ctx, commit, g.target(change)); err != nil || !again {
			return err
		}
	}
	return g.fail(ErrUnavailable, "others push to the branch all the time")
}

// target is the branch that a change is pushed to.
func (g *gitFile) target(c Change) string {
	if c.Proposal {
		return "refs/heads/assay/" + c.ID
	}
	return "refs/heads/" + g.branch
}

func (g *gitFile) fail(kind error, detail string) error {
	return &Error{Store: g.name, Kind: kind, Detail: detail}
}

// gitTip is the newest commit of the branch and the flag file in it.
type gitTip struct {
	commit, path, mode string
	text               []byte
}

// tip fetches the branch. Only a ref of assay's own is written.
func (g *gitFile) tip(ctx context.Context) (gitTip, error) {
	prefix, err := g.git(ctx, nil, nil, "rev-parse", "--show-prefix")
	if err != nil {
		return gitTip{}, err
	}
	t := gitTip{path: strings.TrimRight(prefix, "\n") + g.base}
	own := "refs/assay/" + g.name + "/" + g.branch
	if _, err = g.git(
		ctx, g.quietly(ctx), nil, "fetch", "--quiet", "--no-tags", "--refmap=", "--no-recurse-submodules", "--no-write-fetch-head",
		g.remote, "+refs/heads/"+g.branch+":"+own,
	); err != nil {
		return t, err
	}
	if t.commit, err = g.git(ctx, nil, nil, "rev-parse", "--verify", own+"^{commit}"); err != nil {
		return t, err
	}
	t.commit = strings.TrimSpace(t.commit)
	listed, err := g.git(ctx, nil, nil, "ls-tree", "-z", "--full-tree", t.commit, "--", t.path)
	if err != nil {
		return t, err
	}
	fields := strings.Fields(listed)
	if len(fields) < 3 {
		return t, g.fail(ErrUnavailable, fmt.Sprintf("the branch %s of %s has no file %s", g.branch, g.remote, t.path))
	}
	if t.mode = fields[0]; !strings.HasPrefix(t.mode, "100") {
		return t, g.fail(ErrUnavailable, fmt.Sprintf("%s in the branch %s of %s is not a plain file", t.path, g.branch, g.remote))
	}
	text, err := g.git(ctx, nil, nil, "cat-file", "blob", fields[2])
	t.text = []byte(text)
	return t, err
}

const gitTrailer = "Decision-Id"

// done tells whether a change was pushed already. A proposal then waits; any
// other is not in the branch's newest commit any more, so somebody undid it.
func (g *gitFile) done(ctx context.Context, tip gitTip, c Change) (bool, error) {
	if c.Proposal {
		refs, err := g.git(ctx, g.quietly(ctx), nil, "ls-remote", "--quiet", g.remote, g.target(c))
		return refs != "", err
	}
	since := c.DecidedAt.Add(-gitBack).UTC().Format(time.RFC3339)
	found, err := g.git(
		ctx, nil, nil, "log", "--fixed-strings", "--grep="+gitTrailer+": "+c.ID, "--since="+since,
		"--format=%h %(trailers:key="+gitTrailer+",valueonly,separator=%x20)", tip.commit,
	)
	if err != nil {
		return false, err
	}
	for line := range strings.Lines(found) {
		if fields := strings.Fields(line); len(fields) == 2 && fields[1] == c.ID {
			return false, g.fail(ErrConflict, fmt.Sprintf("this decision is in the branch as commit %s, and what it changed was changed back", fields[0]))
		}
	}
	return false, nil
}

// commit makes a commit with the edited file on the newest one. The same
// decision on the same commit is the same commit.
func (g *gitFile) commit(ctx context.Context, tip gitTip, edited []byte, c Change) (string, error) {
	scratch, err := os.MkdirTemp("", "assay-git-")
	if err != nil {
		return "", g.fail(ErrUnavailable, err.Error())
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	at := c.DecidedAt.UTC().Format(time.RFC3339)
	env := []string{
		"GIT_INDEX_FILE=" + filepath.Join(scratch, "index"),
		"GIT_AUTHOR_NAME=" + g.author.Name, "GIT_AUTHOR_EMAIL=" + g.author.Address, "GIT_AUTHOR_DATE=" + at,
		"GIT_COMMITTER_NAME=" + g.author.Name, "GIT_COMMITTER_EMAIL=" + g.author.Address, "GIT_COMMITTER_DATE=" + at,
	}
	blob, err := g.git(ctx, env, edited, "hash-object", "-w", "--stdin")
	if err != nil {
		return "", err
	}
	if _, err := g.git(ctx, env, nil, "read-tree", tip.commit); err != nil {
		return "", err
	}
	if _, err := g.git(ctx, env, []byte(tip.mode+" "+strings.TrimSpace(blob)+"\t"+tip.path+"\x00"), "update-index", "-z", "--index-info"); err != nil {
		return "", err
	}
	tree, err := g.git(ctx, env, nil, "write-tree")
	if err != nil {
		return "", err
	}
	commit, err := g.git(ctx, env, []byte(commitMessage(c)), "commit-tree", strings.TrimSpace(tree), "-p", tip.commit)
	return strings.TrimSpace(commit), err
}

// commitMessage says what was decided and why. What comes from outside has no
// line of its own, so that it cannot pass for a trailer.
func commitMessage(c Change) string {
	subject := fmt.Sprintf("%s of %s", c.Verdict, oneLine(c.Experiment))
	if c.Proposal {
		subject = fmt.Sprintf("Proposal: %s of %s", c.Verdict, oneLine(c.Experiment))
	}
	trailers := []string{
		"Experiment: " + oneLine(c.Experiment), "Flag: " + oneLine(c.FlagKey), "Verdict: " + string(c.Verdict),
		"As-Of: " + c.AsOf.UTC().Format(time.RFC3339), gitTrailer + ": " + c.ID,
	}
	if c.Report != "" {
		trailers = append(trailers, "Report: "+oneLine(c.Report))
	}
	body := []string{subject, wrapped(oneLine(shorten(c.Reason, maxWebhookReason))), describe(c.Expected) + "\n-> " + describe(c.Target), strings.Join(trailers, "\n")}
	return strings.Join(slices.DeleteFunc(body, func(s string) bool { return s == "" }), "\n\n") + "\n"
}

// oneLine has no line ends, control characters and marks that turn the direction
// of writing.
func oneLine(text string) string {
	clean := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, text)
	return strings.Join(strings.Fields(clean), " ")
}

// wrapped breaks a text into lines of 72 characters where it has blanks.
func wrapped(text string) string {
	const width = 72
	var out strings.Builder
	column := 0
	for _, w := range strings.Fields(text) {
		n := len([]rune(w))
		switch {
		case column == 0:
		case column+1+n > width:
			out.WriteByte('\n')
			column = 0
		default:
			out.WriteByte(' ')
			column++
		}
		out.WriteString(w)
		column += n
	}
	return out.String()
}

// push hands a commit to the remote. again: the branch moved on meanwhile.
func (g *gitFile) push(ctx context.Context, commit, ref string) (again bool, err error) {
	out, status, err := g.run(
		ctx, g.quietly(ctx), nil, "push", "--porcelain", "--no-verify", "--no-signed", "--no-follow-tags", "--recurse-submodules=no",
		g.remote, commit+":"+ref,
	)
	switch {
	case status == nil || err != nil && !errors.Is(err, errGit):
		return false, err
	case strings.Contains(out, "\t[rejected]"), strings.Contains(out, "cannot lock ref"), strings.Contains(out, "failed to update ref"):
		return true, nil
	case strings.Contains(out, "\t[remote rejected]"):
		return false, g.fail(ErrRefused, fmt.Sprintf("the remote %s does not take the commit: the branch may be protected, or checked out there", g.remote))
	}
	return false, g.diagnose("push", status)
}

// errGit says that git ran and ended with a failure.
var errGit = errors.New("git failed")

// git runs one command in the folder of the flag file and returns its output.
func (g *gitFile) git(ctx context.Context, env []string, stdin []byte, args ...string) (string, error) {
	out, status, err := g.run(ctx, env, stdin, args...)
	if errors.Is(err, errGit) {
		err = g.diagnose(args[0], status)
	}
	return out, err
}

// gitFailure is how a command ended.
type gitFailure struct {
	code   int
	stderr string
}

// run runs git so that it can neither ask for anything nor run anybody's hooks,
// and not for ever. Of what git says nothing is passed on: it names the remote's
// address.
func (g *gitFile) run(ctx context.Context, env []string, stdin []byte, args ...string) (string, *gitFailure, error) {
	limited, cancel := context.WithTimeout(ctx, gitPatience)
	defer cancel()
	fixed := []string{
		"-c", "core.hooksPath=" + os.DevNull, "-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "push.gpgSign=false",
		"-c", "log.showSignature=false", "-c", "color.ui=false", "-c", "core.fsmonitor=false",
	}
	cmd := exec.CommandContext(limited, "git", append(fixed, args...)...)
	var out, problem limitedBuffer
	out.left, problem.left = maxFile+1, maxAnswer
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = g.dir, bytes.NewReader(stdin), &out, &problem
	cmd.Env, cmd.WaitDelay = append(gitEnvironment(), env...), gitGrace
	err := cmd.Run()
	switch {
	case err == nil && out.left == 0:
		return "", nil, g.fail(ErrUnavailable, errTooLarge.Error())
	case err == nil:
		return out.String(), nil, nil
	case errors.Is(err, exec.ErrNotFound):
		return "", nil, g.fail(ErrUnavailable, "the program git is not installed; a flag file with git: needs it")
	case ctx.Err() != nil:
		return "", nil, g.fail(ErrUnavailable, "stopped before git was done")
	case limited.Err() != nil:
		return "", nil, g.fail(ErrUnavailable, fmt.Sprintf("git %s took longer than %s", args[0], gitPatience))
	}
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		return out.String(), &gitFailure{ended.ExitCode(), problem.String()}, errGit
	}
	return "", nil, g.fail(ErrUnavailable, fmt.Sprintf("git cannot be run in %s", g.dir))
}

// limitedBuffer keeps the first bytes of what is written and drops the rest.
type limitedBuffer struct {
	bytes.Buffer
	left int
}

func (b *limitedBuffer) Write(p []byte) (int, error) {
	n := min(len(p), b.left)
	b.left -= n
	_, err := b.Buffer.Write(p[:n])
	return len(p), err
}

// ReadFrom is there so that the one of Buffer is not used.
func (b *limitedBuffer) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{b}, r)
}

// foreignGit are variables that would point git to another repository: assay may
// run inside a hook or another git command.
var foreignGit = regexp.MustCompile(`^GIT_(DIR|WORK_TREE|INDEX_FILE|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|COMMON_DIR|NAMESPACE|PREFIX|QUARANTINE_PATH|CEILING_DIRECTORIES|AUTHOR_.*|COMMITTER_.*)=`)

func gitEnvironment() []string {
	env := slices.DeleteFunc(os.Environ(), foreignGit.MatchString)
	return append(
		env, "GIT_TERMINAL_PROMPT=0", "GCM_INTERACTIVE=never", "SSH_ASKPASS_REQUIRE=never", "GIT_LITERAL_PATHSPECS=1", "GIT_OPTIONAL_LOCKS=0", "LC_ALL=C", "LANGUAGE=",
	)
}

// quietly keeps ssh from asking for a password or about a host, where nobody has
// said which ssh it is to be.
func (g *gitFile) quietly(ctx context.Context) []string {
	chosen, _, _ := g.run(ctx, nil, nil, "config", "--get", "core.sshCommand")
	if chosen+os.Getenv("GIT_SSH")+os.Getenv("GIT_SSH_COMMAND") != "" {
		return nil
	}
	return []string{"GIT_SSH_COMMAND=ssh -o BatchMode=yes -o ConnectTimeout=15"}
}

// gitTroubles are what git says and what that means. The first that fits counts.
var gitTroubles = []struct {
	says *regexp.Regexp
	kind error
	mean string
}{
	{regexp.MustCompile(`not a git repository \(or any`), ErrUnavailable, "the flag file is not in a clone of a Git repository"},
	{regexp.MustCompile(`dubious ownership`), ErrUnavailable, "the clone belongs to another user, and Git does not trust it; see safe.directory of git config"},
	{regexp.MustCompile(`(?i)couldn't find remote ref`), ErrUnavailable, "the remote has no such branch"},
	{regexp.MustCompile(`(?i)authentication failed|permission denied|could not read (username|password)|access denied|terminal prompts disabled|host key verification failed|returned error: 40[13]`), ErrAuth, "the remote does not let us in; nobody is asked for credentials"},
	{regexp.MustCompile(`(?i)could not resolve host`), ErrUnavailable, "the name of the remote's host does not resolve"},
	{regexp.MustCompile(`(?i)connection refused|connection timed out|operation timed out|could not connect|failed to connect`), ErrUnavailable, "the remote cannot be reached"},
	{regexp.MustCompile(`(?i)does not appear to be a git repository|repository .* not found|no such remote`), ErrUnavailable, "there is no repository at the remote"},
	{regexp.MustCompile(`(?i)no space left|disk quota`), ErrUnavailable, "the disk is full"},
	{regexp.MustCompile(`(?i)cannot lock ref|unable to create .*\.lock`), ErrUnavailable, "another process uses the clone"},
}

// diagnose says in our own words why a command failed.
func (g *gitFile) diagnose(command string, f *gitFailure) error {
	for _, t := range gitTroubles {
		if t.says.MatchString(f.stderr) {
			return g.fail(t.kind, fmt.Sprintf("git %s with %s: %s", command, g.remote, t.mean))
		}
	}
	return g.fail(ErrUnavailable, fmt.Sprintf("git %s with %s ended with status %d; the same command in %s says why", command, g.remote, f.code, g.dir))
}
