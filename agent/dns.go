package agent

import (
	"time"

	"praetor/agent/config"
	"praetor/dnsserver"
)

// openDNS binds what answers DNS.
func (a *Agent) openDNS(rt *config.Runtime) error {
	opts := dnsserver.Options{
		Caller:       a.router,
		Views:        a.views,
		Datacenter:   rt.Datacenter,
		NodeName:     rt.NodeName,
		Domain:       rt.Domain,
		AltDomain:    rt.AltDomain,
		TranslateWAN: rt.TranslateWANAddrs,
		Config:       dnsConfig(rt, a.secrets.Get()),
		Metrics:      a.metrics,
		Logger:       a.logger.Named("dns"),
	}
	for _, addr := range rt.DNSAddrs {
		opts.Addresses = append(opts.Addresses, addr.String())
	}
	opts.Secure = a.tls.dns.Listener
	for _, addr := range rt.DNSTLSAddrs {
		opts.TLSAddresses = append(opts.TLSAddresses, addr.String())
	}
	srv, err := dnsserver.Open(opts)
	if err != nil {
		return err
	}
	a.own(srv)
	a.dns, a.servesDNS = srv, len(rt.DNSAddrs)+len(rt.DNSTLSAddrs) > 0
	return nil
}

// dnsConfig is what a reload may change.
func dnsConfig(rt *config.Runtime, tokens config.Tokens) dnsserver.Config {
	d := rt.DNS
	return dnsserver.Config{
		AllowStale: d.AllowStale, MaxStale: dnsMaxStale(d),
		NodeTTL: d.NodeTTL, ServiceTTL: d.ServiceTTL,
		OnlyPassing: d.OnlyPassing, EnableTruncate: d.EnableTruncate,
		UDPAnswerLimit: d.UDPAnswerLimit, UDPMaxBytes: d.UDPMaxSize, ARecordLimit: d.ARecordLimit,
		DisableCompression: d.DisableCompression, NodeMetaTXT: d.NodeMetaTXT,
		SOA:             dnsserver.SOA(d.SOA),
		Recursors:       d.Recursors,
		RandomRecursor:  d.RecursorStrategy == "random",
		RecursorTimeout: d.RecursorTimeout,
		Token:           firstOf(tokens.DNS, tokens.Default),
	}
}

// dnsMaxStale is how old an answer may be. Client agents follow what is asked again
// and again whether or not dns_config.use_cache says so; with it, cache_max_age
// bounds the answers too.
func dnsMaxStale(d config.DNS) time.Duration {
	if d.UseCache && d.CacheMaxAge > 0 && (d.MaxStale == 0 || d.CacheMaxAge < d.MaxStale) {
		return d.CacheMaxAge
	}
	return d.MaxStale
}

func firstOf(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}
