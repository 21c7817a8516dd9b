package dnsserver

import (
	"fmt"
	"math"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"praetor/catalog"
	"praetor/internal/ops"
)

func TestNamesAreReadFromTheRight(t *testing.T) {
	s := New(Options{Datacenter: "dc1", Domain: "consul", AltDomain: "eu.consul"})
	for _, c := range []struct {
		name  string
		qtype uint16
		want  string // kind parts datacenter peer domain; "" for no such form
	}{
		{"web.service.consul.", dns.TypeA, "service [web] - - consul."},
		{"WEB.Service.CONSUL.", dns.TypeA, "service [web] - - CONSUL."},
		{"v1.web.service.consul.", dns.TypeA, "service [v1 web] - - consul."},
		{"web.service.dc2.consul.", dns.TypeA, "service [web] dc2 - consul."},
		{"web.service.dc2.dc.consul.", dns.TypeA, "service [web] dc2 - consul."},
		{"web.service.cloud.peer.consul.", dns.TypeA, "service [web] - cloud consul."},
		{"web.service.cloud.peer.dc2.dc.consul.", dns.TypeA, ""},
		{"web.service.a.dc.b.dc.consul.", dns.TypeA, "service [web] b - consul."},
		{"web.service.a.ns.consul.", dns.TypeA, ""},
		{"web.service.a.b.c.consul.", dns.TypeA, ""},
		{"web.service.a.dc.b.dc.c.dc.consul.", dns.TypeA, ""},
		{"service.consul.", dns.TypeA, ""},
		{"consul.", dns.TypeA, ""},
		{"web.consul.", dns.TypeA, ""},
		{"node.service.consul.", dns.TypeA, "service [node] - - consul."},
		{"service.node.consul.", dns.TypeA, "node [service] - - consul."},
		{"a.b.node.consul.", dns.TypeA, "node [a b] - - consul."},
		{"web.connect.consul.", dns.TypeA, "connect [web] - - consul."},
		{"web.virtual.consul.", dns.TypeA, "virtual [web] - - consul."},
		{"web.virtual.cloud.consul.", dns.TypeA, "virtual [web] - cloud consul."},
		{"web.ingress.consul.", dns.TypeA, "ingress [web] - - consul."},
		{"q.query.consul.", dns.TypeA, "query [q] - - consul."},
		{"q.query.dc2.consul.", dns.TypeA, "query [q] dc2 - consul."},
		{"q.query.dc2.dc.consul.", dns.TypeA, ""},
		{"0a000001.addr.what.ever.it.is.consul.", dns.TypeA, "addr [0a000001] - - consul."},
		{"_web._tcp.consul.", dns.TypeSRV, "service [_web _tcp] - - consul."},
		{"_web._tcp.consul.", dns.TypeA, ""},
		{"_web._tcp.dc2.consul.", dns.TypeSRV, "service [_web _tcp] dc2 - consul."},
		{"web.service.eu.consul.", dns.TypeA, "service [web] - - eu.consul."},
		{"web.service.dc2.eu.consul.", dns.TypeA, "service [web] dc2 - eu.consul."},
	} {
		got := ""
		if target, ok := s.parseName(c.name, c.qtype); ok {
			kinds := map[kind]string{}
			for word, k := range keywords {
				kinds[k] = word
			}
			dash := func(text string) string { return text + "-"[min(len(text), 1):] }
			got = fmt.Sprint(kinds[target.kind], " ", target.parts, " ", dash(target.datacenter), " ", dash(target.peer), " ", target.domain)
		}
		if got != c.want {
			t.Errorf("%s %s: %q, want %q", c.name, dns.TypeToString[c.qtype], got, c.want)
		}
	}
}

func TestTheLongerServedDomainIsMeant(t *testing.T) {
	s := New(Options{Domain: "consul", AltDomain: "eu.consul"})
	for name, n := range map[string]int{
		"consul.": 7, "a.consul.": 7, "a.EU.Consul.": 10, "eu.consul.": 10, "xconsul.": 0, "a.xeu.consul.": 7, "consul.org.": 0, ".": 0, "": 0,
	} {
		if got := s.suffix(name); got != n {
			t.Errorf("%s: %d bytes, want %d", name, got, n)
		}
	}
	root := New(Options{Domain: "."})
	if root.suffix("anything.at.all.") == 0 {
		t.Error("the root serves not every name")
	}
}

