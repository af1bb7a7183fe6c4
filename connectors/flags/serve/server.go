package serve

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"assay/connectors/flags"
	"assay/spec"
)

// Limits of the server.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 15 * time.Second
	writeTimeout  = 15 * time.Second
	idleTimeout   = 2 * time.Minute
	stopTimeout   = 10 * time.Second
	maxHeader     = 16 << 10
	retryLater    = "60" // seconds, where somebody has to act first
)

// Options say what is served, and to whom.
type Options struct {
	Path string // the flags file
	// SecretFile holds the secrets of webhooks, whsec_..., separated by white
	// space; it is read for each webhook, so that they can be changed at any time.
	SecretFile string
	// ReadKey is what clients have to know; zero = everybody may read.
	ReadKey spec.Secret
	// Origin may read from a browser's page: * or one origin; "" = none.
	Origin string
	Now    func() time.Time
	Log    *slog.Logger
	// At is called at each instant between two effects on the flags file; tests do
	// things there. nil = nothing.
	At func(instant string)
}

// ErrInUse says that another server has the flags file.
var ErrInUse = errors.New("another server has the flags file")

// Server serves one flags file. It is the only one that does.
type Server struct {
	options Options
	store   *Store
	lock    *flock.Flock
}

// Open reads the flags file. Problems are all that is wrong with it, where there
// is no earlier state to serve either. Errors: ErrInUse, or of the files.
func Open(o Options) (*Server, spec.Problems, error) {
	secrets, err := os.ReadFile(o.SecretFile)
	if err == nil {
		err = flags.CheckSecrets(string(secrets))
	}
	if err != nil {
		return nil, nil, fmt.Errorf("secret file: %w", err)
	}
	lock := flock.New(o.Path + ".serve.lock")
	if got, err := lock.TryLock(); err != nil {
		return nil, nil, fmt.Errorf("lock of the flags file: %w", err)
	} else if !got {
		return nil, nil, ErrInUse
	}
	store, problems, err := newStore(o.Path, o.Now, o.Log)
	if err != nil {
		return nil, problems, errors.Join(err, lock.Close())
	}
	store.at = o.At
	return &Server{options: o, store: store, lock: lock}, nil, nil
}

// Close lets another server have the file.
func (s *Server) Close() error { return s.lock.Close() }

// Serve answers requests until the context ends; requests that have begun by
// then are finished. The error is why it could not serve or finish.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(s.options.Log.Handler(), slog.LevelWarn),
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := server.Shutdown(stop); err != nil {
		return errors.Join(fmt.Errorf("requests were cut off: %w", err), server.Close())
	}
	return nil
}

// Handler is the server's addresses.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /webhook", s.receive)
	mux.HandleFunc("GET /state/{flag}", s.state)
	mux.HandleFunc("GET /api/features/{clientKey}", s.growthBook)
	mux.HandleFunc("GET /flagd/flags.json", s.flagd)
	mux.HandleFunc("GET /healthz", s.health)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if s.options.Origin != "" {
			w.Header().Set("Access-Control-Allow-Origin", s.options.Origin)
			w.Header().Set("Access-Control-Expose-Headers", "ETag")
		}
		mux.ServeHTTP(w, r)
	})
}

// document is a body with its tag.
type document struct {
	body []byte
	etag string
}

func render(v any) (document, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return document{}, err
	}
	sum := sha256.Sum256(body)
	return document{body, `"` + hex.EncodeToString(sum[:16]) + `"`}, nil
}

// allowed tells whether the request may read: it knows the key, if there is one.
func (s *Server) allowed(given ...string) bool {
	if s.options.ReadKey.IsZero() {
		return true
	}
	want := sha256.Sum256([]byte(s.options.ReadKey.Reveal()))
	ok := 0
	for _, key := range given {
		sum := sha256.Sum256([]byte(key))
		ok |= subtle.ConstantTimeCompare(sum[:], want[:])
	}
	return ok == 1
}

// keys are what a request gives for a key: a bearer token, or ?key=.
func keys(r *http.Request) (bearer, query string) {
	bearer, _ = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return bearer, r.URL.Query().Get("key")
}

func (s *Server) growthBook(w http.ResponseWriter, r *http.Request) {
	if s.allowed(r.PathValue("clientKey")) {
		s.send(w, r, s.store.current(r.Context()).growthbook)
		return
	}
	answer(w, http.StatusUnauthorized, map[string]any{"error": "unknown client key"})
}

func (s *Server) flagd(w http.ResponseWriter, r *http.Request) {
	if s.permit(w, r) {
		s.send(w, r, s.store.current(r.Context()).flagd)
	}
}

// permit answers who may not read.
func (s *Server) permit(w http.ResponseWriter, r *http.Request) bool {
	bearer, query := keys(r)
	if s.allowed(bearer, query) {
		return true
	}
	w.Header().Set("WWW-Authenticate", "Bearer")
	answer(w, http.StatusUnauthorized, map[string]any{"error": "the read key is missing or wrong"})
	return false
}

// send answers with a document, or with 304 where the client has it. It may be
// kept, but has to be asked for again before it is used.
func (s *Server) send(w http.ResponseWriter, r *http.Request, d document) {
	cache := "no-cache"
	if !s.options.ReadKey.IsZero() {
		cache = "private, no-cache"
	}
	w.Header().Set("Cache-Control", cache)
	w.Header().Set("ETag", d.etag)
	w.Header().Set("Content-Type", "application/json")
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(d.body)))
}

// state is what state_url of a webhook store reads.
func (s *Server) state(w http.ResponseWriter, r *http.Request) {
	if !s.permit(w, r) {
		return
	}
	flag := s.store.current(r.Context()).file.Flags[r.PathValue("flag")]
	switch {
	case flag == nil:
		answer(w, http.StatusNotFound, map[string]any{"error": errUnknownFlag.Error()})
	case flag.Disabled:
		answer(w, http.StatusGone, map[string]any{"error": errDisabled.Error()})
	default:
		w.Header().Set("Cache-Control", "no-store")
		answer(w, http.StatusOK, flag.Allocation())
	}
}

// health is 200 as long as flags are served; what is wrong is told to those who
// may read.
func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	v := s.store.current(r.Context())
	told := map[string]any{"status": "ok", "flags": len(v.file.Flags), "since": v.since}
	var problems []string
	for _, p := range v.problems {
		problems = append(problems, p.String())
	}
	if v.unlogged != nil {
		problems = append(problems, "audit log: "+v.unlogged.Error())
	}
	if len(problems) > 0 {
		told["status"] = "degraded"
		told["problems"] = len(problems)
		if bearer, query := keys(r); s.allowed(bearer, query) {
			told["problems"] = problems
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	answer(w, http.StatusOK, told)
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // The client is gone, if anything.
}
