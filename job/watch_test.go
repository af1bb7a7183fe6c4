package job

import (
	"sync"
	"testing"
	"time"

	"assay/connectors"
)

// metered is a session that is always 40 % done.
type metered struct{ connectors.Session }

func (metered) Progress() (share float64, ok bool) { return 0.4, true }

// While a statement runs its share is told; after stop nothing is told any more.
func TestWatch(t *testing.T) {
	var mu sync.Mutex
	var events []Event
	heard := make(chan struct{}, 100)
	j := &Job{Progress: func(e Event) {
		mu.Lock()
		events = append(events, e)
		mu.Unlock()
		heard <- struct{}{}
	}}
	stop := (&gatherer{job: j, session: metered{}}).watch(Event{What: "units", Done: 1, Total: 4})
	for range 2 {
		select {
		case <-heard:
		case <-time.After(30 * time.Second):
			t.Fatal("no progress was told")
		}
	}
	stop()
	mu.Lock()
	defer mu.Unlock()
	if events[0].Share != 0 || events[1].Share != 0.4 || events[1].What != "units" {
		t.Errorf("events %+v", events)
	}
}
