package raftstore

import (
	"errors"
	"fmt"

	"praetor/internal/fault"
)

// ErrDamaged is in the chain of an error that says which file in the raft folder
// is not what was written to it. Such a folder is never served, and never mended
// by itself: what it lacks was acknowledged to somebody.
var ErrDamaged = errors.New("damaged")

// advice is what to do about a damaged folder; docs/troubleshooting.md has it step
// by step.
const advice = `(in a cluster, let it come back empty under a new ID: have the others, if they are a quorum, remove its ID with "praetor operator raft remove-peer", ` +
	`move raft and node-id out of its data folder and start it; else restore the data folder from a backup: docs/troubleshooting.md, "damaged")`

// damaged says what is wrong with a file, in one line.
func damaged(path, format string, args ...any) error {
	what := fmt.Errorf(format, args...)
	if errors.Is(what, ErrDamaged) {
		return errors.Unwrap(what)
	}
	return &fault.Error{Kind: fault.Rejected, Err: errors.Join(ErrDamaged, errors.Unwrap(what)),
		Text: fmt.Sprintf("%s is damaged: %v: writes that this server acknowledged may be missing, so it does not run", path, what),
		Hint: advice}
}

// damagedAt is damaged for a place in a file that should hold a log entry.
func damagedAt(path string, offset int64, index uint64, why string) error {
	return damaged(path, "offset %d, index %d: %s", offset, index, why)
}
