package ledger_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"assay/ledger"
)

// bigLedger writes n looks of about 50 kB and returns the path and its bytes.
// Syncing ten thousand records one by one would be all that is measured, so
// one look is appended and the rest is chained by the definition of the form.
func bigLedger(b *testing.B, n int) (string, int64) {
	b.Helper()
	dir := b.TempDir()
	first := look("x", 1)
	first.Spec.Variations = []ledger.Variation{{Prompt: &ledger.Prompt{Template: strings.Repeat("Answer in one sentence. ", 2000)}}}
	seed := filepath.Join(dir, "seed.jsonl")
	mustAppend(b, open(b, seed), 1, first)
	line := string(readFile(b, seed))
	path := filepath.Join(dir, "ledger.jsonl")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	out := bufio.NewWriterSize(f, 1<<20)
	prev := ""
	for i := range n {
		next := []byte(line)
		if i > 0 {
			next = reseal([]byte(strings.Replace(line, `"seq":1,`, fmt.Sprintf(`"seq":%d,`, i+1), 1)), prevOf(line), prev)
		}
		prev = string(next[len(next)-67 : len(next)-3])
		_, _ = out.Write(next)
	}
	if err := out.Flush(); err != nil {
		b.Fatal(err)
	}
	size, _ := f.Seek(0, 1)
	_ = f.Close()
	if _, err := ledger.Reseal(path); err != nil {
		b.Fatal(err)
	}
	return path, size
}

func prevOf(line string) string {
	i := strings.LastIndex(line, `,"prev":"`) + len(`,"prev":"`)
	return line[i : i+64]
}

// BenchmarkOpen opens 10,000 looks and says how much memory the open ledger
// keeps.
func BenchmarkOpen(b *testing.B) {
	path, size := bigLedger(b, 10_000)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	b.SetBytes(size)
	b.ResetTimer()
	var l *ledger.Ledger
	for range b.N {
		if l != nil {
			_ = l.Close()
		}
		var err error
		if l, err = ledger.OpenReadOnly(path); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric((float64(after.HeapAlloc)-float64(before.HeapAlloc))/(1<<20), "MiB-kept")
	if last, err := l.LastLook("x"); err != nil || last.Seq != 10_000 {
		b.Fatal(last, err)
	}
	_ = l.Close()
}

// BenchmarkLastLook decodes one look of 50 kB out of 1,000.
func BenchmarkLastLook(b *testing.B) {
	path, _ := bigLedger(b, 1000)
	l, err := ledger.OpenReadOnly(path)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	for b.Loop() {
		if _, err := l.LastLook("x"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAppend is one look of 50 kB, synced, with its head.
func BenchmarkAppend(b *testing.B) {
	l := open(b, filepath.Join(b.TempDir(), "ledger.jsonl"))
	k := look("x", 1)
	k.Spec.Description = strings.Repeat("Answer in one sentence. ", 2000)
	for b.Loop() {
		mustAppend(b, l, 1, k)
	}
}

// BenchmarkOpenTable opens 1,000 looks of 50 kB that are kept in a table, as every
// run does.
func BenchmarkOpenTable(b *testing.B) {
	path, size := bigLedger(b, 1000)
	from, err := ledger.OpenReadOnly(path)
	if err != nil {
		b.Fatal(err)
	}
	table := sharedTable(warehouse(b, filepath.Join(b.TempDir(), "w.duckdb")))
	to := mustOpen(b, table)
	if _, err := ledger.Copy(from, to); err != nil {
		b.Fatal(err)
	}
	_ = to.Close()
	b.SetBytes(size)
	for b.Loop() {
		l, err := ledger.OpenTableReadOnly(b.Context(), table)
		if err != nil {
			b.Fatal(err)
		}
		_ = l.Close()
	}
}

// BenchmarkAppendTable is one look of 50 kB in a table: the transaction, and
// reading back that it is there.
func BenchmarkAppendTable(b *testing.B) {
	l := mustOpen(b, sharedTable(warehouse(b, filepath.Join(b.TempDir(), "w.duckdb"))))
	k := look("x", 1)
	k.Spec.Description = strings.Repeat("Answer in one sentence. ", 2000)
	for b.Loop() {
		mustAppend(b, l, 1, k)
	}
}
