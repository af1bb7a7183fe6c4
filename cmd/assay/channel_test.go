package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// channel is an incoming webhook that keeps what it was told.
type channel struct {
	server *httptest.Server

	mu     sync.Mutex
	answer string   // ok, a status, drop, or take-drop: it takes the message and does not say so
	told   []string // the texts, in order
	tries  int
}

func newChannel() *channel {
	c := &channel{answer: "ok"}
	c.server = httptest.NewServer(http.HandlerFunc(c.take))
	return c
}

func (c *channel) take(w http.ResponseWriter, r *http.Request) {
	var message struct{ Text string }
	if err := json.NewDecoder(r.Body).Decode(&message); err != nil || r.URL.Path != "/"+hookToken {
		http.Error(w, "invalid_payload", http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tries++
	status, _ := strconv.Atoi(c.answer)
	if status == 0 && c.answer != "drop" {
		c.told = append(c.told, message.Text)
	}
	switch {
	case c.answer == "drop" || c.answer == "take-drop":
		panic(http.ErrAbortHandler)
	case status == http.StatusTooManyRequests:
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(status)
	case status != 0:
		w.WriteHeader(status)
	}
}

// channelOf is the key of a script's channel among its values.
type channelOf struct{}

const channelUsage = "channel start | answer KIND | told FILE | tries N"

// cmdChannel starts a channel, tells it how to answer, and asks it.
func cmdChannel(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) > 0, channelUsage)
	held := ts.Value(channelOf{}).(**channel)
	if args[0] == "start" {
		*held = newChannel()
		ts.Defer((*held).server.Close)
		ts.Setenv("CHANNEL_URL", (*held).server.URL+"/"+hookToken)
		return
	}
	c := *held
	if c == nil || len(args) != 2 {
		ts.Fatalf("usage: %s", channelUsage)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch args[0] {
	case "answer":
		c.answer = args[1]
	case "told":
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(strings.Join(append(c.told, ""), "\n--\n")), 0o644))
		c.told = nil
	case "tries":
		if strconv.Itoa(c.tries) != args[1] {
			ts.Fatalf("%d messages arrived, want %s", c.tries, args[1])
		}
	default:
		ts.Fatalf("usage: %s", channelUsage)
	}
}
