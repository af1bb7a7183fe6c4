package flags

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"assay/connectors/outbound"
	"assay/decide"
	"assay/spec"
)

// maxAPIAnswer is far more than a flag of any store takes.
const maxAPIAnswer = 4 << 20 // bytes

// api is the JSON interface of a store's server.
type api struct {
	store  string
	client *http.Client
	base   spec.Secret // without a slash at its end
	// authorization is the whole header, private what must never be shown.
	authorization spec.Secret
	private       []spec.Secret
	now           func() time.Time
	agent         string
	// explain says of a failed request what its status alone does not; a nil kind
	// leaves it to the status.
	explain func(call, outbound.Answer) (detail string, kind error)
}

// call is one request.
type call struct {
	method string
	path   []string // its segments, not escaped
	query  url.Values
	body   any    // nil = none
	media  string // "" = application/json
}

// vendor is what differs in how the servers are addressed.
type vendor struct {
	url    string // of the cloud, "" where there is none
	scheme string // before the token
}

// openAPI reads what all stores with an API have in common.
func openAPI(name string, cfg spec.FlagStore, dir string, opts Options, v vendor) (*api, error) {
	token, err := accessToken(cfg, dir)
	if err != nil {
		return nil, err
	}
	address := cfg.URL
	if address.IsZero() {
		address = spec.NewSecret(v.url)
	}
	if err := checkURL("url", address); err != nil {
		return nil, err
	}
	if cfg.Environment == "" {
		return nil, errors.New("environment is missing: the one whose flags are changed")
	}
	a := &api{
		store: name, client: opts.client(cfg), base: spec.NewSecret(strings.TrimRight(address.Reveal(), "/")),
		authorization: spec.NewSecret(v.scheme + token), private: []spec.Secret{spec.NewSecret(token)},
		now: opts.Now, agent: opts.agent(),
	}
	if !cfg.URL.IsZero() {
		a.private = append(a.private, cfg.URL)
	}
	return a, nil
}

func accessToken(cfg spec.FlagStore, dir string) (string, error) {
	token := strings.TrimSpace(cfg.Token.Reveal())
	if token == "" && cfg.TokenFile != "" {
		path := cfg.TokenFile
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("token_file: %w", err)
		}
		token = strings.TrimSpace(string(data))
	}
	switch {
	case token == "":
		return "", errors.New("one of token and token_file is needed, and it may not be empty")
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "", errors.New("the access token has characters that no token has")
	}
	return token, nil
}

// client sends the requests of a store.
func (o Options) client(cfg spec.FlagStore) *http.Client {
	if o.Client != nil {
		return outbound.Strict(o.Client)
	}
	return outbound.Client(outbound.Policy{PrivateAddresses: cfg.PrivateAddresses})
}

func (o Options) agent() string {
	if o.UserAgent == "" {
		return "assay"
	}
	return o.UserAgent
}

// unreached is the kind of a request that got no answer. Where a private address
// is not allowed trying again cannot help.
func unreached(err error) error {
	if errors.Is(err, outbound.ErrPrivate) {
		return ErrRefused
	}
	return ErrUnavailable
}

// do makes a request and decodes a 2xx answer into what is given, if anything.
func (a *api) do(ctx context.Context, c call, into any) error {
	request, err := a.request(ctx, c)
	if err != nil {
		return err
	}
	answer, err := outbound.Send(a.client, request, maxAPIAnswer)
	if err != nil {
		return a.fail(unreached(err), outbound.Trouble(ctx, err))
	}
	if answer.Status/100 != 2 {
		return a.judge(c, answer)
	}
	switch {
	case into == nil:
		return nil
	case answer.Lost != nil:
		return a.fail(ErrUnavailable, outbound.Trouble(ctx, answer.Lost))
	case answer.Cut:
		return a.fail(ErrUnavailable, "the answer is too large")
	case json.Unmarshal(answer.Body, into) != nil:
		return a.fail(ErrUnavailable, "the answer is not what the interface promises")
	}
	return nil
}

func (a *api) request(ctx context.Context, c call) (*http.Request, error) {
	address := a.base.Reveal()
	for _, segment := range c.path {
		if segment == "" || segment == "." || segment == ".." {
			return nil, a.fail(ErrRefused, "the key of the flag or of what it is in cannot stand in an address")
		}
		address += "/" + url.PathEscape(segment)
	}
	if len(c.query) > 0 {
		address += "?" + c.query.Encode()
	}
	body := []byte(nil)
	if c.body != nil {
		var err error
		if body, err = json.Marshal(c.body); err != nil {
			return nil, a.fail(ErrRefused, "the change cannot be written down")
		}
	}
	request, err := http.NewRequestWithContext(ctx, c.method, address, bytes.NewReader(body))
	if err != nil {
		return nil, a.fail(ErrRefused, "url is not an address")
	}
	request.Header.Set("Authorization", a.authorization.Reveal())
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", a.agent)
	if c.body != nil {
		media := c.media
		if media == "" {
			media = "application/json"
		}
		request.Header.Set("Content-Type", media)
	}
	return request, nil
}

// apiStatuses is what single statuses mean to all stores; classes are in judge.
var apiStatuses = map[int]error{
	http.StatusUnauthorized:       ErrAuth,
	http.StatusForbidden:          ErrAuth,
	http.StatusNotFound:           ErrNotFound,
	http.StatusRequestTimeout:     ErrUnavailable,
	http.StatusConflict:           ErrConflict,
	http.StatusGone:               ErrNotFound,
	http.StatusPreconditionFailed: ErrConflict,
	http.StatusTooEarly:           ErrUnavailable,
	http.StatusTooManyRequests:    ErrRateLimited,
}

