package presence

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"praetor/internal/fault"
	"praetor/internal/regular"
)

// CheckAbsence refuses to start a server that was away for so long that what it
// remembers may do harm (reference/internals.md §9). It notes a start that it lets pass.
func (f *File) CheckAbsence(now time.Time) error {
	if f.folder == "" {
		return nil
	}
	was, err := f.read()
	if errors.Is(err, fs.ErrNotExist) {
		f.warnOfMissing()
		return f.write(was, now)
	}
	last := time.Unix(was.LastSeenUnix, 0)
	if err != nil {
		if last, err = f.lastChange(err); err != nil {
			return err
		}
	}
	if now.Sub(last) > f.maxAge {
		return fault.New(fault.Rejected, "refusing to rejoin cluster because server has been offline for more than the configured server_rejoin_age_max (%s) - consider wiping your data dir", f.maxAge)
	}
	if info, err := os.Stat(f.path()); err == nil && info.IsDir() { // a file is replaced, a folder has to go
		if _, err := regular.PutAside(f.path()); err != nil {
			return err
		}
	}
	return f.write(was, now)
}

// warnOfMissing says what the lack of the file means. A folder with a node ID
// alone is a client agent's that becomes a server, or what is left of a server: that
// one may have voted, and nothing here knows.
func (f *File) warnOfMissing() {
	if f.holdsVotes() {
		f.logger.Warn("File that tells when this server last ran is missing: writing it anew", "file", f.path())
		return
	}
	if _, err := os.Lstat(f.join("node-id")); err == nil {
		f.logger.Warn("This data folder has a node ID, but neither a raft folder nor the file that tells when this server last ran: starting as a new server. If it was a server under this ID before, stop it, restore its data folder, or remove its node-id file and have the others remove the old ID",
			"file", f.path(), "raft", f.join(raftFolder))
	}
}

// lastChange tells when a damaged file was last written.
func (f *File) lastChange(damage error) (time.Time, error) {
	info, err := os.Lstat(f.path())
	if err != nil {
		return time.Time{}, err
	}
	f.logger.Error("File that tells when this server last ran is damaged: the time of its last change stands in",
		"file", f.path(), "error", damage, "last_change", info.ModTime())
	return info.ModTime(), nil
}
