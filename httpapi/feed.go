package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"praetor/internal/fault"
	"praetor/internal/life"
)

const (
	// A feed that has an index waits for changes so long at a time; its server may cut
	// that short.
	feedWait = time.Minute
	// feedEvery is how often what has no index is asked for.
	feedEvery = 2 * time.Second
	// What has no answer is asked for again after firstFeedRetry, which doubles to lastFeedRetry.
	firstFeedRetry, lastFeedRetry = time.Second, 8 * time.Second
	// feedRefused is how often a feed asks again that was refused: rights may be given.
	feedRefused = 10 * time.Second
	// feedPatience is how long an answer may take that waits for nothing, feedPatienceAgain
	// that of what was answered before.
	feedPatience      = 10 * time.Second
	feedPatienceAgain = 5 * time.Second
	// Changes of a feed are leastFeedPause apart, and so far that it makes feedRate bytes a
	// second: the browser must read them all.
	leastFeedPause = 200 * time.Millisecond
	feedRate       = 4 << 20
	// maxFeedBytes is the longest answer of a feed: 30,000 services. All of them hold
	// maxAllFeedBytes, and there are maxFeeds.
	maxFeedBytes    = 16 << 20
	maxAllFeedBytes = 128 << 20
	maxFeeds        = 4096
)

const (
	textFeedTooLong = "the answer is longer than the %d MB that a stream carries"
	textFeedsFull   = "streams carry too much already"
	textFeedLate    = "No answer within %d s: the servers are stopped, overloaded or cut off."
)

// feeds are the answers that streams show: each is asked for once, with blocking
// queries where its endpoint knows them, however many look at it.
type feeds struct {
	ask http.Handler

	mu     sync.Mutex
	byName map[feedName]*feed
	bytes  int // of all that is held
}

// feedName is a request: who asks, and for what. Only one token's streams share it.
type feedName struct{ token, target string }

// feed is one of them. It lives while somebody looks.
type feed struct {
	all    *feeds
	name   feedName
	latest atomic.Pointer[news] // nil before the first answer

	cancel context.CancelFunc
	ended  chan struct{}

	lookers map[chan<- struct{}]bool // guarded by all.mu, as is bytes
	bytes   int
}

// news is an answer of a feed. It does not change.
type news struct {
	// version is the answer's index and a checksum: one that was seen need not be sent
	// again. It is "" for a refusal.
	version string
	status  int    // 200, 404 for what does not exist, or a refusal
	body    []byte // JSON without line ends, or nil
	text    string // of a refusal
	silent  time.Duration
	at      time.Time
	gone    bool // the token is not known any more

	index uint64 // 0: the endpoint has none
}

func (n *news) isRefusal() bool { return n.version == "" }

// look finds the feed of a request or begins it. What it says from now on is told to
// tell, which must have room for one. ctx is that of a request; the feed takes its
// values, not its end.
func (fs *feeds) look(ctx context.Context, name feedName, tell chan<- struct{}) (*feed, error) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f := fs.byName[name]
	if f == nil {
		if len(fs.byName) >= maxFeeds {
			return nil, fault.New(fault.Overloaded, textFeedsFull)
		}
		f = &feed{all: fs, name: name, ended: make(chan struct{}), lookers: map[chan<- struct{}]bool{}}
		ctx, f.cancel = context.WithCancel(context.WithoutCancel(ctx))
		fs.byName[name] = f
		go f.run(ctx) // leave waits for it
	}
	f.lookers[tell] = true
	return f, nil
}

// leave ends a look. The last to leave ends the feed.
func (f *feed) leave(tell chan<- struct{}) {
	if f.forget(tell) {
		f.cancel()
		<-f.ended
	}
}

func (f *feed) forget(tell chan<- struct{}) (last bool) {
	f.all.mu.Lock()
	defer f.all.mu.Unlock()
	delete(f.lookers, tell)
	if len(f.lookers) > 0 {
		return false
	}
	delete(f.all.byName, f.name)
	f.all.bytes -= f.bytes
	return true
}

// run asks, again and again, until ctx ends. It waits for what comes after an answer only
// when it was just given it: rights that change between two questions change no index.
func (f *feed) run(ctx context.Context) {
	defer close(f.ended)
	index, retry := uint64(0), firstFeedRetry
	for ctx.Err() == nil {
		begun := time.Now()
		n := f.next(ctx, index)
		if ctx.Err() != nil {
			return
		}
		was := f.latest.Load()
		changed := was == nil || n.version != was.version || n.isRefusal() && (n.status != was.status || n.text != was.text)
		if changed {
			f.publish(n)
		}
		waited := index > 0
		index = 0
		if !n.isRefusal() {
			retry = firstFeedRetry
		}
		switch {
		case n.isRefusal() && n.status >= 500:
			life.Pause(ctx, retry)
			retry = min(2*retry, lastFeedRetry)
		case n.isRefusal():
			life.Pause(ctx, feedRefused)
		case n.index == 0, waited && time.Since(begun) < feedEvery && !changed: // it did not wait
			life.Pause(ctx, feedEvery)
		case changed:
			life.Pause(ctx, max(leastFeedPause, time.Duration(len(n.body))*time.Second/feedRate))
		case !waited:
			index = n.index
		}
	}
}

