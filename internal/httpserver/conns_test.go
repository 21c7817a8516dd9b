package httpserver_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"praetor/internal/httpserver"
)

// The bound can be switched on while connections are open: they count.
func TestConnectionsOpenedWithoutABoundCountWhenThereIsOne(t *testing.T) {
	ok := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") })
	srv := httpserver.New(httpserver.Options{Handler: ok})
	address := serveWith(t, srv.Serve)
	const request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
	status := func() int {
		res, _ := exchange(t, dial(t, address), request)
		return res.StatusCode
	}
	if got := []int{status(), status()}; got[0] != 200 || got[1] != 200 {
		t.Fatalf("without a bound: %v", got)
	}
	srv.Limit(2, 0)
	if text, err := io.ReadAll(dial(t, address)); err != nil || !strings.HasPrefix(string(text), "HTTP/1.1 429 ") {
		t.Errorf("third of two: %q, %v", text, err)
	}
	srv.Limit(3, 0)
	if got := status(); got != 200 {
		t.Errorf("third of three: %d", got)
	}
}

// Connections of another protocol count with those of HTTP, and give their places back.
func TestConnectionsOfAnotherProtocolCountToo(t *testing.T) {
	srv := httpserver.New(httpserver.Options{Handler: http.NotFoundHandler(), MaxConnsPerClient: 1})
	taken := make(chan net.Conn)
	other := serveWith(t, func(ctx context.Context, l net.Listener) error {
		context.AfterFunc(ctx, func() { l.Close() })
		for bounded := srv.Bounded(l); ; {
			conn, err := bounded.Accept()
			if err != nil {
				return nil
			}
			taken <- conn
		}
	})
	address := serveWith(t, srv.Serve)
	dial(t, other)
	conn := <-taken
	if text, err := io.ReadAll(dial(t, address)); err != nil || !strings.HasPrefix(string(text), "HTTP/1.1 429 ") {
		t.Errorf("HTTP beside it: %q, %v", text, err)
	}
	conn.Close()
	if res, _ := exchange(t, dial(t, address), "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); res.StatusCode != 404 {
		t.Errorf("HTTP once it is closed: %d", res.StatusCode)
	}
}

// A client that does not shake hands is cut off in HandshakeTimeout, not in the
// longer time that there is for headers.
func TestHandshakesHaveATimeOfTheirOwn(t *testing.T) {
	srv := httpserver.New(httpserver.Options{Handler: http.NotFoundHandler(), HandshakeTimeout: 100 * time.Millisecond})
	address := serveWith(t, func(ctx context.Context, l net.Listener) error {
		return srv.ServeTLS(ctx, l, func(l net.Listener) net.Listener { return tls.NewListener(l, &tls.Config{}) })
	})
	conn := dial(t, address)
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if _, err := conn.Read(make([]byte, 1)); err != io.EOF || time.Since(began) < 90*time.Millisecond {
		t.Errorf("ended with %v after %s, want EOF after 100ms", err, time.Since(began))
	}
}

// serveWith serves on a listener of its own until the test ends.
func serveWith(t *testing.T, serve func(context.Context, net.Listener) error) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, l) }() // waited for below
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}
