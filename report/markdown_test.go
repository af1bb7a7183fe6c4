package report

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"

	"assay/ledger"
	"assay/stats"
)

func markdownOf(t *testing.T, site Site, s story) string {
	t.Helper()
	var b bytes.Buffer
	if err := site.Markdown(&b, Explained{Look: s.look, History: s.history, Since: s.since}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// rendered is Markdown as a host renders it that lets all HTML through.
func rendered(t *testing.T, markdown string) string {
	t.Helper()
	var b bytes.Buffer
	md := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(html.WithUnsafe()))
	if err := md.Convert([]byte(markdown), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGoldenMarkdown(t *testing.T) {
	for _, s := range stories() {
		golden(t, s.name+".md", []byte(markdownOf(t, Site{URL: "https://reports.example/"}, s)))
	}
}

var (
	startTag = regexp.MustCompile(`<([a-zA-Z][a-zA-Z0-9]*)`)
	comment  = regexp.MustCompile(`<!-- -->`)
	mention  = regexp.MustCompile(`[@#][A-Za-z0-9]`)
)

// TestMarkdownIsHarmless: whatever names and texts say, a host that renders GFM
// makes of them no markup, no link and no mention, and a comment has room for it.
func TestMarkdownIsHarmless(t *testing.T) {
	ours := []string{"h3", "p", "table", "thead", "tbody", "tr", "th", "td", "details", "summary", "ol", "ul", "li", "strong", "code", "pre", "a"}
	bad := hostile()
	more := "@octocat #12 https://evil.example/x www.evil.example mail@evil.example ![i](https://evil.example/i.png) [x](javascript:alert(1)) **b** ~~s~~ `c` $e$ | x | <img src=x> </details> ```\n# h\n- [ ] t\n1. l"
	bad.look.Decision.Summary, bad.look.Experiment, bad.look.Metrics[0].Name = more, more, more
	bad.look.Health.Problems = append(bad.look.Health.Problems, ledger.Finding{Code: "x", Text: more})
	bad.look.Metrics[0].Slices = []ledger.SliceResult{{Dimension: more, Value: more, Effect: ledger.Effect{Variation: more, Status: stats.StatusTooFew, Note: more}}}
	bad.look.Spec.Variations[0].Prompt.Template = more + "\n````\n~~~\n</details>"
	bad.since.Deliveries[0].Message, bad.since.Clears[0].By = more, more
	huge := large()
	huge.look.Metrics = slices.Repeat(huge.look.Metrics, 40)
	for i := range huge.look.Metrics {
		huge.look.Metrics[i].Name = strings.Repeat("x|<", 60)
	}
	huge.look.Spec.Variations[1].Prompt.Template = strings.Repeat(strings.Repeat("y", 1000)+"\n", 1000)
	for name, s := range map[string]story{"usual": harmful(), "hostile": bad, "huge": huge, "nothing": nothing()} {
		text := markdownOf(t, Site{URL: "https://reports.example/"}, s)
		if n := utf8.RuneCountInString(text); n > MarkdownLimit {
			t.Errorf("%s: %d characters", name, n)
		}
		if text != markdownOf(t, Site{URL: "https://reports.example/"}, s) {
			t.Errorf("%s: two renderings differ", name)
		}
		if strings.ContainsAny(text, "\x00\x1b\u202e") {
			t.Errorf("%s: a control character gets through", name)
		}
		doc := rendered(t, text)
		for _, m := range startTag.FindAllStringSubmatch(doc, -1) {
			if !slices.Contains(ours, m[1]) {
				t.Errorf("%s: <%s> gets through", name, m[1])
			}
		}
		links := regexp.MustCompile(`<a href="([^"]*)"`).FindAllStringSubmatch(doc, -1)
		for _, l := range links {
			if !strings.HasPrefix(l[1], "https://reports.example/") {
				t.Errorf("%s: link to %s", name, l[1])
			}
		}
		if len(links) != 1 {
			t.Errorf("%s: %d links, want 1", name, len(links))
		}
		// Code mentions nobody; elsewhere a comment keeps the two apart.
		outside := regexp.MustCompile(`(?s)<(pre|code)[^>]*>.*?</(pre|code)>`).ReplaceAllString(doc, "")
		outside = regexp.MustCompile(`<a href="[^"]*">`).ReplaceAllString(outside, "")
		if m := mention.FindString(regexp.MustCompile(`&#\d+;`).ReplaceAllString(outside, "")); m != "" {
			t.Errorf("%s: %q gets through", name, m)
		}
		if opened, closed := strings.Count(doc, "<details>"), strings.Count(doc, "</details>"); opened != closed {
			t.Errorf("%s: %d details opened, %d closed", name, opened, closed)
		}
	}
	doc := comment.ReplaceAllString(rendered(t, markdownOf(t, Site{}, bad)), "")
	for _, want := range []string{"@octocat #12 https://evil.example/x www.evil.example mail@evil.example", "**b** ~~s~~ `c` $e$ | x |", "&lt;img src=x&gt;", "[x](javascript:alert(1))"} {
		if !strings.Contains(doc, want) {
			t.Errorf("the text is not shown as it is: no %q in\n%s", want, doc[:min(len(doc), 3000)])
		}
	}
}

// FuzzParagraph: a text is one paragraph of that text.
func FuzzParagraph(f *testing.F) {
	for _, seed := range []string{evil, "a_b _c_ 1. x", "- x", "+ y", "1) z", "http://x.y", "&amp; &lt;", "*a*", "::", "\\", "www.x.y", "a  b", "=", "==", "---", "\t x", "~", "Setext", "x@y.z", "!", "# h", "1986. A great year"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text := paragraph(s)
		if strings.TrimSpace(text) == "" {
			return
		}
		doc := strings.TrimSuffix(comment.ReplaceAllString(rendered(t, text), ""), "\n")
		inner, whole := strings.CutPrefix(doc, "<p>")
		inner, closed := strings.CutSuffix(inner, "</p>")
		if !whole || !closed || strings.ContainsAny(inner, "<>") {
			t.Errorf("%q became %q, rendered %s", s, text, doc)
		}
	})
}

// TestMarkdownOfRun: every result has its line, and what has no room is said.
func TestMarkdownOfRun(t *testing.T) {
	moved := 0.02
	many := Ran{}
	for i := range 150 {
		s := large()
		s.look.Experiment = strings.Repeat("|<x@y>", i+1)
		many.Results = append(many.Results, RanOne{Experiment: s.look.Experiment, Look: s.look})
	}
	for name, c := range map[string]struct {
		ran  Ran
		want []string
	}{
		"usual": {
			Ran{Dry: true, Undelivered: 2, Results: []RanOne{
				{Experiment: "answer-v2", Look: harmful().look, Since: harmful().since},
				{Experiment: "later", Skipped: "starts on 2026-12-01"},
				{Experiment: "broken", Look: ramping().look, Error: "a|b"},
				{Experiment: "again", Look: shipped().look, Moved: &moved},
			}},
			[]string{"| answer-v2 | ← Roll back |", "| later | skipped | starts on", `| broken | ✕ failed | a\|b |`, "| again | refreshed | estimates moved by at most 2 %", "A dry run", "2 decisions wait", "### ← Roll back: answer-v2"},
		},
		"none": {Ran{}, nil},
		"many": {many, []string{"50 experiments more", "left out for want of room"}},
	} {
		var b bytes.Buffer
		if err := (Site{}).MarkdownOfRun(&b, c.ran); err != nil {
			t.Fatal(err)
		}
		for _, want := range c.want {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s: no %q in\n%s", name, want, shorten(b.String(), 4000))
			}
		}
		if n := utf8.RuneCount(b.Bytes()); n > MarkdownLimit {
			t.Errorf("%s: %d characters", name, n)
		}
	}
}
