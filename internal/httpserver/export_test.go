package httpserver

import (
	"net"
	"net/http"
	"time"
)

// HoldHeaders bounds what the headers of one client's requests may hold; before Serve.
func (s *Server) HoldHeaders(most int) { s.headers.MostPerClient = most }

// Door is what a request passes on its way to the handler, on a loopback listener.
func (s *Server) Door() http.Handler { return s.door(loopback{}) }

type loopback struct{ net.Listener }

func (loopback) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// Timed is r with a body of which all must have come within total.
func Timed(w http.ResponseWriter, r *http.Request, total time.Duration) *http.Request {
	_, r = steady(w, r, total, time.Second)
	return r
}