func TestServicesAndTagsOfParts(t *testing.T) {
	for _, c := range []struct {
		kind      kind
		parts     []string
		name, tag string
	}{
		{serviceKind, []string{"web"}, "web", ""},
		{serviceKind, []string{"v1", "web"}, "web", "v1"},
		{serviceKind, []string{"a", "b", "web"}, "web", "a.b"},
		{serviceKind, []string{"_web", "_tcp"}, "web", ""},
		{serviceKind, []string{"_web", "_v1"}, "web", "v1"},
		{serviceKind, []string{"_web", "tcp"}, "tcp", "_web"},
		{serviceKind, []string{"web", "_tcp"}, "_tcp", "web"},
		{serviceKind, []string{"a", "_web", "_tcp"}, "_tcp", "a._web"},
		{connectKind, []string{"v1", "web"}, "web", ""},
		{connectKind, []string{"_web", "_tcp"}, "_tcp", ""},
	} {
		name, tag := (&target{kind: c.kind, parts: c.parts}).service()
		if name != c.name || tag != c.tag {
			t.Errorf("%v: %q with the tag %q, want %q with %q", c.parts, name, tag, c.name, c.tag)
		}
	}
}

func TestQueriesOfParts(t *testing.T) {
	for want, parts := range map[string][]string{
		"q": {"q"}, "a.b": {"a", "b"}, "near": {"_near", "_tcp"}, "a.b.c": {"_a", "b", "c", "_tcp"}, "_q": {"_q"}, "_a.b": {"_a", "b"}, "a._b": {"a", "_b"},
	} {
		if got := (&target{parts: parts}).query(); got != want {
			t.Errorf("%v: %q, want %q", parts, got, want)
		}
	}
}

func TestReverseNamesAreReadOneWay(t *testing.T) {
	six, err := dns.ReverseAddr("2001:db8::1")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"1.0.0.10.in-addr.arpa.": "10.0.0.1", "1.0.0.10.IN-ADDR.arpa.": "10.0.0.1", six: "2001:db8::1", strings.ToUpper(six): "2001:db8::1",
		"0.0.10.in-addr.arpa.": "", "1.1.0.0.10.in-addr.arpa.": "", "01.0.0.10.in-addr.arpa.": "", "256.0.0.10.in-addr.arpa.": "", "x.0.0.10.in-addr.arpa.": "",
		"in-addr.arpa.": "", "arpa.": "", six[2:]: "", "x" + six[1:]: "", "1.0.0.10.ip6.arpa.": "", "10." + six[2:]: "",
	} {
		ip, ok := reverseIP(name)
		if ok != (want != "") || ok && ip != netip.MustParseAddr(want) {
			t.Errorf("%s: %s, %t, want %q", name, ip, ok, want)
		}
	}
}

func TestPrefixesOfBindings(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"web", "web"}, {"v1 web", "v1 web"}, {"_443 _https web", "web"}, {"_https web", "web"}, {"_443 _https v1 web", "v1 web"},
		{"_web _tcp", "_web _tcp"}, {"_web", "_web"}, {"a _b web", "a _b web"}, {"_a b _c web", "b _c web"},
	} {
		if got := strings.Join(withoutPrefix(strings.Fields(c.in)), " "); got != c.want {
			t.Errorf("%s: %q, want %q", c.in, got, c.want)
		}
	}
}

func TestTTLsAreWholeSecondsInTheirRange(t *testing.T) {
	for d, want := range map[time.Duration]uint32{
		0: 0, time.Second - 1: 0, time.Second: 1, 1999 * time.Millisecond: 1, -time.Hour: 0, math.MaxInt64: math.MaxInt32, math.MinInt64: 0,
		time.Duration(math.MaxInt32) * time.Second: math.MaxInt32,
	} {
		if got := seconds(d); got != want {
			t.Errorf("%s: %d, want %d", d, got, want)
		}
	}
}

