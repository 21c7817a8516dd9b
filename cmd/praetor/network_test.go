package main_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// edge is one network setting at an edge of what it may be.
type edge struct {
	name, settings string // IP stands for the row's own address, DIR for a folder
	refusal        string // of the agent, which names the setting; "" if it starts
	inFile         bool   // validate sees it too
	at             string // where it answers, if not at the HTTP port of IP
}

const starts = ""

// clientEdges are settings of agents without a server.
var clientEdges = []edge{
	{"nothing else", ``, starts, false, ""},
	{"LAN networks of others", `serf_lan_allowed_cidrs = ["10.0.0.0/8"]`, starts, false, ""},
	{"WAN networks, which clients do not use", `serf_wan_allowed_cidrs = ["10.0.0.0/8"]`, starts, false, ""},
	{"no LAN network", `serf_lan_allowed_cidrs = []`, starts, false, ""},
	{"a mask too long", `serf_lan_allowed_cidrs = ["10.0.0.0/33"]`, "serf_lan_allowed_cidrs", true, ""},
	{"an address without a mask", `serf_lan_allowed_cidrs = ["10.0.0.1"]`, "serf_lan_allowed_cidrs", true, ""},
	{"an empty WAN network", `serf_wan_allowed_cidrs = [""]`, "serf_wan_allowed_cidrs", true, ""},
	{"joins that are no addresses", `retry_join = ["::::", "", "a b"]`, starts, false, ""},
	{"an address advertised that is another's", `advertise_addr = "10.1.2.3"`, starts, false, ""},
	{"an address of IPv6 advertised for one of IPv4", `advertise_addr = "2001:db8::1"`, starts, false, ""},
	{"several addresses advertised by a template", `advertise_addr = "{{ printf \"127.0.0.1 127.0.0.2\" }}"`, "advertise_addr", true, ""},
	{"several addresses to bind by a template", `bind_addr = "{{ printf \"127.0.0.1 127.0.0.2\" }}"`, "bind_addr", true, ""},
	{"several addresses for clients by a template", `client_addr = "{{ printf \"IP 127.77.91.3\" }}"`, starts, false, "127.77.91.3:8500"},
	{"a template that is none", `bind_addr = "{{ Nothing }}"`, "bind_addr", true, ""},
	{"a zone", `bind_addr = "fe80::1%lo"`, "bind_addr", true, ""},
	{"a zone for gossip", `serf_lan = "fe80::1%lo"`, "serf_lan", true, ""},
	{"a port for an address", `serf_lan = "IP:9999"`, "serf_lan", true, ""},
	{"a Unix socket to bind", `bind_addr = "unix://DIR/s"`, "bind_addr", true, ""},
	{"a Unix socket for clients", `client_addr = "unix://DIR/s"`, "client_addr", true, ""},
	{"a Unix socket for HTTP", `addresses { http = "unix://DIR/s" }`, starts, false, "unix:DIR/s"},
	{"a Unix socket in no folder", `addresses { http = "unix://DIR/none/s" }`, "addresses.http", false, ""},
	{"a Unix socket for DNS", `addresses { dns = "unix://DIR/s" }`, "DNS address cannot be a unix socket", true, ""},
	{"HTTP elsewhere", `addresses { http = "127.77.91.4" }`, starts, false, "127.77.91.4:8500"},
	{"DNS elsewhere", `addresses { dns = "127.77.91.5" }`, starts, false, "127.77.91.5:8600"},
	{"HTTPS elsewhere, but off", `addresses { https = "127.77.91.6" }`, starts, false, ""},
	{"gRPC elsewhere, which is not served", `addresses { grpc = "127.77.91.7" grpc_tls = "127.77.91.7" } ports { grpc = 8502 grpc_tls = 8503 }`, starts, false, ""},
	{"words for an address", `addresses { http = "not an address" }`, "addresses.http", true, ""},
	{"an address of DNS that is none", `addresses { dns = "300.1.1.1" }`, "addresses.dns", true, ""},
	{"HTTP at an address that is not here", `addresses { http = "192.0.2.7" }`, "addresses.http", false, ""},
	{"DNS at an address that is not here", `addresses { dns = "192.0.2.7" }`, "addresses.dns", false, ""},
	{"clients at an address that is not here", `client_addr = "192.0.2.7"`, "client_addr", false, ""},
	{"clients at any address", `client_addr = "0.0.0.0" ports { http = 18521 dns = 18522 }`, starts, false, "IP:18521"},
	{"clients at any address of IPv6", `client_addr = "::" ports { http = 18523 dns = 18524 }`, starts, false, "[::1]:18523"},
	{"all of IPv6", `bind_addr = "::1" client_addr = "::1" ports { http = 18525 dns = 18526 serf_lan = 18527 }`, starts, false, "[::1]:18525"},
	{"any address of IPv6, and none of this machine", `bind_addr = "::" client_addr = "IP"`, "advertise_addr", false, ""},
	{"an address advertised and none bound", `bind_addr = "0.0.0.0" client_addr = "IP" advertise_addr = "IP" ports { serf_lan = 18528 }`, starts, false, ""},
	{"port 0 of HTTP, which is off", `ports { http = 0 }`, starts, false, "IP:8600"},
	{"port 0 of DNS, which is off", `ports { dns = 0 }`, starts, false, ""},
	{"port 0 of the LAN", `ports { serf_lan = 0 }`, "serf-lan-port", true, ""},
	{"the last port", `ports { http = 65535 }`, starts, false, "IP:65535"},
	{"a port too many", `ports { dns = 65536 }`, "ports.dns", true, ""},
}

