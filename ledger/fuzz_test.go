package ledger

import (
	"bytes"
	"encoding/json"
	"testing"
)

// FuzzChain gives the reader foreign bytes: it must answer, account for every
// byte of what it accepts, and read the intact part the same again.
func FuzzChain(f *testing.F) {
	prev, all := genesis, []byte{}
	for seq, body := range []string{`{"id":"x-1","deliveries":[{"id":"d","store":"s"}]}`, `{"id":"x-2"}`} {
		r := record{
			Seq: int64(seq) + 1, Kind: kindLook, At: "2026-11-01T12:00:00Z", Experiment: "x",
			Body: json.RawMessage(body), Prev: prev,
		}
		s, err := r.seal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(s.line)
		prev, all = s.hash, append(all, s.line...)
	}
	f.Add(all)
	f.Add(all[:len(all)-1])
	f.Add([]byte("{}\n"))
	f.Add([]byte("\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := readChain("fuzz", bytes.NewReader(data))
		if err != nil {
			return
		}
		if c.size+c.torn != int64(len(data)) {
			t.Errorf("%d intact and %d torn bytes of %d", c.size, c.torn, len(data))
		}
		again, err := readChain("fuzz", bytes.NewReader(data[:c.size]))
		if err != nil || again.torn != 0 || again.last() != c.last() || len(again.entries) != len(c.entries) {
			t.Errorf("the intact part reads as %+v, %v; want %+v", again, err, c)
		}
	})
}
