// Command assay judges changes behind feature flags from the data in the
// warehouse and tells the flag store what to do.
package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
	_ "time/tzdata" // zones of specs must resolve on machines without zone files.

	"golang.org/x/term"

	"assay/connectors/flags"
)

func main() { os.Exit(start(os.Args[1:], rigged())) }

// rig is what a fault campaign changes of the program; the zero rig changes
// nothing.
type rig struct {
	// at is called at the instants of a run between an entry and its effect.
	at       func(instant string)
	client   *http.Client   // of the flag stores
	patience flags.Patience // of deliveries
}

// start runs the program against the system.
func start(args []string, r rig) int {
	stopped := make(chan os.Signal, 1)
	signal.Notify(stopped, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(stopped)
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	go func() {
		if s, ok := <-stopped; ok {
			// Whoever asks a second time does not want to wait.
			signal.Stop(stopped)
			cancel(signalled{s})
		}
	}()
	return execute(ctx, args, system{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		env: os.LookupEnv, now: time.Now, terminal: isTerminal, rig: r,
	})
}

// system is all that the program takes from outside.
type system struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	env            func(string) (string, bool)
	now            func() time.Time
	// terminal gives the width of a terminal, 0 where w is none.
	terminal func(w io.Writer) int
	rig
}

func isTerminal(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		return 80
	}
	return width
}
