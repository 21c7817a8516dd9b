package raftstore

import (
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"praetor/internal/life"
)

const (
	// askAgain and askAgainMost pace the heartbeats to a server that cannot be
	// reached while a quorum is still missing; a lease is 200 ms.
	askAgain     = 10 * time.Millisecond
	askAgainMost = 100 * time.Millisecond
	// lookAgain is how often a confirmation that lasts, and who waits for a silent
	// server, looks whether this server leads at all: nobody is told of a term that
	// ended and was followed by another of ours at once.
	lookAgain = time.Second
)

// confirm asks the other voters whether this server still leads and returns when
// a quorum said so, this server included. A peer that answers in our
// term has seen no later one; so no later leader had a quorum when it was asked.
//
// Raft has a VerifyLeader of its own, which takes too much for an answer: one that
// was on its way before the heartbeat (a server that was stopped for a while finds
// such in its sockets, and may have been replaced meanwhile), and those of servers
// without a vote. It is an ordinary heartbeat, so nothing is new to the others.
func (s *Store) confirm() error {
	changed := s.leader.changed()
	term, leads := s.leadsIn()
	if !leads {
		return raft.ErrNotLeader
	}
	future := s.raft.GetConfiguration()
	if err := future.Error(); err != nil {
		return err
	}
	v := s.newVotes(term, future.Configuration().Servers)
	defer v.close(nil)
	s.askers.ask(v)
	look := time.NewTicker(lookAgain)
	defer look.Stop()
	for {
		select {
		case <-v.done:
			return v.err
		case <-s.calls.closed:
			return raft.ErrRaftShutdown
		case <-changed:
			changed = s.leader.changed()
		case <-look.C:
		}
		if now, leads := s.leadsIn(); !leads || now != term {
			return raft.ErrLeadershipLost
		}
	}
}

// leadsIn returns the term in which this server leads. Raft changes the state
// before the term when it steps down, and after it when it is elected: a term that
// was the same before and after is the leader's.
func (s *Store) leadsIn() (term uint64, leads bool) {
	term = s.raft.CurrentTerm()
	leads = s.IsLeader()
	return term, leads && s.raft.CurrentTerm() == term
}

// votes counts the answers of all other voters to one heartbeat.
type votes struct {
	heartbeat *raft.AppendEntriesRequest
	voters    []raft.Server // the others
	done      chan struct{}

	mu sync.Mutex

	missing int // yes of so many are needed; the vote ends at 0
	ended   bool
	err     error // once done is closed
}

func (s *Store) newVotes(term uint64, servers []raft.Server) *votes {
	v := &votes{
		heartbeat: &raft.AppendEntriesRequest{RPCHeader: s.header(), Term: term},
		done:      make(chan struct{}),
	}
	all, own := 0, 0
	for _, srv := range servers {
		switch {
		case srv.Suffrage != raft.Voter:
			continue
		case srv.ID == raft.ServerID(s.id):
			own = 1
		default:
			v.voters = append(v.voters, srv)
		}
		all++
	}
	v.missing = all/2 + 1 - own
	if v.missing == 0 {
		v.close(nil)
	}
	return v
}

func (v *votes) yes() {
	v.mu.Lock()
	v.missing--
	enough := v.missing == 0
	v.mu.Unlock()
	if enough {
		v.close(nil)
	}
}

// close ends the vote; only the first time counts.
func (v *votes) close(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.ended {
		v.ended, v.err = true, err
		close(v.done)
	}
}

func (v *votes) over() bool {
	select {
	case <-v.done:
		return true
	default:
		return false
	}
}

// askers send the heartbeats of votes to the other voters.
type askers struct {
	latest[*votes]

	send func(raft.Server, *raft.AppendEntriesRequest, *raft.AppendEntriesResponse) error
}

// ask begins to ask the voters of v.
func (a *askers) ask(v *votes) {
	for _, srv := range v.voters {
		a.give(srv, v, a.askOne) // an older heartbeat that waits is over
	}
}

// askOne asks one server until it answers or the vote is over.
func (a *askers) askOne(srv raft.Server, v *votes) {
	for pause := askAgain; !v.over(); pause = min(2*pause, askAgainMost) {
		var answer raft.AppendEntriesResponse
		err := a.send(srv, v.heartbeat, &answer)
		switch {
		case err == nil && answer.Success:
			v.yes()
			return
		case err == nil: // it knows a later term
			v.close(raft.ErrLeadershipLost)
			return
		}
		life.PauseUnless(v.done, pause)
	}
}
