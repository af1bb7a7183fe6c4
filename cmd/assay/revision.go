package main

import (
	"context"
	"os/exec"
	"strings"
	"time"
)

// revisionEnv names the revision of the specs where they are not a checkout, as in
// an image.
const revisionEnv = "ASSAY_REVISION"

// revision is the git revision of a folder, with -dirty where a file of it was
// changed since; "" where it is in no repository or there is no git.
func (a *app) revision(ctx context.Context, dir string) string {
	if given, _ := a.env(revisionEnv); given != "" {
		return given
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	head, err := git(ctx, dir, "rev-parse", "HEAD")
	if err != nil {
		return ""
	}
	if changed, err := git(ctx, dir, "status", "--porcelain", "--untracked-files=no", "--", "."); err != nil || changed != "" {
		head += "-dirty"
	}
	return head
}

// git runs a command that only reads; a repository's settings must not make it run
// another program.
func git(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", dir, "-c", "core.fsmonitor=false", "--no-optional-locks"}, args...)...)
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}
