package raftstore_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"praetor/internal/fault"
)

func TestWaitAppliedWaitsForTheMachine(t *testing.T) {
	var gate chan struct{}
	var held *node
	virtualWith(t, 3, func(n *node) {
		if held == nil {
			gate, held = make(chan struct{}), n
			n.gate = gate
		}
	}, func(t *testing.T, _ *pipes, nodes []*node) {
		leader := leaderOf(t, nodes)
		for leader == held {
			if err := leader.TransferLeadership(); err != nil {
				t.Fatal(err)
			}
			leader = leaderOf(t, nodes)
		}
		leader.apply(t, "one")
		index := leader.Committed()
		if err := leader.WaitApplied(t.Context(), index); err != nil {
			t.Error("the leader, which has applied it:", err)
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := held.WaitApplied(short, index); fault.KindOf(err) != fault.NoLeader || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a machine that applies nothing: %v", err)
		}
		if err := leader.WaitApplied(short, index+1); err == nil {
			t.Error("an entry that nobody has was waited for in no time")
		}
		done := make(chan error, 1)
		go func() { done <- held.WaitApplied(t.Context(), index) }() // done is read
		synctest.Wait()
		close(gate)
		if err := <-done; err != nil {
			t.Error(err)
		}
		wantEntries(t, held, "one")
	})
}

// TestWaitAppliedDoesNotWaitForWhatNoMachineIsGiven: the first entry of a leader's term is raft's own.
func TestWaitAppliedDoesNotWaitForWhatNoMachineIsGiven(t *testing.T) {
	virtual(t, 3, func(t *testing.T, _ *pipes, nodes []*node) {
		leaderOf(t, nodes).apply(t, "one")
		if err := leaderOf(t, nodes).TransferLeadership(); err != nil {
			t.Fatal(err)
		}
		leader := leaderOf(t, nodes)
		if err := leader.Barrier(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, n := range nodes {
			for range 2 {
				short, cancel := context.WithTimeout(t.Context(), time.Second)
				if err := n.WaitApplied(short, leader.Committed()); err != nil {
					t.Errorf("%s: %v", n.id, err)
				}
				cancel()
			}
		}
	})
}
