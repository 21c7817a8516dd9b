package presence

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/agent/config"
	"praetor/internal/durable"
	"praetor/internal/regular"
)

const (
	fileName   = "server_metadata.json"
	raftFolder = "raft"
	// pause is the time between two entries in the file.
	pause    = time.Hour
	maxBytes = 4 << 10
	// maxGossipBytes bounds the list of WAN members: serf compacts it at 128 KB.
	maxGossipBytes = 1 << 20
)

// File is what a server keeps in its data folder.
type File struct {
	folder     string        // "": it keeps nothing
	maxAge     time.Duration // how long the server may have been away
	datacenter string
	name       string // of the node
	logger     hclog.Logger
}

// In keeps a file in the data folder of an agent that is a server.
func In(folder string, rt *config.Runtime, logger hclog.Logger) *File {
	if !rt.Server || rt.Dev {
		folder = ""
	}
	return &File{folder, rt.ServerRejoinAgeMax, rt.Datacenter, rt.NodeName, logger}
}

// record is what the file holds.
type record struct {
	LastSeenUnix int64 `json:"last_seen_unix"`
	// RaftID is the node ID under which this server has had a raft folder, ""
	// until the first one was made.
	RaftID string `json:"raft_id,omitempty"`
	// Datacenter is whose data the raft folder holds, "" if an older version made it.
	Datacenter string `json:"datacenter,omitempty"`
}

// Run notes every hour that this server runs, until ctx ends. id is its node ID.
func (f *File) Run(ctx context.Context, id string) error {
	if f.folder == "" {
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			if err := f.NoteRaft(id, now); err != nil {
				f.logger.Warn("cannot note that this server runs: after a long absence it may refuse to start", "file", f.path(), "error", err)
			}
		case <-ctx.Done():
			return nil
		}
	}
}

func (f *File) join(name ...string) string {
	return filepath.Join(append([]string{f.folder}, name...)...)
}

func (f *File) path() string { return f.join(fileName) }

func (f *File) read() (record, error) {
	path := f.path()
	text, err := regular.Read(path, maxBytes)
	if err != nil {
		return record{}, err
	}
	var r record
	if err := json.Unmarshal(text, &r); err != nil {
		return record{}, fmt.Errorf("read %s: %w", path, err)
	}
	if r.LastSeenUnix <= 0 {
		return r, fmt.Errorf("read %s: last_seen_unix is %d, not a time", path, r.LastSeenUnix)
	}
	return r, nil
}

// write replaces the file as a whole: the server ran at that time.
func (f *File) write(r record, now time.Time) error {
	r.LastSeenUnix = now.Unix()
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return durable.WriteFile(f.path(), text, 0o600)
}
