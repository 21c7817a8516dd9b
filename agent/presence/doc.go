// Package presence notes in a server's data folder when it last ran, under which ID it
// has voted, and in which datacenter, and refuses starts that would do harm.
//
// # Use
//
//	f := presence.In(folder, runtime, logger)
//	err := f.CheckAbsence(time.Now()) // before anything else
//	err = f.CheckDatacenter()
//	err = f.CheckVotes(id)            // once the node ID is known
//	err = f.NoteRaft(id, time.Now())  // once there is a raft folder
//	err = f.Run(ctx, id)
//
// # Concurrency
//
// A File starts no goroutine. The checks are made one after the other, before Run.
//
// # Invariants
//
// A start that is refused changes nothing. The file is replaced whole. Client agents,
// and servers without a folder, keep none.
//
// # Decisions
//
// Of a damaged file the time of its last change stands in for what it said: it is
// rewritten every hour.
package presence
