package job

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/connectors"
	"assay/queries"
	"assay/spec"
)

// Cost is what the statements of a look would scan, or be billed, as the engine
// says before it runs them.
type Cost struct {
	AsOf time.Time `json:"asOf"`
	// Bytes are those of all statements: an upper bound. A dry run has no temporary
	// tables, so that what makes one is counted again in each statement that reads it.
	Bytes int64 `json:"bytes"`
	// Again are those of Bytes that are counted again and scanned once.
	Again int64 `json:"again"`
	// Doubt are at most those of what runs only where the data look wrong; they are
	// not among Bytes.
	Doubt int64 `json:"doubt"`
	// Looks are this one and those still to come; Remaining are Bytes times Looks. Data
	// grow, so that Remaining bounds nothing.
	Looks      int             `json:"looks"`
	Remaining  int64           `json:"remaining"`
	Statements []StatementCost `json:"statements"`
}

// StatementCost is that of one statement.
type StatementCost struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
	// Upper: it may be less, never more.
	Upper bool  `json:"upper,omitempty"`
	Again int64 `json:"again,omitempty"` // of Bytes, what only a dry run scans
	// Made: it reads only what earlier statements have made, and was not asked about.
	Made bool `json:"made,omitempty"`
	// Doubt: it runs only where the data look wrong.
	Doubt bool `json:"doubt,omitempty"`
	// Unknown is why the engine cannot say: the statement does not run.
	Unknown string `json:"unknown,omitempty"`
}

// ErrNoEstimates is that of an engine that does not say what a statement would cost.
var ErrNoEstimates = errors.New("this engine does not tell what a statement costs before it runs")

// Cost estimates a look at an experiment as it stands, at now or, where that is not
// within its dates, at its first or last look. Nothing is run. The error is
// ErrNoEstimates, one of the ledger or of rendering, or an *Error of connectors.
func (j *Job) Cost(ctx context.Context, e *spec.Experiment) (*Cost, error) {
	asOf := j.Now().UTC().Truncate(e.Cadence.Duration)
	if first := e.Start.Add(e.Cadence.Duration); asOf.Before(first) {
		asOf = first.UTC()
	}
	if asOf.After(e.End()) {
		asOf = e.End().UTC()
	}
	history, err := j.Ledger.History(e.Name)
	if err != nil {
		return nil, err
	}
	script, err := Script(j.Project, e, history, asOf, j.Warehouse.Dialect())
	if err != nil {
		return nil, err
	}
	session, err := j.Warehouse.Session(ctx, j.tags(e.Name, ""))
	if err != nil {
		return nil, err
	}
	defer func() { _ = session.Close() }()
	c := &Cost{AsOf: asOf, Looks: looksFrom(e, asOf)}
	err = j.estimate(ctx, session, script, c, append(script.All(), script.Checks()...))
	c.Remaining = c.Bytes * int64(c.Looks)
	return c, err
}

// looksFrom are the looks from one on, itself included, until the end.
func looksFrom(e *spec.Experiment, asOf time.Time) int {
	left := e.End().Sub(asOf)
	return 1 + int((left+e.Cadence.Duration-1)/e.Cadence.Duration)
}

// estimate asks for the cost of statements, of which all beyond those of a look
// are checks.
func (j *Job) estimate(ctx context.Context, session connectors.Session, script *queries.Script, c *Cost, list []queries.Statement) error {
	engine, ok := session.(connectors.Estimator)
	if !ok {
		return ErrNoEstimates
	}
	looks := len(script.All())
	alone := map[string]int64{} // what makes a table, without what it is made of
	for i, r := range queries.Rehearse(list, j.Warehouse.Dialect()) {
		s := StatementCost{Name: r.Name, Doubt: i >= looks, Made: !r.Own}
		if r.Own {
			if err := s.ask(ctx, j.Project, engine, r, alone); err != nil {
				return err
			}
		}
		if c.Statements = append(c.Statements, s); s.Doubt {
			c.Doubt += s.Bytes
			continue
		}
		c.Bytes += s.Bytes
		c.Again += s.Again
	}
	return nil
}

// ask fills in what the engine says of a statement. SQL that does not run costs
// nothing; that it does not is for the look to tell.
func (s *StatementCost) ask(ctx context.Context, p *spec.Project, engine connectors.Estimator, r queries.Rehearsal, alone map[string]int64) error {
	found, err := engine.Estimate(ctx, r.Statement)
	if e, ok := errors.AsType[*connectors.Error](err); ok && (e.Fault == connectors.FaultStatement || e.Fault == connectors.FaultCost) {
		s.Unknown = oneLine(place(p, r.Statement, err))
		return nil
	}
	if err != nil {
		return err
	}
	s.Bytes, s.Upper = found.Bytes, found.Upper || len(r.Again) > 0
	for _, table := range r.Again {
		s.Again += alone[table]
	}
	s.Again = min(s.Again, s.Bytes)
	if r.Makes != "" {
		alone[r.Makes] = s.Bytes - s.Again
	}
	return nil
}

// OverBudget is a run whose looks together would scan more than the spec allows.
type OverBudget struct {
	Budget, Bytes spec.Size
	Looks         []LookCost // the dearest first
}

// LookCost is what a look at an experiment would scan at most.
type LookCost struct {
	Experiment string
	Bytes      spec.Size
}

// Error names the looks, the dearest first.
func (o *OverBudget) Error() string {
	parts := make([]string, len(o.Looks))
	for i, l := range o.Looks {
		parts[i] = fmt.Sprintf("%s %s", l.Experiment, l.Bytes)
	}
	return fmt.Sprintf("the run would scan at most %s and warehouse.budget is %s, so that nothing was run: %s", o.Bytes, o.Budget, strings.Join(parts, ", "))
}

// budgeted holds the looks that are due against the budget of the run, before any
// statement of them: where it does not suffice none is run, and each says so. A
// look whose cost cannot be asked about is not run either.
func (j *Job) budgeted(ctx context.Context, due []*vantage) error {
	budget := j.Project.Config.Warehouse.Budget
	over := &OverBudget{Budget: budget}
	for _, at := range due {
		if at == nil {
			continue
		}
		bytes, err := j.lookCost(ctx, at)
		if canceled(err) {
			return err
		}
		if at.refused = err; err != nil {
			continue
		}
		over.Bytes += bytes
		over.Looks = append(over.Looks, LookCost{at.experiment.Name, bytes})
	}
	if over.Bytes <= budget {
		return nil
	}
	slices.SortStableFunc(over.Looks, func(a, b LookCost) int { return cmp.Compare(b.Bytes, a.Bytes) })
	for _, at := range due {
		if at != nil && at.refused == nil {
			at.refused = &connectors.Error{Fault: connectors.FaultCost, Err: over}
		}
	}
	return nil
}

// lookCost is what the statements of a look would scan at most.
func (j *Job) lookCost(ctx context.Context, at *vantage) (spec.Size, error) {
	script, err := queries.Render(at.project, at.experiment, at.look(), j.Warehouse.Dialect())
	if err != nil {
		return 0, err
	}
	session, err := j.Warehouse.Session(ctx, j.tags(at.experiment.Name, at.id))
	if err != nil {
		return 0, err
	}
	c := &Cost{}
	err = j.estimate(ctx, session, script, c, script.All())
	_ = session.Close()
	if errors.Is(err, ErrNoEstimates) {
		return 0, &connectors.Error{Fault: connectors.FaultCost, Err: fmt.Errorf("warehouse.budget cannot be kept: %w", err)}
	}
	return spec.Size(c.Bytes), err
}
