package httpserver_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"praetor/internal/httpserver"
)

// noticed is more than net/http takes to see the end of a client's half.
const noticed = 150 * time.Millisecond

// patient is a handler that reads the body, does its work for a moment, and answers
// unless its context ends.
type patient struct {
	work    time.Duration
	begun   chan struct{} // gets one for each request
	mu      sync.Mutex
	carried []string // methods and paths of the requests whose contexts lasted
	ended   []error  // of those whose did not, why
}

func (p *patient) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		return
	}
	if p.begun != nil {
		p.begun <- struct{}{}
	}
	over := time.NewTimer(p.work)
	defer over.Stop()
	select {
	case <-r.Context().Done():
		p.mu.Lock()
		defer p.mu.Unlock()
		p.ended = append(p.ended, context.Cause(r.Context()))
	case <-over.C:
		p.mu.Lock()
		defer p.mu.Unlock()
		p.carried = append(p.carried, r.Method+" "+r.URL.Path)
		_, _ = io.WriteString(w, "done")
	}
}

func (p *patient) wantCarried(t *testing.T, want int) {
	t.Helper()
	waitFor(t, fmt.Sprintf("%d requests carried out", want), func() error {
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(p.ended) > 0 {
			t.Fatalf("%d requests ended early: %v", len(p.ended), p.ended)
		}
		if len(p.carried) < want {
			return fmt.Errorf("so far %d", len(p.carried))
		}
		return nil
	})
}

func TestWriteWhoseClientLeftIsCarriedOut(t *testing.T) {
	p := &patient{work: noticed}
	address, _ := served(t, httpserver.Options{Handler: p})
	sent := 0
	for _, method := range []string{"PUT", "POST", "PATCH", "DELETE"} {
		for _, body := range []string{
			"Content-Length: 2\r\n\r\n{}", "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "\r\n",
		} {
			conn := dial(t, address)
			if _, err := fmt.Fprintf(conn, "%s /x HTTP/1.1\r\nHost: x\r\n%s", method, body); err != nil {
				t.Fatal(err)
			}
			conn.Close()
			sent++
		}
	}
	p.wantCarried(t, sent)
}

func TestWritesQueuedOnAConnectionAreCarriedOutThoughItsClientLeft(t *testing.T) {
	p := &patient{work: noticed}
	address, _ := served(t, httpserver.Options{Handler: p})
	conn := dial(t, address)
	const one = "PUT /v1/kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nv"
	if _, err := io.WriteString(conn, one+one+one+one); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	p.wantCarried(t, 4)
}

func TestHalfClosedConnectionIsAnswered(t *testing.T) {
	for _, method := range []string{"PUT", "GET", "DELETE"} {
		p := &patient{work: noticed}
		address, _ := served(t, httpserver.Options{Handler: p})
		conn := dial(t, address).(*net.TCPConn)
		if _, err := io.WriteString(conn, method+" /v1/kv/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if err := conn.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: %v", method, err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != 200 || string(body) != "done" {
			t.Errorf("%s: got %s %q, %v", method, res.Status, body, err)
		}
	}
}

func TestReadWhoseClientIsGoneEnds(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells")
	}
	for name, listen := range map[string]func(*testing.T) net.Listener{
		"reset": func(t *testing.T) net.Listener { return listening(t, "tcp", "127.0.0.1:0") },
		"unix":  func(t *testing.T) net.Listener { return listening(t, "unix", filepath.Join(t.TempDir(), "s")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &patient{work: time.Minute, begun: make(chan struct{}, 1)}
			l := listen(t)
			serveOn(t, l, httpserver.Options{Handler: p})
			conn, err := net.Dial(l.Addr().Network(), l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, "GET /v1/kv/a?index=1 HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			<-p.begun
			if tcp, ok := conn.(*net.TCPConn); ok {
				if err := tcp.SetLinger(0); err != nil { // as when the client's machine restarts
					t.Fatal(err)
				}
			}
			conn.Close()
			waitFor(t, "the read to end", func() error {
				p.mu.Lock()
				defer p.mu.Unlock()
				if len(p.ended) == 0 {
					return errors.New("it runs")
				}
				return nil
			})
		})
	}
}

func listening(t *testing.T, network, address string) net.Listener {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// serveOn serves until the test ends.
func serveOn(t *testing.T, l net.Listener, opts httpserver.Options) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- httpserver.New(opts).Serve(ctx, l) }() // waited for by the cleanup
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestWritesUnderWayFinishWhenTheServerStops(t *testing.T) {
	p := &patient{work: noticed, begun: make(chan struct{}, 1)}
	address, stop := served(t, httpserver.Options{Handler: p})
	conn := dial(t, address)
	if _, err := io.WriteString(conn, "PUT /v1/kv/a HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-p.begun
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	p.wantCarried(t, 1)
}

func TestWriteThatNeverEndsDoesNotKeepTheServerFromStopping(t *testing.T) {
	var ended atomic.Bool
	begun := make(chan struct{})
	address, stop := served(t, httpserver.Options{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
		ended.Store(true)
	})})
	if _, err := io.WriteString(dial(t, address), "PUT /v1/kv/a HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-begun
	if err := stop(); err != nil || !ended.Load() {
		t.Errorf("stopped %v, handler ended %t", err, ended.Load())
	}
}

func TestReadsThatWereLeftMakeRoomForNewConnections(t *testing.T) {
	const reads, places = 9, 2
	p := &patient{work: time.Minute, begun: make(chan struct{}, 4)}
	address, _ := served(t, httpserver.Options{Handler: p, MaxConnsPerClient: places})
	for range reads { // as a client whose patience is shorter than its waits
		waitFor(t, "a read to be taken", func() error {
			conn := dial(t, address)
			defer conn.Close()
			if _, err := io.WriteString(conn, "GET /v1/kv/a?index=1 HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
				return err
			}
			select {
			case <-p.begun:
				return nil
			case <-time.After(2 * time.Second):
				return errors.New("refused")
			}
		})
	}
	waitFor(t, "the reads without a place to end", func() error { // each ends on its own goroutine
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(p.ended) < reads-places {
			return fmt.Errorf("%d have ended", len(p.ended))
		}
		return nil
	})
}
