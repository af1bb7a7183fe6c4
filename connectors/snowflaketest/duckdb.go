package snowflaketest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/duckdb/duckdb-go/v2"
)

// plainRules turn the simplest SQL of Snowflake into DuckDB's, and change no
// position before what they change.
var plainRules = []struct {
	from *regexp.Regexp
	to   string
}{
	{regexp.MustCompile(`\(SELECT ROW_NUMBER\(\) OVER \(ORDER BY SEQ4\(\)\) - 1 AS i FROM TABLE\(GENERATOR\(ROWCOUNT => (\d+)\)\)\)`), `(SELECT i FROM range($1) AS t(i))`},
	{regexp.MustCompile(`DATE_PART\(EPOCH_MICROSECOND, `), "epoch_us("},
	{regexp.MustCompile(`TO_TIMESTAMP_NTZ\((CAST\(-?\d+ AS BIGINT\)), 6\)`), "make_timestamp($1)"},
	{regexp.MustCompile(`TO_TIMESTAMP_TZ\('([^']*) \+00:00'\)`), "TIMESTAMPTZ '$1+00:00'"},
	{regexp.MustCompile(`TIMESTAMP_LTZ`), "TIMESTAMPTZ"},
	{regexp.MustCompile(`TIMESTAMP_NTZ`), "TIMESTAMP"},
}

// Plain is the translation of what the tests of connections need. Statements of a
// look take more: a translator.
func Plain(text string) (string, error) {
	for _, rule := range plainRules {
		text = rule.from.ReplaceAllString(text, rule.to)
	}
	return text, nil
}

var (
	stops    = regexp.MustCompile(`^SELECT SYSTEM\$CANCEL_QUERY\('([^']*)'\)$`)
	zoneSet  = regexp.MustCompile(`TIMEZONE = ('[^']*')`)
	planning = regexp.MustCompile(`(?s)^EXPLAIN USING JSON `)
	creating = regexp.MustCompile(`(?is)^(?:\s|--[^\n]*\n)*CREATE\b`)
)

// run executes one statement in a session.
func (s *Server) run(ctx context.Context, conn *sql.Conn, id, text string, describe bool) (any, *Problem) {
	if s.Fail != nil {
		if p := s.Fail(text); p != nil {
			return nil, p
		}
	}
	if found := stops.FindStringSubmatch(text); found != nil {
		s.stop(found[1])
		return told(id, "query terminated."), nil
	}
	if strings.HasPrefix(text, "ALTER SESSION SET") {
		return s.set(ctx, conn, id, text)
	}
	plan := planning.MatchString(text)
	translate := s.Translate
	if translate == nil {
		translate = Plain
	}
	out, err := translate(planning.ReplaceAllString(text, ""))
	if err != nil {
		return nil, &Problem{"001003", "42000", "SQL compilation error: " + err.Error()}
	}
	if plan {
		return s.plan(ctx, conn, id, out)
	}
	if describe {
		out = "SELECT * FROM (" + out + "\n) LIMIT 0"
	}
	if creating.MatchString(text) {
		if _, err := conn.ExecContext(ctx, out); err != nil {
			return nil, problem(ctx, err)
		}
		return told(id, "Table successfully created."), nil
	}
	rows, err := conn.QueryContext(ctx, out)
	if err != nil {
		return nil, problem(ctx, err)
	}
	defer func() { _ = rows.Close() }()
	answer, err := fetch(id, rows)
	if err != nil {
		return nil, problem(ctx, err)
	}
	return answer, nil
}

// stop ends a query and waits until it has ended.
func (s *Server) stop(id string) {
	q := s.find(id)
	if q == nil {
		return
	}
	q.cancel()
	s.mu.Lock()
	s.stopped = append(s.stopped, q.id)
	s.mu.Unlock()
	select {
	case <-q.done:
	case <-time.After(5 * time.Second):
	}
}

// set takes the one setting of a session that DuckDB has.
func (s *Server) set(ctx context.Context, conn *sql.Conn, id, text string) (any, *Problem) {
	if zone := zoneSet.FindStringSubmatch(text); zone != nil {
		if _, err := conn.ExecContext(ctx, "SET TimeZone = "+zone[1]); err != nil {
			return nil, problem(ctx, err)
		}
	}
	return told(id, "Statement executed successfully."), nil
}

