package serve

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"assay/connectors/flags"
	"assay/decide"
)

// Who changed a flag.
const (
	ByAssay  = "assay"
	ByPerson = "person"
	ByServer = "server"
)

// What an entry of the audit log is about.
const (
	Decided  = "decision"  // assay changed the flag
	Proposed = "proposal"  // assay proposed a change; nothing was changed
	WasSet   = "set"       // a person changed it with assay flags set
	Edited   = "edit"      // a person changed the file
	Found    = "found"     // it was there when the log began
	Repaired = "recovered" // a decision was in the file and not in the log
)

// Entry is one line of the audit log.
type Entry struct {
	At      time.Time `json:"at"`
	By      string    `json:"by"`
	User    string    `json:"user,omitempty"` // of the machine, where it is known
	What    string    `json:"what"`
	Flag    string    `json:"flag,omitempty"`
	Segment string    `json:"segment,omitempty"`
	// The decision: its webhook's id, the SHA-256 of its body, and what it said.
	ID         string             `json:"id,omitempty"`
	Digest     string             `json:"digest,omitempty"`
	Experiment string             `json:"experiment,omitempty"`
	Verdict    decide.Verdict     `json:"verdict,omitempty"`
	Target     *decide.Allocation `json:"target,omitempty"` // what a proposal proposes
	Reason     string             `json:"reason,omitempty"`
	// Before and After are the whole flag or segment; absent where it was not
	// there.
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

// key names what an entry is about.
func (e Entry) key() string {
	if e.Segment != "" {
		return segmentKey(e.Segment)
	}
	return flagKey(e.Flag)
}

func flagKey(name string) string    { return "flag/" + name }
func segmentKey(name string) string { return "segment/" + name }

// auditLog is a file of entries, one a line, only ever appended to.
type auditLog struct {
	path   string
	offset int64 // how far it was read
	line   int
}

// catchUp reads the entries that are new, whoever wrote them, under the lock. A
// last line without its end was torn off by a crash: it is cut away. A line that
// is no entry is told to strange.
func (l *auditLog) catchUp(each func(Entry), strange func(line int, what string)) error {
	file, err := os.Open(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		l.offset, l.line = 0, 0
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.Size() < l.offset {
		l.offset, l.line = 0, 0 // Somebody began a new log.
	}
	text, err := io.ReadAll(io.NewSectionReader(file, l.offset, info.Size()-l.offset))
	if err != nil {
		return err
	}
	whole := bytes.LastIndexByte(text, '\n') + 1
	for line := range bytes.Lines(text[:whole]) {
		l.line++
		var e Entry
		if json.Unmarshal(line, &e) != nil || e.What == "" {
			strange(l.line, "no entry of an audit log")
			continue
		}
		each(e)
	}
	l.offset += int64(whole)
	if whole == len(text) {
		return nil
	}
	strange(l.line+1, "torn off by a crash; it was cut away")
	return os.Truncate(l.path, l.offset)
}

// append writes entries in one piece and makes them durable. After an error
// nothing of them counts.
func (l *auditLog) append(entries []Entry) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	for _, e := range entries {
		if err := enc.Encode(e); err != nil {
			return err
		}
	}
	_, statErr := os.Stat(l.path)
	file, err := os.OpenFile(l.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(b.Bytes())
	if err = errors.Join(err, file.Sync()); err != nil {
		return errors.Join(err, file.Truncate(l.offset), file.Close())
	}
	if err := file.Close(); err != nil {
		return err
	}
	l.offset += int64(b.Len())
	l.line += len(entries)
	if errors.Is(statErr, fs.ErrNotExist) {
		return flags.SyncFolder(filepath.Dir(l.path))
	}
	return nil
}

// How many ids of deliveries are remembered, and how long. One that is forgotten
// is still held against the state of the flag.
const (
	maxRemembered = 10_000
	maxAge        = 90 * 24 * time.Hour
)

// memory is the ids of deliveries that were taken.
type memory struct {
	taken map[string]remembered
	order []string // by when they were taken
}

type remembered struct {
	at     time.Time
	digest string
}

func (m *memory) add(e Entry) {
	if e.ID == "" {
		return
	}
	if m.taken == nil {
		m.taken = map[string]remembered{}
	}
	if _, again := m.taken[e.ID]; !again {
		m.order = append(m.order, e.ID)
	}
	m.taken[e.ID] = remembered{e.At, e.Digest}
	for len(m.order) > maxRemembered || e.At.Sub(m.taken[m.order[0]].at) > maxAge {
		delete(m.taken, m.order[0])
		m.order = m.order[1:]
	}
}

// ReadLog reads an audit log from its start; a last line without its end is
// still being written, or torn. The error is one of the file; a line that is no
// entry is one as well.
func ReadLog(path string, each func(Entry)) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var strange error
	n := 0
	for line := range bytes.Lines(text[:bytes.LastIndexByte(text, '\n')+1]) {
		n++
		var e Entry
		if json.Unmarshal(line, &e) != nil || e.What == "" {
			strange = errors.Join(strange, fmt.Errorf("%s:%d: no entry of an audit log", path, n))
			continue
		}
		each(e)
	}
	return strange
}
