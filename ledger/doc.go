// Package ledger is the append-only log of looks and decisions, and the outbox
// of what is still to be delivered.
//
// In: plans, looks, attempts to deliver, observed changes and clears, each
// written once. Out: the same, by experiment, and the deliveries that have not
// had their end. The file is JSON lines, each sealed with a hash that covers
// the line before it; next to it lie a lock and a head, which says how far the
// file had come. Invariants: one process writes at a time; a record counts
// once it is on the disk; a torn last line is a crash and is cut off, any
// other damage is a *TamperError; only an index is kept in memory.
package ledger
