// Package googlesql has no code, only a test: the analyzer of GoogleSQL, which
// BigQuery runs, has to accept every statement that package queries renders for
// BigQuery, and to give every output column the type that is read from it.
//
// It is a module of its own, so that nobody who builds the product compiles the
// analyzer. That takes minutes and 7 GiB once; afterwards a statement takes
// milliseconds.
package googlesql
