package connectors_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/bigquery"

	"assay/connectors"
	"assay/connectors/bigquerytest"
	"assay/queries"
	"assay/spec"
)

// bigQueryWarehouse is the real client against a server of ours on this machine.
var bigQueryWarehouse = warehouse{
	name: "bigquery", dialect: queries.BigQuery,
	open: func(t *testing.T, timeout time.Duration) connectors.Warehouse {
		return open(t, shared(t).spec(timeout), t.TempDir())
	},
	rows:      func(n int) string { return fmt.Sprintf("UNNEST(GENERATE_ARRAY(0, %d)) AS i", n-1) },
	zoned:     "UNIX_MICROS(TIMESTAMP '1970-01-01 00:00:00')",
	slow:      "SELECT CAST(COUNT(*) AS INT64) AS n FROM UNNEST(GENERATE_ARRAY(1, 300000)) AS i, UNNEST(GENERATE_ARRAY(1, 1000000)) AS j WHERE MOD(i * j, 7) = 3",
	missing:   "ot found",
	syntax:    "yntax error",
	toInteger: "seven",
	foreign: []string{
		"SELECT DATE '2026-01-01' AS d", "SELECT TRUE AS b", "SELECT CAST(0.1 AS NUMERIC) AS n",
		"SELECT TIMESTAMP '2026-01-01 00:00:00+00:00' AS t", "SELECT CAST('2026-01-01 00:00:00' AS DATETIME) AS t",
	},
	effort:    func(t *testing.T) float64 { return float64(shared(t).Running()) },
	positions: true,
	troubles:  bigQueryTroubles,
}

// bigQueryService is the same against the service itself.
var bigQueryService = func() warehouse {
	w := bigQueryWarehouse
	w.name = "bigquery service"
	w.open = func(t *testing.T, timeout time.Duration) connectors.Warehouse {
		return open(t, service(t, timeout), t.TempDir())
	}
	// An unqualified name without a dataset is refused in other words.
	w.missing = ""
	w.effort = func(t *testing.T) float64 {
		client, err := bigquery.NewClient(t.Context(), os.Getenv("ASSAY_BIGQUERY_PROJECT"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = client.Close() }()
		jobs := client.Jobs(t.Context())
		jobs.State = bigquery.Running
		n := 0.0
		for _, err := jobs.Next(); err == nil; _, err = jobs.Next() {
			n++
		}
		return n
	}
	w.troubles, w.patience = nil, 10*time.Second
	return w
}()

// service is a project of the real service, where the environment names one.
func service(t *testing.T, timeout time.Duration) spec.Warehouse {
	t.Helper()
	project := os.Getenv("ASSAY_BIGQUERY_PROJECT")
	if project == "" {
		t.Skip("NOT CHECKED: BigQuery itself; ASSAY_BIGQUERY_PROJECT names no project")
	}
	return spec.Warehouse{
		Type: "bigquery", Project: project, Dataset: os.Getenv("ASSAY_BIGQUERY_DATASET"),
		MaxBytesBilled: 100 << 20, Timeout: spec.Duration{Duration: timeout},
	}
}

// bigQueryServer is a server with its address.
type bigQueryServer struct {
	*bigquerytest.Server
	url string
}

var oneServer struct {
	sync.Once
	server *bigQueryServer
}

// shared is the server of the table; it lives as long as the tests.
func shared(t *testing.T) *bigQueryServer {
	t.Helper()
	oneServer.Do(func() {
		s, err := bigquerytest.New("", "assay-test")
		if err != nil {
			t.Fatal(err)
		}
		oneServer.server = &bigQueryServer{s, httptest.NewServer(s).URL}
	})
	return oneServer.server
}

// serveBigQuery is a server of a test's own.
func serveBigQuery(t *testing.T, set func(s *bigquerytest.Server)) *bigQueryServer {
	t.Helper()
	s, err := bigquerytest.New("", "assay-test")
	if err != nil {
		t.Fatal(err)
	}
	if set != nil {
		set(s)
	}
	at := httptest.NewServer(s)
	t.Cleanup(func() {
		at.CloseClientConnections()
		at.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &bigQueryServer{s, at.URL}
}

// spec is the warehouse as a user writes it.
func (s *bigQueryServer) spec(timeout time.Duration) spec.Warehouse {
	return spec.Warehouse{
		Type: "bigquery", Project: "assay-test", Dataset: "main", Location: "EU", Endpoint: s.url, Timeout: spec.Duration{Duration: timeout},
	}
}

// refusing answers requests whose method and path hold a text.
func refusing(part string, p bigquerytest.Problem) func(r *http.Request) *bigquerytest.Problem {
	return func(r *http.Request) *bigquerytest.Problem {
		if strings.Contains(r.Method+" "+r.URL.Path, part) {
			return &p
		}
		return nil
	}
}

// bigQueryTroubles: what the service refuses once the warehouse is open.
func bigQueryTroubles(t *testing.T) []trouble {
	return []trouble{
		refused(t, "denied", http.StatusForbidden, "accessDenied", "Access Denied: Table assay-test:ops.pay: User does not have permission to query table assay-test:ops.pay.", connectors.FaultStatement),
		refused(t, "unknown table", http.StatusNotFound, "notFound", "Not found: Table assay-test:ops.pay was not found in location EU", connectors.FaultStatement),
		refused(t, "quota", http.StatusForbidden, "quotaExceeded", "Custom quota exceeded: Your usage exceeded the custom quota for QueryUsagePerDay.", connectors.FaultWarehouse),
		refused(t, "expired", http.StatusUnauthorized, "authError", "Request had invalid authentication credentials.", connectors.FaultWarehouse),
		refused(t, "billing", http.StatusForbidden, "billingNotEnabled", "Billing has not been enabled for this project.", connectors.FaultWarehouse),
		refused(t, "resources", http.StatusBadRequest, "resourcesExceeded", "Resources exceeded during query execution:\nnot enough memory.", connectors.FaultWarehouse),
		refused(t, "out of order", http.StatusServiceUnavailable, "backendError", "Error encountered during execution.\nRetrying may solve the problem.", connectors.FaultWarehouse),
	}
}

// refused is a warehouse whose service refuses jobs once it is open.
func refused(t *testing.T, name string, status int, reason, message string, fault connectors.Fault) trouble {
	t.Helper()
	return trouble{
		name: name, sql: "SELECT CAST(1 AS INT64) AS i", fault: fault, words: []string{strings.Split(message, "\n")[0]},
		open: func(t *testing.T) connectors.Warehouse {
			opened := false
			s := serveBigQuery(t, func(s *bigquerytest.Server) {
				s.Refuse = func(r *http.Request) *bigquerytest.Problem {
					if !opened {
						return nil
					}
					return refusing("POST ", bigquerytest.Problem{Status: status, Reason: reason, Message: message})(r)
				}
			})
			w := open(t, s.spec(4*time.Second), t.TempDir())
			opened = true
			return w
		},
	}
}
