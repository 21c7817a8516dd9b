package httpapi

import (
	"net/http"
	"net/http/pprof"
	"strings"
)

const debugPath = "/debug/pprof/"

// serveDebug serves Go's profiles of this process, where enable_debug lets it
// (reference/http-api.md §1.3).
func (a *API) serveDebug(w http.ResponseWriter, r *http.Request) {
	if !a.opts.Debug() {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	switch strings.TrimPrefix(r.URL.Path, debugPath) {
	case "cmdline":
		pprof.Cmdline(w, r)
	case "profile":
		pprof.Profile(w, r)
	case "symbol":
		pprof.Symbol(w, r)
	case "trace":
		pprof.Trace(w, r)
	default:
		pprof.Index(w, r)
	}
}
