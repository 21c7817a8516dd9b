package raftstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/raft"

	"praetor/internal/fault"
	"praetor/raftstore"
)

// TestWhatRaftRefusedIsTriedAgainAndWhatMayBeDoneIsNot: a kind of NoLeader has callers
// send a command again, which must then certainly not have been done. A read may always
// be sent again.
func TestWhatRaftRefusedIsTriedAgainAndWhatMayBeDoneIsNot(t *testing.T) {
	disk := errors.New("write raft.db: no space left on device")
	own := fault.New(fault.Limit, "too large")
	for _, c := range []struct {
		err     error
		again   bool // a write
		text    string
		forRead bool // a read is answered alike
	}{
		{raft.ErrNotLeader, true, "No cluster leader", true},
		{fmt.Errorf("apply: %w", raft.ErrNotLeader), true, "No cluster leader", true},
		{raft.ErrLeadershipTransferInProgress, true, "No cluster leader", true},
		{raft.ErrEnqueueTimeout, true, "No cluster leader", true},
		{raft.ErrLeadershipLost, false, "leadership lost while committing log", false},
		{raft.ErrRaftShutdown, false, "this server is shutting down", false},
		{context.Canceled, false, "context canceled", false},
		{context.DeadlineExceeded, false, "context deadline exceeded", false},
		{disk, false, disk.Error(), false},
	} {
		err := raftstore.Translate(c.err)
		if err.Error() != c.text || (fault.KindOf(err) == fault.NoLeader) != c.again || errors.Is(err, raftstore.ErrUncertain) == c.again || !errors.Is(err, c.err) {
			t.Errorf("a write, %v: %v of kind %v, uncertain: %t", c.err, err, fault.KindOf(err), errors.Is(err, raftstore.ErrUncertain))
		}
		read := raftstore.ReadError(c.err)
		if fault.KindOf(read) != fault.NoLeader || !errors.Is(read, c.err) || c.forRead != (read.Error() == err.Error()) {
			t.Errorf("a read, %v: %v of kind %v", c.err, read, fault.KindOf(read))
		}
	}
	// A restore has thrown the command away, or not, if it fails.
	if err := raftstore.Translate(raft.ErrAbortedByRestore); err.Error() != "snapshot restored while committing log" || fault.KindOf(err) != fault.Internal || !errors.Is(err, raftstore.ErrUncertain) {
		t.Errorf("a restore: %v of kind %v", err, fault.KindOf(err))
	}
	for _, translate := range []func(error) error{raftstore.Translate, raftstore.ReadError} {
		if err := translate(nil); err != nil {
			t.Errorf("no error becomes %v", err)
		}
		if err := translate(own); err != own {
			t.Errorf("a fault becomes %v", err)
		}
	}
}

// TestMessagesThatNoServerSendsAreRefused: raft would take any term, and panic on what it
// cannot read.
func TestMessagesThatNoServerSendsAreRefused(t *testing.T) {
	const ours, most = 7, 7 + 1<<32
	conf := func(servers ...raft.Server) []byte {
		return raft.EncodeConfiguration(raft.Configuration{Servers: servers})
	}
	voter := raft.Server{ID: "s1", Address: "a:1"}
	whole, watching := conf(voter), conf(raft.Server{ID: "s1", Address: "a:1", Suffrage: raft.Nonvoter})
	entries := func(list ...*raft.Log) *raft.AppendEntriesRequest {
		return &raft.AppendEntriesRequest{Term: ours, Entries: list}
	}
	for name, c := range map[string]struct {
		message any
		want    string
	}{
		"an older term":                {&raft.RequestVoteRequest{Term: 1}, ""},
		"the last term of a vote":      {&raft.RequestVoteRequest{Term: most}, ""},
		"a vote beyond":                {&raft.RequestVoteRequest{Term: most + 1}, "term 4294967304 is too far ahead of ours, 7"},
		"the last term of a pre-vote":  {&raft.RequestPreVoteRequest{Term: most}, ""},
		"a pre-vote beyond":            {&raft.RequestPreVoteRequest{Term: 1<<64 - 1}, "term 18446744073709551615 is too far ahead of ours, 7"},
		"entries beyond":               {&raft.AppendEntriesRequest{Term: most + 1}, "term 4294967304 is too far ahead of ours, 7"},
		"a snapshot beyond":            {&raft.InstallSnapshotRequest{Term: most + 1, SnapshotVersion: 1, Configuration: whole}, "term 4294967304 is too far ahead of ours, 7"},
		"a snapshot":                   {&raft.InstallSnapshotRequest{Term: ours, SnapshotVersion: 1, Configuration: whole}, ""},
		"a snapshot of no servers":     {&raft.InstallSnapshotRequest{Term: ours, SnapshotVersion: 1, Configuration: conf()}, "the configuration names no server with a vote"},
		"a snapshot of an old form":    {&raft.InstallSnapshotRequest{Term: ours, Configuration: []byte("junk")}, ""},
		"entries":                      {entries(&raft.Log{Index: 1, Term: ours}, &raft.Log{Index: 2, Term: 1, Type: raft.LogNoop}, &raft.Log{Index: 3, Term: 1, Type: raft.LogBarrier}, &raft.Log{Index: 4, Type: raft.LogConfiguration, Data: whole}), ""},
		"a hole among entries":         {entries(&raft.Log{Index: 1}, nil), "an entry is missing"},
		"an entry of a later term":     {entries(&raft.Log{Index: 3, Term: ours + 1}), "entry 3 has the term 8, its sender 7"},
		"an entry of an unknown type":  {entries(&raft.Log{Index: 3, Type: 99}), "entry 3 has the unknown type 99"},
		"servers that cannot be read":  {entries(&raft.Log{Index: 3, Type: raft.LogConfiguration, Data: []byte("junk")}), "configuration cannot be read: "},
		"servers without a vote":       {entries(&raft.Log{Index: 3, Type: raft.LogConfiguration, Data: watching}), "the configuration names no server with a vote"},
		"a server twice":               {entries(&raft.Log{Index: 3, Type: raft.LogConfiguration, Data: conf(voter, voter)}), "the configuration names the id s1 twice"},
		"two servers at one address":   {entries(&raft.Log{Index: 3, Type: raft.LogConfiguration, Data: conf(voter, raft.Server{ID: "s2", Address: "a:1"})}), "the configuration names the address a:1 twice"},
		"a server nobody can reach":    {entries(&raft.Log{Index: 3, Type: raft.LogConfiguration, Data: conf(voter, raft.Server{ID: "s2"})}), `the configuration names a server without an id or an address ("s2" at "")`},
		"what hands over the leading":  {&raft.TimeoutNowRequest{}, ""},
		"a later entry that is broken": {entries(&raft.Log{Index: 1}, &raft.Log{Index: 2, Type: 99}), "entry 2 has the unknown type 99"},
	} {
		err := raftstore.Wrong(c.message, ours)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
