package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"assay/ledger"
)

func TestGoldenText(t *testing.T) {
	for _, s := range stories() {
		t.Run(s.name, func(t *testing.T) {
			var text, explained bytes.Buffer
			if err := Text(&text, s.look, TextOptions{Width: 80}); err != nil {
				t.Fatal(err)
			}
			golden(t, s.name+".txt", text.Bytes())
			if err := Explain(&explained, Explained{Look: s.look, History: s.history, Since: s.since}, TextOptions{Width: 80}); err != nil {
				t.Fatal(err)
			}
			golden(t, s.name+".explain.txt", explained.Bytes())
		})
	}
}

func TestTextFitsItsWidth(t *testing.T) {
	for _, width := range []int{40, 60, 80, 120} {
		for _, s := range stories() {
			var b bytes.Buffer
			if err := Explain(&b, Explained{Look: s.look, History: s.history, Since: s.since}, TextOptions{Width: width, Colour: ANSI}); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(b.String()) {
				if n := columns(strings.TrimSuffix(line, "\n")); n > width {
					t.Errorf("%s at %d: %d columns: %s", s.name, width, n, line)
				}
			}
		}
	}
}

func TestColourOnlyWhereAskedFor(t *testing.T) {
	s := harmful()
	var plain, coloured bytes.Buffer
	if err := Text(&plain, s.look, TextOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := Text(&coloured, s.look, TextOptions{Colour: ANSI}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(plain.String(), "\x1b") || !strings.Contains(coloured.String(), "\x1b[1;31m") {
		t.Error("colour in plain text, or none where it was asked for")
	}
}

func TestLine(t *testing.T) {
	got := Line(harmful().look, 60)
	if !strings.HasPrefix(got, "rollback  answer-v2") || columns(got) != 60 || !strings.HasSuffix(got, "…") {
		t.Errorf("%q", got)
	}
}

func TestJSONRoundTrips(t *testing.T) {
	look := harmful().look
	var b bytes.Buffer
	if err := JSON(&b, look); err != nil {
		t.Fatal(err)
	}
	if !bytes.HasSuffix(b.Bytes(), []byte("}\n")) || bytes.HasSuffix(b.Bytes(), []byte("\n\n")) {
		t.Error("want one newline at the end")
	}
	var back ledger.Look
	if err := json.Unmarshal(b.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	if err := JSON(&again, &back); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Error("the look reads back differently")
	}
}
