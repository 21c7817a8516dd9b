package agent

import (
	"context"
	"net/http"
	"os"
	"strings"

	"golang.org/x/sync/errgroup"

	"praetor/agent/config"
	"praetor/dnsserver"
	"praetor/httpapi"
	"praetor/internal/httpserver"
	"praetor/ui"
)

func (a *Agent) openHTTP(rt *config.Runtime) error {
	opts := httpapi.Options{
		Caller: a.router, Transfers: a.router, Agent: a, Local: a.local, Events: a.events, ACL: a.acl, Views: a.views, NoCache: !rt.HTTP.UseCache, NoStreaming: !rt.UseStreaming,
		Leaves: a.leaves, Metrics: a.metrics,
		Datacenter: rt.Datacenter, NodeName: rt.NodeName, Server: rt.Server,
		ACLs:          httpapi.ACLs{Enabled: rt.ACL.Enabled, DownPolicy: rt.ACL.DownPolicy},
		DefaultPolicy: defaultPolicy(rt), DefaultToken: func() string { return a.tokens().Default },
		Dev: rt.Dev, UI: func() httpapi.UI { return *a.ui.Load() },
		ResponseHeaders: rt.HTTP.ResponseHeaders, TranslateWAN: rt.TranslateWANAddrs,
		BlockEndpoints: rt.HTTP.BlockEndpoints, AllowWriteFrom: rt.HTTP.AllowWriteFrom, AllowUnprintable: rt.HTTP.AllowUnprintableInPaths, AllowOddKeys: rt.DisableKVKeyValidation,
		DisableCoordinates: rt.Gossip.DisableCoordinates,
		MaxBodyBytes:       rt.Limits.HTTPMaxBodyBytes,
		KVMaxValueSize:     rt.Limits.KVMaxValueSize,
		TxnMaxBytes:        rt.Limits.TxnMaxReqLen,
		DefaultQueryTime:   rt.DefaultQueryTime, MaxQueryTime: rt.MaxQueryTime, DiscoveryMaxStale: rt.DiscoveryMaxStale,
		Debug:        func() bool { return a.runtime.Load().EnableDebug },
		MetricsProxy: a.metricsProxy,
		SidecarMin:   rt.Ports.SidecarMin, SidecarMax: rt.Ports.SidecarMax,
		Logger: a.logger.Named("http"),
	}
	if rt.ACL.Enabled {
		opts.Tokens = a.secrets
	}
	pages, err := openUI(rt)
	if err != nil {
		return err
	}
	a.ui.Store(pages)
	api, err := httpapi.New(opts)
	if err != nil {
		return err
	}
	a.api = api
	a.front = httpserver.New(httpserver.Options{
		Handler: http.HandlerFunc(a.serveHTTP), MaxConnsPerClient: rt.Limits.HTTPMaxConnsPerClient, MaxHeaderBytes: rt.HTTP.MaxHeaderBytes,
		MaxConns:         rt.Limits.HTTPMaxConns,
		HandshakeTimeout: rt.Limits.HTTPSHandshakeTimeout,
		HeaderTimeout:    rt.HTTP.ReadHeaderTimeout, BodyTimeout: rt.HTTP.ReadTimeout,
		WriteTimeout: rt.HTTP.WriteTimeout, IdleTimeout: rt.HTTP.IdleTimeout,
		Browsers: browsers(rt),
		Logger:   a.logger.Named("http"), Verbose: a.root.HearsDebug,
	})
	return nil
}

// openUI is the web interface as it is configured.
func openUI(rt *config.Runtime) (*httpapi.UI, error) {
	shown := &httpapi.UI{Path: rt.UI.ContentPath}
	if !rt.UI.Enabled && rt.UI.Dir == "" {
		return shown, nil
	}
	var err error
	shown.Pages, err = ui.Handler(ui.Options{
		ContentPath: rt.UI.ContentPath, Dir: rt.UI.Dir, Dashboards: rt.UI.DashboardURLTemplates,
		Metrics: ui.Metrics{Provider: rt.UI.MetricsProvider, Files: rt.UI.MetricsProviderFiles, OptionsJSON: rt.UI.MetricsOptionsJSON, Proxied: rt.UI.MetricsProxyURL != ""},
	})
	return shown, err
}

// browsers are the pages that may use the API: those that response_headers lets read
// the answers, and those that came under a name of this node.
func browsers(rt *config.Runtime) httpserver.BrowserOptions {
	hosts := append([]string{rt.NodeName}, rt.HTTP.AllowedHosts...)
	if machine, err := os.Hostname(); err == nil {
		hosts = append(hosts, machine)
	}
	for _, domain := range []string{rt.Domain, rt.AltDomain} {
		if domain = strings.Trim(domain, "."); domain != "" {
			hosts = append(hosts, rt.NodeName+".node."+domain, rt.NodeName+".node."+rt.Datacenter+"."+domain)
		}
	}
	opts := httpserver.BrowserOptions{Hosts: hosts}
	for name, value := range rt.HTTP.ResponseHeaders {
		if strings.EqualFold(name, "Access-Control-Allow-Origin") {
			for origin := range strings.SplitSeq(value, ",") {
				opts.Origins = append(opts.Origins, strings.TrimSpace(origin))
			}
		}
	}
	return opts
}

// metricsProxy is where the UI's requests for metrics go, as last configured.
func (a *Agent) metricsProxy() httpapi.MetricsProxy {
	conf := a.runtime.Load().UI
	proxy := httpapi.MetricsProxy{BaseURL: conf.MetricsProxyURL, Allow: conf.MetricsProxyAllow}
	for _, h := range conf.MetricsProxyHeaders {
		proxy.Headers = append(proxy.Headers, [2]string{h.Name, h.Value})
	}
	return proxy
}

// API answers HTTP requests without a socket, for tests.
func (a *Agent) API() http.Handler { return a.api }

// serveHTTP answers the API, and over TLS DNS too (RFC 8484) unless DNS is off.
func (a *Agent) serveHTTP(w http.ResponseWriter, r *http.Request) {
	if r.TLS != nil && r.URL.Path == dnsserver.HTTPSPath && a.servesDNS {
		a.dns.ServeHTTP(w, r)
		return
	}
	a.api.ServeHTTP(w, r)
}

// runHTTP answers on every listener until ctx ends.
func (a *Agent) runHTTP(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, l := range a.bound.http {
		a.logger.Info("Starting server", "address", l.Addr(), "network", l.Addr().Network(), "protocol", "http")
		group.Go(func() error { return a.front.Serve(ctx, l) })
	}
	for _, l := range a.bound.https {
		a.logger.Info("Starting server", "address", l.Addr(), "network", l.Addr().Network(), "protocol", "https")
		group.Go(func() error { return a.front.ServeTLS(ctx, l, a.tls.https.Listener) })
	}
	if len(a.bound.http)+len(a.bound.https) == 0 {
		<-ctx.Done()
	}
	return group.Wait()
}
