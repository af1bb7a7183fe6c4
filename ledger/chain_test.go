package ledger_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/ledger"
)

const records = 6

// sample writes a small ledger and returns its path.
func sample(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger.jsonl")
	l := open(t, path)
	for i := 1; i < records; i++ {
		mustAppend(t, l, i, look("x", i, "a"))
	}
	mustAppend(t, l, records, attempt(look("x", 1, "a"), 0, ledger.OutcomeDelivered, 1))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func lines(t testing.TB, path string) [][]byte {
	t.Helper()
	split := bytes.SplitAfter(readFile(t, path), []byte("\n"))
	return split[:len(split)-1]
}

func write(t testing.TB, path string, parts ...[]byte) {
	t.Helper()
	if err := os.WriteFile(path, bytes.Join(parts, nil), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestForm checks the chain with nothing but the definition of its form.
func TestForm(t *testing.T) {
	genesis := sha256.Sum256([]byte("assay ledger, format 1"))
	prev := hex.EncodeToString(genesis[:])
	for i, line := range lines(t, sample(t)) {
		var members struct{ Seq, Kind, At, Experiment, Body, Prev, Hash json.RawMessage }
		dec := json.NewDecoder(bytes.NewReader(line))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&members); err != nil {
			t.Fatal(err)
		}
		m := members
		unsealed := fmt.Sprintf(`{"seq":%s,"kind":%s,"at":%s,"experiment":%s,"body":%s,"prev":%s}`, m.Seq, m.Kind, m.At, m.Experiment, m.Body, m.Prev)
		sum := sha256.Sum256([]byte(unsealed))
		hash := hex.EncodeToString(sum[:])
		if want := unsealed[:len(unsealed)-1] + `,"hash":"` + hash + "\"}\n"; want != string(line) {
			t.Errorf("line %d is\n%s, want\n%s", i+1, line, want)
		}
		if string(m.Seq) != fmt.Sprint(i+1) || string(m.Prev) != `"`+prev+`"` {
			t.Errorf("line %d: seq %s, prev %s, want %s", i+1, m.Seq, m.Prev, prev)
		}
		prev = hash
	}
}

// reseal replaces a member in a line and gives the line a fitting hash, as a
// forger would.
func reseal(line []byte, old, replacement string) []byte {
	open := strings.Replace(string(line[:bytes.LastIndex(line, []byte(`,"hash":"`))]), old, replacement, 1)
	sum := sha256.Sum256([]byte(open + "}"))
	return fmt.Appendf(nil, "%s,\"hash\":\"%x\"}\n", open, sum)
}

func TestTampering(t *testing.T) {
	origin := sample(t)
	l, headFile := lines(t, origin), readFile(t, origin+".head")
	text := bytes.Replace(l[2], []byte("step 3"), []byte("step 4"), 1)
	join := func(parts ...[][]byte) []byte {
		var all [][]byte
		for _, p := range parts {
			all = append(all, p...)
		}
		return bytes.Join(all, nil)
	}
	one := func(line []byte) [][]byte { return [][]byte{line} }
	for name, c := range map[string]struct {
		file, head []byte
		record     int64
		problem    string
	}{
		"text changed":            {join(l[:2], one(text), l[3:]), headFile, 3, "its hash does not fit its content"},
		"changed and resealed":    {join(l[:2], one(reseal(l[2], "step 3", "step 4")), l[3:]), headFile, 4, "it does not follow from the record before it"},
		"last one resealed":       {join(l[:5], one(reseal(l[5], "delivered", "refused"))), headFile, 6, "it is not the record that the head file names"},
		"one taken out":           {join(l[:2], l[3:]), headFile, 3, "record 4 stands in its place"},
		"first taken out":         {join(l[1:]), headFile, 1, "record 2 stands in its place"},
		"two swapped":             {join(l[:2], one(l[3]), one(l[2]), l[4:]), headFile, 3, "record 4 stands in its place"},
		"one doubled":             {join(l[:3], l[2:]), headFile, 4, "record 3 stands in its place"},
		"blank line":              {join(l[:3], one([]byte("\n")), l[3:]), headFile, 4, "it is too short for a record"},
		"garbage in the middle":   {join(l[:3], one([]byte(strings.Repeat("x", 500)+"\n")), l[3:]), headFile, 4, "its hash does not fit its content"},
		"cut at a record":         {join(l[:4]), headFile, 5, "it is missing: the file once reached record 6"},
		"cut inside a record":     {join(l[:5], one(l[5][:40])), headFile, 6, "it is missing: the file once reached record 6"},
		"emptied":                 {nil, headFile, 1, "it is missing: the file once reached record 6"},
		"head taken away":         {join(l), nil, 2, "the head file knows only 0 records"},
		"head of something else":  {join(l), bytes.Replace(headFile, []byte(`"hash":"`), []byte(`"hash":"0`), 1)[:len(headFile)], 0, "its head file is damaged"},
		"head with another hash":  {join(l), append(headFile[:len(headFile)-4:len(headFile)-4], []byte("0\"}\n")...), 6, "it is not the record that the head file names"},
		"other member in front":   {join(one(reseal(l[0], `{"seq":1`, `{"x":1,"seq":1`)), l[1:]), headFile, 1, "it has no member seq where one belongs"},
		"instant not in UTC":      {join(one(reseal(l[0], `789Z"`, `789+01:00"`)), l[1:]), headFile, 1, "its instant is not RFC 3339 in UTC"},
		"body of another kind":    {join(one(reseal(l[0], `"kind":"look"`, `"kind":"attempt"`)), l[1:]), headFile, 2, "it does not follow"},
		"body without its id":     {join(one(reseal(l[0], `{"id":"x-1",`, `{`)), l[1:]), headFile, 1, "its body is not a look"},
		"added without a head":    {nil, nil, 0, ""}, // Filled in below.
		"carriage returns":        {bytes.ReplaceAll(join(l), []byte("\n"), []byte("\r\n")), headFile, 1, "its hash does not fit its content"},
		"byte-order mark":         {append([]byte("\ufeff"), join(l)...), headFile, 1, "its hash does not fit its content"},
		"unfinished in the midst": {join(l[:2], one(l[2][:len(l[2])-30]), l[3:]), headFile, 3, "its hash does not fit its content"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "ledger.jsonl")
			if name == "added without a head" {
				short := filepath.Join(t.TempDir(), "ledger.jsonl")
				write(t, short, l[0])
				c4 := open(t, short)
				_ = c4.Close()
				c.file, c.head, c.record, c.problem = join(l), readFile(t, short+".head"), 3, "the head file knows only 1 records"
			}
			write(t, path, c.file)
			if c.head != nil {
				write(t, path+".head", c.head)
			}
			for call, err := range map[string]error{"Open": openError(path), "OpenReadOnly": ledger.Verify(path)} {
				var tamper *ledger.TamperError
				if !errors.As(err, &tamper) {
					t.Fatalf("%s: %v, want a TamperError", call, err)
				}
				if tamper.Record != c.record || !strings.Contains(tamper.Problem, c.problem) {
					t.Errorf("%s: record %d: %s; want %d: %s", call, tamper.Record, tamper.Problem, c.record, c.problem)
				}
			}
			if got := readFile(t, path); !bytes.Equal(got, c.file) {
				t.Error("a tampered file was changed")
			}
		})
	}
}

