package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"time"

	"assay/connectors/flags/serve"
)

// served is the flag store of one day.
type served struct {
	url  string
	stop func() error
}

const anyPort = "127.0.0.1:0"

// patience is how long the flag store may take to begin and to end.
const patience = 20 * time.Second

// makeSecret signs what assay sends and the flag store believes.
func (d *demo) makeSecret() error {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return err
	}
	return os.WriteFile(d.path("webhook.secret"), []byte("whsec_"+base64.StdEncoding.EncodeToString(key)+"\n"), 0o600)
}

// serve starts the flag store of day n on a free port and tells the project
// where it listens. Its clock stands where the day is judged.
func (d *demo) serve(ctx context.Context, n int) (*served, error) {
	start := d.serveProcess
	if d.assay == "" {
		start = d.serveHere
	}
	s, err := start(ctx, n)
	if err != nil {
		return nil, err
	}
	if err := d.pointTo(s.url); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// address is what the project's file says of where the flag store listens.
var address = regexp.MustCompile(`http://127\.0\.0\.1:[0-9]+/`)

func (d *demo) pointTo(url string) error {
	text, err := os.ReadFile(d.path("assay.yaml"))
	if err != nil {
		return err
	}
	return os.WriteFile(d.path("assay.yaml"), address.ReplaceAllLiteral(text, []byte(url+"/")), 0o644)
}

// serveProcess runs assay flags serve.
func (d *demo) serveProcess(ctx context.Context, n int) (*served, error) {
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, d.assay, "flags", "serve", "--file", d.path("flags.json"),
		"--secret-file", d.path("webhook.secret"), "--listen", anyPort, "--now", judged(n).Format(time.RFC3339), "--quiet")
	said := &strings.Builder{}
	cmd.Stderr = said
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = patience
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, err
	}
	stop := func() error {
		cancel()
		err := cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code == 128+int(syscall.SIGTERM) || code == 0 {
			return nil
		}
		return fmt.Errorf("%s: %w: %s", cmd, err, said)
	}
	late := time.AfterFunc(patience, cancel)
	line, err := bufio.NewReader(out).ReadString('\n')
	late.Stop()
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if err != nil || !ok {
		return nil, errors.Join(fmt.Errorf("%s did not begin to listen", cmd), stop())
	}
	return &served{url, stop}, nil
}

// serveHere does without a binary.
func (d *demo) serveHere(ctx context.Context, n int) (*served, error) {
	server, problems, err := serve.Open(serve.Options{
		Path: d.path("flags.json"), SecretFile: d.path("webhook.secret"),
		Now: func() time.Time { return judged(n) }, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, problems)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", anyPort)
	if err != nil {
		return nil, errors.Join(err, server.Close())
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, listener) }()
	return &served{"http://" + listener.Addr().String(), func() error {
		cancel()
		return errors.Join(<-done, server.Close())
	}}, nil
}

// rules fetches the flags as the product's clients do.
func (s *served) rules(ctx context.Context) (map[string]*rule, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/flagd/flags.json", nil)
	if err != nil {
		return nil, err
	}
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		return nil, err
	}
	defer func() { _ = a.Body.Close() }()
	text, err := io.ReadAll(a.Body)
	if err == nil && a.StatusCode != http.StatusOK {
		err = fmt.Errorf("the flag store answers %s", a.Status)
	}
	if err != nil {
		return nil, err
	}
	return readRules(text)
}
