package report

import (
	"bytes"
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/decide"
	"assay/ledger"
)

// TestWhoPromoted: the page names the decision, the approval or the person's change
// that put an allocation there, as far as the ledger knows.
func TestWhoPromoted(t *testing.T) {
	at := dayOf(1)
	sent := func(edit func(*Delivered)) Since {
		d := Delivered{Store: "local", Target: allocation(0.25, 0.5), Outcome: Verified, At: at.Add(2 * time.Minute), Verdict: decide.Ramp, AsOf: at}
		edit(&d)
		return Since{Deliveries: []Delivered{d}}
	}
	for name, c := range map[string]struct {
		since Since
		want  string
	}{
		"a decision":               {sent(func(*Delivered) {}), "by assay: ramp of the look as of 2026-11-02 00:00 UTC"},
		"an approval":              {sent(func(d *Delivered) { d.Approved, d.By = true, "dana" }), "by assay: ramp of the look as of 2026-11-02 00:00 UTC, applied by dana"},
		"somebody's approval":      {sent(func(d *Delivered) { d.Approved = true }), "applied by a person"},
		"one that did not arrive":  {sent(func(d *Delivered) { d.Outcome = Refused }), ""},
		"one of another time":      {sent(func(d *Delivered) { d.At = at.Add(9 * time.Hour) }), ""},
		"one of another state":     {sent(func(d *Delivered) { d.Target = allocation(0.3, 0.5) }), ""},
		"a person":                 {Since{Changes: []Change{{At: at.Add(time.Minute), Store: "live", To: allocation(0.25, 0.5)}}}, "by a person, in live"},
		"nobody that is known":     {Since{}, ""},
		"the same said otherwise":  {sent(func(d *Delivered) { slices.Reverse(d.Target.Arms) }), "by assay"},
		"a coverage by its shares": {sent(func(d *Delivered) { d.Target = allocation(0.25, 0.5); d.Target.KnownGood = "control" }), "by assay"},
	} {
		look := base("x", 2, 100)
		var card promptCard
		card.served(look, "treatment", &c.since)
		want := strings.TrimSuffix(instant(at)+", "+c.want, ", ")
		if !strings.Contains(card.Set, c.want) || c.want == "" && card.Set != want {
			t.Errorf("%s: %q, want %q", name, card.Set, want)
		}
		if card.Served != "12.5"+web.percent+" of everybody" {
			t.Errorf("%s: served to %q", name, card.Served)
		}
		if note := ladder(look, &c.since, term)[1].Note; !strings.HasPrefix(note, "since "+instant(at)) || !strings.Contains(note, c.want) {
			t.Errorf("%s: the step says %q", name, note)
		}
	}
}

// TestWhoPromotedOnThePageOfALook: it says who had set what the look found, by what
// was known then, and shows nothing else of it.
func TestWhoPromotedOnThePageOfALook(t *testing.T) {
	at := dayOf(1)
	before := Since{
		Deliveries: []Delivered{{
			ID: "d1", Store: "local", Target: allocation(0.25, 0.5), Outcome: Verified, At: at.Add(2 * time.Minute),
			Verdict: decide.Ramp, AsOf: at, Approved: true, By: "dana", Message: "taken",
		}},
		Clears: []Clear{{At: at, By: "kim", Message: "again"}},
	}
	var b bytes.Buffer
	if err := Page(&b, base("x", 2, 100), nil, before); err != nil {
		t.Fatal(err)
	}
	page := html.UnescapeString(regexp.MustCompile(`</?span[^>]*>`).ReplaceAllString(b.String(), ""))
	if n := strings.Count(page, "by assay: ramp of the look as of 2026-11-02 00:00 UTC, applied by dana"); n != 3 {
		t.Errorf("who promoted stands there %d times, want with both prompts and with the step", n)
	}
	if !strings.Contains(page, "Last told <b><bdi>local</bdi></b>: 25\u202f% coverage") || !strings.Contains(page, "taken") {
		t.Error("the page of a look does not say what the store was told last")
	}
	for _, no := range []string{"kim", "Deliveries and changes of the flag"} {
		if strings.Contains(page, no) {
			t.Errorf("the page of a look says %q", no)
		}
	}
}

// TestOutcomesOnThePageOfALook: what had become of earlier looks' deliveries is known
// there; its own are to be sent.
func TestOutcomesOnThePageOfALook(t *testing.T) {
	earlier, look := base("x", 1, 100), base("x", 2, 100)
	earlier.Deliveries = []ledger.Delivery{{ID: "d1", Store: "local", Target: allocation(0.25, 0.5)}}
	look.Deliveries = []ledger.Delivery{{ID: "d2", Store: "local", Target: allocation(0.5, 0.5)}}
	var b bytes.Buffer
	before := Since{Deliveries: []Delivered{{ID: "d1", Store: "local", Target: allocation(0.25, 0.5), Outcome: Verified, Verdict: decide.Ramp, AsOf: earlier.AsOf}}}
	if err := Page(&b, look, []ledger.Look{*earlier}, before); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"✓ delivered and read back<small><bdi>local", "to be sent<small><bdi>local", "To be sent to <b><bdi>local</bdi></b>"} {
		if n := strings.Count(b.String(), want); n != 1 {
			t.Errorf("%q stands there %d times", want, n)
		}
	}
}

