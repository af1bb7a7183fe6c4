//go:build unix

package ledger_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"assay/ledger"
)

// limitFiles makes the system refuse to let any file grow beyond size bytes,
// and returns what takes the limit away.
func limitFiles(t *testing.T, size int) (lift func()) {
	t.Helper()
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	limit := old
	limit.Cur = uint64(size)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	lift = func() { _ = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old) }
	t.Cleanup(lift)
	return lift
}

// TestNoRoom has the system cut a write short in the middle of a line.
func TestNoRoom(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.jsonl")
	l := open(t, path)
	mustAppend(t, l, 1, look("x", 1))
	before := readFile(t, path)
	big := look("x", 2)
	big.Spec.Description = strings.Repeat("long ", 1000)
	lift := limitFiles(t, len(before)+700)
	for range 2 {
		if err := l.Append(at(2), big); err == nil {
			t.Fatal("a record that does not fit was acknowledged")
		}
		if !bytes.Equal(readFile(t, path), before) {
			t.Fatal("half a record was left behind")
		}
	}
	lift()
	mustAppend(t, l, 2, big)
	_ = l.Close()
	if err := ledger.Verify(path); err != nil {
		t.Error(err)
	}
}

// TestNoRoomForHead lets the record through and not its head: the record
// counts, and the next one waits until the head can follow.
func TestNoRoomForHead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.jsonl")
	l := open(t, path)
	mustAppend(t, l, 1, look("x", 1))
	// A folder in the way of the new head fails the head and nothing else.
	block(t, path+".head.next")
	mustAppend(t, l, 2, look("x", 2))
	if err := ledger.Verify(path); err != nil {
		t.Errorf("one record ahead of the head: %v", err)
	}
	if err := l.Append(at(3), look("x", 3)); err == nil {
		t.Fatal("a second record was written ahead of the head")
	}
	unblock(t, path+".head.next")
	mustAppend(t, l, 3, look("x", 3))
	_ = l.Close()
	if err := ledger.Verify(path); err != nil {
		t.Error(err)
	}
	if n := bytes.Count(readFile(t, path), []byte("\n")); n != 3 {
		t.Errorf("%d records, want 3", n)
	}
}

func block(t *testing.T, path string) {
	t.Helper()
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
}

func unblock(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}
