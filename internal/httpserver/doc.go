// Package httpserver listens for HTTP: it accepts connections, bounds them, and
// gives each request to a handler with the life that its method promises. It knows
// nothing of the API.
//
// # Use
//
//	srv := httpserver.New(httpserver.Options{Handler: api, MaxConnsPerClient: 200})
//	err := srv.Serve(ctx, listener)
//
// # Concurrency
//
// A Server serves any number of listeners at once. Serve owns the goroutines of
// its connections: when its ctx ends so do reads, writes a second later, and it
// returns when all handlers have.
//
// # Invariants
//
// A write whose request arrived whole is carried out though its client left; a
// read ends when its client is known to be gone (life.go). Pages of other origins
// do not write (browser.go). Log lines name no token (request_log.go).
// Bounds: connections per client Options.MaxConnsPerClient, of other machines
// Options.MaxConns, a handshake Options.HandshakeTimeout, a header
// Options.MaxHeaderBytes and Options.HeaderTimeout, all headers under way
// maxHeldHeaders, a body Options.BodyTimeout and BodyStall, a client that takes
// nothing Options.WriteTimeout, a write whose client left finishTimeout.
//
// # Decisions
//
// There is no timeout for answers, as blocking queries take minutes. Connections
// are wrapped rather than net/http replaced: limited counts, forgiving takes
// answers nobody reads, steadyConn cuts off who stops reading, handshaking gives
// TLS its time. The last relies on net/http setting the deadline for headers first
// of all; TestHandshakesHaveATimeOfTheirOwn holds it to that.
package httpserver
