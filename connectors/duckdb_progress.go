//go:build cgo && !noduckdb

package connectors

import (
	"database/sql"
	"reflect"
	"sync"

	"github.com/duckdb/duckdb-go/v2/mapping"
)

// duckMeter asks the engine beside the driver, which has no call for it.
type duckMeter struct {
	mu   sync.Mutex
	conn mapping.Connection // without pointer = nobody to ask
}

// newDuckMeter finds the engine's connection behind the driver's. Where the
// driver keeps it otherwise than expected there is no progress, and no harm.
func newDuckMeter(conn *sql.Conn) *duckMeter {
	m := &duckMeter{}
	err := conn.Raw(func(driver any) error {
		inner := reflect.Indirect(reflect.ValueOf(driver)).FieldByName("conn")
		if inner.IsValid() && inner.Type() == reflect.TypeFor[mapping.Connection]() {
			m.conn.Ptr = inner.FieldByName("Ptr").UnsafePointer()
		}
		return nil
	})
	if err != nil {
		return &duckMeter{}
	}
	return m
}

// stop ends the questions; the connection may be closed after it.
func (m *duckMeter) stop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.conn.Ptr = nil
}

func (m *duckMeter) progress() (share float64, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.conn.Ptr == nil {
		return 0, false
	}
	state := mapping.QueryProgress(m.conn)
	percent, _, _ := mapping.QueryProgressTypeMembers(&state)
	if percent < 0 {
		return 0, false
	}
	return min(percent/100, 1), true
}
