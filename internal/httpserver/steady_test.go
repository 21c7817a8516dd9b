package httpserver_test

import (
	"io"
	"net"
	"net/http"
	"testing"
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
