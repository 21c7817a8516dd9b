package dnsserver_test

import (
	"testing"

	"github.com/miekg/dns"

	"praetor/catalog"
)

func speaks(inst *catalog.InstanceHealth, meta ...string) *catalog.InstanceHealth {
	inst.Service.Meta = map[string]string{}
	for i := 0; i < len(meta); i += 2 {
		inst.Service.Meta[meta[i]] = meta[i+1]
	}
	return inst
}

func TestBindingsOfServicesThatNameTheirProtocol(t *testing.T) {
	const web6 = "2001:db8::9"
	f := &fakeCatalog{live: always, services: map[string][]*catalog.InstanceHealth{
		"shop":  {speaks(instance("a", "10.0.0.1", "shop", 443, []string{"blue"}), "protocol", "h3, h2,https", "svcb-priority", "2")},
		"h2":    {speaks(instance("a", "10.0.0.1", "h2", 8443, nil), "protocol", "h2")},
		"api":   {speaks(instance("a", "10.0.0.1", "api", 9000, nil), "protocol", "grpc"), speaks(instance("sick", "10.0.0.2", "api", 9000, nil, catalog.Critical), "protocol", "grpc")},
		"six":   {speaks(instance("s", web6, "six", 5432, nil), "protocol", "postgresql")},
		"odd":   {speaks(instance("a", "10.0.0.1", "odd", 80, nil), "protocol", "http", "svcb-priority", "0")},
		"plain": {instance("a", "10.0.0.1", "plain", 80, nil)},
		"alias": {instance("x", "www.example.com", "alias", 80, nil)},
	}}
	s := newServer(f, defaults())
	const a1 = "a.node.dc1.consul. 0 IN A 10.0.0.1"
	for _, row := range []golden{
		{"HTTPS with several protocols", "shop.service.consul.", dns.TypeHTTPS, 0,
			`shop.service.consul. 0 IN HTTPS 2 a.node.dc1.consul. alpn="h3,h2,http/1.1" port="443" ipv4hint="10.0.0.1"`, a1, false},
		{"by tag", "blue.shop.service.consul.", dns.TypeHTTPS, 0,
			`blue.shop.service.consul. 0 IN HTTPS 2 a.node.dc1.consul. alpn="h3,h2,http/1.1" port="443" ipv4hint="10.0.0.1"`, a1, false},
		{"by port and scheme", "_443._https.shop.service.consul.", dns.TypeHTTPS, 0,
			`_443._https.shop.service.consul. 0 IN HTTPS 2 a.node.dc1.consul. alpn="h3,h2,http/1.1" port="443" ipv4hint="10.0.0.1"`, a1, false},
		{"without HTTP/1.1", "h2.service.consul.", dns.TypeHTTPS, 0,
			`h2.service.consul. 0 IN HTTPS 1 a.node.dc1.consul. alpn="h2" no-default-alpn="" port="8443" ipv4hint="10.0.0.1"`, a1, false},
		{"SVCB of a protocol without TLS", "api.service.consul.", dns.TypeSVCB, 0,
			`api.service.consul. 0 IN SVCB 1 a.node.dc1.consul. alpn="h2" port="9000" ipv4hint="10.0.0.1"`, a1, false},
		{"by scheme", "_grpc.api.service.dc1.consul.", dns.TypeSVCB, 0,
			`_grpc.api.service.dc1.consul. 0 IN SVCB 1 a.node.dc1.consul. alpn="h2" port="9000" ipv4hint="10.0.0.1"`, a1, false},
		{"no HTTPS for a protocol without TLS", "api.service.consul.", dns.TypeHTTPS, 0, "", "", true},
		{"IPv6 and a protocol of the registry", "six.service.consul.", dns.TypeSVCB, 0,
			`six.service.consul. 0 IN SVCB 1 s.node.dc1.consul. alpn="postgresql" port="5432" ipv6hint="2001:db8::9"`, "s.node.dc1.consul. 0 IN AAAA 2001:db8::9", false},
		{"a priority that is none", "odd.service.consul.", dns.TypeSVCB, 0,
			`odd.service.consul. 0 IN SVCB 1 a.node.dc1.consul. alpn="http/1.1" port="80" ipv4hint="10.0.0.1"`, a1, false},
		{"no protocol", "plain.service.consul.", dns.TypeHTTPS, 0, "", "", true},
		{"another's name", "alias.service.consul.", dns.TypeHTTPS, 0, "alias.service.consul. 0 IN CNAME www.example.com.", "", false},
		{"no such service", "none.service.consul.", dns.TypeHTTPS, dns.RcodeNameError, "", "", true},
		{"other types do not change", "shop.service.consul.", dns.TypeANY, 0, "shop.service.consul. 0 IN A 10.0.0.1", "", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			for range 3 {
				row.check(t, ask(s, row.qname, row.qtype, nil, true))
			}
		})
	}
}
