package main

import (
	"reflect"
	"testing"
)

func TestWorkersChangeNothing(t *testing.T) {
	for _, c := range []cell{errorCells()[0], trafficCells()[0], lognormalCells()[2], missCells()[0], mixedFamily(3)} {
		c.reps = 60
		one, err := play(&c, 1)
		if err != nil {
			t.Fatal(err)
		}
		four, err := play(&c, 4)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(one, four) {
			t.Errorf("%s: workers change the result", c.key())
		}
	}
}
