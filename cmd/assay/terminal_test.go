package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"
)

// terminalCall runs the program on a terminal of 80 columns.
func terminalCall(t *testing.T, env map[string]string, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, log bytes.Buffer
	code := execute(t.Context(), args, system{
		stdin: strings.NewReader(""), stdout: &out, stderr: &log,
		env:      func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		now:      func() time.Time { return time.Date(2026, 11, 2, 0, 2, 0, 0, time.UTC) },
		terminal: func(io.Writer) int { return 80 },
	})
	if code != exitDone {
		t.Fatalf("%v: exit %d\n%s", args, code, log.String())
	}
	return out.String(), log.String()
}

// TestTerminal: colour and progress are for terminals, colour not where
// NO_COLOR is set, progress not with -q; lines are cut to the width.
func TestTerminal(t *testing.T) {
	t.Chdir(smallProject(t, "tone 2026-11-01 control=200:10 treatment=200:60"))
	out, log := terminalCall(t, nil, "run", "--select", "tone", "--as-of", "2026-11-02")
	if !strings.Contains(log, "\r\x1b[Ktone  1/") || !strings.HasSuffix(log, "\r\x1b[K") {
		t.Errorf("progress %q does not come or does not go", log)
	}
	for line := range strings.Lines(out) {
		if n := len([]rune(line)); n > 81 && strings.HasPrefix(line, "rollback") {
			t.Errorf("a line of %d columns: %s", n, line)
		}
	}
	if _, log := terminalCall(t, nil, "run", "-q", "--dry-run", "--select", "tone", "--as-of", "2026-11-02"); log != "" {
		t.Errorf("-q shows %q", log)
	}
	if out, _ := terminalCall(t, nil, "explain", "tone"); !strings.Contains(out, "\x1b[1;31m") {
		t.Errorf("no colour in %q", out)
	}
	for _, value := range []string{"1", ""} {
		out, _ := terminalCall(t, map[string]string{"NO_COLOR": value}, "explain", "tone")
		if coloured := strings.Contains(out, "\x1b"); coloured != (value == "") {
			t.Errorf("NO_COLOR=%q: coloured is %t", value, coloured)
		}
	}
}
