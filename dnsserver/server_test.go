package dnsserver_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"praetor/catalog"
	"praetor/dnsserver"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// fakeCatalog answers the operations a DNS server asks for.
type fakeCatalog struct {
	services map[string][]*catalog.InstanceHealth
	mesh     map[string][]*catalog.InstanceHealth
	found    []*catalog.InstanceHealth // by the query q.dotted
	queries  map[string][]*catalog.InstanceHealth
	executed ops.QueryExecuteRequest
	nodes    []*catalog.Node
	err      error
	live     *rpc.Live // of every reply
}

func (f *fakeCatalog) Do(_ context.Context, op *rpc.Desc, req rpc.Message) (rpc.Message, error) {
	if f.err != nil {
		return nil, f.err
	}
	switch req := req.(type) {
	case *ops.HealthServiceRequest:
		list := f.services[req.Service]
		if req.Connect {
			list = f.mesh[req.Service]
		}
		if len(req.Tags) > 0 {
			list = slices.DeleteFunc(slices.Clone(list), func(i *catalog.InstanceHealth) bool {
				return !slices.ContainsFunc(i.Service.Tags, func(t string) bool { return strings.EqualFold(t, req.Tags[0]) })
			})
		}
		return &ops.HealthServiceReply{Instances: list, ReadMeta: rpc.ReadMeta{Live: f.live}}, nil
	case *ops.CatalogNodeRequest:
		for _, n := range f.nodes {
			if strings.EqualFold(n.Node, req.Node) {
				return &ops.CatalogNodeReply{NodeServices: &catalog.NodeServices{Node: n}, ReadMeta: rpc.ReadMeta{Live: f.live}}, nil
			}
		}
		return &ops.CatalogNodeReply{ReadMeta: rpc.ReadMeta{Live: f.live}}, nil
	case *ops.QueryExecuteRequest:
		f.executed = *req
		if list := f.queries[req.QueryIDOrName]; list != nil {
			return &ops.QueryExecuteReply{Service: list[0].Service.Service, Instances: list, Datacenter: "dc1"}, nil
		}
		if req.QueryIDOrName != "q.dotted" {
			return nil, fault.New(fault.NotFound, "Query not found")
		}
		return &ops.QueryExecuteReply{Service: "web", Instances: f.found, DNSTTL: "30s", Datacenter: "dc1"}, nil
	case *ops.CatalogAddressRequest:
		rep := &ops.CatalogAddressReply{ReadMeta: rpc.ReadMeta{Live: f.live}}
		for _, n := range f.nodes {
			if n.Address == req.Address {
				rep.Node = n
			}
		}
		if req.Address == "192.0.2.7" || req.Address == "2001:db8::9" {
			rep.Service = &catalog.Service{Service: "web"}
		}
		return rep, nil
	case *ops.VirtualAddressRequest:
		return &ops.VirtualAddressReply{ReadMeta: rpc.ReadMeta{Live: f.live}}, nil
	}
	return nil, fmt.Errorf("unexpected operation %s", op.Name)
}

func instance(node, addr, id string, port int, tags []string, statuses ...string) *catalog.InstanceHealth {
	i := &catalog.InstanceHealth{
		Node:    &catalog.Node{Node: node, Address: addr, Datacenter: "dc1"},
		Service: &catalog.Service{Node: node, ID: id, Service: "web", Port: port, Tags: tags},
	}
	for _, s := range statuses {
		i.Checks = append(i.Checks, &catalog.Check{Node: node, CheckID: "c", Status: s})
	}
	return i
}

func many(n int) []*catalog.InstanceHealth {
	var list []*catalog.InstanceHealth
	for i := range n {
		list = append(list, instance(fmt.Sprintf("n%d", i), fmt.Sprintf("10.0.%d.%d", i/250, i%250), "web", 80, nil))
	}
	return list
}

func defaults() dnsserver.Config {
	return dnsserver.Config{
		AllowStale: true, UDPAnswerLimit: 3, NodeMetaTXT: true,
		SOA: dnsserver.SOA{Refresh: 3600, Retry: 600, Expire: 86400},
	}
}

