package snowflaketest

import (
	"bytes"
	"compress/gzip"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/duckdb/duckdb-go/v2"
)

// table is what a statement returned.
type table struct {
	columns []column
	// rows of nil, *big.Int (of a fixed type, times ten to its scale), float64, string,
	// bool and time.Time.
	rows [][]any
	// plain: the service gives it in JSON, as what it says about a statement.
	plain bool
}

// column is one of a result, as the protocol describes it.
type column struct {
	Name      string `json:"name"`
	Type      string `json:"type"`
	Precision int    `json:"precision"`
	Scale     int    `json:"scale"`
	Nullable  bool   `json:"nullable"`
}

// told is a result of one text.
func told(name, text string) *table {
	return &table{columns: []column{{Name: name, Type: "text"}}, rows: [][]any{{text}}, plain: true}
}

// Types as the protocol names them.
const (
	fixed = "fixed"
	float = "real"
	ntz   = "timestamp_ntz"
	ltz   = "timestamp_ltz"
)

var kinds = map[string]string{
	"TINYINT": fixed, "SMALLINT": fixed, "INTEGER": fixed, "BIGINT": fixed, "UBIGINT": fixed, "HUGEINT": fixed,
	"FLOAT": float, "DOUBLE": float, "BOOLEAN": "boolean", "DATE": "date",
	"TIMESTAMP": ntz, "TIMESTAMPTZ": ltz, "TIMESTAMP WITH TIME ZONE": ltz,
}

// columnOf is a column of DuckDB as the service describes it. A bare name is in upper
// case there; the translator marks those that are not.
func columnOf(name, typ string) column {
	c := column{Type: kinds[typ], Nullable: true}
	if exact, is := strings.CutSuffix(name, " exactly"); is {
		c.Name = exact
	} else {
		c.Name = strings.ToUpper(name)
	}
	if n, _ := fmt.Sscanf(typ, "DECIMAL(%d,%d)", &c.Precision, &c.Scale); n == 2 {
		c.Type = fixed
	}
	switch {
	case c.Type == fixed && c.Precision == 0:
		c.Precision = 38
	case c.Type == ntz, c.Type == ltz:
		c.Scale = 9
	case c.Type == "":
		c.Type = "text"
	}
	return c
}

func fetch(rows *sql.Rows) (*table, error) {
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	out := &table{columns: make([]column, len(types))}
	for i, t := range types {
		out.columns[i] = columnOf(t.Name(), t.DatabaseTypeName())
	}
	for rows.Next() {
		row, targets := make([]any, len(types)), make([]any, len(types))
		for i := range row {
			targets[i] = &row[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, err
		}
		for i, v := range row {
			row[i] = valueOf(v, out.columns[i].Type)
		}
		out.rows = append(out.rows, row)
	}
	return out, rows.Err()
}

// valueOf is a value of DuckDB as rows have it.
func valueOf(v any, kind string) any {
	switch v := v.(type) {
	case nil, bool, float64, string, time.Time, *big.Int:
		return v
	case float32:
		return float64(v)
	case duckdb.Decimal:
		return v.Value
	}
	text := fmt.Sprint(v)
	if n, ok := new(big.Int).SetString(text, 10); ok && kind == fixed {
		return n
	}
	return text
}

// shown is a result as the protocol has it: the first rows, and where the others are.
func (s *Server) shown(r *http.Request, q *query) (map[string]any, error) {
	t, size := q.answer, s.chunkRows()
	data := map[string]any{
		"queryId": q.id, "rowtype": t.columns, "total": len(t.rows), "returned": len(t.rows), "queryResultFormat": "json",
	}
	first := t.rows[:min(size, len(t.rows))]
	if s.inJSON(t) {
		data["rowset"] = asJSON(t.columns, first)
	} else {
		stream, err := asArrow(t.columns, first)
		if err != nil {
			return nil, err
		}
		data["queryResultFormat"], data["rowsetBase64"] = "arrow", base64.StdEncoding.EncodeToString(stream)
	}
	var chunks []any
	for from := size; from < len(t.rows); from += size {
		chunks = append(chunks, map[string]any{
			"url":      fmt.Sprintf("http://%s/chunks/%d/%s/%d", r.Host, s.generation(), q.id, from),
			"rowCount": min(size, len(t.rows)-from), "uncompressedSize": 1, "compressedSize": 1,
		})
	}
	if chunks != nil {
		data["chunks"], data["chunkHeaders"] = chunks, map[string]string{chunkHeader: q.id}
	}
	return data, nil
}

// chunkHeader is one that whoever fetches a chunk has to send along.
const chunkHeader = "X-Chunk-Of"

func (s *Server) inJSON(t *table) bool { return s.JSON || t.plain || len(t.columns) == 0 }

func (s *Server) chunkRows() int {
	if s.ChunkRows > 0 {
		return s.ChunkRows
	}
	return 5000
}

func (s *Server) generation() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.signed
}

// chunk gives rows as the service stores them: compressed, and in JSON without the
// brackets around them.
func (s *Server) chunk(w http.ResponseWriter, r *http.Request, at []string) {
	q := s.find(at[2])
	from, err := strconv.Atoi(at[3])
	if q == nil || err != nil || !q.over() || q.answer == nil || from > len(q.answer.rows) {
		http.NotFound(w, r)
		return
	}
	if at[1] != strconv.Itoa(s.generation()) || r.Header.Get(chunkHeader) != q.id {
		http.Error(w, "Request has expired", http.StatusForbidden)
		return
	}
	t := q.answer
	rows := t.rows[from:min(from+s.chunkRows(), len(t.rows))]
	var text []byte
	if s.inJSON(t) {
		text, err = json.Marshal(asJSON(t.columns, rows))
		text = bytes.TrimSuffix(bytes.TrimPrefix(text, []byte("[")), []byte("]"))
	} else {
		text, err = asArrow(t.columns, rows)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	packed := gzip.NewWriter(w)
	_, _ = packed.Write(text)
	_ = packed.Close()
}

// asJSON are rows as the protocol writes them: texts, and null.
func asJSON(columns []column, rows [][]any) [][]any {
	out := make([][]any, len(rows))
	for i, row := range rows {
		out[i] = make([]any, len(row))
		for j, v := range row {
			out[i][j] = textOf(v, columns[j])
		}
	}
	return out
}

func textOf(v any, c column) any {
	switch v := v.(type) {
	case nil:
		return nil
	case *big.Int:
		return new(big.Rat).SetFrac(v, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(c.Scale)), nil)).FloatString(c.Scale)
	case float64:
		return floatText(v)
	case bool:
		return map[bool]string{true: "1", false: "0"}[v]
	case time.Time:
		if c.Type == "date" {
			return strconv.FormatInt(daysOf(v), 10)
		}
		return fmt.Sprintf("%d.%09d", v.Unix(), v.Nanosecond())
	default:
		return fmt.Sprint(v)
	}
}

func daysOf(t time.Time) int64 { return int64(math.Floor(float64(t.Unix()) / (24 * 60 * 60))) }

func floatText(x float64) string {
	switch {
	case math.IsInf(x, 1):
		return "inf"
	case math.IsInf(x, -1):
		return "-inf"
	default:
		return strconv.FormatFloat(x, 'g', -1, 64)
	}
}
