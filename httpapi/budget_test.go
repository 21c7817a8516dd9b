package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"praetor/catalog"
	"praetor/httpapi"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

func TestAnswersUnderWayAreBounded(t *testing.T) {
	ctx := context.Background()
	for name, row := range map[string]struct {
		held   []string // clients that hold 10 bytes each, of 20 per client and 50 in all
		client string
		bytes  int
		kind   fault.Kind // Internal: none
	}{
		"up to a client's limit":        {[]string{"a"}, "a", 10, fault.Internal},
		"a byte beyond it":              {[]string{"a"}, "a", 11, fault.Limit},
		"twice the limit goes alone":    {nil, "a", 40, fault.Internal},
		"but not beside another":        {[]string{"a"}, "a", 40, fault.Limit},
		"another client":                {[]string{"a", "a"}, "b", 20, fault.Internal},
		"up to the limit of all":        {[]string{"a", "a", "b", "b"}, "c", 10, fault.Internal},
		"a byte beyond the limit":       {[]string{"a", "a", "b", "b"}, "c", 11, fault.Overloaded},
		"the limit of all, twice taken": {[]string{"a", "a", "b", "b", "c"}, "d", 20, fault.Overloaded},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := httpapi.NewBudget(50, 20, 10*time.Second)
			var gives []func()
			for _, client := range row.held {
				give, err := b.Take(ctx, client, 10, nil)
				if err != nil {
					t.Fatal(err)
				}
				gives = append(gives, give)
			}
			began := time.Now()
			give, err := b.Take(ctx, row.client, row.bytes, nil)
			switch took := time.Since(began); {
			case fault.KindOf(err) != row.kind:
				t.Errorf("%s: %v, want kind %v", name, err, row.kind)
			case err != nil && took != 10*time.Second, err == nil && took != 0:
				t.Errorf("%s: answered after %v", name, took)
			case err == nil:
				gives = append(gives, give)
			}
			for _, give := range gives {
				give()
			}
			if left := b.Total(); left != 0 {
				t.Errorf("%s: %d bytes are left", name, left)
			}
		})
	}
}

func TestAnAnswerWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := httpapi.NewBudget(50, 20, 10*time.Second)
		give, err := b.Take(context.Background(), "a", 20, nil)
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(5*time.Second, give)
		if _, err := b.Take(context.Background(), "a", 20, nil); err != nil {
			t.Error(err)
		}
		gone, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := b.Take(gone, "a", 20, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a client that left: %v", err)
		}
	})
}

func TestAnAnswerThatManyShareCountsOnce(t *testing.T) {
	b := httpapi.NewBudget(50, 20, time.Nanosecond)
	answer := new(int)
	var gives []func()
	for i := range 100 {
		give, err := b.Take(context.Background(), fmt.Sprint("c", i%10), 20, answer)
		if err != nil {
			t.Fatal(err)
		}
		gives = append(gives, give)
	}
	if b.Total() != 20 {
		t.Errorf("%d bytes are counted", b.Total())
	}
	for _, give := range gives {
		give()
	}
	if b.Total() != 0 {
		t.Errorf("%d bytes are left", b.Total())
	}
}

func TestAClientWithoutRoomIsToldSo(t *testing.T) {
	f := newFixture(t, nil)
	b := httpapi.NewBudget(50, 20, time.Millisecond)
	f.api.LimitAnswers(b)
	answering(f.caller, ops.KVGet, kvReply("a", strings.Repeat("v", 100_000)))
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
	address, _ := served(t, httpapi.ServerOptions{Handler: f.api})
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
