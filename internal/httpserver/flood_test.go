package httpserver_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"praetor/internal/httpserver"
)

// manyLines is a header of so many bytes that becomes as large as one can: each line is
// short, and its name is another.
func manyLines(bytes int) string {
	var b strings.Builder
	for i := 0; b.Len() < bytes; i++ {
		fmt.Fprintf(&b, "%x:\r\n", i)
	}
	return b.String()[:bytes]
}

// heap is what is in use after a collection.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// wantGrowth fails a test whose server holds more than its bound, and says what it holds.
func wantGrowth(t *testing.T, what string, before uint64, most int) {
	t.Helper()
	grown := int64(heap()) - int64(before)
	t.Logf("%s: %.1f MB held, at most %d MB may be", what, float64(grown)/(1<<20), most>>20)
	if grown > int64(most) {
		t.Errorf("%s: %d bytes are held, at most %d may be", what, grown, most)
	}
}

func TestHeadersOfTwiceTheLimitAreRefused(t *testing.T) {
	address, _ := served(t, httpserver.Options{Handler: answers})
	for name, header := range map[string]string{
		"one long line": "X-Long: " + strings.Repeat("x", 128<<10) + "\r\n",
		"many lines":    strings.TrimSuffix(manyLines(128<<10), "\r") + "\r\n",
		"a long URL":    "",
	} {
		path := "/"
		if header == "" {
			path += strings.Repeat("x", 128<<10)
		}
		conn := dial(t, address)
		go io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: x\r\n"+header+"\r\n") // ends with the connection
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("%s: %s", name, res.Status)
		}
	}
}

// ended waits for the end of a connection.
func ended(t *testing.T, what string, conn net.Conn) {
	t.Helper()
	if _, err := io.Copy(io.Discard, conn); err != nil && !isReset(err) {
		t.Errorf("%s: %v", what, err)
	}
}

func isReset(err error) bool { return strings.Contains(err.Error(), "reset") }

func TestSlowHeadersAndIdleConnectionsAreCutOff(t *testing.T) {
	address, _ := served(t, httpserver.Options{Handler: answers, HeaderTimeout: 200 * time.Millisecond, IdleTimeout: 100 * time.Millisecond})
	silent, half := dial(t, address), dial(t, address)
	if _, err := io.WriteString(half, "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "); err != nil {
		t.Fatal(err)
	}
	drip := dial(t, address)
	stop := make(chan struct{})
	defer close(stop)
	go func() { // ends with the test
		ticker := time.NewTicker(50 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-stop:
				return
			case <-ticker.C:
				io.WriteString(drip, "x")
			}
		}
	}()
	ended(t, "a client that says nothing", silent)
	ended(t, "a client that stops in the middle", half)
	ended(t, "a client that goes on byte by byte", drip)
	idle := dial(t, address)
	if res, _ := exchange(t, idle, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); res.StatusCode != 200 {
		t.Fatal(res.Status)
	}
	ended(t, "an idle client", idle)
}

// No time that clients have cuts a query that waits.
func TestBlockingQueriesAreNeverCut(t *testing.T) {
	const short = 50 * time.Millisecond
	wait := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(20 * short):
			io.WriteString(w, "changed")
		case <-r.Context().Done():
		}
	})
	address, _ := served(t, httpserver.Options{Handler: wait, HeaderTimeout: short, IdleTimeout: short, WriteTimeout: short, BodyTimeout: short})
	if res, body := exchange(t, dial(t, address), "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); res.StatusCode != 200 || body != "changed" {
		t.Errorf("got %d %q", res.StatusCode, body)
	}
}

// farListener says of its connections that they come from other machines.
type farListener struct {
	net.Listener
	count atomic.Int32
}

func (l *farListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &farConn{conn, l.count.Add(1)}, nil
}

type farConn struct {
	net.Conn
	number int32
}

func (c *farConn) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(203, 0, byte(c.number>>8), byte(c.number)), Port: 40000}
}

