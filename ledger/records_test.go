package ledger_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/ledger"
)

// TestCopy takes a ledger from the file through both kinds of tables and back: it
// is the same bytes.
func TestCopy(t *testing.T) {
	origin := sample(t)
	from, err := ledger.OpenReadOnly(origin)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = from.Close() }()
	places := storages(t)
	for _, s := range []storage{places[1], places[2], places[0]} {
		path := filepath.Join(t.TempDir(), "ledger")
		to := s.must(t, path)
		if n, err := ledger.Copy(from, to); n != records || err != nil {
			t.Fatalf("%s: copied %d, %v", s.name, n, err)
		}
		if n, err := ledger.Copy(from, to); n != 0 || err != nil {
			t.Fatalf("%s: copied %d the second time, %v", s.name, n, err)
		}
		if to.Head() != from.Head() || to.Len() != records {
			t.Errorf("%s: head %s of %d, want %s", s.name, to.Head(), to.Len(), from.Head())
		}
		if err := to.Close(); err != nil {
			t.Fatal(err)
		}
		if from, err = s.readOnly(path); err != nil {
			t.Fatal(err)
		}
		if s.name == "file" {
			if !bytes.Equal(readFile(t, path), readFile(t, origin)) {
				t.Error("the bytes are not the same")
			}
		}
	}
}

// TestCopyGoesOn: a copy that was broken off is gone on with, and one that has
// gone its own way is left alone.
func TestCopyGoesOn(t *testing.T) {
	from, err := ledger.OpenReadOnly(sample(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = from.Close() }()
	each(t, func(t *testing.T, s storage, path string) {
		to := s.must(t, path)
		for i := 1; i < 3; i++ { // As in the sample.
			mustAppend(t, to, i, look("x", i, "a"))
		}
		if n, err := ledger.Copy(from, to); n != records-2 || err != nil {
			t.Fatalf("copied %d, %v", n, err)
		}
		mustAppend(t, to, 7, look("x", 7))
		if n, err := ledger.Copy(from, to); n != 0 || !errors.Is(err, ledger.ErrDiverged) {
			t.Errorf("copied %d into a longer one, %v", n, err)
		}
		other := s.must(t, path+"2")
		mustAppend(t, other, 1, look("y", 1))
		if n, err := ledger.Copy(from, other); n != 0 || !errors.Is(err, ledger.ErrDiverged) {
			t.Errorf("copied %d into another one, %v", n, err)
		}
	})
}

func TestRecords(t *testing.T) {
	each(t, func(t *testing.T, s storage, path string) {
		l := s.must(t, path)
		k := look("x", 1, "a")
		for i, b := range []ledger.Body{ledger.Plan{Experiment: "x", Version: 1}, k, look("y", 2), attempt(k, 0, ledger.OutcomeDelivered, 1), ledger.Clear{Experiment: "x"}} {
			mustAppend(t, l, i, b)
		}
		for name, c := range map[string]struct {
			filter ledger.Filter
			want   []int64
		}{
			"all":          {ledger.Filter{}, []int64{1, 2, 3, 4, 5}},
			"experiment":   {ledger.Filter{Experiment: "x"}, []int64{1, 2, 4, 5}},
			"kinds":        {ledger.Filter{Kinds: []string{"look", "clear"}}, []int64{2, 3, 5}},
			"since":        {ledger.Filter{Since: at(3)}, []int64{4, 5}},
			"all together": {ledger.Filter{Experiment: "x", Kinds: []string{"attempt"}, Since: at(3)}, []int64{4}},
			"none":         {ledger.Filter{Experiment: "z"}, nil},
		} {
			var got []int64
			for r, err := range l.Records(c.filter) {
				if err != nil {
					t.Fatal(err)
				}
				if b, err := r.Decode(); b == nil || err != nil || r.Hash != l.HashOf(r.Seq) {
					t.Errorf("record %d: %T, %v", r.Seq, b, err)
				}
				got = append(got, r.Seq)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		if l.HashOf(0) != "" || l.HashOf(6) != "" || l.Head() == "" {
			t.Error("hashes of records that are not there")
		}
		mustAppend(t, l, 6, look("x", 1))
		refs := []ledger.LookRef{{Seq: 3, ID: "y-2", Experiment: "y"}, {Seq: 6, ID: "x-1", Experiment: "x"}}
		if diff := cmp.Diff(refs, l.LookRefs()); diff != "" {
			t.Errorf("looks (-want +got):\n%s", diff)
		}
	})
}
