package testcluster_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/hashicorp/consul/api"

	"praetor/internal/testcluster"
)

// client is the public client of a node, without a socket between.
func client(t testing.TB, n *testcluster.Node) *api.Client {
	t.Helper()
	c, err := api.NewClient(&api.Config{Address: "127.0.0.1:8500", HttpClient: &http.Client{Transport: direct{n.Agent().API()}}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// direct carries requests to a handler.
type direct struct{ http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	served := r.Clone(r.Context())
	served.RemoteAddr = "127.0.0.1:1"
	if served.Body == nil {
		served.Body = http.NoBody
	}
	rec := httptest.NewRecorder()
	d.ServeHTTP(rec, served)
	return rec.Result(), nil
}
