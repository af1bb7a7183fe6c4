//go:build !nobigquery

package connectors

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"cloud.google.com/go/bigquery"
	"google.golang.org/api/impersonate"
	"google.golang.org/api/option"
	htransport "google.golang.org/api/transport/http"

	"assay/queries"
	"assay/spec"
)

// bigQuery is a project whose jobs are run through the REST API. Results are small:
// the client of the Storage Read API, which has prices of its own, is never made.
type bigQuery struct {
	client  *bigquery.Client
	cfg     spec.Warehouse
	timeout time.Duration
	project string // of the dataset, which may be another than the jobs'
	dataset string

	mu       sync.Mutex
	looks    map[string]bool // that have a session open
	location string          // of the data, as soon as it is known; "" = it is not
}

var _ Warehouse = (*bigQuery)(nil)

const (
	// bigQueryTimeout is the longest time of one statement where the spec says none.
	bigQueryTimeout = time.Hour
	// opening bounds the first question to the service.
	opening = 2 * time.Minute
)

// openBigQuery makes a client and asks the service once, for nothing, whether it
// may run jobs: whatever is wrong by then is not the fault of a statement.
func openBigQuery(ctx context.Context, cfg spec.Warehouse, dir string) (Warehouse, error) {
	w := &bigQuery{cfg: cfg, timeout: cmp.Or(cfg.Timeout.Duration, bigQueryTimeout), location: cfg.Location, looks: map[string]bool{}}
	w.project, w.dataset = cfg.Project, cfg.Dataset
	if i := strings.LastIndex(cfg.Dataset, "."); i >= 0 {
		w.project, w.dataset = cfg.Dataset[:i], cfg.Dataset[i+1:]
	}
	first, cancel := context.WithTimeout(ctx, min(opening, w.timeout))
	defer cancel()
	// Tokens are fetched for as long as the warehouse is open.
	opts, err := bigQueryOptions(context.WithoutCancel(ctx), cfg, dir, patience(w.timeout))
	if err == nil {
		w.client, err = bigquery.NewClient(context.WithoutCancel(ctx), cfg.Project, opts...)
	}
	if err == nil {
		w.client.Location = cfg.Location
		_, err = w.dry(first, w.query("SELECT 1", nil))
	}
	if err != nil {
		e := &Error{Fault: FaultWarehouse, Err: fmt.Errorf("opening bigquery: %w", plainly(err))}
		if ctx.Err() != nil {
			e.Fault = FaultCanceled
		}
		return nil, e
	}
	return w, nil
}

// bigQueryOptions are those of the client: who signs in where, and how long
// failing requests are repeated.
func bigQueryOptions(ctx context.Context, cfg spec.Warehouse, dir string, limit time.Duration) ([]option.ClientOption, error) {
	opts := []option.ClientOption{option.WithScopes(bigquery.Scope)}
	if cfg.Endpoint != "" {
		opts = append(opts, option.WithEndpoint(strings.TrimSuffix(cfg.Endpoint, "/")+"/bigquery/v2/"))
	}
	who, err := credentials(ctx, cfg, dir)
	if err != nil {
		return nil, err
	}
	transport, err := htransport.NewTransport(ctx, http.DefaultTransport.(*http.Transport).Clone(), append(opts, who...)...)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: &patient{base: transport, limit: limit}}
	return append(opts, option.WithHTTPClient(client)), nil
}

// credentials says who signs in: by default whom the environment names. Nobody
// signs in to an address of this machine that has no TLS, unless a file is given.
func credentials(ctx context.Context, cfg spec.Warehouse, dir string) ([]option.ClientOption, error) {
	var base []option.ClientOption
	switch {
	case cfg.CredentialsFile != "":
		kind, err := credentialsKind(absolute(dir, cfg.CredentialsFile))
		if err != nil {
			return nil, fmt.Errorf("warehouse.credentials_file %s: %w", cfg.CredentialsFile, err)
		}
		base = append(base, option.WithAuthCredentialsFile(kind, absolute(dir, cfg.CredentialsFile)))
	case strings.HasPrefix(cfg.Endpoint, "http://"):
		return []option.ClientOption{option.WithoutAuthentication()}, nil
	}
	if cfg.Impersonate == "" {
		return base, nil
	}
	as, err := impersonate.CredentialsTokenSource(ctx, impersonate.CredentialsConfig{
		TargetPrincipal: cfg.Impersonate, Scopes: []string{bigquery.Scope},
	}, base...)
	if err != nil {
		return nil, fmt.Errorf("warehouse.impersonate %s: %w", cfg.Impersonate, err)
	}
	return []option.ClientOption{option.WithTokenSource(as)}, nil
}