func openError(path string) error {
	l, err := ledger.Open(path)
	if err == nil {
		_ = l.Close()
	}
	return err
}

// TestFlips changes single bytes at random: with the head in place every one
// is found, in the file and in the head.
func TestFlips(t *testing.T) {
	origin := sample(t)
	for _, name := range []string{origin, origin + ".head"} {
		data := readFile(t, name)
		random := rand.New(rand.NewPCG(1, 2))
		for range 1500 {
			i, mask := random.IntN(len(data)), byte(1+random.IntN(255))
			data[i] ^= mask
			write(t, name, data)
			var tamper *ledger.TamperError
			if err := ledger.Verify(origin); !errors.As(err, &tamper) {
				t.Fatalf("%s: byte %d of %d changed by %#x: %v", filepath.Base(name), i, len(data), mask, err)
			}
			data[i] ^= mask
		}
		write(t, name, data)
	}
	if err := ledger.Verify(origin); err != nil {
		t.Fatal(err)
	}
}

// TestFlipsWithoutHead is the state between a record and its head: a change
// is found, or it looks like a torn end and costs that record only.
func TestFlipsWithoutHead(t *testing.T) {
	origin := sample(t)
	all := lines(t, origin)
	stale := bytes.Join(all[:records-1], nil)
	write(t, origin, stale)
	_ = os.Remove(origin + ".head")
	if _, err := ledger.Reseal(origin); err != nil {
		t.Fatal(err)
	}
	data := bytes.Join(all, nil)
	random := rand.New(rand.NewPCG(3, 4))
	for range 1500 {
		i, mask := random.IntN(len(data)), byte(1+random.IntN(255))
		data[i] ^= mask
		write(t, origin, data)
		l, err := ledger.OpenReadOnly(origin)
		var tamper *ledger.TamperError
		switch {
		case err == nil && (l.Recovered == "" || i < len(stale)):
			t.Fatalf("byte %d of %d changed by %#x is not noticed: %q", i, len(data), mask, l.Recovered)
		case err != nil && !errors.As(err, &tamper):
			t.Fatal(err)
		}
		if l != nil {
			_ = l.Close()
		}
		data[i] ^= mask
	}
}

