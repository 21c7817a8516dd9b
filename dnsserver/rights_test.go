package dnsserver_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"praetor/internal/testcluster"
)

// dnsRights is what the token of an agent's DNS must grant for each form of question
// (reference/security.md §4.3). Who lacks one of the rules is told that there is
// nothing; of a service's proxies, that the question failed, as over HTTP.
var dnsRights = []struct {
	name  string
	qtype uint16
	rules []string
	sees  string // in the answer
}{
	{"web.service.consul.", dns.TypeA, seesWeb, "10.9.0.1"},
	{"web.service.dc1.consul.", dns.TypeA, seesWeb, "10.9.0.1"},
	{"web.service.consul.", dns.TypeSRV, seesWeb, "n1.node"},
	{"web.service.consul.", dns.TypeANY, seesWeb, "10.9.0.1"},
	{"blue.web.service.consul.", dns.TypeA, seesWeb, "10.9.0.1"},
	{"_web._blue.service.consul.", dns.TypeSRV, seesWeb, "n1.node"},
	{"_web._tcp.service.consul.", dns.TypeSRV, seesWeb, "n1.node"},
	{"web.connect.consul.", dns.TypeA, []string{`service "web-proxy" { policy = "read" }`, `service "web" { policy = "read" }`, seesN1[0]}, "10.9.0.1"},
	{"named.query.consul.", dns.TypeA, seesWeb, "10.9.0.1"},
	{"n1.node.consul.", dns.TypeA, seesN1, "10.9.0.1"},
	{"n1.node.dc1.consul.", dns.TypeA, seesN1, "10.9.0.1"},
	{"n1.node.consul.", dns.TypeTXT, seesN1, "txt-of-n1"},
	{"1.0.9.10.in-addr.arpa.", dns.TypePTR, seesN1, "n1.node"},
	{"2.0.9.10.in-addr.arpa.", dns.TypePTR, seesWeb, "web.service"},
	{"consul.", dns.TypeSOA, nil, "ns.consul."},
}

var (
	seesN1  = []string{`node "n1" { policy = "read" }`}
	seesWeb = []string{`service "web" { policy = "read" }`, seesN1[0]}
)

// TestDNSRights asks every form of question of a server and of a client agent whose DNS
// has no token, an unknown and the manager's one, and tokens with exactly
// the rules and without one of them.
func TestDNSRights(t *testing.T) {
	testcluster.Real(t, testcluster.Options{Servers: 1, Clients: 1, Config: testcluster.LockedDown}, func(c *testcluster.Cluster) {
		leader := c.Leader()
		leader.WaitForToken(testcluster.Manager)
		leader.Must(
			`PUT /v1/catalog/register {"Node":"n1","Address":"10.9.0.1","NodeMeta":{"rfc1035-a":"txt-of-n1"},"Service":{"Service":"web","Tags":["blue"],"Port":80}}`,
			`PUT /v1/catalog/register {"Node":"n1","SkipNodeUpdate":true,"Service":{"ID":"web2","Service":"web","Address":"10.9.0.2","Port":80}}`,
			`PUT /v1/catalog/register {"Node":"n1","SkipNodeUpdate":true,"Service":{"Kind":"connect-proxy","Service":"web-proxy","Port":81,"Proxy":{"DestinationServiceName":"web"}}}`,
			`POST /v1/query {"Name":"named","Service":{"Service":"web"}}`)
		for _, n := range []*testcluster.Node{leader, c.Clients()[0]} {
			n.WaitForToken(testcluster.Manager)
			asked := 0
			for _, row := range dnsRights {
				grant := func(rules []string) string { return leader.Grant(strings.Join(rules, "\n")) }
				check := func(who, token string, rcode int, sees bool) {
					asked++
					n.Must(`PUT /v1/agent/token/dns {"Token":"` + token + `"}`)
					reply := askAgent(t, n.IP(), row.name, row.qtype)
					if reply.Rcode != rcode || strings.Contains(fmt.Sprint(reply.Answer, reply.Extra), row.sees) != sees {
						t.Errorf("%s %s of %s with %s: want %s, and to see %q is %v\n%s", row.name, dns.TypeToString[row.qtype], n.Name(), who, dns.RcodeToString[rcode], row.sees, sees, reply)
					}
				}
				nothing, hides := dns.RcodeNameError, len(row.rules) > 0
				if !hides {
					nothing = dns.RcodeSuccess
				}
				without := func(rule string) int {
					if strings.Contains(row.name, ".connect.") && (rule == "" || rule == seesWeb[0]) {
						return dns.RcodeServerFailure
					}
					return nothing
				}
				check("the manager's token", testcluster.Manager, dns.RcodeSuccess, true)
				check("exactly the rules", grant(row.rules), dns.RcodeSuccess, true)
				check("no token", "", without(""), !hides)
				if hides {
					check("a token that does not exist", "c0c0c0c0-0000-0000-0000-000000000001", dns.RcodeServerFailure, false)
				}
				for i, rule := range row.rules {
					check("all but "+rule, grant(slices.Delete(slices.Clone(row.rules), i, i+1)), without(rule), false)
					denied := slices.Clone(row.rules)
					denied[i] = strings.Replace(rule, "read", "deny", 1)
					check(denied[i], grant(denied), without(rule), false)
				}
			}
			t.Logf("%d questions of %s", asked, n.Name())
		}
	})
}

