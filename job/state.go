package job

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"assay/connectors"
	"assay/ledger"
	"assay/queries"
)

// state is what the looks at an experiment leave for the next one.
type state struct {
	queries.State
	path     string
	digests  map[string]string // by part, of what this look would leave
	attached bool
}

// render writes the statements of the look, from what is kept where something
// is.
func (g *gatherer) render() error {
	look := g.at.look()
	if g.state != nil {
		look.State = &g.state.State
	}
	script, err := queries.Render(g.at.project, g.at.experiment, look, g.job.Warehouse.Dialect())
	g.script = script
	return err
}

// looked runs the look: from what earlier ones kept where they did, and from
// the whole of the data where that fails. What is kept never decides whether
// there is a look.
func (g *gatherer) looked(ctx context.Context) error {
	if err := g.openState(ctx); err != nil {
		return err
	}
	defer g.closeState(ctx)
	if g.state == nil {
		return g.all(ctx)
	}
	if err := g.render(); err != nil {
		return err
	}
	return g.all(ctx)
}

// keeps tells whether this look uses and leaves a state. One that records
// nothing, or lies in the past, leaves nothing and scans everything; so does one
// with an activation metric, since activations move when late facts come in.
func (g *gatherer) keeps() bool {
	return g.at.project.Config.Incremental != nil && !g.at.dry && !g.at.backfill &&
		g.at.experiment.Activation == "" && g.job.Warehouse.Dialect().Name == queries.DuckDB.Name
}

// openState attaches the state of the experiment and finds out what of it can
// be used.
func (g *gatherer) openState(ctx context.Context) error {
	if !g.keeps() {
		return nil
	}
	digests, err := queries.StateDigests(g.at.project, g.at.experiment)
	if err != nil {
		return err
	}
	cfg := g.at.project.Config.Incremental
	dir := cfg.Path
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(g.at.project.Dir, dir)
	}
	s := &state{
		State: queries.State{
			Database: "kept " + g.at.experiment.Name, Overlap: cfg.Overlap.Duration, Sources: map[string]time.Time{},
		},
		path: filepath.Join(dir, g.at.experiment.Name+".duckdb"), digests: g.located(digests),
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		g.unkept("It cannot be opened", err)
		return nil
	}
	var rows *connectors.Rows
	for _, statement := range queries.AttachState(s.path, s.Database) {
		if rows, err = g.session.Run(ctx, statement); err != nil {
			if canceled(err) {
				return err
			}
			g.unkept("It cannot be opened", err)
			g.detach(ctx, s)
			return nil
		}
		s.attached = true
	}
	g.state = s
	g.usable(rows)
	g.ev.incremental = g.scanned()
	return nil
}

// located are digests that also tell warehouses apart.
func (g *gatherer) located(digests map[string]string) map[string]string {
	w := g.at.project.Config.Warehouse
	out := map[string]string{}
	for part, digest := range digests {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%q\x00%q", digest, w.Type, w.Path, w.Files))
		out[part] = hex.EncodeToString(sum[:16])
	}
	return out
}

// usable takes from the state's entries what this look can begin with: nothing
// if the units are made by another definition, are newer than as-of or are due
// to be made anew, and of a source nothing if its facts are.
func (g *gatherer) usable(rows *connectors.Rows) {
	if g.at.full {
		return
	}
	through := map[string]time.Time{}
	for row := range rows.Len() {
		part, _ := rows.Text(row, "part")
		digest, _ := rows.Text(row, "digest")
		at, _ := rows.Int(row, "through")
		built, _ := rows.Int(row, "built")
		due := part == queries.UnitsPart && g.at.asOf.Sub(time.UnixMicro(built)) >= g.at.project.Config.Incremental.Rebuild.Duration
		if digest == g.state.digests[part] && digest != "" && at <= g.at.asOf.UnixMicro() && !due {
			through[part] = time.UnixMicro(at).UTC()
		}
	}
	units, ok := through[queries.UnitsPart]
	if !ok {
		return
	}
	delete(through, queries.UnitsPart)
	g.state.Units, g.state.Sources = units, through
}

