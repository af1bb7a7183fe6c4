package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"assay/job"
	"assay/ledger"
	"assay/spec"
)

func (a *app) initCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init [FOLDER]",
		Short: "Write a commented assay.yaml and a first experiment",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			return a.init(dir)
		},
	}
}

// init writes the scaffold; a file that exists is never touched, and then
// nothing is written.
func (a *app) init(dir string) error {
	scaffold := spec.Scaffold()
	var files []string
	err := fs.WalkDir(scaffold, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files = append(files, path)
		if _, err := os.Lstat(filepath.Join(dir, path)); err == nil {
			return badInput(fmt.Errorf("%s exists already; nothing was written", filepath.Join(dir, path)))
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, path := range files {
		text, err := fs.ReadFile(scaffold, path)
		if err != nil {
			return err
		}
		target := filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return badInput(err)
		}
		if err := os.WriteFile(target, text, 0o644); err != nil {
			return badInput(err)
		}
		a.say("%s\n", target)
	}
	return nil
}

func (a *app) deliverCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "deliver",
		Short: "Send what the outbox holds, oldest first",
		Args:  exactly(0),
		RunE:  func(cmd *cobra.Command, _ []string) error { return a.deliver(cmd.Context()) },
	}
}

func (a *app) deliver(ctx context.Context) error {
	project, err := a.load()
	if err != nil {
		return err
	}
	l, err := a.write(project)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	stores, err := a.stores(project)
	if err != nil {
		return badInput(err)
	}
	j := &job.Job{Project: project, Ledger: l, Stores: stores, Now: a.now, At: a.at, Patience: a.patience}
	delivered, err := j.Deliver(ctx)
	if err != nil {
		return err
	}
	unpublished := j.Publish(reportDir(project), nil, touched(delivered)...)
	return a.conclude(summary{delivered: delivered, job: j, unpublished: unpublished, project: project})
}

func (a *app) clearCommand() *cobra.Command {
	var note string
	cmd := &cobra.Command{
		Use:   "clear EXPERIMENT",
		Short: "Forget that it was rolled back or shipped: fresh evidence from now on",
		Args:  exactly(1),
		RunE:  func(_ *cobra.Command, args []string) error { return a.clear(args[0], note) },
	}
	cmd.Flags().StringVar(&note, "note", "", "why; kept in the ledger")
	return cmd
}

func (a *app) clear(name, note string) error {
	project, err := a.load()
	if err != nil {
		return err
	}
	if _, err := a.one(project, name); err != nil {
		return err
	}
	l, err := a.write(project)
	if err != nil {
		return err
	}
	j := &job.Job{Ledger: l, Now: a.now, At: a.at}
	now := a.now().UTC()
	if err := errors.Join(j.Clear(name, note, now), j.Publish(reportDir(project), nil, name), l.Close()); err != nil {
		return err
	}
	if a.output == "json" {
		return a.encode(ledger.Clear{Experiment: name, Note: note, AsOf: now})
	}
	a.say("%s is cleared: the next run starts with fresh evidence\n", name)
	return nil
}

func (a *app) reportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "report",
		Short: "Write all pages anew from the ledger",
		Args:  exactly(0),
		RunE:  func(*cobra.Command, []string) error { return a.report() },
	}
}

func (a *app) report() error {
	project, err := a.load()
	if err != nil {
		return err
	}
	l, err := a.read(project)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	dir := reportDir(project)
	for _, name := range l.Experiments() {
		for look, err := range l.Looks(name) {
			if err != nil {
				return err
			}
			if err := job.PublishLook(l, dir, &look.Body); err != nil {
				return err
			}
		}
	}
	if err := job.Publish(l, dir, nil, l.Experiments()...); err != nil {
		return err
	}
	a.say("%s\n", index(project))
	return nil
}

// version is what assay version prints.
type version struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func buildVersion() version {
	v := version{Version: "dev", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if m := info.Main.Version; m != "" && m != "(devel)" {
		v.Version = m
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v.Revision = s.Value
		}
	}
	return v
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  exactly(0),
		RunE: func(*cobra.Command, []string) error {
			v := buildVersion()
			if a.output == "json" {
				return a.encode(v)
			}
			a.say("assay %s %s %s\n", v.Version, v.Go, v.Platform)
			return nil
		},
	}
}
