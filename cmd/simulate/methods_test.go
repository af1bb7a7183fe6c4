package main

import (
	"reflect"
	"testing"

	"assay/stats"
)

func TestSharedBoundaries(t *testing.T) {
	for _, c := range []cell{gaussianCells()[8], epochCells()[2]} {
		d, err := meanValue.design(&c.plan, true, alpha)
		if err != nil {
			t.Fatal(err)
		}
		shared, own := boundaries(&c, d), stats.NewSpending(d, nil)
		r, now := stream(c.key(), 3), newLife(1)
		for k := 1; k <= c.plan.looks; k++ {
			c.world.grow(r, c.plan.next(r, k), now)
			if look, _ := own.Next(c.plan.time(k), now.strata[0]); !reflect.DeepEqual(look, shared[k-1]) {
				t.Fatalf("%s, look %d: %+v, shared %+v", c.key(), k, look, shared[k-1])
			}
		}
	}
}
