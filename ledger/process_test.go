package ledger_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/ledger"
)

// childEnv names what this binary does instead of testing; childFile is the
// ledger it works on.
const (
	childEnv  = "LEDGER_TEST_CHILD"
	childFile = "LEDGER_TEST_FILE"
	// childInstant is where a child dies, or its number.
	childInstant = "LEDGER_TEST_INSTANT"
)

func TestMain(m *testing.M) {
	role := os.Getenv(childEnv)
	if role == "" {
		os.Exit(m.Run())
	}
	roles := map[string]func(string) error{"hold": hold, "append": appendForever, "tryopen": tryOpen, "die": die, "holdtable": holdTable, "contend": contend}
	if err := roles[role](os.Getenv(childFile)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// hold keeps the ledger open until its standard input ends.
func hold(path string) error {
	l, err := ledger.Open(path)
	if err != nil {
		return err
	}
	fmt.Println("open")
	_, _ = io.Copy(io.Discard, os.Stdin)
	return l.Close()
}

// die writes one record to a table, and dies at an instant of the next.
func die(path string) error {
	table := briefTable(path, false)
	armed := false
	table.At = func(instant string) {
		if armed && instant == os.Getenv(childInstant) {
			self, _ := os.FindProcess(os.Getpid())
			_ = self.Kill()
			select {}
		}
	}
	l, err := ledger.OpenTable(context.Background(), table)
	if err != nil {
		return err
	}
	err = l.Append(at(1), look("x", 1))
	armed = true
	return errors.Join(err, l.Append(at(2), look("x", 2)))
}

// holdTable is hold of a table.
func holdTable(path string) error {
	l, err := ledger.OpenTable(context.Background(), briefTable(path, false))
	if err != nil {
		return err
	}
	fmt.Println("open")
	_, _ = io.Copy(io.Discard, os.Stdin)
	return l.Close()
}

// contend opens a table again and again until it has written two records.
func contend(path string) error {
	n := os.Getenv(childInstant)
	for written := 0; written < 2; {
		l, err := ledger.OpenTable(context.Background(), briefTable(path, false))
		if errors.Is(err, ledger.ErrLocked) {
			time.Sleep(50 * time.Millisecond)
			continue
		}
		if err != nil {
			return err
		}
		if err := errors.Join(l.Append(at(written), look("x"+n, written)), l.Close()); err != nil {
			return err
		}
		written++
	}
	return nil
}

func tryOpen(path string) error {
	l, err := ledger.Open(path)
	if errors.Is(err, ledger.ErrLocked) {
		fmt.Println("locked")
		return nil
	}
	if err != nil {
		return err
	}
	fmt.Println("open")
	return l.Close()
}

// appendForever says the number of each record once it is acknowledged.
func appendForever(path string) error {
	l, err := ledger.Open(path)
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		k := look("x", i)
		k.Spec.Description = strings.Repeat("long ", i%7*1000)
		if err := l.Append(at(i), k); err != nil {
			return err
		}
		last, err := l.LastLook("x")
		if err != nil {
			return err
		}
		fmt.Println(last.Seq)
	}
}

func child(t *testing.T, role, path string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), self)
	c.Env = append(os.Environ(), childEnv+"="+role, childFile+"="+path)
	c.Stderr = os.Stderr
	return c
}

func TestLockAcrossProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.jsonl")
	holder := child(t, "hold", path)
	in, _ := holder.StdinPipe()
	out, _ := holder.StdoutPipe()
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if word, _ := bufio.NewReader(out).ReadString('\n'); word != "open\n" {
		t.Fatalf("the holder said %q", word)
	}
	if _, err := ledger.Open(path); !errors.Is(err, ledger.ErrLocked) {
		t.Errorf("open while another process holds it: %v", err)
	}
	if _, err := ledger.Reseal(path); !errors.Is(err, ledger.ErrLocked) {
		t.Errorf("reseal while another process holds it: %v", err)
	}
	if err := ledger.Verify(path); err != nil {
		t.Errorf("reading needs no lock: %v", err)
	}
	if word, err := child(t, "tryopen", path).Output(); string(word) != "locked\n" || err != nil {
		t.Errorf("a third process said %q, %v", word, err)
	}
	_ = in.Close()
	if err := holder.Wait(); err != nil {
		t.Fatal(err)
	}
	if word, err := child(t, "tryopen", path).Output(); string(word) != "open\n" || err != nil {
		t.Errorf("after the holder ended: %q, %v", word, err)
	}
	l := open(t, path)
	if _, err := ledger.Open(path); !errors.Is(err, ledger.ErrLocked) {
		t.Errorf("open twice in one process: %v", err)
	}
	_ = l.Close()
}

// TestKill ends a writer with no warning, over and over on the same file. No
// record that was acknowledged may be lost, and at most one that was not may
// have been kept.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.jsonl")
	random := rand.New(rand.NewPCG(5, 6))
	rounds := 25
	if testing.Short() {
		rounds = 5
	}
	var acknowledged, heard, total, torn int64
	for range rounds {
		c := child(t, "append", path)
		out, _ := c.StdoutPipe()
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		// It is killed some time after its first record: how long a process takes to
		// begin is the machine's, and the race detector's.
		kill := func() { _ = c.Process.Kill() }
		mute := time.AfterFunc(time.Minute, kill)
		said := bufio.NewScanner(out)
		for first := true; said.Scan(); first = false {
			_, _ = fmt.Sscan(said.Text(), &acknowledged)
			heard++
			if first {
				time.AfterFunc(time.Duration(random.IntN(60))*time.Millisecond, kill)
			}
		}
		mute.Stop()
		if err := c.Wait(); c.ProcessState.ExitCode() != -1 {
			t.Fatalf("the writer ended by itself: %v", err)
		}
		l, err := ledger.Open(path)
		if err != nil {
			t.Fatalf("after %d acknowledged records: %v", acknowledged, err)
		}
		if l.Recovered != "" {
			torn++
		}
		total = 0
		for e, err := range l.Looks("x") {
			if err != nil {
				t.Fatal(err)
			}
			if total++; e.Seq != total {
				t.Fatalf("record %d stands where %d belongs", e.Seq, total)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if total < acknowledged || total > acknowledged+1 {
			t.Fatalf("%d records, %d of them acknowledged", total, acknowledged)
		}
		acknowledged = total // The next round begins there, heard of or not.
	}
	if heard < int64(rounds) {
		t.Errorf("%d records were acknowledged in %d rounds", heard, rounds)
	}
	t.Logf("%d kills, %d records, %d torn ends", rounds, total, torn)
}
