//go:build !nosnowflake

package connectors

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	sf "github.com/snowflakedb/gosnowflake"

	"assay/queries"
	"assay/spec"
)

// snowSession is one session of the service; temporary tables are its own.
type snowSession struct {
	warehouse *snowflake
	conn      driver.Conn
	tags      Tags
	secrets   []string
	pending   atomic.Int32 // requests that may be waited for in vain
}

var (
	_ Describer = (*snowSession)(nil)
	_ Estimator = (*snowSession)(nil)
)

// Close ends the session, and with it its temporary tables. One that does not reach
// the service is left to end there: the driver still uses the connection.
func (s *snowSession) Close() error {
	if s.conn == nil || s.pending.Load() > 0 {
		return nil
	}
	return s.conn.Close()
}

// answers are the statements whose rows are results; of others the service
// returns a row that says what it did.
var answers = regexp.MustCompile(`(?is)^(\s|--[^\n]*\n|/\*.*?\*/|\()*(SELECT|WITH|EXPLAIN|SHOW|DESCRIBE)\b`)

// slow are those that scan, and so may take minutes.
var slow = regexp.MustCompile(`(?is)^(\s|--[^\n]*\n|/\*.*?\*/|\()*(SELECT|WITH|CREATE\s+(OR\s+REPLACE\s+)?TEMP(ORARY)?\s+TABLE)\b`)

// Run executes a statement. What scans runs in the background of the service:
// its number is known at once, and a connection that breaks is no reason to run
// it again. What changes tables that stay runs in the foreground, so that a
// transaction holds nothing of the background.
func (s *snowSession) Run(ctx context.Context, st queries.Statement) (*Rows, error) {
	limited, cancel := context.WithTimeout(ctx, s.warehouse.timeout)
	defer cancel()
	var out *Rows
	var id string
	var err error
	if slow.MatchString(st.SQL) {
		out, id, err = s.background(limited, st.SQL)
	} else {
		out, id, err = s.foreground(limited, st.SQL)
	}
	if err != nil {
		return nil, s.failed(ctx, limited, st, identified(err, id))
	}
	if !answers.MatchString(st.SQL) {
		out = &Rows{}
	}
	out.Receipt = Receipt{ID: id, Bytes: s.scanned(limited, st, id)}
	return out, nil
}

// foreground waits in one request. When the context ends the driver has the
// service stop.
func (s *snowSession) foreground(ctx context.Context, sql string) (*Rows, string, error) {
	type finished struct {
		rows *Rows
		id   string
	}
	f, err := bounded(ctx, s, func() (f finished, err error) {
		rows, err := s.query(ctx, sql)
		if err == nil {
			f.rows, f.id, err = consume(ctx, rows)
		}
		return f, err
	})
	return f.rows, f.id, err
}

// abortTime is how long the service is asked to stop a statement.
const abortTime = 5 * time.Second

const unreached = "; the service could not be reached to stop it"

// bounded waits for what is asked of the service, and once the context has ended
// abortTime longer: the driver tells the service to stop then, and where that is out
// of reach it tries for a minute, whatever the context.
func bounded[T any](ctx context.Context, s *snowSession, ask func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	done := make(chan answer, 1)
	s.pending.Add(1)
	go func() {
		value, err := ask()
		s.pending.Add(-1)
		done <- answer{value, err}
	}()
	select {
	case a := <-done:
		return a.value, a.err
	case <-ctx.Done():
	}
	select {
	case a := <-done:
		return a.value, a.err
	case <-time.After(abortTime):
		var none T
		return none, fmt.Errorf("%w"+unreached, ctx.Err())
	}
}

// background starts a statement, takes its number and waits.
func (s *snowSession) background(ctx context.Context, sql string) (*Rows, string, error) {
	// The rows have the number too, but the driver's own goroutine writes it there.
	number := make(chan string, 1)
	rows, err := bounded(ctx, s, func() (driver.Rows, error) {
		return s.query(sf.WithQueryIDChan(sf.WithAsyncMode(ctx), number), sql)
	})
	if err != nil {
		return nil, "", err
	}
	id := ""
	select {
	case id = <-number:
	default:
	}
	if answered(rows) {
		if rows, err = s.query(sf.WithFetchResultByID(ctx, id), ""); err != nil {
			return nil, id, reported(err)
		}
	}
	out, err := s.await(ctx, rows, id)
	for attempt := 1; lost(ctx, err) && id != "" && attempt <= mostAttempts; attempt++ {
		if !pause(ctx, attempt) {
			break
		}
		if rows, err = s.query(sf.WithFetchResultByID(ctx, id), ""); err == nil {
			out, err = s.await(ctx, rows, id)
		}
		err = reported(err)
	}
	return out, id, err
}

// answered tells whether the service gave a result although it was asked to begin
// only: the driver drops it, and rows are a pointer to nothing.
func answered(rows driver.Rows) bool {
	at := reflect.ValueOf(rows)
	return !at.IsValid() || at.Kind() == reflect.Pointer && at.IsNil()
}

// mostAttempts is how often a statement is returned to after the connection
// broke; the driver itself has tried eight times before each.
const mostAttempts = 20

func pause(ctx context.Context, attempt int) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(time.Duration(min(attempt, 10)) * 200 * time.Millisecond):
		return true
	}
}

func (s *snowSession) query(ctx context.Context, sql string) (driver.Rows, error) {
	c, ok := s.conn.(snowConn)
	if !ok {
		return nil, errors.New("the driver's connection runs no queries")
	}
	return c.QueryContext(ctx, sql, nil)
}

