package job

import (
	"encoding/json"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/decide"
	"assay/ledger"
	"assay/report"
)

var anyHref = regexp.MustCompile(`href="([^"]*)"`)

// deadLinks are the links of all pages below dir that lead nowhere.
func deadLinks(t *testing.T, dir string) []string {
	t.Helper()
	var dead []string
	links := 0
	for path, text := range pages(t, dir) {
		for _, m := range anyHref.FindAllStringSubmatch(text, -1) {
			href := html.UnescapeString(m[1])
			if strings.HasPrefix(href, "#") {
				continue
			}
			links++
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), href)); err != nil {
				dead = append(dead, strings.TrimPrefix(path, dir)+": "+href)
			}
		}
	}
	if links == 0 {
		t.Error("no page has a link")
	}
	return dead
}

// TestLinksStayValid: whatever is published when, pruned and published again, no
// link of any page leads nowhere, and a page that was pruned says so.
func TestLinksStayValid(t *testing.T) {
	for _, assets := range []report.Assets{report.Inline, report.Separate} {
		l, looks := longLedger(t, 100)
		dir := t.TempDir()
		f := Folder{Path: dir, Site: report.Site{Assets: assets}, Cadence: map[string]time.Duration{"tone": time.Hour, "new": time.Hour}}
		publish := func(keep int, looks ...*ledger.Look) {
			t.Helper()
			f.Keep = keep
			if err := Publish(l, f, looks, "tone"); err != nil {
				t.Fatal(err)
			}
			if dead := deadLinks(t, dir); len(dead) > 0 {
				t.Errorf("keep %d: %d dead links, first %s", keep, len(dead), dead[0])
			}
		}
		first, last := filepath.Join(dir, LookPath(looks[0])), filepath.Join(dir, LookPath(looks[99]))
		publish(0)
		whole := pages(t, dir)
		publish(30)
		pruned := pages(t, dir)
		if !strings.Contains(pruned[first], "is not kept") || !strings.Contains(pruned[first], "assay explain tone --as-of 2026-11-01T01:00:00Z") || len(pruned[first]) > 2000 {
			t.Errorf("the first page, of %d bytes:\n%s", len(pruned[first]), pruned[first])
		}
		if pruned[last] != whole[last] {
			t.Error("the last page changed")
		}
		data := 0
		for path := range pruned {
			if strings.Contains(path, "looks") && strings.HasSuffix(path, ".json") {
				data++
			}
		}
		if data != 30 {
			t.Errorf("%d looks have data, want 30", data)
		}
		if list := pruned[filepath.Join(dir, "tone", "looks", "index.html")]; strings.Count(list, "<small>not kept</small>") != 114-30 {
			t.Errorf("%d looks are listed as pruned, want 84", strings.Count(list, "<small>not kept</small>"))
		}
		publish(30)
		if again := pages(t, dir); !mapsEqual(again, pruned) {
			t.Error("publishing again changes pages")
		}
		// A page that is asked for and not kept stays pruned.
		publish(30, looks[0])
		if pages(t, dir)[first] != pruned[first] {
			t.Error("a page that is not kept is back")
		}
		// Kept again, assay report brings it back as it was.
		f.Keep = 0
		for _, look := range looks {
			if err := PublishLook(l, f, look); err != nil {
				t.Fatal(err)
			}
		}
		publish(0)
		if back := pages(t, dir); back[first] != whole[first] || back[last] != whole[last] {
			t.Error("a page did not come back as it was")
		}
	}
}

func mapsEqual(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for key, value := range a {
		if b[key] != value {
			return false
		}
	}
	return true
}

// TestFreshFolder: of more looks than a run writes the older ones have a page that
// says so, which costs no reading.
func TestFreshFolder(t *testing.T) {
	l, looks := longLedger(t, mostMissed+40)
	dir := t.TempDir()
	if err := Publish(l, Folder{Path: dir}, nil); err != nil {
		t.Fatal(err)
	}
	if dead := deadLinks(t, dir); len(dead) > 0 {
		t.Errorf("%d dead links, first %s", len(dead), dead[0])
	}
	all := pages(t, dir)
	if text := all[filepath.Join(dir, LookPath(looks[0]))]; !strings.Contains(text, "is not kept") {
		t.Error("the first look has a page, or none at all")
	}
	if text := all[filepath.Join(dir, LookPath(looks[len(looks)-1]))]; strings.Contains(text, "is not kept") {
		t.Error("the last look has no page")
	}
}

