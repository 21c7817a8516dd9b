package raftstore

import "strconv"

// LastIndex is the index of the newest entry, or of the snapshot if that is newer.
func (s *Store) LastIndex() uint64 { return s.raft.LastIndex() }

// LastTerm is the term of the newest entry, or of the snapshot if that is newer.
func (s *Store) LastTerm() uint64 {
	stats := s.raft.Stats() // raft tells it nowhere else
	if number(stats, "last_snapshot_index") > number(stats, "last_log_index") {
		return number(stats, "last_snapshot_term")
	}
	return number(stats, "last_log_term")
}

// number is one of raft's statistics, which raft formatted.
func number(stats map[string]string, key string) uint64 {
	n, _ := strconv.ParseUint(stats[key], 10, 64)
	return n
}

// lastSnapshot is the index of the newest snapshot, 0 for none.
func (s *Store) lastSnapshot() uint64 { return number(s.raft.Stats(), "last_snapshot_index") }

// AppliedIndex is the newest entry handed to the machine.
func (s *Store) AppliedIndex() uint64 { return s.raft.AppliedIndex() }

// Stats gives Consul's raft section of `info` (reference/cli.md §3), and, of a server
// that does not vote since it lacks what it had, what that was: lacks.
func (s *Store) Stats() map[string]string {
	stats := s.raft.Stats()
	if had, by, lags := s.witness.Lags(); lags {
		stats["lacks"] = had.String() + ", seen by " + by
	}
	return stats
}
