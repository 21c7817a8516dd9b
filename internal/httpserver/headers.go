package httpserver

import (
	"net/http"

	"praetor/internal/budget"
)

const (
	// The headers of requests under way may hold so many bytes together, and those of
	// one address so many: over HTTP/2 one connection has many requests, and each may wait
	// for as long as a blocking query does.
	maxHeldHeaders          = 256 << 20
	maxHeldHeadersPerClient = 64 << 20
	// freeHeader is a header that does not count, as nearly all are.
	freeHeader = 4 << 10
	// headerLineBytes is what a line holds beside its text.
	headerLineBytes = 128
)

// weighing refuses requests while the headers of others hold all that they may.
type weighing struct {
	next http.Handler
	held *budget.Budget
}

// ServeHTTP implements http.Handler.
func (h weighing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	size := headerSize(r)
	if size <= freeHeader {
		h.next.ServeHTTP(w, r)
		return
	}
	give, err := h.held.Take(r.Context(), hostOf(r.RemoteAddr), size, nil)
	if err != nil {
		w.Header()["Retry-After"] = []string{"5"}
		Plain(w, http.StatusTooManyRequests, "the headers of requests under way are too large together: send shorter ones, or fewer at once\n")
		return
	}
	defer give()
	h.next.ServeHTTP(w, r)
}

// headerSize is about what the header of a request holds.
func headerSize(r *http.Request) int {
	size := 2 * len(r.RequestURI) // as it came, and in its parts
	for name, values := range r.Header {
		for _, value := range values {
			size += len(name) + len(value) + headerLineBytes
		}
	}
	return size
}

var _ http.Handler = weighing{}
