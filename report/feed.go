package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"time"

	"assay/decide"
	"assay/ledger"
)

// The feed is a JSON Feed 1.1 with members of our own below _assay, which have a
// version: a member may be added, none is renamed or given another meaning without
// a new one.

// feedVersion is the version of the members below _assay.
const feedVersion = 1

const (
	// feedItems is how many changes of a verdict the feed has, the newest.
	feedItems = 100
	// FeedChanges is how many changes of one experiment's verdict are looked for.
	FeedChanges = 20
)

// feed is the whole document. Members of the format come first.
type feed struct {
	Version     string     `json:"version"`
	Title       string     `json:"title"`
	HomePageURL string     `json:"home_page_url,omitempty"`
	FeedURL     string     `json:"feed_url,omitempty"`
	Description string     `json:"description"`
	Language    string     `json:"language"`
	Assay       feedState  `json:"_assay"`
	Items       []feedItem `json:"items"`
}

// feedState is where all experiments stand, those first that need a person.
type feedState struct {
	Version     int              `json:"version"`
	AsOf        *time.Time       `json:"asOf,omitempty"` // newest of all looks
	Waiting     int              `json:"waiting"`        // experiments that need a person
	Experiments []feedExperiment `json:"experiments"`
}

// feedExperiment is where one experiment stands.
type feedExperiment struct {
	Name        string     `json:"name"`
	Need        string     `json:"need"`           // a key of needKeys
	NeedsPerson bool       `json:"needsPerson"`    // somebody has to do something
	Needs       string     `json:"needs"`          // the same for people
	Todo        string     `json:"todo,omitempty"` // what they can do about it
	Owner       string     `json:"owner,omitempty"`
	Tags        []string   `json:"tags,omitempty"`
	Next        *time.Time `json:"nextLook,omitempty"`
	Overdue     bool       `json:"overdue,omitempty"`
	Delivery    Outcome    `json:"delivery,omitempty"`
	Failure     string     `json:"failure,omitempty"`
	Page        string     `json:"page,omitempty"` // relative to the feed
	Data        string     `json:"data,omitempty"` // the same as JSON
	*feedLook
}

// feedLook is what a look found.
type feedLook struct {
	Look     string             `json:"look"`
	AsOf     time.Time          `json:"asOf"`
	Number   int                `json:"number"`
	Plan     int                `json:"planVersion"`
	Verdict  decide.Verdict     `json:"verdict"`
	Since    *time.Time         `json:"verdictSince,omitempty"`
	Ended    bool               `json:"ended,omitempty"`
	Proposal bool               `json:"proposal,omitempty"`
	Code     string             `json:"code,omitempty"` // of the reason that decides
	Summary  string             `json:"summary"`
	Metric   string             `json:"metric,omitempty"`
	Arm      string             `json:"variation,omitempty"`
	Now      *decide.Allocation `json:"allocation,omitempty"`
	Target   *decide.Allocation `json:"target,omitempty"`
	Units    int64              `json:"units"`
	Problems []string           `json:"problems"` // codes of what is wrong with the data
}

// feedItem is one change of a verdict.
type feedItem struct {
	ID        string       `json:"id"`
	URL       string       `json:"url,omitempty"`
	Title     string       `json:"title"`
	Text      string       `json:"content_text"`
	Published string       `json:"date_published"`
	Authors   []feedAuthor `json:"authors,omitempty"`
	Tags      []string     `json:"tags,omitempty"`
	Assay     feedChange   `json:"_assay"`
}

type feedAuthor struct {
	Name string `json:"name"`
}

type feedChange struct {
	Version    int    `json:"version"`
	Experiment string `json:"experiment"`
	Page       string `json:"page"`
	Data       string `json:"data"`
	*feedLook
}

