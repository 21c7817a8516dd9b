package server_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"praetor/agent/server"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/configentry"
	"praetor/internal/fault"
	"praetor/internal/ops"
)

// proxied registers a service on a node of its own, and a proxy before it with upstreams.
func (s *lone) proxied(name, mode string, upstreams ...catalog.Upstream) {
	s.t.Helper()
	node := "n-" + name
	for i := range upstreams {
		upstreams[i].LocalBindPort = 9000 + i
	}
	for _, one := range []*catalog.Service{
		{ID: name, Service: name},
		{ID: name + "-proxy", Service: name + "-proxy", Kind: "connect-proxy", Port: 20000, Proxy: &catalog.Proxy{DestinationServiceName: name, Mode: mode, Upstreams: upstreams}},
	} {
		if err := s.register(catalog.Register{Node: node, Address: "10.1.0.1", Service: one}); err != nil {
			s.t.Fatal(err)
		}
	}
}

func to(name string) catalog.Upstream { return catalog.Upstream{DestinationName: name} }

func (s *lone) configure(body string) {
	s.t.Helper()
	entry, err := configentry.DecodeJSON(strings.NewReader(body))
	if err != nil {
		s.t.Fatalf("%s: %v", body, err)
	}
	row, err := catalog.NewConfigEntry(entry)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := ops.ConfigApply.Call(context.Background(), s.Router(), &ops.ConfigApplyRequest{Write: catalog.ConfigWrite{Entry: *row}}); err != nil {
		s.t.Fatalf("%s: %v", body, err)
	}
}

// neighbours shows a list as NAME SOURCE +, or - for what is not allowed, with P for
// permissions and X for an intention that names both.
func neighbours(list []ops.Neighbour) string {
	var words []string
	for _, n := range list {
		mark := map[bool]string{true: "+", false: "-"}[n.Allowed]
		if n.HasPermissions {
			mark += "P"
		}
		if n.HasExact {
			mark += "X"
		}
		words = append(words, fmt.Sprint(n.Service.Name, " ", strings.SplitN(n.Source, "-", 2)[0], mark, n.ExternalSource))
	}
	return strings.Join(words, ", ")
}

func (s *lone) wantTopology(service, upstreams, downstreams string) {
	s.t.Helper()
	rep, err := ops.UITopology.Call(context.Background(), s.Router(), &ops.UITopologyRequest{Service: service})
	if err != nil {
		s.t.Fatal(err)
	}
	if up, down := neighbours(rep.Upstreams), neighbours(rep.Downstreams); up != upstreams || down != downstreams {
		s.t.Errorf("%s calls %q, want %q; is called by %q, want %q", service, up, upstreams, down, downstreams)
	}
}

func TestTopologyFollowsRegistrationsAndChains(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		synctest.Wait()
		peer, query, abroad := to("db"), to("db"), to("db")
		peer.DestinationPeer, query.DestinationType, abroad.Datacenter = "p", "prepared_query", "dc2"
		s.proxied("web", "", to("api"), to("gone"), peer, query, abroad)
		s.proxied("api", "", to("db"))
		s.proxied("db", "")
		s.proxied("old", "")
		s.wantTopology("web", "api proxy+", "")
		s.wantTopology("api", "db proxy+", "web proxy+")
		s.wantTopology("db", "", "api proxy+")
		s.wantTopology("nobody", "", "")

		s.configure(`{"Kind":"service-resolver","Name":"db","Redirect":{"Service":"old"}}`)
		s.wantTopology("old", "", "api proxy+")
		s.wantTopology("db", "", "api proxy+") // by its name
		s.configure(`{"Kind":"service-resolver","Name":"api","Failover":{"*":{"Service":"old"}}}`)
		s.wantTopology("old", "", "api proxy+, web proxy+")

		s.configure(`{"Kind":"service-intentions","Name":"api","Sources":[{"Name":"web","Action":"deny"},{"Name":"*","Action":"allow"}],"Meta":{"external-source":"kubernetes"}}`)
		s.wantTopology("web", "api proxy-Xkubernetes", "")
		s.configure(`{"Kind":"service-intentions","Name":"*","Sources":[{"Name":"*","Action":"deny"}]}`)
		s.wantTopology("api", "db proxy-", "web proxy-Xkubernetes")

		s.configure(`{"Kind":"proxy-defaults","Name":"global","Config":{"protocol":"http"}}`)
		for kind, want := range map[string]string{"": "http", "ingress-gateway": ""} {
			rep, err := ops.UITopology.Call(context.Background(), s.Router(), &ops.UITopologyRequest{Service: "api", Kind: kind})
			if err != nil || rep.Protocol != want {
				t.Errorf("kind %q: speaks %q, %v; want %q", kind, rep.Protocol, err, want)
			}
		}
		_, err := ops.UITopology.Call(context.Background(), s.Router(), &ops.UITopologyRequest{Service: "api", Kind: "api-gateway"})
		if fault.KindOf(err) != fault.Internal || err.Error() != "not an APIGateway" {
			t.Errorf("as an API gateway: %v", err)
		}
	})
}

