package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"assay/connectors/flags/serve"
	"assay/spec"
)

func (a *app) flagsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "flags",
		Short: "A flag store of its own: serve, list, set and look back at flags in a file",
		Args:  exactly(0),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	path := cmd.PersistentFlags().StringP("file", "f", "flags.json", "the flags file")
	cmd.AddCommand(a.flagsServe(path), a.flagsList(path), a.flagsSet(path), a.flagsLog(path), a.flagsInit())
	return cmd
}

// serveFlags are the flags of assay flags serve.
type serveFlags struct{ listen, secretFile, readKeyFile, origin string }

func (a *app) flagsServe(path *string) *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Take assay's webhooks and serve flags to clients, until it is stopped",
		Long: `serve keeps flags in a file: it applies assay's signed webhooks to it, takes over
what people change in it, and serves it to clients.

  POST /webhook                   what url of a webhook store names
  GET  /state/{flag}              what its state_url names
  GET  /api/features/{clientKey}  for GrowthBook's clients
  GET  /flagd/flags.json          for flagd's
  GET  /healthz                   200 while flags are served; tells problems`,
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context(), *path, f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.listen, "listen", "127.0.0.1:7433", "address to listen on; port 0 takes a free one")
	flags.StringVar(&f.secretFile, "secret-file", "webhook.secret", "file with the signing secrets of webhooks (whsec_...)")
	flags.StringVar(&f.readKeyFile, "read-key-file", "", "file with the key that clients have to know; without it everybody may read")
	flags.StringVar(&f.origin, "allow-origin", "", "origin whose pages may read from a browser, or *")
	return cmd
}

func (a *app) serve(ctx context.Context, path string, f serveFlags) error {
	key, err := readKey(f.readKeyFile)
	if err != nil {
		return badInput(err)
	}
	server, problems, err := serve.Open(serve.Options{
		Path: path, SecretFile: f.secretFile, ReadKey: key, Origin: f.origin, Now: a.now, Log: a.log,
	})
	problems.Write(a.stderr)
	if errors.Is(err, serve.ErrInUse) {
		return exit{exitLocked, err}
	}
	if err != nil {
		return badInput(err)
	}
	defer func() { _ = server.Close() }()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", f.listen)
	if err != nil {
		return err
	}
	address := listener.Addr().(*net.TCPAddr)
	if key.IsZero() && !address.IP.IsLoopback() {
		a.log.Warn("everybody who reaches this address may read the flags; --read-key-file limits that", "address", address.String())
	}
	if a.output == "json" {
		err = a.encode(map[string]string{"listening": "http://" + address.String()})
	} else {
		a.say("listening on http://%s\n", address)
	}
	if err := errors.Join(err, a.unsaid); err != nil {
		return errors.Join(err, listener.Close())
	}
	return server.Serve(ctx, listener)
}

func readKey(path string) (spec.Secret, error) {
	if path == "" {
		return spec.Secret{}, nil
	}
	text, err := os.ReadFile(path)
	key := strings.TrimSpace(string(text))
	if err == nil && (key == "" || strings.ContainsAny(key, " \t\r\n/?#%")) {
		err = fmt.Errorf("%s: a read key is one word without / ? # %%", path)
	}
	if err != nil {
		return spec.Secret{}, fmt.Errorf("--read-key-file: %w", err)
	}
	return spec.NewSecret(key), nil
}
