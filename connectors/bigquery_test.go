package connectors_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"assay/connectors"
	"assay/connectors/bigquerytest"
	"assay/queries"
	"assay/spec"
)

// The statements of a look in little.
var (
	units = queries.Statement{Name: "units", SQL: "-- Purpose: units.\nCREATE TEMP TABLE assay_units AS SELECT CAST(i AS INT64) AS i FROM UNNEST(GENERATE_ARRAY(1, 10)) AS i"}
	facts = queries.Statement{Name: "facts", SQL: "SELECT CAST(SUM(i) AS INT64) AS n FROM assay_units"}
	tags  = connectors.Tags{Experiment: "Answer v2", Look: "0123456789abcdef", Run: "run-1", Revision: "1a2b3c"}
)

// look is a run in another process.
func look(url string) {
	s := &bigQueryServer{url: url}
	w, err := connectors.Open(context.Background(), s.spec(time.Minute), "")
	if err != nil {
		fmt.Println(err)
		return
	}
	session, err := w.Session(context.Background(), tags)
	for _, st := range []queries.Statement{units, facts} {
		if err == nil {
			_, err = session.Run(context.Background(), st)
		}
	}
	fmt.Println("done", err)
}

// sessionOf opens a session that is closed by the caller.
func sessionOf(t *testing.T, w connectors.Warehouse, tags connectors.Tags) connectors.Session {
	t.Helper()
	s, err := w.Session(t.Context(), tags)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func shut(t *testing.T, s connectors.Session) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// attached runs the little look and tells which of its statements another run began.
func attached(t *testing.T, s connectors.Session) []bool {
	t.Helper()
	var out []bool
	for _, st := range []queries.Statement{units, facts} {
		rows, err := s.Run(t.Context(), st)
		if err != nil {
			t.Fatal(err)
		}
		if rows.Receipt.ID == "" {
			t.Error("no receipt")
		}
		out = append(out, rows.Receipt.Attached)
		if st.Name == "facts" {
			if n, _ := rows.Int(0, "n"); n != 55 {
				t.Errorf("n is %d", n)
			}
		}
	}
	return out
}

// paid are the jobs that ran a statement.
func (s *bigQueryServer) paid(statement string) []bigquerytest.Job {
	return slices.DeleteFunc(s.Jobs(), func(j bigquerytest.Job) bool { return j.SQL != statement })
}

// eventually waits for what happens beside the test.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 1000 {
		if holds() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal(what + " never holds")
}

// TestBigQueryKilled: a run that is killed while a job runs, and begins anew, waits
// for the same job, and takes the tables of the one that was done.
func TestBigQueryKilled(t *testing.T) {
	release := make(chan struct{})
	s := serveBigQuery(t, func(s *bigquerytest.Server) {
		s.Bytes = func(string) int64 { return 1 << 30 }
		s.Before = func(ctx context.Context, sql string) {
			if sql == facts.SQL {
				select {
				case <-release:
				case <-ctx.Done():
				}
			}
		}
	})
	run := again(t, "look", s.url)
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the statement runs", func() bool { return len(s.paid(facts.SQL)) == 1 })
	if err := run.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = run.Wait()
	if n := s.Running(); n != 1 {
		t.Fatalf("%d jobs run after the run was killed", n)
	}

	session := sessionOf(t, open(t, s.spec(time.Minute), ""), tags)
	time.AfterFunc(time.Second, func() { close(release) })
	if got := attached(t, session); !slices.Equal(got, []bool{true, true}) {
		t.Errorf("attached %v", got)
	}
	shut(t, session)
	for _, st := range []queries.Statement{units, facts} {
		if n := len(s.paid(st.SQL)); n != 1 {
			t.Errorf("%s was paid for %d times", st.Name, n)
		}
	}
	if n := s.Sessions(); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
}

// TestBigQueryBetweenStatements: the run was killed while none of its jobs ran.
func TestBigQueryBetweenStatements(t *testing.T) {
	s := serveBigQuery(t, nil)
	w := open(t, s.spec(0), "")
	first := sessionOf(t, w, tags)
	if _, err := first.Run(t.Context(), units); err != nil {
		t.Fatal(err)
	}
	session := sessionOf(t, open(t, s.spec(0), ""), tags)
	if got := attached(t, session); !slices.Equal(got, []bool{true, false}) {
		t.Errorf("attached %v", got)
	}
	shut(t, session)
}

