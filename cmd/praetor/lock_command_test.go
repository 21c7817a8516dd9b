package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// waiting is a child that says up and ends when file is there.
func waiting(file string) string {
	return "echo up; while [ ! -e " + file + " ]; do sleep 0.05; done"
}

// wantNothingLeft checks that locks left neither keys nor sessions.
func wantNothingLeft(n *node) {
	n.t.Helper()
	for _, path := range []string{"/v1/kv/?keys", "/v1/session/list"} {
		var list []any
		if err := n.get(path, &list); err != nil || len(list) > 0 {
			n.t.Errorf("%s: %v %v, want nothing", path, list, err)
		}
	}
}

// startLeader starts an agent that answers at once.
func startLeader(t *testing.T, ip string, args ...string) *node {
	t.Helper()
	n := newNode(t, "a", ip, append([]string{"-dev"}, args...)...).start()
	waitFor(t, "a leader", 20*time.Second, func() error { return n.put("/v1/kv/ready", "") })
	if _, _, err := n.request("DELETE", "/v1/kv/ready", ""); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestLocks(t *testing.T) {
	t.Parallel()
	n := startLeader(t, "127.77.46.1")
	file := func(t *testing.T) string { return filepath.Join(t.TempDir(), "go") }
	end := func(t *testing.T, r *running, code int, want ...string) {
		t.Helper()
		said, got := r.end()
		for _, w := range want {
			if !strings.Contains(said, w) {
				t.Errorf("it said %q, want %q in it", said, w)
			}
		}
		if got != code {
			t.Errorf("exit code %d, want %d; it said %q", got, code, said)
		}
	}
	destroyed := func(name string) {
		t.Helper()
		var sessions []struct{ ID, Name string }
		if err := n.get("/v1/session/list", &sessions); err != nil || len(sessions) != 1 || sessions[0].Name != name {
			t.Fatalf("sessions %v, %v; want one of name %q", sessions, err, name)
		}
		if err := n.put("/v1/session/destroy/"+sessions[0].ID, ""); err != nil {
			t.Fatal(err)
		}
	}

	t.Run("the second waits for the first", func(t *testing.T) {
		free := file(t)
		first := n.begin("lock", "-verbose", "/two", waiting(free))
		first.says("up\n")
		end(t, n.begin("lock", "-timeout=200ms", "two", "echo never"), 1, "Shutdown triggered or timeout during lock acquisition\n")
		second := n.begin("lock", "-verbose", "two", "echo second")
		second.says("Attempting lock acquisition\n")
		writeFile(t, free, "")
		end(t, first, 0, "Setting up lock at path: two/.lock\nAttempting lock acquisition\nStarting handler\nup\nChild terminated, releasing lock\n")
		end(t, second, 0, "Starting handler\nsecond\nChild terminated, releasing lock\nCleanup succeeded\n")
		wantNothingLeft(n)
	})
	t.Run("a lost lock stops the command", func(t *testing.T) {
		r := n.begin("lock", "-verbose", "-child-exit-code", "-name=mine", "lost", waiting(file(t)))
		r.says("up\n")
		destroyed("mine")
		end(t, r, 2, "Lock lost, killing child\n", "Error running handler: signal: terminated\n")
		if status, _, err := n.request("DELETE", "/v1/kv/lost?recurse", ""); err != nil || status != 200 {
			t.Error(status, err)
		}
		wantNothingLeft(n)
	})
	t.Run("an interrupt stops the command and frees the lock", func(t *testing.T) {
		r := n.begin("lock", "-verbose", "int", waiting(file(t)))
		r.says("up\n")
		r.cmd.Process.Signal(os.Interrupt)
		end(t, r, 0, "Shutdown triggered, killing child\n", "Cleanup succeeded\n")
		wantNothingLeft(n)
	})
	t.Run("an interrupt ends the wait", func(t *testing.T) {
		free := file(t)
		first := n.begin("lock", "wait", waiting(free))
		first.says("up\n")
		second := n.begin("lock", "-verbose", "wait", "echo never")
		second.says("Attempting lock acquisition\n")
		second.cmd.Process.Signal(syscall.SIGTERM)
		end(t, second, 1, "Shutdown triggered or timeout during lock acquisition\n")
		writeFile(t, free, "")
		end(t, first, 0)
		wantNothingLeft(n)
	})
	t.Run("a semaphore has room for two", func(t *testing.T) {
		free := file(t)
		var holders []*running
		for range 2 {
			r := n.begin("lock", "-n=2", "-verbose", "sem", waiting(free))
			r.says("up\n")
			holders = append(holders, r)
		}
		end(t, n.begin("lock", "-n=2", "-timeout=200ms", "sem", "echo never"), 1, "Shutdown triggered or timeout during lock acquisition\n")
		end(t, n.begin("lock", "-n=3", "sem", "echo never"), 1, "Lock acquisition failed: ", "(lock: 2, local: 3)\n")
		third := n.begin("lock", "-n=2", "-verbose", "sem", "echo third")
		third.says("Attempting lock acquisition\n")
		writeFile(t, free, "")
		for _, r := range holders {
			end(t, r, 0, "Setting up semaphore (limit 2) at prefix: sem\n", "Child terminated, releasing lock\n")
		}
		end(t, third, 0, "third\n")
		if status, _, err := n.request("DELETE", "/v1/kv/sem?recurse", ""); err != nil || status != 200 {
			t.Error(fmt.Errorf("%d %w", status, err))
		}
		wantNothingLeft(n)
	})
}
