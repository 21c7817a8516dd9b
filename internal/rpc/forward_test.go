package rpc_test

import (
	"context"
	"testing"

	"praetor/internal/fault"
	"praetor/internal/rpc"
)

// TestHopOfAClientIsIgnored has a client agent, which has the gossip key as every
// agent has, say to a follower that its requests were passed on by a server.
func TestHopOfAClientIsIgnored(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.keys = func(string, string) [][]byte { return [][]byte{keyA} }
		a, b := w.server("dc1", "10.0.0.1"), w.server("dc1", "10.0.0.2")
		w.elect("dc1", a)
		w.leaderOf("dc2")
		agent := w.client("dc1", "10.0.1.1")
		for _, hop := range []string{"here", "leader", "datacenter"} {
			got, err := agent.sendAs(b, opWrite.Desc, &rpc.WriteOptions{}, hop)
			wantBy(t, a, got, err)
			got, err = agent.sendAs(b, opRead.Desc, &rpc.ReadOptions{}, hop)
			wantBy(t, a, got, err)
		}
		if _, err := agent.sendAs(b, opRead.Desc, &rpc.ReadOptions{Datacenter: "dc2"}, "datacenter"); err == nil || err.Error() != rpc.TextRemoteUnreachable {
			t.Errorf("to another datacenter: %v, want %s", err, rpc.TextRemoteUnreachable)
		}
		b.router.Limit(rpc.Limits{Mode: "enforcing", ReadRate: 1, WriteRate: -1})
		var last error
		for range 100 {
			_, last = agent.sendAs(b, opRead.Desc, &rpc.ReadOptions{}, "here")
		}
		if fault.KindOf(last) != fault.Limit {
			t.Errorf("the hundredth request in no time: %v, want it refused", last)
		}
	})
}

func TestHopOfAServerIsBelieved(t *testing.T) {
	for _, encrypted := range []bool{true, false} {
		inBubble(t, func(t *testing.T, w *world) {
			if encrypted {
				w.keys = func(string, string) [][]byte { return [][]byte{keyA} }
			}
			a, b, c := w.server("dc1", "10.0.0.1"), w.server("dc1", "10.0.0.2"), w.server("dc2", "10.2.0.1")
			w.elect("dc1", a)
			got, err := a.sendAs(b, opRead.Desc, &rpc.ReadOptions{}, "here")
			wantBy(t, b, got, err)
			if _, err := a.sendAs(b, opRead.Desc, &rpc.ReadOptions{}, "leader"); fault.KindOf(err) != fault.NoLeader {
				t.Errorf("keys %t: a server that is not the leader said %v", encrypted, err)
			}
			if _, err := c.sendAs(b, opRead.Desc, &rpc.ReadOptions{Datacenter: "dc2"}, "datacenter"); err == nil || err.Error() != rpc.TextNoPath {
				t.Errorf("keys %t: a request to a third datacenter: %v", encrypted, err)
			}
			w.servers = w.servers[1:] // gossip loses the leader, the Raft configuration has it
			w.tellAll()
			got, err = a.sendAs(b, opRead.Desc, &rpc.ReadOptions{}, "here")
			wantBy(t, b, got, err)
		})
	}
}

// TestHopOfAnybodyIsBelievedWhereNothingIsProved is what it was before there were
// proofs: whoever forges a hop may forge an ID.
func TestHopOfAnybodyIsBelievedWhereNothingIsProved(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		a, b := w.server("dc1", "10.0.0.1"), w.server("dc1", "10.0.0.2")
		w.elect("dc1", a)
		agent := w.client("dc1", "10.0.1.1")
		got, err := agent.sendAs(b, opRead.Desc, &rpc.ReadOptions{}, "here")
		wantBy(t, b, got, err)
	})
}

// sendAs sends a request to a server with metadata that says how it came there.
func (n *node) sendAs(to *node, op *rpc.Desc, req rpc.Message, hop string) (string, error) {
	m, err := n.router.SendAs(context.Background(), rpc.Server{Address: to.address}, op, req, hop)
	if err != nil {
		return "", err
	}
	return by(m.(*rpc.ReadMeta)), nil
}
