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

// TestServerOfAnotherDatacenterDoesNotStart: with its data under another name.
func TestServerOfAnotherDatacenterDoesNotStart(t *testing.T) {
	const id = "11111111-2222-3333-4444-555555555555"
	now := time.Unix(1e9, 0)
	named := func(name string) *config.Runtime {
		return &config.Runtime{Server: true, Datacenter: name, ServerRejoinAgeMax: time.Hour}
	}
	for _, c := range []struct {
		before, after *config.Runtime
		votes         bool
		refused       bool
	}{
		{named("dc1"), named("dc1"), true, false},
		{named("dc1"), named("east"), true, true},
		{named("dc1"), named("east"), false, false}, // there is no data yet
		{named(""), named("east"), true, false},     // an older version noted no name
		{named("dc1"), &config.Runtime{Datacenter: "east"}, true, false},
	} {
		dir := t.TempDir()
		raft := filepath.Join(dir, "raft")
		before := in(dir, c.before)
		if err := errors.Join(os.MkdirAll(raft, 0o700), before.CheckAbsence(now), before.CheckDatacenter(), before.NoteRaft(id, now)); err != nil {
			t.Fatal(err)
		}
		if c.votes {
			if err := os.WriteFile(filepath.Join(raft, "stable.db"), []byte("votes"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		after := in(dir, c.after)
		for range 2 { // a refused start changes nothing
			err := errors.Join(after.CheckAbsence(now), after.CheckDatacenter())
			if refused := err != nil; refused != c.refused {
				t.Errorf("%s, then %s: %v", c.before.Datacenter, c.after.Datacenter, err)
			}
			if err != nil && (!strings.Contains(err.Error(), `datacenter "dc1"`) || !strings.Contains(err.Error(), `set datacenter = "dc1"`)) {
				t.Errorf("it says %v", err)
			}
		}
	}
}

// TestRenameIsRefusedThoughAnOlderVersionNotedNoDatacenter: the list of WAN members tells it.
func TestRenameIsRefusedThoughAnOlderVersionNotedNoDatacenter(t *testing.T) {
	now := time.Unix(1e9, 0)
	for _, c := range []struct {
		members string // of the WAN pool; "" for no file
		refused bool
	}{
		{"", false},
		{"alive: s1.dc1 10.0.0.1:8302\nclock: 4\n", true},
		{"alive: S1.dc1 10.0.0.1:8302\nalive: s2.east 10.0.0.2:8302\n", true},
		{"alive: s1.east 10.0.0.1:8302\nalive: s1.dc1 10.1.0.1:8302\n", false}, // another one of its name
		{"alive: s9.dc1 10.0.0.9:8302\n", false},                               // its name has changed, too
		{"alive: s1\nalive:\n\x00", false},
	} {
		dir := t.TempDir()
		f := in(dir, &config.Runtime{Server: true, NodeName: "s1", Datacenter: "east", ServerRejoinAgeMax: time.Hour})
		must := []error{os.Mkdir(filepath.Join(dir, "raft"), 0o700), os.Mkdir(filepath.Join(dir, "serf"), 0o700),
			os.WriteFile(filepath.Join(dir, "raft", "stable.db"), []byte("votes"), 0o600),
			os.WriteFile(filepath.Join(dir, "server_metadata.json"), []byte(`{"last_seen_unix":999999999}`), 0o600)}
		if c.members != "" {
			must = append(must, os.WriteFile(filepath.Join(dir, "serf", "remote.snapshot"), []byte(c.members), 0o600))
		}
		if err := errors.Join(must...); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			err := errors.Join(f.CheckAbsence(now), f.CheckDatacenter())
			if refused := err != nil; refused != c.refused {
				t.Errorf("%q: %v", c.members, err)
			}
			if err != nil && (!strings.Contains(err.Error(), `datacenter "dc1"`) || !strings.Contains(err.Error(), "remote.snapshot")) {
				t.Errorf("it says %v", err)
			}
		}
	}
}
