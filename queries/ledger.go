package queries

import (
	"bytes"
	"fmt"
	"maps"
	"strings"
	"time"
)

// LedgerTable writes the statements of a ledger that is kept in a table: one row
// a sealed line, and beside it, in the table of the same name with _head, one row
// that says how far the ledger has come and who may write. Every change of either
// goes through that row, so that engines that enforce no keys keep writers apart
// as well. Nothing is ever updated or deleted but that row.
type LedgerTable struct {
	Dialect Dialect
	// Name is schema.table or database.schema.table.
	Name string
}

// LedgerRow is one sealed line.
type LedgerRow struct {
	Seq              int64
	Hash, Prev       string
	Experiment, Kind string
	At               time.Time
	Line             string // without its newline
}

// LedgerLease is who writes: the token of the lease, who took it, and for how long
// it is taken each time.
type LedgerLease struct {
	Token  int64
	Owner  string
	Length time.Duration
}

// Create makes the two tables where they are missing.
func (t LedgerTable) Create() []Statement {
	return []Statement{
		t.statement("ledger lines", "makes the table of the ledger's lines where it is missing", "ledger_lines.sql", nil),
		t.statement("ledger head", "makes the row of the ledger's head where it is missing", "ledger_head.sql", nil),
	}
}

// Tables tells which of the two tables are there.
func (t LedgerTable) Tables() Statement {
	lines, head := t.Name[strings.LastIndexByte(t.Name, '.')+1:], ledgerHead(t.Name)
	head = head[strings.LastIndexByte(head, '.')+1:]
	return t.statement("ledger tables", "whether the ledger's tables are there", "ledger_tables.sql", map[string]any{
		"Catalog": t.Dialect.catalog(t.Name), "LinesName": t.Dialect.text(strings.ToLower(lines)), "HeadName": t.Dialect.text(strings.ToLower(head)),
	})
}

// State reads the head.
func (t LedgerTable) State() Statement {
	return t.statement("ledger state", "how far the ledger has come, and who may write", "ledger_state.sql", nil)
}

// Extent counts the records.
func (t LedgerTable) Extent() Statement {
	return t.statement("ledger extent", "how many records there are", "ledger_extent.sql", nil)
}

// Page reads the records with these numbers, both included.
func (t LedgerTable) Page(from, to int64) Statement {
	return t.statement("ledger page", "reads records", "ledger_page.sql", map[string]any{"From": from, "To": to})
}

// Find reads the hash of one record, and who may write.
func (t LedgerTable) Find(seq int64) Statement {
	return t.statement("ledger record", "which record has a number", "ledger_find.sql", map[string]any{"Number": seq})
}

// Take takes the lease where it is free; State tells whether it did.
func (t LedgerTable) Take(l LedgerLease) Statement {
	return t.leased("ledger lease", "takes the lease where it is free", "ledger_take.sql", l)
}

// Renew lengthens the lease.
func (t LedgerTable) Renew(l LedgerLease) Statement {
	return t.leased("ledger lease renewed", "lengthens the lease", "ledger_renew.sql", l)
}

// Release gives the lease back.
func (t LedgerTable) Release(l LedgerLease) Statement {
	l.Length = 0
	return t.leased("ledger lease given back", "ends the lease", "ledger_renew.sql", l)
}

// Append writes one record as one transaction: the head moves from the record
// before, for the holder of the lease, and the record is written where it did.
// Neither happens without the other. Find tells whether it did; after a failure
// Rollback ends the transaction.
func (t LedgerTable) Append(r LedgerRow, l LedgerLease) []Statement {
	d := t.Dialect
	data := map[string]any{
		"Number": r.Seq, "Before": r.Seq - 1, "Digest": d.text(r.Hash), "Follows": d.text(r.Prev),
		"Name": d.text(r.Experiment), "Of": d.text(r.Kind), "At": d.instant(r.At), "Text": d.text(r.Line),
		"Fence": l.Token, "By": d.text(l.Owner), "Micros": l.Length.Microseconds(),
	}
	// The head of an empty ledger names no record.
	advance := maps.Clone(data)
	if r.Seq == 1 {
		advance["Follows"] = d.text("")
	}
	return []Statement{
		d.begin(),
		t.statement("ledger advance", "moves the head, for the holder of the lease", "ledger_advance.sql", advance),
		t.statement("ledger append", "writes a record", "ledger_append.sql", data),
		d.commit(),
	}
}

// Reseal sets the head to a record, "" and 0 for none.
func (t LedgerTable) Reseal(seq int64, hash string, l LedgerLease) Statement {
	return t.statement("ledger reseal", "accepts the records as they are", "ledger_reseal.sql", map[string]any{
		"Number": seq, "Digest": t.Dialect.text(hash), "Fence": l.Token, "By": t.Dialect.text(l.Owner),
	})
}

func (t LedgerTable) leased(name, purpose, template string, l LedgerLease) Statement {
	return t.statement(name, purpose, template, map[string]any{
		"Number": l.Token, "By": t.Dialect.text(l.Owner), "Micros": l.Length.Microseconds(),
	})
}

// ledgerHead is the table of the head.
func ledgerHead(name string) string { return name + "_head" }

// ledgerColumns are those of both tables, by what templates call them.
var ledgerColumns = map[string]string{
	"Seq": "seq", "Hash": "hash", "Prev": "prev", "Experiment": "experiment", "Kind": "kind",
	"Written": "written_at", "Line": "line", "Token": "token", "Owner": "owner", "Expires": "expires_us",
}

func (t LedgerTable) statement(name, purpose, template string, data map[string]any) Statement {
	d := t.Dialect
	all := map[string]any{"D": d, "Table": d.table(t.Name), "Head": d.table(ledgerHead(t.Name))}
	for field, column := range ledgerColumns {
		all[field] = d.ident(column)
	}
	all["WrittenMicros"] = d.micros(d.ident("written_at"), "")
	maps.Copy(all, data)
	return Statement{Name: name, Purpose: purpose, SQL: d.fill(template, all)}
}

// fill renders a template that depends on nothing of the spec: it cannot fail.
func (d Dialect) fill(template string, data map[string]any) string {
	var out bytes.Buffer
	if err := templates.ExecuteTemplate(&out, template, data); err != nil {
		panic(fmt.Sprintf("queries: %s: %v", template, err))
	}
	return strings.TrimRight(out.String(), "\n") + "\n"
}

// table writes the name of a table in its parts.
func (d Dialect) table(name string) string {
	parts := strings.Split(name, ".")
	for i, part := range parts {
		parts[i] = d.ident(part)
	}
	return strings.Join(parts, ".")
}

// catalog is where the tables of the schema of a table are listed.
func (d Dialect) catalog(table string) string {
	parts := strings.Split(table, ".")
	database, schema := strings.Join(parts[:max(0, len(parts)-2)], "."), parts[max(0, len(parts)-2)]
	if database != "" {
		database = d.table(database) + "."
	}
	return fmt.Sprintf(d.Catalog, database, d.ident(schema), d.text(strings.ToLower(schema)))
}

// begin, commit and Rollback are the same words everywhere.
func (d Dialect) begin() Statement {
	return Statement{Name: "begin", Purpose: "begins a transaction", SQL: "BEGIN TRANSACTION"}
}

func (d Dialect) commit() Statement {
	return Statement{Name: "commit", Purpose: "makes a transaction count", SQL: "COMMIT"}
}

// Rollback ends a transaction that failed.
func (d Dialect) Rollback() Statement {
	return Statement{Name: "rollback", Purpose: "ends a transaction that failed", SQL: "ROLLBACK"}
}
