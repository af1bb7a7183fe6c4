// Package ledger is the append-only log of looks and decisions, and the outbox
// of what is still to be delivered.
//
// In: plans, looks, attempts to deliver, observed changes and clears, each
// written once. Out: the same, by experiment, and the deliveries that have not
// had their end. Records are lines of JSON, each sealed with a hash that covers
// the line before it, in a file or in a table of a warehouse; a head says how
// far they had come. Invariants: one run writes at a time, by a lock or a lease
// with a fencing token; a record counts once it is kept for good; a torn last
// line of a file is a crash and is cut off, any other damage is a *TamperError;
// only an index is kept in memory. No driver: a table's statements run in a
// session that the caller opens.
package ledger