// numberOf is the service's number of a statement.
func numberOf(rows driver.Rows) string {
	if r, ok := rows.(sf.SnowflakeRows); ok {
		return r.GetQueryID()
	}
	return ""
}

// await reads the result of a statement that runs in the background. The driver
// asks for it in pauses of up to five seconds that no context ends: who waits is
// answered at once, and the service is told to stop.
func (s *snowSession) await(ctx context.Context, rows driver.Rows, id string) (*Rows, error) {
	type result struct {
		rows *Rows
		err  error
	}
	done := make(chan result, 1)
	go func() {
		out, _, err := consume(ctx, rows)
		done <- result{out, err}
	}()
	select {
	case r := <-done:
		if ctx.Err() != nil && r.err != nil {
			return nil, s.abort(ctx, id, r.err)
		}
		return r.rows, r.err
	case <-ctx.Done():
		return nil, s.abort(ctx, id, ctx.Err())
	}
}

// abort has the service stop a statement, and adds to why whether it could not be
// told to: then the statement ends by the session's own limit of time, and the
// network may be why it was waited for in vain.
func (s *snowSession) abort(ctx context.Context, id string, why error) error {
	if id == "" {
		return why
	}
	_, err := bounded(ctx, s, func() (driver.Rows, error) {
		rows, err := s.query(context.WithoutCancel(ctx), "SELECT SYSTEM$CANCEL_QUERY("+snowText(id)+")")
		if err == nil {
			err = rows.Close()
		}
		return rows, err
	})
	if err != nil {
		return fmt.Errorf("%w"+unreached, why)
	}
	return why
}

// scanned is what a statement of an experiment has read, by the service's own
// account of it; 0 where it does not tell.
func (s *snowSession) scanned(ctx context.Context, st queries.Statement, id string) int64 {
	c, ok := s.conn.(snowConn)
	if !ok || id == "" || s.tags.Experiment == "" || !slow.MatchString(st.SQL) {
		return 0
	}
	status, err := c.GetQueryStatus(ctx, id)
	if err != nil {
		return 0
	}
	return status.ScanBytes
}

// Describe has the service compile the query; nothing runs.
func (s *snowSession) Describe(ctx context.Context, st queries.Statement) ([]Column, error) {
	limited, cancel := context.WithTimeout(ctx, s.warehouse.timeout)
	defer cancel()
	rows, err := s.query(sf.WithDescribeOnly(limited), st.SQL)
	if err != nil {
		return nil, s.failed(ctx, limited, st, err)
	}
	defer func() { _ = rows.Close() }()
	out := make([]Column, len(rows.Columns()))
	for i, name := range rows.Columns() {
		out[i] = Column{writtenName(name), columnType(rows, i)}
	}
	return out, nil
}

var (
	foldedName = regexp.MustCompile(`^[A-Z_][A-Z0-9_]*$`)
	exactName  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// writtenName is the name of a column as a spec has it: in lower case where a bare
// name is folded to it, and in quotes where only they tell it from such a name.
func writtenName(name string) string {
	switch {
	case foldedName.MatchString(name):
		return strings.ToLower(name)
	case exactName.MatchString(name):
		return `"` + name + `"`
	default:
		return name
	}
}

// Estimate asks for the plan, for which no virtual warehouse has to run. The
// service bounds what it will scan from above: more is pruned while it runs.
func (s *snowSession) Estimate(ctx context.Context, st queries.Statement) (Estimate, error) {
	rows, err := s.Run(ctx, queries.Statement{Name: st.Name, SQL: explain + st.SQL})
	if err != nil {
		if e, ok := errors.AsType[*Error](err); ok && e.Line == 1 {
			e.Column = max(e.Column-len(explain), 1)
		}
		return Estimate{}, err
	}
	var plan struct {
		GlobalStats struct {
			BytesAssigned int64 `json:"bytesAssigned"`
		} `json:"GlobalStats"`
	}
	for i := range rows.cells {
		for _, cell := range rows.cells[i] {
			if text, ok := cell.(string); ok && json.Unmarshal([]byte(text), &plan) == nil {
				return Estimate{Bytes: plan.GlobalStats.BytesAssigned, Upper: true}, nil
			}
		}
	}
	return Estimate{}, &Error{Fault: FaultWarehouse, Statement: st.Name, Err: errors.New("the plan is not JSON")}
}

// explain stands on the line that a statement begins with: lines stay those of the
// statement.
const explain = "EXPLAIN USING JSON "

// failed names who is to blame, in the service's own words on one line.
func (s *snowSession) failed(ctx, limited context.Context, st queries.Statement, err error) error {
	e := &Error{Statement: st.Name, Err: err}
	e.Fault, e.Line, e.Column = snowFault(err)
	if e.Fault == FaultStatement && e.Line == 0 {
		e.Line, e.Column = objectPlace(st.SQL, err)
	}
	switch {
	case ctx.Err() != nil:
		e.Fault = FaultCanceled
	case limited.Err() != nil || tooLong(err):
		e.Fault, e.Line, e.Column = FaultWarehouse, 0, 0
		e.Err = fmt.Errorf("took longer than %s (warehouse.timeout): %w", spec.Duration{Duration: s.warehouse.timeout}, err)
	}
	e.Err = told{e.Err, oneLineOf(e.Err, s.secrets)}
	return e
}
