package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// genesis is what the first record has as prev: the SHA-256 of
// "assay ledger, format 1".
const genesis = "620fa11758bc3ac542d4016d17c9cbf1e0ea1d7da9ea072752215004455a312c"

// A line has two ends of known length: the link to the record before it and
// the seal.
const (
	digestLen = 2 * sha256.Size
	linkOpen  = `,"prev":"`
	sealOpen  = `,"hash":"`
	linkLen   = len(linkOpen) + digestLen + len(`"`)
	sealLen   = len(sealOpen) + digestLen + len(`"}`)
)

// record is one line of the ledger. Its canonical form is compact JSON with
// exactly these members in this order, followed by the member hash and a
// newline. The hash is the lower-case hexadecimal SHA-256 of the line as it
// would read without the member hash and the newline, so it covers prev and
// with it the whole file up to there.
type record struct {
	Seq        int64           `json:"seq"` // from 1, without gaps
	Kind       string          `json:"kind"`
	At         string          `json:"at"` // RFC 3339 with nanoseconds, UTC
	Experiment string          `json:"experiment"`
	Body       json.RawMessage `json:"body"`
	Prev       string          `json:"prev"`
}

// sealed is a record with its line, newline included, and its hash.
type sealed struct {
	record
	line []byte
	hash string
}

func (r record) seal() (sealed, error) {
	line, err := json.Marshal(r)
	if err != nil {
		return sealed{}, fmt.Errorf("encode record %d: %w", r.Seq, err)
	}
	sum := sha256.Sum256(line)
	s := sealed{record: r, hash: hex.EncodeToString(sum[:])}
	line = append(line[:len(line)-1], sealOpen...)
	line = append(line, s.hash...)
	s.line = append(line, '"', '}', '\n')
	return s, nil
}

// unseal checks a line, given without its newline, against its own hash and
// reads its envelope; the body shares the line's memory. The error says what
// is wrong and nothing else.
func unseal(line []byte) (r record, digest string, err error) {
	if len(line) < linkLen+sealLen {
		return r, "", errors.New("it is too short for a record")
	}
	open, seal := line[:len(line)-sealLen], line[len(line)-sealLen:]
	digest = digestOf(open)
	if string(seal) != sealOpen+digest+`"}` {
		return r, "", errors.New("its hash does not fit its content")
	}
	front, link := open[:len(open)-linkLen], open[len(open)-linkLen:]
	r, err = envelope(front)
	r.Prev = string(link[len(linkOpen) : linkLen-1])
	return r, digest, err
}

// digestOf is the hash of a line whose bytes before the seal are open.
func digestOf(open []byte) string {
	h := sha256.New()
	h.Write(open)
	h.Write([]byte{'}'})
	return hex.EncodeToString(h.Sum(nil))
}

// envelope reads the members before prev without parsing the body, which is
// nearly all of the line.
func envelope(front []byte) (record, error) {
	var r record
	dec := json.NewDecoder(bytes.NewReader(front))
	if _, err := dec.Token(); err != nil {
		return r, errors.New("it is not a record")
	}
	fields := []struct {
		name string
		into any
	}{{"seq", &r.Seq}, {"kind", &r.Kind}, {"at", &r.At}, {"experiment", &r.Experiment}}
	for _, f := range fields {
		if name, err := dec.Token(); err != nil || name != f.name {
			return r, fmt.Errorf("it has no member %s where one belongs", f.name)
		}
		if err := dec.Decode(f.into); err != nil {
			return r, fmt.Errorf("its member %s is not readable", f.name)
		}
	}
	const bodyOpen = `,"body":`
	rest := front[dec.InputOffset():]
	if !bytes.HasPrefix(rest, []byte(bodyOpen)) {
		return r, errors.New("it has no body where one belongs")
	}
	r.Body = rest[len(bodyOpen):]
	return r, nil
}

// bodyOffset is where the body of a record lies whose line, without its
// newline, starts at start.
func bodyOffset(start int64, line int, body int64) int64 {
	return start + int64(line-sealLen-linkLen) - body
}

// stamp is an instant as records carry it.
func stamp(at time.Time) string { return at.UTC().Format(time.RFC3339Nano) }