func newServer(f *fakeCatalog, c dnsserver.Config) *dnsserver.Server {
	return dnsserver.New(dnsserver.Options{Caller: f, Datacenter: "dc1", Domain: "consul", AltDomain: "alt.test", Config: c})
}

// client is who asks in these tests.
var client = netip.MustParseAddrPort("127.0.0.1:5353")

func ask(s *dnsserver.Server, name string, qtype uint16, change func(*dns.Msg), tcp bool) *dns.Msg {
	q := new(dns.Msg)
	q.SetQuestion(name, qtype)
	if change != nil {
		change(q)
	}
	query, err := q.Pack()
	if err != nil {
		panic(err)
	}
	reply := new(dns.Msg)
	if err := reply.Unpack(s.Answer(context.Background(), nil, query, client, tcp)); err != nil {
		panic(err)
	}
	return reply
}

// show prints records sorted, without TTL padding, for comparison.
func show(rrs []dns.RR) string {
	var lines []string
	for _, rr := range rrs {
		if rr.Header().Rrtype != dns.TypeSOA && rr.Header().Rrtype != dns.TypeOPT {
			lines = append(lines, strings.ReplaceAll(rr.String(), "\t", " "))
		}
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

func hasSOA(rrs []dns.RR) bool {
	return slices.ContainsFunc(rrs, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeSOA })
}

// golden is a question and the reply it must get.
type golden struct {
	name    string
	qname   string
	qtype   uint16
	rcode   int
	answer  string
	extra   string
	wantSOA bool
}

// always holds.
var always = &rpc.Live{Age: func() time.Duration { return 0 }}

func TestAnswers(t *testing.T) {
	named := instance("ext", "db.example.com", "web", 80, []string{"named"})
	own := instance("a", "10.0.0.1", "own", 81, []string{"own"})
	own.Service.Address = "10.9.9.9"
	six := instance("six", "2001:db8::1", "web", 80, []string{"six"})
	f := &fakeCatalog{
		services: map[string][]*catalog.InstanceHealth{
			"web": {
				instance("a", "10.0.0.1", "web", 80, []string{"v1", "A.B"}, catalog.Passing),
				instance("b", "10.0.0.2", "web", 80, []string{"v2"}, catalog.Warning),
				instance("c", "10.0.0.3", "web", 80, []string{"v2"}, catalog.Passing, catalog.Critical),
				named, own, six,
			},
			"sick":   {instance("c", "10.0.0.3", "sick", 80, nil, catalog.Critical)},
			"consul": {instance("a", "10.0.0.1", "consul", 8300, nil), instance("bad_name", "10.0.0.2", "consul", 8300, nil)},
		},
		found: []*catalog.InstanceHealth{instance("c", "10.0.0.3", "web", 80, nil, catalog.Critical)}, // a check that it ignores
		mesh:  map[string][]*catalog.InstanceHealth{"web": {instance("m", "10.0.0.9", "web-proxy", 21000, nil)}},
		nodes: []*catalog.Node{
			{Node: "Alpha.x", Address: "10.0.0.1", Datacenter: "dc1", Meta: map[string]string{"k=": "v`", "rfc1035-x": "plain"}},
			{Node: "six", Address: "2001:db8::1", Datacenter: "dc1"},
		},
	}
	f.live = always
	s := newServer(f, defaults())
	rows := []golden{
		{"tag filters", "v1.web.service.consul.", dns.TypeA, 0, "v1.web.service.consul. 0 IN A 10.0.0.1", "", false},
		{"dotted tag in any case", "a.b.WEB.service.consul.", dns.TypeA, 0, "a.b.WEB.service.consul. 0 IN A 10.0.0.1", "", false},
		{"critical left out", "v2.web.service.consul.", dns.TypeA, 0, "v2.web.service.consul. 0 IN A 10.0.0.2", "", false},
		{"datacenter label", "v2.web.service.dc1.consul.", dns.TypeA, 0, "v2.web.service.dc1.consul. 0 IN A 10.0.0.2", "", false},
		{"datacenter with dc label", "v2.web.service.dc1.dc.consul.", dns.TypeA, 0, "v2.web.service.dc1.dc.consul. 0 IN A 10.0.0.2", "", false},
		{"rfc 2782", "_web._v2.service.consul.", dns.TypeSRV, 0,
			"_web._v2.service.consul. 0 IN SRV 1 1 80 b.node.dc1.consul.", "b.node.dc1.consul. 0 IN A 10.0.0.2", false},
		{"rfc 2782 without keyword", "_web._v2.consul.", dns.TypeSRV, 0,
			"_web._v2.consul. 0 IN SRV 1 1 80 b.node.dc1.consul.", "b.node.dc1.consul. 0 IN A 10.0.0.2", false},
		{"rfc 2782 without keyword is SRV only", "_web._v2.consul.", dns.TypeA, dns.RcodeNameError, "", "", true},
		{"own address", "own.web.service.consul.", dns.TypeSRV, 0,
			"own.web.service.consul. 0 IN SRV 1 1 81 0a090909.addr.dc1.consul.", "0a090909.addr.dc1.consul. 0 IN A 10.9.9.9", false},
		{"IPv6", "six.web.service.consul.", dns.TypeAAAA, 0, "six.web.service.consul. 0 IN AAAA 2001:db8::1", "", false},
		{"no IPv6 there", "v1.web.service.consul.", dns.TypeAAAA, 0, "", "", true},
		{"a name as address", "named.web.service.consul.", dns.TypeA, 0, "named.web.service.consul. 0 IN CNAME db.example.com.", "", false},
		{"text of a service gives addresses", "v1.web.service.consul.", dns.TypeTXT, 0, "v1.web.service.consul. 0 IN A 10.0.0.1", "", false},
		{"unknown service", "none.service.consul.", dns.TypeA, dns.RcodeNameError, "", "", true},
		{"all critical", "sick.service.consul.", dns.TypeA, dns.RcodeNameError, "", "", true},
		{"no keyword", "web.consul.", dns.TypeA, dns.RcodeNameError, "", "", true},
		{"bad locality", "web.service.dc1.ns.consul.", dns.TypeA, dns.RcodeNameError, "", "", true},
		{"three labels of locality", "web.service.a.b.c.consul.", dns.TypeA, dns.RcodeNameError, "", "", true},
		{"mail record", "v1.web.service.consul.", dns.TypeMX, 0, "", "", true},
		{"node", "alpha.X.node.consul.", dns.TypeA, 0, "alpha.X.node.consul. 0 IN A 10.0.0.1",
			"alpha.X.node.consul. 0 IN TXT \"k`==v``\"\nalpha.X.node.consul. 0 IN TXT \"plain\"", false},
		{"node of the other family", "six.node.consul.", dns.TypeA, 0, "", "", false},
		{"node texts", "alpha.x.node.consul.", dns.TypeTXT, 0,
			"alpha.x.node.consul. 0 IN TXT \"k`==v``\"\nalpha.x.node.consul. 0 IN TXT \"plain\"", "", false},
		{"unknown node", "none.node.consul.", dns.TypeA, dns.RcodeNameError, "", "", true},
		{"hexadecimal address", "0A000001.addr.anything.consul.", dns.TypeA, 0, "0a000001.addr.anything.consul. 0 IN A 10.0.0.1", "", false},
		{"hexadecimal nonsense", "zz.addr.consul.", dns.TypeA, dns.RcodeNameError, "", "", true},
		{"alternate domain in targets", "v2.web.service.ALT.test.", dns.TypeSRV, 0,
			"v2.web.service.ALT.test. 0 IN SRV 1 1 80 b.node.dc1.ALT.test.", "b.node.dc1.ALT.test. 0 IN A 10.0.0.2", false},
		{"name servers", "consul.", dns.TypeNS, 0, "consul. 0 IN NS a.node.dc1.consul.", "a.node.dc1.consul. 0 IN A 10.0.0.1", false},
		{"zone transfer", "consul.", dns.TypeAXFR, dns.RcodeNotImplemented, "", "", false},
		{"reverse", "1.0.0.10.in-addr.arpa.", dns.TypePTR, 0, "1.0.0.10.in-addr.arpa. 0 IN PTR Alpha.x.node.dc1.consul.", "", false},
		{"reverse in capitals", "1.0.0.10.IN-ADDR.ARPA.", dns.TypeA, 0, "1.0.0.10.IN-ADDR.ARPA. 0 IN PTR Alpha.x.node.dc1.consul.", "", false},
		{"reverse of a service", "7.2.0.192.in-addr.arpa.", dns.TypeANY, 0, "7.2.0.192.in-addr.arpa. 0 IN PTR web.service.dc1.consul.", "", false},
		{"reverse of an IPv6 address", "9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.", dns.TypePTR, 0,
			"9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. 0 IN PTR web.service.dc1.consul.", "", false},
		{"reverse SOA", "1.0.0.10.in-addr.arpa.", dns.TypeSOA, 0, "1.0.0.10.in-addr.arpa. 0 IN PTR Alpha.x.node.dc1.consul.", "", true},
		{"reverse of nothing", "9.9.9.9.in-addr.arpa.", dns.TypePTR, dns.RcodeNameError, "", "", true},
		{"reverse of half an address", "0.0.10.in-addr.arpa.", dns.TypePTR, dns.RcodeNameError, "", "", true},
		{"reverse of an address written otherwise", "01.0.0.10.in-addr.arpa.", dns.TypePTR, dns.RcodeNameError, "", "", true},
		{"reverse of groups in a label", "0000.0000.0000.0000.0000.0000.2001.0db8.ip6.arpa.", dns.TypePTR, dns.RcodeNameError, "", "", true},
		{"mesh", "web.connect.consul.", dns.TypeSRV, 0, "web.connect.consul. 0 IN SRV 1 1 21000 m.node.dc1.consul.", "m.node.dc1.consul. 0 IN A 10.0.0.9", false},
		{"mesh with a tag", "v9.web.connect.consul.", dns.TypeA, 0, "v9.web.connect.consul. 0 IN A 10.0.0.9", "", false},
		{"mesh without the service", "none.connect.consul.", dns.TypeA, dns.RcodeNameError, "", "", true},
		{"out of zone", "example.com.", dns.TypeA, dns.RcodeRefused, "", "", false},
		{"prepared query", "Q.dotted.query.consul.", dns.TypeA, 0, "Q.dotted.query.consul. 30 IN A 10.0.0.3", "", false},
		{"prepared query for SRV", "_q.dotted._tcp.query.consul.", dns.TypeSRV, 0,
			"_q.dotted._tcp.query.consul. 30 IN SRV 1 0 80 c.node.dc1.consul.", "c.node.dc1.consul. 30 IN A 10.0.0.3", false},
		{"prepared query of the other family", "q.dotted.query.consul.", dns.TypeAAAA, 0, "", "", true},
		{"unknown prepared query", "q.query.consul.", dns.TypeA, dns.RcodeNameError, "", "", true},
		{"prepared query with too many labels", "q.dotted.query.dc1.dc.consul.", dns.TypeA, dns.RcodeNameError, "", "", true},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			for range 3 { // at the third time the reply is a kept one, if it may be kept
				row.check(t, ask(s, row.qname, row.qtype, nil, true))
			}
		})
	}
}
func (row golden) check(t *testing.T, got *dns.Msg) {
	t.Helper()
	if got.Rcode != row.rcode {
		t.Errorf("rcode %s, want %s", dns.RcodeToString[got.Rcode], dns.RcodeToString[row.rcode])
	}
	if a := show(got.Answer); a != row.answer {
		t.Errorf("answer\n%s\nwant\n%s", a, row.answer)
	}
	if x := show(got.Extra); x != row.extra {
		t.Errorf("additional\n%s\nwant\n%s", x, row.extra)
	}
	if hasSOA(got.Ns) != row.wantSOA {
		t.Errorf("SOA in authority: %v, want %v", hasSOA(got.Ns), row.wantSOA)
	}
}

