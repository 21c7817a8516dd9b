package raftstore

import (
	"fmt"

	"github.com/hashicorp/raft"

	"praetor/internal/fault"
)

// past is what the last process noted of a folder.
type past struct {
	noted
	known bool // by a record that can be believed
}

// identify asks whose folder this is, and what was noted of it.
func (f *folder) identify(stable *boltStable, opts *Options) (past, error) {
	txid, summed, renumbered, err := stable.verify()
	if err != nil {
		return past{}, err
	}
	if renumbered {
		opts.Logger.Warn("the checksum fits what is there, but is noted for another transaction: it is damaged, or an earlier version ran here and changed nothing", "path", f.path(stableFile))
	}
	owner, err := stable.Get(ownerKey)
	switch {
	case err != nil:
		return past{}, err
	case owner == nil:
		return past{}, stable.Set(ownerKey, []byte(opts.ID))
	case string(owner) != opts.ID:
		return past{}, otherServer(f.dir, string(owner), opts.ID)
	}
	n, state, err := readNote(f.path(noteFile), opts.ID)
	switch {
	case err != nil:
		return past{}, err
	case !summed:
		opts.Logger.Warn("an earlier version ran here in the meantime: whether the end of the raft log is all there cannot be told", "path", f.path(noteFile))
		return past{}, nil
	case !state.present:
		state.trouble = "it is missing"
	case state.usable && n.txid > txid:
		return past{}, damaged(f.path(stableFile), "it is older than noted (transaction %d, not %d): the server would forget its term or its vote", txid, n.txid)
	}
	if state.trouble != "" {
		opts.Logger.Warn("the note of what was synced is not what was written: writing it anew", "path", f.path(noteFile), "reason", state.trouble, "usable", state.usable)
	}
	return past{n, state.usable}, nil
}

func otherServer(dir, owner, id string) error {
	return &fault.Error{Kind: fault.Rejected, Err: ErrDamaged,
		Text: fmt.Sprintf("%s holds the log and the votes of the server with node ID %s, but this server's node ID is %s", dir, owner, id),
		Hint: fmt.Sprintf("(if its node-id file was lost or changed, write %s into it; if this server shall begin anew, move the raft folder away)", owner)}
}

// newNote begins the note of this process with what is there.
func (f *folder) newNote(log raft.LogStore, stable *boltStable, id string, snapshot uint64) (*note, error) {
	n := noted{seq: 1, first: snapshot + 1, last: snapshot, owner: ownerSum(id)}
	first, err := log.FirstIndex()
	if err != nil {
		return nil, err
	}
	last, err := log.LastIndex()
	if err != nil {
		return nil, err
	}
	if last > 0 {
		var end raft.Log
		if err := log.GetLog(last, &end); err != nil {
			return nil, err
		}
		n.first, n.last, n.term, n.sum = first, last, end.Term, entrySum(&end)
	}
	if n.txid, _, _, err = stable.verify(); err != nil {
		return nil, err
	}
	return createNote(f.path(noteFile), f.disk, n)
}
