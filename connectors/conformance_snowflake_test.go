package connectors_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"assay/connectors"
	"assay/connectors/snowflaketest"
	"assay/queries"
	"assay/spec"
)

// snowflakeWarehouse is the real driver against a server of ours on this machine,
// which gives results in Arrow, as the service does.
var snowflakeWarehouse = warehouse{
	name: "snowflake", dialect: queries.Snowflake,
	open: func(t *testing.T, timeout time.Duration) connectors.Warehouse {
		return open(t, snowSpec(t, snowShared(t), timeout), t.TempDir())
	},
	rows: func(n int) string {
		return fmt.Sprintf("(SELECT ROW_NUMBER() OVER (ORDER BY SEQ4()) - 1 AS i FROM TABLE(GENERATOR(ROWCOUNT => %d)))", n)
	},
	zoned: "DATE_PART(EPOCH_MICROSECOND, CAST('1970-01-01 00:00:00' AS TIMESTAMP_LTZ))",
	slow: "SELECT CAST(COUNT(*) AS BIGINT) AS n FROM (SELECT ROW_NUMBER() OVER (ORDER BY SEQ4()) - 1 AS i FROM TABLE(GENERATOR(ROWCOUNT => 300000))) AS a" +
		" CROSS JOIN (SELECT ROW_NUMBER() OVER (ORDER BY SEQ4()) - 1 AS i FROM TABLE(GENERATOR(ROWCOUNT => 1000000))) AS b WHERE MOD(a.i * b.i, 7) = 3",
	missing:   "does not exist",
	syntax:    "yntax error",
	toInteger: "seven",
	foreign: []string{
		"SELECT DATE '2026-01-01' AS d", "SELECT TRUE AS b", "SELECT CAST(0.1 AS DECIMAL(3, 1)) AS n",
		"SELECT CAST('2026-01-01 00:00:00' AS TIMESTAMP_NTZ) AS t",
	},
	effort:    func(t *testing.T) float64 { return float64(snowShared(t).Running()) },
	positions: true,
	troubles:  snowTroubles,
}

// snowflakeJSON is the same with results in JSON, as accounts may have it.
var snowflakeJSON = func() warehouse {
	w := snowflakeWarehouse
	w.name = "snowflake json"
	var once sync.Once
	var server *snowServer
	shared := func(t *testing.T) *snowServer {
		t.Helper()
		once.Do(func() { server = newSnow(t); server.JSON = true })
		return server
	}
	w.open = func(t *testing.T, timeout time.Duration) connectors.Warehouse {
		return open(t, snowSpec(t, shared(t), timeout), t.TempDir())
	}
	w.effort = func(t *testing.T) float64 { return float64(shared(t).Running()) }
	w.troubles = nil
	return w
}()

// snowflakeService is the same against the service itself.
var snowflakeService = func() warehouse {
	w := snowflakeWarehouse
	w.name = "snowflake service"
	w.open = func(t *testing.T, timeout time.Duration) connectors.Warehouse {
		connection := os.Getenv("ASSAY_SNOWFLAKE_CONNECTION")
		if connection == "" {
			t.Skip("NOT CHECKED: Snowflake itself; ASSAY_SNOWFLAKE_CONNECTION names no connection of connections.toml")
		}
		return open(t, spec.Warehouse{Type: "snowflake", Connection: connection, Timeout: spec.Duration{Duration: timeout}}, t.TempDir())
	}
	w.effort, w.troubles, w.patience = nil, nil, 10*time.Second
	return w
}()

// snowServer is a server with its address.
type snowServer struct {
	*snowflaketest.Server
	url string
}

var (
	oneSnow  *snowServer
	snowOnce sync.Once
)

// snowShared is the server of the table.
func snowShared(t *testing.T) *snowServer {
	t.Helper()
	snowOnce.Do(func() { oneSnow = newSnow(t) })
	return oneSnow
}

// newSnow is a server that lives as long as the tests.
func newSnow(t *testing.T) *snowServer {
	t.Helper()
	s, err := snowflaketest.New("")
	if err != nil {
		t.Fatal(err)
	}
	return &snowServer{s, httptest.NewServer(s).URL}
}

