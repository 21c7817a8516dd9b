package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"praetor/agent/config"
	"praetor/internal/fault"
)

const (
	// presenceFile tells in a server's data folder when it last ran.
	presenceFile = "server_metadata.json"
	// presencePause is the time between two entries in it.
	presencePause = time.Hour
)

// presence is what presenceFile holds.
type presence struct {
	LastSeenUnix int64 `json:"last_seen_unix"`
}

// checkAbsence refuses to start a server that was away for so long that what it
// remembers may do harm (reference/internals.md §9).
func checkAbsence(dir *dataDir, rt *config.Runtime, now time.Time) error {
	path := dir.join(presenceFile)
	if path == "" || !rt.Server || rt.Dev {
		return nil
	}
	last, err := readPresence(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return writePresence(path, now)
	case err != nil:
		return &fault.Error{Kind: fault.Rejected, Text: fmt.Sprintf("cannot tell when this server last ran: %v;", err),
			Hint: "if it ran within server_rejoin_age_max, remove the file", Err: err}
	case now.Sub(last) > rt.ServerRejoinAgeMax:
		return fault.New(fault.Rejected, "refusing to rejoin cluster because server has been offline for more than the configured server_rejoin_age_max (%s) - consider wiping your data dir", rt.ServerRejoinAgeMax)
	}
	return writePresence(path, now)
}

func readPresence(path string) (time.Time, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return time.Time{}, err
	}
	var p presence
	if err := json.Unmarshal(text, &p); err != nil {
		return time.Time{}, fmt.Errorf("read %s: %w", path, err)
	}
	if p.LastSeenUnix <= 0 {
		return time.Time{}, fmt.Errorf("read %s: last_seen_unix is %d, not a time", path, p.LastSeenUnix)
	}
	return time.Unix(p.LastSeenUnix, 0), nil
}

// writePresence replaces the file as a whole.
func writePresence(path string, now time.Time) error {
	text, err := json.Marshal(presence{now.Unix()})
	if err != nil {
		return err
	}
	aside, err := os.CreateTemp(filepath.Dir(path), presenceFile+".tmp")
	if err != nil {
		return err
	}
	_, err = aside.Write(text)
	if err = errors.Join(err, aside.Sync(), aside.Close()); err == nil {
		err = os.Rename(aside.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(aside.Name()))
	}
	return nil
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
			if err := writePresence(path, now); err != nil {
				a.logger.Warn("cannot note that this server runs: after a long absence it may refuse to start", "file", path, "error", err)
			}
		case <-ctx.Done():
			return nil
		}
	}
}
