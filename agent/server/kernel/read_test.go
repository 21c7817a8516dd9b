package kernel_test

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/memnet"
	"praetor/internal/rpc"
	"praetor/raftstore"
)

// slow is a machine that applies nothing while it is held.
type slow struct{ held chan struct{} }

func (m slow) Apply(entries []raftstore.Entry) ([]any, error) {
	m.held <- struct{}{}
	<-m.held
	return make([]any, len(entries)), nil
}

func (slow) Snapshot() (raftstore.Snapshot, error) { return nil, errors.New("none") }
func (slow) Restore(io.Reader) error               { return nil }

// TestALeadersReadShowsAllThatIsCommitted: a follower may have applied, and shown, an entry that
// the leader has not applied yet.
func TestALeadersReadShowsAllThatIsCommitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		port, err := memnet.New().Host("10.0.0.1").Listen(8300)
		if err != nil {
			t.Fatal(err)
		}
		machine, began := slow{make(chan struct{})}, time.Now()
		k := kernel.New(kernel.Options{ID: "s1"})
		k.Raft, err = raftstore.Open(raftstore.Options{
			ID: "s1", Address: "10.0.0.1:8300", Listener: port, Machine: machine,
			Dial:  func(context.Context, raftstore.Peer) (net.Conn, error) { return nil, errors.New("nobody is there") },
			Clock: func() time.Duration { return time.Since(began) },
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := k.Raft.Bootstrap([]raftstore.Peer{{ID: "s1", Address: "10.0.0.1:8300", Voter: true}}); err != nil {
			t.Fatal(err)
		}
		<-k.Raft.Leadership()
		k.MakeReady(k.Raft.Raft().CurrentTerm())
		written := make(chan error, 1)
		go func() { // written is read
			_, _, err := k.Raft.Apply(t.Context(), []byte("one"))
			written <- err
		}()
		<-machine.held
		for _, o := range []rpc.ReadOptions{{}, {Consistent: true}} {
			short, cancel := context.WithTimeout(t.Context(), time.Second)
			if err := k.AdmitRead(short, &o); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%+v, while an entry is committed and not applied: %v", o, err)
			}
			cancel()
		}
		machine.held <- struct{}{}
		if err := errors.Join(<-written, k.AdmitRead(t.Context(), &rpc.ReadOptions{}), k.Raft.Close()); err != nil {
			t.Error(err)
		}
	})
}

func TestSleepEndsByEachOfItsChannels(t *testing.T) {
	for _, n := range []int{1, 4, 5, 40} {
		synctest.Test(t, func(t *testing.T) {
			for wake := range n {
				ws := catalog.WatchSet{}
				for i := range n {
					c := make(chan struct{})
					ws.Add(c)
					if i == wake {
						time.AfterFunc(time.Second, func() { close(c) })
					}
				}
				begin := time.Now()
				if !kernel.Sleep(t.Context(), ws, make(chan struct{})) || time.Since(begin) != time.Second {
					t.Errorf("channel %d of %d did not wake", wake, n)
				}
			}
			leaderChanged := make(chan struct{})
			ws := func() catalog.WatchSet {
				ws := catalog.WatchSet{}
				for range n {
					ws.Add(make(chan struct{}))
				}
				return ws
			}
			time.AfterFunc(time.Second, func() { close(leaderChanged) })
			if !kernel.Sleep(t.Context(), ws(), leaderChanged) {
				t.Error("a new leader did not wake")
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if kernel.Sleep(ctx, ws(), make(chan struct{})) || ctx.Err() == nil {
				t.Error("woken by nothing")
			}
			synctest.Wait()
		})
	}
}
