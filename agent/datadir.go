package agent

import (
	"fmt"
	"os"
	"path/filepath"

	"praetor/internal/fault"
)

const (
	// lockName is the file in the data folder that a running agent holds locked.
	lockName = "praetor.lock"
	// raftFolder is where servers keep their log.
	raftFolder = "raft"
)

// dataDir is the agent's folder, locked while it is open.
type dataDir struct {
	path string
	lock *os.File
}

// openDataDir makes the folder if needed and locks it. path "" (-dev) is no
// folder at all.
func openDataDir(path string) (*dataDir, error) {
	if path == "" {
		return &dataDir{}, nil
	}
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, dirFault(path, err)
	}
	if _, err := os.ReadDir(path); err != nil {
		return nil, dirFault(path, err)
	}
	f, err := os.OpenFile(filepath.Join(path, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, dirFault(path, err)
	}
	if err := lockFile(f); err != nil {
		f.Close()
		return nil, &fault.Error{Kind: fault.Conflict,
			Text: fmt.Sprintf("data_dir %q is used by another agent;", path),
			Hint: "stop that agent, or give this one another -data-dir", Err: err}
	}
	return &dataDir{path, f}, nil
}

func dirFault(path string, err error) error {
	return &fault.Error{Kind: fault.Rejected,
		Text: fmt.Sprintf("cannot use data_dir %q: %v;", path, err),
		Hint: "create it and give the agent's user the right to read and write it, or choose another -data-dir", Err: err}
}

// join returns the path of something in the folder, "" if there is no folder.
func (d *dataDir) join(name ...string) string {
	if d.path == "" {
		return ""
	}
	return filepath.Join(append([]string{d.path}, name...)...)
}

// Close unlocks the folder.
func (d *dataDir) Close() error {
	if d.lock == nil {
		return nil
	}
	return d.lock.Close()
}
