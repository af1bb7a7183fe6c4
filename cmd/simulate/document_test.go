package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func shortened(reps int) []cell {
	cells := allCells(false)
	for i := range cells {
		cells[i].reps = reps
	}
	return cells
}

func TestDocument(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	r, err := playAll(shortened(4), 2, func(int, *cell) {})
	if err != nil {
		t.Fatal(err)
	}
	bars, err := allBars(r, quickSlack)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := write(dir, r, bars); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "validity.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range r {
		if l.cell.group != groupMiss && !strings.Contains(string(text), l.cell.name) {
			t.Errorf("the document does not tell of %s", l.cell.name)
		}
	}
	for _, p := range lookPlots() {
		wellFormed(t, filepath.Join(dir, "validity", p.file))
	}
	for _, name := range []string{"mean-units.svg", "family.svg"} {
		wellFormed(t, filepath.Join(dir, "validity", name))
	}
}

func wellFormed(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for d := xml.NewDecoder(f); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
}