// snow starts a server for one test.
func snow(t *testing.T) *snowServer {
	t.Helper()
	s, err := snowflaketest.New("")
	if err != nil {
		t.Fatal(err)
	}
	at := httptest.NewServer(s)
	t.Cleanup(func() {
		at.CloseClientConnections()
		at.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &snowServer{s, at.URL}
}

func snowSpec(t *testing.T, s *snowServer, timeout time.Duration) spec.Warehouse {
	t.Helper()
	t.Setenv("SNOWFLAKE_HOME", t.TempDir())
	return spec.Warehouse{
		Type: "snowflake", Endpoint: s.url, Account: "myorg-test", User: "assay", Password: spec.NewSecret("open sesame"),
		Timeout: spec.Duration{Duration: timeout},
	}
}

// snowTroubled is the statement of a trouble.
const snowTroubled = "SELECT CAST(1 AS BIGINT) AS i"

// snowTroubles: what the service refuses once the warehouse is open.
func snowTroubles(t *testing.T) []trouble {
	t.Helper()
	fail := func(code, state, message string) func(s *snowServer) {
		return func(s *snowServer) {
			s.Fail = func(sql string) *snowflaketest.Problem {
				if sql == snowTroubled {
					return &snowflaketest.Problem{Code: code, State: state, Message: message}
				}
				return nil
			}
		}
	}
	refuse := func(code, message string) func(s *snowServer) {
		return func(s *snowServer) {
			s.Refuse = func(snowflaketest.Login) *snowflaketest.Problem {
				return &snowflaketest.Problem{Code: code, State: "08001", Message: message}
			}
		}
	}
	lost := func(s *snowServer) {
		s.Break = func(r *http.Request) bool {
			return slices.Contains(s.Texts(), snowTroubled) && r.URL.Path != "/session"
		}
	}
	// What changes tables runs in the foreground: it is lost on the way there.
	changed := snowTrouble("network lost before a change", connectors.FaultWarehouse, "could not be reached to stop it", func(s *snowServer) {
		s.Break = func(r *http.Request) bool { return s.Sessions() > 0 && len(s.Texts()) == 2 && r.URL.Path != "/session" }
	})
	changed.sql = "INSERT INTO changed SELECT 1"
	return []trouble{
		snowTrouble("denied", connectors.FaultStatement, "Insufficient privileges", fail("003001", "42501", "SQL access control error:\nInsufficient privileges to operate on table 'PAY'")),
		snowTrouble("unknown table", connectors.FaultStatement, "does not exist or not authorized", fail("002003", "42S02", "SQL compilation error:\nObject 'OPS.PUBLIC.PAY' does not exist or not authorized.")),
		snowTrouble("quota", connectors.FaultWarehouse, "exceeded its quota", fail("090073", "22000", "Warehouse 'W' cannot be resumed because resource monitor 'M' has exceeded its quota.")),
		snowTrouble("no warehouse", connectors.FaultWarehouse, "No active warehouse", fail("000606", "57P03", "No active warehouse selected in the current session.  Select an active warehouse with the 'use warehouse' command.\n")),
		snowTrouble("out of memory", connectors.FaultWarehouse, "ran out of memory", fail("300005", "XX000", "Processing aborted by error 300005:2523989150; the query ran out of memory")),
		snowTrouble("token expired", connectors.FaultWarehouse, "access token expired", refuse("390318", "OAuth access token expired. [9bc7de22]")),
		snowTrouble("key revoked", connectors.FaultWarehouse, "JWT token is invalid", refuse("390144", "JWT token is invalid. [3e9c6d5a]")),
		snowTrouble("network lost", connectors.FaultWarehouse, "could not be reached to stop it", lost),
		changed,
	}
}

// snowTrouble is a warehouse whose service goes wrong once it is open.
func snowTrouble(name string, fault connectors.Fault, words string, wrong func(s *snowServer)) trouble {
	return trouble{
		name: name, sql: snowTroubled, fault: fault, words: []string{words},
		open: func(t *testing.T) connectors.Warehouse {
			s := snow(t)
			w := open(t, snowSpec(t, s, 2*time.Second), t.TempDir())
			wrong(s)
			return w
		},
	}
}
