package presence

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"praetor/internal/fault"
	"praetor/internal/regular"
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

// CheckDatacenter refuses to start a server with the data of another datacenter: the
// others would not know it, and what names the datacenter in the data would be wrong.
func (f *File) CheckDatacenter() error {
	if f.folder == "" || !f.holdsVotes() {
		return nil
	}
	was, err := f.read()
	if err != nil {
		return err // written a moment ago
	}
	source := f.path()
	if was.Datacenter == "" { // an older version noted none
		was.Datacenter, source = f.gossiped(), f.join(gossipFile...)
	}
	if was.Datacenter == "" || was.Datacenter == f.datacenter {
		return nil
	}
	return &fault.Error{Kind: fault.Rejected,
		Text: fmt.Sprintf("%s holds the data of datacenter %q (%s), and the configuration says %q: a datacenter cannot be renamed;", f.join(raftFolder), was.Datacenter, source, f.datacenter),
		Hint: fmt.Sprintf("set datacenter = %q to go on with it; or start %q with empty data folders, and restore a snapshot of %[1]q there: praetor help datacenter", was.Datacenter, f.datacenter)}
}

// gossipFile lists the members of the WAN pool, this server among them, as lines
// "alive: NAME.DATACENTER ADDRESS".
var gossipFile = []string{"serf", "remote.snapshot"}

// gossiped is the datacenter under which this server was last in the WAN pool, "" if
// that cannot be told. Servers of other datacenters may have its name: the one that is
// configured counts before others.
func (f *File) gossiped() (datacenter string) {
	text, err := regular.Read(f.join(gossipFile...), maxGossipBytes)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[0] != "alive:" {
			continue
		}
		at := strings.LastIndex(fields[1], ".")
		if at < 0 || !strings.EqualFold(fields[1][:at], f.name) {
			continue
		}
		if datacenter = fields[1][at+1:]; datacenter == f.datacenter {
			return datacenter
		}
	}
	return datacenter
}

// NoteRaft notes that this server has a raft folder under its ID from now on. A
// start that ended before is still the first.
func (f *File) NoteRaft(id string, now time.Time) error {
	if f.folder == "" {
		return nil
	}
	return f.write(record{RaftID: id, Datacenter: f.datacenter}, now)
}
