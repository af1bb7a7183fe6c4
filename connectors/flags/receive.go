package flags

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"assay/decide"
)

// What a receiver of webhooks needs: the other end of webhook.go and payload.go.

// MaxMessage bounds the body of a webhook, in bytes.
const MaxMessage = maxBody

// skew is how far the timestamp of a webhook may be from the receiver's clock.
const skew = 5 * time.Minute

// Faults of a webhook that is not to be believed.
var (
	ErrSignature = errors.New("the signature is not valid")
	ErrTimestamp = errors.New("the timestamp is more than 5 minutes from now")
)

// Verify tells whether a webhook was signed with one of the secrets, which are
// separated by white space, not long before or after now. Signatures are
// compared in constant time. Errors: ErrSignature, ErrTimestamp, or what is
// wrong with the secrets.
func Verify(secrets string, header http.Header, body []byte, now time.Time) error {
	keys, err := signers(secrets)
	if err != nil {
		return err
	}
	signed := false
	for _, key := range keys {
		// The library compares with the machine's clock; ours is a value.
		signed = key.VerifyIgnoringTimestamp(body, header) == nil || signed
	}
	if !signed {
		return ErrSignature
	}
	at, err := strconv.ParseInt(header.Get(standardwebhooks.HeaderWebhookTimestamp), 10, 64)
	if err != nil {
		return ErrSignature
	}
	if off := now.Sub(time.Unix(at, 0)); off > skew || off < -skew {
		return ErrTimestamp
	}
	return nil
}

// CheckSecrets tells what is wrong with secrets, which are separated by white
// space: each is whsec_ and the base64 of 24 to 64 bytes.
func CheckSecrets(secrets string) error {
	_, err := signers(secrets)
	return err
}

// ParseChange reads the body of a webhook. The error says what is wrong with it.
func ParseChange(body []byte) (Change, error) {
	var m message
	if err := json.Unmarshal(body, &m); err != nil {
		return Change{}, errors.New("the body is not a message")
	}
	d := m.Data
	c := Change{
		ID: d.ID, Experiment: d.Experiment, FlagKey: d.FlagKey, Expected: d.Expected.Allocation, Target: d.Target.Allocation,
		Verdict: d.Verdict, Reason: d.Reason, Metric: d.Metric, AsOf: d.AsOf, DecidedAt: d.DecidedAt,
		Proposal: d.Proposal, Prompts: d.Prompts,
	}
	if !strings.HasPrefix(m.Type, "assay.decision.") {
		return Change{}, fmt.Errorf("the type %s is not one of assay's", printable(m.Type))
	}
	for _, s := range d.Left {
		if err := valid(s.Allocation); err != nil {
			return c, fmt.Errorf("a state that may be left: %w", err)
		}
		c.Left = append(c.Left, s.Allocation)
	}
	return c, c.check()
}

// Digest is of what a change asks for: the same over its repetitions, which may
// know more of where the flag can be than the first did (Expected, Left).
func (c Change) Digest() string {
	data, err := json.Marshal([]any{c.ID, c.Experiment, c.FlagKey, c.Verdict, c.Proposal, c.Target})
	if err != nil {
		return "" // Numbers and strings always marshal.
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Compare tells whether a flag in this state is in the change's target already,
// and otherwise what forbids the change; "" = it may be applied.
func (c Change) Compare(state State) (reached bool, problem string) {
	if problem := standing(state, c); problem != "" {
		return false, problem
	}
	return state.Known && c.reached(state), ""
}

// Valid tells what is wrong with an allocation: shares outside [0,1], weights
// that do not sum to 1, variations without a name or with the same one.
func Valid(a decide.Allocation) error { return valid(a) }

// Sole is the variation that everybody gets, if everybody gets the same.
func Sole(a decide.Allocation) (variation string, ok bool) {
	for name, share := range shares(a) {
		if share >= 1-sumTolerance {
			return name, true
		}
	}
	if a.KnownGood != "" && allKnownGood(a, a.KnownGood, sumTolerance) {
		return a.KnownGood, true
	}
	return "", false
}

// Uncovered is the variant of units outside the coverage in flagd's format; it
// cannot be the name of a variation.
const Uncovered = uncovered

// Bucket is one entry of a fractional list in flagd's format.
type Bucket struct {
	Variant string
	Weight  int64 // all sum to 100,000
}

// Buckets is the fractional list of an allocation; no unit changes its arm when
// the coverage grows.
func Buckets(a decide.Allocation) []Bucket {
	var list []Bucket
	for _, b := range layout(a) {
		list = append(list, Bucket{b.variant, b.weight})
	}
	return list
}

// Edit sets one member of an object in a JSON text.
type Edit struct {
	Path  []string // of the object, from the root
	Name  string
	Value any
}

// EditJSON makes edits in a JSON text and keeps every other byte. The error says
// that a path leads nowhere or to what is no object.
func EditJSON(text []byte, edits ...Edit) ([]byte, error) {
	for _, e := range edits {
		var err error
		if text, err = set(text, e.Path, e.Name, indented(e.Value)); err != nil {
			return nil, err
		}
	}
	return text, nil
}

// indented is a value with structure, in the style of its place.
func indented(v any) writer {
	return func(s style) []byte {
		if s.newline == "" {
			return literal(v)(s)
		}
		data, err := json.MarshalIndent(v, s.indent, s.unit)
		if err != nil {
			return []byte("null") // Numbers, strings and maps of them always marshal.
		}
		return []byte(strings.ReplaceAll(string(data), "\n", s.newline))
	}
}

// SyncFolder makes a new name in a folder durable.
func SyncFolder(dir string) error { return syncFolder(dir) }
