// Package report writes finished looks down for people: one HTML page a look,
// an index, a feed, JSON, Markdown, and text for a terminal.
//
// In: a ledger.Look, the looks before it, and what was delivered since. Out:
// bytes that depend on nothing but these. It decides and computes nothing; it
// formats. A page is one file without scripts, under a content security policy
// that allows its own style sheet and nothing else, and everything that came
// from a spec, a prompt or a warehouse is shown as text and never as markup.
package report

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
)

//go:embed templates/*.tmpl
var templates embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{"dict": dict, "unbroken": unbroken}).ParseFS(templates, "templates/*.tmpl"))

// render writes a page whole or not at all.
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
