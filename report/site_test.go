package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"assay/decide"
	"assay/ledger"
)

// writeSite writes a whole folder of the stories whose names can be folders, and
// returns its pages.
func writeSite(t *testing.T, dir string, site Site) []string {
	t.Helper()
	var files []string
	write := func(file string, render func(io.Writer) error) {
		t.Helper()
		var b bytes.Buffer
		if err := render(&b); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, ".html") {
			files = append(files, file)
		}
	}
	write("index.html", func(w io.Writer) error { return site.Index(w, entries()) })
	write("feed.json", func(w io.Writer) error { return site.Feed(w, feedEntries()) })
	if site.Assets == Separate {
		file, content := StyleSheet()
		write(file, func(w io.Writer) error { _, err := io.WriteString(w, content); return err })
	}
	big := large()
	big.look.Metrics = big.look.Metrics[:2] // Its size is another test's.
	for _, s := range append(stories(), big, story{look: base("broken", 2, 50)}) {
		name := s.look.Experiment
		if name == "" || strings.ContainsAny(name, "/<") {
			continue
		}
		write(name+"/report.html", func(w io.Writer) error { return site.Latest(w, s.look, s.history, s.since) })
		history := complete(s.look, s.history)
		for i := range history {
			h := &history[i]
			write(name+"/looks/"+LookFile(h), func(w io.Writer) error {
				if i < len(history)-2 {
					return site.Pruned(w, name, glances(history)[i])
				}
				return site.Page(w, h, history[:i+1], Since{})
			})
		}
		write(name+"/looks/index.html", func(w io.Writer) error {
			return site.Looks(w, name, glances(history), func(g ledger.Glance) bool { return int(g.Seq) > len(history)-2 })
		})
	}
	return files
}

func glances(history []ledger.Look) []ledger.Glance {
	var out []ledger.Glance
	for i := range history {
		h := &history[i]
		out = append(out, ledger.Glance{
			Seq: int64(i + 1), At: h.AsOf.Add(2 * time.Minute), ID: h.ID, AsOf: h.AsOf, Version: h.Version, Number: h.Number,
			Backfill: h.Backfill, Failed: h.Failed != "", Verdict: h.Decision.Verdict, Proposal: h.Decision.Proposal, Ended: ended(&h.Decision),
		})
	}
	return out
}

// feedEntries are the entries of the index with what the feed has of each.
func feedEntries() []Entry {
	out := entries()
	for i := range out {
		e := &out[i]
		if e.Look != nil {
			e.Changes = []*ledger.Entry[ledger.Look]{{Seq: int64(i + 1), At: e.Look.AsOf.Add(2 * time.Minute), Body: *e.Look}}
			e.Next, e.Overdue = e.Look.AsOf.AddDate(0, 0, 1), i == 1
		}
	}
	return out
}

// lists are the pages that are no look's.
func lists(t *testing.T, site Site, s story) map[string][]byte {
	t.Helper()
	var looks, pruned bytes.Buffer
	history := glances(complete(s.look, s.history))
	if err := site.Looks(&looks, s.look.Experiment, history, func(g ledger.Glance) bool { return g.Seq != 1 }); err != nil {
		t.Fatal(err)
	}
	if err := site.Pruned(&pruned, s.look.Experiment, history[0]); err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{"looks": looks.Bytes(), "pruned": pruned.Bytes()}
}

func TestGoldenLists(t *testing.T) {
	for name, doc := range lists(t, Site{}, harmful()) {
		golden(t, name+".html", doc)
	}
	golden(t, "feed.json", feedOf(t, Site{URL: "https://reports.example/assay/"}, feedEntries()))
}