// judge turns any status but 2xx into an error. What the answer says is looked
// at, but never quoted.
func (a *api) judge(c call, answer outbound.Answer) error {
	kind, known := apiStatuses[answer.Status]
	detail := inWords(answer.Status)
	switch {
	case answer.Status/100 == 3:
		kind, detail = ErrRefused, detail+"; redirects are not followed"
	case !known && answer.Status >= http.StatusInternalServerError:
		kind = ErrUnavailable
	case !known:
		kind = ErrRefused
	}
	if a.explain != nil {
		if words, better := a.explain(c, answer); better != nil {
			kind, detail = better, words
		}
	}
	e := &Error{Store: a.store, Kind: kind, Detail: detail}
	if e.Retryable() {
		e.RetryAfter = max(answer.RetryAfter(a.now()), resetAfter(answer.Header.Get("X-Ratelimit-Reset"), a.now()))
	}
	return e
}

func inWords(status int) string {
	return strings.TrimSpace(fmt.Sprintf("status %d %s", status, http.StatusText(status)))
}

// resetAfter reads when a limit ends, in milliseconds or seconds since 1970; 0
// where nothing says so.
func resetAfter(value string, now time.Time) time.Duration {
	const firstMilliseconds = 1e11 // in seconds that is the year 5138
	at, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return 0
	}
	reset := time.Unix(at, 0)
	if at >= firstMilliseconds {
		reset = time.UnixMilli(at)
	}
	return min(max(reset.Sub(now), 0), outbound.LongestWait)
}

func (a *api) fail(kind error, detail string) error {
	return &Error{Store: a.store, Kind: kind, Detail: detail}
}

// vet keeps out a state that would show a secret.
func (a *api) vet(s State) (State, error) {
	shown := []string{s.Message}
	if s.Allocation != nil {
		shown = append(shown, names(*s.Allocation)...)
	}
	if betrayed(a.private, shown...) {
		return State{}, a.fail(ErrUnavailable, "the flag's definition names a secret")
	}
	return s, nil
}

// begin tells whether a change is over before it is written: because the flag
// is there already, or with an error because a person made it into another.
func (a *api) begin(s State, c Change) (over bool, err error) {
	if problem := standing(s, c); problem != "" {
		return true, a.fail(ErrConflict, problem)
	}
	return c.reached(s), nil
}

// names are all that an allocation says which a store can have chosen.
func names(a decide.Allocation) []string {
	all := []string{a.KnownGood}
	for _, arm := range a.Arms {
		all = append(all, arm.Variation)
	}
	return all
}

// betrayed tells whether a server put a secret where it would be shown.
func betrayed(private []spec.Secret, shown ...string) bool {
	text := strings.Join(shown, "\n")
	for _, secret := range private {
		if !secret.IsZero() && strings.Contains(text, secret.Reveal()) {
			return true
		}
	}
	return false
}

// remark is what a store's history says of a change, at most 255 characters.
func remark(c Change) string {
	return shorten(fmt.Sprintf("assay %s: %s of %s: %s", c.ID, c.Verdict, c.Experiment, c.Reason), maxReason)
}

// naming translates between assay's names of variations and a store's.
type naming struct{ theirs, ours map[string]string }

func newNaming(given map[string]string) naming {
	n := naming{theirs: given, ours: make(map[string]string, len(given))}
	for name, theirs := range given {
		n.ours[theirs] = name
	}
	return n
}

func (n naming) to(name string) string {
	if theirs, ok := n.theirs[name]; ok {
		return theirs
	}
	return name
}

// from is assay's name; a stranger that happens to be called like one that has
// another name in the store is marked as the store's.
func (n naming) from(theirs string) string {
	if name, ok := n.ours[theirs]; ok {
		return name
	}
	if _, taken := n.theirs[theirs]; taken {
		return theirs + " of the store"
	}
	return theirs
}

// served is what buckets come to; there is at least one.
func served(list []bucket) decide.Allocation {
	weights, sum := map[string]int64{}, int64(0)
	var order []string
	for _, b := range list {
		if _, seen := weights[b.variant]; !seen {
			order = append(order, b.variant)
		}
		weights[b.variant] += b.weight
		sum += b.weight
	}
	covered := sum - weights[uncovered]
	a := decide.Allocation{Coverage: float64(covered) / float64(sum)}
	for _, variant := range order {
		if w := weights[variant]; w > 0 && variant != uncovered {
			a.Arms = append(a.Arms, decide.Arm{Variation: variant, Weight: float64(w) / float64(covered)})
		}
	}
	return a
}

// totals are the weights of an allocation by variation, uncovered among them;
// they sum to total.
func totals(a decide.Allocation, total int64) map[string]int64 {
	weights := map[string]int64{}
	for _, b := range layoutOf(a, total) {
		weights[b.variant] += b.weight
	}
	return weights
}

// missing says what a flag would need to serve an allocation.
func missing(variation, what string) string {
	if variation == uncovered {
		return fmt.Sprintf("units outside the coverage need %s of their own: one called %s with the value of the known-good variation", what, uncovered)
	}
	return fmt.Sprintf("variation %s is not %s", printable(variation), what)
}
