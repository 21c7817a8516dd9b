package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"praetor/catalog"
	"praetor/httpapi"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// news is an event of a stream.
type news struct {
	id, event string
	topic     int
	status    int
	text      string
	silent    int64
	body      string
}

func (n news) String() string {
	return fmt.Sprintf("%s%d: %d%s %s", n.event, n.topic, n.status, n.text, n.body)
}

// listener hears a stream. It is the client's side and the connection in one.
type listener struct {
	t      *testing.T
	header http.Header
	status int
	cancel context.CancelFunc
	done   chan struct{}

	mu    sync.Mutex
	heard strings.Builder
	read  int
}

func (l *listener) Header() http.Header { return l.header }
func (l *listener) WriteHeader(n int)   { l.status = n }
func (l *listener) Flush()              {}
func (l *listener) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.heard.Write(p)
}

// stream opens one. The test's bubble must not end before it does.
func (f *fixture) stream(t *testing.T, last, token string, topics ...string) *listener {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := &listener{t: t, header: http.Header{}, status: 200, cancel: cancel, done: make(chan struct{})}
	req := httptest.NewRequestWithContext(ctx, "GET", "/v1/internal/ui/stream?"+url.Values{"topic": topics}.Encode(), nil)
	req.Header.Set("Last-Event-ID", last)
	req.Header.Set("X-Consul-Token", token)
	go func() { // close waits for it
		defer close(l.done)
		f.api.ServeHTTP(l, req)
	}()
	synctest.Wait()
	return l
}

// close is the client's going.
func (l *listener) close() {
	l.cancel()
	<-l.done
}

// ended reports whether the server ended the stream.
func (l *listener) ended() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// next is what came since it was asked last.
func (l *listener) next() (list []news) {
	l.t.Helper()
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.heard.String()
	for event := range strings.SplitSeq(all[l.read:], "\n\n") {
		var n news
		var data []string
		for line := range strings.SplitSeq(event, "\n") {
			name, value, _ := strings.Cut(line, ": ")
			switch name {
			case "id":
				n.id = value
			case "event":
				n.event = value + " "
			case "data":
				data = append(data, value)
			}
		}
		if len(data) == 0 {
			continue // a sign of life
		}
		var head struct {
			Topic, Status int
			Text          string
			Silent        int64
		}
		if err := json.Unmarshal([]byte(data[0]), &head); err != nil {
			l.t.Fatalf("%s: %v", event, err)
		}
		n.topic, n.status, n.text, n.silent = head.Topic, head.Status, head.Text, head.Silent
		if len(data) > 1 {
			n.body = data[1]
		}
		list = append(list, n)
	}
	l.read = len(all)
	return list
}

// wantNews wants just these events, as String has them.
func (l *listener) wantNews(want ...string) []news {
	l.t.Helper()
	got := l.next()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		l.t.Fatalf("got %v, want %v", got, want)
	}
	return got
}

// shelf is one thing of the servers that is read with an index.
type shelf struct {
	mu      sync.Mutex
	index   uint64
	name    string
	err     error
	changed chan struct{}
	asked   atomic.Int32
}

