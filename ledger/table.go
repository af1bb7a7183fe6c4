package ledger

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"assay/queries"
)

// DefaultLease is how long a run that was stopped without warning keeps the next
// one away from a ledger in a table.
const DefaultLease = 10 * time.Minute

const (
	// pageRecords is how many records are read at once: looks have tens of kilobytes.
	pageRecords = 200
	// patience bounds one step on the warehouse: an append, a page, the lease.
	patience = 2 * time.Minute
)

// Session runs statements one after the other. Values of rows are int64, float64,
// string or nil, by column.
type Session interface {
	Run(ctx context.Context, s queries.Statement) (rows []map[string]any, err error)
	Close() error
}

// Table is a ledger that is kept in a table of a warehouse, one row a sealed line.
type Table struct {
	// Open opens a session of the warehouse.
	Open func(ctx context.Context) (Session, error)
	// Dialect is what the warehouse speaks.
	Dialect queries.Dialect
	// Name is schema.table, with the database in front where that is needed.
	Name string
	// Lease is how long the ledger is taken at a time; 0 = DefaultLease. It is renewed
	// while the ledger is open.
	Lease time.Duration
	// Owner says to others who holds the lease: a host and a process.
	Owner string
	// Closed is called once the ledger is closed, or could not be opened; nil = nothing.
	Closed func() error
	// At is called between the instants of an append; tests stop the process there.
	// nil = nothing.
	At func(instant string)
}

// OpenTable opens the ledger for writing: it makes the tables where they are
// missing, takes the lease and verifies every record. Errors: ErrLocked,
// *TamperError, those of the warehouse.
func OpenTable(ctx context.Context, t Table) (*Ledger, error) {
	p, err := newTable(t)
	if err != nil {
		return nil, err
	}
	if err := p.seize(ctx); err != nil {
		return nil, errors.Join(err, p.release())
	}
	l, err := begin(ctx, p, true)
	if err == nil {
		p.keep()
	}
	return l, err
}

// OpenTableReadOnly verifies the ledger and reads it without a lease and without
// changing anything; a writer may be at work. Without tables it is empty. Errors:
// *TamperError, those of the warehouse.
func OpenTableReadOnly(ctx context.Context, t Table) (*Ledger, error) {
	p, err := newTable(t)
	if err != nil {
		return nil, err
	}
	return begin(ctx, p, false)
}

// ResealTable is Reseal of a ledger in a table. Errors are those of OpenTable.
func ResealTable(ctx context.Context, t Table) (last int64, err error) {
	p, err := newTable(t)
	if err != nil {
		return 0, err
	}
	if err := p.seize(ctx); err != nil {
		return 0, errors.Join(err, p.release())
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	var c *chain
	err = p.session(ctx, func(ctx context.Context, s Session) (err error) {
		c, err = p.lines(ctx, s)
		return err
	})
	if err != nil {
		return 0, err
	}
	h := c.last()
	if h.Seq == 0 {
		h.Hash = ""
	}
	_, err = p.run(ctx, p.sql.Reseal(h.Seq, h.Hash, p.lease))
	return h.Seq, err
}

// table is the place of a Table. All lines are copied to a local file, from which
// bodies are read: a warehouse is asked for each record once.
type table struct {
	Table
	sql   queries.LedgerTable
	lease queries.LedgerLease // its token is 0 = read only
	spool *spool

	changing sync.Mutex // one change of the head at a time
	size     int64
	broken   error // it is not known whether a record was kept
	keeper   *keeper
}

var _ place = (*table)(nil)

func newTable(t Table) (*table, error) {
	spool, err := newSpool()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("copy of ledger %s: %w", t.Name, err), t.closed())
	}
	return &table{
		Table: t, spool: spool, sql: queries.LedgerTable{Dialect: t.Dialect, Name: t.Name},
		// The name of who holds it may be shared; the number that follows is not.
		lease: queries.LedgerLease{Owner: t.Owner + ownerMark + rand.Text(), Length: cmp.Or(t.Lease, DefaultLease)},
	}, nil
}

func (t *table) name() string { return t.Name }

