package raftstore

import (
	"context"
	"errors"

	"github.com/hashicorp/raft"

	"praetor/internal/fault"
)

// ErrUncertain is in the chain of an error after which a command may or may
// not be applied, now or later. Without it, an error means: not applied, and
// never will be.
var ErrUncertain = errors.New("the outcome is not known")

// Texts that clients see.
const (
	noLeaderText = "No cluster leader"                      // reference/internals.md §12
	lostText     = "leadership lost while committing log"   // raft's
	restoredText = "snapshot restored while committing log" // raft's
	closedText   = "this server is shutting down"
)

// certain says that nothing was done: the caller may try again, elsewhere.
func certain(err error) error {
	return &fault.Error{Kind: fault.NoLeader, Text: noLeaderText, Err: err}
}

// uncertain says that a write may have been done. Its kind is not NoLeader,
// so nobody tries again by himself.
func uncertain(text string, err error) error {
	return &fault.Error{Kind: fault.Internal, Text: text, Err: errors.Join(ErrUncertain, err)}
}

// translateRead is translate for calls that change nothing: they may always be
// tried again.
func translateRead(err error) error {
	err = translate(err)
	if errors.Is(err, ErrUncertain) {
		return certain(err)
	}
	return err
}

// translate turns raft's errors into faults.
func translate(err error) error {
	var f *fault.Error
	switch {
	case err == nil, errors.As(err, &f):
		return err
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipTransferInProgress),
		errors.Is(err, raft.ErrEnqueueTimeout):
		return certain(err)
	case errors.Is(err, raft.ErrLeadershipLost):
		return uncertain(lostText, err)
	case errors.Is(err, raft.ErrRaftShutdown):
		return uncertain(closedText, err)
	case errors.Is(err, raft.ErrAbortedByRestore):
		return uncertain(restoredText, err) // should the restore fail, the command is still in the log
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return uncertain(err.Error(), err)
	}
	// A disk that fails: entries of the batch may have reached it.
	return uncertain(err.Error(), err)
}