// TestBigQueryAnew: whatever is no killed run of this very look is computed anew.
func TestBigQueryAnew(t *testing.T) {
	for name, k := range map[string]struct {
		between func(t *testing.T, s *bigQueryServer, first connectors.Session)
		tags    func(tags *connectors.Tags)
		spec    func(w *spec.Warehouse)
	}{
		"it ended in peace":       {between: func(t *testing.T, _ *bigQueryServer, first connectors.Session) { shut(t, first) }},
		"the session is over":     {between: func(t *testing.T, s *bigQueryServer, _ connectors.Session) { must(t, s.EndSessions()) }},
		"another look":            {tags: func(tags *connectors.Tags) { tags.Look = "another" }},
		"no look":                 {tags: func(tags *connectors.Tags) { tags.Look = "" }},
		"another default dataset": {spec: func(w *spec.Warehouse) { w.Dataset = "" }},
	} {
		t.Run(name, func(t *testing.T) {
			s := serveBigQuery(t, nil)
			first := sessionOf(t, open(t, s.spec(0), ""), tags)
			attached(t, first)
			if k.between != nil {
				k.between(t, s, first)
			}
			cfg, second := s.spec(0), tags
			if k.spec != nil {
				k.spec(&cfg)
			}
			if k.tags != nil {
				k.tags(&second)
			}
			// Two attempts that went wrong are no more of a hindrance than one.
			for range 2 {
				session := sessionOf(t, open(t, cfg, ""), second)
				if got := attached(t, session); !slices.Equal(got, []bool{false, false}) {
					t.Errorf("attached %v", got)
				}
				shut(t, session)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestBigQueryFailedBefore: a job that failed is not what the next run takes.
func TestBigQueryFailedBefore(t *testing.T) {
	s := serveBigQuery(t, nil)
	first := sessionOf(t, open(t, s.spec(0), ""), tags)
	must(t, second(first.Run(t.Context(), units)))
	broken := queries.Statement{Name: "facts", SQL: "SELECT CAST(i AS INT64) AS n FROM assay_late"}
	ctx, cancel := context.WithCancel(t.Context())
	s.Before = func(job context.Context, _ string) { cancel(); <-job.Done() }
	must(t, s.Exec("CREATE TABLE assay_late AS SELECT 55 AS i"))
	if _, err := first.Run(ctx, broken); err == nil {
		t.Fatal("it ran")
	}
	s.Before = nil
	session := sessionOf(t, open(t, s.spec(0), ""), tags)
	if rows, err := session.Run(t.Context(), units); err != nil || !rows.Receipt.Attached {
		t.Fatalf("%v, %+v", err, rows)
	}
	rows, err := session.Run(t.Context(), broken)
	must(t, err)
	if n, _ := rows.Int(0, "n"); n != 55 || rows.Receipt.Attached {
		t.Errorf("n is %d, %+v", n, rows.Receipt)
	}
	shut(t, session)
}

func second[T any](_ T, err error) error { return err }

// TestBigQueryTogether: two sessions of one look at once are two.
func TestBigQueryTogether(t *testing.T) {
	s := serveBigQuery(t, nil)
	w := open(t, s.spec(0), "")
	one, two := sessionOf(t, w, tags), sessionOf(t, w, tags)
	if got := slices.Concat(attached(t, one), attached(t, two)); slices.Contains(got, true) {
		t.Errorf("attached %v", got)
	}
	if n := s.Sessions(); n != 2 {
		t.Errorf("%d sessions", n)
	}
	shut(t, one)
	shut(t, two)
	// The same statement again is another job.
	three := sessionOf(t, w, tags)
	must(t, second(three.Run(t.Context(), units)))
	before := len(s.paid(facts.SQL))
	must(t, second(three.Run(t.Context(), facts)))
	must(t, second(three.Run(t.Context(), facts)))
	if n := len(s.paid(facts.SQL)) - before; n != 2 {
		t.Errorf("%d jobs", n)
	}
	shut(t, three)
}

// TestBigQueryJobs: what every job carries.
func TestBigQueryJobs(t *testing.T) {
	s := serveBigQuery(t, nil)
	cfg := s.spec(90 * time.Second)
	cfg.Labels = map[string]string{"team": "search", "assay_run": "mine"}
	cfg.MaxBytesBilled = 5 << 30
	session := sessionOf(t, open(t, cfg, ""), connectors.Tags{
		Experiment: "Größe: " + strings.Repeat("x", 80), Look: "abc", Run: "2026-11-26T08:00:00Z", Revision: "",
	})
	attached(t, session)
	shut(t, session)
	jobs := s.Jobs()
	if len(jobs) != 4 {
		t.Fatalf("%d jobs: %+v", len(jobs), jobs)
	}
	id, value := regexp.MustCompile(`^assay_[A-Za-z0-9]{20,64}$`), regexp.MustCompile(`^[a-z0-9_-]{1,63}$`)
	for _, j := range jobs {
		if !id.MatchString(j.ID) || j.Limit != 5<<30 || j.Timeout != 120_000 || j.Session != jobs[0].Session || j.Problem != nil {
			t.Errorf("%+v", j)
		}
		if len(j.Labels) != 4 || j.Labels["team"] != "search" || j.Labels["assay_run"] != "2026-11-26t08-00-00z" || j.Labels["assay_look"] != "abc" {
			t.Errorf("labels %v", j.Labels)
		}
		for _, v := range j.Labels {
			if !value.MatchString(v) {
				t.Errorf("label %q", v)
			}
		}
	}
	if jobs[0].SQL != "SET @@time_zone = 'UTC'" || jobs[3].SQL != "CALL BQ.ABORT_SESSION()" {
		t.Errorf("begins with %s and ends with %s", jobs[0].SQL, jobs[3].SQL)
	}
}

// TestBigQueryLimit: what would be billed for more than is allowed is refused
// before anything runs, and the job has the limit all the same.
func TestBigQueryLimit(t *testing.T) {
	s := serveBigQuery(t, func(s *bigquerytest.Server) { s.Bytes = func(string) int64 { return 3_000_000_000 } })
	cfg := s.spec(0)
	cfg.MaxBytesBilled = 2_000_000_000
	session := sessionOf(t, open(t, cfg, ""), tags)
	for _, st := range []queries.Statement{units, statement("SELECT CAST(1 AS INT64) AS i")} {
		_, err := session.Run(t.Context(), st)
		wantFault(t, err, connectors.FaultCost)
		if err == nil || !strings.Contains(err.Error(), "would be billed for 3GB, more than the 2GB of warehouse.max_bytes_billed") {
			t.Errorf("%v", err)
		}
	}
	shut(t, session)
	if jobs := s.Jobs(); len(jobs) != 0 {
		t.Errorf("jobs were begun: %+v", jobs)
	}
}

// TestBigQueryLimitOfJob: what a dry run does not see, the service does.
func TestBigQueryLimitOfJob(t *testing.T) {
	asked := 0
	s := serveBigQuery(t, func(s *bigquerytest.Server) {
		s.Bytes = func(string) int64 {
			asked++ // at the opening, for the dry run, for the job
			return map[bool]int64{true: 3_000_000_000, false: 1}[asked == 3]
		}
	})
	cfg := s.spec(0)
	cfg.MaxBytesBilled = 2_000_000_000
	_, err := begin(t, open(t, cfg, "")).Run(t.Context(), statement("SELECT CAST(1 AS INT64) AS i"))
	wantFault(t, err, connectors.FaultCost)
	if err == nil || !strings.Contains(err.Error(), "Query exceeded limit for bytes billed") {
		t.Errorf("%v", err)
	}
}

// TestBigQueryEstimate: a whole script is estimated in order, and nothing runs.
func TestBigQueryEstimate(t *testing.T) {
	s := serveBigQuery(t, func(s *bigquerytest.Server) {
		s.Bytes = func(sql string) int64 {
			return map[bool]int64{true: 5_000_000_001, false: 0}[strings.Contains(sql, "GENERATE_ARRAY")]
		}
	})
	session := sessionOf(t, open(t, s.spec(0), ""), tags)
	estimator := session.(connectors.Estimator)
	for _, k := range []struct {
		queries.Statement
		bytes int64
	}{{units, 5_000_658_944}, {facts, 0}, {queries.Statement{Name: "more", SQL: "CREATE TEMP TABLE more AS\nSELECT i FROM assay_units"}, 0}, {statement("SELECT i FROM more"), 0}} {
		got, err := estimator.Estimate(t.Context(), k.Statement)
		if err != nil || got.Bytes != k.bytes {
			t.Errorf("%s: %+v, %v", k.Name, got, err)
		}
	}
	_, err := estimator.Estimate(t.Context(), statement("-- one\nSELECT nowhere\nFROM assay_units"))
	if e, ok := errors.AsType[*connectors.Error](err); !ok || e.Line != 2 || e.Fault != connectors.FaultStatement {
		t.Errorf("%+v", err)
	}
	columns, err := session.(connectors.Describer).Describe(t.Context(), statement("SELECT CAST(1 AS INT64) AS i, 'x' AS t, TRUE AS b, TIMESTAMP '2026-01-01 00:00:00+00:00' AS at"))
	if want := []connectors.Column{{Name: "i", Type: "INT64"}, {Name: "t", Type: "STRING"}, {Name: "b", Type: "BOOL"}, {Name: "at", Type: "TIMESTAMP"}}; err != nil || !slices.Equal(columns, want) {
		t.Errorf("%v, %v", columns, err)
	}
	shut(t, session)
	if jobs := s.Jobs(); len(jobs) != 0 {
		t.Errorf("jobs were begun: %+v", jobs)
	}
}

// TestBigQueryPages: rows come by page and none is lost between them.
func TestBigQueryPages(t *testing.T) {
	s := serveBigQuery(t, func(s *bigquerytest.Server) { s.PageRows = 7 })
	rows := run(t, begin(t, open(t, s.spec(0), "")), "SELECT CAST(i AS INT64) AS i FROM UNNEST(GENERATE_ARRAY(0, 99)) AS i")
	sum := int64(0)
	for row := range rows.Len() {
		i, _ := rows.Int(row, "i")
		sum += i
	}
	if rows.Len() != 100 || sum != 4950 {
		t.Errorf("%d rows, sum %d", rows.Len(), sum)
	}
}

// TestBigQueryTooManyRows are refused before the first of them is fetched.
func TestBigQueryTooManyRows(t *testing.T) {
	s := serveBigQuery(t, nil)
	pages := 0
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.URL.Path, "/queries/") {
			s.ServeHTTP(w, r)
			return
		}
		pages++
		answer := httptest.NewRecorder()
		s.ServeHTTP(answer, r)
		_, _ = w.Write([]byte(strings.Replace(answer.Body.String(), `"totalRows":"1"`, `"totalRows":"1000001"`, 1)))
	}))
	defer front.Close()
	cfg := s.spec(0)
	cfg.Endpoint = front.URL
	text := fails(t, begin(t, open(t, cfg, "")), "SELECT CAST(1 AS INT64) AS i", connectors.FaultStatement)
	wantWords(t, text, "more than 1000000 rows")
	if pages != 1 {
		t.Errorf("%d pages were asked for", pages)
	}
}

// TestBigQueryCancelled: the job is cancelled in the service when the caller goes.
func TestBigQueryCancelled(t *testing.T) {
	s := serveBigQuery(t, func(s *bigquerytest.Server) { s.Before = func(ctx context.Context, _ string) { <-ctx.Done() } })
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(300*time.Millisecond, cancel)
	_, err := begin(t, open(t, s.spec(0), "")).Run(ctx, statement("SELECT CAST(1 AS INT64) AS i"))
	wantFault(t, err, connectors.FaultCanceled)
	if s.Running() != 0 || !slices.ContainsFunc(s.Requests(), func(r string) bool { return strings.HasSuffix(r, "/cancel") }) {
		t.Errorf("%d jobs run; %v", s.Running(), s.Requests())
	}
}

// TestBigQueryLost: the service goes away in the middle of a query.
func TestBigQueryLost(t *testing.T) {
	inside := make(chan struct{}, 1)
	inner := serveBigQuery(t, func(s *bigquerytest.Server) {
		s.Before = func(ctx context.Context, _ string) { inside <- struct{}{}; <-ctx.Done() }
	})
	front := httptest.NewServer(inner)
	// Patience is a quarter of it; the client pauses for up to 32 s between its tries.
	cfg := inner.spec(time.Minute)
	cfg.Endpoint = front.URL
	session := sessionOf(t, open(t, cfg, ""), connectors.Tags{})
	go func() {
		<-inside
		front.CloseClientConnections()
		front.Close()
	}()
	_, err := session.Run(t.Context(), statement("SELECT CAST(1 AS INT64) AS i"))
	wantFault(t, err, connectors.FaultWarehouse)
	if err == nil || !strings.Contains(err.Error(), "out of reach for 15s") || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "took longer") {
		t.Errorf("%v", err)
	}
}