func TestSOAHasConfiguredTimers(t *testing.T) {
	c := defaults()
	c.SOA.MinTTL = 7
	got := ask(newServer(&fakeCatalog{}, c), "anything.consul.", dns.TypeSOA, nil, false)
	soa, ok := got.Answer[0].(*dns.SOA)
	if !ok || soa.Ns != "ns.consul." || soa.Mbox != "hostmaster.consul." || soa.Refresh != 3600 || soa.Minttl != 7 || soa.Hdr.Ttl != 7 {
		t.Errorf("got %v", got.Answer)
	}
}

func TestRepliesFitTheClient(t *testing.T) {
	s := newServer(&fakeCatalog{services: map[string][]*catalog.InstanceHealth{"web": many(60)}}, defaults())
	edns := func(size uint16) func(*dns.Msg) { return func(m *dns.Msg) { m.SetEdns0(size, false) } }
	rows := []struct {
		name    string
		qtype   uint16
		change  func(*dns.Msg)
		tcp     bool
		answers int
	}{
		{"plain UDP", dns.TypeA, nil, false, 3},
		{"EDNS 1232 A", dns.TypeA, edns(1232), false, 60},
		{"EDNS 1232 SRV", dns.TypeSRV, edns(1232), false, 21},
		{"TCP", dns.TypeA, nil, true, 60},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			got := ask(s, "web.service.consul.", row.qtype, row.change, row.tcp)
			if n := len(got.Answer); n < row.answers-1 || n > row.answers {
				t.Errorf("%d answers, want %d", n, row.answers)
			}
			if got.Truncated {
				t.Error("TC set, though enable_truncate is off")
			}
			limit := 512
			if opt := got.IsEdns0(); opt != nil {
				limit = int(opt.UDPSize())
			}
			if packed, _ := got.Pack(); !row.tcp && row.change == nil && len(packed) > limit {
				t.Errorf("%d bytes, want at most %d", len(packed), limit)
			}
			if row.qtype == dns.TypeSRV && len(got.Extra) != len(got.Answer) {
				t.Errorf("%d additional records for %d answers, want one each", len(got.Extra), len(got.Answer))
			}
		})
	}
}

