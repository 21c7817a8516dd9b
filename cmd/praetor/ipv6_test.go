package main_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// sixNode prepares an agent at ::1, of which a machine has one only: agents differ by
// their ports, which begin at base.
func sixNode(t *testing.T, name string, base int, args ...string) *node {
	t.Helper()
	if l, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skipf("this machine has no IPv6 loopback address (%v)", err)
	} else {
		l.Close()
	}
	at := func(offset int) string { return fmt.Sprintf("[::1]:%d", base+offset) }
	ports := fmt.Sprintf("ports { http = %d dns = %d server = %d serf_lan = %d serf_wan = %d grpc = -1 grpc_tls = -1 }", base, base+1, base+2, base+3, base+4)
	n := &node{t: t, name: name, ip: "::1", http: at(0), dns: at(1), dir: t.TempDir(), bare: true,
		args: append([]string{"-bind=::1", "-client=::1", "-hcl", ports}, args...)}
	t.Cleanup(n.stop)
	return n
}

// TestAClusterOverIPv6: gossip, RPC, HTTP and DNS, and brackets in every address that is
// printed or read.
func TestAClusterOverIPv6(t *testing.T) {
	t.Parallel()
	s1 := sixNode(t, "s1", 17610, "-server", "-bootstrap-expect=2")
	s2 := sixNode(t, "s2", 17620, "-server", "-bootstrap-expect=2", "-retry-join=[::1]:17613")
	c1 := sixNode(t, "c1", 17630)
	far := sixNode(t, "far", 17640, "-server", "-bootstrap-expect=1", "-datacenter=dc2", "-retry-join-wan=[::1]:17614")
	all := []*node{s1, s2, c1, far}
	for _, n := range all {
		n.start()
	}
	for _, n := range all {
		waitFor(t, "the API of "+n.name, 20*time.Second, func() error { _, _, err := n.request("GET", "/v1/status/leader", ""); return err })
	}
	wantOut := func(want string, args ...string) {
		if out, errs, code := c1.cli(args...); code != 0 || out != want {
			t.Errorf("%v: %d %q %q, want %q", args, code, out, errs, want)
		}
	}
	wantOut("Successfully joined cluster by contacting 1 nodes.\n", "join", "[::1]:17623")
	for _, n := range all {
		waitFor(t, "leader at "+n.name, 20*time.Second, n.hasLeader)
	}
	for i, n := range []*node{s1, s2, c1} {
		if err := n.put(fmt.Sprintf("/v1/kv/key%d", i), n.name); err != nil {
			t.Error(err)
		}
		wantOut(n.name+"\n", "kv", "get", fmt.Sprintf("key%d", i))
	}
	var leader string
	if err := c1.get("/v1/status/leader", &leader); err != nil || leader != "[::1]:17612" && leader != "[::1]:17622" {
		t.Errorf("leader %q %v", leader, err)
	}
	for command, want := range map[string]string{"members": "[::1]:17633 ", "members -wan": "[::1]:17614 ", "operator raft list-peers": "[::1]:17622 ", "info": "leader_addr = " + leader} {
		out, errs, code := s1.cli(strings.Fields(command)...)
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("%s: %d %s%s, want %s", command, code, out, errs, want)
		}
	}
	if err := c1.put("/v1/agent/service/register", `{"Name": "web", "Port": 80, "Check": {"HTTP": "http://[::1]:17630/v1/agent/self", "Interval": "1s"}}`); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "web in DNS", 10*time.Second, func() error {
		m, err := s2.dig("udp", "web.service.consul.", dns.TypeAAAA)
		if err == nil && (len(m.Answer) != 1 || m.Answer[0].(*dns.AAAA).AAAA.String() != "::1") {
			err = errors.New(m.String())
		}
		return err
	})
	waitFor(t, "the other datacenter", 20*time.Second, func() error {
		_, text, err := c1.request("PUT", "/v1/kv/far?dc=dc2", "x")
		if err == nil && text != "true" {
			err = errors.New(text)
		}
		return err
	})
}

// TestLocalhostIsReachedOverBothFamilies: libraries look at ::1 first when they are told
// localhost, and some nowhere else.
func TestLocalhostIsReachedOverBothFamilies(t *testing.T) {
	t.Parallel()
	n := sixNode(t, "both", 17650, "-dev", "-client=127.0.0.1", "-bind=127.0.0.1")
	n.http = "127.0.0.1:17650"
	n.start()
	for _, address := range []string{"127.0.0.1:17650", "[::1]:17650", "localhost:17650"} {
		n.http = address
		waitFor(t, "leader at "+address, 10*time.Second, n.hasLeader)
	}
}
