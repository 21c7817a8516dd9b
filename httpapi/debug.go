package httpapi

import (
	"net/http"
	"net/http/pprof"
	"strings"

	"praetor/internal/acl"
)

const debugPath = "/debug/pprof/"

// serveDebug serves Go's profiles of this process: to those who may read the operator's
// things where access rules are in force, else where enable_debug lets it
// (reference/http-api.md §1.3, security.md §4.1).
func (a *API) serveDebug(w http.ResponseWriter, r *http.Request) {
	if refusal := a.refusesDebug(r); refusal != 0 {
		w.WriteHeader(refusal)
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

// refusesDebug returns the status of a refusal, 0 for none.
func (a *API) refusesDebug(r *http.Request) int {
	switch {
	case !a.opts.ACLs.Enabled && !a.opts.Debug():
		return http.StatusNotFound
	case !a.opts.ACLs.Enabled:
		return 0
	}
	x := &exchange{api: a, r: r, query: r.URL.Query()}
	x.token = x.readToken()
	if az, err := x.access(); err != nil || !az.Allows(acl.Operator.Read()) {
		return http.StatusForbidden
	}
	return 0
}
