package presence_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"praetor/agent/config"
)

// TestServerThatForgotItsVotesDoesNotStart: not under the ID under which it voted.
func TestServerThatForgotItsVotesDoesNotStart(t *testing.T) {
	const id, other = "11111111-2222-3333-4444-555555555555", "99999999-2222-3333-4444-555555555555"
	now := time.Unix(1e9, 0)
	start := func(dir, id string, rt *config.Runtime) error {
		f := in(dir, rt)
		return errors.Join(f.CheckAbsence(now), f.CheckVotes(id))
	}
	for name, c := range map[string]struct {
		lose    func(dir string) error
		id      string
		rt      *config.Runtime
		refused bool
	}{
		"nothing lost":      {func(string) error { return nil }, id, server, false},
		"folder missing":    {func(dir string) error { return os.RemoveAll(filepath.Join(dir, "raft")) }, id, server, true},
		"folder emptied":    {func(dir string) error { return os.Remove(filepath.Join(dir, "raft", "stable.db")) }, id, server, true},
		"file emptied":      {func(dir string) error { return os.Truncate(filepath.Join(dir, "raft", "stable.db"), 0) }, id, server, true},
		"a new ID":          {func(dir string) error { return os.RemoveAll(filepath.Join(dir, "raft")) }, other, server, false},
		"all of it missing": {os.RemoveAll, id, server, false},
		"a client":          {func(dir string) error { return os.RemoveAll(filepath.Join(dir, "raft")) }, id, &config.Runtime{}, false},
		"in memory":         {func(dir string) error { return os.RemoveAll(filepath.Join(dir, "raft")) }, id, &config.Runtime{Server: true, Dev: true}, false},
	} {
		dir := filepath.Join(t.TempDir(), "data")
		raft := filepath.Join(dir, "raft")
		for range 2 { // a first start that ended before it had a raft folder
			if err := errors.Join(os.MkdirAll(raft, 0o700), start(dir, id, server)); err != nil {
				t.Fatalf("%s: first start: %v", name, err)
			}
		}
		if err := errors.Join(os.WriteFile(filepath.Join(raft, "stable.db"), []byte("votes"), 0o600), in(dir, server).NoteRaft(id, now), c.lose(dir), os.MkdirAll(dir, 0o700)); err != nil {
			t.Fatal(err)
		}
		for range 2 { // a refused start changes nothing
			err := start(dir, c.id, c.rt)
			if refused := err != nil; refused != c.refused {
				t.Errorf("%s: %v", name, err)
			}
			if err != nil && (!strings.Contains(err.Error(), "under node ID "+id) || !strings.Contains(err.Error(), "remove-peer") || strings.Contains(err.Error(), "\n")) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
