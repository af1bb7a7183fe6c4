package snowflaketest

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// asArrow are rows as a stream of Arrow, in the types that the service chooses:
// numbers in the narrowest that holds all of them.
func asArrow(columns []column, rows [][]any) ([]byte, error) {
	fields := make([]arrow.Field, len(columns))
	for i, c := range columns {
		fields[i] = arrow.Field{Name: c.Name, Type: arrowType(c, rows, i), Nullable: true}
	}
	schema := arrow.NewSchema(fields, nil)
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer builder.Release()
	for i := range columns {
		for _, row := range rows {
			if err := appendTo(builder.Field(i), row[i]); err != nil {
				return nil, fmt.Errorf("column %s: %w", columns[i].Name, err)
			}
		}
	}
	record := builder.NewRecordBatch()
	defer record.Release()
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(schema))
	err := w.Write(record)
	return out.Bytes(), errors.Join(err, w.Close())
}

// moment is how the service writes points in time: seconds and nanoseconds.
var moment = arrow.StructOf(
	arrow.Field{Name: "epoch", Type: arrow.PrimitiveTypes.Int64}, arrow.Field{Name: "fraction", Type: arrow.PrimitiveTypes.Int32},
)

func arrowType(c column, rows [][]any, i int) arrow.DataType {
	switch c.Type {
	case fixed:
		return narrowest(c, rows, i)
	case float:
		return arrow.PrimitiveTypes.Float64
	case "boolean":
		return arrow.FixedWidthTypes.Boolean
	case "date":
		return arrow.FixedWidthTypes.Date32
	case ntz, ltz:
		return moment
	default:
		return arrow.BinaryTypes.String
	}
}

func narrowest(c column, rows [][]any, i int) arrow.DataType {
	bits, whole := 0, true
	for _, row := range rows {
		if n, ok := row[i].(*big.Int); ok {
			bits, whole = max(bits, n.BitLen()), whole && n.IsInt64()
		}
	}
	switch {
	case bits < 8:
		return arrow.PrimitiveTypes.Int8
	case bits < 16:
		return arrow.PrimitiveTypes.Int16
	case bits < 32:
		return arrow.PrimitiveTypes.Int32
	case whole:
		return arrow.PrimitiveTypes.Int64
	default:
		return &arrow.Decimal128Type{Precision: 38, Scale: int32(c.Scale)}
	}
}

func appendTo(b array.Builder, v any) error {
	if v == nil {
		b.AppendNull()
		return nil
	}
	switch b := b.(type) {
	case *array.Float64Builder:
		return put(b.Append, v)
	case *array.BooleanBuilder:
		return put(b.Append, v)
	case *array.StringBuilder:
		return put(b.Append, v)
	case *array.Date32Builder:
		return put(func(t time.Time) { b.Append(arrow.Date32(daysOf(t))) }, v)
	case *array.StructBuilder:
		return put(func(t time.Time) { appendMoment(b, t) }, v)
	case *array.Decimal128Builder:
		return put(func(n *big.Int) { b.Append(decimal128.FromBigInt(n)) }, v)
	case *array.Int8Builder:
		return put(func(n *big.Int) { b.Append(int8(n.Int64())) }, v)
	case *array.Int16Builder:
		return put(func(n *big.Int) { b.Append(int16(n.Int64())) }, v)
	case *array.Int32Builder:
		return put(func(n *big.Int) { b.Append(int32(n.Int64())) }, v)
	case *array.Int64Builder:
		return put(func(n *big.Int) { b.Append(n.Int64()) }, v)
	default:
		return fmt.Errorf("no values for %s", b.Type())
	}
}

func put[T any](add func(T), v any) error {
	value, ok := v.(T)
	if !ok {
		return fmt.Errorf("a %T for a column of %T", v, value)
	}
	add(value)
	return nil
}

func appendMoment(b *array.StructBuilder, t time.Time) {
	b.Append(true)
	if epoch, ok := b.FieldBuilder(0).(*array.Int64Builder); ok {
		epoch.Append(t.Unix())
	}
	if fraction, ok := b.FieldBuilder(1).(*array.Int32Builder); ok {
		fraction.Append(int32(t.Nanosecond()))
	}
}
