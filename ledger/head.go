package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// head is the last record the file is known to have reached. It lies in its
// own file because a log that was cut off at the end of a line is still a
// valid chain. It is written after its record, so it may be one behind and is
// never ahead.
type head struct {
	Seq  int64  `json:"seq"`
	Hash string `json:"hash"`
}

func headPath(path string) string { return path + ".head" }

// readHead returns the zero head where there is no file.
func readHead(path string) (head, error) {
	data, err := os.ReadFile(headPath(path))
	if errors.Is(err, fs.ErrNotExist) {
		return head{}, nil
	}
	if err != nil {
		return head{}, fmt.Errorf("head of ledger %s: %w", path, err)
	}
	var h head
	if json.Unmarshal(data, &h) != nil || h.Seq < 1 || len(h.Hash) != digestLen || string(data) != string(h.line()) {
		return head{}, &TamperError{Path: path, Problem: "its head file is damaged"}
	}
	return h, nil
}

func (h head) line() []byte { return fmt.Appendf(nil, `{"seq":%d,"hash":%q}`+"\n", h.Seq, h.Hash) }

// writeHead replaces the head in one step; when it returns the new one is on
// the disk. at, unless it is nil, is called before that step.
func writeHead(path string, h head, at func(instant string)) error {
	next := headPath(path) + ".next"
	if err := writeSynced(next, h.line()); err != nil {
		return fmt.Errorf("head of ledger %s: %w", path, err)
	}
	if at != nil {
		at("ledger-head-rename")
	}
	if err := os.Rename(next, headPath(path)); err != nil {
		return fmt.Errorf("head of ledger %s: %w", path, err)
	}
	return syncFolder(filepath.Dir(path))
}

func writeSynced(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, filePerm)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

// syncFolder makes names in a folder durable. Windows has no such call and
// needs none.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// heads says in whose words a head is compared with its chain.
type heads struct {
	place string // of the ledger
	of    string // what the lines are in
	by    string // what the head is in
	lag   int64  // how many records the head may be behind
}

func headFile(path string) heads { return heads{place: path, of: "file", by: "head file", lag: 1} }

// fits compares the chain with the head as it was before and after the chain
// was read; a writer may have been at work in between.
func (h head) fits(c *chain, after head, at heads) error {
	if last := int64(len(c.entries)); h.Seq > last {
		return &TamperError{
			Path: at.place, Record: last + 1,
			Problem: fmt.Sprintf("it is missing: the %s once reached record %d", at.of, h.Seq),
		}
	}
	if last := int64(len(c.entries)); last > after.Seq+at.lag {
		return &TamperError{
			Path: at.place, Record: after.Seq + at.lag + 1,
			Problem: fmt.Sprintf("the %s knows only %d records (reseal accepts a chain that was restored from a copy)", at.by, after.Seq),
		}
	}
	if h.Seq > 0 && c.entries[h.Seq-1].hash != h.Hash {
		return &TamperError{Path: at.place, Record: h.Seq, Problem: fmt.Sprintf("it is not the record that the %s names", at.by)}
	}
	return nil
}
