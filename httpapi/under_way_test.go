package httpapi_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"praetor/catalog"
	"praetor/httpapi"
	"praetor/internal/budget"
	"praetor/internal/httpserver"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

func TestAClientWithoutRoomIsToldSo(t *testing.T) {
	f := newFixture(t, nil)
	f.api.LimitAnswers(&budget.Budget{Most: 600_000, MostPerClient: 400_000, Wait: time.Millisecond})
	answering(f.caller, ops.KVGet, kvReply("a", strings.Repeat("v", 250_000)))
	hold, held, released := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() { // waited for below
		defer close(released)
		f.api.ServeHTTP(&stuck{header: http.Header{}, held: held, release: hold}, request("/v1/kv/a"))
	}()
	<-held
	res, text := f.do("GET", "/v1/kv/a", "", "Accept-Encoding", "gzip;q=0")
	if res.StatusCode != 429 || res.Header.Get("Retry-After") == "" || !strings.Contains(text, "too many answers to this address") {
		t.Errorf("%d %v %.100s", res.StatusCode, res.Header, text)
	}
	close(hold)
	<-released
	if res, _ := f.do("GET", "/v1/kv/a", ""); res.StatusCode != 200 {
		t.Errorf("%d when there is room again", res.StatusCode)
	}
}

func request(target string) *http.Request {
	r, err := http.NewRequest("GET", target, nil)
	if err != nil {
		panic(err)
	}
	r.RemoteAddr = "192.0.2.1:1234" // httptest's
	return r
}

// stuck is the answer of a client that reads nothing.
type stuck struct {
	header        http.Header
	held, release chan struct{}
}

func (s *stuck) Header() http.Header { return s.header }
func (s *stuck) WriteHeader(int)     {}
func (s *stuck) Write(b []byte) (int, error) {
	close(s.held)
	<-s.release
	return len(b), nil
}

// keyCarrier gives a list of keys, as a server in the same process does.
type keyCarrier struct{ list []*catalog.KVEntry }

func (c keyCarrier) Carry(context.Context, *rpc.Desc, rpc.Message, io.Reader) (rpc.Message, io.ReadCloser, error) {
	return &ops.KVStreamReply{ReadMeta: leaderMeta, Entries: c.list}, io.NopCloser(strings.NewReader("")), nil
}

// 200 slow readers of 3 MB held 1.3 GB: each its own encoding.
func TestSlowReadersHoldLittle(t *testing.T) {
	list := make([]*catalog.KVEntry, 30)
	for i := range list {
		list[i] = &catalog.KVEntry{Key: fmt.Sprint("big/", i), Value: make([]byte, 100_000)}
	}
	f := newFixture(t, func(o *httpapi.Options) { o.Transfers = keyCarrier{list} })
	asked := make(chan struct{}, 200)
	on(f.caller, ops.KVList, func(context.Context, *ops.KVListRequest) (*ops.KVListReply, error) {
		asked <- struct{}{}
		return &ops.KVListReply{ReadMeta: leaderMeta, TooLarge: true}, nil
	})
	address, _ := served(t, httpserver.Options{Handler: f.api})
	before := heap()
	for range 200 {
		conn := dial(t, address)
		if err := conn.(*net.TCPConn).SetReadBuffer(64 << 10); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, "GET /v1/kv/big/?recurse HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	for range 200 {
		<-asked
	}
	if grown := int64(heap()) - int64(before); grown > 150<<20 {
		t.Errorf("200 readers hold %d MB", grown>>20)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
