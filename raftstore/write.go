package raftstore

import (
	"context"
	"errors"
	"runtime"
	"sync"

	"github.com/hashicorp/raft"
)

// write is the commands of one call, which are appended together.
type write struct {
	cmds    [][]byte
	note    []byte
	futures []raft.ApplyFuture // once done has said nil
	done    chan error
}

func newWrite(cmds [][]byte, note []byte) *write {
	return &write{cmds: cmds, note: note, futures: make([]raft.ApplyFuture, 0, len(cmds)), done: make(chan error, 1)}
}

// writes are the calls that wait to be handed to raft, which syncs all that it was given
// while it synced the last ones at once. One goroutine hands over those of all callers
// that are about to ask, and waits for them.
type writes struct {
	mu sync.Mutex

	waiting []*write
	handing bool

	lost progress // made when what raft took for committed is not on this server's disk
}

// write hands w to raft and waits until it is applied here.
func (s *Store) write(ctx context.Context, w *write) error {
	if err := s.calls.enter(ctx); err != nil {
		return err
	}
	lost := s.writes.lost.next()
	s.writes.mu.Lock()
	s.writes.waiting = append(s.writes.waiting, w)
	begin := !s.writes.handing
	s.writes.handing = true
	s.writes.mu.Unlock()
	if begin {
		go s.handOver() // each write has entered: refuse waits
	}
	err := s.calls.wait(ctx, w.done, lost)
	if refusal := s.folder.logs.why(); refusal != nil && errors.Is(err, raft.ErrLeadershipLost) {
		return refusal // of which raft heard at another write
	}
	return err
}

// handOver hands raft what waits, and waits for its outcome while another goroutine hands
// over what has come since.
func (s *Store) handOver() {
	s.folder.logs.await() // with what comes meanwhile
	if len(s.calls.places) > 1 {
		runtime.Gosched() // behind the callers that can run now: their writes share a sync
	}
	s.writes.mu.Lock()
	writes := s.writes.waiting
	s.writes.waiting = nil
	s.writes.mu.Unlock()
	for _, w := range writes {
		for _, cmd := range w.cmds {
			w.futures = append(w.futures, s.raft.ApplyLog(raft.Log{Data: cmd, Extensions: w.note}, 0))
		}
	}
	s.writes.mu.Lock()
	s.writes.handing = len(s.writes.waiting) > 0
	if s.writes.handing {
		go s.handOver()
	}
	s.writes.mu.Unlock()
	for _, w := range writes { // raft answers in their order
		err := w.wait()
		s.calls.leave()
		w.done <- err
	}
}

// wait returns the first error of its commands.
func (w *write) wait() error {
	for _, future := range w.futures {
		if err := future.Error(); err != nil {
			return err
		}
	}
	return nil
}
