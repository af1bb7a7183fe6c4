package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"assay/cmd/faults/instants"
)

var update = flag.Bool("update", false, "rewrite the golden parts of the scripts")

// TestMain lets the test binary be the program itself where it is called assay,
// so that scripts run what users run, as a process of its own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"assay": func() { os.Exit(start(os.Args[1:], rig{at: instants.FromEnv(os.Getenv)})) },
	})
}

// Variables by which a test stops the program at an instant of a run.
const (
	killEnv  = instants.KillEnv
	pauseEnv = instants.PauseEnv
)

// together is a line of a script by which the program runs beside another process of
// itself, or beside a server; alone are scripts that are wanted besides where time
// is short: of looks at several experiments at once, of all stages of a run, and of
// the commands that ask most.
var (
	together = regexp.MustCompile(`(?m)^(! )?(pause-at|await|receiver|channel) |&$`)
	alone    = []string{"parallel", "flagstore", "run", "doctor", "results", "report"}
)

// scripts are all of them; where time is short, as under the race detector, those in
// which something happens at once.
func scripts(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob("../../testdata/script/*.txtar")
	if err != nil || len(all) == 0 {
		t.Fatal("no scripts", err)
	}
	if !testing.Short() {
		return all
	}
	return slices.DeleteFunc(all, func(path string) bool {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return !together.Match(text) && !slices.Contains(alone, strings.TrimSuffix(filepath.Base(path), ".txtar"))
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Files:               scripts(t),
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setUpScript,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"small":    cmdSmall,
			"duckdb":   cmdDuckDB,
			"traffic":  cmdTraffic,
			"look":     cmdLook,
			"exitcode": cmdExitCode,
			"kill-at":  cmdKillAt,
			"pause-at": cmdPauseAt,
			"await":    cmdAwait,
			"flag":     cmdFlag,
			"replace":  cmdReplace,
			"expand":   cmdExpand,
			"copies":   cmdCopies,
			"json":     cmdJSON,
			"sums":     cmdSums,
			"secrets":  cmdSecrets,
			"receiver": cmdReceiver,
			"channel":  cmdChannel,
		},
	})
}

const (
	hookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwq1k2"
	hookToken  = "T0KEN-1n-the-path"
)

func setUpScript(env *testscript.Env) error {
	env.Values[receiverOf{}] = new(*receiver)
	env.Values[channelOf{}] = new(*channel)
	now := time.Now().UTC()
	env.Setenv("HOOK_SECRET", hookSecret)
	env.Setenv("HOOK_URL", "http://127.0.0.1:9/"+hookToken)
	for name, days := range map[string]int{"TODAY": 0, "YESTERDAY": -1} {
		env.Setenv(name, now.AddDate(0, 0, days).Format(time.DateOnly))
	}
	return nil
}

// cmdSmall puts the project of the scripts into the current folder.
func cmdSmall(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 0, "small")
	ts.Check(copySmall(ts.MkAbs(".")))
}

// cmdDuckDB runs the SQL of a file on a database, which is made where it is
// missing.
func cmdDuckDB(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 2, "duckdb DATABASE SQLFILE")
	ts.Check(runSQL(ts.MkAbs(args[0]), ts.ReadFile(args[1])))
}

// cmdTraffic logs a day of an experiment.
func cmdTraffic(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) >= 2, "traffic EXPERIMENT DATE ARM=UNITS:FAILED ...")
	ts.Check(traffic(ts.MkAbs("warehouse.duckdb"), args[0], args[1], args[2:]))
}

// cmdLook runs assay as of a day, two minutes into it by its clock.
func cmdLook(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) >= 2, "look EXITCODE DATE FLAG ...")
	cmdExitCode(ts, false, append([]string{args[0], "assay"}, lookArgs(args[1], args[2:]...)...))
}

func lookArgs(date string, more ...string) []string {
	return append([]string{"run", "--as-of", date, "--now", date + "T00:02:00Z"}, more...)
}

// cmdExitCode runs a program and holds it to its exit code.
func cmdExitCode(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) >= 2, "exitcode N PROGRAM ARG ...")
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		got = e.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("%s exited with %d, want %d", args[1], got, want)
	}
}

// cmdKillAt runs assay until it dies at an instant.
func cmdKillAt(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) >= 2, "kill-at INSTANT PROGRAM ARG ...")
	ts.Setenv(killEnv, args[0])
	defer ts.Setenv(killEnv, "")
	err := ts.Exec(args[1], args[2:]...)
	e, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		ts.Fatalf("it was not killed at %s: %v", args[0], err)
	}
	if status, ok := e.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		ts.Fatalf("it was not killed at %s: %v", args[0], err)
	}
}

// cmdPauseAt makes the programs that are started from now on wait at an
// instant, until the file of that name is removed.
func cmdPauseAt(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) <= 1, "pause-at [INSTANT]")
	ts.Setenv(pauseEnv, strings.Join(args, ""))
}