func TestTheWorstCheckCounts(t *testing.T) {
	inst := func(statuses ...string) *catalog.InstanceHealth {
		i := &catalog.InstanceHealth{}
		for _, s := range statuses {
			i.Checks = append(i.Checks, &catalog.Check{Status: s})
		}
		return i
	}
	for _, c := range []struct {
		statuses          string
		worst             string
		healthy, onlyPass int
	}{
		{"", "passing", 1, 1}, {"passing", "passing", 1, 1}, {"warning", "warning", 1, 0}, {"critical", "critical", 0, 0},
		{"passing warning", "warning", 1, 0}, {"warning passing", "warning", 1, 0}, {"warning critical passing", "critical", 0, 0}, {"strange", "warning", 1, 0},
	} {
		i := inst(strings.Fields(c.statuses)...)
		if got := worstStatus(i.Checks); got != c.worst {
			t.Errorf("%q: %s, want %s", c.statuses, got, c.worst)
		}
		all := []*catalog.InstanceHealth{i}
		if n, m := len(filterHealthy(all, false)), len(filterHealthy(all, true)); n != c.healthy || m != c.onlyPass {
			t.Errorf("%q: %d healthy and %d passing, want %d and %d", c.statuses, n, m, c.healthy, c.onlyPass)
		}
	}
}

// TestAddressesOfAFamily is reference/dns.md §6.3: tagged addresses before the plain one, those
// of the WAN for another datacenter.
func TestAddressesOfAFamily(t *testing.T) {
	tags := map[string]catalog.ServiceAddress{
		"lan_ipv4": {Address: "10.0.0.4", Port: 4}, "lan_ipv6": {Address: "2001:db8::6", Port: 6},
		"wan": {Address: "192.0.2.1", Port: 1}, "wan_ipv4": {Address: "192.0.2.4", Port: 14}, "wan_ipv6": {Address: "2001:db8::16", Port: 16},
	}
	for _, c := range []struct {
		name   string
		tags   string
		family family
		wan    bool
		want   picked
	}{
		{"plain", "", anyFamily, false, picked{"10.0.0.1", 0, true}},
		{"plain, for IPv6", "", ipv6, false, picked{"10.0.0.1", 0, true}},
		{"tagged, any", "lan_ipv4", anyFamily, false, picked{"10.0.0.4", 4, false}},
		{"IPv6 first", "lan_ipv4 lan_ipv6", anyFamily, false, picked{"2001:db8::6", 6, false}},
		{"IPv4 as asked", "lan_ipv4 lan_ipv6", ipv4, false, picked{"10.0.0.4", 4, false}},
		{"IPv6 as asked", "lan_ipv4 lan_ipv6", ipv6, false, picked{"2001:db8::6", 6, false}},
		{"none of the family", "lan_ipv6", ipv4, false, picked{"10.0.0.1", 0, true}},
		{"wan is not for here", "wan wan_ipv4", anyFamily, false, picked{"10.0.0.1", 0, true}},
		{"wan", "wan", anyFamily, true, picked{"192.0.2.1", 1, false}},
		{"wan without a tag", "", anyFamily, true, picked{"10.0.0.1", 0, true}},
		{"wan of a family", "wan wan_ipv4", ipv4, true, picked{"192.0.2.4", 14, false}},
		{"wan of the other", "wan wan_ipv4", ipv6, true, picked{"192.0.2.1", 1, false}},
		{"wan before lan", "wan_ipv6 lan_ipv6", ipv6, true, picked{"2001:db8::16", 16, false}},
		{"lan where there is no wan", "lan_ipv6", ipv6, true, picked{"2001:db8::6", 6, false}},
	} {
		s := &catalog.Service{Address: "10.0.0.1", TaggedAddresses: map[string]catalog.ServiceAddress{}}
		n := &catalog.Node{Address: "10.0.0.1", TaggedAddresses: map[string]string{}}
		for tag := range strings.FieldsSeq(c.tags) {
			s.TaggedAddresses[tag], n.TaggedAddresses[tag] = tags[tag], tags[tag].Address
		}
		if got := serviceAddress(s, c.family, c.wan); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
		c.want.port = 0 // nodes have none
		if got := nodeAddress(n, c.family, c.wan); got != c.want {
			t.Errorf("%s, of a node: %+v, want %+v", c.name, got, c.want)
		}
	}
	same := &catalog.Service{Address: "10.0.0.4", TaggedAddresses: map[string]catalog.ServiceAddress{"lan_ipv4": {Address: "10.0.0.4", Port: 9}}}
	if got := serviceAddress(same, anyFamily, false); got != (picked{"10.0.0.4", 9, true}) {
		t.Errorf("a tag that repeats the address: %+v", got)
	}
}

func TestRecordsOfAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"10.0.0.1": "A", "::ffff:10.0.0.1": "A", "2001:db8::1": "AAAA", "host": "", "": "", "10.0.0": "", "10.0.0.1:80": "",
	} {
		got := ""
		if rr := addressRecord("a.", address, 7); rr != nil {
			got = dns.TypeToString[rr.Header().Rrtype]
			if rr.Header().Ttl != 7 || rr.Header().Name != "a." {
				t.Errorf("%s: header %v", address, rr.Header())
			}
		}
		if got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
	a, aaaa := addressRecord("a.", "10.0.0.1", 0), addressRecord("a.", "::1", 0)
	for _, c := range []struct {
		qtype   uint16
		a, aaaa bool
	}{
		{dns.TypeA, true, false}, {dns.TypeAAAA, false, true}, {dns.TypeANY, true, true}, {dns.TypeNS, true, true}, {dns.TypeTXT, true, true},
		{dns.TypeSRV, true, true}, {dns.TypeMX, false, false}, {dns.TypeCNAME, false, false}, {dns.TypeSOA, false, false},
	} {
		if wants(c.qtype, a) != c.a || wants(c.qtype, aaaa) != c.aaaa {
			t.Errorf("%s wants A: %t, AAAA: %t", dns.TypeToString[c.qtype], wants(c.qtype, a), wants(c.qtype, aaaa))
		}
	}
	for ip, want := range map[string]string{"10.0.0.1": "0a000001", "::ffff:10.0.0.1": "0a000001", "2001:db8::1": "20010db8000000000000000000000001"} {
		if got := hexName(net.ParseIP(ip)); got != want {
			t.Errorf("%s: %s, want %s", ip, got, want)
		}
	}
}

func TestMetadataIsWordedAfterRFC1464(t *testing.T) {
	for _, c := range []struct{ key, value, want string }{
		{"k", "v", "k=v"}, {"k", "", "k="}, {"", "v", "=v"}, {"a=b", "c=d", "a`=b=c=d"}, {"a`b", "c`d", "a``b=c``d"},
		{" a b  ", " v ", "` a b` ` = v "}, {"  ", "v", "` ` =v"}, {"rfc1035-k", "a=`b", "a=`b"}, {"RFC1035-", "x", "x"}, {"rfc1035", "x", "rfc1035=x"},
	} {
		if got := metaText(c.key, c.value); got != c.want {
			t.Errorf("%q=%q: %q, want %q", c.key, c.value, got, c.want)
		}
	}
	for n, want := range map[int][]int{0: {0}, 1: {1}, 255: {255}, 256: {255, 1}, 510: {255, 255}, 511: {255, 255, 1}} {
		var sizes []int
		for _, part := range splitText(strings.Repeat("x", n)) {
			sizes = append(sizes, len(part))
		}
		if !slices.Equal(sizes, want) {
			t.Errorf("%d bytes in %v, want %v", n, sizes, want)
		}
	}
}

func TestMetadataStopsWhereAMessageIsFull(t *testing.T) {
	meta := map[string]string{}
	for i := range 100 {
		meta[fmt.Sprintf("k%02d", i)] = strings.Repeat("v", 1000)
	}
	rrs := metaRecords("a.", meta, 5)
	if want := maxMessage / (1000 + 3 + minRecordBytes); len(rrs) != want {
		t.Errorf("%d records, want %d", len(rrs), want)
	}
	if first := rrs[0].(*dns.TXT); !strings.HasPrefix(first.Txt[0], "k00=v") || first.Hdr.Ttl != 5 {
		t.Errorf("the first is %s", first)
	}
}

