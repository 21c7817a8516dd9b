package raftstore

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// maxCalls bounds the calls that wait for raft at one time. Further ones wait
// for a place, outside raft, where giving up is certain to change nothing.
const maxCalls = 4096

// Apply appends a command and returns its result once it is committed and
// applied here. fault.NoLeader if this server does not lead: the command was
// not applied and may be sent elsewhere. After an error with ErrUncertain in
// its chain it may have been, or may yet be. cmd must not change afterwards.
func (s *Store) Apply(ctx context.Context, cmd []byte) (result any, index uint64, err error) {
	return s.ApplyNoted(ctx, cmd, nil)
}

// ApplyNoted is Apply of a command with a note beside it (Entry.Note).
func (s *Store) ApplyNoted(ctx context.Context, cmd, note []byte) (result any, index uint64, err error) {
	w := newWrite([][]byte{cmd}, note)
	if err := s.write(ctx, w); err != nil {
		return nil, 0, translate(err)
	}
	return w.futures[0].Response(), w.futures[0].Index(), nil
}

// ApplyAll appends commands in their order, together and with one note beside each, and returns their results
// in that order once all are applied here. Other commands may come between them.
// It is for commands that may be repeated: after an error, of whatever kind,
// some may have been applied.
func (s *Store) ApplyAll(ctx context.Context, cmds [][]byte, note []byte) (results []any, err error) {
	w := newWrite(cmds, note)
	if err := s.write(ctx, w); err != nil {
		return nil, translate(err)
	}
	all := make([]any, len(cmds))
	for i, future := range w.futures {
		all[i] = future.Response()
	}
	return all, nil
}

// Barrier returns when everything committed before it is applied here.
// fault.NoLeader if this server does not lead.
func (s *Store) Barrier(ctx context.Context) error {
	return translateRead(s.calls.do(ctx, func() error {
		return s.raft.Barrier(0).Error()
	}))
}

// calls are the calls into raft under way. Raft answers all of them as long as
// it runs; so they are let finish before it stops.
type calls struct {
	places chan struct{}
	closed chan struct{}

	mu sync.Mutex

	refusing bool
	running  sync.WaitGroup
}

func newCalls() *calls {
	return &calls{places: make(chan struct{}, maxCalls), closed: make(chan struct{})}
}

// do runs f in a goroutine and waits for it, for ctx, or for the end of Close's
// patience, whichever comes first. f goes on by itself then.
func (c *calls) do(ctx context.Context, f func() error) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { // refuse waits
		err := f()
		c.leave()
		done <- err
	}()
	return c.wait(ctx, done, nil)
}

// enter waits for a place. Who has one must leave.
func (c *calls) enter(ctx context.Context) error {
	select {
	case c.places <- struct{}{}:
	case <-ctx.Done():
		return certain(ctx.Err())
	case <-c.closed:
		return certain(raft.ErrRaftShutdown)
	}
	if !c.begin() {
		<-c.places
		return certain(raft.ErrRaftShutdown)
	}
	return nil
}

func (c *calls) leave() {
	<-c.places
	c.running.Done()
}

// wait waits for the outcome of a call under way, which goes on when ctx or Close's patience
// ends first, or lost is closed.
func (c *calls) wait(ctx context.Context, done <-chan error, lost <-chan struct{}) error {
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-lost:
		return raft.ErrLeadershipLost
	case <-c.closed:
		return raft.ErrRaftShutdown
	}
}

func (c *calls) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.refusing {
		c.running.Add(1)
	}
	return !c.refusing
}

// refuse lets no further call in, and waits for those under way, but not
// longer than patience.
func (c *calls) refuse(patience time.Duration) {
	c.mu.Lock()
	c.refusing = true
	c.mu.Unlock()
	idle := make(chan struct{})
	go func() { // ends with the last call
		c.running.Wait()
		close(idle)
	}()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-idle:
	case <-timer.C:
	}
	close(c.closed)
}
