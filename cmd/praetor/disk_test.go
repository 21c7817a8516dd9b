package main_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// trio starts a cluster on a network and waits for its first write.
func trio(t *testing.T, network string, args func(i int) []string) []*node {
	t.Helper()
	var servers []*node
	for i := range 3 {
		n := newNode(t, fmt.Sprint("s", i+1), fmt.Sprintf("%s.%d", network, i+1), "-server", "-bootstrap-expect=3", "-retry-join", network+".1", "-retry-join", network+".2", "-retry-join", network+".3")
		n.args = append(n.args, "-log-file", filepath.Join(n.dir, "agent.log"))
		if args != nil {
			n.args = append(n.args, args(i+1)...)
		}
		servers = append(servers, n.start())
	}
	waitFor(t, "first write", 30*time.Second, func() error { return servers[0].put("/v1/kv/first", "1") })
	for _, n := range servers {
		waitFor(t, "first write", 20*time.Second, func() error { return has(n, "first", "1") })
	}
	return servers
}

// has wants a value on a server itself.
func has(n *node, key, want string) error {
	if _, got, err := n.request("GET", "/v1/kv/"+key+"?raw&stale", ""); err != nil || got != want {
		return fmt.Errorf("%s has %s=%q, %v", n.name, key, got, err)
	}
	return nil
}

func copyDir(t *testing.T, to, from string) {
	t.Helper()
	if err := errors.Join(os.RemoveAll(to), os.CopyFS(to, os.DirFS(from))); err != nil {
		t.Fatal(err)
	}
}

// others are all nodes but some.
func others(nodes []*node, but ...*node) []*node {
	return slices.DeleteFunc(slices.Clone(nodes), func(n *node) bool { return slices.Contains(but, n) })
}

// TestServerWithAnOldDiskIsRepairedBeforeItVotes brings back the copy of a data folder
// that was made while its server ran, and an empty one under the same ID.
func TestServerWithAnOldDiskIsRepairedBeforeItVotes(t *testing.T) {
	for name, network := range map[string]string{"a copy": "127.77.139", "an empty disk": "127.77.140"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			servers := trio(t, network, func(i int) []string {
				return []string{"-node-id", fmt.Sprintf("%08d-1111-2222-3333-444444444444", i)}
			})
			leader := leaderOf(t, servers)
			back, stays := others(servers, leader)[0], others(servers, leader)[1]
			old := filepath.Join(t.TempDir(), "old")
			if name == "a copy" {
				copyDir(t, old, back.data(""))
			} else if err := os.Mkdir(old, 0o700); err != nil {
				t.Fatal(err)
			}
			stays.kill()
			waitFor(t, "a write without the third", 20*time.Second, func() error { return leader.put("/v1/kv/kept", "yes") })
			back.kill()
			leader.signal(syscall.SIGTERM)
			copyDir(t, back.data(""), old)

			// The leader remembers what back had. Without the third there is no leader: one
			// that has the write, and one that has lost it.
			leader.start()
			back.start()
			const line = "does not vote until it has caught up"
			waitFor(t, "word of it in the log", 20*time.Second, func() error { return inLog(back, line) })
			stays.start()
			waitFor(t, "what it lacked", 30*time.Second, func() error { return has(back, "kept", "yes") })
			waitFor(t, "its vote", 20*time.Second, func() error { return inLog(back, "votes again") })
			leader.kill()
			waitFor(t, "a leader with its vote", 20*time.Second, func() error { return back.put("/v1/kv/last", "1") })
			if err := has(back, "kept", "yes"); err != nil {
				t.Error(err)
			}
		})
	}
}

// inLog looks for words in what a node that runs has written to its log file.
func inLog(n *node, words string) error {
	files, _ := filepath.Glob(filepath.Join(n.dir, "agent*.log")) // the pattern is good
	var text []byte
	var err error
	for _, file := range files {
		part, e := os.ReadFile(file)
		text, err = append(text, part...), errors.Join(err, e)
	}
	if err == nil && !strings.Contains(string(text), words) {
		err = fmt.Errorf("%s did not write %q", n.name, words)
	}
	return err
}

// TestServerOnACopyOfALivingServersDiskStops: on another address, and under another name.
func TestServerOnACopyOfALivingServersDiskStops(t *testing.T) {
	for name, network := range map[string]string{"same name": "127.77.141", "another name": "127.77.142"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			servers := trio(t, network, nil)
			first := others(servers, leaderOf(t, servers))[0]
			clone := newNode(t, first.name, network+".4", first.args...)
			if name != "same name" {
				clone.name = "s4"
			}
			copyDir(t, clone.data(""), first.data(""))
			clone.start()
			select {
			case <-clone.done:
			case <-time.After(30 * time.Second):
				t.Fatal("the copy runs")
			}
			if log := clone.log.String(); !strings.Contains(log, "has a copy of its data folder") {
				t.Errorf("it does not say why")
			}
			if err := first.put("/v1/kv/after", "1"); err != nil {
				t.Error(err)
			}
		})
	}
}
