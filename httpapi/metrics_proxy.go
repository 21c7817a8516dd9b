package httpapi

import (
	"cmp"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path"
	"slices"
	"strings"

	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/httpserver"
)

// MetricsProxy is ui_config.metrics_proxy (reference/config.md §1): where the
// UI's requests for metrics go. The zero value is off.
type MetricsProxy struct {
	BaseURL string
	// Headers are name and value of what is added to every request, such as
	// credentials that browsers must not know.
	Headers [][2]string
	// Allow are the paths below BaseURL that may be asked for; none means all.
	Allow []string
}

// uiMetricsProxy passes a request on. The token must come in a header: the
// query string belongs to the metrics server.
func uiMetricsProxy(x *exchange) error {
	conf := x.api.opts.MetricsProxy()
	if conf.BaseURL == "" {
		return fault.New(fault.NotFound, "Metrics proxy is not enabled")
	}
	az, err := x.api.opts.ACL.Resolve(x.r.Context(), x.headerToken())
	if err != nil {
		return err
	}
	for _, need := range []acl.Need{acl.Service.ReadAll(), acl.Node.ReadAll()} {
		if err := az.Check(need); err != nil {
			return err
		}
	}
	asked := path.Clean("/" + x.name)
	if len(conf.Allow) > 0 && !slices.Contains(conf.Allow, asked) {
		return fault.New(fault.Denied, "Path %q is not in ui_config.metrics_proxy.path_allowlist", asked)
	}
	base, err := url.Parse(conf.BaseURL)
	if err != nil {
		return fault.New(fault.Internal, "ui_config.metrics_proxy.base_url: %v", err)
	}
	base.Path = cmp.Or(base.Path, "/") // or what is joined to it is relative, which servers refuse
	x.wrote = true
	x.forward(base.JoinPath(strings.Split(asked, "/")...), conf.Headers)
	return nil
}

// headerToken is the token as readToken finds it, ?token left out.
func (x *exchange) headerToken() string {
	headers := *x
	headers.query = nil
	return headers.readToken()
}

// forward has target answer. What is secret to Consul does not reach it.
func (x *exchange) forward(target *url.URL, headers [][2]string) {
	proxy := httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			query := r.In.URL.RawQuery
			r.Out.URL, r.Out.Host = target, ""
			r.Out.URL.RawQuery = query
			for _, secret := range []string{"X-Consul-Token", "Authorization", "Cookie"} {
				r.Out.Header.Del(secret)
			}
			for _, h := range headers {
				r.Out.Header.Set(h[0], h[1])
			}
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			x.api.opts.Logger.Error("metrics proxy", "url", target.Redacted(), "error", err)
			httpserver.Plain(w, http.StatusBadGateway, "The metrics server does not answer: "+err.Error()+"\n")
		},
		ErrorLog: x.api.opts.Logger.StandardLogger(nil),
	}
	proxy.ServeHTTP(x.w, x.r)
}
