package spec

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// tableName is a table with its schema, and maybe the database or project of that
// in front, whose name may have dashes.
var tableName = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_-]*\.)?[A-Za-z_][A-Za-z0-9_]*\.[A-Za-z_][A-Za-z0-9_]*$`)

// CheckTable says what is wrong with the name of a table that assay makes; ""
// is none and right.
func CheckTable(name string) error {
	if name != "" && !tableName.MatchString(name) {
		return fmt.Errorf("%q is not the name of a table: want schema.table, of letters, digits and _", name)
	}
	return nil
}

// places checks where the ledger and the results are kept.
func (v validator) places() {
	l, at := v.config.Ledger, v.root.at("ledger")
	at.at("path").must(l.Path != "", "the path is empty")
	at.at("duckdb").must(l.DuckDB != "", "the path is empty")
	file, own, table, lease := at.at("path"), at.at("duckdb"), at.at("table"), at.at("lease")
	switch {
	case !table.absent:
		file.refuse("the ledger is kept in one place: path or table, not both")
		own.refuse("the ledger is kept in one place: duckdb or table, not both")
	case !own.absent:
		file.refuse("the ledger is kept in one place: path or duckdb, not both")
	default:
		lease.refuse("a lease belongs to a ledger in a table or a duckdb file; the system keeps the lock of a file")
	}
	lease.must(l.Lease.Duration >= time.Minute, "a lease is at least 1m: it has to last from one renewal to the next")
	v.table(l.Table, table)
	w := v.config.Warehouse
	own.must(w.Path == "" || filepath.Clean(l.DuckDB) != filepath.Clean(w.Path), "this is the warehouse's file; write table: main.assay_ledger to keep the ledger in it")
	if r := v.config.Results; r != nil {
		p := v.root.at("results").at("table")
		v.table(r.Table, p)
		taken := strings.ToLower(l.Table)
		name := strings.ToLower(r.Table)
		p.must(taken == "" || name != taken && name != taken+"_head", "this is the ledger's table")
	}
}

// table checks a table that assay makes and writes to.
func (v validator) table(name string, at place) {
	if !at.ok() {
		return
	}
	w, warehouse := v.config.Warehouse, v.root.at("warehouse")
	at.must(tableName.MatchString(name), "%q is not the name of a table: want schema.table, of letters, digits and _", name)
	if w.Type != "duckdb" {
		return
	}
	at.must(!tableName.MatchString(name) || strings.Count(name, ".") == 1, "DuckDB has no database in front: want schema.table, as main.%s", name[strings.LastIndexByte(name, '.')+1:])
	switch {
	case warehouse.at("path").absent:
		at.problemf("a database in memory forgets its tables: give warehouse a path, or keep this elsewhere")
	case !w.ReadWrite:
		at.problemf("this is written to the warehouse's file, which is opened read-only: set read_write: true in warehouse (%s)", warehouse.where())
	}
}
