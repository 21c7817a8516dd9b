package httpapi_test

import (
	"io"
	"runtime"
	"strings"
	"testing"

	"praetor/internal/httpserver"
)

// One address, with as many connections as it may have, sends bodies that never end,
// each as large as it may be, and says nothing of their length.
func TestMemoryOfHalfBodiesIsBounded(t *testing.T) {
	const conns, body, most = 200, 512 << 10, 256 << 20
	f := newFixture(t, nil)
	address, _ := served(t, httpserver.Options{Handler: f.api, MaxConnsPerClient: conns})
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc + m.StackInuse)
	}
	chunk := "8000\r\n" + strings.Repeat(" ", 0x8000) + "\r\n"
	before := heap()
	for range conns {
		conn := dial(t, address)
		request := "PUT /v1/agent/service/register HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
		for range body / 0x8000 {
			if _, err := io.WriteString(conn, chunk); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range conns { // twice as many
		if answer, _ := io.ReadAll(dial(t, address)); !strings.HasPrefix(string(answer), "HTTP/1.1 429 ") {
			t.Fatalf("one too many: %q", answer)
		}
	}
	grown := heap() - before
	t.Logf("half bodies of %d connections: %.1f MB held, at most %d MB may be", conns, float64(grown)/(1<<20), most>>20)
	if grown > most {
		t.Errorf("half bodies of %d connections hold %d bytes, at most %d may be held", conns, grown, most)
	}
}