// plan is what the service says of a statement that it does not run.
func (s *Server) plan(ctx context.Context, conn *sql.Conn, id, text string) (any, *Problem) {
	if _, err := conn.ExecContext(ctx, "EXPLAIN "+text); err != nil {
		return nil, problem(ctx, err)
	}
	return told(id, fmt.Sprintf(`{"GlobalStats":{"partitionsTotal":2,"partitionsAssigned":1,"bytesAssigned":%d},"Operations":[]}`, s.Scanned)), nil
}

func told(id, text string) any {
	return map[string]any{
		"queryId": id, "queryResultFormat": "json", "rowset": [][]any{{text}}, "total": 1, "returned": 1,
		"rowtype": []any{map[string]any{"name": "status", "type": "text", "nullable": true, "length": 16777216}},
	}
}

var kinds = map[string]string{
	"TINYINT": "fixed", "SMALLINT": "fixed", "INTEGER": "fixed", "BIGINT": "fixed", "UBIGINT": "fixed", "HUGEINT": "fixed",
	"FLOAT": "real", "DOUBLE": "real", "VARCHAR": "text", "BOOLEAN": "boolean", "DATE": "date",
	"TIMESTAMP": "timestamp_ntz", "TIMESTAMPTZ": "timestamp_ltz", "TIMESTAMP WITH TIME ZONE": "timestamp_ltz",
}

func fetch(id string, rows *sql.Rows) (any, error) {
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	columns := make([]any, len(types))
	for i, t := range types {
		name, kind, scale := t.DatabaseTypeName(), "", 0
		if kind = kinds[name]; kind == "" {
			kind = "text"
		}
		if strings.HasPrefix(name, "DECIMAL") {
			kind = "fixed"
			_, _ = fmt.Sscanf(name[strings.IndexByte(name, ',')+1:], "%d", &scale)
		}
		// A bare name is upper case there; the tests quote none.
		columns[i] = map[string]any{"name": strings.ToUpper(t.Name()), "type": kind, "nullable": true, "scale": scale, "precision": 38}
	}
	cells := [][]any{}
	for rows.Next() {
		values, targets := make([]any, len(types)), make([]any, len(types))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, err
		}
		for i, v := range values {
			values[i] = shown(v)
		}
		cells = append(cells, values)
	}
	return map[string]any{
		"queryId": id, "queryResultFormat": "json", "rowtype": columns, "rowset": cells, "total": len(cells), "returned": len(cells),
	}, rows.Err()
}

// shown is a value as the protocol writes it: text, or null.
func shown(value any) any {
	switch v := value.(type) {
	case nil:
		return nil
	case float64:
		return strings.Replace(strings.ToLower(strconv.FormatFloat(v, 'g', -1, 64)), "+inf", "inf", 1)
	case *big.Int:
		return v.String()
	case duckdb.Decimal:
		return v.String()
	case bool:
		if v {
			return "1"
		}
		return "0"
	case time.Time:
		return strconv.FormatInt(v.Unix(), 10)
	default:
		return fmt.Sprint(v)
	}
}

var place = regexp.MustCompile(`(?m)^LINE (\d+): (.*)\n( *)\^`)

// codes are the service's numbers of what goes wrong.
var codes = map[duckdb.ErrorType]Problem{
	duckdb.ErrorTypeCatalog:    {Code: "002003", State: "42S02"},
	duckdb.ErrorTypeParser:     {Code: "001003", State: "42000"},
	duckdb.ErrorTypeSyntax:     {Code: "001003", State: "42000"},
	duckdb.ErrorTypeConversion: {Code: "100038", State: "22018"},
}

// problem is an error of DuckDB as the service would tell it.
func problem(ctx context.Context, err error) *Problem {
	if ctx.Err() != nil {
		return &Problem{"000604", "57014", "SQL execution canceled"}
	}
	p := &Problem{"000904", "42000", "SQL compilation error: "}
	if at := place.FindStringSubmatch(err.Error()); at != nil {
		p.Message += fmt.Sprintf("error line %s at position %d", at[1], len(at[3])-len("LINE "+at[1]+": "))
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	p.Message += "\n" + line
	if e, ok := errors.AsType[*duckdb.Error](err); ok {
		if known, ok := codes[e.Type]; ok {
			p.Code, p.State = known.Code, known.State
		}
		if e.Type == duckdb.ErrorTypeConversion {
			p.Message = line
		}
	}
	return p
}

// discard closes a connection for good.
func discard(conn *sql.Conn) error {
	err := conn.Raw(func(any) error { return driver.ErrBadConn })
	if errors.Is(err, driver.ErrBadConn) {
		return nil
	}
	return errors.Join(err, conn.Close())
}
