package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/cenkalti/backoff/v5"

	"assay/connectors/outbound"
	"assay/spec"
)

const (
	maxAnswer    = 4 << 10 // bytes that are read of an answer
	maxReason    = 2000    // characters; Slack takes 3000 in a section
	maxDone      = 300     // characters of a line
	maxName      = 100
	maxLines     = 8
	tries        = 3
	firstPause   = 500 * time.Millisecond
	longestPause = 5 * time.Second // that a channel may ask for within a run
	timeout      = 10 * time.Second
)

// slack is an incoming webhook that takes Slack's messages.
type slack struct {
	name   string
	url    spec.Secret
	client *http.Client
	now    func() time.Time
	agent  string
	pause  time.Duration // after the first failure
}

func openSlack(cfg spec.Notification, opts Options) (Channel, error) {
	u, err := url.Parse(cfg.URL.Reveal())
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, errors.New("its address is not an http or https URL")
	}
	client := outbound.Client(outbound.Policy{PrivateAddresses: cfg.PrivateAddresses, Timeout: timeout})
	return &slack{name: cfg.Name, url: cfg.URL, client: client, now: opts.Now, agent: opts.UserAgent, pause: firstPause}, nil
}

// Name implements Channel.
func (s *slack) Name() string { return s.name }

// Tell implements Channel.
func (s *slack) Tell(ctx context.Context, m Message) error {
	body, err := json.Marshal(payloadOf(m))
	if err != nil {
		return &Error{Kind: ErrRefused, Detail: "the message cannot be written"}
	}
	var last error
	pauses := &backoff.ExponentialBackOff{InitialInterval: s.pause, Multiplier: 2, MaxInterval: longestPause}
	_, _ = backoff.Retry(ctx, func() (struct{}, error) {
		last = s.send(ctx, body)
		return struct{}{}, again(last)
	}, backoff.WithBackOff(pauses), backoff.WithMaxTries(tries), backoff.WithMaxElapsedTime(0))
	return last
}

// again is nil where another try within the run cannot help.
func again(err error) error {
	e, ok := errors.AsType[*Error](err)
	switch {
	case !ok || !errors.Is(e, ErrUnavailable) || e.RetryAfter > longestPause:
		return nil
	case e.RetryAfter > 0:
		return &backoff.RetryAfterError{Duration: e.RetryAfter}
	}
	return err
}

func (s *slack) send(ctx context.Context, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url.Reveal(), bytes.NewReader(body))
	if err != nil {
		return &Error{Kind: ErrRefused, Detail: "its address is not an http or https URL"}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", s.agent)
	answer, err := outbound.Send(s.client, request, maxAnswer)
	if err != nil {
		return &Error{Kind: ErrUnavailable, Detail: outbound.Trouble(ctx, err)}
	}
	return s.judge(answer)
}

// meanings is what single statuses mean; classes are in judge.
var meanings = map[int]error{
	http.StatusNotFound:        ErrGone, // no_service, channel_not_found
	http.StatusGone:            ErrGone, // channel_is_archived
	http.StatusRequestTimeout:  ErrUnavailable,
	http.StatusTooEarly:        ErrUnavailable,
	http.StatusTooManyRequests: ErrUnavailable,
}

// judge turns any status but 2xx into an error.
func (s *slack) judge(answer outbound.Answer) error {
	if answer.Status/100 == 2 {
		return nil
	}
	kind, known := meanings[answer.Status]
	if !known {
		kind = ErrRefused
		if answer.Status >= http.StatusInternalServerError {
			kind = ErrUnavailable
		}
	}
	e := &Error{Kind: kind, Detail: strings.TrimSpace(fmt.Sprintf("status %d %s", answer.Status, http.StatusText(answer.Status)))}
	if answer.Status/100 == 3 {
		e.Detail += "; redirects are not followed"
	}
	if errors.Is(kind, ErrUnavailable) {
		e.RetryAfter = answer.RetryAfter(s.now())
	}
	return e
}

