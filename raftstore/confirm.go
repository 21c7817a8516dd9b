package raftstore

import (
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

const (
	// askAgain and askAgainMost pace the questions to a server that cannot be
	// reached while a quorum is still missing; a lease is 200 ms.
	askAgain     = 10 * time.Millisecond
	askAgainMost = 100 * time.Millisecond
	// lookAgain is how often a confirmation that lasts looks whether this server
	// leads at all: nobody is told of a term that ended and was followed by another
	// of ours at once.
	lookAgain = time.Second
)

// confirm asks the other voters whether this server still leads and returns when
// a quorum said so, this server included. A peer that answers in our
// term has seen no later one; so no later leader had a quorum when it was asked.
//
// Raft has a VerifyLeader of its own, which takes too much for an answer: one that
// was on its way before the question (a server that was stopped for a while finds
// such in its sockets, and may have been replaced meanwhile), and those of servers
// without a vote. The question is a heartbeat, so nothing is new to the others.
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

// votes counts the answers of all other voters to one question.
type votes struct {
	question *raft.AppendEntriesRequest
	voters   []raft.Server // the others
	done     chan struct{}

	mu sync.Mutex

	missing int // yes of so many are needed; the vote ends at 0
	ended   bool
	err     error // once done is closed
}

func (s *Store) newVotes(term uint64, servers []raft.Server) *votes {
	us := s.trans.EncodePeer(raft.ServerID(s.id), raft.ServerAddress(s.address))
	v := &votes{
		question: &raft.AppendEntriesRequest{
			RPCHeader: raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax, ID: []byte(s.id), Addr: us},
			Term:      term,
		},
		done: make(chan struct{}),
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

// askers carry questions to the other voters, one at a time to each: a server
// that does not answer holds one goroutine, not one per question.
type askers struct {
	send func(raft.Server, *raft.AppendEntriesRequest, *raft.AppendEntriesResponse) error

	mu sync.Mutex

	asked   map[raft.Server]*votes // whom a goroutine asks, and what it asks next, nil for nothing
	running sync.WaitGroup
}

// ask begins to ask the voters of v.
func (a *askers) ask(v *votes) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, srv := range v.voters {
		_, busy := a.asked[srv]
		a.asked[srv] = v // an older question that waits is over
		if !busy {
			a.running.Add(1)
			go a.run(srv) // wait waits
		}
	}
}

// run asks one server until nobody wants to know any more.
func (a *askers) run(srv raft.Server) {
	defer a.running.Done()
	for v := a.next(srv); v != nil; v = a.next(srv) {
		a.askOne(srv, v)
	}
}

func (a *askers) next(srv raft.Server) *votes {
	a.mu.Lock()
	defer a.mu.Unlock()
	v := a.asked[srv]
	if v == nil {
		delete(a.asked, srv)
		return nil
	}
	a.asked[srv] = nil
	return v
}

// askOne asks one server until it answers or the vote is over.
func (a *askers) askOne(srv raft.Server, v *votes) {
	for pause := askAgain; !v.over(); pause = min(2*pause, askAgainMost) {
		var answer raft.AppendEntriesResponse
		err := a.send(srv, v.question, &answer)
		switch {
		case err == nil && answer.Success:
			v.yes()
			return
		case err == nil: // it knows a later term
			v.close(raft.ErrLeadershipLost)
			return
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-v.done:
			timer.Stop()
		}
	}
}

// wait returns when nothing is asked any more: after all votes are over and
// the connections closed.
func (a *askers) wait() { a.running.Wait() }
