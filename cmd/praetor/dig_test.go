package main_test

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// dig runs the program dig against a node and returns its lines, in order of the
// alphabet. It is what people try DNS with.
func dig(t *testing.T, n *node, args ...string) []string {
	t.Helper()
	cmd := exec.Command("dig", append([]string{"@" + n.ip, "+tries=1", "+time=5"}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	var lines []string
	for line := range strings.Lines(string(out)) {
		if line = strings.Join(strings.Fields(line), " "); line != "" {
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return lines
}

// TestDigFindsServices asks as an administrator would, over each network.
func TestDigFindsServices(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("dig"); err != nil {
		t.Skip("needs the program dig (Debian package dnsutils)")
	}
	const ip = "127.77.32.1"
	dir := t.TempDir()
	newAuthority(t, dir).issue("server", ip)
	n := newNode(t, "Server-1", ip, "-dev", "-hcl", `ports { https = 8501, dns_tls = 8853 }`,
		"-hcl", `tls { https { cert_file = "`+filepath.Join(dir, "server.crt")+`", key_file = "`+filepath.Join(dir, "server.key")+`" } }`,
		"-hcl", `dns_config { service_ttl { "*" = "10s" }, node_ttl = "20s" }`, "-hcl", `node_meta { rack = "r1" }`).start()
	waitFor(t, "leader", 20*time.Second, n.hasLeader)
	for _, body := range []string{
		`{"Name":"web","ID":"web-1","Port":80,"Address":"10.0.0.1","Tags":["v1"],"Meta":{"protocol":"https,h2"},"Weights":{"Passing":5,"Warning":2}}`,
		`{"Name":"web","ID":"web-2","Port":81,"Address":"10.0.0.2","Tags":["v2"]}`,
		`{"Name":"six","Port":90,"Address":"2001:db8::5"}`,
	} {
		if err := n.put("/v1/agent/service/register", body); err != nil {
			t.Fatal(err)
		}
	}
	if status, text, err := n.request("POST", "/v1/query", `{"Name":"any-web","Service":{"Service":"web","Tags":["v2"]},"DNS":{"TTL":"7s"}}`); err != nil || status != 200 {
		t.Fatal(status, text, err)
	}
	waitFor(t, "web in DNS", 10*time.Second, func() error {
		_, err := n.dig("udp", "web.service.consul.", 1)
		return err
	})
	networks := map[string][]string{
		"UDP": {"-p", "8600"}, "TCP": {"-p", "8600", "+tcp"}, "UDP without EDNS": {"-p", "8600", "+noedns"},
		"TLS": {"-p", "8853", "+tls"}, "HTTPS": {"-p", "8501", "+https"}, "HTTPS by GET": {"-p", "8501", "+https-get"},
	}
	for network, flags := range networks {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			for _, row := range []struct {
				question string
				want     []string
			}{
				{"web.service.consul", []string{"web.service.consul. 10 IN A 10.0.0.1", "web.service.consul. 10 IN A 10.0.0.2"}},
				{"WEB.service.dc1.consul A", []string{"WEB.service.dc1.consul. 10 IN A 10.0.0.1", "WEB.service.dc1.consul. 10 IN A 10.0.0.2"}},
				{"v1.web.service.consul", []string{"v1.web.service.consul. 10 IN A 10.0.0.1"}},
				{"_web._v1.service.consul SRV", []string{"_web._v1.service.consul. 10 IN SRV 1 5 80 0a000001.addr.dc1.consul."}},
				{"six.service.consul AAAA", []string{"six.service.consul. 10 IN AAAA 2001:db8::5"}},
				{"server-1.node.consul", []string{"server-1.node.consul. 20 IN A " + ip}},
				{"-x 10.0.0.2", []string{"2.0.0.10.in-addr.arpa. 0 IN PTR web.service.dc1.consul."}},
				{"any-web.query.consul", []string{"any-web.query.consul. 7 IN A 10.0.0.2"}},
				{"0a000001.addr.consul", []string{"0a000001.addr.consul. 20 IN A 10.0.0.1"}},
				{"consul NS", []string{"consul. 20 IN NS server-1.node.dc1.consul."}},
				{"web.service.consul HTTPS", []string{`web.service.consul. 10 IN HTTPS 1 0a000001.addr.dc1.consul. alpn="http/1.1,h2" port=80 ipv4hint=10.0.0.1`}},
				{"six.service.consul A", nil},
				{"nothing.service.consul", nil},
			} {
				for range 3 { // the third answer is a kept one
					got := dig(t, n, slices.Concat(flags, []string{"+noall", "+answer"}, strings.Fields(row.question))...)
					if !slices.Equal(got, row.want) {
						t.Errorf("dig %s:\n%s\nwant\n%s", row.question, strings.Join(got, "\n"), strings.Join(row.want, "\n"))
					}
				}
			}
			whole := strings.Join(dig(t, n, slices.Concat(flags, []string{"nothing.service.consul"})...), "\n")
			for _, want := range []string{"status: NXDOMAIN", "consul. 0 IN SOA ns.consul. hostmaster.consul. ", "flags: qr aa rd;"} {
				if !strings.Contains(whole, want) {
					t.Errorf("no %q in\n%s", want, whole)
				}
			}
			texts := strings.Join(dig(t, n, slices.Concat(flags, []string{"+noall", "+answer", "server-1.node.consul", "TXT"})...), "\n")
			if !strings.Contains(texts, `IN TXT "rack=r1"`) {
				t.Errorf("no metadata of the node in\n%s", texts)
			}
		})
	}
}