func (s *shelf) put(index uint64, name string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.index, s.name, s.err = index, name, err
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *shelf) services(ctx context.Context, req *ops.UIServicesRequest) (*ops.UIServicesReply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked.Add(1)
	for s.err == nil && req.MinIndex > 0 && s.index == req.MinIndex {
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		s.mu.Lock()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	if s.err != nil {
		return nil, s.err
	}
	return &ops.UIServicesReply{ReadMeta: rpc.ReadMeta{Index: s.index, KnownLeader: true}, Services: []*catalog.ServiceSummary{{Name: s.name}}}, nil
}

const servicesTopic = "/v1/internal/ui/services?stale"

func services(name string) string {
	return fmt.Sprintf(`0: 200 [{"Name":%q,"Datacenter":"","Tags":null,"Nodes":null,"ExternalSources":null,"InstanceCount":0,"ChecksPassing":0,"ChecksWarning":0,"ChecksCritical":0,`+
		`"GatewayConfig":{},"TransparentProxy":false,"ConnectNative":false,"ConnectedWithProxy":false,"ConnectedWithGateway":false}]`, name)
}

// streaming is a test of streams about a shelf, in virtual time.
func streaming(t *testing.T, change func(*httpapi.Options), test func(t *testing.T, f *fixture, s *shelf)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, change)
		s := &shelf{index: 10, name: "a", changed: make(chan struct{})}
		on(f.caller, ops.UIServices, s.services)
		test(t, f, s)
		if n, bytes := f.api.Feeds(); n != 0 || bytes != 0 {
			t.Errorf("%d feeds with %d bytes are left", n, bytes)
		}
	})
}

func TestUIStreamAsksOnceHoweverManyLook(t *testing.T) {
	streaming(t, nil, func(t *testing.T, f *fixture, s *shelf) {
		var all []*listener
		for range 50 {
			all = append(all, f.stream(t, "", "", servicesTopic))
		}
		time.Sleep(time.Second)
		for _, l := range all {
			l.wantNews(services("a"))
		}
		s.put(11, "b", nil)
		for _, l := range all {
			l.wantNews(services("b"))
		}
		time.Sleep(time.Minute)
		if n := s.asked.Load(); n != 5 { // at first and for what comes then, each looked at again before it is waited for, and for what comes after that
			t.Errorf("%d questions for 50 streams", n)
		}
		if got := all[0].header.Get("Content-Type"); got != "text/event-stream" {
			t.Errorf("Content-Type %q", got)
		}
		for _, l := range all {
			l.close()
		}
	})
}

func TestUIStreamGoesOnWhereItWas(t *testing.T) {
	streaming(t, nil, func(t *testing.T, f *fixture, s *shelf) {
		answering(f.caller, ops.StatusLeader, &ops.StatusLeaderReply{Address: "10.0.0.1:8300"})
		l := f.stream(t, "", "", servicesTopic, "/v1/status/leader")
		time.Sleep(3 * time.Second)
		heard := l.next()
		last := heard[len(heard)-1].id
		l.close()
		again := f.stream(t, last, "", servicesTopic, "/v1/status/leader")
		time.Sleep(time.Second)
		again.wantNews()
		s.put(11, "b", nil)
		again.wantNews(services("b"))
		again.close()
		s.put(9, "c", nil) // restored meanwhile
		again = f.stream(t, last, "", servicesTopic, "/v1/status/leader")
		again.wantNews(services("c"))
		again.close()
	})
}

// TestUIStreamHearsOfRightsThatChangeBetweenTwoQuestions: no index says so.
func TestUIStreamHearsOfRightsThatChangeBetweenTwoQuestions(t *testing.T) {
	streaming(t, nil, func(t *testing.T, f *fixture, s *shelf) {
		l := f.stream(t, "", "", servicesTopic)
		l.wantNews(services("a"))
		s.put(10, "less", nil)
		time.Sleep(200 * time.Millisecond)
		l.wantNews(services("less"))
		l.close()
	})
}

// What has no index is asked for every two seconds, and said when it is another.
func TestUIStreamAsksAgainForWhatHasNoIndex(t *testing.T) {
	streaming(t, nil, func(t *testing.T, f *fixture, _ *shelf) {
		var address atomic.Value
		address.Store("10.0.0.1:8300")
		var asked atomic.Int32
		on(f.caller, ops.StatusLeader, func(context.Context, *ops.StatusRequest) (*ops.StatusLeaderReply, error) {
			asked.Add(1)
			return &ops.StatusLeaderReply{Address: address.Load().(string)}, nil
		})
		one, two := f.stream(t, "", "", "/v1/status/leader"), f.stream(t, "", "", "/v1/status/leader")
		one.wantNews(`0: 200 "10.0.0.1:8300"`)
		two.wantNews(`0: 200 "10.0.0.1:8300"`)
		time.Sleep(20*time.Second + time.Millisecond)
		one.wantNews()
		if n := asked.Load(); n != 11 {
			t.Errorf("asked %d times in 20 s", n)
		}
		address.Store("")
		time.Sleep(2 * time.Second)
		one.wantNews(`0: 200 ""`)
		two.wantNews(`0: 200 ""`)
		one.close()
		two.close()
	})
}