// TestDue: when the next look is due, by the spec's cadence and the ledger's clock.
func TestDue(t *testing.T) {
	const hour = time.Hour
	for name, c := range map[string]struct {
		cadence map[string]time.Duration
		edit    func(*report.Entry)
		last    float64 // hours after the start at which the ledger's last record was written
		next    float64 // 0 = none
		overdue bool
		gone    bool
	}{
		"next":             {map[string]time.Duration{"tone": hour}, nil, 5.1, 6, false, false},
		"one was missed":   {map[string]time.Duration{"tone": hour}, nil, 6.9, 6, false, false},
		"two were missed":  {map[string]time.Duration{"tone": hour}, nil, 7, 6, true, false},
		"gone":             {map[string]time.Duration{}, nil, 99, 0, false, true},
		"no spec":          {nil, nil, 99, 0, false, false},
		"ended, going on":  {map[string]time.Duration{"tone": hour}, func(e *report.Entry) { e.Look.Standing.Ended = &decide.Terminal{} }, 5.1, 6, false, false},
		"over":             {map[string]time.Duration{"tone": hour}, overAt, 99, 0, false, false},
		"over, owes":       {map[string]time.Duration{"tone": hour}, func(e *report.Entry) { overAt(e); e.Delivery = report.Pending }, 99, 6, true, false},
		"over, it arrived": {map[string]time.Duration{"tone": hour}, func(e *report.Entry) { overAt(e); e.Delivery = report.Verified }, 99, 0, false, false},
	} {
		l := openLedger(t)
		look := looked(5, 5.1, numbered(5)).body.(ledger.Look)
		look.Spec.End = hours(9)
		put(t, l, hours(c.last), look)
		e := report.Entry{Name: "tone", Look: &look}
		if c.edit != nil {
			c.edit(&e)
		}
		publisher{l, Folder{Cadence: c.cadence}, nil}.due(&e)
		var next time.Time
		if c.next > 0 {
			next = hours(c.next)
		}
		if !e.Next.Equal(next) || e.Overdue != c.overdue || e.Gone != c.gone {
			t.Errorf("%s: next %s, overdue %v, gone %v", name, e.Next, e.Overdue, e.Gone)
		}
	}
}

// overAt ends an experiment whose monitoring is over.
func overAt(e *report.Entry) {
	e.Look.Standing.Ended, e.Look.Spec.End = &decide.Terminal{}, e.Look.AsOf
}

// TestChanges: the feed has a look for every change of the verdict, the newest
// first, and backfills change nothing.
func TestChanges(t *testing.T) {
	l := openLedger(t)
	verdicts := []decide.Verdict{"continue", "continue", "ramp", "continue", "hold", "hold"}
	for i, verdict := range verdicts {
		r := looked(float64(i+1), float64(i)+1.1, numbered(i+1))
		look := r.body.(ledger.Look)
		look.Decision = decide.Decision{Verdict: verdict, Summary: "s", Reasons: []decide.Reason{{Rule: 9}}}
		put(t, l, r.at, look)
		old := looked(float64(i), float64(i)+1.2, backfilled, numbered(1000)).body.(ledger.Look)
		old.Decision.Verdict = "rollback"
		put(t, l, r.at, old)
	}
	got, err := changes(l, "tone")
	if err != nil {
		t.Fatal(err)
	}
	var numbers []int
	for _, c := range got {
		numbers = append(numbers, c.Body.Number)
	}
	if want := []int{5, 4, 3, 1}; !slices.Equal(numbers, want) {
		t.Errorf("looks %v, want %v", numbers, want)
	}
	dir := t.TempDir()
	if err := Publish(l, Folder{Path: dir, Site: report.Site{URL: "https://reports.example/assay"}}, nil); err != nil {
		t.Fatal(err)
	}
	var feed struct {
		Items []struct{ ID, URL string }
	}
	if err := json.Unmarshal([]byte(pages(t, dir)[filepath.Join(dir, "feed.json")]), &feed); err != nil {
		t.Fatal(err)
	}
	if len(feed.Items) != 4 {
		t.Errorf("%d items", len(feed.Items))
	}
	for _, item := range feed.Items {
		path, inside := strings.CutPrefix(item.URL, "https://reports.example/assay/")
		if _, err := os.Stat(filepath.Join(dir, path)); err != nil || !inside {
			t.Errorf("item %s leads to %s: %v", item.ID, item.URL, err)
		}
	}
}