func TestTruncationIsToldWhenEnabled(t *testing.T) {
	c := defaults()
	c.EnableTruncate = true
	s := newServer(&fakeCatalog{services: map[string][]*catalog.InstanceHealth{"web": many(60)}}, c)
	if got := ask(s, "web.service.consul.", dns.TypeA, nil, false); !got.Truncated {
		t.Error("TC not set on a cut reply")
	}
}

func TestEveryInstanceIsGivenInTurn(t *testing.T) {
	s := newServer(&fakeCatalog{services: map[string][]*catalog.InstanceHealth{"web": many(10)}}, defaults())
	first := map[string]bool{}
	for range 1000 {
		first[ask(s, "web.service.consul.", dns.TypeA, nil, false).Answer[0].(*dns.A).A.String()] = true
	}
	if len(first) != 10 {
		t.Errorf("%d of 10 instances came first in 1000 replies", len(first))
	}
}

func TestChangedServiceChangesAnswers(t *testing.T) {
	f := &fakeCatalog{services: map[string][]*catalog.InstanceHealth{"web": many(1)}}
	s := newServer(f, defaults())
	ask(s, "web.service.consul.", dns.TypeA, nil, false)
	f.services["web"] = []*catalog.InstanceHealth{instance("z", "10.7.7.7", "web", 80, nil)}
	if got := show(ask(s, "web.service.consul.", dns.TypeA, nil, false).Answer); got != "web.service.consul. 0 IN A 10.7.7.7" {
		t.Errorf("got %s", got)
	}
}

