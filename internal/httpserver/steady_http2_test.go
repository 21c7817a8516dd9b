package httpserver_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"praetor/internal/httpserver"
)

// TestAnHTTP2StreamThatNobodyReadsIsCutOff has a client that goes on reading its
// connection, and leaves one of the streams on it alone.
func TestAnHTTP2StreamThatNobodyReadsIsCutOff(t *testing.T) {
	t.Parallel()
	endless, ended := flood(256 << 20)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/flood" {
			endless.ServeHTTP(w, r)
			return
		}
		io.WriteString(w, r.Proto)
	})
	ours := httptest.NewUnstartedServer(nil)
	ours.StartTLS() // for its certificate
	defer ours.Close()
	srv := httpserver.New(httpserver.Options{Handler: handler, WriteTimeout: time.Second})
	address := serveWith(t, func(ctx context.Context, l net.Listener) error {
		return srv.ServeTLS(ctx, l, func(l net.Listener) net.Listener {
			return tls.NewListener(l, &tls.Config{Certificates: ours.TLS.Certificates, NextProtos: []string{"h2", "http/1.1"}})
		})
	})
	transport := &http.Transport{ForceAttemptHTTP2: true, MaxConnsPerHost: 1, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	cl := &http.Client{Transport: transport, Timeout: time.Minute}
	unread, err := cl.Get("https://" + address + "/flood")
	if err != nil {
		t.Fatal(err)
	}
	defer unread.Body.Close()
	if unread.ProtoMajor != 2 {
		t.Fatalf("it speaks %s", unread.Proto)
	}
	select {
	case err := <-ended:
		if err == nil {
			t.Error("all was sent")
		}
	case <-time.After(30 * time.Second):
		t.Fatal("its answer is still being sent")
	}
	// The connection's other streams go on.
	res, err := cl.Get("https://" + address + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err != nil || string(body) != "HTTP/2.0" {
		t.Errorf("got %q, %v", body, err)
	}
}