// publish keeps an answer, if there is room for it, and tells those who look.
func (f *feed) publish(n *news) {
	f.all.mu.Lock()
	defer f.all.mu.Unlock()
	if f.all.bytes-f.bytes+len(n.body) > maxAllFeedBytes {
		n = refusal(http.StatusServiceUnavailable, textFeedsFull)
	}
	f.all.bytes += len(n.body) - f.bytes
	f.bytes = len(n.body)
	f.latest.Store(n)
	for tell := range f.lookers {
		select {
		case tell <- struct{}{}:
		default: // it was told already
		}
	}
}

// next asks the API itself. With an index it waits for what comes after it.
func (f *feed) next(ctx context.Context, index uint64) *news {
	patience := feedPatience
	if was := f.latest.Load(); was != nil && was.index == 0 {
		patience = feedPatienceAgain
	}
	target := f.name.target
	if index > 0 {
		patience = feedWait + feedWait/16 + feedPatience
		target += fmt.Sprintf("&index=%d&wait=%s", index, feedWait)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return refusal(http.StatusBadRequest, err.Error())
	}
	if f.name.token != "" {
		req.Header.Set("X-Consul-Token", f.name.token)
	}
	req.RemoteAddr = "stream" // as logs name it
	answer := &recorder{header: http.Header{}, status: http.StatusOK}
	f.all.ask.ServeHTTP(answer, req)
	if answer.status >= 500 && ctx.Err() == context.DeadlineExceeded {
		return refusal(http.StatusGatewayTimeout, fmt.Sprintf(textFeedLate, int(patience.Seconds())))
	}
	return answer.news()
}

// topicTarget is a topic as a feed asks for it: without what streams see to, and ready
// for more of the query.
func topicTarget(u *url.URL) string {
	query := u.Query()
	for _, ours := range []string{"token", "index", "wait", "pretty", "cached", "consistent"} {
		query.Del(ours)
	}
	return u.EscapedPath() + "?" + query.Encode()
}

// recorder takes an answer.
type recorder struct {
	header  http.Header
	status  int
	body    bytes.Buffer
	tooLong bool
}

func (r *recorder) Header() http.Header    { return r.header }
func (r *recorder) WriteHeader(status int) { r.status = status }
func (r *recorder) Flush()                 {}
func (r *recorder) Write(p []byte) (int, error) {
	if r.tooLong = r.tooLong || r.body.Len()+len(p) > maxFeedBytes; r.tooLong {
		return 0, fmt.Errorf(textFeedTooLong, maxFeedBytes>>20)
	}
	return r.body.Write(p)
}

// news is what was recorded. What does not exist is an answer; an unknown path is a refusal.
func (r *recorder) news() *news {
	n := &news{status: r.status, at: time.Now()}
	n.index, _ = strconv.ParseUint(r.header.Get("X-Consul-Index"), 10, 64) // none is 0
	if r.header.Get("X-Consul-Knownleader") == "false" {
		ms, _ := strconv.ParseInt(r.header.Get("X-Consul-Lastcontact"), 10, 64)
		n.silent = max(time.Duration(ms)*time.Millisecond, time.Millisecond)
	}
	switch {
	case r.tooLong:
		return refusal(http.StatusRequestEntityTooLarge, fmt.Sprintf(textFeedTooLong, maxFeedBytes>>20))
	case r.status == http.StatusNotFound && (n.index > 0 || r.body.Len() == 0):
	case r.status != http.StatusOK:
		return refusal(r.status, strings.TrimSpace(r.body.String()))
	default:
		var compact bytes.Buffer
		if bytes.IndexByte(r.body.Bytes(), '\n') < 0 {
			compact = r.body
		} else if err := json.Compact(&compact, r.body.Bytes()); err != nil {
			return refusal(http.StatusUnsupportedMediaType, "the answer is no JSON")
		}
		n.body = compact.Bytes()
	}
	n.version = fmt.Sprintf("%d-%08x", n.index, crc32.Checksum(n.body, castagnoli))
	return n
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func refusal(status int, text string) *news {
	return &news{status: status, text: text, at: time.Now(), gone: status == http.StatusForbidden && strings.Contains(text, "ACL not found")}
}

var _ http.Flusher = (*recorder)(nil)
