package dnsserver_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"praetor/catalog"
	"praetor/internal/rpc"
)

// called is an instance on a node at 10.0.0.9 whose own address is a name.
func called(service, address string, tags ...string) *catalog.InstanceHealth {
	i := instance("v1", "10.0.0.9", service, 8200, tags)
	i.Service.Service, i.Service.Address = service, address
	return i
}

func TestServiceWhoseAddressIsItsOwnNameGivesItsNode(t *testing.T) {
	for _, address := range []string{
		"vlt.service.consul", "vlt.service.consul.", "VLT.Service.CONSUL", "active.vlt.service.consul", "Active.vlt.service.consul",
		"vlt.service.dc1.consul", "vlt.service.dc1.dc.consul", "active.vlt.service.dc1.consul.", "vlt.service.alt.test",
		"_vlt._tcp.service.consul", "_vlt._active.service.consul", "_vlt._tcp.consul",
		"vlt.connect.consul", "vlt.virtual.consul", "vlt.ingress.consul", "vq.query.consul", "VQ.query.dc1.consul", "_vq._tcp.query.consul",
	} {
		vlt := called("vlt", address, "active")
		f := &fakeCatalog{
			services: map[string][]*catalog.InstanceHealth{"vlt": {vlt}}, mesh: map[string][]*catalog.InstanceHealth{"vlt": {vlt}},
			queries: map[string][]*catalog.InstanceHealth{"vq": {vlt}}, live: always,
		}
		s := newServer(f, defaults())
		for _, name := range []string{
			"vlt.service.consul.", "active.vlt.service.consul.", "Vlt.service.consul.", "vlt.service.dc1.consul.", "vlt.service.ALT.test.",
			"_vlt._tcp.service.consul.", "vlt.connect.consul.", "vq.query.consul.",
		} {
			t.Run(address+" asked "+name, func(t *testing.T) {
				for _, qtype := range []uint16{dns.TypeA, dns.TypeANY} {
					if got := show(ask(s, name, qtype, nil, true).Answer); got != name+" 0 IN A 10.0.0.9" {
						t.Errorf("%s: got %s", dns.TypeToString[qtype], got)
					}
				}
				if got := ask(s, name, dns.TypeAAAA, nil, true); len(got.Answer) > 0 || got.Rcode != dns.RcodeSuccess || !hasSOA(got.Ns) {
					t.Errorf("AAAA: got %v", got)
				}
				got := ask(s, name, dns.TypeSRV, nil, true)
				if len(got.Answer) != 1 || !strings.HasPrefix(got.Answer[0].(*dns.SRV).Target, "v1.node.dc1.") ||
					len(got.Extra) == 0 || got.Extra[0].(*dns.A).A.String() != "10.0.0.9" {
					t.Errorf("SRV: got %v", got)
				}
			})
		}
	}
}

func TestServicesThatPointAtEachOtherGiveTheirNodes(t *testing.T) {
	for ring := 2; ring <= 6; ring++ {
		f := &fakeCatalog{services: map[string][]*catalog.InstanceHealth{}}
		for i := range ring {
			inst := called(fmt.Sprintf("s%d", i), fmt.Sprintf("s%d.service.consul", (i+1)%ring))
			inst.Node.Node, inst.Node.Address = fmt.Sprintf("n%d", i), fmt.Sprintf("10.0.0.%d", i)
			f.services[inst.Service.Service] = []*catalog.InstanceHealth{inst}
		}
		f.services["before"] = []*catalog.InstanceHealth{called("before", "s0.service.consul")}
		s := newServer(f, defaults())
		for i := range ring {
			want := fmt.Sprintf("s%d.service.consul. 0 IN A 10.0.0.%d", i, i)
			if got := show(ask(s, fmt.Sprintf("s%d.service.consul.", i), dns.TypeA, nil, false).Answer); got != want {
				t.Errorf("ring of %d: got %s, want %s", ring, got, want)
			}
		}
		want := "before.service.consul. 0 IN CNAME s0.service.consul.\ns0.service.consul. 0 IN A 10.0.0.0"
		if got := show(ask(s, "before.service.consul.", dns.TypeA, nil, false).Answer); got != want {
			t.Errorf("into a ring of %d: got %s", ring, got)
		}
	}
}

// TestNodeWhoseAddressIsItsOwnNameIsFollowedThreeTimes: it has no other address, and
// Consul answers so (reference/dns.md §8.3).
func TestNodeWhoseAddressIsItsOwnNameIsFollowedThreeTimes(t *testing.T) {
	onIt := instance("loop", "web.service.consul", "web", 80, nil)
	f := &fakeCatalog{
		services: map[string][]*catalog.InstanceHealth{"web": {onIt}},
		nodes: []*catalog.Node{
			{Node: "self", Address: "SELF.node.dc1.consul", Datacenter: "dc1"}, {Node: "loop", Address: "web.service.consul", Datacenter: "dc1"},
			{Node: "to", Address: "fro.node.consul", Datacenter: "dc1"}, {Node: "fro", Address: "to.node.consul", Datacenter: "dc1"},
		},
	}
	s := newServer(f, defaults())
	for _, name := range []string{"self.node.consul.", "to.node.consul.", "fro.node.alt.test.", "web.service.consul."} {
		for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeANY} {
			got := ask(s, name, qtype, nil, true)
			want := 1 + 3
			if name == "web.service.consul." {
				want = 0
			}
			if len(got.Answer) != want || got.Rcode != dns.RcodeSuccess {
				t.Errorf("%s %s: want %d records, got %v", name, dns.TypeToString[qtype], want, got)
			}
		}
	}
}

func TestNamesOfOthersAreStillFollowed(t *testing.T) {
	real := called("real", "", "blue")
	f := &fakeCatalog{services: map[string][]*catalog.InstanceHealth{
		"real": {real}, "alias": {called("alias", "blue.real.service.consul")},
		// Not its own name: only others have the tag.
		"mixed": {called("mixed", "blue.mixed.service.consul")},
	}}
	blue := called("mixed", "", "blue")
	blue.Node.Node, blue.Node.Address = "v2", "10.0.0.8"
	f.services["mixed"] = append(f.services["mixed"], blue)
	s := newServer(f, defaults())
	want := "alias.service.consul. 0 IN CNAME blue.real.service.consul.\nblue.real.service.consul. 0 IN A 10.0.0.9"
	if got := show(ask(s, "alias.service.consul.", dns.TypeA, nil, false).Answer); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	got := ask(s, "mixed.service.consul.", dns.TypeSRV, nil, true)
	if a := show(got.Answer); !strings.Contains(a, "blue.mixed.service.consul.") || !strings.Contains(a, "v2.node.dc1.consul.") {
		t.Errorf("got %s", a)
	}
}

func TestOneQuestionFollowsABoundedNumberOfNames(t *testing.T) {
	f := &fakeCatalog{services: map[string][]*catalog.InstanceHealth{}, live: &rpc.Live{Age: always.Age}}
	for i := range 1000 {
		inst := called("web", fmt.Sprintf("t%d.other%d.service.consul", i, i))
		inst.Service.Port = i
		f.services["web"] = append(f.services["web"], inst)
	}
	s, counted, _ := following(f, defaults())
	if got := ask(s, "web.service.consul.", dns.TypeSRV, nil, true); len(got.Answer) != 1000 {
		t.Errorf("%d answers", len(got.Answer))
	}
	if counted.lookups > 300 {
		t.Errorf("%d lookups for one question", counted.lookups)
	}
}
