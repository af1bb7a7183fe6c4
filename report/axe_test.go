package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// axeVersion is the axe-core that CI installs.
const axeVersion = "4.14.1"

// axe finds axe-core where ASSAY_AXE or the cache of CI has it. Without it the
// test is skipped, and fails where ASSAY_REQUIRE_AXE=1 says that there must be one.
func axe(t *testing.T) []byte {
	t.Helper()
	path := os.Getenv("ASSAY_AXE")
	if cache, err := os.UserCacheDir(); path == "" && err == nil {
		path = filepath.Join(cache, "assay-axe", "node_modules", "axe-core", "axe.min.js")
	}
	script, err := os.ReadFile(path)
	switch {
	case err == nil && !strings.Contains(string(script[:min(len(script), 200)]), "axe v"+axeVersion):
		t.Fatalf("%s is not axe-core %s", path, axeVersion)
	case err == nil:
		return script
	case os.Getenv("ASSAY_REQUIRE_AXE") == "1":
		t.Fatalf("ASSAY_REQUIRE_AXE=1 and no axe-core was found: %v", err)
	}
	t.Skip("NOT CHECKED: the rules of axe-core (ASSAY_AXE names its axe.min.js; ASSAY_REQUIRE_AXE=1 makes this a failure)")
	return nil
}

// judge opens copies of the pages one after the other, with every details element
// open, and asks axe-core for all that it can say of each: at the width of a laptop
// all rules, on a phone all but contrast, in the dark that of contrast, as nothing else
// depends on the scheme and no colour on the width. Rows, items, articles and lines of
// pictures whose markup is that of one before them, texts and numbers apart, are left
// out: no rule could say another thing of them.
const judge = `<!DOCTYPE html><html><head><meta name="color-scheme" content="light dark"></head><body><script>
const pages = %s, found = [], dark = matchMedia("(prefers-color-scheme: dark)").matches;
const contrast = ["color-contrast"];
const views = dark ? [[1280, {runOnly: contrast}]] : [[1280, {}], [390, {rules: {"color-contrast": {enabled: false}}}]];
const jobs = pages.flatMap(page => views.map(([width, options]) => ({page, width, options})));
const shape = e => e.parentElement.tagName + e.parentElement.className.toString() + e.outerHTML.replace(/>[^<]+</g, "><")
  .replace(/ (?:id|href|aria-[a-z]+|d|points|x|y|x1|x2|y1|y2|cx|cy|r|width|height|viewBox)="[^"]*"/g, "");
const once = d => {
  const seen = new Set();
  for (const e of d.querySelectorAll("tbody > tr, li, article, dl > div, svg line, svg path, svg polyline, svg polygon")) {
    if (!e.isConnected) continue;
    const s = shape(e);
    seen.has(s) ? e.remove() : seen.add(s);
  }
};
const next = () => {
  const job = jobs.shift();
  if (!job) { document.body.textContent = "MEASURED" + JSON.stringify(found) + "END"; return; }
  const f = document.createElement("iframe");
  f.style.cssText = "border:0;height:800px;width:" + job.width + "px";
  f.src = job.page + ".axe.html";
  f.onload = async () => {
    const d = f.contentDocument, w = f.contentWindow;
    for (const e of d.querySelectorAll("details")) e.open = true;
    once(d);
    const r = await w.axe.run(d, {resultTypes: ["violations"], ...job.options});
    found.push({page: job.page, width: job.width, dark: w.matchMedia("(prefers-color-scheme: dark)").matches, passes: r.passes.length, violations: r.violations.map(v =>
      v.id + " (" + v.nodes.length + "): " + v.nodes[0].target + " " + v.nodes[0].html.slice(0, 160) + " " + v.nodes[0].failureSummary)});
    f.remove(); next();
  };
  document.body.append(f);
};
next();
</script>`

var policyTag = regexp.MustCompile(`<meta http-equiv="Content-Security-Policy"[^>]*>`)

// judged is what axe-core says of a page at one width.
type judged struct {
	Page       string
	Width      int
	Dark       bool
	Passes     int // rules that apply and are kept
	Violations []string
}

