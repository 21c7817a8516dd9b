package httpapi

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/rpc"
)

// exchange is one request and its response.
type exchange struct {
	*endpoint
	api *API
	w   http.ResponseWriter
	r   *http.Request

	query url.Values // nil without a query string
	name  string     // what the path has after the pattern, decoded
	token string
	scope catalog.Scope
	from  string // the datacenter that the answer is from, if it may be another than was asked
	wrote bool
	// shared: the answer came from a view, which gives it to others too.
	shared bool
}

// serve runs what is common to all endpoints, then the endpoint's own part.
func (x *exchange) serve(name string) {
	h := x.w.Header()
	h["Vary"] = headerVary
	h["X-Consul-Default-Acl-Policy"] = x.api.policy
	if x.api.opts.TranslateWAN {
		h["X-Consul-Translate-Addresses"] = headerTrue
	}
	if x.r.URL.RawQuery != "" {
		query, err := url.ParseQuery(x.r.URL.RawQuery)
		if err != nil {
			x.logFailure("malformed query string: " + err.Error())
			x.text(http.StatusInternalServerError, "")
			return
		}
		x.query = query
	}
	x.name = unescape(name)
	switch method := x.r.Method; {
	case x.isBlocked():
		x.refuse(http.StatusForbidden, textBlocked)
	case method == http.MethodOptions:
		h["Allow"] = x.allow
		if x.traits&acting != 0 {
			x.queryOptions()
		} else {
			x.done()
		}
	case !slices.Contains(x.methods, method):
		h["Allow"] = x.allow
		if x.traits&acting != 0 {
			h["Allow"] = x.queryMethods()
		}
		x.refuse(http.StatusMethodNotAllowed, "method "+method+" not allowed")
	case method != http.MethodGet && !x.mayWrite():
		x.refuse(http.StatusForbidden, textRestricted)
	default:
		x.call()
	}
}

func (x *exchange) call() {
	defer x.timers[slices.Index(x.methods, x.r.Method)].Since(time.Now())
	var err error
	if err = x.boundBody(); err == nil && x.traits&bodyFirst == 0 {
		x.scope, err = x.tenancy()
	}
	if err == nil {
		x.token = x.readToken()
		err = x.route.serve(x)
	}
	x.calls.count(err)
	switch {
	case err != nil:
		x.fail(err)
	case !x.wrote:
		x.done()
	}
}

func (x *exchange) isBlocked() bool {
	return slices.ContainsFunc(x.api.opts.BlockEndpoints, func(prefix string) bool {
		return strings.HasPrefix(x.r.URL.Path, prefix)
	})
}

// mayWrite reports whether the client's network may change things.
func (x *exchange) mayWrite() bool {
	nets := x.api.opts.AllowWriteFrom
	if len(nets) == 0 || isUnix(x.r) {
		return true
	}
	from, err := netip.ParseAddrPort(x.r.RemoteAddr)
	if err != nil {
		return false
	}
	ip := from.Addr().Unmap().WithZone("")
	return slices.ContainsFunc(nets, func(n netip.Prefix) bool { return n.Contains(ip) })
}

// isUnix reports whether a request came over a Unix socket.
func isUnix(r *http.Request) bool {
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && addr.Network() == "unix"
}

// tenancy is the scope that the request asks for: the default one. Others only
// Enterprise has, and they are refused (reference/http-api.md §3.3).
func (x *exchange) tenancy() (catalog.Scope, error) {
	if x.traits&anyTenancy != 0 {
		return catalog.Scope{}, nil
	}
	if x.traits&anyNamespace == 0 {
		if x.query.Get("ns") != "" {
			return catalog.Scope{}, invalid(`Invalid query parameter: "ns" - ` + textNamespaces)
		}
		if x.header("X-Consul-Namespace") != "" {
			return catalog.Scope{}, invalid(`Invalid header: "X-Consul-Namespace" - ` + textNamespaces)
		}
	}
	if x.query.Get("partition") != "" {
		return catalog.Scope{}, invalid(`Invalid query parameter: "partition" - ` + textPartitions)
	}
	if x.header("X-Consul-Partition") != "" {
		return catalog.Scope{}, invalid(`Invalid header: "X-Consul-Partition" - ` + textPartitions)
	}
	return catalog.Scope{}, nil
}

// header returns a request header by its canonical name.
func (x *exchange) header(name string) string {
	if v := x.r.Header[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// readToken finds the token (reference/http-api.md §3.1).
func (x *exchange) readToken() string {
	if t := x.query.Get("token"); t != "" {
		return t
	}
	if t := x.header("X-Consul-Token"); t != "" {
		return t
	}
	scheme, rest, _ := strings.Cut(strings.TrimSpace(x.header("Authorization")), " ")
	if strings.EqualFold(scheme, "Bearer") {
		if t, _, _ := strings.Cut(strings.TrimSpace(rest), " "); t != "" {
			return t
		}
	}
	return x.api.opts.DefaultToken()
}

// has reports whether a query parameter is there, whatever its value.
func (x *exchange) has(name string) bool {
	_, ok := x.query[name]
	return ok
}

// datacenter is where the request wants to go, "" for the agent's own.
func (x *exchange) datacenter() string {
	if dc := x.query.Get("datacenter"); dc != "" {
		return dc
	}
	return x.query.Get("dc")
}

func (x *exchange) writeOptions() rpc.WriteOptions {
	return rpc.WriteOptions{Datacenter: x.datacenter(), Token: x.token}
}

// access resolves the token for an endpoint of the agent itself.
func (x *exchange) access() (*acl.Authorizer, error) {
	return x.api.opts.ACL.Resolve(x.r.Context(), x.token)
}