func TestSomeAreDifferentAndAllAreDrawn(t *testing.T) {
	for _, c := range []struct{ n, k int }{{0, 0}, {1, 1}, {5, 5}, {100, 3}, {100, 99}, {1000, 1}} {
		seen := map[int]bool{}
		pickSome(c.n, c.k, func(i int) {
			if i < 0 || i >= c.n || seen[i] {
				t.Errorf("%d of %d: %d is drawn again or out of range", c.k, c.n, i)
			}
			seen[i] = true
		})
		if len(seen) != c.k {
			t.Errorf("%d of %d: %d drawn", c.k, c.n, len(seen))
		}
	}
	drawn := map[int]bool{}
	for range 10_000 {
		pickSome(20, 1, func(i int) { drawn[i] = true })
	}
	if len(drawn) != 20 {
		t.Errorf("%d of 20 are ever drawn", len(drawn))
	}
}

func TestOPTComesLast(t *testing.T) {
	opt := func() *dns.OPT { return &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}} }
	a1, a2 := addressRecord("a.", "10.0.0.1", 0), addressRecord("b.", "10.0.0.2", 0)
	for _, c := range []struct {
		in   []dns.RR
		want string
	}{
		{nil, ""}, {[]dns.RR{a1}, "A"}, {[]dns.RR{opt()}, "OPT"}, {[]dns.RR{opt(), a1, a2}, "A A OPT"}, {[]dns.RR{a1, opt(), a2}, "A A OPT"}, {[]dns.RR{a1, a2, opt()}, "A A OPT"},
	} {
		a := &answering{reply: &dns.Msg{Extra: c.in}}
		a.optLast()
		var types []string
		for _, rr := range a.reply.Extra {
			types = append(types, dns.TypeToString[rr.Header().Rrtype])
		}
		if got := strings.Join(types, " "); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

func TestFreshnessIsTheLeastTTL(t *testing.T) {
	rr := func(text string) dns.RR {
		r, err := dns.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	soa := rr("consul. 50 IN SOA ns.consul. hostmaster.consul. 1 2 3 4 40")
	for _, c := range []struct {
		name string
		msg  dns.Msg
		want uint32
	}{
		{"nothing", dns.Msg{}, 0},
		{"one", dns.Msg{Answer: []dns.RR{rr("a. 9 IN A 10.0.0.1")}}, 9},
		{"the least", dns.Msg{Answer: []dns.RR{rr("a. 9 IN A 10.0.0.1"), rr("a. 3 IN A 10.0.0.2"), rr("a. 5 IN A 10.0.0.3")}}, 3},
		{"zero", dns.Msg{Answer: []dns.RR{rr("a. 0 IN A 10.0.0.1"), rr("a. 3 IN A 10.0.0.2")}}, 0},
		{"no such name", dns.Msg{Ns: []dns.RR{soa}}, 40},
		{"an SOA beside answers", dns.Msg{Answer: []dns.RR{rr("a. 9 IN A 10.0.0.1")}, Ns: []dns.RR{soa}}, 9},
	} {
		b, err := c.msg.Pack()
		if err != nil {
			t.Fatal(err)
		}
		if got := freshness(b); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	if got := freshness([]byte("x")); got != 0 {
		t.Errorf("no message: %d", got)
	}
}

func TestWhatAClientTakes(t *testing.T) {
	for _, c := range []struct {
		name            string
		edns            int
		tcp             bool
		ceiling         int
		qtype           uint16
		bytes, answers  int
		plain, overCeil bool
	}{
		{"no EDNS", -1, false, 8192, dns.TypeA, 512, 3, true, false},
		{"EDNS below 512", 100, false, 8192, dns.TypeA, 512, 3, true, false},
		{"EDNS of 1232", 1232, false, 8192, dns.TypeA, 1232, 77, false, false},
		{"EDNS at the ceiling", 8192, false, 8192, dns.TypeA, 8192, 512, false, false},
		{"EDNS above the ceiling", 65535, false, 8192, dns.TypeA, 8192, 512, false, true},
		{"a ceiling of 512", 4096, false, 512, dns.TypeA, 512, 3, true, true},
		{"TCP", -1, true, 8192, dns.TypeA, maxTCPBytes, 4096, false, false},
		{"TCP for SRV", 65535, true, 512, dns.TypeSRV, maxTCPBytes, 1024, false, false},
	} {
		req := new(dns.Msg)
		req.SetQuestion("web.service.consul.", c.qtype)
		if c.edns >= 0 {
			req.SetEdns0(uint16(c.edns), false)
		}
		a := &answering{Config: &Config{UDPMaxBytes: c.ceiling, UDPAnswerLimit: 3}, req: req, q: req.Question[0], tcp: c.tcp}
		if a.maxBytes() != c.bytes || a.mostAnswers() != c.answers || a.isPlain() != c.plain || a.overAnnounced() != c.overCeil {
			t.Errorf("%s: %d bytes, %d answers, plain %t, over the ceiling %t; want %+v", c.name, a.maxBytes(), a.mostAnswers(), a.isPlain(), a.overAnnounced(), c)
		}
	}
	a := &answering{Config: &Config{UDPMaxBytes: 8192, UDPAnswerLimit: 100}, req: new(dns.Msg)}
	if a.mostAnswers() != maxPlainAnswers {
		t.Errorf("a limit of 100 gives %d answers in 512 bytes", a.mostAnswers())
	}
}

func TestTTLOfAQueryIsItsOwnIfItHasOne(t *testing.T) {
	a := &answering{Config: &Config{ServiceTTL: map[string]time.Duration{"web": 3 * time.Second}}}
	for text, want := range map[string]uint32{"10s": 10, "": 3, "soon": 3, "-5s": 0, "1500ms": 1} {
		if got := a.queryTTL(&ops.QueryExecuteReply{Service: "web", DNSTTL: text}); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

func TestTheClientIsWhomTheSubnetNames(t *testing.T) {
	subnet := &dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: net.IPv4(192, 0, 2, 0)}
	for _, c := range []struct {
		name string
		from string
		opts []dns.EDNS0
		want string
	}{
		{"a socket", "", nil, ""}, {"an address", "10.0.0.1:5", nil, "10.0.0.1"}, {"IPv4 in IPv6", "[::ffff:10.0.0.1]:5", nil, "10.0.0.1"},
		{"a zone", "[fe80::1%lo]:5", nil, "fe80::1"}, {"a subnet", "10.0.0.1:5", []dns.EDNS0{subnet}, "192.0.2.0"},
		{"a subnet without an address", "10.0.0.1:5", []dns.EDNS0{&dns.EDNS0_SUBNET{}}, "10.0.0.1"}, {"another option", "10.0.0.1:5", []dns.EDNS0{&dns.EDNS0_COOKIE{}}, "10.0.0.1"},
	} {
		req := new(dns.Msg)
		if c.opts != nil {
			req.SetEdns0(1232, false)
			req.IsEdns0().Option = c.opts
		}
		a := &answering{req: req}
		if c.from != "" {
			a.from = netip.MustParseAddrPort(c.from)
		}
		if got := a.clientIP(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestUnwritableRecordsAreLeftOut(t *testing.T) {
	good := addressRecord("a.consul.", "10.0.0.1", 0)
	bad := addressRecord(strings.Repeat("x", 64)+".consul.", "10.0.0.2", 0)
	if got := packable([]dns.RR{bad, good, bad}); len(got) != 1 || got[0] != good {
		t.Errorf("left are %v", got)
	}
	if got := packable(nil); len(got) != 0 {
		t.Errorf("of nothing %v are left", got)
	}
	list := []dns.RR{good}
	with := withOPT(list[:1:1], &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}})
	if len(with) != 2 || len(withOPT(list, nil)) != 1 {
		t.Errorf("with OPT %v", with)
	}
}
