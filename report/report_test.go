package report

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"flag"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"assay/decide"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func page(t *testing.T, s story) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Page(&b, s.look, s.history, s.since); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func latest(t *testing.T, s story) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Latest(&b, s.look, s.history, s.since); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func entries() []Entry {
	outcomes := map[string]Outcome{"rollback": Verified, "ramp": Pending, "safety": Conflict}
	var out []Entry
	for _, s := range stories() {
		if s.name == "nothing" || s.name == "hostile" {
			continue
		}
		out = append(out, Entry{Look: s.look, Delivery: outcomes[s.name], Since: s.look.AsOf})
	}
	review := large()
	return append(out, Entry{Look: review.look}, Entry{Name: "not-yet"}, Entry{Name: "broken", Look: base("broken", 2, 50), Failure: "moments of responses: table is gone"})
}

func index(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Index(&b, entries()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; run with -update", err)
	}
	if diff := gocmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
		t.Errorf("%s differs (-want +got); -update rewrites it:\n%s", file, diff)
	}
}

func TestGoldenPages(t *testing.T) {
	for _, s := range stories() {
		t.Run(s.name, func(t *testing.T) { golden(t, s.name+".html", latest(t, s)) })
	}
	golden(t, "page.html", page(t, stories()[0]))
	golden(t, "index.html", index(t))
}

func TestPagesRepeatByteForByte(t *testing.T) {
	for i := range stories() {
		a, b := stories()[i], stories()[i]
		if !bytes.Equal(page(t, a), page(t, b)) || !bytes.Equal(latest(t, a), latest(t, b)) {
			t.Errorf("%s: two renderings differ", a.name)
		}
	}
	if !bytes.Equal(index(t), index(t)) {
		t.Error("two indexes differ")
	}
}

func TestPageStaysSmall(t *testing.T) {
	size := len(page(t, large()))
	t.Logf("20 metrics, 60 looks: %d kB", size/1000)
	if size > 500_000 {
		t.Errorf("page of 20 metrics and 60 looks has %d bytes, at most 500,000", size)
	}
}

var (
	policyMeta = regexp.MustCompile(`<meta http-equiv="Content-Security-Policy" content="([^"]*)">`)
	styleSheet = regexp.MustCompile(`(?s)<style>(.*?)</style>`)
	anyTag     = regexp.MustCompile(`<(/?)([a-zA-Z][a-zA-Z0-9]*)((?:\s+[a-zA-Z][a-zA-Z0-9:-]*(?:="[^"]*")?)*)\s*(/?)>`)
	anyAttr    = regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9:-]*)(?:="([^"]*)")?`)
)

// documents are all the pages, by name.
func documents(t *testing.T) map[string][]byte {
	t.Helper()
	out := map[string][]byte{"index": index(t), "looks": lists(t, Site{}, harmful())["looks"]}
	for _, s := range append(stories(), large()) {
		out[s.name] = latest(t, s)
	}
	return out
}

func TestPolicyAllowsExactlyTheStyleSheet(t *testing.T) {
	for name, doc := range documents(t) {
		sheets := styleSheet.FindAllSubmatch(doc, -1)
		if len(sheets) != 1 {
			t.Fatalf("%s: %d style sheets, want 1", name, len(sheets))
		}
		sum := sha256.Sum256(sheets[0][1])
		want := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; img-src data:"
		found := policyMeta.FindSubmatch(doc)
		if found == nil || html.UnescapeString(string(found[1])) != want {
			t.Errorf("%s: policy %q, want %q", name, found, want)
		}
		if bytes.Index(doc, []byte("<style>")) < bytes.Index(doc, []byte("Content-Security-Policy")) {
			t.Errorf("%s: the style comes before the policy", name)
		}
	}
}

// element is one start tag with its attributes.
type element struct {
	name  string
	attrs map[string]string
}

var voids = []string{"meta", "br", "hr", "img", "link", "input"}

