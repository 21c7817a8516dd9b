package raftstore

import (
	"io"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// silent are the servers that a leader's entries, or its snapshot, did not reach, until one of
// its heartbeats does.
//
// Raft sends them to such a server again after a pause that doubles, up to 10 s, and goes
// on with it when the server has long been back: should another one fail meanwhile, nobody
// can write. Its heartbeats pause for less than half a second. So what failed is told
// to raft once a heartbeat was answered. The zero value is ready.
type silent struct {
	mu sync.Mutex

	back  map[raft.ServerID]chan struct{} // closed when the server is heard; of those that are waited for
	hurry time.Time                       // nobody waits before it
}

// hurryFor is how long nobody waits once a transfer of leadership was asked for: long
// enough for two messages to a server that is not there.
const hurryFor = 3 * rpcTimeout

// until returns a channel that is closed when a server is heard, nil if nobody is to wait.
func (s *silent) until(id raft.ServerID) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Now().Before(s.hurry) {
		return nil
	}
	if s.back == nil {
		s.back = map[raft.ServerID]chan struct{}{}
	}
	if s.back[id] == nil {
		s.back[id] = make(chan struct{})
	}
	return s.back[id]
}

// rouse lets go who waits, for a while. A transfer asks the goroutine that sends a server
// its entries for them; until it has come to that, raft counts the transfer as under way, and
// takes no writes.
func (s *silent) rouse() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hurry = time.Now().Add(hurryFor)
	for _, back := range s.back {
		close(back)
	}
	clear(s.back)
}

func (s *silent) heard(id raft.ServerID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if back := s.back[id]; back != nil {
		close(back)
		delete(s.back, id)
	}
}

// AppendEntries is what raft sends entries and heartbeats with.
func (s *sieve) AppendEntries(id raft.ServerID, target raft.ServerAddress, args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	err := s.contacts.AppendEntries(id, target, args, resp)
	switch {
	case err == nil:
		s.silent.heard(id)
	case args.PrevLogEntry > 0 || len(args.Entries) > 0: // no heartbeat
		s.awaitHeartbeat(id, args.Term)
	}
	return err
}

// InstallSnapshot is what raft sends a server whose next entries the log holds no more.
func (s *sieve) InstallSnapshot(id raft.ServerID, target raft.ServerAddress, args *raft.InstallSnapshotRequest, resp *raft.InstallSnapshotResponse, data io.Reader) error {
	err := s.contacts.InstallSnapshot(id, target, args, resp, data)
	if err != nil {
		s.awaitHeartbeat(id, args.Term)
	}
	return err
}

// awaitHeartbeat returns when a server is heard, or need not be sent the entries of a term.
func (s *sieve) awaitHeartbeat(id raft.ServerID, term uint64) {
	back := s.silent.until(id)
	if back == nil {
		return
	}
	ticker := time.NewTicker(lookAgain)
	defer ticker.Stop()
	for s.sends(id, term) {
		select {
		case <-back:
			return
		case <-s.closing:
			return
		case <-ticker.C:
		}
	}
}

// sends reports whether this server leads in a term, and a server is one of those it leads.
func (s *sieve) sends(id raft.ServerID, term uint64) bool {
	r := s.raft.Load()
	if r == nil || r.State() != raft.Leader || r.CurrentTerm() != term {
		return false
	}
	for _, srv := range r.GetConfiguration().Configuration().Servers {
		if srv.ID == id {
			return true
		}
	}
	return false
}
