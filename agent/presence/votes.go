package presence

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"praetor/internal/fault"
)

// votesFile is made first in a raft folder, and holds this server's term and vote.
const votesFile = "stable.db"

// holdsVotes reports whether the raft folder holds what this server voted. What
// cannot be looked at counts as there: opening it says what is wrong.
func (f *File) holdsVotes() bool {
	info, err := os.Lstat(f.join(raftFolder, votesFile))
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	return err != nil || !info.Mode().IsRegular() || info.Size() > 0
}

// CheckVotes refuses to start a server whose raft folder is gone though it has
// had one under this ID: the cluster counts on entries and votes that it would not
// know any more.
func (f *File) CheckVotes(id string) error {
	if f.folder == "" {
		return nil
	}
	was, err := f.read()
	if err != nil {
		return err // written a moment ago
	}
	if was.RaftID != id || f.holdsVotes() {
		return nil
	}
	return &fault.Error{Kind: fault.Rejected,
		Text: fmt.Sprintf("%s is missing or empty, but this server has had its log and its votes there under node ID %s: under that ID it must not begin anew;", f.join(raftFolder, votesFile), id),
		Hint: fmt.Sprintf("restore the raft folder from a backup; or let it come back under a new ID: have the others, if they are a quorum, remove the old one with "+
			`"praetor operator raft remove-peer -id=%s", move raft and node-id out of %s (with node_id in the configuration, change that), and start it: docs/troubleshooting.md, "damaged"`, id, f.folder)}
}

// NoteRaft notes that this server has a raft folder under its ID from now on. A
// start that ended before is still the first.
func (f *File) NoteRaft(id string, now time.Time) error {
	if f.folder == "" {
		return nil
	}
	return f.write(record{RaftID: id}, now)
}
