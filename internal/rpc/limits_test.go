package rpc_test

import (
	"testing"
	"time"

	"praetor/internal/fault"
	"praetor/internal/rpc"
)

const (
	tooFast        = "rate limit exceeded, try again later or against a different server"
	tooFastToWrite = "rate limit exceeded for operation that can only be performed by the leader, try again later"
)

func TestClientAgentsRequestsAreLimited(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		leader, agent := w.server("dc1", "10.0.0.1"), w.client("dc1", "10.0.1.1")
		w.elect("dc1", leader)
		agent.router.Limit(rpc.Limits{Rate: 1, Burst: 3})
		for range 3 {
			got, err := agent.doRead(rpc.ReadOptions{})
			wantBy(t, leader, got, err)
		}
		_, err := agent.doRead(rpc.ReadOptions{})
		wantFault(t, err, fault.Limit, "RPC rate limit exceeded")
		pass(time.Second)
		got, err := agent.doWrite(rpc.WriteOptions{})
		wantBy(t, leader, got, err)
		agent.router.Limit(rpc.Limits{Rate: -1})
		for range 20 {
			got, err := agent.doRead(rpc.ReadOptions{})
			wantBy(t, leader, got, err)
		}
	})
}

func TestServersRefuseWhatComesTooFast(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		leader, follower := w.server("dc1", "10.0.0.1"), w.server("dc1", "10.0.0.2")
		w.elect("dc1", leader)
		drain := func(n *node, stale bool) {
			t.Helper()
			for range 10 {
				got, err := n.doRead(rpc.ReadOptions{Stale: stale})
				wantBy(t, n, got, err)
			}
		}
		follower.router.Limit(rpc.Limits{Mode: "enforcing", ReadRate: 1, WriteRate: -1})
		drain(follower, true)
		_, err := follower.doRead(rpc.ReadOptions{Stale: true})
		wantFault(t, err, fault.Limit, tooFast)
		got, err := follower.doWrite(rpc.WriteOptions{}) // writes have a rate of their own
		wantBy(t, leader, got, err)

		leader.router.Limit(rpc.Limits{Mode: "enforcing", ReadRate: -1, WriteRate: 1})
		for range 10 {
			got, err := follower.doWrite(rpc.WriteOptions{})
			wantBy(t, leader, got, err)
		}
		_, err = follower.doWrite(rpc.WriteOptions{})
		wantFault(t, err, fault.Overloaded, tooFastToWrite)
		follower.router.Limit(rpc.Limits{Mode: "enforcing", ReadRate: -1, WriteRate: 0})
		_, err = follower.doWrite(rpc.WriteOptions{})
		wantFault(t, err, fault.Limit, tooFast)

		leader.router.Limit(rpc.Limits{Mode: "permissive", ReadRate: 0, WriteRate: 0})
		drain(leader, false)
		leader.router.Limit(rpc.Limits{Mode: "disabled", ReadRate: 0, WriteRate: 0})
		drain(leader, false)
	})
}