// serverEdges are settings of servers.
var serverEdges = []edge{
	{"nothing else", ``, starts, false, ""},
	{"LAN networks of others", `serf_lan_allowed_cidrs = ["10.0.0.0/8"]`, starts, false, ""},
	{"WAN networks of others", `serf_wan_allowed_cidrs = ["10.0.0.0/8"]`, starts, false, ""},
	{"no LAN network", `serf_lan_allowed_cidrs = []`, starts, false, ""},
	{"the own address alone", `serf_lan_allowed_cidrs = ["IP/32"]`, starts, false, ""},
	{"networks of IPv6", `serf_lan_allowed_cidrs = ["fd00::/8"] serf_wan_allowed_cidrs = ["fd00::/8"]`, starts, false, ""},
	{"no network at all", `serf_lan_allowed_cidrs = ["nowhere"]`, "serf_lan_allowed_cidrs", true, ""},
	{"an address advertised that is another's", `advertise_addr = "10.1.2.3"`, starts, false, ""},
	{"a name advertised", `advertise_addr = "no such name"`, "advertise_addr", true, ""},
	{"any address advertised", `advertise_addr = "0.0.0.0"`, "Advertise address", true, ""},
	{"any address advertised to the WAN", `advertise_addr_wan = "::"`, "Advertise WAN address", true, ""},
	{"several addresses to bind", `bind_addr = "127.0.0.1 127.0.0.2"`, "bind_addr", true, ""},
	{"a template of nothing", `client_addr = "{{ GetInterfaceIP \"none\" }}"`, "client_addr", true, ""},
	{"two addresses for clients", `client_addr = "IP 127.0.0.1" ports { http = 18517 dns = -1 }`, starts, false, "IP:18517"},
	{"HTTP off", `ports { http = -1 }`, starts, false, "IP:8600"},
	{"DNS off", `ports { dns = -1 }`, starts, false, ""},
	{"the WAN off", `ports { serf_wan = -1 }`, starts, false, ""},
	{"the LAN off", `ports { serf_lan = -1 }`, "serf-lan-port must be greater than zero", true, ""},
	{"the RPC port off", `ports { server = -1 }`, "server", true, ""},
	{"a port too many", `ports { http = 65536 }`, "65536", true, ""},
	{"a port below, which is off too", `ports { http = -2 }`, starts, false, "IP:8600"},
	{"two ports of one number", `ports { http = 18500 dns = 18500 }`, "already configured", true, ""},
	{"two gossip ports of one number", `ports { serf_lan = 18301 serf_wan = 18301 }`, "18301", true, ""},
	{"WAN addresses translated", `translate_wan_addrs = true advertise_addr_wan = "192.0.2.1"`, starts, false, ""},
	{"a join to itself", `retry_join = ["IP"]`, starts, false, ""},
	{"another address for gossip", `serf_lan = "127.77.91.1" serf_wan = "127.77.91.1"`, starts, false, ""},
	{"an address that is not here", `serf_lan = "192.0.2.7"`, "192.0.2.7", false, ""},
	{"port 0 of RPC", `ports { server = 0 }`, "server-port", true, ""},
	{"port 0 of the WAN, which is off", `ports { serf_wan = 0 }`, starts, false, ""},
	{"the last ports", `ports { http = 65531 dns = 65532 serf_lan = 65533 serf_wan = 65534 server = 65535 }`, starts, false, "IP:65531"},
	{"a WAN network that is none", `serf_wan_allowed_cidrs = ["here"]`, "serf_wan_allowed_cidrs", true, ""},
	{"all of IPv6", `bind_addr = "::1" client_addr = "::1" ports { http = 18531 dns = 18532 serf_lan = 18533 serf_wan = 18534 server = 18535 grpc_tls = -1 }`, starts, false, "[::1]:18531"},
	{"a WAN address that is none", `advertise_addr_wan = "what"`, "advertise_addr_wan", true, ""},
}

