package job

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"assay/ledger"
	"assay/report"
)

// TestThinned: never more than asked for, in order, the first and all the
// recent ones among them, and a longer list changes nothing in its recent half.
func TestThinned(t *testing.T) {
	for n := range 400 {
		seqs := make([]int64, n)
		for i := range seqs {
			seqs[i] = int64(3*i + 1)
		}
		got := thinned(seqs, 59)
		if len(got) != min(n, 59) || !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
			t.Fatalf("of %d: %v", n, got)
		}
		if n > 0 && got[0] != 1 || !slices.Equal(got[len(got)-min(n, 29):], seqs[n-min(n, 29):]) {
			t.Fatalf("of %d: %v", n, got)
		}
	}
}

// longLedger has a rollout that goes on for n hourly looks.
func longLedger(t *testing.T, n int) (*ledger.Ledger, []*ledger.Look) {
	t.Helper()
	l := openLedger(t)
	var looks []*ledger.Look
	for i := range n {
		r := looked(float64(i+1), float64(i)+1.1, numbered(i+1))
		look := r.body.(ledger.Look)
		put(t, l, r.at, look)
		looks = append(looks, &look)
		if i%7 == 3 { // A backfill is on no other page.
			old := looked(float64(i), float64(i)+1.2, backfilled, numbered(1000))
			put(t, l, old.at, old.body)
		}
	}
	return l, looks
}