// credentialsKind reads what a file of credentials is. A file of another kind can
// name addresses to which secrets are sent: only the two that are meant are taken.
func credentialsKind(path string) (option.CredentialsType, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", errors.Unwrap(err)
	}
	var file struct {
		Type option.CredentialsType `json:"type"`
	}
	if json.Unmarshal(text, &file) != nil {
		// What is in it is not shown.
		return "", errors.New("the file is no JSON")
	}
	if file.Type != option.ServiceAccount && file.Type != option.ExternalAccount {
		return "", fmt.Errorf("the credentials are of type %q: want %s or %s", file.Type, option.ServiceAccount, option.ExternalAccount)
	}
	return file.Type, nil
}

func (w *bigQuery) Dialect() queries.Dialect { return queries.BigQuery }

func (w *bigQuery) Close() error { return w.client.Close() }

// Session opens none in the service yet: one begins with the first temporary table
// or transaction, since statements that need none are faster without.
func (w *bigQuery) Session(ctx context.Context, tags Tags) (Session, error) {
	if ctx.Err() != nil {
		return nil, &Error{Fault: FaultCanceled, Err: fmt.Errorf("opening a session: %w", ctx.Err())}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	s := &bigQuerySession{
		w: w, look: tags.Look, labels: w.labels(tags), location: w.location,
		ran: map[string]int{}, planned: map[string]bigquery.Schema{},
	}
	if w.looks[s.look] {
		// Two sessions of one look must not be one and the same in the service.
		s.look = ""
	}
	w.looks[s.look] = s.look != ""
	return s, nil
}

// located remembers where the data is: a session that begins with a transaction
// does not see it from its first statement.
func (s *bigQuerySession) located(at string) {
	if s.location != "" || at == "" {
		return
	}
	s.location = at
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	s.w.location = at
}

// ended lets another session of the look begin.
func (w *bigQuery) ended(look string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.looks, look)
}

// labels of the jobs of a session: assay's own win over the user's.
func (w *bigQuery) labels(tags Tags) map[string]string {
	labels := map[string]string{}
	maps.Copy(labels, w.cfg.Labels)
	for key, value := range map[string]string{
		"assay_experiment": tags.Experiment, "assay_look": tags.Look, "assay_run": tags.Run, "assay_revision": tags.Revision,
	} {
		if value != "" {
			labels[key] = label(value)
		}
	}
	return labels
}

// label is a text as the value of a label may be: lower-case letters, digits, _
// and -, at most 63.
func label(text string) string {
	text = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
			return r
		}
		return '-'
	}, strings.ToLower(text))
	return text[:min(len(text), 63)]
}

// query is a statement with all that is the same for every job.
func (w *bigQuery) query(sql string, labels map[string]string) *bigquery.Query {
	q := w.client.Query(sql)
	q.Labels = labels
	if w.dataset != "" {
		q.DefaultProjectID, q.DefaultDatasetID = w.project, w.dataset
	}
	// What was begun and is not waited for any more ends by itself.
	q.JobTimeout = w.timeout
	q.MaxBytesBilled = int64(w.cfg.MaxBytesBilled)
	return q
}

// dry asks the service what a query would do, which costs nothing.
func (w *bigQuery) dry(ctx context.Context, q *bigquery.Query) (*bigquery.Job, error) {
	q.DryRun = true
	// The service checks the limit in a dry run too, but does not say what it would take.
	q.MaxBytesBilled, q.JobTimeout = 0, 0
	return q.Run(ctx)
}
