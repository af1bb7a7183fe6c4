package main

import (
	"fmt"
	"io"
	"sync"

	"assay/job"
)

// progress shows on a terminal what is being done, on one line that goes away.
type progress struct {
	w     io.Writer
	width int

	mu   sync.Mutex // experiments run side by side
	used bool
}

func (a *app) progress() *progress {
	p := &progress{w: a.stderr}
	if !a.quiet {
		p.width = a.terminal(a.stderr)
	}
	return p
}

func (p *progress) show(e job.Event) {
	if p.width == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used = true
	line := fmt.Sprintf("%s  %d/%d  %s", e.Experiment, e.Done, e.Total, e.What)
	if e.Share > 0 {
		line += fmt.Sprintf("  %.0f %%", 100*e.Share)
	}
	if runes := []rune(line); len(runes) >= p.width {
		line = string(runes[:p.width-1])
	}
	_, _ = fmt.Fprintf(p.w, "\r\x1b[K%s", line)
}

func (p *progress) clear() {
	if p.used {
		_, _ = fmt.Fprint(p.w, "\r\x1b[K")
	}
}