// payload is a message in Slack's form. Text is for notifications on a screen,
// and for receivers that know no blocks.
type payload struct {
	Text   string  `json:"text"`
	Blocks []block `json:"blocks"`
}

type block struct {
	Type     string    `json:"type"`
	Text     *text     `json:"text,omitempty"`
	Elements []element `json:"elements,omitempty"`
}

// text is marked up (mrkdwn) or plain. Verbatim: nothing is made a link or a
// mention that is not written as one.
type text struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Verbatim bool   `json:"verbatim,omitempty"`
}

type element = text

func payloadOf(m Message) payload {
	title, reason := headline(m), fitting(m.Reason, maxReason)
	link := ""
	if m.Link != "" {
		link = "<" + linkable(m.Link) + "|Report>"
	}
	var lines []string
	for i, line := range m.Done {
		if i == maxLines {
			lines = append(lines, fmt.Sprintf("and %d more", len(m.Done)-i))
			break
		}
		lines = append(lines, fitting(line, maxDone))
	}
	asOf := "As of " + m.AsOf.UTC().Format("2006-01-02 15:04Z")
	p := payload{Blocks: []block{marked("*" + title + "*\n" + reason)}}
	if len(lines) > 0 {
		p.Blocks = append(p.Blocks, marked(strings.Join(lines, "\n")))
	}
	foot := asOf
	if link != "" {
		foot += " · " + link
	}
	p.Blocks = append(p.Blocks, block{Type: "context", Elements: []element{{Type: "mrkdwn", Text: foot, Verbatim: true}}})
	p.Text = strings.Join(append(append([]string{title + ": " + reason}, lines...), foot), "\n")
	return p
}

func marked(words string) block {
	return block{Type: "section", Text: &text{Type: "mrkdwn", Text: words, Verbatim: true}}
}

// headline is what happened in a few words.
func headline(m Message) string {
	verdict := m.Verdict
	if m.Proposal {
		verdict += " proposed"
	}
	switch m.Event {
	case "conflict":
		return fitting(m.Experiment, maxName) + ": " + verdict + ", but a person changed the flag"
	case "approval":
		return fitting(m.Experiment, maxName) + ": " + verdict + ", which somebody has to approve in the flag store"
	case "undelivered":
		return fitting(m.Experiment, maxName) + ": " + verdict + ", but a flag store did not take it"
	}
	return fitting(m.Experiment, maxName) + ": " + verdict
}

// escapes are those of Slack's mark-up.
var escapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// zeroWidth is a space that is not seen.
const zeroWidth = "\u200b"

// breaks takes apart what other receivers read as a mention or a link.
var breaks = strings.NewReplacer("@", "@"+zeroWidth, "](", "]"+zeroWidth+"(", "://", ":"+zeroWidth+"//")

// emphasis are the signs that would change how the rest of a text looks.
var emphasis = strings.NewReplacer("*", "∗", "~", "∼", "`", "ʼ")

// safe is a text from outside as it can stand in a message: on one line, without
// marks that turn the direction of writing, and without a mention, a link or an
// emphasis of its own.
func safe(words string) string {
	clean := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(words, "\uFFFD"))
	return escapes.Replace(emphasis.Replace(breaks.Replace(strings.Join(strings.Fields(clean), " "))))
}

// linkable keeps an address from ending the link that it is in.
func linkable(address string) string {
	return strings.NewReplacer("<", "%3C", ">", "%3E", "|", "%7C", "&", "&amp;", " ", "%20").Replace(address)
}

// fitting is a text from outside made safe and cut to at most so many
// characters, escapes included.
func fitting(words string, most int) string {
	out := safe(cut(words, most))
	for keep := most; len([]rune(out)) > most && keep > 1; {
		keep = keep * 3 / 4
		out = safe(cut(words, keep))
	}
	return out
}

// cut shortens a text to at most so many characters.
func cut(words string, most int) string {
	runes := []rune(words)
	if len(runes) <= most {
		return words
	}
	return string(runes[:most-1]) + "…"
}
