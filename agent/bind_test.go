package agent_test

import (
	"log"
	"net"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"

	"praetor/agent"
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
