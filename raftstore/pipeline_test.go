package raftstore_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"praetor/raftstore"
)

// refusing is a pipeline with as little room as raft's, to a server that takes nothing, as
// one whose disk is full.
type refusing struct {
	sent   chan answer
	done   chan raft.AppendFuture
	closed chan struct{}
}

type answer struct {
	args *raft.AppendEntriesRequest
	resp *raft.AppendEntriesResponse
}

func (answer) Error() error                            { return nil }
func (answer) Start() time.Time                        { return time.Now() }
func (a answer) Request() *raft.AppendEntriesRequest   { return a.args }
func (a answer) Response() *raft.AppendEntriesResponse { return a.resp }

func (p *refusing) AppendEntries(args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) (raft.AppendFuture, error) {
	a := answer{args, resp}
	select {
	case p.sent <- a:
		return a, nil
	case <-p.closed:
		return nil, raft.ErrPipelineShutdown
	}
}

func (p *refusing) Consumer() <-chan raft.AppendFuture { return p.done }

func (p *refusing) Close() error {
	close(p.closed)
	return nil
}

func (p *refusing) run() {
	for {
		select {
		case a := <-p.sent:
			time.Sleep(time.Millisecond)
			select {
			case p.done <- a:
			case <-p.closed:
				return
			}
		case <-p.closed:
			return
		}
	}
}

// TestALeaderIsNotHeldUpByAServerThatRefusesEntries: raft reads no answer after one that
// refuses, and looks only between two messages whether it should send on.
func TestALeaderIsNotHeldUpByAServerThatRefusesEntries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &refusing{make(chan answer), make(chan raft.AppendFuture), make(chan struct{})}
		var running sync.WaitGroup
		running.Go(p.run)
		w := raftstore.Witnessed(p, 0)
		send := func() error {
			_, err := w.AppendEntries(&raft.AppendEntriesRequest{Term: 1}, &raft.AppendEntriesResponse{Term: 1})
			return err
		}
		if err := send(); err != nil {
			t.Error(err)
		}
		if f := <-w.Consumer(); f.Response().Success {
			t.Error("it was taken")
		}
		var sent atomic.Int64
		running.Go(func() {
			for range 10 {
				if send() == nil {
					sent.Add(1)
				}
			}
		})
		time.Sleep(time.Minute)
		if got := sent.Load(); got != 10 {
			t.Errorf("%d of 10 messages were sent: the leader waits for room in the pipeline", got)
		}
		w.Close()
		running.Wait()
	})
}

// TestAServerFarBehindIsNotSentEntriesThroughAPipeline: raft sends one message there for each
// new entry, and there are none while all writes wait for that server.
func TestAServerFarBehindIsNotSentEntriesThroughAPipeline(t *testing.T) {
	p := &refusing{make(chan answer, 9), make(chan raft.AppendFuture), make(chan struct{})}
	w := raftstore.Witnessed(p, 10_000)
	defer w.Close()
	for first, sent := range map[uint64]bool{1: false, 10_000 - raftstore.MaxBehind - 1: false, 10_000 - raftstore.MaxBehind: true, 10_000: true} {
		args := &raft.AppendEntriesRequest{Term: 1, PrevLogEntry: first - 1, Entries: []*raft.Log{{Index: first}}}
		if _, err := w.AppendEntries(args, &raft.AppendEntriesResponse{}); (err == nil) != sent {
			t.Errorf("entry %d of 10,000: %v, want it sent: %t", first, err, sent)
		}
	}
	if _, err := w.AppendEntries(&raft.AppendEntriesRequest{Term: 1, PrevLogEntry: 1}, &raft.AppendEntriesResponse{}); err != nil {
		t.Errorf("a message without entries: %v", err)
	}
}
