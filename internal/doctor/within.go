package doctor

import (
	"fmt"
	"io"
	"net/http"

	"github.com/hashicorp/consul/api"
)

// Within is a client of the agent in this process whose API handler is, with the rights
// of token. It needs no port, whatever the agent's ports demand.
func Within(handler http.Handler, token string) (*api.Client, error) {
	return api.NewClient(&api.Config{Address: "127.0.0.1", Scheme: "http", Token: token, HttpClient: &http.Client{Transport: inProcess{handler}}})
}

// inProcess sends requests to a handler without a socket.
type inProcess struct{ http.Handler }

// RoundTrip implements http.RoundTripper.
func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	served := r.Clone(r.Context())
	served.RemoteAddr = "127.0.0.1:0"
	if served.Body == nil {
		served.Body = http.NoBody
	}
	body, w := io.Pipe()
	reply := &pipedReply{header: http.Header{}, body: w, began: make(chan int, 1)}
	go func() { // ends with the request's context, or when the reader closes the body
		defer func() {
			if v := recover(); v != nil { // as net/http does for its handlers
				reply.WriteHeader(http.StatusInternalServerError)
				_ = w.CloseWithError(fmt.Errorf("the handler panicked: %v", v))
			}
		}()
		p.ServeHTTP(reply, served)
		reply.WriteHeader(http.StatusOK)
		_ = w.Close()
	}()
	var code int
	select {
	case code = <-reply.began:
	case <-r.Context().Done():
		_ = body.Close() // the handler waits for nobody
		return nil, r.Context().Err()
	}
	return &http.Response{
		Status: http.StatusText(code), StatusCode: code, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: reply.sent, Body: body, ContentLength: -1, Request: r,
	}, nil
}

// pipedReply is the http.ResponseWriter of one request.
type pipedReply struct {
	header, sent http.Header
	body         *io.PipeWriter
	began        chan int // the status code, once
}

func (w *pipedReply) Header() http.Header { return w.header }

func (w *pipedReply) WriteHeader(code int) {
	if w.sent == nil {
		w.sent = w.header.Clone()
		w.began <- code
	}
}

func (w *pipedReply) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}

// Flush implements http.Flusher: the reader has all that was written.
func (w *pipedReply) Flush() { w.WriteHeader(http.StatusOK) }