// scanned is what the ledger says of what was scanned.
func (g *gatherer) scanned() *ledger.Incremental {
	return &ledger.Incremental{Since: instantOrNone(g.state.Units), Sources: []ledger.KeptSource{}}
}

func instantOrNone(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// exposed makes the unit table. The units are left at once: what is made of them
// is read from there.
func (g *gatherer) exposed(ctx context.Context) (bool, error) {
	if _, ok, err := g.run(ctx, g.script.Units); !ok {
		return false, err
	}
	if g.state == nil {
		return true, nil
	}
	// Of units that are made anew nothing that was kept of facts is of use.
	if ok, err := g.leave(ctx, queries.UnitsPart, g.script.Leave.Units, g.state.Units.IsZero()); !ok {
		return g.withoutState(ctx, err)
	}
	for _, s := range g.script.Merge {
		if _, ok, err := g.run(ctx, s); !ok {
			return false, err
		}
	}
	return true, nil
}

// withoutState begins the look anew, from all data, where the state could not
// be written.
func (g *gatherer) withoutState(ctx context.Context, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	g.closeState(ctx)
	g.state, g.ev.incremental = nil, nil
	if err := g.render(); err != nil {
		return false, err
	}
	_, ok, err := g.run(ctx, g.script.Units)
	return ok, err
}

// leaveFacts keeps what the facts of a source came to, and notes what was
// scanned of it.
func (g *gatherer) leaveFacts(ctx context.Context, f queries.Facts) error {
	if g.state == nil {
		return nil
	}
	since := g.state.Sources[f.Source]
	g.ev.incremental.Sources = append(g.ev.incremental.Sources, ledger.KeptSource{
		Source: f.Source, Since: instantOrNone(since), Whole: f.Whole,
	})
	if f.Recent == nil {
		return nil
	}
	_, err := g.leave(ctx, f.Source, g.script.Leave.Sources[f.Source], false)
	return err
}

// leave writes a part of the state and its entry, both or neither. ok is false
// where it could not.
func (g *gatherer) leave(ctx context.Context, part string, statements []queries.Statement, first bool) (ok bool, err error) {
	leave := g.script.Leave
	entry := queries.Entry{
		Part: part, Digest: g.state.digests[part],
		Through: g.state.Until(g.at.asOf).UnixMicro(), Built: g.at.asOf.UnixMicro(),
	}
	list := append([]queries.Statement{leave.Begin}, statements...)
	list = append(list, queries.SetEntry(g.state.Database, entry, first)...)
	for _, s := range append(list, leave.Commit) {
		if _, err = g.try(ctx, s); err != nil {
			break
		}
	}
	if err == nil {
		g.job.reached("kept")
		return true, nil
	}
	if canceled(err) {
		return false, err
	}
	if _, undo := g.session.Run(ctx, leave.Rollback); undo != nil {
		err = errors.Join(err, undo)
	}
	g.unkept("It cannot be written", err)
	return false, nil
}

// unkept tells that a look was or the next one will be a full one.
func (g *gatherer) unkept(what string, err error) {
	g.find("state_lost", fmt.Sprintf("What looks keep for the next one is in %s. %s (%s), so that everything is scanned; where it is damaged, delete it.",
		filepath.Join(g.at.project.Config.Incremental.Path, g.at.experiment.Name+".duckdb"), what, oneLine(err)), "")
}

// closeState lets go of the state's file.
func (g *gatherer) closeState(ctx context.Context) {
	if g.state != nil {
		g.detach(ctx, g.state)
	}
}

func (g *gatherer) detach(ctx context.Context, s *state) {
	if !s.attached {
		return
	}
	s.attached = false
	// What was left was committed; a file that does not close changes nothing in it.
	_, _ = g.session.Run(context.WithoutCancel(ctx), queries.DetachState(s.Database))
}
