// Package httpapi is the front door for HTTP: it parses a request, asks one
// operation or the agent itself, and encodes the answer.
//
// # Use
//
//	api, err := httpapi.New(httpapi.Options{Caller: router, Agent: agent, Local: local, Datacenter: "dc1", NodeName: "n1"})
//	srv := httpserver.New(httpserver.Options{Handler: api, MaxConnsPerClient: 200})
//	err = srv.Serve(ctx, listener)
//
// # Concurrency
//
// An API serves any number of requests at once and starts no goroutine; how long a
// request lives is the server's to say (internal/httpserver).
//
// # Invariants
//
// Bodies follow reference/http-api.md and its siblings to the byte: key names
// and order, null or [] or absent, escapes. Errors are written in one place
// (errors.go), meta headers and consistency in one (read.go). Tokens are not
// logged. No name in a path leads to another endpoint (path.go).
// Bounds: JSON bodies maxBodyBytes and their shape, values Options.KVMaxValueSize,
// cached answers answerCacheBytes and replies replyCacheBytes, answers under way maxUnderWay
// and maxUnderWayPerClient. Lists of keys above maxWholeList are written as they come.
//
// # Decisions
//
// What JSON looks like is httpapi/wire's. The encoding of a service's health is
// made once per change (answer_cache.go), compressed once, and given to all its watchers.
// Chunked bodies have the bounds of others, though Consul looks at Content-Length
// only: there is no body without a bound in bytes.
// chi is used as a finder only, and its handlers are never called (api.go): they
// would copy each request to carry its context.
package httpapi