// TestTopologyOfTransparentProxies: they need no upstreams to be registered.
func TestTopologyOfTransparentProxies(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		synctest.Wait()
		s.proxied("web", "transparent", to("db"))
		s.proxied("api", "transparent")
		s.proxied("db", "")
		if err := s.register(catalog.Register{Node: "n", Address: "10.1.0.9", Service: &catalog.Service{ID: "plain", Service: "plain"}}); err != nil {
			t.Fatal(err)
		}
		s.wantTopology("web", "api default+, db proxy+", "api default+")
		s.wantTopology("db", "", "web proxy+")
		s.configure(`{"Kind":"service-intentions","Name":"*","Sources":[{"Name":"*","Action":"deny"}]}`)
		s.wantTopology("web", "db proxy-", "")
		s.configure(`{"Kind":"service-intentions","Name":"api","Sources":[{"Name":"web","Action":"allow"}]}`)
		s.wantTopology("web", "api specific+X, db proxy-", "")
		s.wantTopology("api", "", "web specific+X")
		s.configure(`{"Kind":"service-intentions","Name":"api","Sources":[{"Name":"*","Action":"allow"}]}`)
		s.wantTopology("web", "api wildcard+, db proxy-", "")
		s.configure(`{"Kind":"service-defaults","Name":"api","Protocol":"http"}`)
		s.configure(`{"Kind":"service-intentions","Name":"api","Sources":[{"Name":"web","Permissions":[{"Action":"allow","HTTP":{"PathPrefix":"/"}}]}]}`)
		s.wantTopology("web", "api specific-PX, db proxy-", "")
	})
}

func TestTopologyLeavesOutWhatATokenMayNotSee(t *testing.T) {
	who := rights{acl.Node.Read("n-web"), acl.Node.Read("n-api"), acl.Service.Read("web"), acl.Service.Read("web-proxy"), acl.Service.Read("api"), acl.Service.Read("api-proxy")}
	virtual(t, func(o *server.Options) { o.ACL = limited{who} }, func(s *lone) {
		synctest.Wait()
		s.proxied("web", "", to("api"), to("secret"))
		s.proxied("api", "")
		s.proxied("secret", "", to("web"))
		for service, want := range map[string]string{"web": "api proxy+ | ", "api": " | web proxy+"} {
			req := &ops.UITopologyRequest{Service: service}
			req.Token = "somebody's"
			rep, err := ops.UITopology.Call(context.Background(), s.Router(), req)
			if err != nil {
				t.Fatal(err)
			}
			if got := neighbours(rep.Upstreams) + " | " + neighbours(rep.Downstreams); got != want || rep.Filtered != (service == "web") {
				t.Errorf("%s: %q, filtered %t, want %q", service, got, rep.Filtered, want)
			}
		}
	})
}