// Feed writes where the experiments stand, and the changes of their verdicts, the
// newest first, as a JSON Feed 1.1. Its errors are those of w, and a number that
// JSON cannot say.
func (s Site) Feed(w io.Writer, entries []Entry) error {
	entries = sorted(entries)
	f := feed{
		Version: "https://jsonfeed.org/version/1.1", Title: "assay: verdicts", Language: "en",
		Description: "An item for every change of a verdict. Below _assay: where all experiments stand.",
		HomePageURL: s.address("index.html"), FeedURL: s.address("feed.json"),
		Assay: feedState{Version: feedVersion, Experiments: []feedExperiment{}}, Items: []feedItem{},
	}
	var changes []*ledger.Entry[ledger.Look]
	for i := range entries {
		e := &entries[i]
		f.Assay.Experiments = append(f.Assay.Experiments, newFeedExperiment(e))
		if e.need().person() {
			f.Assay.Waiting++
		}
		if e.Look != nil && (f.Assay.AsOf == nil || e.Look.AsOf.After(*f.Assay.AsOf)) {
			f.Assay.AsOf = &e.Look.AsOf
		}
		changes = append(changes, e.Changes...)
	}
	slices.SortStableFunc(changes, func(a, b *ledger.Entry[ledger.Look]) int { return cmp.Compare(b.Seq, a.Seq) })
	for _, c := range changes[:min(len(changes), feedItems)] {
		f.Items = append(f.Items, s.newFeedItem(c))
	}
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fmt.Errorf("feed: %w", err)
	}
	return write(w, append(b, '\n'))
}

func newFeedExperiment(e *Entry) feedExperiment {
	n := e.need()
	out := feedExperiment{
		Name: name(e.name()), Need: needKeys[n], NeedsPerson: n.person(), Needs: needWords[n], Todo: e.todo(),
		Overdue: e.Overdue, Delivery: Outcome(brief(string(e.Delivery))), Failure: message(e.Failure),
	}
	if !e.Next.IsZero() {
		next := e.Next.UTC()
		out.Next = &next
	}
	if e.Look == nil {
		return out
	}
	out.Owner, out.Tags = shorten(clean(e.Look.Spec.Owner), nameLength), tags(e.Look.Spec.Tags)
	out.Page, out.Data = e.link(), dataLink(e.link())
	out.feedLook = newFeedLook(e.Look)
	if !e.Since.IsZero() {
		since := e.Since.UTC()
		out.Since = &since
	}
	return out
}

// dataLink is the JSON beside a page.
func dataLink(page string) string {
	const ending = ".html"
	if len(page) < len(ending) || page[len(page)-len(ending):] != ending {
		return ""
	}
	return page[:len(page)-len(ending)] + ".json"
}

func newFeedLook(look *ledger.Look) *feedLook {
	d := &look.Decision
	out := &feedLook{
		Look: name(look.ID), AsOf: look.AsOf.UTC(), Number: look.Number, Plan: look.Version,
		Verdict: decide.Verdict(shorten(clean(string(d.Verdict)), 24)), Ended: ended(d), Proposal: d.Proposal, Summary: message(d.Summary),
		Units: look.Health.Units, Problems: []string{}, Now: cleanAllocation(&look.Allocation), Target: cleanAllocation(d.Target),
	}
	if len(d.Reasons) > 0 {
		r := &d.Reasons[0]
		out.Code, out.Metric, out.Arm = brief(r.Code), brief(r.Metric), brief(r.Variation)
	}
	for _, p := range look.Health.Problems {
		out.Problems = append(out.Problems, name(p.Code))
	}
	return out
}

// cleanAllocation is an allocation whose names can be shown; nil = none.
func cleanAllocation(a *decide.Allocation) *decide.Allocation {
	if a == nil || len(a.Arms) == 0 {
		return nil
	}
	out := *a
	out.KnownGood, out.Arms = name(a.KnownGood), slices.Clone(a.Arms)
	for i := range out.Arms {
		out.Arms[i].Variation = name(out.Arms[i].Variation)
	}
	return &out
}

func (s Site) newFeedItem(c *ledger.Entry[ledger.Look]) feedItem {
	look := &c.Body
	page := "./" + url.PathEscape(look.Experiment) + "/looks/" + url.PathEscape(LookFile(look))
	item := feedItem{
		// A look that failed and was repeated is two records, and may be two verdicts.
		ID:    fmt.Sprintf("%s/%d", name(look.Experiment), c.Seq),
		Title: verdictOf(look).Word + ": " + name(look.Experiment),
		Text:  message(look.Decision.Summary), Published: c.At.UTC().Format(time.RFC3339),
		Tags:  append([]string{brief(string(look.Decision.Verdict))}, tags(look.Spec.Tags)...),
		Assay: feedChange{Version: feedVersion, Experiment: name(look.Experiment), Page: page, Data: dataLink(page), feedLook: newFeedLook(look)},
	}
	item.URL = s.address(url.PathEscape(look.Experiment), "looks", url.PathEscape(LookFile(look)))
	if owner := shorten(clean(look.Spec.Owner), nameLength); owner != "" {
		item.Authors = []feedAuthor{{owner}}
	}
	return item
}
