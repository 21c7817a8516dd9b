package rpc_test

import (
	"context"
	"testing"

	"praetor/internal/fault"
	"praetor/internal/rpc"
)

func TestWriteForAnyServerNeedsNoLeaderInAnyDatacenter(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		here := w.server("dc1", "10.1.0.1")
		there := w.server("dc2", "10.2.0.1")
		client := w.client("dc1", "10.1.1.1")
		w.leaderOf("dc1")
		w.leaderOf("dc2")
		w.tellAll()
		for _, from := range []*node{here, client} {
			rep, err := opFire.Call(context.Background(), from.router, &rpc.WriteOptions{})
			wantBy(t, here, by(rep), err)
			rep, err = opFire.Call(context.Background(), from.router, &rpc.WriteOptions{Datacenter: "dc2"})
			wantBy(t, there, by(rep), err)
		}
	})
}

func TestWriteForAnyServerIsNotRepeatedWhenItsConnectionBreaks(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		servers := []*node{w.server("dc1", "10.0.0.1"), w.server("dc1", "10.0.0.2")}
		client := w.client("dc1", "10.0.1.1")
		for _, s := range servers {
			s.write = func(context.Context, *rpc.WriteOptions) (*rpc.ReadMeta, error) {
				w.net.Cut(s.ip, client.ip)
				return &rpc.ReadMeta{Consistency: s.name}, nil
			}
		}
		_, err := opFire.Call(context.Background(), client.router, &rpc.WriteOptions{})
		if fault.KindOf(err) != fault.Internal {
			t.Errorf("got %v, want an internal fault", err)
		}
		if n := servers[0].count() + servers[1].count(); n != 1 {
			t.Errorf("executed %d times, want once", n)
		}
	})
}
