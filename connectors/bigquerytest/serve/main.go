// Command serve runs another command beside a server that speaks BigQuery's API over
// a DuckDB file, and ends with it and its exit code:
//
//	serve -listen 127.0.0.1:9050 -file warehouse.duckdb -project my-project -python python3 -- assay run
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"assay/connectors/bigquerytest"
)

func main() {
	code, err := serve()
	if err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		os.Exit(3)
	}
	os.Exit(code)
}

func serve() (code int, err error) {
	listen := flag.String("listen", "127.0.0.1:9050", "address")
	file := flag.String("file", "", "DuckDB file whose schemas are datasets; made where it is missing")
	project := flag.String("project", "assay-demo", "project")
	python := flag.String("python", "", "a Python that has sqlglot; without it only the simplest statements run")
	script := flag.String("script", "queries/testdata/transpile.py", "the translator")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s, err := bigquerytest.New(*file, *project)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if *python != "" {
		t, err := bigquerytest.NewTranslator(context.WithoutCancel(ctx), *python, *script)
		if err != nil {
			return 0, err
		}
		defer func() { _ = t.Close() }()
		s.Translate = t.Translate
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", *listen)
	if err != nil {
		return 0, err
	}
	at := &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	go func() { _ = at.Serve(l) }()
	defer func() { _ = at.Close() }()
	return run(ctx, flag.Args())
}

// run runs a command to its end; without one it waits for a signal.
func run(ctx context.Context, args []string) (int, error) {
	if len(args) == 0 {
		<-ctx.Done()
		return 0, nil
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), nil
	}
	return 0, err
}
