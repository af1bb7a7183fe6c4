package flags

import (
	"bytes"
	"context"
	"encoding/base64"
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

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"assay/connectors/outbound"
	"assay/decide"
	"assay/spec"
)

const (
	maxAnswer = 64 << 10 // bytes that are read of any answer
	flagInURL = "{flag}"
)

// webhook sends changes as Standard Webhooks 1.0.0 to a receiver that applies
// them, and reads the state from where the receiver shows it, if it does.
type webhook struct {
	name          string
	client        *http.Client
	url, stateURL spec.Secret
	// Several secrets give several signatures: the receiver changes over while
	// both are valid.
	signers []*standardwebhooks.Webhook
	private []spec.Secret // what must never be shown
	now     func() time.Time
	agent   string
}

func openWebhook(name string, cfg spec.FlagStore, dir string, opts Options) (Store, error) {
	secret, err := signingSecret(cfg, dir)
	if err != nil {
		return nil, err
	}
	w := &webhook{
		name: name, client: opts.client(cfg), now: opts.Now, agent: opts.agent(),
		url: cfg.URL, stateURL: cfg.StateURL, private: []spec.Secret{cfg.URL},
	}
	if w.signers, err = signers(secret); err != nil {
		return nil, err
	}
	if err := checkURL("url", w.url); err != nil {
		return nil, err
	}
	for _, s := range strings.Fields(secret) {
		w.private = append(w.private, spec.NewSecret(s))
	}
	if w.stateURL.IsZero() {
		return w, nil
	}
	w.private = append(w.private, w.stateURL)
	return w, checkURL("state_url", w.stateURL)
}

// signingSecret is the secret itself, which spec has read already where a
// project names a file.
func signingSecret(cfg spec.FlagStore, dir string) (string, error) {
	switch {
	case !cfg.Secret.IsZero():
		return cfg.Secret.Reveal(), nil
	case cfg.SecretFile == "":
		return "", errors.New("one of secret and secret_file is needed")
	}
	path := cfg.SecretFile
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("secret_file: %w", err)
	}
	return string(data), nil
}

// signers reads one or more secrets, separated by white space.
func signers(secrets string) ([]*standardwebhooks.Webhook, error) {
	const least, most = 24, 64
	var all []*standardwebhooks.Webhook
	for _, secret := range strings.Fields(secrets) {
		encoded, ok := strings.CutPrefix(secret, "whsec_")
		key, err := base64.StdEncoding.DecodeString(encoded)
		if !ok || err != nil || len(key) < least || len(key) > most {
			return nil, fmt.Errorf("the signing secret is not whsec_ and the base64 of %d to %d bytes", least, most)
		}
		signer, err := standardwebhooks.NewWebhookRaw(key)
		if err != nil {
			return nil, errors.New("the signing secret cannot be used")
		}
		all = append(all, signer)
	}
	if len(all) == 0 {
		return nil, errors.New("the signing secret is empty")
	}
	return all, nil
}

func checkURL(field string, address spec.Secret) error {
	u, err := url.Parse(address.Reveal())
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("%s is not an http or https address", field)
	}
	return nil
}

// Name implements Store.
func (w *webhook) Name() string { return w.name }

// Read implements Store.
func (w *webhook) Read(ctx context.Context, flagKey string) (State, error) {
	if w.stateURL.IsZero() {
		return State{Untold: true, Message: "no state_url"}, nil
	}
	if flagKey == "." || flagKey == ".." {
		return State{}, w.fail(ErrRefused, "the flag's key cannot stand in an address")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, stateAddress(w.stateURL.Reveal(), flagKey), nil)
	if err != nil {
		return State{}, w.fail(ErrRefused, "the flag's key cannot stand in an address")
	}
	request.Header.Set("Accept", "application/json")
	answer, err := w.send(request)
	if err != nil {
		return State{}, err
	}
	return w.parse(answer)
}

// stateAddress puts the flag's key into the address: into the path or the
// query, escaped for where it stands.
func stateAddress(address, flagKey string) string {
	path, query, has := strings.Cut(address, "?")
	path = strings.ReplaceAll(path, flagInURL, url.PathEscape(flagKey))
	if !has {
		return path
	}
	return path + "?" + strings.ReplaceAll(query, flagInURL, url.QueryEscape(flagKey))
}

