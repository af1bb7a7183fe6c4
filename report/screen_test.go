package report

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// screens measures, at the size of a laptop and of a phone, where the parts of
// the verdict end, which texts of pictures do not stand out from what is behind
// them, and which headings skip a level.
const screens = `<!DOCTYPE html><body><script>
const pages = %s, sizes = [[1280, 800], [390, 844]], found = [];
const jobs = pages.flatMap(page => sizes.map(([width, height]) => ({page, width, height})));
const light = c => c.slice(0, 3).map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const colour = text => { const c = text.match(/[\d.]+/g).map(Number); return c.length < 4 ? [...c, 1] : c; };
const faint = (d, w) => [...d.querySelectorAll("svg text:not(.t-on)")].filter(e => {
  let under = e, back = [255, 255, 255, 1];
  while (under && (back = colour(w.getComputedStyle(under).backgroundColor))[3] < 1) under = under.parentElement;
  const [a, b] = [light(colour(w.getComputedStyle(e).fill)), light(under ? back : [255, 255, 255])];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5;
}).map(e => e.textContent);
const next = () => {
  const job = jobs.shift();
  if (!job) { document.body.textContent = "MEASURED" + JSON.stringify(found) + "END"; return; }
  const f = document.createElement("iframe");
  f.style.cssText = "border:0;height:" + job.height + "px;width:" + job.width + "px";
  f.src = job.page + ".html";
  f.onload = () => {
    const d = f.contentDocument, ends = {};
    for (const part of ["decision", "told", "change"]) {
      const e = d.querySelector(".banner ." + part);
      if (e) ends[part] = Math.round(e.getBoundingClientRect().bottom);
    }
    const levels = [...d.querySelectorAll("h1,h2,h3,h4,h5,h6")].map(h => +h.tagName[1]);
    found.push({...job, ends, faint: faint(d, f.contentWindow), skips: levels.filter((l, i) => l > (levels[i - 1] ?? 0) + 1).length});
    f.remove(); next();
  };
  document.body.append(f);
};
next();
</script>`

// The verdict, its sentence, what the store was told and what would change it
// are on the first screen of a laptop and of a phone; all text of pictures stands
// out in both colour schemes; headings skip no level.
func TestFirstScreen(t *testing.T) {
	chromium := browser(t)
	dir := t.TempDir()
	docs := documents(t)
	names := slices.Sorted(maps.Keys(docs))
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name+".html"), docs[name], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for word, scheme := range map[string]int{"light": light, "dark": dark} {
		t.Run(word, func(t *testing.T) {
			var seen []struct {
				Page                 string
				Width, Height, Skips int
				Ends                 map[string]int
				Faint                []string
			}
			asked(t, asking{chromium, dir, screens, scheme}, names, &seen)
			if len(seen) != 2*len(names) {
				t.Errorf("%d seen, want two sizes of %d pages", len(seen), len(names))
			}
			for _, s := range seen {
				if len(s.Faint) > 0 || s.Skips > 0 {
					t.Errorf("%s at %d: texts that do not stand out: %q; %d headings skip a level", s.Page, s.Width, s.Faint, s.Skips)
				}
				if s.Page == "index" || s.Page == "looks" || s.Page == "hostile" { // Lists have no verdict, the last ten kilobytes of it.
					continue
				}
				if s.Ends["decision"] == 0 || s.Ends["told"] == 0 {
					t.Errorf("%s at %d: parts of the verdict are missing: %v", s.Page, s.Width, s.Ends)
				}
				for part, end := range s.Ends {
					if end > s.Height {
						t.Errorf("%s at %d x %d: %s ends at %d", s.Page, s.Width, s.Height, part, end)
					}
				}
			}
		})
	}
}