func TestServiceTTLPrefersExactNameThenLongestPrefix(t *testing.T) {
	c := defaults()
	c.ServiceTTL = map[string]time.Duration{
		"*": 1 * time.Second, "we*": 2 * time.Second, "web": 3 * time.Second, "long": 2562047 * time.Hour, "less": -time.Second,
	}
	f := &fakeCatalog{services: map[string][]*catalog.InstanceHealth{"web": many(1), "wed": many(1), "db": many(1), "long": many(1), "less": many(1)}}
	s := newServer(f, c)
	// RFC 2181 §8: no TTL is negative, or longer than 2^31-1 seconds.
	for name, want := range map[string]uint32{"web": 3, "wed": 2, "db": 1, "long": 1<<31 - 1, "less": 0} {
		if got := ask(s, name+".service.consul.", dns.TypeA, nil, false).Answer[0].Header().Ttl; got != want {
			t.Errorf("%s: TTL %d, want %d", name, got, want)
		}
	}
}

func TestFailedLookupIsServerFailureAndUnknownDatacenterNoName(t *testing.T) {
	for text, want := range map[string]int{"No cluster leader": dns.RcodeServerFailure, "No path to datacenter": dns.RcodeNameError} {
		s := newServer(&fakeCatalog{err: errors.New(text)}, defaults())
		if got := ask(s, "web.service.dc9.consul.", dns.TypeA, nil, false).Rcode; got != want {
			t.Errorf("%s: rcode %s, want %s", text, dns.RcodeToString[got], dns.RcodeToString[want])
		}
	}
}

