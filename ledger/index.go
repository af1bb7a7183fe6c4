package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// entry is what stays in memory of one record; its body is decoded on demand.
type entry struct {
	seq            int64
	offset, length int64 // of the body in the file
	kind           string
	at             time.Time
	experiment     string
	hash           string
	// look is the id of a look; owed are its deliveries.
	look   string
	glance Glance
	owed   []owed
	// attempt is kept of an attempt.
	attempt *attempted
	// notice is the id of a notice; told is kept of an attempt to tell one, whose id
	// is in it.
	notice string
	told   *attempted
}

// owed is a delivery as far as the outbox needs it to find it.
type owed struct {
	id, store string
	asOf      time.Time
}

// attempted is an attempt at a delivery or at telling a notice.
type attempted struct {
	delivery string
	terminal bool
	next     time.Time
}

// indexers read from a body what the index keeps of its kind.
var indexers = map[string]func(*entry, []byte) error{
	kindPlan:     indexNothing,
	kindLook:     indexLook,
	kindAttempt:  indexAttempt,
	kindObserved: indexNothing,
	kindClear:    indexNothing,
	kindApproval: indexDebt,
	kindNotice:   indexNotice,
	kindTold:     indexTold,
}

// index makes the entry of a record; hash and offset are the caller's. The
// entry shares no memory with the record's body.
func index(r record) (entry, error) {
	at, err := time.Parse(time.RFC3339Nano, r.At)
	if err != nil || r.At != stamp(at) {
		return entry{}, errors.New("its instant is not RFC 3339 in UTC")
	}
	e := entry{seq: r.Seq, length: int64(len(r.Body)), kind: r.Kind, at: at.UTC(), experiment: r.Experiment}
	read, ok := indexers[r.Kind]
	if !ok {
		return entry{}, errNewer
	}
	if err := read(&e, r.Body); err != nil {
		return entry{}, fmt.Errorf("its body is not a %s: %w", r.Kind, err)
	}
	return e, nil
}

func indexNothing(*entry, []byte) error { return nil }

// indexLook avoids decoding the tens of kilobytes of a look: the id comes
// first, and few looks owe anything. Quotes inside strings are escaped, so the
// key below cannot hide in one; where it is a key of something else, decoding
// finds no deliveries.
func indexLook(e *entry, body []byte) error {
	id, err := firstMember(body, "id")
	if err != nil {
		return err
	}
	e.look, e.glance = id, glanceOf(body)
	if !bytes.Contains(body, []byte(`"deliveries":[`)) {
		return nil
	}
	return indexDebt(e, body)
}

// indexDebt keeps the deliveries that are owed.
func indexDebt(e *entry, body []byte) error {
	var part struct {
		AsOf       time.Time
		Deliveries []struct{ ID, Store string }
	}
	if err := json.Unmarshal(body, &part); err != nil {
		return err
	}
	for _, d := range part.Deliveries {
		e.owed = append(e.owed, owed{id: d.ID, store: d.Store, asOf: part.AsOf})
	}
	return nil
}

// firstMember reads a string that is the first member of an object.
func firstMember(object []byte, name string) (string, error) {
	dec := json.NewDecoder(bytes.NewReader(object))
	var tokens [3]json.Token
	for i := range tokens {
		token, err := dec.Token()
		if err != nil {
			return "", err
		}
		tokens[i] = token
	}
	value, ok := tokens[2].(string)
	if tokens[0] != json.Delim('{') || tokens[1] != name || !ok {
		return "", fmt.Errorf("member %s does not come first", name)
	}
	return value, nil
}

func indexAttempt(e *entry, body []byte) error {
	var a Attempt
	if err := json.Unmarshal(body, &a); err != nil {
		return err
	}
	e.attempt = &attempted{delivery: a.Delivery, terminal: a.Terminal(), next: a.NextTry}
	return nil
}
