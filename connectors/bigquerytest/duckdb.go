package bigquerytest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"math/big"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/duckdb/duckdb-go/v2"
)

// plainRules turn the simplest GoogleSQL into DuckDB's SQL, and change no position
// in the lines that tests ask for.
var plainRules = []struct {
	from *regexp.Regexp
	to   string
}{
	{regexp.MustCompile(`UNNEST\(GENERATE_ARRAY\((\d+), (\d+)\)\) AS (\w+)`), `range($1, $2 + 1) of_$3($3)`},
	{regexp.MustCompile("`"), `"`},
	{regexp.MustCompile(`\bINT64\b`), "BIGINT"},
	{regexp.MustCompile(`\bFLOAT64\b`), "DOUBLE"},
	{regexp.MustCompile(`\bSTRING\b`), "VARCHAR"},
	{regexp.MustCompile(`\bTIMESTAMP '`), "TIMESTAMPTZ '"},
	{regexp.MustCompile(`\bAS TIMESTAMP\)`), "AS TIMESTAMPTZ)"},
	{regexp.MustCompile(`\bUNIX_MICROS\(`), "epoch_us("},
	{regexp.MustCompile(`\bTIMESTAMP_MICROS\(`), "make_timestamp("},
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
	zoneSetting = regexp.MustCompile(`^SET @@time_zone = ('[^']*')$`)
	// Tables are not kept in any order in DuckDB, and a key that is not enforced is none.
	undone    = regexp.MustCompile(`(?m)^CLUSTER BY .*$|,\n *PRIMARY KEY \(.*\) NOT ENFORCED$`)
	catalogOf = regexp.MustCompile(`\bcatalog_of_(\w+)`)
	catalog   = regexp.MustCompile("(?:`?([\\w-]+)`?\\.)?`?(\\w+)`?\\.INFORMATION_SCHEMA\\.TABLES")
)

// translated is a statement as DuckDB runs it.
func (s *Server) translated(text string) (string, *Problem) {
	if zone := zoneSetting.FindStringSubmatch(text); zone != nil {
		return "SET TimeZone = " + zone[1], nil
	}
	text = catalog.ReplaceAllString(text, "catalog_of_$2")
	text = undone.ReplaceAllString(text, "")
	translate := s.Translate
	if translate == nil {
		translate = Plain
	}
	out, err := translate(text)
	if err != nil {
		return "", &Problem{http.StatusBadRequest, "invalidQuery", oneLine(err.Error())}
	}
	out = catalogOf.ReplaceAllString(out, "(SELECT table_name FROM information_schema.tables WHERE table_catalog = '"+s.project+"' AND table_schema = '$1')")
	return out, nil
}

var (
	opening = regexp.MustCompile(`(?is)^(?:\s|--[^\n]*\n|/\*.*?\*/)*(\w+)`)
	made    = regexp.MustCompile(`(?is)^(?:\s|--[^\n]*\n|/\*.*?\*/)*CREATE\s+(?:OR\s+REPLACE\s+)?(?:TEMP(?:ORARY)?\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?[^\s(]+\s+AS\b`)
)

// queryOf is the query of a statement that is one, or makes a table of one.
func queryOf(text string) (string, bool) {
	if create := made.FindString(text); create != "" {
		return text[len(create):], true
	}
	return text, statementType(text) == "SELECT"
}

func statementType(text string) string {
	word := ""
	if found := opening.FindStringSubmatch(text); found != nil {
		word = strings.ToUpper(found[1])
	}
	switch {
	case word == "SELECT" || word == "WITH" || word == "":
		return "SELECT"
	case word == "CREATE" && made.MatchString(text):
		return "CREATE_TABLE_AS_SELECT"
	case word == "CREATE":
		return "CREATE_TABLE"
	case word == "SET" || word == "CALL" || word == "BEGIN" || word == "COMMIT" || word == "ROLLBACK":
		return "SCRIPT"
	default:
		return word
	}
}

// describe are the columns of a query that is not run.
func describe(conn *sql.Conn, query string) ([]column, error) {
	rows, err := conn.QueryContext(context.Background(), "DESCRIBE "+query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out []column
	for rows.Next() {
		var name, kind string
		if err := rows.Scan(&name, &kind, new(any), new(any), new(any), new(any)); err != nil {
			return nil, err
		}
		out = append(out, column{name, kindOf(kind)})
	}
	return out, rows.Err()
}

// kinds are types as the API names them.
var kinds = map[string]string{
	"TINYINT": "INTEGER", "SMALLINT": "INTEGER", "INTEGER": "INTEGER", "BIGINT": "INTEGER", "UBIGINT": "INTEGER", "HUGEINT": "INTEGER",
	"FLOAT": "FLOAT", "DOUBLE": "FLOAT", "VARCHAR": "STRING", "BOOLEAN": "BOOLEAN", "DATE": "DATE",
	"TIMESTAMP": "DATETIME", "TIMESTAMPTZ": "TIMESTAMP", "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
}

func kindOf(duck string) string {
	if strings.HasPrefix(duck, "DECIMAL") {
		return "NUMERIC"
	}
	if kind := kinds[duck]; kind != "" {
		return kind
	}
	return "STRING"
}

// fetch reads rows as the API shows them.
func fetch(rows *sql.Rows) ([]column, []any, error) {
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, nil, err
	}
	var columns []column
	for _, t := range types {
		columns = append(columns, column{t.Name(), kindOf(t.DatabaseTypeName())})
	}
	var out []any
	for rows.Next() {
		values, targets := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, nil, err
		}
		cells := make([]any, len(columns))
		for i, v := range values {
			cells[i] = map[string]any{"v": shown(v, columns[i].kind)}
		}
		out = append(out, map[string]any{"f": cells})
	}
	return columns, out, rows.Err()
}

// shown is a value as the API writes it: text, or null.
func shown(value any, kind string) any {
	switch v := value.(type) {
	case nil:
		return nil
	case float64:
		return float(v)
	case float32:
		return float(float64(v))
	case *big.Int:
		return v.String()
	case duckdb.Decimal:
		return v.String()
	case time.Time:
		switch kind {
		case "DATE":
			return v.Format(time.DateOnly)
		case "DATETIME":
			return v.Format("2006-01-02T15:04:05.999999")
		default:
			return strconv.FormatInt(v.UnixMicro(), 10)
		}
	default:
		return fmt.Sprint(v)
	}
}

func float(x float64) string {
	switch {
	case math.IsInf(x, 1):
		return "Infinity"
	case math.IsInf(x, -1):
		return "-Infinity"
	default:
		return strconv.FormatFloat(x, 'g', -1, 64)
	}
}

var place = regexp.MustCompile(`(?m)^LINE (\d+): (.*)\n( *)\^`)

// problem is an error of DuckDB as the service would tell it.
func problem(err error) *Problem {
	p := &Problem{http.StatusBadRequest, "invalidQuery", oneLine(err.Error())}
	if at := place.FindStringSubmatch(err.Error()); at != nil {
		column := len(at[3]) - len("LINE "+at[1]+": ") + 1
		p.Message += fmt.Sprintf(" at [%s:%d]", at[1], column)
	}
	if engine, ok := errors.AsType[*duckdb.Error](err); ok && engine.Type == duckdb.ErrorTypeCatalog && strings.Contains(engine.Msg, "does not exist") {
		p.Status, p.Reason, p.Message = http.StatusNotFound, "notFound", "Not found: "+p.Message
	}
	return p
}

func oneLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
