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

// TestNetworkSettingsAtTheirEdges starts an agent with each: it answers, or says in
// a line what is wrong and ends. No valid setting ends in a stack.
func TestNetworkSettingsAtTheirEdges(t *testing.T) {
	t.Parallel()
	const starts = ""
	for i, row := range []struct {
		name, settings string // IP stands for the row's own address
		refusal        string // of the agent; "" if it starts
		inFile         bool   // validate sees it too
	}{
		{"nothing else", ``, starts, false},
		{"LAN networks of others", `serf_lan_allowed_cidrs = ["10.0.0.0/8"]`, starts, false},
		{"WAN networks of others", `serf_wan_allowed_cidrs = ["10.0.0.0/8"]`, starts, false},
		{"no LAN network", `serf_lan_allowed_cidrs = []`, starts, false},
		{"the own address alone", `serf_lan_allowed_cidrs = ["IP/32"]`, starts, false},
		{"networks of IPv6", `serf_lan_allowed_cidrs = ["fd00::/8"] serf_wan_allowed_cidrs = ["fd00::/8"]`, starts, false},
		{"no network at all", `serf_lan_allowed_cidrs = ["nowhere"]`, "serf_lan_allowed_cidrs", true},
		{"an address advertised that is another's", `advertise_addr = "10.1.2.3"`, starts, false},
		{"a name advertised", `advertise_addr = "no such name"`, "advertise_addr", true},
		{"any address advertised", `advertise_addr = "0.0.0.0"`, "advertise", true},
		{"any address advertised to the WAN", `advertise_addr_wan = "::"`, "advertise", true},
		{"several addresses to bind", `bind_addr = "127.0.0.1 127.0.0.2"`, "bind_addr", true},
		{"a template of nothing", `client_addr = "{{ GetInterfaceIP \"none\" }}"`, "client_addr", true},
		{"two addresses for clients", `client_addr = "IP 127.0.0.1" ports { http = 18517 dns = -1 }`, starts, false},
		{"HTTP off", `ports { http = -1 }`, starts, false},
		{"DNS off", `ports { dns = -1 }`, starts, false},
		{"the WAN off", `ports { serf_wan = -1 }`, starts, false},
		{"the LAN off", `ports { serf_lan = -1 }`, "serf-lan-port must be greater than zero", true},
		{"the RPC port off", `ports { server = -1 }`, "server", true},
		{"a port too many", `ports { http = 65536 }`, "65536", true},
		{"a port below, which is off too", `ports { http = -2 }`, starts, false},
		{"two ports of one number", `ports { http = 18500 dns = 18500 }`, "already configured", true},
		{"two gossip ports of one number", `ports { serf_lan = 18301 serf_wan = 18301 }`, "18301", true},
		{"WAN addresses translated", `translate_wan_addrs = true advertise_addr_wan = "192.0.2.1"`, starts, false},
		{"a join to itself", `retry_join = ["IP"]`, starts, false},
		{"another address for gossip", `serf_lan = "127.77.91.1" serf_wan = "127.77.91.1"`, starts, false},
		{"an address that is not here", `serf_lan = "192.0.2.7"`, "192.0.2.7", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			ip := fmt.Sprintf("127.77.90.%d", i+1)
			file := filepath.Join(t.TempDir(), "network.hcl")
			text := fmt.Sprintf("server = true bootstrap = true data_dir = %q %s", filepath.Join(t.TempDir(), "data"), strings.ReplaceAll(row.settings, "IP", ip))
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, complaint, code := runCLI(t, nil, "validate", file)
			if refused := code != 0; refused != row.inFile {
				t.Errorf("validate ends with %d: %s", code, complaint)
			}
			n := newNode(t, "edge", ip, "-config-file", file)
			if strings.Contains(row.settings, "bind_addr") || strings.Contains(row.settings, "client_addr") {
				n.bare = true
				if !strings.Contains(row.settings, "bind_addr") {
					n.args = append(n.args, "-bind", ip)
				}
			}
			n.start()
			wantEdge(t, n, row.refusal, row.settings)
		})
	}
}

// wantEdge waits until an agent answers, or has ended with a refusal.
func wantEdge(t *testing.T, n *node, refusal, settings string) {
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
		switch {
		case ended():
			return nil
		case strings.Contains(settings, "http = 18517"):
			return listens(n.ip + ":18517")
		case strings.Contains(settings, "http ="): // off: DNS is not
			return listens(n.ip + ":8600")
		}
		return n.hasLeader()
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
	if code := n.cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(text, refusal) || strings.Contains(text, "goroutine ") {
		t.Errorf("exit code %d, want 1 and a line with %q:\n%s", code, refusal, text)
	}
}

func listens(address string) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}