// TestIntroduced: since when the spec has a prompt's version, and what it had before.
func TestIntroduced(t *testing.T) {
	var history []ledger.Look
	for i, version := range []string{"v1", "v1", "v2", "v2"} {
		h := base("x", i+1, 100)
		h.Spec.Variations[1].Prompt.Version = version
		history = append(history, *h)
	}
	check := func(history []ledger.Look, introduced, before string) {
		t.Helper()
		last := &history[len(history)-1]
		var card promptCard
		card.introduced(&last.Spec.Variations[1], history)
		if card.Introduced != introduced || card.Before != before {
			t.Errorf("introduced %q, before it %q", card.Introduced, card.Before)
		}
	}
	check(history, "look 3, as of 2026-11-04 00:00 UTC, revision 4e1c2ab", "v1")
	check(history[:2], "look 1, as of 2026-11-02 00:00 UTC, revision 4e1c2ab", "")
	thinned := append(slices.Clone(history[:1]), history[2:]...)
	check(thinned, "look 3, as of 2026-11-04 00:00 UTC, revision 4e1c2ab, or a look before it that is not shown here", "v1")
	history[3].Spec.Variations[1].Prompt.Version = "v3"
	check(history, "look 4, as of 2026-11-05 00:00 UTC, revision 4e1c2ab", "v2")
}

// TestLadderOfAnEnd: after an end nothing is next.
func TestLadderOfAnEnd(t *testing.T) {
	look := base("x", 3, 100)
	look.Standing.Ended, look.Step = &decide.Terminal{}, decide.Step{Index: -1}
	var words []string
	for _, r := range ladder(look, nil, term) {
		words = append(words, r.Badge.Word)
	}
	if want := []string{"was served", "was served", "not reached", "not reached", "not reached"}; !slices.Equal(words, want) {
		t.Errorf("steps %q, want %q", words, want)
	}
}

// TestHostileRecords: every field that deliveries, persons and the spec bring to the
// page, the terminal and a comment is shown as text.
func TestHostileRecords(t *testing.T) {
	s := hostile()
	long := evil + strings.Repeat("long<b> ", 1280)
	s.look.Spec.Text, s.look.Spec.Policy = long, map[string]string{evil: long, long: evil}
	s.look.Revision = evil + "-dirty"
	d := &s.since.Deliveries[0]
	d.Verdict, d.Approved, d.By, d.Outcome = evil, true, long, Verified
	d.At = s.look.Epochs[0].Start
	s.since.Approvals = []Applied{{Verdict: evil, By: long, Message: evil}}
	s.since.Plans = []Planned{{Version: 1}, {Version: 2, Changed: []string{evil, long}}}
	doc := latest(t, s)
	known := map[string]bool{}
	for _, other := range stories() {
		if other.name == s.name {
			continue
		}
		for _, e := range parse(t, other.name, latest(t, other)) {
			known[e.name] = true
		}
	}
	for _, e := range parse(t, s.name, doc) {
		if !known[e.name] {
			t.Errorf("<%s> gets through", e.name)
		}
		if href := e.attrs["href"]; strings.Contains(href, ":") || strings.HasPrefix(href, "//") {
			t.Errorf("link to %s", href)
		}
	}
	var text bytes.Buffer
	if err := Explain(&text, Explained{Look: s.look, History: s.history, Since: s.since}, TextOptions{}); err != nil {
		t.Fatal(err)
	}
	for name, out := range map[string]string{"page": string(doc), "explain": text.String(), "markdown": markdownOf(t, Site{}, s)} {
		if strings.ContainsAny(out, "\x00\x1b\u202e") {
			t.Errorf("%s: a control character gets through", name)
		}
	}
	for _, line := range strings.Split(text.String(), "\n") {
		if columns(line) > usualWidth {
			t.Errorf("%d columns: %s", columns(line), line)
		}
	}
	if shown := html.UnescapeString(string(doc)); !strings.Contains(shown, "policy") || !strings.Contains(shown, evil[:25]) {
		t.Error("the text is not shown as it is")
	}
}

// TestLatestJSON: the look stays what it was, with two members more, and lists are
// never null.
func TestLatestJSON(t *testing.T) {
	s := safety()
	var b bytes.Buffer
	if err := LatestJSON(&b, Explained{Look: s.look, History: s.history}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"experiment": "safety-filter"`, `"history": [`, `"deliveries": []`, `"plans": []`, `"page": "looks/20261102T000000Z-`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %s", want)
		}
	}
	var plain bytes.Buffer
	if err := JSON(&plain, s.look); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(b.String(), strings.TrimSuffix(plain.String(), "\n}\n")) {
		t.Error("the look is not what it is alone")
	}
}