// TestBigQueryRetries: what may pass is tried again.
func TestBigQueryRetries(t *testing.T) {
	var n atomic.Int64
	s := serveBigQuery(t, func(s *bigquerytest.Server) {
		s.Refuse = func(r *http.Request) *bigquerytest.Problem {
			if n.Add(1) == 2 && r.Method == http.MethodPost {
				return &bigquerytest.Problem{Status: http.StatusServiceUnavailable, Reason: "backendError", Message: "later"}
			}
			return nil
		}
	})
	run(t, begin(t, open(t, s.spec(0), "")), "SELECT CAST(1 AS INT64) AS i")
}

// TestBigQueryAnswerLost: the answer to the request that began a job is lost; the
// job is not begun twice.
func TestBigQueryAnswerLost(t *testing.T) {
	s := serveBigQuery(t, nil)
	lose := map[string]bool{"SET @@time_zone": true, "assay_units": true, "SUM(i)": true}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		for part, first := range lose {
			if first && r.Method == http.MethodPost && bytes.Contains(body, []byte(part)) && !bytes.Contains(body, []byte(`"dryRun":true`)) {
				lose[part] = false
				s.ServeHTTP(httptest.NewRecorder(), r)
				panic(http.ErrAbortHandler)
			}
		}
		s.ServeHTTP(w, r)
	}))
	defer front.Close()
	cfg := s.spec(0)
	cfg.Endpoint = front.URL
	session := sessionOf(t, open(t, cfg, ""), tags)
	if got := attached(t, session); slices.Contains(got, true) {
		t.Errorf("attached %v", got)
	}
	shut(t, session)
	if len(s.paid(units.SQL)) != 1 || len(s.paid(facts.SQL)) != 1 {
		t.Errorf("%+v", s.Jobs())
	}
	for part, unmet := range lose {
		if unmet {
			t.Errorf("no answer was lost to %s", part)
		}
	}
}