// run runs one statement in a session of its own.
func (t *table) run(ctx context.Context, s queries.Statement) (rows []map[string]any, err error) {
	err = t.within(ctx, func(ctx context.Context, session Session) error {
		rows, err = session.Run(ctx, s)
		return err
	})
	return rows, err
}

// within gives a session for a short time.
func (t *table) within(ctx context.Context, do func(context.Context, Session) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return t.session(ctx, do)
}

func (t *table) session(ctx context.Context, do func(context.Context, Session) error) error {
	session, err := t.Open(ctx)
	if err != nil {
		return fmt.Errorf("ledger %s: %w", t.Name, err)
	}
	err = errors.Join(do(ctx, session), session.Close())
	if _, told := errors.AsType[*TamperError](err); err == nil || told {
		return err
	}
	return fmt.Errorf("ledger %s: %w", t.Name, err)
}

// seize makes the tables where they are missing and takes the lease.
func (t *table) seize(ctx context.Context) error {
	if err := t.create(ctx); err != nil {
		return err
	}
	return t.take(ctx)
}

// create makes the tables, unless both are there: a run needs no right to make
// tables but the first time.
func (t *table) create(ctx context.Context) error {
	return t.within(ctx, func(ctx context.Context, s Session) error {
		lines, head, err := t.tables(ctx, s)
		if err != nil || lines && head {
			return err
		}
		for _, statement := range t.sql.Create() {
			if _, err := s.Run(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *table) tables(ctx context.Context, s Session) (lines, head bool, err error) {
	rows, err := s.Run(ctx, t.sql.Tables())
	if err != nil {
		return false, false, err
	}
	return integer(rows[0], "has_lines") > 0, integer(rows[0], "has_head") > 0, nil
}

// state is the row of the head.
type state struct {
	head
	token        int64
	owner        string
	expires, now time.Time // by the warehouse's clock
}

func (t *table) state(ctx context.Context) (now state, err error) {
	err = t.within(ctx, func(ctx context.Context, s Session) error {
		now, err = t.stateIn(ctx, s)
		return err
	})
	return now, err
}

func (t *table) stateIn(ctx context.Context, s Session) (state, error) {
	rows, err := s.Run(ctx, t.sql.State())
	if err != nil {
		return state{}, err
	}
	if len(rows) != 1 {
		return state{}, &TamperError{Path: t.Name, Problem: fmt.Sprintf("its head has %d rows", len(rows))}
	}
	r := rows[0]
	return state{
		head:  head{Seq: integer(r, "seq"), Hash: text(r, "digest")},
		token: integer(r, "token"), owner: text(r, "owner"),
		expires: time.UnixMicro(integer(r, "expires")).UTC(), now: time.UnixMicro(integer(r, "now_us")).UTC(),
	}, nil
}

// integer and text read what a table may have of a type; what it has not is 0 and
// "", which fits nothing.
func integer(row map[string]any, column string) int64 {
	n, _ := row[column].(int64)
	return n
}

func text(row map[string]any, column string) string {
	s, _ := row[column].(string)
	return s
}

// load reads all lines. A ledger that is read before anybody wrote one is empty.
func (t *table) load(ctx context.Context) (c *chain, _ string, err error) {
	err = t.session(ctx, func(ctx context.Context, s Session) error {
		if t.lease.Token == 0 {
			lines, head, err := t.tables(ctx, s)
			if err != nil || !lines && !head {
				c = &chain{}
				return err
			}
			if lines != head {
				return &TamperError{Path: t.Name, Problem: "one of its two tables is missing"}
			}
		}
		c, err = t.compared(ctx, s)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	t.size = c.size
	return c, "", nil
}

// compared reads all lines between two looks at the head: a writer may be at work.
func (t *table) compared(ctx context.Context, s Session) (*chain, error) {
	before, err := t.stateIn(ctx, s)
	if err != nil {
		return nil, err
	}
	c, err := t.lines(ctx, s)
	if err != nil {
		return nil, err
	}
	after, err := t.stateIn(ctx, s)
	if err != nil {
		return nil, err
	}
	return c, before.fits(c, after.head, heads{place: t.Name, of: "table", by: "head of the table"})
}

// lines reads and verifies every row, a page at a time, and copies the lines.
func (t *table) lines(ctx context.Context, s Session) (*chain, error) {
	c := &chain{}
	rows, err := s.Run(ctx, t.sql.Extent())
	if err != nil {
		return nil, err
	}
	count, first, last := integer(rows[0], "n"), integer(rows[0], "first_seq"), integer(rows[0], "last_seq")
	if count > 0 && first < 1 {
		return nil, &TamperError{Path: t.Name, Problem: fmt.Sprintf("it has a record with the number %d", first)}
	}
	out := bufio.NewWriterSize(t.spool, 1<<20)
	for from := int64(1); from <= last; from += pageRecords {
		page, err := s.Run(ctx, t.sql.Page(from, min(from+pageRecords-1, last)))
		if err != nil {
			return nil, err
		}
		if len(page) == 0 {
			return nil, &TamperError{Path: t.Name, Record: c.last().Seq + 1, Problem: "it is missing"}
		}
		slices.SortStableFunc(page, func(a, b map[string]any) int { return cmp.Compare(integer(a, "seq"), integer(b, "seq")) })
		for _, row := range page {
			if err := t.admit(c, row, out); err != nil {
				return nil, err
			}
		}
	}
	if have := int64(len(c.entries)); have < count {
		return nil, &TamperError{Path: t.Name, Problem: fmt.Sprintf("%d of its records have no number", count-have)}
	}
	if err := out.Flush(); err != nil {
		return nil, fmt.Errorf("copy of ledger %s: %w", t.Name, err)
	}
	return c, nil
}

// admit verifies one row as the next of the chain and copies its line.
func (t *table) admit(c *chain, row map[string]any, out *bufio.Writer) error {
	line := []byte(text(row, "line"))
	e, problem := c.link(line)
	if problem == nil {
		problem = columns(row, e, c.last().Hash)
	}
	if problem != nil {
		return c.fault(t.Name, problem)
	}
	c.entries, c.size = append(c.entries, e), c.size+int64(len(line))+1
	_, err := out.Write(line)
	if err == nil {
		err = out.WriteByte('\n')
	}
	if err != nil {
		return fmt.Errorf("copy of ledger %s: %w", t.Name, err)
	}
	return nil
}

// columns compares what a row says beside its line, which people query, with the
// line.
func columns(row map[string]any, e entry, prev string) error {
	for column, want := range map[string]any{
		"seq": e.seq, "digest": e.hash, "prev": prev, "experiment": e.experiment, "kind": e.kind, "written_us": e.at.UnixMicro(),
	} {
		if row[column] != want {
			return fmt.Errorf("its column %s does not fit its line", cmp.Or(readAs[column], column))
		}
	}
	if strings.Contains(text(row, "line"), "\n") {
		return errors.New("its line has a break")
	}
	return nil
}

// readAs are columns that statements read under other names: the hash, which some
// engines reserve, and the instant, in microseconds.
var readAs = map[string]string{"digest": "hash", "written_us": "written_at"}

func (t *table) ReadAt(data []byte, offset int64) (int, error) { return t.spool.ReadAt(data, offset) }

func (t *table) Close() error {
	var err error
	if t.lease.Token != 0 {
		t.keeper.stop()
		_, err = t.run(context.Background(), t.sql.Release(t.lease))
	}
	return errors.Join(err, t.release())
}

func (t *table) release() error { return errors.Join(t.spool.close(), t.closed()) }

func (t Table) closed() error {
	if t.Closed == nil {
		return nil
	}
	return t.Closed()
}

// spool is a local copy of the lines that goes away with the process.
type spool struct{ *os.File }

func newSpool() (*spool, error) {
	f, err := os.CreateTemp("", "assay-ledger-*")
	if err != nil {
		return nil, err
	}
	// Where a file can be removed while it is open nothing is left after a kill.
	_ = os.Remove(f.Name())
	return &spool{f}, nil
}

func (s *spool) close() error {
	err := s.Close()
	if _, there := os.Stat(s.Name()); there == nil {
		err = errors.Join(err, os.Remove(s.Name()))
	}
	return err
}