// parse reads the answer of state_url: an allocation, and optionally the unit
// that the receiver rounds shares to.
func (w *webhook) parse(answer []byte) (State, error) {
	var told struct {
		Coverage  *float64     `json:"coverage"`
		Arms      []decide.Arm `json:"arms"`
		KnownGood string       `json:"knownGood"`
		Unit      float64      `json:"unit"`
	}
	if json.Unmarshal(answer, &told) != nil || told.Coverage == nil {
		return State{}, w.fail(ErrUnavailable, "the answer of state_url is not a state")
	}
	a := decide.Allocation{Coverage: *told.Coverage, Arms: told.Arms, KnownGood: told.KnownGood}
	if err := valid(a); err != nil {
		return State{}, w.fail(ErrUnavailable, "the answer of state_url is not a state: "+err.Error())
	}
	if betrayed(w.private, names(a)...) {
		return State{}, w.fail(ErrUnavailable, "the answer of state_url names a secret")
	}
	return State{Allocation: &a, Known: true, Unit: min(max(told.Unit, defaultUnit), coarsestUnit)}, nil
}

// Apply implements Store: it posts the change or the proposal.
func (w *webhook) Apply(ctx context.Context, change Change) error {
	body, err := encode(change)
	if err != nil {
		return w.fail(ErrRefused, err.Error())
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url.Reveal(), bytes.NewReader(body))
	if err != nil {
		return w.fail(ErrRefused, "url is not an address")
	}
	// The client library would repeat a request with an Idempotency-Key by itself,
	// with the old timestamp; a repetition is an attempt of its own.
	request.GetBody = nil
	if err := w.sign(request.Header, change.ID, body); err != nil {
		return w.fail(ErrRefused, "the change cannot be signed")
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", change.ID)
	_, err = w.send(request)
	return err
}

func (w *webhook) sign(header http.Header, id string, body []byte) error {
	at := w.now()
	var signatures []string
	for _, signer := range w.signers {
		signature, err := signer.Sign(id, at, body)
		if err != nil {
			return err
		}
		signatures = append(signatures, signature)
	}
	header.Set(standardwebhooks.HeaderWebhookID, id)
	header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	header.Set(standardwebhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	return nil
}

// send makes one request and returns the body of a 2xx answer. What the client
// library says about a failure names the address, so none of it is passed on.
func (w *webhook) send(request *http.Request) ([]byte, error) {
	request.Header.Set("User-Agent", w.agent)
	answer, err := outbound.Send(w.client, request, maxAnswer)
	if err != nil {
		return nil, w.fail(unreached(err), outbound.Trouble(request.Context(), err))
	}
	if err := w.judge(request.Method, answer); err != nil {
		return nil, err
	}
	switch {
	case request.Method == http.MethodPost: // Accepted; what else the answer says does not matter.
		return nil, nil
	case answer.Lost != nil:
		return nil, w.fail(ErrUnavailable, outbound.Trouble(request.Context(), answer.Lost))
	case answer.Cut:
		return nil, w.fail(ErrUnavailable, "the answer of state_url is too large")
	}
	return answer.Body, nil
}

// statuses is what single statuses mean; classes are in judge. Of a state that
// is asked for, 404 and 410 say that the flag is not there.
var statuses = map[string]map[int]error{
	http.MethodPost: {
		http.StatusUnauthorized:       ErrAuth,
		http.StatusForbidden:          ErrAuth,
		http.StatusRequestTimeout:     ErrUnavailable,
		http.StatusConflict:           ErrConflict,
		http.StatusGone:               ErrDisabled,
		http.StatusPreconditionFailed: ErrConflict,
		http.StatusTooEarly:           ErrUnavailable,
		http.StatusTooManyRequests:    ErrRateLimited,
	},
	http.MethodGet: {
		http.StatusUnauthorized:    ErrAuth,
		http.StatusForbidden:       ErrAuth,
		http.StatusNotFound:        ErrNotFound,
		http.StatusRequestTimeout:  ErrUnavailable,
		http.StatusGone:            ErrNotFound,
		http.StatusTooEarly:        ErrUnavailable,
		http.StatusTooManyRequests: ErrRateLimited,
	},
}

// judge turns any status but 2xx into an error.
func (w *webhook) judge(method string, answer outbound.Answer) error {
	status := answer.Status
	if status/100 == 2 {
		return nil
	}
	kind, known := statuses[method][status]
	if !known {
		kind = ErrRefused
		if status >= http.StatusInternalServerError {
			kind = ErrUnavailable
		}
	}
	detail := inWords(status)
	if status/100 == 3 {
		detail += "; redirects are not followed"
	}
	e := &Error{Store: w.name, Kind: kind, Detail: detail}
	if e.Retryable() {
		e.RetryAfter = answer.RetryAfter(w.now())
	}
	return e
}

func (w *webhook) fail(kind error, detail string) error {
	return &Error{Store: w.name, Kind: kind, Detail: detail}
}
