package raftstore

import (
	"time"

	"github.com/hashicorp/raft"

	"praetor/internal/life"
)

// announce tells the other servers at once that all up to l is committed, which raft
// itself says with the next entries or after a pause (commitTimeout). It is called
// when l was applied here: nobody reads from another server what the leader does not
// know yet.
//
// With more entries under way it says nothing: those that come after will be
// announced, and they carry what is committed.
func (s *Store) announce(l *raft.Log) {
	if s.trans.raft.Load() == nil {
		return // the log is replayed before raft is the Store's
	}
	term, leads := s.leadsIn()
	if !leads || s.raft.LastIndex() > l.Index {
		return
	}
	message := &raft.AppendEntriesRequest{
		RPCHeader:         s.header(),
		Term:              term,
		PrevLogEntry:      l.Index,
		PrevLogTerm:       l.Term,
		LeaderCommitIndex: l.Index,
	}
	for _, srv := range s.raft.GetConfiguration().Configuration().Servers {
		if srv.ID != raft.ServerID(s.id) {
			s.announced.give(srv, message, s.announceTo)
		}
	}
}

// announceTo tells one server, again if the entries are still on their way to it and no
// further ones will be announced. What it does not learn so, raft will say.
func (s *Store) announceTo(srv raft.Server, message *raft.AppendEntriesRequest) {
	for pause := time.Millisecond; pause < commitTimeout; pause *= 2 {
		var answer raft.AppendEntriesResponse
		err := s.trans.AppendEntries(srv.ID, srv.Address, message, &answer)
		if err != nil || answer.Success || answer.Term != message.Term || s.raft.LastIndex() > message.PrevLogEntry {
			return
		}
		if !life.PauseUnless(s.calls.closed, pause) {
			return
		}
	}
}

// header is that of messages to other servers.
func (s *Store) header() raft.RPCHeader {
	return raft.RPCHeader{
		ProtocolVersion: raft.ProtocolVersionMax, ID: []byte(s.id),
		Addr: s.trans.EncodePeer(raft.ServerID(s.id), raft.ServerAddress(s.address)),
	}
}

// early reports whether command is an announcement that came before its entries: raft
// would warn of them as of a log with a gap. Raft's own messages name the leader in an
// older field, too.
func early(command any, last uint64) bool {
	c, ok := command.(*raft.AppendEntriesRequest)
	//lint:ignore SA1019 raft fills it, and that tells its messages from announcements
	return ok && len(c.Leader) == 0 && c.PrevLogEntry > last
}
