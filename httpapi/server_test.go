package httpapi_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"praetor/httpapi"
	"praetor/internal/httpserver"
	"praetor/internal/ops"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// served runs a server on a port of its own; stop ends it and gives its error.
func served(t *testing.T, opts httpserver.Options) (address string, stop func() error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- httpserver.New(opts).Serve(ctx, l) }() // waited for by stop
	stop = func() error {
		cancel()
		select {
		case err := <-ended:
			ended <- err
			return err
		case <-time.After(10 * time.Second):
			return errors.New("Serve has not ended after 10 s")
		}
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String(), stop
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func exchange(t *testing.T, conn net.Conn, request string) (*http.Response, string) {
	t.Helper()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

func TestServerEndsBlockingRequestsWhenItStops(t *testing.T) {
	f := newFixture(t, nil)
	blocked, ended := make(chan struct{}), atomic.Bool{}
	on(f.caller, ops.KVGet, func(ctx context.Context, _ *ops.KVGetRequest) (*ops.KVGetReply, error) {
		close(blocked)
		<-ctx.Done()
		ended.Store(true)
		return nil, ctx.Err()
	})
	address, stop := served(t, httpserver.Options{Handler: f.api})
	idle := dial(t, address)
	conn := dial(t, address)
	answer := make(chan string, 1)
	go func() { // ends with the connection
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		answer <- res.Status + " " + string(body)
	}()
	if _, err := io.WriteString(conn, "GET /v1/kv/a?index=5 HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-blocked
	start := time.Now()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if !ended.Load() {
		t.Error("Serve returned while a handler ran")
	}
	if spent := time.Since(start); spent > 2*time.Second {
		t.Errorf("stopping took %s", spent)
	}
	if got := <-answer; got != "500 Internal Server Error agent is shutting down" {
		t.Errorf("the client got %q", got)
	}
	if _, err := idle.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("an idle connection got %v, want its end", err)
	}
}

func TestServerRefusesConnectionsPastTheBound(t *testing.T) {
	f := newFixture(t, nil)
	answering(f.caller, ops.StatusLeader, &ops.StatusLeaderReply{})
	address, _ := served(t, httpserver.Options{Handler: f.api, MaxConnsPerClient: 2})
	const request = "GET /v1/status/leader HTTP/1.1\r\nHost: x\r\n\r\n"
	first, second := dial(t, address), dial(t, address)
	for _, conn := range []net.Conn{first, second} {
		if res, body := exchange(t, conn, request); res.StatusCode != 200 || body != `""` {
			t.Fatalf("%d %s", res.StatusCode, body)
		}
	}
	third := dial(t, address)
	text, err := io.ReadAll(third)
	if err != nil || !strings.HasPrefix(string(text), "HTTP/1.1 429 Too Many Requests\r\n") {
		t.Errorf("third: %q, %v", text, err)
	}
	first.Close()
	waitFor(t, "a connection after another was closed", func() error {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return err
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
			return err
		}
		if _, err := io.WriteString(conn, request); err != nil {
			return err
		}
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return err
		}
		res.Body.Close()
		if res.StatusCode != 200 {
			return errors.New(res.Status)
		}
		return nil
	})
}

// waitFor tries until what is asked for happens.
func waitFor(t *testing.T, what string, try func() error) {
	t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(10 * time.Second)
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("waited for %s: %v", what, err)
		case <-ticker.C:
		}
	}
}

func TestServerCutsOffValuesThatAreTooLarge(t *testing.T) {
	f := newFixture(t, func(o *httpapi.Options) { o.KVMaxValueSize = 8 })
	answering(f.caller, ops.KVApply, &ops.KVApplyReply{Done: true})
	address, _ := served(t, httpserver.Options{Handler: f.api, MaxConnsPerClient: 9})
	res, body := exchange(t, dial(t, address), "PUT /v1/kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n123456789")
	if res.StatusCode != 413 || !res.Close || !strings.HasPrefix(body, "Request body(9 bytes) too large, max size: 8 bytes.") {
		t.Errorf("with a length: %d, close %t, %s", res.StatusCode, res.Close, body)
	}
	res, body = exchange(t, dial(t, address), "PUT /v1/kv/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n5\r\n12345\r\n0\r\n\r\n")
	if res.StatusCode != 413 || !strings.HasPrefix(body, "Request body(9 bytes) too large, max size: 8 bytes.") {
		t.Errorf("in chunks: %d %s", res.StatusCode, body)
	}
	res, body = exchange(t, dial(t, address), "PUT /v1/kv/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n\r\n")
	if res.StatusCode != 200 || body != "true" {
		t.Errorf("small, in chunks: %d %s", res.StatusCode, body)
	}
}

func TestWriteThatDidNotArriveWholeIsNotCarriedOut(t *testing.T) {
	f := newFixture(t, nil) // its caller fails the test's requests: none may come
	address, _ := served(t, httpserver.Options{Handler: f.api})
	for _, request := range []string{
		"PUT /v1/kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nv",
		"PUT /v1/kv/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nv\r\n",
	} {
		conn := dial(t, address).(*net.TCPConn)
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
		if err := conn.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != 400 {
			t.Errorf("%q: %s", request, res.Status)
		}
	}
}

func TestHalfARequestEnds(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil)
	address, _ := served(t, httpserver.Options{Handler: f.api, BodyTimeout: 300 * time.Millisecond})
	for name, request := range map[string]string{
		"a value that stops":             "PUT /v1/kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf",
		"a value that never comes":       "PUT /v1/kv/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
		"a body that stops":              "PUT /v1/session/create HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"Name\":",
		"a body that nobody wants":       "GET /v1/agent/checks HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf",
		"a body for a path without name": "PUT /v1/nope HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n",
	} {
		conn := dial(t, address)
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
		var answer bytes.Buffer
		if _, err := io.Copy(&answer, conn); err != nil { // to the end of the connection, or dial's deadline
			t.Errorf("%s: %v; answered %q", name, err, answer.String())
		}
	}
}