// kinds are all pages, with those kinds that are no document of their own story: the
// page of one look, lists without a row, and what stands for a page that is not kept.
func kinds(t *testing.T) map[string][]byte {
	t.Helper()
	if docs := written(t); docs != nil {
		return docs
	}
	docs := documents(t)
	docs["look"] = page(t, harmful())
	docs["pruned"] = lists(t, Site{}, harmful())["pruned"]
	var none, unlooked bytes.Buffer
	if err := errors.Join(Index(&none, nil), Site{}.Looks(&unlooked, "tone", nil, nil)); err != nil {
		t.Fatal(err)
	}
	docs["no-experiment"], docs["no-look"] = none.Bytes(), unlooked.Bytes()
	return docs
}

// written are the pages of a report that was written before, of the demo say, which
// ASSAY_PAGES names: they take the place of all kinds; nil = none is named.
func written(t *testing.T) map[string][]byte {
	t.Helper()
	root := os.Getenv("ASSAY_PAGES")
	if root == "" {
		return nil
	}
	docs := map[string][]byte{}
	if err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".html" {
			return err
		}
		name, err := filepath.Rel(root, strings.TrimSuffix(path, ".html"))
		if err != nil {
			return err
		}
		docs[strings.ReplaceAll(name, string(filepath.Separator), "-")], err = os.ReadFile(path)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if len(docs) == 0 {
		t.Fatalf("ASSAY_PAGES=%s has no page", root)
	}
	t.Logf("%d pages of %s", len(docs), root)
	return docs
}

// Every page keeps every rule of axe-core, on a page and on a phone, that of
// contrast in both colour schemes. The copies that are judged lack the policy, which allows no script.
func TestPagesKeepTheRulesOfAxe(t *testing.T) {
	chromium, script := browser(t), axe(t)
	dir := t.TempDir()
	docs := kinds(t)
	names := slices.Sorted(maps.Keys(docs))
	if err := os.WriteFile(filepath.Join(dir, "axe.js"), script, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if !policyTag.Match(docs[name]) {
			t.Fatalf("%s: no policy", name)
		}
		copied := policyTag.ReplaceAllString(string(docs[name]), `<script src="axe.js"></script>`)
		if err := os.WriteFile(filepath.Join(dir, name+".axe.html"), []byte(copied), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for word, scheme := range map[string]int{"light": light, "dark": dark} {
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			names := slices.Clone(names)
			if scheme == dark { // It has no colours of its own, and axe-core takes those of a browser for black on white.
				names = slices.DeleteFunc(names, func(name string) bool { return name == "pruned" })
			}
			var pages []judged
			for few := range slices.Chunk(names, 9) { // A browser that takes minutes is stopped.
				var some []judged
				asked(t, asking{chromium, dir, judge, scheme}, few, &some)
				pages = append(pages, some...)
			}
			widths := map[int]int{light: 2, dark: 1}[scheme]
			if len(pages) != widths*len(names) {
				t.Errorf("%d judged, want %d widths of %d pages", len(pages), widths, len(names))
			}
			for _, p := range pages {
				least := map[int]int{light: 12, dark: 1}[scheme]
				if p.Dark != (scheme == dark) || p.Passes < least {
					t.Errorf("%s at %d: %d rules apply, dark: %v", p.Page, p.Width, p.Passes, p.Dark)
				}
				for _, v := range p.Violations {
					t.Errorf("%s at %d: %s", p.Page, p.Width, v)
				}
			}
		})
	}
}

// asking is a script that a browser runs over pages of a folder.
type asking struct {
	chromium, dir, script string
	scheme                int
}

// asked runs the script and reads the JSON that it leaves behind.
func asked(t *testing.T, a asking, pages []string, answer any) {
	t.Helper()
	list, err := json.Marshal(pages)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(a.dir, fmt.Sprintf("ask-%d-%s.html", a.scheme, pages[0]))
	if err := os.WriteFile(file, fmt.Appendf(nil, a.script, list), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ := browse(t, a.chromium, "--allow-file-access-from-files", "--virtual-time-budget=600000",
		fmt.Sprintf("--blink-settings=preferredColorScheme=%d", a.scheme), "--dump-dom", fileURL(file))
	found := measured.FindStringSubmatch(out)
	if found == nil {
		t.Fatalf("nothing was measured: %s", shorten(out, 500))
	}
	if err := json.Unmarshal([]byte(found[1]), answer); err != nil {
		t.Fatalf("%v in %s", err, shorten(found[1], 500))
	}
}
