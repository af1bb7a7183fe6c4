package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"assay/connectors/flags/serve"
	"assay/decide"
)

func (a *app) flagsList(path *string) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "Show the flags of the file; every problem at once where it has any",
		Args:  exactly(0),
		RunE:  func(*cobra.Command, []string) error { return a.listFlags(*path) },
	}
}

// listed is one flag of assay flags list.
type listed struct {
	Flag     string            `json:"flag"`
	State    decide.Allocation `json:"state"`
	Segment  string            `json:"segment,omitempty"`
	Rules    int               `json:"rules"`
	Disabled bool              `json:"disabled"`
	Decision *serve.Decision   `json:"decision,omitempty"`
}

func (a *app) listFlags(path string) error {
	file, problems, err := serve.Read(path)
	if err != nil {
		return badInput(err)
	}
	if len(problems) > 0 {
		problems.Write(a.stderr)
		return badInput(fmt.Errorf("%s in %s", count(len(problems), "problem"), path))
	}
	all := []listed{}
	for _, name := range slices.Sorted(maps.Keys(file.Flags)) {
		f := file.Flags[name]
		all = append(all, listed{name, f.Allocation(), f.Segment, len(f.Rules), f.Disabled, f.Decision})
	}
	if a.output == "json" {
		return a.encode(map[string]any{"flags": all})
	}
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for _, l := range all {
		line := shown(l.Flag) + "\t" + shown(l.serves())
		if last := l.last(); last != "" {
			line += "\t" + shown(last)
		}
		_, err := fmt.Fprintln(table, line)
		a.unsaid = cmp.Or(a.unsaid, err)
	}
	a.unsaid = cmp.Or(a.unsaid, table.Flush())
	return nil
}

// serves is who gets what, in words.
func (l listed) serves() string {
	if l.Disabled {
		return "disabled"
	}
	text := stateText(l.State)
	if l.Segment != "" {
		text += " of " + l.Segment
	}
	if l.Rules > 0 {
		text += ", after " + count(l.Rules, "rule")
	}
	return text
}

func (l listed) last() string {
	if l.Decision == nil {
		return ""
	}
	return fmt.Sprintf("%s as of %s", l.Decision.Verdict, l.Decision.AsOf.UTC().Format("2006-01-02 15:04Z"))
}

func stateText(s decide.Allocation) string {
	arms := make([]string, len(s.Arms))
	for i, arm := range s.Arms {
		arms[i] = arm.Variation + " " + percentText(arm.Weight)
	}
	return percentText(s.Coverage) + " covered: " + strings.Join(arms, ", ")
}

func percentText(share float64) string {
	return strconv.FormatFloat(100*share, 'g', 6, 64) + " %"
}

// setFlags are the flags of assay flags set.
type setFlags struct {
	coverage float64
	weights  []string
	disabled bool
	note     string
}

func (a *app) flagsSet(path *string) *cobra.Command {
	var f setFlags
	cmd := &cobra.Command{
		Use:   "set FLAG",
		Short: "Change a flag by hand, whether or not it is being served",
		Long: `set changes one flag and records in the audit log who did it. assay takes it for
what it is, a person's change: it reports a conflict and never overwrites it.`,
		Args: exactly(1),
	}
	flags := cmd.Flags()
	flags.Float64Var(&f.coverage, "coverage", 0, "share of the units that the split is for, 0 to 1")
	flags.StringArrayVar(&f.weights, "weight", nil, "VARIATION=SHARE, once for each variation; one not named gets 0")
	flags.BoolVar(&f.disabled, "disabled", false, "serve it no more and take no changes; =false undoes it")
	flags.StringVar(&f.note, "note", "", "why; kept in the audit log")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		change, err := f.change(args[0], cmd.Flags().Changed)
		if err != nil {
			return badInput(err)
		}
		change.User, _ = a.env("USER")
		return a.setFlag(cmd.Context(), *path, change)
	}
	return cmd
}

