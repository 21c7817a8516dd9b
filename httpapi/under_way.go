package httpapi

import (
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"

	"praetor/internal/budget"
	"praetor/internal/fault"
)

const (
	// Answers under way may have so many bytes together, and those to one address so
	// many: what slow readers can make an agent hold. Those who read empty
	// it in milliseconds.
	maxUnderWay          = 256 << 20
	maxUnderWayPerClient = 128 << 20
	// freeAnswer is an answer that does not count, such as that for a service of 200
	// instances: 200 connections, as many as one address may have, hold 50 MB of them.
	freeAnswer = 256 << 10
	// underWayWait is how long an answer waits for room.
	underWayWait = 10 * time.Second
	// retryAfter is what a refused client is told, in seconds.
	retryAfter = 5
)

// The texts of refusals.
const (
	textClientFull = "too many answers to this address are under way and not read: at most %d MB; read them, or ask for less at once"
	textAgentFull  = "too many answers are under way and not read by their clients: at most %d MB; try again later"
)

// room takes room for a part of this exchange's answer. If there is none it answers
// so, and returns nil.
func (x *exchange) room(bytes int, of any) (give func()) {
	if bytes <= freeAnswer {
		return func() {}
	}
	b := x.api.underWay
	give, err := b.Take(x.r.Context(), clientAddress(x.r), bytes, of)
	switch {
	case errors.Is(err, budget.ErrClient):
		err = fault.New(fault.Limit, textClientFull, b.MostPerClient>>20)
	case errors.Is(err, budget.ErrAll):
		err = fault.New(fault.Overloaded, textAgentFull, b.Most>>20)
	}
	if err != nil {
		delete(x.w.Header(), "Content-Encoding")
		x.w.Header()["Retry-After"] = []string{strconv.Itoa(retryAfter)}
		x.fail(err)
	}
	return give
}

// clientAddress is the address of a client without its port; all of a Unix socket
// are one.
func clientAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
