package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/duckdb/duckdb-go/v2"
)

// table is a table of the warehouse. Clock is the column by which its rows
// belong to a day.
type table struct {
	name, clock, columns string
}

func tables() []table {
	return []table{
		{"exposures", "exposed_at", `user_id VARCHAR, exposed_at TIMESTAMP, experiment_id VARCHAR,
			variation_id VARCHAR, platform VARCHAR`},
		{"conversations", "started_at", `conversation_id VARCHAR, user_id VARCHAR, started_at TIMESTAMP,
			platform VARCHAR`},
		{"responses", "ts", `response_id BIGINT, user_id VARCHAR, ts TIMESTAMP, conversation_id VARCHAR,
			is_error BOOLEAN, latency_ms DOUBLE, cost_usd DOUBLE, retries INTEGER, thumbs_down BOOLEAN,
			abandoned BOOLEAN, unsafe BOOLEAN, correctness DOUBLE, relevance DOUBLE, safety DOUBLE,
			task_completed BOOLEAN`},
		{"feedback", "ts", `conversation_id VARCHAR, ts TIMESTAMP, thumbs_down BOOLEAN`},
		{"searches", "ts", `search_id BIGINT, user_id VARCHAR, ts TIMESTAMP, clicked BOOLEAN,
			results INTEGER, latency_ms DOUBLE`},
		{"accounts", "created_on", `account_id VARCHAR, user_id VARCHAR, created_on TIMESTAMP`},
	}
}

// store writes day n into the warehouse in place of what it held of that day,
// and closes the warehouse.
func store(ctx context.Context, path string, n int, d *day) (err error) {
	db, err := sql.Open("duckdb", path)
	if err != nil {
		return fmt.Errorf("warehouse %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("warehouse %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if err := vacate(ctx, conn, n); err != nil {
		return err
	}
	return conn.Raw(func(raw any) error { return d.write(raw.(driver.Conn), n) })
}

// vacate makes the tables and empties them of day n.
func vacate(ctx context.Context, conn *sql.Conn, n int) error {
	for _, t := range tables() {
		create := fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s (%s)", t.name, t.columns)
		if _, err := conn.ExecContext(ctx, create); err != nil {
			return fmt.Errorf("table %s: %w", t.name, err)
		}
		empty := fmt.Sprintf("DELETE FROM %s WHERE %s >= ? AND %[2]s < ?", t.name, t.clock)
		if _, err := conn.ExecContext(ctx, empty, dayStart(n), dayStart(n+1)); err != nil {
			return fmt.Errorf("day %d of %s: %w", n+1, t.name, err)
		}
	}
	return nil
}

// write appends the rows of day n to every table.
func (d *day) write(conn driver.Conn, n int) error {
	return errors.Join(
		fill(conn, "exposures", d.exposures, exposure.values),
		fill(conn, "conversations", d.conversations, conversation.values),
		fill(conn, "responses", d.responses, response.values),
		fill(conn, "feedback", d.feedback, feedback.values),
		fill(conn, "searches", d.searches, search.values),
		fill(conn, "accounts", d.accounts, func(a account, row []driver.Value) []driver.Value {
			return append(row, a.id, a.user, dayStart(n))
		}),
	)
}

// fill appends rows to a table; values appends a row's columns to its argument.
func fill[T any](conn driver.Conn, name string, rows []T, values func(T, []driver.Value) []driver.Value) error {
	appender, err := duckdb.NewAppenderFromConn(conn, "", name)
	if err != nil {
		return fmt.Errorf("table %s: %w", name, err)
	}
	var row []driver.Value
	for _, one := range rows {
		row = values(one, row[:0])
		if err := appender.AppendRow(row...); err != nil {
			return errors.Join(fmt.Errorf("table %s: %w", name, err), appender.Close())
		}
	}
	if err := appender.Close(); err != nil {
		return fmt.Errorf("table %s: %w", name, err)
	}
	return nil
}

func (e exposure) values(row []driver.Value) []driver.Value {
	return append(row, e.user, e.at, e.experiment, e.variation, e.platform)
}

func (c conversation) values(row []driver.Value) []driver.Value {
	return append(row, c.id, c.user, c.start, c.platform)
}

func (r response) values(row []driver.Value) []driver.Value {
	var completed driver.Value
	if r.completed != nil {
		completed = *r.completed
	}
	return append(row, r.id, r.user, r.at, r.conversation, r.failed, r.latencyMS, r.costUSD, r.retries,
		r.disliked, r.abandoned, r.unsafe, r.correctness, r.relevance, r.safety, completed)
}

func (f feedback) values(row []driver.Value) []driver.Value {
	return append(row, f.conversation, f.at, f.down)
}

func (s search) values(row []driver.Value) []driver.Value {
	return append(row, s.id, s.account, s.at, s.clicked, s.results, s.latencyMS)
}

// readFacts reads the exposures and the failed or unsafe responses back, row
// by row.
func readFacts(ctx context.Context, path string) (f facts, err error) {
	db, err := sql.Open("duckdb", path+"?access_mode=READ_ONLY")
	if err != nil {
		return f, fmt.Errorf("warehouse %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	err = scan(ctx, db, "SELECT user_id, exposed_at, experiment_id, variation_id FROM exposures",
		func(rows *sql.Rows) error {
			var e exposure
			err := rows.Scan(&e.user, &e.at, &e.experiment, &e.variation)
			f.exposures = append(f.exposures, e)
			return err
		})
	if err != nil {
		return f, err
	}
	err = scan(ctx, db, "SELECT user_id, ts, is_error, unsafe FROM responses WHERE is_error OR unsafe",
		func(rows *sql.Rows) error {
			var r response
			err := rows.Scan(&r.user, &r.at, &r.failed, &r.unsafe)
			f.responses = append(f.responses, r)
			return err
		})
	return f, err
}

func scan(ctx context.Context, db *sql.DB, query string, each func(*sql.Rows) error) error {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return fmt.Errorf("%s: %w", query, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := each(rows); err != nil {
			return fmt.Errorf("%s: %w", query, err)
		}
	}
	return rows.Err()
}
