package agent_test

import (
	"cmp"
	"fmt"
	"log"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/memberlist"

	"praetor/agent"
	"praetor/internal/fault"
)

// TestAgentThatRefusesToStartEndsThoughOthersSendToIt: members of a pool go on
// sending to a server whose start fails before its own pool is open.
func TestAgentThatRefusesToStartEndsThoughOthersSendToIt(t *testing.T) {
	transport, err := memberlist.NewNetTransport(&memberlist.NetTransportConfig{BindAddrs: []string{"127.0.0.1"}, Logger: log.New(t.Output(), "", 0)})
	if err != nil {
		t.Fatal(err)
	}
	at, err := net.ResolveTCPAddr("tcp", net.JoinHostPort("127.0.0.1", "0"))
	if err != nil {
		t.Fatal(err)
	}
	at.Port = transport.GetAutoBindPort()
	for range 3 {
		for _, network := range []string{"tcp", "udp"} {
			conn, err := net.Dial(network, at.String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := conn.Write([]byte("hello")); err != nil {
				t.Fatal(err)
			}
		}
	}
	down := make(chan error, 1)
	go func() { down <- agent.ShutUnused(transport) }() // waited for below
	select {
	case err := <-down:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it still waits for somebody to take what was sent")
	}
}

// ports is a network on which some addresses cannot be had. It notes what is listened at.
type ports struct {
	agent.Network
	faults   map[string]error
	bound    []string
	released int
}

func (p *ports) Listen(address string) (net.Listener, error) {
	if err := p.faults[address]; err != nil {
		return nil, err
	}
	p.bound = append(p.bound, address)
	return heldPort{p: p}, nil
}

type heldPort struct {
	net.Listener
	p *ports
}

func (h heldPort) Close() error { h.p.released++; return nil }

// TestPortsOfClients: what is listened at. A program that is told "localhost" may look
// at ::1, so that goes with 127.0.0.1, if it can be had.
func TestPortsOfClients(t *testing.T) {
	_, cert, key := certificates(t, "127.0.0.1", "n1")
	secure := fmt.Sprintf(`tls { defaults { cert_file = %q key_file = %q } }`, cert, key)
	for _, c := range []struct {
		name, hcl string
		faults    map[string]error
		bound     string
		log, err  string
	}{
		{"localhost", ``, nil, "127.0.0.1:8500 [::1]:8500", "", ""},
		{"both by name", `client_addr = "127.0.0.1 ::1"`, nil, "127.0.0.1:8500 [::1]:8500", "", ""},
		{"another loopback address", `client_addr = "127.0.0.2"`, nil, "127.0.0.2:8500", "", ""},
		{"no HTTP", `ports { http = -1 }`, nil, "", "", ""},
		{"gRPC", `ports { grpc = 8502 }`, nil, "127.0.0.1:8500 [::1]:8500 127.0.0.1:8502", "", ""},
		{"TLS without a certificate", `ports { https = 8501 grpc_tls = 8503 }`, nil, "127.0.0.1:8500 [::1]:8500", "", ""},
		{"TLS", `ports { https = 8501 grpc_tls = 8503 } ` + secure, nil, "127.0.0.1:8500 [::1]:8500 127.0.0.1:8501 [::1]:8501 127.0.0.1:8503", "", ""},
		{"a machine without IPv6", ``, map[string]error{"[::1]:8500": syscall.EADDRNOTAVAIL}, "127.0.0.1:8500", "[DEBUG] not listening at localhost over IPv6", ""},
		{"another program at ::1", ``, map[string]error{"[::1]:8500": syscall.EADDRINUSE}, "127.0.0.1:8500", "[WARN]  another program listens at this port of localhost over IPv6", ""},
		{"::1 by name is taken", `client_addr = "127.0.0.1 ::1"`, map[string]error{"[::1]:8500": syscall.EADDRINUSE}, "127.0.0.1:8500", "", "client_addr, addresses.http, ports.http: address already in use"},
		{"gRPC's port is taken", `ports { grpc = 8502 }`, map[string]error{"127.0.0.1:8502": &fault.Error{Kind: fault.Rejected, Text: "taken;", Hint: "stop it"}}, "127.0.0.1:8500 [::1]:8500", "", "taken; stop it (client_addr, addresses.grpc, ports.grpc)"},
	} {
		var log strings.Builder
		network := &ports{faults: c.faults}
		err := agent.BindClients(load(t, false, `data_dir = "/x" bind_addr = "127.0.0.1"`, c.hcl), network, hclog.New(&hclog.LoggerOptions{Output: &log, Level: hclog.Debug, DisableTime: true}))
		if text := fmt.Sprint(err); text != cmp.Or(c.err, "<nil>") {
			t.Errorf("%s: %s, want %s", c.name, text, c.err)
		}
		if got := strings.Join(network.bound, " "); got != c.bound || network.released != len(network.bound) {
			t.Errorf("%s: listened at %s, and gave back %d; want %s", c.name, got, network.released, c.bound)
		}
		if !strings.HasPrefix(log.String(), c.log) || c.log == "" && log.Len() > 0 {
			t.Errorf("%s: logs %s, want %s", c.name, &log, c.log)
		}
	}
}
