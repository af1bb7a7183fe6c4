package connectors_test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"assay/connectors"
	"assay/connectors/snowflaketest"
	"assay/queries"
	"assay/spec"
)

// snowflakeWarehouse is the real driver against a server of ours on this machine.
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
}

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
	w.effort = func(*testing.T) float64 { return 0 }
	return w
}()

// snowServer is a server with its address.
type snowServer struct {
	*snowflaketest.Server
	url string
}

var oneSnow struct {
	sync.Once
	server *snowServer
}

// snowShared is the server of the table; it lives as long as the tests.
func snowShared(t *testing.T) *snowServer {
	t.Helper()
	oneSnow.Do(func() {
		s, err := snowflaketest.New("")
		if err != nil {
			t.Fatal(err)
		}
		oneSnow.server = &snowServer{s, httptest.NewServer(s).URL}
	})
	return oneSnow.server
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
