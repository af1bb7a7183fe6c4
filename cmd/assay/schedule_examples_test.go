package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"assay/ledger"
)

const examples = "../../docs/examples/schedule"

func example(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(examples, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// line is the only line of an example that begins with a word, without it.
func line(t *testing.T, name, word string) string {
	t.Helper()
	var found []string
	for text := range strings.Lines(example(t, name)) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(text), word); ok {
			found = append(found, rest)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%s has %d lines with %s", name, len(found), word)
	}
	return found[0]
}

// container is the only container of a Kubernetes example.
func container(t *testing.T, name string, path ...string) string {
	t.Helper()
	var value map[string]any
	if err := yaml.Unmarshal([]byte(example(t, name)), &value); err != nil {
		t.Fatal(err)
	}
	for _, step := range path {
		value = value[step].(map[string]any)
	}
	only := value["containers"].([]any)[0].(map[string]any)
	words := []string{"assay"}
	for _, arg := range only["args"].([]any) {
		words = append(words, arg.(string))
	}
	return strings.Join(words, " ")
}

var (
	bashCommand = regexp.MustCompile(`(?s)bash_command=\((.*?)\)`)
	arguments   = regexp.MustCompile(`(?s)arguments=\[(.*?)\]`)
	quoted      = regexp.MustCompile(`"([^"]*)"`)
)

// python joins the texts of a part of an Airflow DAG.
func python(t *testing.T, name string, part *regexp.Regexp, between string) string {
	t.Helper()
	match := part.FindStringSubmatch(example(t, name))
	if match == nil {
		t.Fatalf("%s has no %s", name, part)
	}
	var words []string
	for _, word := range quoted.FindAllStringSubmatch(match[1], -1) {
		words = append(words, word[1])
	}
	return strings.Join(words, between)
}

// TestScheduleExamples runs the command of each example by a shell, on a project
// that lies elsewhere: it has to take a look.
func TestScheduleExamples(t *testing.T) {
	t.Parallel()
	crontab := line(t, "crontab", "5 * * * *")
	for name, command := range map[string]string{
		"crontab":           crontab,
		"service":           "cd /srv/assay && " + line(t, "assay.service", "ExecStart="),
		"cronjob":           container(t, "cronjob.yaml", "spec", "jobTemplate", "spec", "template", "spec"),
		"airflow":           python(t, "airflow_dag.py", bashCommand, ""),
		"airflow in a pod":  "assay " + python(t, "airflow_kubernetes_dag.py", arguments, " "),
		"crontab once more": crontab + " && " + crontab,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScheduled(t, "  jitter: 0s\n")
			out, err := s.shell(t, command)
			if err != nil {
				t.Fatalf("%s: %v\n%s", command, err, out)
			}
			if n := s.looks(t); n < 1 {
				t.Errorf("%s took %d looks\n%s", command, n, out)
			}
			if strings.Contains(command, "assay.prom") && s.read(t, "assay.prom") == "" {
				t.Error("there are no metrics")
			}
		})
	}
}

// shell runs a command of an example with its paths set to those of the test.
func (s *scheduled) shell(t *testing.T, command string) (string, error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The test binary is assay where it is called so.
	bin := t.TempDir()
	if err := os.Symlink(self, filepath.Join(bin, "assay")); err != nil {
		t.Fatal(err)
	}
	today := time.Now().UTC().Format(time.DateOnly) + "T00:00:00+00:00" // as Airflow writes it
	command = strings.NewReplacer(
		"/usr/local/bin/assay", "assay", "/srv/assay", s.dir, "/var/lib/node-exporter", s.dir, "/var/log/assay", s.dir,
		"{{ data_interval_end | ts }}", today,
	).Replace(command)
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", command)
	cmd.Dir = s.dir
	cmd.Env = append(slices.Clone(s.env), "PATH="+bin+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// The schedules of the examples are what they say: every hour, five past.
func TestScheduleExamplesTick(t *testing.T) {
	for name, want := range map[string]string{
		"crontab": "5 * * * * cd /srv/assay", "cronjob.yaml": `schedule: "5 * * * *"`, "airflow_dag.py": `schedule="5 * * * *"`,
		"airflow_kubernetes_dag.py": `schedule="5 * * * *"`, "assay.timer": "OnCalendar=*-*-* *:05:00",
	} {
		if !strings.Contains(example(t, name), want) {
			t.Errorf("%s has no %s", name, want)
		}
	}
}

// A run that finds the lock held ends with 11, as the crontab says: no flock.
func TestCrontabNeedsNoFlock(t *testing.T) {
	t.Parallel()
	s := newScheduled(t, "  jitter: 0s\n")
	l, err := ledger.Open(filepath.Join(s.dir, "ledger.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	out, err := s.shell(t, line(t, "crontab", "5 * * * *")+"; test $? -eq 11")
	if err != nil {
		t.Errorf("%v\n%s%s", err, out, s.read(t, "run.log"))
	}
}

// The commands of what waits for the schedule of the spec take a look as well.
func TestScheduleExamplesThatWait(t *testing.T) {
	t.Parallel()
	for name, command := range map[string]string{
		"service":    line(t, "assay-schedule.service", "ExecStart="),
		"deployment": container(t, "deployment.yaml", "spec", "template", "spec"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScheduled(t, daily)
			words := strings.Fields(strings.ReplaceAll(command, "/srv/assay", s.dir))
			if words[1] != "schedule" {
				t.Fatalf("it is no schedule: %s", command)
			}
			s.start(t, words[2:]...)
			s.logged(t, `"msg":"a run ended","exit":0`, 1)
			s.signal(t, os.Interrupt)
			s.ended(t, 130)
		})
	}
}

// What docs/scheduling.md shows of the spec is one.
func TestScheduleDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/scheduling.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "```yaml\nschedule:\n")
	section, _, ok := strings.Cut(after, "```")
	if !ok {
		t.Fatal("it shows no schedule")
	}
	s := newScheduled(t, section)
	cmd := program(t.Context(), s.dir, "validate")
	cmd.Env = append(s.env, "PING_URL=https://ping.example/x")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
