package dnsserver_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"praetor/catalog"
	"praetor/dnsserver"
)

// TestPortsByName: PORT.port.[TAG.]NAME gives the instances that have the port, and with SRV its
// number. Who has tags, or services, with the word in them keeps what these gave.
func TestPortsByName(t *testing.T) {
	ported := func(node, addr string, tags []string, ports ...catalog.ServicePort) *catalog.InstanceHealth {
		i := instance(node, addr, "web", 0, tags, catalog.Passing)
		i.Service.Ports = ports
		i.Service.FillPort()
		return i
	}
	http, metrics := catalog.ServicePort{Name: "http", Port: 8080, Default: true}, catalog.ServicePort{Name: "Metrics.v2", Port: 9090}
	far := ported("f", "10.0.0.6", nil, http, metrics)
	far.Service.TaggedAddresses = map[string]catalog.ServiceAddress{"wan": {Address: "203.0.113.6", Port: 1}}
	own := ported("o", "10.0.0.7", nil, http, metrics)
	own.Service.Address = "http.port.own.service.consul"
	sick := ported("s", "10.0.0.8", nil, catalog.ServicePort{Name: "sick", Port: 7, Default: true})
	sick.Checks[0].Status = catalog.Critical
	secure := ported("t", "10.0.0.9", nil, http, metrics)
	secure.Service.Meta = map[string]string{"protocol": "h2"}
	zero := ported("a", "10.0.0.1", nil, http)
	zero.Service.Port = 0
	f := &fakeCatalog{
		services: map[string][]*catalog.InstanceHealth{
			"web": {
				ported("a", "10.0.0.1", []string{"v1"}, http, metrics),
				ported("b", "10.0.0.2", []string{"v2"}, http),
				instance("c", "10.0.0.3", "web", 80, []string{"http.port", "x.port", "x.port.v1"}, catalog.Passing),
				instance("d", "10.0.0.4", "web", 81, []string{"port"}, catalog.Passing), sick,
			},
			"port": {instance("p", "10.0.0.5", "port", 83, []string{"x"}, catalog.Passing)}, "own": {own}, "far": {far}, "secure": {secure},
		},
		queries: map[string][]*catalog.InstanceHealth{"http.port.q": {zero}},
		mesh:    map[string][]*catalog.InstanceHealth{"web": {instance("m", "10.0.1.1", "web-proxy", 21000, nil, catalog.Passing), ported("n", "10.0.1.2", nil, http, metrics)}},
	}
	c := defaults()
	c.NodeMetaTXT = false
	s := dnsserver.New(dnsserver.Options{Caller: f, Datacenter: "dc1", Domain: "consul", TranslateWAN: true, Config: c})
	for name, want := range map[string]string{ // SRV: node or address, and port
		"http.port.web.service.consul.":           "a:8080 b:8080",
		"HTTP.Port.Web.Service.Consul.":           "a:8080 b:8080",
		"http.port.web.service.dc1.consul.":       "a:8080 b:8080",
		"http.port.web.service.dc1.dc.consul.":    "a:8080 b:8080",
		"metrics.v2.port.web.service.consul.":     "a:9090",
		"http.port.v2.web.service.consul.":        "b:8080",
		"metrics.v2.port.v2.web.service.consul.":  "",
		"none.port.web.service.consul.":           "",
		"sick.port.web.service.consul.":           "",
		"http.port.none.service.consul.":          "",
		"x.port.web.service.consul.":              "c:80", // tags
		"x.port.v1.web.service.consul.":           "c:80",
		"port.web.service.consul.":                "d:81",
		"x.port.service.consul.":                  "p:83", // a service
		"port.service.consul.":                    "p:83",
		"_port._x.service.consul.":                "p:83",
		"http.port.own.service.consul.":           "o:8080",
		"metrics.v2.port.own.service.consul.":     "o:9090",
		"metrics.v2.port.far.service.dc2.consul.": "203.0.113.6:9090",
		"far.service.dc2.consul.":                 "203.0.113.6:1",
		"metrics.v2.port.web.connect.consul.":     "m:21000 n:9090",
		"none.port.web.connect.consul.":           "m:21000 n:8080",
		"http.port.q.query.consul.":               "a:0",
		"web.service.consul.":                     "a:8080 b:8080 c:80 d:81",
	} {
		t.Run(name, func(t *testing.T) {
			reply := ask(s, name, dns.TypeSRV, nil, true)
			var got []string
			for _, rr := range reply.Answer {
				target := strings.Split(rr.(*dns.SRV).Target, ".")[0]
				for _, extra := range reply.Extra {
					if a, ok := extra.(*dns.A); ok && strings.Contains(a.Hdr.Name, ".addr.") && a.Hdr.Name == rr.(*dns.SRV).Target {
						target = a.A.String()
					}
				}
				got = append(got, fmt.Sprintf("%s:%d", target, rr.(*dns.SRV).Port))
			}
			slices.Sort(got)
			if text := strings.Join(got, " "); text != want || (reply.Rcode == dns.RcodeNameError) != (want == "") {
				t.Errorf("%q (%s), want %q", text, dns.RcodeToString[reply.Rcode], want)
			}
		})
	}
	for name, want := range map[string]string{ // A
		"http.port.web.service.consul.": "10.0.0.1 10.0.0.2", "metrics.v2.port.web.service.consul.": "10.0.0.1", "none.port.web.service.consul.": "",
		"http.port.v2.web.service.consul.": "10.0.0.2", "x.port.web.service.consul.": "10.0.0.3", "http.port.own.service.consul.": "10.0.0.7",
	} {
		var got []string
		for _, rr := range ask(s, name, dns.TypeA, nil, true).Answer {
			got = append(got, rr.(*dns.A).A.String())
		}
		slices.Sort(got)
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%s: %q, want %q", name, text, want)
		}
	}
	if got := show(ask(s, "metrics.v2.port.secure.service.consul.", dns.TypeHTTPS, nil, true).Answer); !strings.Contains(got, `port="9090"`) {
		t.Errorf("HTTPS: %s", got)
	}
}

// TestPortsWithoutNumberAreNotKept: names that somebody makes up, of a service that is there.
func TestPortsWithoutNumberAreNotKept(t *testing.T) {
	s, _, _ := following(web(3), defaults())
	for i := range 100 {
		if got := ask(s, fmt.Sprintf("p%d.port.web.service.consul.", i), dns.TypeA, nil, false); got.Rcode != dns.RcodeNameError {
			t.Fatal(got)
		}
	}
	if sets, _, _, _ := s.Cached(); sets > 0 {
		t.Errorf("%d record sets of ports that nobody has", sets)
	}
}
