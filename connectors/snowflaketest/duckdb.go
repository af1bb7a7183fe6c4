package snowflaketest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"

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

// standIns are functions of the service that no translator writes otherwise. Types
// are named as it names them: statements ask which columns carry a zone.
var standIns = []string{
	`CREATE OR REPLACE TEMP MACRO system$typeof(x) AS CASE typeof(x)
  WHEN 'TIMESTAMP WITH TIME ZONE' THEN 'TIMESTAMP_LTZ(9)[SB8]'
  WHEN 'DATE' THEN 'DATE[SB4]'
  ELSE 'TIMESTAMP_NTZ(9)[SB8]'
END`,
	"CREATE OR REPLACE TEMP MACRO try_base64_decode_string(x) AS TRY(decode(from_base64(x)))",
}

var (
	stops    = regexp.MustCompile(`^SELECT SYSTEM\$CANCEL_QUERY\('([^']*)'\)$`)
	zoneSet  = regexp.MustCompile(`TIMEZONE = ('[^']*')`)
	creating = regexp.MustCompile(`(?is)^(?:\s|--[^\n]*\n)*CREATE\b`)
)

const explain = "EXPLAIN USING JSON "

// run executes one statement in a session.
func (s *Server) run(ctx context.Context, open *session, asked statement) (*table, *Problem) {
	text := asked.SQL
	if s.Fail != nil {
		if p := s.Fail(text); p != nil {
			return nil, p
		}
	}
	if found := stops.FindStringSubmatch(text); found != nil {
		s.stop(found[1])
		return told("SYSTEM$CANCEL_QUERY", "query terminated."), nil
	}
	open.busy.Lock()
	defer open.busy.Unlock()
	if strings.HasPrefix(text, "ALTER SESSION SET") {
		return set(ctx, open.conn, text)
	}
	query, planned := strings.CutPrefix(text, explain)
	out, p := s.translated(query)
	switch {
	case p != nil:
		return nil, p
	case planned:
		return s.plan(ctx, open.conn, out)
	case creating.MatchString(query):
		if _, err := open.conn.ExecContext(ctx, out); err != nil {
			return nil, problem(ctx, err)
		}
		return told("status", "Table successfully created."), nil
	case asked.Describe:
		out = "SELECT * FROM (" + out + "\n) LIMIT 0"
	}
	rows, err := open.conn.QueryContext(ctx, out)
	if err != nil {
		return nil, problem(ctx, err)
	}
	defer func() { _ = rows.Close() }()
	answer, err := fetch(rows)
	if err != nil {
		return nil, problem(ctx, err)
	}
	return answer, nil
}

func (s *Server) translated(text string) (string, *Problem) {
	translate := s.Translate
	if translate == nil {
		translate = Plain
	}
	out, err := translate(text)
	if err != nil {
		return "", &Problem{"001003", "42000", "SQL compilation error:\n" + firstLine(err)}
	}
	return out, nil
}

// set takes the one setting of a session that DuckDB has.
func set(ctx context.Context, conn *sql.Conn, text string) (*table, *Problem) {
	if zone := zoneSet.FindStringSubmatch(text); zone != nil {
		if _, err := conn.ExecContext(ctx, "SET TimeZone = "+zone[1]); err != nil {
			return nil, problem(ctx, err)
		}
	}
	return told("status", "Statement executed successfully."), nil
}

// plan is what the service says of a statement that it does not run.
func (s *Server) plan(ctx context.Context, conn *sql.Conn, text string) (*table, *Problem) {
	if _, err := conn.ExecContext(ctx, "EXPLAIN "+text); err != nil {
		return nil, problem(ctx, err)
	}
	return told("content", fmt.Sprintf(`{"GlobalStats":{"partitionsTotal":2,"partitionsAssigned":1,"bytesAssigned":%d},"Operations":[]}`, s.Scanned)), nil
}

var place = regexp.MustCompile(`(?m)^LINE (\d+): (.*)\n( *)\^`)

var unknownTable = regexp.MustCompile(`^Catalog Error: Table with name (\S+) does not exist`)

// words are what the service says before its own words about an error, by what
// DuckDB found; positions count from 0. Of an object that is not there it tells no
// place.
var words = map[duckdb.ErrorType]struct {
	code, state, before string
	placed              bool
}{
	duckdb.ErrorTypeCatalog:    {"002003", "42S02", "SQL compilation error:\n", false},
	duckdb.ErrorTypeParser:     {"001003", "42000", "SQL compilation error:\nsyntax ", true},
	duckdb.ErrorTypeSyntax:     {"001003", "42000", "SQL compilation error:\nsyntax ", true},
	duckdb.ErrorTypeBinder:     {"000904", "42000", "SQL compilation error: ", true},
	duckdb.ErrorTypeConversion: {"100038", "22018", "", false},
}

// problem is an error of DuckDB as the service would tell it.
func problem(ctx context.Context, err error) *Problem {
	if ctx.Err() != nil {
		return &Problem{"000604", "57014", "SQL execution canceled"}
	}
	text := firstLine(err)
	if unknown := unknownTable.FindStringSubmatch(text); unknown != nil {
		text = "Object '" + strings.ToUpper(unknown[1]) + "' does not exist or not authorized."
	}
	e, ok := errors.AsType[*duckdb.Error](err)
	if !ok {
		return &Problem{"300002", "XX000", "Processing aborted by error 300002: " + text}
	}
	how, ok := words[e.Type]
	if !ok {
		how = words[duckdb.ErrorTypeBinder]
	}
	if at := place.FindStringSubmatch(err.Error()); at != nil && how.placed {
		how.before += fmt.Sprintf("error line %s at position %d\n", at[1], len(at[3])-len("LINE "+at[1]+": "))
	}
	return &Problem{how.code, how.state, how.before + text}
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