// pages reads a report folder.
func pages(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		all[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestPublishLong: pages of a long history stay small, say what they leave out,
// and come out the same however much came after them.
func TestPublishLong(t *testing.T) {
	const n = 200
	l, looks := longLedger(t, n)
	dir := t.TempDir()
	if err := Publish(l, Folder{Path: dir}, looks); err != nil {
		t.Fatal(err)
	}
	first := pages(t, dir)
	written, err := l.FindLook(looks[n-1].ID)
	if err != nil {
		t.Fatal(err)
	}
	history, err := UpTo(l, written)
	if err != nil || len(history) > shown || history[0].Number != 1 || history[len(history)-1].Number != n {
		t.Errorf("%d looks in the history of the last (%v)", len(history), err)
	}
	for _, h := range history {
		if h.Backfill {
			t.Errorf("the backfill as of %s is in the history", h.AsOf)
		}
	}
	last := first[filepath.Join(dir, LookPath(looks[n-1]))]
	if !strings.Contains(last, "looks are not shown here") || strings.Count(last, "not shown here") > shown {
		t.Error("the page does not say what it leaves out")
	}
	if len(last) > 4*len(first[filepath.Join(dir, LookPath(looks[40]))]) {
		t.Errorf("%d bytes", len(last))
	}

	again := t.TempDir()
	for _, look := range slices.Backward(looks) {
		if err := PublishLook(l, Folder{Path: again}, look); err != nil {
			t.Fatal(err)
		}
	}
	for path, text := range pages(t, again) {
		if rel := strings.TrimPrefix(path, again); first[dir+rel] != text {
			t.Errorf("%s differs", rel)
		}
	}
}

// TestPublishTouches: pages of experiments to which nothing happened stay as
// they are, missing ones come back, and a write that fails leaves nothing half.
func TestPublishTouches(t *testing.T) {
	l, looks := longLedger(t, 3)
	dir := t.TempDir()
	page := filepath.Join(dir, "tone", "report.html")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(page, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	publish := func(touched ...string) {
		t.Helper()
		if err := Publish(l, Folder{Path: dir}, nil, touched...); err != nil {
			t.Fatal(err)
		}
	}
	publish()
	whole := pages(t, dir)
	if len(whole) != 2+2*3+3+1 { // Index and feed, the looks that nobody has published, the latest page and the list, and the mark.
		t.Fatalf("pages %q", slices.Sorted(maps.Keys(whole)))
	}
	write("untouched")
	if publish(); pages(t, dir)[page] != "untouched" {
		t.Error("a page was written to whose experiment nothing happened")
	}
	if publish("tone"); pages(t, dir)[page] != whole[page] {
		t.Error("a touched page was not written")
	}
	if err := os.Remove(page); err != nil {
		t.Fatal(err)
	}
	if publish(); pages(t, dir)[page] != whole[page] {
		t.Error("a missing page did not come back")
	}
	// A folder in the place of a file cannot be replaced.
	blocked := filepath.Join(dir, LookPath(looks[0]))
	if err := errors.Join(os.Remove(blocked), os.Mkdir(blocked, 0o755)); err != nil {
		t.Fatal(err)
	}
	if err := Publish(l, Folder{Path: dir}, looks); err == nil {
		t.Error("no error where a page cannot be written")
	}
	for path := range pages(t, dir) {
		if strings.Contains(path, ".page-") {
			t.Errorf("%s was left behind", path)
		}
	}
}

// TestWorst: of several stores the one that is not as decided is told.
func TestWorst(t *testing.T) {
	for want, outcomes := range map[report.Outcome][]report.Outcome{
		"":                 nil,
		report.Verified:    {report.Verified, report.Unverified},
		report.Unavailable: {report.Unavailable, report.Verified},
		report.Conflict:    {report.Verified, report.Conflict, report.Proposed},
	} {
		var deliveries []report.Delivered
		for _, o := range outcomes {
			deliveries = append(deliveries, report.Delivered{Outcome: o})
		}
		if got := worst(deliveries); got != want {
			t.Errorf("of %v: %q, want %q", outcomes, got, want)
		}
	}
}

// BenchmarkRecall is what a run reads of a history of a thousand looks.
func BenchmarkRecall(b *testing.B) {
	l, err := ledger.Open(filepath.Join(b.TempDir(), "ledger.jsonl"))
	if err != nil {
		b.Fatal(err)
	}
	for i := range 1000 {
		look := looked(float64(i+1), float64(i)+1.1, numbered(i+1)).body.(ledger.Look)
		look.Statements = []ledger.Statement{{SQL: strings.Repeat("SELECT 1;\n", 3000)}}
		if err := l.Append(hours(float64(i)), look); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := recall(l, "tone", hours(1001), "none"); err != nil {
			b.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
}

// TestUpToRepeated: a look that failed and was repeated is one look.
func TestUpToRepeated(t *testing.T) {
	l := openLedger(t)
	for _, r := range []recorded{
		looked(1, 1.1, numbered(1)), looked(2, 2.1, numbered(2), failed), looked(2, 2.5, numbered(2)),
		looked(3, 3.1, numbered(3), failed), looked(4, 4.1, numbered(3)),
	} {
		put(t, l, r.at, r.body)
	}
	latest, err := Latest(l, "tone")
	if err != nil {
		t.Fatal(err)
	}
	history, err := UpTo(l, latest)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, h := range history {
		got = append(got, fmt.Sprintf("%g %s", h.AsOf.Sub(started).Hours(), h.Failed))
	}
	if want := []string{"1 ", "2 ", "3 no answer", "4 "}; !slices.Equal(got, want) {
		t.Errorf("history %q, want %q", got, want)
	}
}

// TestPublishMissed: what was recorded and never published is written by the
// next run, whatever that one looks at, and only once.
func TestPublishMissed(t *testing.T) {
	l, looks := longLedger(t, 3)
	dir := t.TempDir()
	if err := Publish(l, Folder{Path: dir}, looks); err != nil {
		t.Fatal(err)
	}
	r := looked(4, 4.1, numbered(4))
	look := r.body.(ledger.Look)
	put(t, l, r.at, look)
	// The run was killed here.
	if err := Publish(l, Folder{Path: dir}, nil); err != nil {
		t.Fatal(err)
	}
	whole := pages(t, dir)
	missed := filepath.Join(dir, LookPath(&look))
	if whole[missed] == "" || !strings.Contains(whole[filepath.Join(dir, "tone", "report.json")], look.ID) {
		t.Fatalf("pages %q", slices.Sorted(maps.Keys(whole)))
	}
	if err := os.Remove(missed); err != nil {
		t.Fatal(err)
	}
	if err := Publish(l, Folder{Path: dir}, nil); err != nil || pages(t, dir)[missed] != "" {
		t.Errorf("what was published is published again: %v", err)
	}
	// A mark of another ledger, or one that is no number, says nothing.
	for _, mark := range []string{"99999", "x", ""} {
		if err := os.WriteFile(filepath.Join(dir, ".published"), []byte(mark), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := Publish(l, Folder{Path: dir}, nil); err != nil || pages(t, dir)[missed] != whole[missed] {
			t.Errorf("mark %q: %v", mark, err)
		}
	}
}