// robot writes the file of a service account whose tokens are fetched at an address.
func robot(t *testing.T, tokens string) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	text, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "assay-test", "private_key_id": "k", "client_email": "robot@assay-test.iam.gserviceaccount.com",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": tokens,
	})
	must(t, err)
	path := filepath.Join(t.TempDir(), "robot.json")
	must(t, os.WriteFile(path, text, 0o600))
	return path
}

// TestBigQueryCredentials: a service account signs in with its file, and one that
// may not any more is told in the service's words, without what is in the file.
func TestBigQueryCredentials(t *testing.T) {
	valid := true
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if !valid {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"error": "invalid_grant",` + "\n" + `"error_description": "Invalid JWT Signature."}`))
			return
		}
		_, _ = w.Write([]byte(`{"access_token": "a-token", "expires_in": 3600, "token_type": "Bearer"}`))
	}))
	defer tokens.Close()
	var header atomic.Value
	s := serveBigQuery(t, func(s *bigquerytest.Server) {
		s.Refuse = func(r *http.Request) *bigquerytest.Problem { header.Store(r.Header.Get("Authorization")); return nil }
	})
	cfg := s.spec(10 * time.Second)
	cfg.CredentialsFile = robot(t, tokens.URL)
	run(t, begin(t, open(t, cfg, "")), "SELECT CAST(1 AS INT64) AS i")
	if header.Load() != "Bearer a-token" {
		t.Errorf("signed in with %v", header.Load())
	}
	valid = false
	_, err := connectors.Open(t.Context(), cfg, "")
	wantFault(t, err, connectors.FaultWarehouse)
	if err == nil || !strings.Contains(err.Error(), "invalid_grant") || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "PRIVATE") {
		t.Errorf("%v", err)
	}
}

// TestBigQueryNotOpened: what is wrong before the first statement is the warehouse's.
func TestBigQueryNotOpened(t *testing.T) {
	write := func(text string) string {
		path := filepath.Join(t.TempDir(), "file.json")
		must(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	denied := bigquerytest.Problem{Status: http.StatusForbidden, Reason: "accessDenied", Message: "Access Denied: Project assay-test: User does not have bigquery.jobs.create permission in project assay-test."}
	for name, k := range map[string]struct {
		edit func(w *spec.Warehouse)
		want string
	}{
		"no file":        {func(w *spec.Warehouse) { w.CredentialsFile = "nowhere.json" }, "warehouse.credentials_file nowhere.json: no such file or directory"},
		"no JSON":        {func(w *spec.Warehouse) { w.CredentialsFile = write("hush") }, "the file is no JSON"},
		"of a user":      {func(w *spec.Warehouse) { w.CredentialsFile = write(`{"type": "authorized_user"}`) }, `of type "authorized_user": want service_account or external_account`},
		"no credentials": {func(w *spec.Warehouse) { w.Endpoint = "https://127.0.0.1:1" }, "credentials"},
		"no right":       {nil, denied.Message},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", filepath.Join(t.TempDir(), "none.json"))
			s := serveBigQuery(t, func(s *bigquerytest.Server) { s.Refuse = refusing("POST", denied) })
			cfg := s.spec(5 * time.Second)
			if k.edit != nil {
				k.edit(&cfg)
			}
			_, err := connectors.Open(t.Context(), cfg, "")
			wantFault(t, err, connectors.FaultWarehouse)
			if err == nil || !strings.Contains(err.Error(), k.want) || strings.Contains(err.Error(), "hush") {
				t.Errorf("%v", err)
			}
		})
	}
}
