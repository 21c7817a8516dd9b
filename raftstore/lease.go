package raftstore

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// HoldsLease reports whether no other server can lead yet: a quorum of voters,
// this server included, answered a message that this leader sent less than
// LeaderLease ago. Those that answered follow nobody else before a heartbeat
// timeout is over, which is longer. A leader without a lease may still lead: only
// VerifyLeader knows.
//
// Raft's own lease is no proof. It counts from when an answer came, and it ends when
// raft's timer is next looked at: a process that was stopped for a while wakes as a
// leader, to answers that waited in its sockets.
func (s *Store) HoldsLease() bool {
	term, leads := s.leadsIn()
	if !leads {
		return false
	}
	now := s.lease.clock()
	if g := s.lease.granted.Load(); g != nil && g.term == term && now < g.from+s.lease.length {
		return true
	}
	return s.alone() && s.lease.grant(term, now)
}

// lease knows until when this server may answer as the leader without asking.
type lease struct {
	length time.Duration
	clock  func() time.Duration // see Options.Clock

	granted atomic.Pointer[grant] // the latest; nil for none

	mu sync.Mutex

	term     uint64                          // of what is in sent
	sent     map[raft.ServerID]time.Duration // by server: when the message it answered last was sent
	handedOn uint64                          // the term in which another server was told to take over
}

// grant is a lease: a quorum answered what was sent at from or later.
type grant struct {
	term uint64
	from time.Duration
}

// answered notes that a voter of servers took this server for the leader of term,
// in answer to a message sent at sent.
func (l *lease) answered(id raft.ServerID, term uint64, sent time.Duration, servers []raft.Server, us raft.ServerID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case term < l.term || term == l.handedOn:
		return
	case term > l.term:
		l.term, l.sent = term, map[raft.ServerID]time.Duration{}
	}
	l.sent[id] = max(l.sent[id], sent)
	if from, ok := l.quorum(servers, us); ok {
		l.granted.Store(&grant{term: term, from: from})
	}
}

// grant gives the only voter its lease, which spares it to look again that it is: no
// other server gets a vote without its doing. It says false if there is an heir.
func (l *lease) grant(term uint64, now time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if term == l.handedOn {
		return false
	}
	l.granted.Store(&grant{term: term, from: now})
	return true
}

// quorum returns the latest time since which a quorum of voters answered.
func (l *lease) quorum(servers []raft.Server, us raft.ServerID) (from time.Duration, ok bool) {
	var times []time.Duration
	all, own := 0, 0
	for _, srv := range servers {
		if srv.Suffrage != raft.Voter {
			continue
		}
		all++
		if srv.ID == us {
			own = 1
		} else if at, answered := l.sent[srv.ID]; answered {
			times = append(times, at)
		}
	}
	needed := all/2 + 1 - own
	if needed <= 0 || len(times) < needed {
		return 0, false // a lone voter needs no lease
	}
	slices.Sort(times)
	return times[len(times)-needed], true
}

// handOn ends the lease of a term for good: a server that was told to take over
// waits for no timeout, and is voted for at once, however late the message comes.
func (l *lease) handOn(term uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.handedOn = term
	if g := l.granted.Load(); g != nil && g.term == term {
		l.granted.Store(nil)
	}
}

// since is how long ago the lease of a term began, -1 if it has none.
func (l *lease) since(term uint64) time.Duration {
	if g := l.granted.Load(); g != nil && g.term == term {
		return l.clock() - g.from
	}
	return -1
}

// contacts is raft's transport; it tells the lease and the witness what other servers
// answered.
type contacts struct {
	*transport
	us    raft.ServerID
	lease *lease
	raft  *atomic.Pointer[raft.Raft] // nil until raft has begun

	witness *Witness
	log     *unsyncedLog
}

// AppendEntries is raft's heartbeat, too.
func (c contacts) AppendEntries(id raft.ServerID, target raft.ServerAddress, args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	if c.witness.lagging.Load() {
		return errLags
	}
	c.log.holdBack(args)
	sent := c.lease.clock()
	err := c.transport.AppendEntries(id, target, args, resp)
	if err == nil {
		c.witness.answered(id, args, resp)
	}
	if r := c.raft.Load(); err == nil && resp.Success && resp.Term == args.Term && r != nil {
		c.lease.answered(id, args.Term, sent, r.GetConfiguration().Configuration().Servers, c.us)
	}
	return err
}

// TimeoutNow makes another server take over.
func (c contacts) TimeoutNow(id raft.ServerID, target raft.ServerAddress, args *raft.TimeoutNowRequest, resp *raft.TimeoutNowResponse) error {
	if r := c.raft.Load(); r != nil {
		c.lease.handOn(r.CurrentTerm())
	}
	return c.transport.TimeoutNow(id, target, args, resp)
}

var (
	_ raft.Transport   = contacts{}
	_ raft.WithPreVote = contacts{}
	_ raft.WithClose   = contacts{}
)
