package top_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hashicorp/consul/api"

	"praetor/internal/top"
)

// TestOneQuestionIsUnderWay: the page that is left stops asking before the next one asks,
// and closing ends and awaits what is asked.
func TestOneQuestionIsUnderWay(t *testing.T) {
	begun := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun <- r.URL.Path
		if r.URL.Path == "/v1/agent/monitor" {
			w.Write([]byte("a line\n"))
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
	}))
	defer server.Close()
	way := &counting{}
	cl, err := api.NewClient(&api.Config{Address: strings.TrimPrefix(server.URL, "http://"), HttpClient: &http.Client{Transport: way}})
	if err != nil {
		t.Fatal(err)
	}
	f := top.NewFollower(t.Context(), top.Options{Client: cl})
	follow := func(ask, page int) chan bool {
		done, answered := make(chan bool, 1), f.Follow(ask, page)
		go func() { done <- answered() }() // each is received below
		return done
	}
	wantBegun := func(path string) {
		t.Helper()
		if got := <-begun; got != path {
			t.Fatalf("asked %s, want %s", got, path)
		}
	}
	services := follow(1, 2)
	wantBegun("/v1/internal/ui/services")
	keys := follow(2, 4)
	if <-services {
		t.Error("an answer to a page that was left")
	}
	wantBegun("/v1/kv/")

	log := follow(3, 5)
	if <-keys {
		t.Error("an answer to a page that was left")
	}
	wantBegun("/v1/agent/monitor")
	if !<-log || !<-follow(3, 5) {
		t.Error("no log, or no line of it")
	}
	log = follow(3, 5)
	nodes := follow(4, 3)
	if <-log {
		t.Error("a line to a page that was left")
	}
	wantBegun("/v1/internal/ui/nodes")

	f.Close()
	if <-nodes {
		t.Error("an answer after the end")
	}
	if <-follow(5, 2) {
		t.Error("an answer to what was asked after the end")
	}
	if n := way.most.Load(); n != 1 {
		t.Errorf("%d requests were under way at once", n)
	}
}

// counting counts the requests that wait for their answer.
type counting struct{ now, most atomic.Int32 }

// RoundTrip implements http.RoundTripper.
func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	if n := c.now.Add(1); n > c.most.Load() {
		c.most.Store(n)
	}
	defer c.now.Add(-1)
	return http.DefaultTransport.RoundTrip(r)
}