// parse checks that tags nest and returns the elements; it fails on markup
// that is not one of ours.
func parse(t *testing.T, name string, doc []byte) []element {
	t.Helper()
	body := styleSheet.ReplaceAllString(string(doc), "<style></style>")
	body = strings.TrimPrefix(body, "<!DOCTYPE html>\n")
	var open []string
	var out []element
	for _, m := range anyTag.FindAllStringSubmatch(body, -1) {
		tag := m[2]
		if m[1] == "/" {
			if len(open) == 0 || open[len(open)-1] != tag {
				t.Fatalf("%s: </%s> closes %v", name, tag, open)
			}
			open = open[:len(open)-1]
			continue
		}
		e := element{tag, map[string]string{}}
		for _, a := range anyAttr.FindAllStringSubmatch(m[3], -1) {
			if _, twice := e.attrs[a[1]]; twice {
				t.Errorf("%s: <%s> has %s twice", name, tag, a[1])
			}
			e.attrs[a[1]] = html.UnescapeString(a[2])
		}
		out = append(out, e)
		if m[4] == "" && !slices.Contains(voids, tag) {
			open = append(open, tag)
		}
	}
	if len(open) != 0 {
		t.Errorf("%s: %v never closed", name, open)
	}
	if rest := anyTag.ReplaceAllString(body, ""); strings.ContainsAny(rest, "<>") {
		at := strings.IndexAny(rest, "<>")
		t.Errorf("%s: stray markup near %q", name, rest[max(0, at-40):min(len(rest), at+40)])
	}
	return out
}

func TestMarkupIsWellFormedAndWithoutScripts(t *testing.T) {
	for name, doc := range documents(t) {
		for _, e := range parse(t, name, doc) {
			if slices.Contains([]string{"script", "iframe", "object", "embed", "link", "img", "form", "base"}, e.name) {
				t.Errorf("%s: has <%s>", name, e.name)
			}
			for attr := range e.attrs {
				if attr == "style" || strings.HasPrefix(attr, "on") || attr == "src" {
					t.Errorf("%s: <%s> has the attribute %s", name, e.name, attr)
				}
			}
		}
	}
}

func TestReferencesResolve(t *testing.T) {
	for _, site := range []Site{{}, {Assets: Separate}} {
		dir := t.TempDir()
		files := writeSite(t, dir, site)
		for _, file := range files {
			doc, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				t.Fatal(err)
			}
			checkReferences(t, file, filepath.Join(dir, filepath.Dir(file)), parse(t, file, doc))
		}
	}
}

func checkReferences(t *testing.T, file, folder string, elements []element) {
	t.Helper()
	ids := map[string]bool{}
	for _, e := range elements {
		if id := e.attrs["id"]; id != "" {
			if ids[id] {
				t.Errorf("%s: id %q twice", file, id)
			}
			ids[id] = true
		}
	}
	for _, e := range elements {
		for _, attr := range []string{"aria-labelledby", "aria-describedby"} {
			for _, id := range strings.Fields(e.attrs[attr]) {
				if !ids[id] {
					t.Errorf("%s: <%s> refers to no id %q", file, e.name, id)
				}
			}
		}
		href, linked := e.attrs["href"]
		if !linked {
			continue
		}
		if fragment, inside := strings.CutPrefix(href, "#"); inside {
			if !ids[fragment] {
				t.Errorf("%s: link to no id %q", file, fragment)
			}
			continue
		}
		if _, err := os.Stat(filepath.Join(folder, href)); err != nil {
			t.Errorf("%s: link to %s: %v", file, href, err)
		}
	}
}

func TestPagesAreAccessible(t *testing.T) {
	for name, doc := range documents(t) {
		count := map[string]int{}
		for _, e := range parse(t, name, doc) {
			count[e.name]++
			switch e.name {
			case "html":
				if e.attrs["lang"] != "en" {
					t.Errorf("%s: no lang", name)
				}
			case "svg":
				count["pictures"]++
				if e.attrs["role"] != "img" || e.attrs["aria-labelledby"] == "" {
					t.Errorf("%s: svg without role or label", name)
				}
			case "th":
				if e.attrs["scope"] == "" {
					t.Errorf("%s: th without scope", name)
				}
			}
		}
		for _, landmark := range []string{"h1", "main", "header", "footer"} {
			if count[landmark] != 1 {
				t.Errorf("%s: %d <%s>, want 1", name, count[landmark], landmark)
			}
		}
		if count["table"] != count["caption"] {
			t.Errorf("%s: %d tables, %d captions", name, count["table"], count["caption"])
		}
		if count["desc"] != count["pictures"] || count["title"] != count["pictures"]+1 {
			t.Errorf("%s: %d pictures, %d titles, %d descriptions", name, count["pictures"], count["title"]-1, count["desc"])
		}
	}
}

