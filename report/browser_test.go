package report

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// browser finds a Chromium. Without one the test is skipped, and fails where
// ASSAY_REQUIRE_BROWSER=1 says that there must be one.
func browser(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("the browser tests take a minute: not run with -short")
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "/usr/bin/chromium"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("ASSAY_REQUIRE_BROWSER") == "1" {
		t.Fatal("ASSAY_REQUIRE_BROWSER=1 and no Chromium was found")
	}
	t.Skip("SKIPPED, PAGES NOT SEEN IN A BROWSER: no Chromium was found; ASSAY_REQUIRE_BROWSER=1 makes this a failure")
	return ""
}

// browse runs the browser once and returns what it wrote to its two streams.
func browse(t *testing.T, path string, args ...string) (stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	args = append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--hide-scrollbars", "--enable-logging=stderr", "--v=0",
		"--user-data-dir=" + t.TempDir(),
	}, args...)
	command := exec.CommandContext(ctx, path, args...)
	command.WaitDelay = 5 * time.Second
	var out, err bytes.Buffer
	command.Stdout, command.Stderr = &out, &err
	if failed := command.Run(); failed != nil {
		t.Fatalf("%v: %v\n%s", args, failed, err.String())
	}
	return out.String(), err.String()
}

// silent fails on anything the page wrote to the console, which is where a
// violated policy or a resource that is missing would show.
func silent(t *testing.T, stderr string) {
	t.Helper()
	for line := range strings.Lines(stderr) {
		if strings.Contains(line, "CONSOLE") || strings.Contains(line, "Content Security Policy") {
			t.Errorf("console: %s", strings.TrimSpace(line))
		}
	}
}

func fileURL(path string) string { return (&url.URL{Scheme: "file", Path: path}).String() }

// light and dark are what Chromium calls the preferred colour schemes.
const (
	dark  = 0
	light = 1
)

// shoot takes one picture of all the pages, each in a frame of that width and the
// height of a screen, one below the other: a browser is opened once for all of them.
func shoot(t *testing.T, chromium, dir string, names []string, width, scheme int) []image.Image {
	t.Helper()
	sheet := `<!DOCTYPE html><meta name="color-scheme" content="light dark"><body style="margin:0">`
	for _, name := range names {
		sheet += fmt.Sprintf(`<iframe src="%s.html" style="display:block;border:0;width:%dpx;height:%dpx"></iframe>`, name, width, screen)
	}
	base := filepath.Join(dir, fmt.Sprintf("sheet-%d-%d-%s", width, scheme, names[0]))
	if err := os.WriteFile(base+".html", []byte(sheet), 0o600); err != nil {
		t.Fatal(err)
	}
	_, stderr := browse(t, chromium, "--allow-file-access-from-files", "--screenshot="+base+".png", fmt.Sprintf("--window-size=%d,%d", width, screen*len(names)),
		"--blink-settings=preferredColorScheme="+strconv.Itoa(scheme), fileURL(base+".html"))
	silent(t, stderr)
	whole := decode(t, base+".png")
	if got := whole.Bounds().Size(); got != image.Pt(width, screen*len(names)) {
		t.Fatalf("the picture is %v, want %d screens of %d x %d", got, len(names), width, screen)
	}
	var out []image.Image
	for i := range names {
		part, ok := whole.(interface {
			SubImage(r image.Rectangle) image.Image
		})
		if !ok {
			t.Fatalf("a picture that cannot be cut: %T", whole)
		}
		out = append(out, part.SubImage(image.Rect(0, i*screen, width, (i+1)*screen)))
	}
	return out
}

// screen is the height of the part of a page that is looked at.
const screen = 800