// TestNetworkSettingsAtTheirEdges starts an agent with each: it answers, or says in
// a line what is wrong and ends. No setting ends in a stack.
func TestNetworkSettingsAtTheirEdges(t *testing.T) {
	t.Parallel()
	for i, row := range serverEdges {
		t.Run("server/"+row.name, func(t *testing.T) {
			t.Parallel()
			row.try(t, fmt.Sprintf("127.77.90.%d", i+1), "server = true bootstrap = true ")
		})
	}
	for i, row := range clientEdges {
		t.Run("client/"+row.name, func(t *testing.T) {
			t.Parallel()
			row.try(t, fmt.Sprintf("127.77.90.%d", i+101), "")
		})
	}
}

func (e edge) try(t *testing.T, ip, mode string) {
	if strings.HasPrefix(e.at, "[::1]") && listens6() != nil {
		t.Skip("this system has no IPv6")
	}
	dir, err := os.MkdirTemp("", "edge") // a Unix socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	filled := strings.NewReplacer("IP", ip, "DIR", dir)
	settings, at := filled.Replace(e.settings), filled.Replace(e.at)
	file := filepath.Join(dir, "network.hcl")
	if err := os.WriteFile(file, fmt.Appendf(nil, "%s data_dir = %q %s", mode, filepath.Join(dir, "data"), settings), 0o600); err != nil {
		t.Fatal(err)
	}
	_, complaint, code := runCLI(t, nil, "validate", file)
	if refused := code != 0; refused != e.inFile {
		t.Errorf("validate ends with %d: %s", code, complaint)
	}
	if e.inFile {
		wantOneLine(t, complaint, e.refusal)
	}
	n := newNode(t, "edge", ip, "-config-file", file)
	if n.bare = strings.Contains(settings, "bind_addr") || strings.Contains(settings, "client_addr"); n.bare {
		if !strings.Contains(settings, "bind_addr") {
			n.args = append(n.args, "-bind", ip)
		}
		if !strings.Contains(settings, "client_addr") {
			n.args = append(n.args, "-client", ip)
		}
	}
	n.start()
	answers := func() error { return listens(at) }
	switch {
	case at == "" && mode == "":
		answers = func() error { return n.get("/v1/agent/self", new(any)) }
	case at == "":
		answers = n.hasLeader
	}
	wantEdge(t, n, e.refusal, answers)
}

// wantEdge waits until an agent answers, or has ended with a refusal.
func wantEdge(t *testing.T, n *node, refusal string, answers func() error) {
	t.Helper()
	ended := func() bool {
		select {
		case <-n.done:
			return true
		default:
			return false
		}
	}
	waitFor(t, "answer or end", 30*time.Second, func() error {
		if ended() {
			return nil
		}
		return answers()
	})
	if refusal == "" {
		if ended() {
			t.Fatalf("it does not start:\n%s", n.tail())
		}
		return
	}
	waitFor(t, "end", 30*time.Second, func() error {
		if !ended() {
			return fmt.Errorf("it runs")
		}
		return nil
	})
	text := n.tail()
	if code := n.cmd.ProcessState.ExitCode(); code != 1 || strings.Contains(text, "goroutine ") || strings.Contains(text, "panic") {
		t.Errorf("exit code %d, want 1 and no stack:\n%s", code, text)
	}
	wantOneLine(t, text[strings.LastIndex("\n"+text, "\n==> "):], refusal) // what it says last
}

// wantOneLine wants one fault, which names the setting. The head of a list of faults
// and the file that set it stand around it.
func wantOneLine(t *testing.T, text, setting string) {
	t.Helper()
	var faults []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasSuffix(line, "occurred:") && !strings.HasPrefix(line, "set in ") {
			faults = append(faults, line)
		}
	}
	if len(faults) != 1 || !strings.Contains(faults[0], setting) {
		t.Errorf("want one line that names %q, got:\n%s", setting, text)
	}
}

func listens6() error {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		return err
	}
	return l.Close()
}

// listens reports whether somebody listens at an address, or at the Unix socket after "unix:".
func listens(address string) error {
	network := "tcp"
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		network, address = "unix", path
	}
	conn, err := net.Dial(network, address)
	if err != nil {
		return err
	}
	return conn.Close()
}