func TestHostileTextIsNeverMarkup(t *testing.T) {
	s := hostile()
	var text, explained bytes.Buffer
	if err := Text(&text, s.look, TextOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := Explain(&explained, Explained{Look: s.look, History: s.history, Since: s.since}, TextOptions{}); err != nil {
		t.Fatal(err)
	}
	doc := latest(t, s)
	for name, out := range map[string][]byte{"page": doc, "text": text.Bytes(), "explain": explained.Bytes(), "line": []byte(Line(s.look, 0))} {
		for _, bad := range []string{"\x00", "\x1b", "\u202e"} {
			if bytes.Contains(out, []byte(bad)) {
				t.Errorf("%s: %q gets through", name, bad)
			}
		}
	}
	known := map[string]bool{}
	for _, other := range []story{harmful(), blind(), skewed(), safety()} {
		for _, e := range parse(t, other.name, latest(t, other)) {
			known[e.name] = true
		}
	}
	for _, e := range parse(t, s.name, doc) {
		if !known[e.name] {
			t.Errorf("page: <%s> gets through", e.name)
		}
	}
	if !strings.Contains(html.UnescapeString(string(doc)), "<script>alert(1)</script>") {
		t.Error("the text is not shown as it is")
	}
}

func TestIndexPutsFirstWhatNeedsAPerson(t *testing.T) {
	var got []string
	for _, group := range (Site{}).newIndex(entries()).Groups {
		got = append(got, "= "+group.Title)
		for _, row := range group.Rows {
			got = append(got, row.Name)
		}
	}
	want := []string{
		"= Needs a person", "broken", "large", "safety-filter", "summary-tone", "greeting", "onboarding-split", "search-rerank", "answer-v2",
		"= Needs nobody now", "not-yet", "answer-v1", "short-titles",
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestEndedExperimentsNeedNobody(t *testing.T) {
	look := base("done", 3, 10)
	look.Decision = decide.Decision{Verdict: decide.Hold, Reasons: []decide.Reason{{Rule: 0, Verdict: decide.Hold}}}
	if got := (&Entry{Look: look}).need(); got != needEnded {
		t.Errorf("need %v, want ended", needWords[got])
	}
}

func TestIndexLinksStayInside(t *testing.T) {
	for _, link := range []string{"https://example.com/", "//example.com/x", "javascript:alert(1)", "%zz"} {
		e := Entry{Name: "a b", Link: link}
		if got := e.link(); got != "./a%20b/report.html" {
			t.Errorf("link %q became %q", link, got)
		}
	}
	if got := (&Entry{Name: "a", Link: "x/report.html"}).link(); got != "x/report.html" {
		t.Errorf("link became %q", got)
	}
}

var palette = regexp.MustCompile(`--([a-z0-9-]+):(#[0-9a-f]{6})`)

// colours reads the custom properties of a theme.
func colours(css string) map[string]string {
	out := map[string]string{}
	for _, m := range palette.FindAllStringSubmatch(css, -1) {
		out[m[1]] = m[2]
	}
	return out
}

func TestContrast(t *testing.T) {
	light, dark, found := strings.Cut(style, "@media screen and (prefers-color-scheme:dark)")
	if !found {
		t.Fatal("no dark theme")
	}
	dark, _, _ = strings.Cut(dark, "\n")
	text := [][2]string{
		{"ink", "bg"},
		{"ink", "card"},
		{"ink", "soft"},
		{"quiet", "bg"},
		{"quiet", "card"},
		{"quiet", "soft"},
		{"quiet", "info-soft"},
		{"link", "bg"},
		{"link", "card"},
		{"bad", "bad-soft"},
		{"warn", "warn-soft"},
		{"good", "good-soft"},
		{"info", "info-soft"},
		{"mute", "mute-soft"},
		{"bad", "card"},
		{"warn", "card"},
		{"good", "card"},
		{"info", "card"},
		{"ink", "warn-soft"},
		{"ink", "bad-soft"},
		{"ink", "good-soft"},
		{"ink", "info-soft"},
		{"warn", "bg"},
		{"alarm-ink", "alarm"},
		{"on-arm", "arm0"},
		{"on-arm", "arm1"},
		{"on-arm", "arm2"},
		{"on-arm", "arm3"},
		{"on-arm", "arm4"},
		{"on-arm", "arm5"},
		{"on-uncovered", "uncovered"},
	}
	for theme, css := range map[string]string{"light": light, "dark": dark} {
		c := colours(css)
		for _, pair := range text {
			if got := contrast(t, c[pair[0]], c[pair[1]]); got < 4.5 {
				t.Errorf("%s: %s on %s has contrast %.2f, at least 4.5", theme, pair[0], pair[1], got)
			}
		}
	}
}

func TestEveryIconHasItsWord(t *testing.T) {
	icon := regexp.MustCompile(`<span class="badge[^"]*"><span class="icon" aria-hidden="true">[^<]+</span> ([^<]*)</span>`)
	for name, doc := range documents(t) {
		for _, m := range icon.FindAllSubmatch(doc, -1) {
			if cmp.Or(strings.TrimSpace(string(m[1])), "") == "" {
				t.Errorf("%s: %s has no word", name, m[0])
			}
		}
	}
}
