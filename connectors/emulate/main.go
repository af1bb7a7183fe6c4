// Command emulate runs another command beside a server that speaks the protocol of
// BigQuery or Snowflake over a DuckDB file, and ends with it and its exit code:
//
//	emulate -type bigquery -listen 127.0.0.1:9050 -file warehouse.duckdb -python python3 -- assay run
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
	"assay/connectors/snowflaketest"
	"assay/connectors/sqlglot"
)

func main() {
	code, err := emulate()
	if err != nil {
		fmt.Fprintln(os.Stderr, "emulate:", err)
		os.Exit(3)
	}
	os.Exit(code)
}

func emulate() (code int, err error) {
	kind := flag.String("type", "bigquery", "bigquery or snowflake")
	listen := flag.String("listen", "127.0.0.1:9050", "address")
	file := flag.String("file", "", "DuckDB file, made where it is missing; its schemas are BigQuery's datasets")
	project := flag.String("project", "assay-demo", "project of BigQuery")
	python := flag.String("python", "", "a Python that has sqlglot; without it only the simplest statements run")
	script := flag.String("script", "queries/testdata/transpile.py", "the translator")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var translate func(string) (string, error)
	if *python != "" {
		t, err := sqlglot.Start(context.WithoutCancel(ctx), *python, *script, *kind)
		if err != nil {
			return 0, err
		}
		defer func() { _ = t.Close() }()
		translate = t.Translate
	}
	s, err := server(*kind, *file, *project, translate)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", *listen)
	if err != nil {
		return 0, err
	}
	at := &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	go func() { _ = at.Serve(l) }()
	defer func() { _ = at.Close() }()
	return run(ctx, flag.Args())
}

// service is a server of either kind.
type service interface {
	http.Handler
	Close() error
}

// server is one over a DuckDB file; translate nil = the server's own, for the
// simplest statements.
func server(kind, file, project string, translate func(string) (string, error)) (service, error) {
	switch kind {
	case "bigquery":
		s, err := bigquerytest.New(file, project)
		if err != nil {
			return nil, err
		}
		s.Translate = translate
		return s, nil
	case "snowflake":
		s, err := snowflaketest.New(file)
		if err != nil {
			return nil, err
		}
		s.Translate = translate
		return s, nil
	default:
		return nil, fmt.Errorf("-type is %q: want bigquery or snowflake", kind)
	}
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
