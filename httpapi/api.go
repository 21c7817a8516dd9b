package httpapi

import (
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/go-chi/chi/v5"

	"praetor/internal/budget"
	"praetor/internal/cache"
	"praetor/internal/httpserver"
	"praetor/internal/telemetry"
)

// API answers requests. It is an http.Handler.
type API struct {
	opts     Options
	answers  answerCache
	replies  replyCache
	underWay *budget.Budget // of answers
	feeds    feeds          // what streams show
	streams  streams

	common http.Header // every response's headers from the configuration
	policy []string    // X-Consul-Default-ACL-Policy

	finder    *chi.Mux             // finds a pattern; its handlers are never called
	endpoints map[string]*endpoint // by the pattern that finder knows
	exact     map[string]bool      // patterns that take no name
	prefixes  map[string]bool      // patterns that do, without their final slash
	searches  sync.Pool            // of *chi.Context
	sidecars  chan struct{}        // a token for whoever picks a port for a sidecar
}

// endpoint is a route with what can be said about it beforehand.
type endpoint struct {
	*route
	name   string             // route's pattern without a final slash
	allow  []string           // the Allow header
	timers []*telemetry.Timer // by the place of its method in methods
	calls  calls
}

// New builds an API.
func New(opts Options) (*API, error) {
	if err := opts.fill(); err != nil {
		return nil, fmt.Errorf("build HTTP API: %w", err)
	}
	a := &API{
		opts: opts, policy: []string{opts.DefaultPolicy}, common: http.Header{},
		finder: chi.NewRouter(), endpoints: map[string]*endpoint{},
		exact: map[string]bool{}, prefixes: map[string]bool{},
		searches: sync.Pool{New: func() any { return chi.NewRouteContext() }},
		sidecars: make(chan struct{}, 1),
		answers:  answerCache{answers: cache.Map[answerKey, *answer]{MaxBytes: answerCacheBytes}},
		replies:  replyCache{replies: cache.Map[replyKey, cachedReply]{MaxBytes: replyCacheBytes}},
		underWay: &budget.Budget{Most: maxUnderWay, MostPerClient: maxUnderWayPerClient, Wait: underWayWait},
	}
	a.feeds = feeds{ask: a, byName: map[feedName]*feed{}}
	a.streams.perClient = map[string]int{}
	for k, v := range opts.ResponseHeaders {
		a.common.Set(k, v)
	}
	for i := range routes {
		a.add(&routes[i])
	}
	return a, nil
}

func (a *API) add(r *route) {
	e := &endpoint{route: r, name: strings.TrimSuffix(r.pattern, "/"), allow: []string{"OPTIONS," + strings.Join(r.methods, ",")}}
	e.calls = newCalls(a.opts.Metrics, r.pattern)
	for _, method := range r.methods {
		e.timers = append(e.timers, a.opts.Metrics.Timer("api.http", telemetry.Label{Name: "method", Value: method}, telemetry.Label{Name: "path", Value: pathLabel(r.pattern)}))
	}
	pattern := r.pattern
	if e.name == pattern {
		a.exact[pattern] = true
	} else {
		a.prefixes[e.name] = true
		pattern += "*"
	}
	a.finder.Get(pattern, http.NotFound)
	a.endpoints[pattern] = e
}

// pathLabel is a pattern as metrics name it: v1.kv._ for /v1/kv/.
func pathLabel(pattern string) string {
	label := strings.ReplaceAll(pattern[1:], "/", ".")
	if strings.HasSuffix(label, ".") {
		label += "_"
	}
	return label
}

// find returns the endpoint for an escaped path, and the name in it, escaped.
func (a *API) find(path string) (*endpoint, string) {
	search := a.searches.Get().(*chi.Context)
	search.Reset()
	defer a.searches.Put(search)
	e := a.endpoints[a.finder.Find(search, http.MethodGet, path)]
	if e == nil || e.name == e.pattern {
		return e, ""
	}
	return e, path[len(e.pattern):]
}

// ServeHTTP implements http.Handler in the order of reference/http-api.md §1.4.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	for k, v := range a.common {
		h[k] = v
	}
	if !a.opts.AllowUnprintable && !isPrintable(r.URL.Path) {
		httpserver.LogFailure(a.opts.Logger, r, "the path has characters that cannot be printed")
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	path := r.URL.EscapedPath()
	if target := a.redirect(path); target != "" {
		if a.leadsAway(path, target, r.Method) {
			httpserver.LogFailure(a.opts.Logger, r, textDots)
			httpserver.Plain(w, http.StatusBadRequest, textDots+"\n")
			return
		}
		redirect(w, r, target)
		return
	}
	e, name := a.find(path)
	if e == nil {
		a.serveOther(w, r)
		return
	}
	x := &exchange{api: a, endpoint: e, w: w, r: r}
	x.serve(name)
}

// serveOther answers paths without an endpoint.
func (a *API) serveOther(w http.ResponseWriter, r *http.Request) {
	path, ui := r.URL.Path, a.opts.UI()
	switch {
	case ui.Pages != nil && (strings.HasPrefix(path, ui.Path) || path == "/robots.txt"):
		ui.Pages.ServeHTTP(w, r)
	case ui.Pages != nil && path == "/":
		http.Redirect(w, r, ui.Path, http.StatusMovedPermanently)
	case strings.HasPrefix(path, debugPath):
		a.serveDebug(w, r)
	case path == "/":
		httpserver.Plain(w, http.StatusOK, textNoUI)
	case strings.HasPrefix(path, "/api/"):
		httpserver.Plain(w, http.StatusNotFound, textNotFound)
	case strings.Contains(path, "/v1/"):
		httpserver.Plain(w, http.StatusNotFound, textUnknownAPI)
	default:
		httpserver.Plain(w, http.StatusNotFound, textNotAPI)
	}
}

var _ http.Handler = (*API)(nil)
