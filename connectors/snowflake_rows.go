//go:build !nosnowflake

package connectors

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"
)

// snowTypes are the words of the documentation for what the protocol calls otherwise.
var snowTypes = map[string]string{"FIXED": "NUMBER", "REAL": "FLOAT", "TEXT": "VARCHAR"}

// columnType is the type of a column in the engine's words.
func columnType(rows driver.Rows, i int) string {
	typed, ok := rows.(driver.RowsColumnTypeDatabaseTypeName)
	if !ok {
		return ""
	}
	name := typed.ColumnTypeDatabaseTypeName(i)
	if word := snowTypes[name]; word != "" {
		return word
	}
	return name
}

// consume copies the driver's rows and closes them. The number of the statement
// is theirs.
func consume(ctx context.Context, rows driver.Rows) (*Rows, string, error) {
	defer func() { _ = rows.Close() }()
	out, err := copied(ctx, rows)
	return out, numberOf(rows), err
}

func copied(ctx context.Context, rows driver.Rows) (*Rows, error) {
	cells := make([]driver.Value, 0)
	out := &Rows{columns: map[string]int{}}
	var types []string
	for {
		if types == nil {
			// A result without columns is one that failed: the first row tells why.
			names := rows.Columns()
			cells, types = make([]driver.Value, len(names)), make([]string, len(names))
			for i, name := range names {
				out.columns[strings.ToLower(name)] = i
				types[i] = columnType(rows, i)
			}
		}
		switch err := rows.Next(cells); {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, err
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case len(out.cells) == maxRows:
			return nil, fmt.Errorf("%w: more than %d rows", errShape, maxRows)
		}
		row, err := rowOf(cells, types, rows.Columns())
		if err != nil {
			return nil, err
		}
		out.cells = append(out.cells, row)
	}
}

func rowOf(cells []driver.Value, types, names []string) ([]any, error) {
	row := make([]any, len(cells))
	for i, v := range cells {
		value, ok := snowCell(v, types[i])
		if !ok {
			return nil, fmt.Errorf("%w: column %s is %s (%s); every column must be cast to an integer of 64 bits, a float or text",
				errShape, strings.ToLower(names[i]), types[i], shownCell(v))
		}
		row[i] = value
	}
	return row, nil
}

// shownCell is the start of a value.
func shownCell(v driver.Value) string {
	text := []rune(fmt.Sprint(v))
	return string(text[:min(len(text), 40)])
}

// snowCell reads a value by the type of its column: the driver gives numbers as
// text, as floats or as large numbers, by the format in which a result came.
func snowCell(v driver.Value, typ string) (any, bool) {
	if v == nil {
		// A column of a type that is not read is refused even where it is empty.
		return nil, typ == "NUMBER" || typ == "FLOAT" || typ == "VARCHAR"
	}
	text := fmt.Sprint(v)
	switch typ {
	case "NUMBER":
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n, true
		}
		return nil, false
	case "FLOAT":
		switch n := v.(type) {
		case float64:
			return n, true
		case *big.Float:
			f, _ := n.Float64()
			return f, true
		}
		f, err := strconv.ParseFloat(text, 64)
		return f, err == nil
	case "VARCHAR":
		return text, true
	default:
		return nil, false
	}
}
