package httpserver_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"praetor/internal/httpserver"
)

// flood answers with so many bytes and tells how that ended.
func flood(bytesEach int) (http.Handler, <-chan error) {
	ended := make(chan error, 16)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var err error
		for chunk, left := make([]byte, 64<<10), bytesEach; err == nil && left > 0; left -= len(chunk) {
			_, err = w.Write(chunk)
		}
		ended <- err
	}), ended
}

func TestAClientThatReadsNothingIsCutOff(t *testing.T) {
	t.Parallel()
	handler, ended := flood(256 << 20)
	address, _ := served(t, httpserver.Options{Handler: handler, WriteTimeout: time.Second})
	conn := dial(t, address)
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err == nil {
			t.Error("all was sent")
		}
	case <-time.After(30 * time.Second):
		t.Error("its answer is still being sent")
	}
}

func TestAClientThatReadsSlowlyIsWaitedFor(t *testing.T) {
	t.Parallel()
	const size = 24 << 20
	handler, ended := flood(size)
	address, _ := served(t, httpserver.Options{Handler: handler, WriteTimeout: 2 * time.Second})
	conn := dial(t, address)
	conn.(*net.TCPConn).SetReadBuffer(64 << 10)
	conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(conn, "GET / HTTP/1.0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	pace := time.NewTicker(50 * time.Millisecond)
	defer pace.Stop()
	var got int64
	for range 100 { // 5 s
		<-pace.C
		n, err := io.CopyN(io.Discard, conn, 32<<10)
		if got += n; err != nil {
			t.Fatalf("cut off after %d bytes: %v", got, err)
		}
	}
	rest, err := io.Copy(io.Discard, conn)
	if err != nil || got+rest < size {
		t.Errorf("%d bytes, %v", got+rest, err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestAnAnswerThatComesLateIsSent(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/late" {
			<-release
		}
		w.WriteHeader(http.StatusNoContent)
	})
	address, _ := served(t, httpserver.Options{Handler: handler, WriteTimeout: 100 * time.Millisecond})
	conn := dial(t, address)
	exchange(t, conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	time.AfterFunc(500*time.Millisecond, func() { close(release) })
	if res, _ := exchange(t, conn, "GET /late HTTP/1.1\r\nHost: x\r\n\r\n"); res.StatusCode != 204 {
		t.Errorf("%d", res.StatusCode)
	}
}

// deadlines notes by when more of a body must have come.
type deadlines struct {
	http.ResponseWriter
	set []time.Duration // from now; 0 for none any more
}

func (d *deadlines) SetReadDeadline(at time.Time) error {
	left := time.Duration(0)
	if !at.IsZero() {
		left = time.Until(at)
	}
	d.set = append(d.set, left)
	return nil
}

// A body may take its whole time as long as it keeps coming.
func TestABodyMustKeepComing(t *testing.T) {
	const s = time.Second
	for total, want := range map[time.Duration][]time.Duration{
		40 * s:  {40 * s, 10 * s, -20 * s},
		90 * s:  {60 * s, 60 * s, 30 * s},
		900 * s: {60 * s, 60 * s, 60 * s},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := &deadlines{}
			r := httpserver.Timed(d, httptest.NewRequest("PUT", "/", strings.NewReader("ab")), total)
			for range 2 {
				time.Sleep(30 * time.Second)
				if _, err := r.Body.Read(make([]byte, 1)); err != nil {
					t.Fatal(err)
				}
			}
			io.ReadAll(r.Body)
			if !slices.Equal(d.set[:3], want) || d.set[len(d.set)-1] != 0 {
				t.Errorf("of %s: %v, want %v", total, d.set, want)
			}
		})
	}
}