func TestForeignNamesGoToRecursors(t *testing.T) {
	upstream := startUpstream(t)
	c := defaults()
	c.Recursors = []string{"127.0.0.1:1", upstream}
	c.RecursorTimeout = time.Second
	named := instance("ext", "db.example.com", "web", 80, nil)
	s := newServer(&fakeCatalog{services: map[string][]*catalog.InstanceHealth{"web": {named}}}, c)
	got := ask(s, "db.example.com.", dns.TypeA, nil, false)
	if show(got.Answer) != "db.example.com. 60 IN A 192.0.2.1" {
		t.Errorf("relayed %s", show(got.Answer))
	}
	got = ask(s, "web.service.consul.", dns.TypeA, nil, false)
	want := "db.example.com. 0 IN A 192.0.2.1\nweb.service.consul. 0 IN CNAME db.example.com."
	if show(got.Answer) != want {
		t.Errorf("resolved\n%s\nwant\n%s", show(got.Answer), want)
	}
}

func startUpstream(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	srv := &dns.Server{PacketConn: conn, NotifyStartedFunc: func() { close(ready) }, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg)
		m.SetReply(q)
		rr, _ := dns.NewRR(q.Question[0].Name + " 60 IN A 192.0.2.1")
		m.Answer = []dns.RR{rr}
		w.WriteMsg(m)
	})}
	ended := make(chan struct{})
	go func() { defer close(ended); srv.ActivateAndServe() }()
	<-ready
	t.Cleanup(func() { srv.Shutdown(); <-ended })
	return conn.LocalAddr().String()
}

