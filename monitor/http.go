package monitor

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Bounds of the server: it answers short questions of few askers.
const (
	readTime   = 5 * time.Second
	answerTime = 15 * time.Second
	scrapes    = 4 // at once
	headers    = 16 << 10
)

// Checks are what health is made of; nil = well, an error says why not.
type Checks struct{ Alive, Ready func() error }

// Server answers /healthz, /readyz and /metrics.
func Server(g prometheus.Gatherer, c Checks, log *slog.Logger) *http.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", answer(c.Alive))
	mux.HandleFunc("GET /readyz", answer(c.Ready))
	mux.Handle("GET /metrics", promhttp.HandlerFor(g, promhttp.HandlerOpts{MaxRequestsInFlight: scrapes, Timeout: answerTime}))
	return &http.Server{
		Handler: mux, ReadHeaderTimeout: readTime, ReadTimeout: readTime, WriteTimeout: 2 * answerTime,
		IdleTimeout: time.Minute, MaxHeaderBytes: headers,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// answer is 200 ok, or 503 with the reason.
func answer(check func() error) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		if err := check(); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = fmt.Fprintln(w, err)
			return
		}
		_, _ = fmt.Fprintln(w, "ok")
	}
}