// TestListsAreHarmless: what is in the lists is text, whatever the ledger says.
func TestListsAreHarmless(t *testing.T) {
	s := hostile()
	for _, site := range []Site{{}, {Assets: Separate}} {
		for name, doc := range lists(t, site, s) {
			for _, e := range parse(t, name, doc) {
				if slices.Contains([]string{"script", "img", "iframe", "b"}, e.name) {
					t.Errorf("%s: <%s> gets through", name, e.name)
				}
				if href := e.attrs["href"]; strings.Contains(href, ":") || strings.Contains(href, "//") {
					t.Errorf("%s: link to %s", name, href)
				}
			}
			if bytes.ContainsAny(doc, "\x00\x1b\u202e") {
				t.Errorf("%s: a control character gets through", name)
			}
			if again := lists(t, site, s)[name]; !bytes.Equal(again, doc) {
				t.Errorf("%s: two renderings differ", name)
			}
		}
	}
	many := make([]ledger.Glance, looksListed+5)
	for i := range many {
		many[i] = ledger.Glance{ID: fmt.Sprint(i), Number: i + 1, Version: 1, AsOf: dayOf(i), Verdict: decide.Continue}
	}
	var b bytes.Buffer
	if err := (Site{}).Looks(&b, "x", many, func(ledger.Glance) bool { return true }); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "5 earlier looks are not listed") || strings.Contains(b.String(), "not kept") || b.Len() > 1_000_000 {
		t.Errorf("%d bytes for %d looks", b.Len(), len(many))
	}
}

func feedOf(t *testing.T, site Site, entries []Entry) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := site.Feed(&b, entries); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// feedSchema is what JSON Feed 1.1 demands, and docs/report.md of what is below
// _assay.
func feedSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	text, err := os.ReadFile("testdata/feed.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err == nil {
		err = c.AddResource("feed.json", doc)
	}
	if err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("feed.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// TestFeed: it is a JSON Feed, comes out alike, has nothing that steers a reader,
// and is bounded.
func TestFeed(t *testing.T) {
	schema := feedSchema(t)
	evil := hostile().look
	var long []Entry
	for i := range 90 {
		look := base(fmt.Sprintf("x%02d", i), 1, 50)
		e := Entry{Look: look}
		for n := range 3 {
			e.Changes = append(e.Changes, &ledger.Entry[ledger.Look]{Seq: int64(3*i + n + 1), At: dayOf(n), Body: *look})
		}
		long = append(long, e)
	}
	for name, c := range map[string]struct {
		site    Site
		entries []Entry
		items   int
	}{
		"none":    {Site{}, nil, 0},
		"usual":   {Site{}, feedEntries(), 10},
		"address": {Site{URL: "https://reports.example/a b/"}, feedEntries(), 10},
		"hostile": {Site{URL: "https://reports.example/"}, []Entry{{Look: evil, Failure: "\x1b\u202e" + evil.Failed, Changes: []*ledger.Entry[ledger.Look]{{Seq: 1, At: start, Body: *evil}}}, {Name: "a\x00<b>"}}, 1},
		"long":    {Site{}, long, feedItems},
	} {
		got := feedOf(t, c.site, c.entries)
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(got))
		if err == nil {
			err = schema.Validate(value)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !bytes.Equal(got, feedOf(t, c.site, c.entries)) {
			t.Errorf("%s: two renderings differ", name)
		}
		for _, bad := range []string{"\u202e", `\u0000`, `\u001b`} {
			if bytes.Contains(got, []byte(bad)) {
				t.Errorf("%s: %q gets through", name, bad)
			}
		}
		var f struct{ Items []struct{ ID string } }
		if err := json.Unmarshal(got, &f); err != nil || len(f.Items) != c.items {
			t.Errorf("%s: %d items, want %d (%v)", name, len(f.Items), c.items, err)
		}
		ids := map[string]bool{}
		for _, item := range f.Items {
			if ids[item.ID] {
				t.Errorf("%s: two items have the id %s", name, item.ID)
			}
			ids[item.ID] = true
		}
	}
}

// TestEveryNeedHasItsKey: the feed has a word for machines and one for people for
// each.
func TestEveryNeedHasItsKey(t *testing.T) {
	seen := map[string]bool{}
	for n := needFailed; n <= needGone; n++ {
		if needWords[n] == "" || needKeys[n] == "" || seen[needKeys[n]] {
			t.Errorf("need %d: %q, %q", n, needWords[n], needKeys[n])
		}
		seen[needKeys[n]] = true
	}
}

// TestSeparateAssets: nothing of a page is styled but by the file, whose name is
// that of its content.
func TestSeparateAssets(t *testing.T) {
	file, content := StyleSheet()
	if !regexp.MustCompile(`^style-[0-9a-f]{16}\.css$`).MatchString(file) || content != style {
		t.Errorf("style sheet %s of %d bytes", file, len(content))
	}
	dir := t.TempDir()
	for _, page := range writeSite(t, dir, Site{Assets: Separate}) {
		doc, err := os.ReadFile(filepath.Join(dir, page))
		if err != nil {
			t.Fatal(err)
		}
		policy, sheets := policyMeta.FindSubmatch(doc), 0
		for _, e := range parse(t, page, doc) {
			if e.name == "style" || e.attrs["style"] != "" {
				t.Errorf("%s: <%s> has a style in it", page, e.name)
			}
			if e.name == "link" && e.attrs["rel"] == "stylesheet" {
				sheets++
			}
		}
		want, count := "default-src 'none'; style-src 'self'", 1
		if bytes.Contains(doc, []byte("is not kept</h2>")) {
			want, count = "default-src 'none'", 0
		}
		if policy == nil || html.UnescapeString(string(policy[1])) != want || sheets != count {
			t.Errorf("%s: policy %q, %d style sheets", page, policy, sheets)
		}
	}
}

// strictPolicies are what hosts send with the files that they show: Jenkins with
// build artifacts, GitLab and others without a sandbox.
var strictPolicies = []string{
	"default-src 'none'; style-src 'self'; img-src 'self'",
	"sandbox; default-src 'none'; img-src 'self'; style-src 'self';",
}

// TestSeparateAssetsUnderAStrictPolicy: a browser shows the pages styled and has
// nothing to complain of where the host forbids inline styles.
func TestSeparateAssetsUnderAStrictPolicy(t *testing.T) {
	chromium := browser(t)
	dir := t.TempDir()
	pages := writeSite(t, dir, Site{Assets: Separate})
	picked := slices.DeleteFunc(slices.Clone(pages), func(p string) bool {
		return !slices.Contains([]string{"index.html", "answer-v2/report.html", "answer-v2/looks/index.html"}, p) && !strings.Contains(p, "answer-v2-04")
	})
	if len(picked) != 4 {
		t.Fatalf("pages %q", picked)
	}
	for _, policy := range strictPolicies {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", policy)
			if r.URL.Path == "/favicon.ico" {
				w.WriteHeader(http.StatusNoContent)
				return
			}
			http.FileServer(http.Dir(dir)).ServeHTTP(w, r)
		}))
		for _, page := range picked {
			file := filepath.Join(t.TempDir(), "shot.png")
			_, stderr := browse(t, chromium, "--screenshot="+file, "--window-size=1280,800",
				"--blink-settings=preferredColorScheme=0", server.URL+"/"+page)
			silent(t, stderr)
			// The dark background comes from the style sheet alone.
			if bright, ink := corner(decode(t, file)); bright > 0.2 || !ink {
				t.Errorf("%s under %s: background %.2f, anything drawn: %v", page, policy, bright, ink)
			}
		}
		server.Close()
	}
}