// decode reads a picture.
func decode(t *testing.T, file string) image.Image {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

// corner is the brightness of the page's background, from 0 to 1; ink tells
// whether anything else is on it.
func corner(p image.Image) (brightness float64, ink bool) {
	box := p.Bounds()
	at := p.At(box.Min.X+2, box.Min.Y+2)
	r, g, b, _ := at.RGBA()
	for y := box.Min.Y; y < box.Max.Y && !ink; y += 3 {
		for x := box.Min.X; x < box.Max.X; x += 3 {
			if p.At(x, y) != at {
				ink = true
				break
			}
		}
	}
	return float64(r+g+b) / (3 * 0xffff), ink
}

// Every page shows something, without a word on the console, light and dark, on a
// laptop and on a phone; each kind of page can be printed.
func TestPagesInABrowser(t *testing.T) {
	chromium := browser(t)
	dir := t.TempDir()
	docs := kinds(t)
	names := slices.Sorted(maps.Keys(docs))
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name+".html"), docs[name], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, view := range []struct {
		width, scheme int
		from, to      float64
	}{{1280, light, 0.85, 1}, {1280, dark, 0, 0.2}, {360, light, 0.85, 1}, {360, dark, 0, 0.2}} {
		t.Run(fmt.Sprintf("%d wide, scheme %d", view.width, view.scheme), func(t *testing.T) {
			t.Parallel()
			for few := range slices.Chunk(names, 20) { // No picture is higher than 16,384.
				for i, picture := range shoot(t, chromium, dir, few, view.width, view.scheme) {
					if bright, ink := corner(picture); !ink || bright < view.from || bright > view.to {
						t.Errorf("%s: background %.2f, anything drawn: %v", few[i], bright, ink)
					}
				}
			}
		})
	}
	sheets := []string{"index", "looks", "look", "large", "blind", "hostile"}
	if os.Getenv("ASSAY_PAGES") != "" {
		sheets = names
	}
	for _, name := range sheets {
		t.Run("print "+name, func(t *testing.T) {
			t.Parallel()
			printed(t, chromium, filepath.Join(dir, name+".html"))
		})
	}
}

// printed prints the page and looks whether there is paper.
func printed(t *testing.T, chromium, page string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "page.pdf")
	_, stderr := browse(t, chromium, "--print-to-pdf="+file, "--no-pdf-header-footer", fileURL(page))
	silent(t, stderr)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(b, []byte("%PDF")) || len(b) < 5000 {
		t.Errorf("print gave %d bytes that start with %q", len(b), b[:min(len(b), 8)])
	}
}

// ruler loads every page into frames of several widths and measures in each
// how far the content reaches, with every details element open as well, and how
// well each text stands out from what it is on, as WCAG 2.2 has it.
const ruler = `<!DOCTYPE html><body><script>
const pages = %s, widths = [360, 500, 768, 1024, 1280], found = [];
const jobs = pages.flatMap(page => widths.map(width => ({page, width})));
const light = c => c.slice(0, 3).map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const colour = text => { const c = text.match(/[\d.]+/g).map(Number); return c.length < 4 ? [...c, 1] : c; };
const faint = (d, window) => {
  const out = new Set();
  for (const e of d.body.querySelectorAll("*:not(svg *)")) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) || !e.checkVisibility()) continue;
    let under = e, back = [255, 255, 255, 1];
    while (under && (back = colour(window.getComputedStyle(under).backgroundColor))[3] < 1) under = under.parentElement;
    if (!under) back = [255, 255, 255, 1];
    const [a, b] = [light(colour(window.getComputedStyle(e).color)), light(back)];
    if ((Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5) out.add(e.tagName + "." + e.className + ": " + e.textContent.trim().slice(0, 40));
  }
  return [...out];
};
const measure = () => {
  const job = jobs.shift();
  if (!job) { document.body.textContent = "MEASURED" + JSON.stringify(found) + "END"; return; }
  const f = document.createElement("iframe");
  f.style.cssText = "border:0;height:800px;width:" + job.width + "px";
  f.src = job.page + ".html";
  f.onload = () => {
    const d = f.contentDocument, closed = d.documentElement.scrollWidth;
    for (const e of d.querySelectorAll("details")) e.open = true;
    found.push({...job, closed, open: d.documentElement.scrollWidth, faint: job.width === 1280 ? faint(d, f.contentWindow) : []});
    f.remove(); measure();
  };
  document.body.append(f);
};
measure();
</script>`

var measured = regexp.MustCompile(`MEASURED(.*?)END`)

func TestNoPageIsTooWideOrTooFaint(t *testing.T) {
	chromium := browser(t)
	dir := t.TempDir()
	docs := written(t)
	if docs == nil {
		docs = documents(t)
	}
	names := slices.Sorted(maps.Keys(docs))
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name+".html"), docs[name], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	type measure struct {
		Page                string
		Width, Closed, Open int
		Faint               []string
	}
	var widths []measure
	for few := range slices.Chunk(names, 20) { // A browser that takes minutes is stopped.
		var some []measure
		asked(t, asking{chromium, dir, ruler, light}, few, &some)
		widths = append(widths, some...)
	}
	if len(widths) != 5*len(names) {
		t.Errorf("%d measured, want 5 widths of %d pages", len(widths), len(names))
	}
	for _, w := range widths {
		if len(w.Faint) > 0 {
			t.Errorf("%s: texts that do not stand out: %q", w.Page, w.Faint[:min(len(w.Faint), 5)])
		}
		if w.Closed > w.Width || w.Open > w.Width {
			t.Errorf("%s: at %d the page is %d wide, with details open %d", w.Page, w.Width, w.Closed, w.Open)
		}
	}
}
