// Package sqlglot has statements of BigQuery and Snowflake translated into DuckDB's
// SQL by the Python library of that name, for the servers that tests ask in place of
// the services.
package sqlglot

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
)

// Translator translates the SQL of one dialect, in a process beside.
type Translator struct {
	dialect string

	mu    sync.Mutex
	in    io.WriteCloser
	out   *bufio.Reader
	end   func() error
	known map[string]translation
}

type translation struct {
	SQL   string `json:"sql"`
	Error string `json:"error"`
}

// Start starts a Python that has sqlglot on the script queries/testdata/transpile.py,
// for statements of a dialect as package queries names it. The process ends with the
// context.
func Start(ctx context.Context, python, script, dialect string) (*Translator, error) {
	cmd := exec.CommandContext(ctx, python, script, "--lines")
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &Translator{dialect: dialect, in: in, out: bufio.NewReader(out), end: cmd.Wait, known: map[string]translation{}}, nil
}

// Translate gives DuckDB's SQL; what sqlglot cannot express is an error.
func (t *Translator) Translate(text string) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	answer, known := t.known[text]
	if !known {
		var err error
		if answer, err = t.ask(text); err != nil {
			return "", fmt.Errorf("translator: %w", err)
		}
		t.known[text] = answer
	}
	if answer.Error != "" {
		return "", errors.New(answer.Error)
	}
	return answer.SQL, nil
}

func (t *Translator) ask(text string) (answer translation, err error) {
	line, err := json.Marshal(map[string]string{"dialect": t.dialect, "sql": text})
	if err != nil {
		return answer, err
	}
	if _, err := t.in.Write(append(line, '\n')); err != nil {
		return answer, err
	}
	told, err := t.out.ReadBytes('\n')
	if err != nil {
		return answer, err
	}
	return answer, json.Unmarshal(told, &answer)
}

// Close ends the process.
func (t *Translator) Close() error { return errors.Join(t.in.Close(), t.end()) }