// TestTornTail cuts the last record at every byte, as a crash would before it
// was acknowledged.
func TestTornTail(t *testing.T) {
	origin := sample(t)
	all := lines(t, origin)
	last := all[records-1]
	write(t, origin, bytes.Join(all[:records-1], nil))
	_ = os.Remove(origin + ".head")
	if _, err := ledger.Reseal(origin); err != nil {
		t.Fatal(err)
	}
	good, goodHead := readFile(t, origin), readFile(t, origin+".head")
	path := filepath.Join(t.TempDir(), "ledger.jsonl")
	for cut := range last {
		torn := append(bytes.Clone(good), last[:cut]...)
		write(t, path, torn)
		write(t, path+".head", goodHead)
		readOnly, err := ledger.OpenReadOnly(path)
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		_ = readOnly.Close()
		if !bytes.Equal(readFile(t, path), torn) {
			t.Fatalf("cut at %d: reading changed the file", cut)
		}
		l, err := ledger.Open(path)
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if (cut > 0) != (l.Recovered != "") || (cut > 0) != (readOnly.Recovered != "") {
			t.Fatalf("cut at %d: recovered %q and %q", cut, l.Recovered, readOnly.Recovered)
		}
		if !bytes.Equal(readFile(t, path), good) {
			t.Fatalf("cut at %d: the file is not what it was before the record", cut)
		}
		mustAppend(t, l, records, attempt(look("x", 1, "a"), 0, ledger.OutcomeDelivered, 1))
		_ = l.Close()
		if !bytes.Equal(readFile(t, path), append(bytes.Clone(good), last...)) {
			t.Fatalf("cut at %d: the record is not the same when it is written again", cut)
		}
	}
}

// TestTornGarbage ends the file in what a disk may leave of a block.
func TestTornGarbage(t *testing.T) {
	for name, tail := range map[string]string{
		"zeros": strings.Repeat("\x00", 300), "half a line with a newline": `{"seq":7,"kind":"loo` + "\n", "a newline": "\n",
	} {
		path := sample(t)
		write(t, path, readFile(t, path), []byte(tail))
		l, err := ledger.Open(path)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if l.Recovered == "" {
			t.Errorf("%s: nothing said", name)
		}
		mustAppend(t, l, 9, look("x", 9))
		_ = l.Close()
		if err := ledger.Verify(path); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHeadOneBehindIsACrash(t *testing.T) {
	path := sample(t)
	newer := readFile(t, path+".head")
	l := lines(t, path)
	write(t, path, bytes.Join(l[:records-1], nil))
	_ = os.Remove(path + ".head")
	if _, err := ledger.Reseal(path); err != nil {
		t.Fatal(err)
	}
	write(t, path, bytes.Join(l, nil))
	if err := ledger.Verify(path); err != nil {
		t.Fatal(err)
	}
	if err := openError(path); err != nil {
		t.Fatal(err)
	}
	if got := readFile(t, path+".head"); !bytes.Equal(got, newer) {
		t.Errorf("head is %s, want %s", got, newer)
	}
}

func TestMissingFile(t *testing.T) {
	dir := t.TempDir()
	l, err := ledger.OpenReadOnly(filepath.Join(dir, "none", "ledger.jsonl"))
	if err != nil || len(l.Experiments()) != 0 {
		t.Errorf("a ledger that is not there: %v", err)
	}
	path := sample(t)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	var tamper *ledger.TamperError
	for _, err := range []error{ledger.Verify(path), openError(path)} {
		if !errors.As(err, &tamper) {
			t.Errorf("the file was taken away and its head is left: %v", err)
		}
	}
}

func TestReseal(t *testing.T) {
	path := sample(t)
	l := lines(t, path)
	write(t, path, bytes.Join(l[:4], nil), l[4][:20])
	if n, err := ledger.Reseal(path); n != 4 || err != nil {
		t.Fatalf("resealed %d, %v", n, err)
	}
	if err := openError(path); err != nil {
		t.Fatal(err)
	}
	write(t, path, l[0], l[2])
	var tamper *ledger.TamperError
	if _, err := ledger.Reseal(path); !errors.As(err, &tamper) {
		t.Errorf("a broken chain was accepted: %v", err)
	}
	write(t, path)
	if n, err := ledger.Reseal(path); n != 0 || err != nil {
		t.Fatalf("resealed %d, %v", n, err)
	}
	if err := openError(path); err != nil {
		t.Fatal(err)
	}
}

func TestUnknownKind(t *testing.T) {
	path := sample(t)
	l := lines(t, path)
	write(t, path, reseal(l[0], `"kind":"look"`, `"kind":"pause"`))
	_ = os.Remove(path + ".head")
	err := ledger.Verify(path)
	var tamper *ledger.TamperError
	if err == nil || errors.As(err, &tamper) || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("a kind of a later version: %v", err)
	}
}
