package cli

import (
	"bytes"
	"io"
	"net/http"

	"github.com/hashicorp/consul/api"

	"praetor/agent"
)

// ownAddress stands in requests of the agent to itself; nothing listens there.
const ownAddress = "agent.internal"

// ownClient is the client library on an agent's own API, without a socket: it
// works whatever the listeners are, and needs no certificate.
func ownClient(self agent.Self, datacenter, token string) (*api.Client, error) {
	return api.NewClient(&api.Config{
		Address: ownAddress, Scheme: "http", Datacenter: datacenter, Token: token,
		HttpClient: &http.Client{Transport: naming{inProcess{self.API}}},
	})
}

// inProcess has a handler answer requests. An answer is whole before it is
// returned: it is not for endpoints that stream.
type inProcess struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	in := r.Clone(r.Context())
	in.RemoteAddr, in.RequestURI = "127.0.0.1:0", r.URL.RequestURI()
	if in.Body == nil {
		in.Body = http.NoBody
	}
	defer in.Body.Close()
	w := &ownAnswer{header: http.Header{}}
	p.handler.ServeHTTP(w, in)
	if err := r.Context().Err(); err != nil {
		return nil, err // what was answered to a caller that left is not to be trusted
	}
	w.WriteHeader(http.StatusOK)
	return &http.Response{
		Status: http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r,
	}, nil
}

// ownAnswer is the http.ResponseWriter of one request.
type ownAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *ownAnswer) Header() http.Header { return w.header }

// WriteHeader keeps the first status.
func (w *ownAnswer) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *ownAnswer) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}
