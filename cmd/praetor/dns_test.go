package main_test

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// dnsCluster is three servers and two client agents on consecutive addresses.
func dnsCluster(t *testing.T, network string) (servers, clients []*node) {
	t.Helper()
	for i := range 3 {
		n := newNode(t, fmt.Sprintf("s%d", i+1), fmt.Sprintf("%s.%d", network, i+1), "-server", "-bootstrap-expect=3", "-retry-join", network+".1")
		servers = append(servers, n.start())
	}
	for i := range 2 {
		n := newNode(t, fmt.Sprintf("c%d", i+1), fmt.Sprintf("%s.%d", network, i+11), "-retry-join", network+".1")
		clients = append(clients, n.start())
	}
	for _, n := range slices.Concat(servers, clients) {
		waitFor(t, "leader at "+n.name, 30*time.Second, n.hasLeader)
	}
	return servers, clients
}

// registerWeb puts an instance of web on a node of its own into the catalog.
func registerWeb(n *node, status string) error {
	return n.put("/v1/catalog/register", fmt.Sprintf(
		`{"Node":"ext","Address":"10.0.0.1","Service":{"Service":"web","Port":80},"Check":{"Name":"c","Status":%q,"ServiceID":"web"}}`, status))
}

// answersOf tells how many addresses a node's DNS server gives for web.
func answersOf(n *node) (int, error) {
	reply, err := n.dig("udp", "web.service.consul.", dns.TypeA)
	if err != nil {
		return 0, err
	}
	if reply.Rcode != dns.RcodeSuccess && reply.Rcode != dns.RcodeNameError {
		return 0, errors.New(dns.RcodeToString[reply.Rcode])
	}
	return len(reply.Answer), nil
}

func wantAnswers(n *node, want int) func() error {
	return func() error {
		got, err := answersOf(n)
		if err == nil && got != want {
			err = fmt.Errorf("%d answers, want %d", got, want)
		}
		return err
	}
}

// TestChangedCheckShowsInDNSOfEveryNode flips a check and measures how long every
// node's DNS server goes on giving the old answer after the write was acknowledged.
// It prints what it saw, and fails only if it takes so long that something is broken.
func TestChangedCheckShowsInDNSOfEveryNode(t *testing.T) {
	const rounds, limit = 40, 2 * time.Second
	servers, clients := dnsCluster(t, "127.77.61")
	leader := leaderOf(t, servers)
	nodes := slices.Concat(servers, clients)
	if err := registerWeb(leader, "passing"); err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes {
		for range 3 { // asked again and again, the answer is kept
			waitFor(t, "answer at "+n.name, 5*time.Second, wantAnswers(n, 1))
		}
	}
	lags := make([][]time.Duration, len(nodes))
	for round := range rounds {
		want, status := round%2, [2]string{"critical", "passing"}[round%2]
		if err := registerWeb(leader, status); err != nil {
			t.Fatal(err)
		}
		acknowledged := time.Now()
		var asking sync.WaitGroup
		for i, n := range nodes {
			asking.Go(func() {
				for time.Since(acknowledged) < limit {
					if got, err := answersOf(n); err == nil && got == want {
						lags[i] = append(lags[i], time.Since(acknowledged))
						return
					}
				}
				t.Errorf("round %d: %s does not say %s after %v", round, n.name, status, limit)
			})
		}
		asking.Wait()
	}
	for i, n := range nodes {
		if lag := lags[i]; len(lag) > 0 {
			slices.Sort(lag)
			role := "follower"
			switch {
			case n == leader:
				role = "leader"
			case i >= len(servers):
				role = "client agent"
			}
			t.Logf("%s (%s): new answer after %v in the middle, %v at most, of %d changes", n.name, role, lag[len(lag)/2], lag[len(lag)-1], len(lag))
		}
	}
}

// TestClientAgentAnswersWhileNoServerLives stops all servers and asks a client agent
// for names that it was asked before, and for one that it was not.
func TestClientAgentAnswersWhileNoServerLives(t *testing.T) {
	t.Parallel()
	agent := newNode(t, "c1", "127.77.62.11", "-retry-join", "127.77.62.1").start()
	server := newNode(t, "s1", "127.77.62.1", "-server", "-bootstrap-expect=1", "-retry-join", agent.ip).start()
	waitFor(t, "leader", 20*time.Second, server.hasLeader)
	waitFor(t, "agent that knows its server", 20*time.Second, agent.hasLeader)
	if err := registerWeb(server, "passing"); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		waitFor(t, "answer", 5*time.Second, wantAnswers(agent, 1))
	}
	server.kill()
	begin := time.Now()
	stale := func() error {
		q := new(dns.Msg).SetQuestion("web.service.consul.", dns.TypeA)
		q.SetEdns0(1232, false)
		reply, _, err := (&dns.Client{Timeout: time.Second}).Exchange(q, net.JoinHostPort(agent.ip, "8600"))
		if err != nil {
			t.Fatalf("%v after the server died: %v", time.Since(begin), err)
		}
		if reply.Rcode != dns.RcodeSuccess || len(reply.Answer) != 1 {
			t.Fatalf("%v after the server died: %v", time.Since(begin), reply)
		}
		if opt := reply.IsEdns0(); opt == nil || !strings.Contains(opt.String(), "Stale Answer") {
			return errors.New("the answer does not say that it is stale")
		}
		return nil
	}
	waitFor(t, "stale answer", 30*time.Second, stale)
	if got, _ := agent.dig("udp", "web.service.consul.", dns.TypeSRV); got != nil && len(got.Answer) != 1 {
		t.Errorf("the same service by another type: %v", got)
	}
	server.start()
	waitFor(t, "leader again", 20*time.Second, server.hasLeader)
	if err := registerWeb(server, "critical"); err != nil {
		t.Fatal(err)
	}
	took := waitFor(t, "fresh answer", 20*time.Second, wantAnswers(agent, 0))
	t.Logf("a change was seen %v after the server was back", took)
}

// TestDNSAnswersAtEveryAddress: addresses.dns may name several, and none of them is the
// API's.
func TestDNSAnswersAtEveryAddress(t *testing.T) {
	t.Parallel()
	n := startLeader(t, "127.77.121.3", "-hcl", `addresses { dns = "127.77.121.4 127.77.121.5" }`)
	for _, ip := range []string{"127.77.121.4", "127.77.121.5"} {
		for _, network := range []string{"udp", "tcp"} {
			n.dns = ip + ":8600"
			m, err := n.dig(network, "consul.service.consul.", dns.TypeA)
			if err != nil || len(m.Answer) != 1 || m.Answer[0].(*dns.A).A.String() != n.ip {
				t.Errorf("%s over %s: %v %v", ip, network, m, err)
			}
		}
	}
	n.dns = n.ip + ":8600"
	if m, err := n.dig("tcp", "consul.service.consul.", dns.TypeA); err == nil {
		t.Errorf("the API's address answers DNS too: %v", m)
	}
}
