package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/agent/config"
	"praetor/internal/durable"
	"praetor/internal/fault"
	"praetor/internal/regular"
)

const (
	// presenceFile tells in a server's data folder when it last ran.
	presenceFile = "server_metadata.json"
	// presencePause is the time between two entries in it.
	presencePause = time.Hour
	maxPresence   = 4 << 10 // bytes
)

// presence is what presenceFile holds.
type presence struct {
	LastSeenUnix int64 `json:"last_seen_unix"`
	// RaftID is the node ID under which this server has had a raft folder, ""
	// until the first one was made.
	RaftID string `json:"raft_id,omitempty"`
}

func (p presence) at(now time.Time) presence {
	p.LastSeenUnix = now.Unix()
	return p
}

// checkAbsence refuses to start a server that was away for so long that what it
// remembers may do harm (reference/internals.md §9). Of a damaged file the time of its
// last change stands in for what it said: it is written anew every hour.
func checkAbsence(dir *dataDir, rt *config.Runtime, now time.Time, logger hclog.Logger) error {
	path := dir.join(presenceFile)
	if path == "" || !rt.Server || rt.Dev {
		return nil
	}
	was, err := readPresence(path)
	if errors.Is(err, fs.ErrNotExist) {
		warnOfMissing(dir, path, logger)
		return writePresence(path, was.at(now))
	}
	last := time.Unix(was.LastSeenUnix, 0)
	if err != nil {
		if last, err = lastChange(path, err, logger); err != nil {
			return err
		}
	}
	if now.Sub(last) > rt.ServerRejoinAgeMax {
		return fault.New(fault.Rejected, "refusing to rejoin cluster because server has been offline for more than the configured server_rejoin_age_max (%s) - consider wiping your data dir", rt.ServerRejoinAgeMax)
	}
	if isFolder(path) { // a file is replaced, a folder has to go
		if _, err := regular.PutAside(path); err != nil {
			return err
		}
	}
	return writePresence(path, was.at(now))
}

// warnOfMissing says what the lack of presenceFile means. A folder with a node ID
// alone is a client agent's that becomes a server, or what is left of a server: that
// one may have voted, and nothing here knows.
func warnOfMissing(dir *dataDir, path string, logger hclog.Logger) {
	if holdsVotes(dir) {
		logger.Warn("File that tells when this server last ran is missing: writing it anew", "file", path)
		return
	}
	if _, err := os.Lstat(dir.join("node-id")); err == nil {
		logger.Warn("This data folder has a node ID, but neither a raft folder nor the file that tells when this server last ran: starting as a new server. If it was a server under this ID before, stop it, restore its data folder, or remove its node-id file and have the others remove the old ID",
			"file", path, "raft", dir.join("raft"))
	}
}

// lastChange tells when a damaged file was last written.
func lastChange(path string, damage error, logger hclog.Logger) (time.Time, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return time.Time{}, err
	}
	logger.Error("File that tells when this server last ran is damaged: the time of its last change stands in",
		"file", path, "error", damage, "last_change", info.ModTime())
	return info.ModTime(), nil
}

func readPresence(path string) (presence, error) {
	text, err := regular.Read(path, maxPresence)
	if err != nil {
		return presence{}, err
	}
	var p presence
	if err := json.Unmarshal(text, &p); err != nil {
		return presence{}, fmt.Errorf("read %s: %w", path, err)
	}
	if p.LastSeenUnix <= 0 {
		return p, fmt.Errorf("read %s: last_seen_unix is %d, not a time", path, p.LastSeenUnix)
	}
	return p, nil
}

// writePresence replaces the file as a whole.
func writePresence(path string, p presence) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return durable.WriteFile(path, text, 0o600)
}

// runPresence notes every hour that this server runs, until ctx ends.
func (a *Agent) runPresence(ctx context.Context) error {
	path := a.dir.join(presenceFile)
	if path == "" {
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(presencePause)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			if err := writePresence(path, presence{RaftID: a.id}.at(now)); err != nil {
				a.logger.Warn("cannot note that this server runs: after a long absence it may refuse to start", "file", path, "error", err)
			}
		case <-ctx.Done():
			return nil
		}
	}
}
