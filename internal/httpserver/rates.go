package httpserver

import (
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/time/rate"

	"praetor/internal/cache"
	"praetor/internal/logging"
)

const (
	// ratesBytes is what the rates of all clients hold: some 10,000 of them.
	ratesBytes = 4 << 20
	// bucketBytes is what one holds.
	bucketBytes = 128
	// textTooFast is what a client gets that asks too fast.
	textTooFast = "too many requests from this address: see limits.http_max_requests_per_client\n"
)

// rates bounds the requests of one IP address a second. What was not asked for the
// longest time is forgotten, and begins anew.
type rates struct {
	perSecond atomic.Int64 // 0 means no bound
	logger    hclog.Logger
	told      logging.Seldom

	mu        sync.Mutex
	perClient cache.Map[string, *rate.Limiter]
}

// limit sets how many requests a second one address may make, with as many at once; 0
// means no bound.
func (r *rates) limit(perSecond int) {
	if r.perSecond.Swap(int64(perSecond)) == int64(perSecond) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.perClient.MaxBytes = ratesBytes
	r.perClient.Clear()
}

// allow reports whether a client may make a request now.
func (r *rates) allow(client string) bool {
	perSecond := int(r.perSecond.Load())
	if perSecond == 0 {
		return true
	}
	r.mu.Lock()
	bucket, ok := r.perClient.Get(client)
	if !ok {
		bucket = rate.NewLimiter(rate.Limit(perSecond), perSecond)
		r.perClient.Put(client, bucket, bucketBytes+len(client))
	}
	r.mu.Unlock()
	return bucket.Allow()
}

// pacing refuses requests that come too fast.
type pacing struct {
	next  http.Handler
	rates *rates
}

// ServeHTTP implements http.Handler.
func (p pacing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	client, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil || p.rates.allow(client) { // a Unix socket has no address: its file says who may come in
		p.next.ServeHTTP(w, r)
		return
	}
	if left, due := p.rates.told.Due(time.Now()); due {
		p.rates.logger.Error("Request error", "from", r.RemoteAddr, "error", "too many requests from this address", "lines_left_out", left)
	}
	w.Header()["Retry-After"] = []string{"1"}
	Plain(w, http.StatusTooManyRequests, textTooFast)
}

var _ http.Handler = pacing{}
