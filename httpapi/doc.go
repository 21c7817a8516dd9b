// Package httpapi is the front door for HTTP: it parses a request, asks one
// operation or the agent itself, and encodes the answer.
//
// # Use
//
//	api, err := httpapi.New(httpapi.Options{Caller: router, Agent: agent, Local: local, Datacenter: "dc1", NodeName: "n1"})
//	srv := httpapi.NewServer(httpapi.ServerOptions{Handler: api, MaxConnsPerClient: 200})
//	err = srv.Serve(ctx, listener)
//
// # Concurrency
//
// An API serves any number of requests at once and starts no goroutine. Serve
// owns the goroutines of its connections: when its ctx ends so do blocking
// requests, writes a second later, and it returns when all handlers have.
//
// # Invariants
//
// Bodies follow reference/http-api.md and its siblings to the byte: key names
// and order, null or [] or absent, escapes. Errors are written in one place
// (errors.go), meta headers and consistency in one (read.go). Tokens are not
// logged.
// A write whose request arrived whole is carried out though its client left; a
// read ends when its client is known to be gone (life.go). No name in a path leads
// to another endpoint (path.go). Pages of other origins do not write (browser.go).
// Bounds: JSON bodies maxBodyBytes and their shape, values Options.KVMaxValueSize, a
// body must arrive within bodyTimeout, connections per client
// ServerOptions.MaxConnsPerClient, kept encodings maxKept answers and maxKeptBytes,
// answers under way maxUnderWay and maxUnderWayPerClient, a client that takes
// nothing writeTimeout. Lists of keys above maxWholeList are written as they come.
//
// # Decisions
//
// Encoders are written by hand: half of what Consul spends on a health query is
// reflection (reference/performance.md). The encoding of a service's health is
// made once per change (kept.go), compressed once, and given to all its watchers.
// Chunked bodies have the bounds of others, though Consul looks at Content-Length
// only: there is no body without a bound in bytes.
// chi only finds the route: letting it call the handler would copy each request
// to carry its context.
package httpapi