func askAgent(t *testing.T, ip, name string, qtype uint16) *dns.Msg {
	t.Helper()
	m := new(dns.Msg)
	m.SetQuestion(name, qtype)
	reply, _, err := (&dns.Client{}).Exchange(m, ip+":8600")
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

// TestAnswersFollowRulesAndQueries: what an agent gave a moment ago, and may give again
// without a lookup, is not what it gives once the rules of its token, the query or the
// service are others.
func TestAnswersFollowRulesAndQueries(t *testing.T) {
	testcluster.Real(t, testcluster.Options{Servers: 1, Config: testcluster.LockedDown}, func(c *testcluster.Cluster) {
		n := c.Leader()
		n.WaitForToken(testcluster.Manager)
		policy := n.Must(`PUT /v1/acl/policy {"Name":"dns","Rules":"service_prefix \"\" { policy = \"read\" } node_prefix \"\" { policy = \"read\" }"}`).Member("ID")
		token := n.Must(`PUT /v1/acl/token {"Policies":[{"Name":"dns"}]}`).Member("SecretID")
		query := n.Must(`POST /v1/query {"Name":"named","Service":{"Service":"web"}}`).Member("ID")
		n.Must(
			`PUT /v1/agent/token/dns {"Token":"`+token+`"}`,
			`PUT /v1/catalog/register {"Node":"n1","Address":"10.9.0.1","Service":{"Service":"web","Port":80}}`,
			`PUT /v1/catalog/register {"Node":"n2","Address":"10.9.0.2","Service":{"Service":"db","Port":80}}`)
		expect := func(when string, want map[string]string) {
			t.Helper()
			for name, addresses := range want {
				for range 4 { // the first are looked up, the others are cached
					var got []string
					for _, rr := range askAgent(t, n.IP(), name, dns.TypeA).Answer {
						got = append(got, rr.(*dns.A).A.String())
					}
					slices.Sort(got)
					if text := strings.Join(got, " "); text != addresses {
						t.Errorf("%s: %s is %q, want %q", when, name, text, addresses)
					}
				}
			}
		}
		const service, named = "web.service.consul.", "named.query.consul."
		expect("at first", map[string]string{service: "10.9.0.1", named: "10.9.0.1"})
		n.Must(`PUT /v1/catalog/register {"Node":"n2","Address":"10.9.0.2","Service":{"Service":"web","Port":80}}`)
		expect("one more", map[string]string{service: "10.9.0.1 10.9.0.2", named: "10.9.0.1 10.9.0.2"})
		n.Must(`PUT /v1/query/` + query + ` {"Name":"named","Service":{"Service":"db"}}`)
		expect("another query", map[string]string{service: "10.9.0.1 10.9.0.2", named: "10.9.0.2"})
		n.Must(`PUT /v1/acl/policy/` + policy + ` {"Name":"dns","Rules":"service \"db\" { policy = \"read\" } node \"n2\" { policy = \"read\" }"}`)
		expect("other rules", map[string]string{service: "", named: "10.9.0.2"})
		n.Must(`DELETE /v1/query/` + query)
		expect("no query", map[string]string{service: "", named: ""})
	})
}