// cmdAwait waits until a file is there and, where a text is given, has it.
func cmdAwait(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 1 || len(args) == 2, "await FILE [TEXT]")
	for range 3000 {
		data, err := os.ReadFile(ts.MkAbs(args[0]))
		if err == nil && (len(args) == 1 || strings.Contains(string(data), args[1])) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	ts.Fatalf("%s did not come", strings.Join(args, " with "))
}

// cmdFlag is a person who edits the flag file: weights by variant, or off.
func cmdFlag(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) >= 2, "flag KEY VARIANT=WEIGHT ... | off")
	ts.Check(editFlag(ts.MkAbs("flags.json"), args[0], args[1:]))
}

// cmdReplace is a person who edits a file.
func cmdReplace(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 3, "replace FILE OLD NEW")
	text, old := ts.ReadFile(args[0]), unescape(args[1])
	if strings.Count(text, old) != 1 {
		ts.Fatalf("%s has %q %d times", args[0], old, strings.Count(text, old))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, old, unescape(args[2]), 1)), 0o644))
}

func unescape(text string) string { return strings.ReplaceAll(text, `\n`, "\n") }

// cmdExpand puts the variables of the script into a file, $NAME by $NAME.
func cmdExpand(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 1, "expand FILE")
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(os.Expand(ts.ReadFile(args[0]), ts.Getenv)), 0o644))
}

// cmdCopies makes copies of an experiment under other names, with its data.
func cmdCopies(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 3, "copies FILE NAME N")
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	text := strings.Replace(ts.ReadFile(args[0]), "name: "+args[1], "name: "+args[1]+"-%d\nexperiment_id: "+args[1], 1)
	for i := range n {
		path := strings.TrimSuffix(ts.MkAbs(args[0]), ".yaml") + fmt.Sprintf("-%d.yaml", i)
		ts.Check(os.WriteFile(path, fmt.Appendf(nil, strings.ReplaceAll(strings.ReplaceAll(text, "%", "%%"), "-%%d", "-%d"), i), 0o644))
	}
}

// cmdJSON compares a value in a JSON file, or in the last line of stdout.
func cmdJSON(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: [!] json FILE PATH VALUE")
	}
	got, err := jsonValue(ts.ReadFile(args[0]), args[1])
	if (err == nil && got == args[2]) == neg {
		ts.Fatalf("%s is %s (%v); compared with %s", args[1], got, err, args[2])
	}
}

// jsonValue walks along names and positions; len at the end is the length.
func jsonValue(text, path string) (string, error) {
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return "", err
	}
	for step := range strings.SplitSeq(path, ".") {
		switch v := value.(type) {
		case map[string]any:
			value = v[step]
		case []any:
			if step == "len" {
				value = float64(len(v))
				continue
			}
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(v) {
				return "", fmt.Errorf("no %s among %d", step, len(v))
			}
			value = v[i]
		default:
			return "", fmt.Errorf("no %s in %v", step, value)
		}
	}
	if s, ok := value.(string); ok {
		return s, nil
	}
	b, err := json.Marshal(value)
	return string(b), err
}

// cmdSums writes the SHA-256 of every file below a folder, but of those whose
// base name matches a pattern.
func cmdSums(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) >= 2, "sums FOLDER OUT PATTERN ...")
	root := ts.MkAbs(args[0])
	var out strings.Builder
	ts.Check(filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		skipped := slices.ContainsFunc(args[2:], func(pattern string) bool {
			match, err := filepath.Match(pattern, filepath.Base(path))
			return match || err != nil
		})
		if err != nil || entry.IsDir() || skipped {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(root, path)
		fmt.Fprintf(&out, "%x  %s\n", sha256.Sum256(data), filepath.ToSlash(name))
		return err
	}))
	if out.Len() == 0 {
		ts.Fatalf("no files in %s", args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(out.String()), 0o644))
}

// cmdSecrets makes sure that no secret and no address of a receiver is in files,
// folders, stdout or stderr.
func cmdSecrets(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) > 0, "secrets FILE|FOLDER ...")
	host := strings.TrimPrefix(ts.Getenv("HOOK_URL"), "http://")
	host, _, _ = strings.Cut(host, "/")
	for _, name := range args {
		for path, text := range contents(ts, name) {
			for _, private := range []string{strings.TrimPrefix(hookSecret, "whsec_"), hookToken, host} {
				if strings.Contains(text, private) {
					ts.Fatalf("%s shows %s", path, private)
				}
			}
		}
	}
}

// contents are the files of a folder, or the one file.
func contents(ts *testscript.TestScript, name string) map[string]string {
	if info, err := os.Stat(ts.MkAbs(name)); err != nil || !info.IsDir() {
		return map[string]string{name: ts.ReadFile(name)}
	}
	all := map[string]string{}
	ts.Check(filepath.WalkDir(ts.MkAbs(name), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			all[path] = ts.ReadFile(path)
		}
		return err
	}))
	return all
}

func usage(ts *testscript.TestScript, neg, ok bool, how string) {
	if neg || !ok {
		ts.Fatalf("usage: %s", how)
	}
}

// program is the command line of the test binary as assay.
func program(ctx context.Context, dir string, args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Args[0] = "assay"
	cmd.Dir = dir
	return cmd
}
