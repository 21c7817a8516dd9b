package raftstore

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// maxTermAhead is how far a message's term may be ahead of ours. Terms count
// elections: at one a second it takes a century to come so far. A term near the
// largest number would wrap around, and old terms would come back.
const maxTermAhead = 1 << 32

// sieve keeps from raft what no server of ours sends: raft takes any term, and
// panics on entries and configurations that it cannot read.
type sieve struct {
	contacts
	logger hclog.Logger
	began  uint64 // the term at the start
	passed chan raft.RPC
	stop   chan struct{}
	wg     sync.WaitGroup // run

	silent  silent
	closing <-chan struct{} // closed before raft is shut down

	told atomic.Bool // one line is enough: who sends one sends many
}

func newSieve(trans contacts, logger hclog.Logger, term uint64, closing <-chan struct{}) *sieve {
	return &sieve{contacts: trans, logger: logger, began: term, closing: closing, passed: make(chan raft.RPC), stop: make(chan struct{})}
}

// term is this server's.
func (s *sieve) term() uint64 {
	if r := s.raft.Load(); r != nil {
		return r.CurrentTerm()
	}
	return s.began
}

// start lets messages pass.
func (s *sieve) start() {
	s.wg.Add(1)
	go s.run() // end waits
}

func (s *sieve) run() {
	defer s.wg.Done()
	for {
		select {
		case rpc := <-s.contacts.Consumer():
			if s.refused(rpc) {
				continue
			}
			if err := s.settle(rpc.Command); err != nil {
				rpc.Respond(nil, err)
				continue
			}
			r := s.raft.Load()
			if r != nil && s.witness.received(rpc, r) {
				continue
			}
			if r != nil && early(rpc.Command, r.LastIndex()) {
				rpc.Respond(&raft.AppendEntriesResponse{Term: r.CurrentTerm(), LastLog: r.LastIndex()}, nil)
				continue
			}
			select {
			case s.passed <- rpc:
			case <-s.stop:
				rpc.Respond(nil, raft.ErrTransportShutdown)
				return
			}
		case <-s.stop:
			return
		}
	}
}

// settle is called before raft says in its answer what this server has.
func (s *sieve) settle(command any) error {
	switch command.(type) {
	case *raft.AppendEntriesRequest, *raft.InstallSnapshotRequest:
		return s.log.settle()
	}
	return nil
}

func (s *sieve) end() {
	close(s.stop)
	s.wg.Wait()
}

// Consumer is where raft takes messages from.
func (s *sieve) Consumer() <-chan raft.RPC { return s.passed }

// SetHeartbeatHandler sets what gets heartbeats, which do not go through Consumer, unless
// they make a follower of this server or change its term: raft's own goroutine may be about
// to store a command as a leader, which would get the term of another leader.
func (s *sieve) SetHeartbeatHandler(handle func(raft.RPC)) {
	s.contacts.SetHeartbeatHandler(func(rpc raft.RPC) {
		switch {
		case s.refused(rpc):
		case s.changesNothing(rpc.Command):
			handle(rpc)
		default:
			select {
			case s.passed <- rpc:
			case <-s.closing:
				rpc.Respond(nil, raft.ErrTransportShutdown)
			}
		}
	})
}

// changesNothing reports whether a heartbeat is of the leader that this server follows, or of
// an older one.
func (s *sieve) changesNothing(command any) bool {
	c, ok := command.(*raft.AppendEntriesRequest)
	r := s.raft.Load()
	if !ok || r == nil {
		return true
	}
	term := r.CurrentTerm()
	return c.Term < term || c.Term == term && r.State() == raft.Follower
}

func (s *sieve) refused(rpc raft.RPC) bool {
	err := wrong(rpc.Command, s.term())
	if err == nil {
		return false
	}
	if !s.told.Swap(true) {
		s.logger.Error("refused a raft message that no server of this cluster sends; more of them are not logged", "message", fmt.Sprintf("%T", rpc.Command), "error", err)
	}
	// A snapshot that may follow is not read: the connection ends at what it does
	// not understand.
	rpc.Respond(nil, err)
	return true
}

// wrong says what no server sends.
func wrong(command any, term uint64) error {
	switch c := command.(type) {
	case *raft.RequestVoteRequest:
		return termAhead(c.Term, term)
	case *raft.RequestPreVoteRequest:
		return termAhead(c.Term, term)
	case *raft.InstallSnapshotRequest:
		if c.SnapshotVersion > 0 {
			if err := wrongConfiguration(c.Configuration); err != nil {
				return err
			}
		}
		return termAhead(c.Term, term)
	case *raft.AppendEntriesRequest:
		for _, l := range c.Entries {
			if err := wrongEntry(l, c.Term); err != nil {
				return err
			}
		}
		return termAhead(c.Term, term)
	}
	return nil
}

func termAhead(theirs, ours uint64) error {
	if theirs > ours && theirs-ours > maxTermAhead {
		return fmt.Errorf("term %d is too far ahead of ours, %d", theirs, ours)
	}
	return nil
}

func wrongEntry(l *raft.Log, term uint64) error {
	switch {
	case l == nil:
		return errors.New("an entry is missing")
	case l.Term > term:
		return fmt.Errorf("entry %d has the term %d, its sender %d", l.Index, l.Term, term)
	case l.Type == raft.LogConfiguration:
		return wrongConfiguration(l.Data)
	case l.Type != raft.LogCommand && l.Type != raft.LogNoop && l.Type != raft.LogBarrier:
		return fmt.Errorf("entry %d has the unknown type %d", l.Index, l.Type)
	}
	return nil
}

// wrongConfiguration reports what raft panics on.
func wrongConfiguration(data []byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("configuration cannot be read: %v", p)
		}
	}()
	conf := raft.DecodeConfiguration(data)
	if err := checkServers(conf); err != nil {
		return fmt.Errorf("the configuration %w", err)
	}
	return nil
}

var (
	_ raft.WithPreVote = (*sieve)(nil)
	_ raft.WithClose   = (*sieve)(nil)
)