func TestConnectionsOfAllMachinesAreBounded(t *testing.T) {
	srv := httpserver.New(httpserver.Options{Handler: answers, MaxConns: 4, MaxConnsPerClient: 3})
	far := serveWith(t, func(ctx context.Context, l net.Listener) error { return srv.Serve(ctx, &farListener{Listener: l}) })
	near := serveWith(t, srv.Serve)
	const request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
	open := make([]net.Conn, 4)
	for i := range open {
		open[i] = dial(t, far)
		if res, _ := exchange(t, open[i], request); res.StatusCode != 200 {
			t.Fatalf("connection %d: %s", i, res.Status)
		}
	}
	for range 4 { // twice as many
		if text, err := io.ReadAll(dial(t, far)); err != nil || !strings.HasPrefix(string(text), "HTTP/1.1 429 ") || !strings.Contains(string(text), "limits.http_max_conns\n") {
			t.Errorf("one too many: %q, %v", text, err)
		}
	}
	if res, _ := exchange(t, dial(t, near), request); res.StatusCode != 200 {
		t.Errorf("of this machine: %s", res.Status)
	}
	open[0].Close()
	waitFor(t, "room for another", func() error {
		res, err := http.ReadResponse(bufio.NewReader(asking(t, far, request)), nil)
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

func asking(t *testing.T, address, request string) net.Conn {
	t.Helper()
	conn := dial(t, address)
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	return conn
}

// One address, with as many connections as it may have, sends headers that become as
// large as they can and never end.
func TestMemoryOfHalfHeadersIsBounded(t *testing.T) {
	before := heap()
	// On a busy machine this takes seconds: none of the first is cut off meanwhile.
	address, _ := served(t, httpserver.Options{Handler: answers, MaxConnsPerClient: 200, HeaderTimeout: 5 * time.Minute})
	header := manyLines(64 << 10)
	for range 200 {
		asking(t, address, "GET / HTTP/1.1\r\nHost: x\r\n"+header)
	}
	for range 200 {
		if text, _ := io.ReadAll(dial(t, address)); !strings.HasPrefix(string(text), "HTTP/1.1 429 ") {
			t.Fatalf("one too many: %q", text)
		}
	}
	runtime.KeepAlive(header)
	wantGrowth(t, "half headers of 200 connections", before, 400<<20)
}

// The headers of requests that wait hold what they may, whatever carries them.
func TestHeadersUnderWayAreBounded(t *testing.T) {
	release := make(chan struct{})
	var waiting atomic.Int32
	wait := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		waiting.Add(1)
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	srv := httpserver.New(httpserver.Options{Handler: wait, MaxConnsPerClient: 200})
	const most, header = 4 << 20, 48 << 10
	srv.HoldHeaders(most)
	ours := httptest.NewUnstartedServer(nil)
	ours.StartTLS() // for its certificate
	cert := ours.TLS.Certificates[0]
	ours.Close()
	address := serveWith(t, func(ctx context.Context, l net.Listener) error {
		conf := &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2"}}
		return srv.ServeTLS(ctx, l, func(l net.Listener) net.Listener { return tls.NewListener(l, conf) })
	})
	transport := &http.Transport{MaxConnsPerHost: 10, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	var work sync.WaitGroup
	var refused atomic.Int32
	for range 2 * most / header {
		work.Go(func() {
			req, err := http.NewRequestWithContext(t.Context(), "GET", "https://"+address+"/", nil)
			if err != nil {
				t.Error(err)
				return
			}
			req.Header.Set("X-Long", strings.Repeat("x", header))
			res, err := client.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			res.Body.Close()
			if res.StatusCode == http.StatusTooManyRequests {
				refused.Add(1)
			}
		})
	}
	waitFor(t, "the room to be full", func() error {
		if refused.Load() == 0 {
			return fmt.Errorf("none was refused, %d wait", waiting.Load())
		}
		return nil
	})
	if held := waiting.Load(); held > most/header {
		t.Errorf("%d requests with headers of %d bytes wait: they hold more than %d", held, header, most)
	}
	close(release)
	work.Wait()
}