// TestListSaysHowItEnded: looks after an end are called by what ended it, where a
// glance knows.
func TestListSaysHowItEnded(t *testing.T) {
	var looks []ledger.Glance
	for i, g := range []ledger.Glance{
		{Verdict: decide.Continue},
		{Verdict: decide.Hold, Ended: true},
		{Verdict: decide.Rollback, Proposal: true},
		{Verdict: decide.Hold, Ended: true},
		{Verdict: decide.Rollback},
		{Verdict: decide.Ship, Backfill: true},
		{Verdict: decide.Hold, Ended: true},
		{Verdict: decide.Ship},
		{Verdict: decide.Hold, Ended: true},
	} {
		g.ID, g.Number, g.Version, g.AsOf = fmt.Sprint(i), i+1, 1, dayOf(i)
		looks = append(looks, g)
	}
	var b bytes.Buffer
	if err := (Site{}).Looks(&b, "tone", looks, func(ledger.Glance) bool { return true }); err != nil {
		t.Fatal(err)
	}
	got := regexp.MustCompile(`</span>&nbsp;([^<]*)</span></td><td>`).FindAllStringSubmatch(b.String(), -1)
	want := []string{"Shipped", "Ship", "Rolled back", "Ship", "Roll back", "Ended", "Proposed: roll back", "Ended", "Keep going"}
	if len(got) != len(want) {
		t.Fatalf("%d looks, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i][1] != want[i] {
			t.Errorf("look %d: %q, want %q", len(want)-i, got[i][1], want[i])
		}
	}
}
