package main_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestStoppedLeaderAnswersNothingOld stops the process of a leader until another one
// has taken a newer value. What it was asked meanwhile waits in its sockets and is
// answered first when it wakes, by a process that has learned nothing yet.
func TestStoppedLeaderAnswersNothingOld(t *testing.T) {
	t.Parallel()
	var nodes []*node
	for i := 1; i <= 3; i++ {
		nodes = append(nodes, newNode(t, fmt.Sprint("s", i), fmt.Sprint("127.77.167.", i), "-server", "-bootstrap-expect=3", "-retry-join=127.77.167.1").start())
	}
	for i := range 3 {
		sleeper := leaderOf(t, nodes)
		if err := sleeper.put("/v1/kv/a", "old"); err != nil {
			t.Fatal(err)
		}
		stopAndAsk(t, nodes, sleeper, fmt.Sprint("new-", i))
	}
}

func stopAndAsk(t *testing.T, nodes []*node, sleeper *node, value string) {
	t.Helper()
	others := make([]*node, 0, 2)
	for _, n := range nodes {
		if n != sleeper {
			others = append(others, n)
		}
	}
	if err := sleeper.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the next leader's write", 20*time.Second, func() error { return others[0].put("/v1/kv/a", value) })
	var asked, ended sync.WaitGroup
	for range 50 {
		asked.Add(1)
		ended.Go(func() {
			asked.Done()
			switch status, text, err := sleeper.request("GET", "/v1/kv/a?raw", ""); {
			case err != nil:
				t.Errorf("read of the leader that slept: %v", err)
			case status == http.StatusOK && text != value:
				t.Errorf("the leader that slept answers %q, want %q", text, value)
			case status != http.StatusOK && !strings.Contains(text, "leader"):
				t.Errorf("the leader that slept answers %d %s", status, text)
			}
		})
	}
	asked.Wait()
	<-time.After(100 * time.Millisecond) // on their way; only how much is tried depends on it
	if err := sleeper.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	ended.Wait()
	waitFor(t, "a leader on all", 20*time.Second, func() error {
		for _, n := range nodes {
			if err := n.hasLeader(); err != nil {
				return errors.Join(errors.New(n.name), err)
			}
		}
		return nil
	})
}
