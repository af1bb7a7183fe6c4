package main

import (
	"assay/job"
	"assay/report"
)

// summaryMarkdown writes the result of a run as one comment.
func (a *app) summaryMarkdown(s summary, undelivered int) error {
	site := job.FolderOf(s.project).Site
	ran := report.Ran{Dry: s.flags.dry, Undelivered: undelivered}
	for _, r := range s.results {
		one := report.RanOne{Experiment: r.Experiment, Look: r.Look, Skipped: r.Skipped}
		if s.flags.refresh {
			one.Moved = &r.Moved
		}
		if r.Err != nil {
			one.Error = firstLine(r.Err)
		}
		if r.Look != nil && s.writes() {
			since, err := job.Since(s.job.Ledger, r.Experiment)
			if err != nil {
				return err
			}
			one.Since = since
		}
		ran.Results = append(ran.Results, one)
	}
	return site.MarkdownOfRun(a.stdout, ran)
}
