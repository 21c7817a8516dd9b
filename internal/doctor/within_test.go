package doctor

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/hashicorp/consul/api"
)

func TestWithinAsksAHandler(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status/leader", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%q", r.Header.Get("X-Consul-Token")+" from "+r.RemoteAddr)
	})
	mux.HandleFunc("GET /v1/agent/members", func(http.ResponseWriter, *http.Request) { panic("oops") })
	mux.HandleFunc("GET /v1/catalog/datacenters", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) })
	mux.HandleFunc("GET /v1/catalog/nodes", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("GET /v1/agent/monitor", func(w http.ResponseWriter, r *http.Request) { // endless
		for r.Context().Err() == nil {
			if _, err := fmt.Fprintln(w, `{"@message":"m"}`); err != nil {
				return
			}
			w.(http.Flusher).Flush()
		}
	})
	cl, err := Within(mux, "secret")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := cl.Status().Leader(); got != "secret from 127.0.0.1:0" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := cl.Agent().Members(false); err == nil || err.Error() != "Unexpected response code: 500 ()" {
		t.Errorf("a handler that panics: %v", err)
	}
	if _, err := cl.Catalog().Datacenters(); err == nil || err.Error() != "Unexpected response code: 403 (no)" {
		t.Errorf("a handler that refuses: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stop := make(chan struct{})
	lines, err := cl.Agent().MonitorJSON("debug", stop, new(api.QueryOptions).WithContext(ctx))
	if err != nil || <-lines != `{"@message":"m"}` {
		t.Errorf("a handler that goes on: %v", err)
	}
	close(stop)
	cancel()
	if _, _, err := cl.Catalog().Nodes(new(api.QueryOptions).WithContext(ctx)); err == nil {
		t.Error("nobody waits for a handler that never answers, and there is no error")
	}
}
