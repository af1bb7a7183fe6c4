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

	"assay/connectors"
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
	cmd := &cobra.Command{
		Use:   "deliver",
		Short: "Send what the outbox holds, oldest first",
		Args:  exactly(0),
		RunE:  func(cmd *cobra.Command, _ []string) error { return a.deliver(cmd.Context()) },
	}
	a.waits(cmd)
	return cmd
}

func (a *app) deliver(ctx context.Context) error {
	project, err := a.load()
	if err != nil {
		return err
	}
	return a.delivering(ctx, project, func(*job.Job) error { return nil })
}

// delivering sends what the outbox holds after first has added to it.
func (a *app) delivering(ctx context.Context, project *spec.Project, first func(*job.Job) error) error {
	l, err := a.write(ctx, project, nil)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	stores, err := a.stores(project)
	if err != nil {
		return badInput(err)
	}
	channels, err := a.channels(project)
	if err != nil {
		return badInput(err)
	}
	j := &job.Job{Project: project, Ledger: l, Stores: stores, Channels: channels, Now: a.now, At: a.at, Patience: a.patience}
	if err := first(j); err != nil {
		return err
	}
	delivered, err := j.DeliverNow(ctx)
	if err != nil {
		return err
	}
	unpublished := j.Publish(job.FolderOf(project), nil, touched(delivered)...)
	notified, err := j.Notify(ctx)
	if err != nil {
		return err
	}
	return a.conclude(summary{delivered: delivered, notified: notified, job: j, unpublished: unpublished, project: project})
}

func (a *app) applyCommand() *cobra.Command {
	var by, note string
	cmd := &cobra.Command{
		Use:   "apply EXPERIMENT",
		Short: "Do what its last look proposed, and deliver it",
		Long: `apply is a person's word that what the last look of an experiment proposes is to
be done. It is recorded in the ledger and delivered as a decision is: only where
the flag is still in the state that the look was based on.`,
		Args: exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.apply(cmd.Context(), args[0], by, note) },
	}
	a.waits(cmd)
	who, _ := a.env("USER")
	cmd.Flags().StringVar(&by, "by", who, "who says so; kept in the ledger")
	cmd.Flags().StringVar(&note, "note", "", "why; kept in the ledger")
	return cmd
}

func (a *app) apply(ctx context.Context, name, by, note string) error {
	project, err := a.load()
	if err != nil {
		return err
	}
	e, err := a.one(project, name)
	if err != nil {
		return err
	}
	return a.delivering(ctx, project, func(j *job.Job) error {
		_, err := j.Apply(e, by, note)
		if errors.Is(err, job.ErrNothingProposed) {
			return badInput(err)
		}
		return err
	})
}

func (a *app) clearCommand() *cobra.Command {
	var note string
	cmd := &cobra.Command{
		Use:   "clear EXPERIMENT",
		Short: "Forget that it was rolled back or shipped: fresh evidence from now on",
		Args:  exactly(1),
		RunE:  func(cmd *cobra.Command, args []string) error { return a.clear(cmd.Context(), args[0], note) },
	}
	a.waits(cmd)
	cmd.Flags().StringVar(&note, "note", "", "why; kept in the ledger")
	return cmd
}

func (a *app) clear(ctx context.Context, name, note string) error {
	project, err := a.load()
	if err != nil {
		return err
	}
	if _, err := a.one(project, name); err != nil {
		return err
	}
	l, err := a.write(ctx, project, nil)
	if err != nil {
		return err
	}
	j := &job.Job{Ledger: l, Now: a.now, At: a.at}
	now := a.now().UTC()
	if err := errors.Join(j.Clear(name, note, now), j.Publish(job.FolderOf(project), nil, name), l.Close()); err != nil {
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
		RunE:  func(cmd *cobra.Command, _ []string) error { return a.report(cmd.Context()) },
	}
}

func (a *app) report(ctx context.Context) error {
	project, err := a.load()
	if err != nil {
		return err
	}
	l, err := a.read(ctx, project, nil)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	folder := job.FolderOf(project)
	for _, name := range l.Experiments() {
		for look, err := range l.Looks(name) {
			if err != nil {
				return err
			}
			if err := job.PublishLook(l, folder, &look.Body); err != nil {
				return err
			}
		}
	}
	if err := job.Publish(l, folder, nil, l.Experiments()...); err != nil {
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
			without := ""
			if !connectors.WithDuckDB {
				without = ", without DuckDB"
			}
			a.say("assay %s %s %s%s\n", v.Version, v.Go, v.Platform, without)
			return nil
		},
	}
}
