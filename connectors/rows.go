package connectors

import (
	"database/sql"
	"errors"
	"fmt"
)

// maxRows bounds a result. Statements aggregate: a larger one is a defect of
// the statement, not something to hold in memory.
const maxRows = 1_000_000

// errShape is a result that is none of counts and moments.
var errShape = errors.New("not a result that can be read")

// Rows is a small result. Every value is an integer, a float, text or NULL.
type Rows struct {
	Receipt Receipt

	columns map[string]int
	cells   [][]any
}

// Len is the number of rows.
func (r *Rows) Len() int { return len(r.cells) }

// Int reads a whole number; ok is false for NULL. A column that is missing or
// holds something else is a defect of the statement and panics.
func (r *Rows) Int(row int, column string) (value int64, ok bool) {
	return cell[int64](r, row, column)
}

// Float reads a number; ok is false for NULL. It panics like Int.
func (r *Rows) Float(row int, column string) (value float64, ok bool) {
	return cell[float64](r, row, column)
}

// Text reads text; ok is false for NULL. It panics like Int.
func (r *Rows) Text(row int, column string) (value string, ok bool) {
	return cell[string](r, row, column)
}

func cell[T any](r *Rows, row int, column string) (T, bool) {
	var zero T
	i, found := r.columns[column]
	if !found {
		panic(fmt.Sprintf("connectors: no column %q in the result", column))
	}
	if r.cells[row][i] == nil {
		return zero, false
	}
	value, ok := r.cells[row][i].(T)
	if !ok {
		panic(fmt.Sprintf("connectors: column %q is %T, want %T", column, r.cells[row][i], zero))
	}
	return value, true
}

// only tells whether the result is that one column.
func (r *Rows) only(column string) bool {
	_, found := r.columns[column]
	return found && len(r.columns) == 1
}

// read copies a driver's rows.
func read(rows *sql.Rows) (*Rows, error) {
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	out := &Rows{columns: make(map[string]int, len(names))}
	for i, name := range names {
		out.columns[name] = i
	}
	for rows.Next() {
		if len(out.cells) == maxRows {
			return nil, tooMany()
		}
		values := make([]any, len(names))
		targets := make([]any, len(names))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, err
		}
		for i, v := range values {
			if err := plainCell(names[i], v); err != nil {
				return nil, err
			}
		}
		out.cells = append(out.cells, values)
	}
	return out, errors.Join(rows.Err(), rows.Close())
}

// plainCell lets integers of 64 bits, floats, text and NULL pass.
func plainCell(name string, value any) error {
	switch value.(type) {
	case nil, int64, float64, string:
		return nil
	default:
		return fmt.Errorf("%w: column %s is %T; every column must be cast to an integer of 64 bits, a float or text", errShape, name, value)
	}
}

func tooMany() error { return fmt.Errorf("%w: more than %d rows", errShape, maxRows) }