func (f setFlags) change(flag string, changed func(string) bool) (serve.ByHand, error) {
	c := serve.ByHand{Flag: flag, Note: f.note}
	if changed("coverage") {
		c.Coverage = &f.coverage
	}
	if changed("disabled") {
		c.Disabled = &f.disabled
	}
	for _, w := range f.weights {
		at := strings.LastIndexByte(w, '=')
		if at < 1 {
			return c, fmt.Errorf("--weight %q: want VARIATION=SHARE", w)
		}
		share, err := strconv.ParseFloat(w[at+1:], 64)
		if err != nil {
			return c, fmt.Errorf("--weight %q: want VARIATION=SHARE, 0 to 1", w)
		}
		if c.Weights == nil {
			c.Weights = map[string]float64{}
		}
		c.Weights[w[:at]] = share
	}
	if c.Coverage == nil && c.Disabled == nil && c.Weights == nil {
		return c, errors.New("nothing to set: want --coverage, --weight or --disabled")
	}
	return c, nil
}

func (a *app) setFlag(ctx context.Context, path string, change serve.ByHand) error {
	before, after, problems, err := serve.Set(ctx, path, change, a.now)
	if len(problems) > 0 {
		problems.Write(a.stderr)
		return badInput(fmt.Errorf("%s; nothing was written", count(len(problems), "problem")))
	}
	if errors.Is(err, serve.ErrUnknownFlag) {
		return badInput(fmt.Errorf("no flag %q in %s", change.Flag, path))
	}
	if err != nil {
		return err
	}
	was, is := listed{State: before.Allocation(), Disabled: before.Disabled}, listed{State: after.Allocation(), Disabled: after.Disabled}
	if a.output == "json" {
		return a.encode(map[string]any{"flag": change.Flag, "before": was.State, "after": is.State, "disabled": is.Disabled})
	}
	a.say("%s: %s\nwas: %s\n", shown(change.Flag), shown(is.serves()), shown(was.serves()))
	return nil
}

func (a *app) flagsLog(path *string) *cobra.Command {
	return &cobra.Command{
		Use:   "log [FLAG]",
		Short: "Show the audit log: who changed what, and by which decision",
		Args:  cobra.MaximumNArgs(1),
		RunE:  func(_ *cobra.Command, args []string) error { return a.logFlags(*path, args) },
	}
}

func (a *app) logFlags(path string, names []string) error {
	err := serve.ReadLog(serve.LogPath(path), func(e serve.Entry) {
		if len(names) == 1 && names[0] != e.Flag {
			return
		}
		if a.output == "json" {
			a.unsaid = cmp.Or(a.unsaid, a.encode(e))
			return
		}
		who := e.By
		if e.User != "" {
			who += " " + e.User
		}
		a.say("%s  %s  %s  %s\n", e.At.UTC().Format(time.RFC3339), shown(who), e.What, shown(e.Told()))
	})
	if err != nil {
		return badInput(err)
	}
	return nil
}

func (a *app) flagsInit() *cobra.Command {
	return &cobra.Command{
		Use:   "init [FOLDER]",
		Short: "Write a first flags file and a signing secret",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.initFlags(cmp.Or(strings.Join(args, ""), "."))
		},
	}
}

// initFlags writes both files; one that exists is never touched, and then
// nothing is written.
func (a *app) initFlags(dir string) error {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return err
	}
	files := []struct {
		name, text string
		mode       os.FileMode
	}{
		{"flags.json", serve.Example, 0o644},
		{"webhook.secret", "whsec_" + base64.StdEncoding.EncodeToString(key) + "\n", 0o600},
	}
	for _, f := range files {
		if _, err := os.Lstat(filepath.Join(dir, f.name)); err == nil {
			return badInput(fmt.Errorf("%s exists already; nothing was written", filepath.Join(dir, f.name)))
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return badInput(err)
	}
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		if err := os.WriteFile(path, []byte(f.text), f.mode); err != nil {
			return badInput(err)
		}
		a.say("%s\n", path)
	}
	return nil
}
