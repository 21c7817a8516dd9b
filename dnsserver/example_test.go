package dnsserver_test

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/miekg/dns"

	"praetor/catalog"
	"praetor/dnsserver"
)

func Example() {
	router := &fakeCatalog{services: map[string][]*catalog.InstanceHealth{"web": many(1)}} // to the servers
	srv := dnsserver.New(dnsserver.Options{Caller: router, Datacenter: "dc1", Domain: "consul"})
	question := new(dns.Msg)
	question.SetQuestion("web.service.consul.", dns.TypeSRV)
	query, err := question.Pack()
	if err != nil {
		panic(err)
	}
	var reply dns.Msg
	if err := reply.Unpack(srv.Answer(context.Background(), nil, query, netip.MustParseAddrPort("127.0.0.1:5353"), true)); err != nil {
		panic(err)
	}
	fmt.Println(reply.Answer[0].(*dns.SRV).Target, reply.Answer[0].(*dns.SRV).Port)
	// Output: n0.node.dc1.consul. 80
}
