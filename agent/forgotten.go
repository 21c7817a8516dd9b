package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"praetor/agent/config"
	"praetor/internal/fault"
)

// votesFile is made first in a raft folder, and holds this server's term and vote.
const votesFile = "stable.db"

// holdsVotes reports whether the raft folder holds what this server voted. What
// cannot be looked at counts as there: opening it says what is wrong.
func holdsVotes(dir *dataDir) bool {
	info, err := os.Lstat(dir.join("raft", votesFile))
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	return err != nil || !info.Mode().IsRegular() || info.Size() > 0
}

// checkForgotten refuses to start a server whose raft folder is gone though it has
// had one under this ID: the cluster counts on entries and votes that it would not
// know any more.
func checkForgotten(dir *dataDir, rt *config.Runtime, id string) error {
	path := dir.join(presenceFile)
	if path == "" || !rt.Server || rt.Dev {
		return nil
	}
	was, err := readPresence(path)
	if err != nil {
		return err // written a moment ago
	}
	if was.RaftID != id || holdsVotes(dir) {
		return nil
	}
	return &fault.Error{Kind: fault.Rejected,
		Text: fmt.Sprintf("%s is missing or empty, but this server has had its log and its votes there under node ID %s: under that ID it must not begin anew;", dir.join("raft", votesFile), id),
		Hint: fmt.Sprintf("restore the raft folder from a backup; or let it come back under a new ID: have the others, if they are a quorum, remove the old one with "+
			`"praetor operator raft remove-peer -id=%s", move raft and node-id out of %s (with node_id in the configuration, change that), and start it: docs/troubleshooting.md, "damaged"`, id, dir.path)}
}

// noteRaft notes that this server has a raft folder under its ID from now on. A
// start that ended before is still the first.
func noteRaft(dir *dataDir, rt *config.Runtime, id string, now time.Time) error {
	path := dir.join(presenceFile)
	if path == "" || !rt.Server || rt.Dev {
		return nil
	}
	return writePresence(path, presence{RaftID: id}.at(now))
}
