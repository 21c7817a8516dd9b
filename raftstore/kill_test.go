package raftstore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"praetor/raftstore"
)

// childEnv makes the test binary a server that writes until it is killed.
const childEnv = "RAFTSTORE_TEST_CHILD"

func TestMain(m *testing.M) {
	if spec := os.Getenv(childEnv); spec != "" {
		backend, dir, _ := strings.Cut(spec, ":")
		fmt.Fprintln(os.Stderr, writeForever(backend, dir))
		os.Exit(1)
	}
	// Raft never answers what its state machine had not reached when it shut down, and a
	// machine that stops at an entry lets it reach nothing more: who called has his answer,
	// but two goroutines of a process that ends wait on.
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("praetor/raftstore.(*Store).Barrier.func1"), goleak.IgnoreAnyFunction("praetor/raftstore.(*calls).refuse.func1"))
}

func churning(backend string) func(*raftstore.Options) {
	return func(o *raftstore.Options) {
		o.Backend, o.SegmentBytes = backend, 8<<10
		o.SnapshotInterval, o.SnapshotThreshold, o.TrailingLogs = 10*time.Millisecond, 50, 20
	}
}

// writeForever applies "entry N", N counting on from what is there, and prints
// each N once it is acknowledged.
func writeForever(backend, dir string) error {
	network := newPipes()
	n := virtualNode(network, "s1")
	n.opts.Dir = dir
	churning(backend)(&n.opts)
	n.machine = &journal{}
	n.opts.Machine = n.machine
	s, err := raftstore.Open(n.opts)
	if err != nil {
		return err
	}
	if !s.HasState() {
		if err := s.Bootstrap(lonePeers(n)); err != nil {
			return err
		}
	}
	for lead := range s.Leadership() {
		if lead {
			break
		}
	}
	if err := s.Barrier(context.Background()); err != nil {
		return err
	}
	for i := len(n.machine.all()); ; i++ {
		if _, _, err := s.Apply(context.Background(), []byte(fmt.Sprint("entry ", i))); err != nil {
			return err
		}
		fmt.Println(i)
	}
}

// TestKilledServersKeepWhatTheyAcknowledged kills a writing process again and
// again, snapshots and new segments going on all the time.
func TestKilledServersKeepWhatTheyAcknowledged(t *testing.T) {
	for _, backend := range backends {
		t.Run(backend, func(t *testing.T) {
			dir, acked := t.TempDir(), -1
			for round := range 6 {
				acked = max(acked, killWriter(t, backend, dir, 40+round*67))
			}
			network := newPipes()
			n := virtualNode(network, "s1")
			n.opts.Dir = dir
			churning(backend)(&n.opts)
			n.start(t)
			waitFor(t, "a leader", func() error {
				if !n.IsLeader() {
					return errors.New("not yet")
				}
				return nil
			})
			must(t, n.Barrier(context.Background()))
			got := n.machine.all()
			if len(got) <= acked {
				t.Fatalf("%d entries, %d were acknowledged", len(got), acked+1)
			}
			for i, e := range got {
				if e != fmt.Sprint("entry ", i) {
					t.Fatalf("entry %d is %q", i, e)
				}
			}
			n.stop(t)
		})
	}
}

// killWriter lets a process write some entries, kills it, and returns the
// last one it reported.
func killWriter(t *testing.T, backend, dir string, writes int) int {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+backend+":"+dir)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	lines, last, killed := bufio.NewScanner(out), -1, false
	for seen := 0; lines.Scan(); seen++ {
		n, err := strconv.Atoi(lines.Text())
		if err != nil {
			break // cut short by the kill
		}
		last = n
		if seen == writes {
			killed = cmd.Process.Kill() == nil
		}
	}
	_ = cmd.Wait()
	if !killed {
		t.Fatalf("the process ended by itself: %s", stderr.String())
	}
	return last
}