func TestUIStreamSaysWhatCannotBeSaid(t *testing.T) {
	streaming(t, nil, func(t *testing.T, f *fixture, s *shelf) {
		l := f.stream(t, "", "", servicesTopic)
		l.wantNews(services("a"))
		time.Sleep(time.Second)
		s.put(10, "a", fault.New(fault.NoLeader, "No known Consul servers"))
		l.wantNews("0: 500No known Consul servers ")
		time.Sleep(time.Minute)
		l.wantNews()
		s.put(10, "a", nil)
		time.Sleep(8 * time.Second)
		l.wantNews(services("a"))
		l.close()

		on(f.caller, ops.UIServices, func(ctx context.Context, _ *ops.UIServicesRequest) (*ops.UIServicesReply, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		l = f.stream(t, "", "", servicesTopic)
		time.Sleep(10 * time.Second)
		l.wantNews("0: 504No answer within 10 s: the servers are stopped, overloaded or cut off. ")
		l.close()
	})
}

func TestUIStreamSaysSinceWhenThereIsNoLeader(t *testing.T) {
	streaming(t, nil, func(t *testing.T, f *fixture, _ *shelf) {
		answering(f.caller, ops.UIServices, &ops.UIServicesReply{ReadMeta: rpc.ReadMeta{Index: 10, LastContact: 3 * time.Second}})
		one := f.stream(t, "", "", servicesTopic)
		if got := one.next()[0].silent; got != 3000 {
			t.Errorf("silent for %d ms, want 3000", got)
		}
		time.Sleep(500 * time.Millisecond)
		two := f.stream(t, "", "", servicesTopic)
		if got := two.next()[0].silent; got != 3500 {
			t.Errorf("half a second later silent for %d ms", got)
		}
		one.close()
		two.close()
	})
}

func TestUIStreamEndsWithItsToken(t *testing.T) {
	gone := fault.New(fault.Denied, "ACL not found")
	t.Run("as a topic hears", func(t *testing.T) {
		streaming(t, nil, func(t *testing.T, f *fixture, s *shelf) {
			l, other := f.stream(t, "", "secret", servicesTopic), f.stream(t, "", "", "/v1/status/leader")
			l.wantNews(services("a"))
			time.Sleep(time.Second)
			s.put(10, "a", gone)
			l.wantNews("end 0: 403ACL not found ")
			if !l.ended() || other.ended() {
				t.Errorf("ended: %v, another: %v", l.ended(), other.ended())
			}
			l.close()
			other.close()
		})
	})
	t.Run("as the agent hears", func(t *testing.T) {
		var refuse atomic.Bool
		resolver := resolverFunc(func(context.Context, string) (*acl.Authorizer, error) {
			if refuse.Load() {
				return nil, gone
			}
			return acl.Unrestricted, nil
		})
		streaming(t, func(o *httpapi.Options) { o.ACL = resolver }, func(t *testing.T, f *fixture, _ *shelf) {
			l := f.stream(t, "", "secret", servicesTopic)
			l.wantNews(services("a"))
			refuse.Store(true)
			time.Sleep(2 * time.Second)
			l.wantNews("end 0: 403ACL not found ")
			l.close()
		})
	})
	t.Run("not if it is refused one topic", func(t *testing.T) {
		streaming(t, nil, func(t *testing.T, f *fixture, s *shelf) {
			s.put(10, "a", fault.New(fault.Denied, "Permission denied: token lacks permission 'operator:read'"))
			l := f.stream(t, "", "secret", servicesTopic)
			l.wantNews("0: 403Permission denied: token lacks permission 'operator:read' ")
			s.put(10, "a", nil)
			time.Sleep(10 * time.Second) // it was given the right
			l.wantNews(services("a"))
			l.close()
		})
	})
}

type resolverFunc func(context.Context, string) (*acl.Authorizer, error)

func (f resolverFunc) Resolve(ctx context.Context, token string) (*acl.Authorizer, error) {
	return f(ctx, token)
}

func TestUIStreamsOfDifferentTokensAreNotShared(t *testing.T) {
	streaming(t, nil, func(t *testing.T, f *fixture, _ *shelf) {
		on(f.caller, ops.UIServices, func(_ context.Context, req *ops.UIServicesRequest) (*ops.UIServicesReply, error) {
			return &ops.UIServicesReply{Services: []*catalog.ServiceSummary{{Name: req.Token}}}, nil
		})
		one, two := f.stream(t, "", "one", servicesTopic), f.stream(t, "", "two", servicesTopic+"&token=one")
		one.wantNews(services("one"))
		two.wantNews(services("two"))
		one.close()
		two.close()
	})
}

func TestUIStreamsAreBounded(t *testing.T) {
	streaming(t, nil, func(t *testing.T, f *fixture, _ *shelf) {
		many := make([]string, httpapi.MaxTopics+1)
		for i := range many {
			many[i] = servicesTopic
		}
		for want, topics := range map[string][]string{
			"Missing topic":             nil,
			"a stream has at most 16":   many,
			`"/v1/agent/monitor" is no`: {"/v1/agent/monitor"},
			`"/v1/internal/ui/stream?`:  {"/v1/internal/ui/stream?topic=" + url.QueryEscape(servicesTopic)},
			`"//elsewhere/v1/kv/a" is`:  {"//elsewhere/v1/kv/a"},
			`"/v1/nowhere" is`:          {"/v1/nowhere"},
		} {
			res, text := f.do("GET", "/v1/internal/ui/stream?"+url.Values{"topic": topics}.Encode(), "")
			if res.StatusCode != 400 || !strings.HasPrefix(text, want) {
				t.Errorf("%q: %d %s, want %q", topics, res.StatusCode, text, want)
			}
		}
		var all []*listener
		for range httpapi.MaxStreamsPerClient {
			all = append(all, f.stream(t, "", "", servicesTopic))
		}
		if res, _ := f.do("GET", "/v1/internal/ui/stream?topic=/v1/status/leader", ""); res.StatusCode != 429 {
			t.Errorf("one more stream: %d", res.StatusCode)
		}
		all[0].close()
		more := f.stream(t, "", "", servicesTopic)
		if more.status != 200 {
			t.Errorf("one for one that has gone: %d", more.status)
		}
		more.close()
		for _, l := range all[1:] {
			l.close()
		}
	})
}

func TestUIStreamCarriesNoAnswerThatIsTooLong(t *testing.T) {
	streaming(t, nil, func(t *testing.T, f *fixture, s *shelf) {
		s.put(10, strings.Repeat("x", httpapi.MaxFeedBytes), nil)
		l := f.stream(t, "", "", servicesTopic)
		l.wantNews("0: 413the answer is longer than the 16 MB that a stream carries ")
		l.close()
	})
}

// A development agent indents; an event has its answer in one line all the same.
func TestUIStreamHasAnswersInOneLine(t *testing.T) {
	streaming(t, func(o *httpapi.Options) { o.Dev = true }, func(t *testing.T, f *fixture, _ *shelf) {
		l := f.stream(t, "", "", servicesTopic)
		l.wantNews(services("a"))
		l.close()
	})
}
