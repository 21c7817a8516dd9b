package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/miekg/dns"
)

// manager is the secret of the management token, reader one that reads everything.
const (
	manager = "b1b1b1b1-0000-0000-0000-000000000001"
	reader  = "b1b1b1b1-0000-0000-0000-000000000002"
)

// lockedConfig is what an operator's guide ends with: no right by default, and
// certificates asked for and compared on every connection.
const lockedConfig = `
acl { enabled = true default_policy = "deny" tokens { initial_management = "` + manager + `" agent = "` + manager + `" default = "` + reader + `" } }
ports { https = 8501 }
tls {
  defaults { ca_file = "%[1]s/consul-agent-ca.pem" cert_file = "%[1]s/dc1-server-consul-0.pem" key_file = "%[1]s/dc1-server-consul-0-key.pem" verify_outgoing = true }
  internal_rpc { verify_incoming = true verify_server_hostname = true }
}
`

// pair is a server and a client agent.
type pair struct{ server, client *agent }

// openPair has neither rules nor certificates, and a client that reaches the server.
func (b *bench) openPair(i int) pair {
	p := pair{server: b.start(i, "-server", "-bootstrap-expect=1")}
	p.server.waitWritable()
	p.client = b.start(i+1, "-retry-join", p.server.ip)
	p.client.waitWritable()
	return p
}

// lockedPair has both.
func (b *bench) lockedPair(i int) pair {
	for _, args := range [][]string{{"ca", "create"}, {"cert", "create", "-server"}} {
		cmd := exec.Command(b.program, append([]string{"tls"}, args...)...)
		cmd.Dir = b.dir
		must(cmd.Run())
	}
	file := filepath.Join(b.dir, "locked.hcl")
	must(os.WriteFile(file, fmt.Appendf(nil, lockedConfig, b.dir), 0o600))
	ca, err := os.ReadFile(filepath.Join(b.dir, "consul-agent-ca.pem"))
	must(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots, ServerName: "localhost"}
	start := func(i int, args ...string) *agent {
		a := b.start(i, append(args, "-config-file", file)...)
		a.https, a.token = true, manager
		return a
	}
	p := pair{server: start(i, "-server", "-bootstrap-expect=1")}
	p.server.waitWritable()
	for _, body := range [][2]string{
		{"/v1/acl/policy", `{"Name":"reads","Rules":"key_prefix \"\" { policy = \"read\" } service_prefix \"\" { policy = \"read\" } node_prefix \"\" { policy = \"read\" }"}`},
		{"/v1/acl/token", `{"SecretID":"` + reader + `","Policies":[{"Name":"reads"}]}`},
	} {
		if status, text := p.server.request("PUT", body[0], body[1]); status != http.StatusOK {
			panic(text)
		}
	}
	p.client = start(i+1, "-retry-join", p.server.ip)
	return p
}

// secured drives an open and a locked pair by turns, and compares the CPU of both
// agents for each operation.
func secured(load func(b *bench, p pair) func(worker, i int) bool) func(b *bench) string {
	return func(b *bench) string {
		const rounds = 4
		var ratios []float64
		var costs [2]time.Duration
		pairs := [2]pair{b.openPair(11), b.lockedPair(21)}
		var ops [2]func(worker, i int) bool
		for i, p := range pairs {
			p.server.fill(10)
			p.server.try("PUT", "/v1/kv/bench/ready", value)
			if p.client.token != "" {
				p.client.token = reader
			}
			eventually(func() bool { return p.client.try("GET", "/v1/kv/bench/ready", "") })
			ops[i] = load(b, p)
		}
		whole := b.load
		defer func() { b.load = whole }()
		b.load = whole / 2
		for range rounds {
			var round [2]time.Duration
			for i, p := range pairs {
				part := &bench{load: b.load, agents: []*agent{p.server, p.client}}
				t := part.drives(16, ops[i])
				if t.failed > 0 {
					panic(fmt.Sprintf("%d of %d failed", t.failed, t.done+t.failed))
				}
				round[i] = t.cost()
				costs[i] += t.cost() / rounds
			}
			ratios = append(ratios, float64(round[1])/float64(round[0]))
		}
		slices.Sort(ratios)
		return fmt.Sprintf("off %d us, on %d us CPU; ratio %.2f to %.2f", costs[0].Microseconds(), costs[1].Microseconds(), ratios[0], ratios[rounds-1])
	}
}

func kvGets(_ *bench, p pair) func(int, int) bool {
	return func(int, int) bool { return p.client.try("GET", "/v1/kv/bench/ready", "") }
}

func healthOfTen(_ *bench, p pair) func(int, int) bool {
	return func(int, int) bool { return p.client.try("GET", "/v1/health/service/svc-0?passing", "") }
}

// dnsOfTen leaves its connections to the end of the process.
func dnsOfTen(_ *bench, p pair) func(int, int) bool {
	query, err := new(dns.Msg).SetQuestion("svc-0.service.consul.", dns.TypeA).Pack()
	must(err)
	ask, _ := asker("udp", p.client, query, func(reply []byte) bool { return len(reply) > 12 && reply[3]&15 == 0 && reply[7] > 0 })
	return ask
}
