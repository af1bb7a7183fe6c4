// Package report writes finished looks down for people: one HTML page a look,
// an index, JSON, and text for a terminal.
//
// In: a ledger.Look, the looks before it, and what was delivered since. Out:
// bytes that depend on nothing but these. It decides and computes nothing; it
// formats. A page is one file without scripts, under a content security policy
// that allows its own style sheet and nothing else, and everything that came
// from a spec, a prompt or a warehouse is shown as text and never as markup.
package report

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"

	"assay/ledger"
)

//go:embed templates/*.tmpl
var templates embed.FS

//go:embed templates/style.css
var style string

var pages = template.Must(template.New("").Funcs(template.FuncMap{"dict": dict}).ParseFS(templates, "templates/*.tmpl"))

// frame is what every page has.
type frame struct {
	Title  string
	Style  template.CSS
	Policy string
}

func newFrame(title string) frame {
	sum := sha256.Sum256([]byte(style))
	hash := base64.StdEncoding.EncodeToString(sum[:])
	return frame{
		Title:  title,
		Style:  template.CSS(style), //nolint:gosec // Our own file, embedded.
		Policy: "default-src 'none'; style-src 'sha256-" + hash + "'; img-src data:",
	}
}

// Page writes the report of one look. history are the looks of the same
// experiment up to and including this one, oldest first; some may be missing.
// Its errors are those of w.
func Page(w io.Writer, look *ledger.Look, history []ledger.Look) error {
	return render(w, "page.tmpl", newPage(look, history, nil))
}

// Latest is Page with what has happened since: deliveries and their attempts,
// changes of the flag that were observed, and clears. It is meant for
// <experiment>/report.html beside the index and links back to it. Its errors
// are those of w.
func Latest(w io.Writer, look *ledger.Look, history []ledger.Look, since Since) error {
	return render(w, "page.tmpl", newPage(look, history, &since))
}

// Index writes the table of all experiments, those first that need a person.
// Its errors are those of w.
func Index(w io.Writer, entries []Entry) error {
	return render(w, "index.tmpl", newIndex(entries))
}

// JSON writes the look, indented, with one newline at the end. It fails where
// w does, or where the look holds a number that JSON cannot say.
func JSON(w io.Writer, look *ledger.Look) error {
	b, err := json.MarshalIndent(look, "", "  ")
	if err != nil {
		return fmt.Errorf("look %s of %s as JSON: %w", look.ID, look.Experiment, err)
	}
	return write(w, append(b, '\n'))
}

// render writes a page whole or not at all. The plus sign, which the template
// escapes for readers that guess at a charset, stands as it is: pages say that
// theirs is UTF-8, and are full of signs.
func render(w io.Writer, page string, data any) error {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, page, data); err != nil {
		return fmt.Errorf("page: %w", err)
	}
	return write(w, bytes.ReplaceAll(b.Bytes(), []byte("&#43;"), []byte("+")))
}

func write(w io.Writer, b []byte) error {
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// dict lets a template pass several values to another: dict "A" 1 "B" 2.
func dict(pairs ...any) map[string]any {
	m := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return m
}