func TestRunServesUDPAndTCPUntilItsContextEnds(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	s, err := dnsserver.Open(dnsserver.Options{
		Addresses: []string{addr}, Datacenter: "dc1", Config: defaults(),
		Caller: &fakeCatalog{services: map[string][]*catalog.InstanceHealth{"web": many(1)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dnsserver.Open(dnsserver.Options{Addresses: []string{addr}}); err == nil || !strings.Contains(err.Error(), addr) {
		t.Errorf("second server on %s: %v, want an error naming the address", addr, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	for _, network := range []string{"tcp", "udp"} {
		q := new(dns.Msg)
		q.SetQuestion("web.service.consul.", dns.TypeA)
		got, _, err := (&dns.Client{Net: network}).Exchange(q, addr)
		if err != nil || len(got.Answer) != 1 {
			t.Errorf("%s: %v, %v", network, got, err)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
}

// FuzzMessage feeds what a client may send to the function that both kinds of
// sockets call.
func FuzzMessage(f *testing.F) {
	for _, name := range []string{"web.service.consul.", "_web._tcp.consul.", "a.node.dc1.dc.consul.", ".", "consul.", "0a000001.addr.alt.test.", "1.0.0.10.in-addr.arpa.", "example.com."} {
		for _, qtype := range []uint16{dns.TypeA, dns.TypeSRV, dns.TypeANY, dns.TypeAXFR} {
			q := new(dns.Msg).SetQuestion(name, qtype)
			plain, err := q.Pack()
			if err != nil {
				f.Fatal(err)
			}
			f.Add(plain, false)
			f.Add(plain[:len(plain)-3], true)
			f.Add(append(plain, 0xc0, 0x0c), true)
			q.SetEdns0(1232, true)
			withOPT, _ := q.Pack()
			f.Add(withOPT, true)
		}
	}
	f.Add([]byte{1, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 0x0c, 0, 1, 0, 1}, false) // a name that points at itself
	s := newServer(&fakeCatalog{services: map[string][]*catalog.InstanceHealth{"web": many(30)}, live: always}, defaults())
	f.Fuzz(func(t *testing.T, query []byte, tcp bool) {
		for range 3 {
			reply := s.Answer(t.Context(), nil, query, client, tcp)
			if len(reply) == 0 {
				continue
			}
			got := new(dns.Msg)
			if err := got.Unpack(reply); err != nil {
				t.Fatalf("the reply is no message: %v", err)
			}
			if !got.Response || reply[0] != query[0] || reply[1] != query[1] {
				t.Errorf("not a reply to the question: %v", got)
			}
			if !tcp && len(reply) > dnsserver.DefaultUDPMaxBytes {
				t.Errorf("%d bytes over UDP", len(reply))
			}
		}
	})
}

// BenchmarkAnswer makes every reply; BenchmarkCachedAnswer finds most ready.
func BenchmarkAnswer(b *testing.B) { benchmarkAnswer(b, nil) }

func BenchmarkCachedAnswer(b *testing.B) {
	benchmarkAnswer(b, always)
}

func benchmarkAnswer(b *testing.B, live *rpc.Live) {
	for _, n := range []int{0, 3, 100, 10000} {
		for _, qtype := range []uint16{dns.TypeA, dns.TypeSRV} {
			b.Run(fmt.Sprintf("%s/%d", dns.TypeToString[qtype], n), func(b *testing.B) {
				s := newServer(&fakeCatalog{services: map[string][]*catalog.InstanceHealth{"web": many(n)}, live: live}, defaults())
				query, err := new(dns.Msg).SetQuestion("web.service.consul.", qtype).Pack()
				if err != nil {
					b.Fatal(err)
				}
				out := make([]byte, 0, 65535)
				b.ReportAllocs()
				for b.Loop() {
					out = s.Answer(b.Context(), out[:0], query, client, false)
				}
			})
		}
	}
}

func TestPreparedQueriesKeepTheirOrderAndLearnWhoAsks(t *testing.T) {
	f := &fakeCatalog{found: many(50)}
	s := newServer(f, defaults())
	const subnet = "192.0.2.0"
	for range 5 {
		got := ask(s, "q.dotted.query.consul.", dns.TypeA, func(m *dns.Msg) {
			m.SetEdns0(4096, false)
			opt := m.IsEdns0()
			opt.Option = append(opt.Option, &dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: net.ParseIP(subnet).To4()})
		}, true)
		for i, rr := range got.Answer {
			if want := f.found[i].Node.Address; rr.(*dns.A).A.String() != want {
				t.Fatalf("answer %d is %s, want %s", i, rr, want)
			}
		}
		if len(got.Answer) != 50 || f.executed.SourceIP != subnet {
			t.Errorf("%d answers for %q", len(got.Answer), f.executed.SourceIP)
		}
		if scope := got.IsEdns0().Option[0].(*dns.EDNS0_SUBNET).SourceScope; scope != 24 {
			t.Errorf("scope %d, want the subnet's", scope)
		}
	}
}
