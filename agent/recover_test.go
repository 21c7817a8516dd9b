package agent_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/agent"
	"praetor/internal/fault"
	"praetor/raftstore"
)

// TestSuccessorsOfALostCluster: who votes in the cluster that one server's folder becomes,
// and what becomes of the others. Fates are ID, what it was, and what it becomes.
func TestSuccessorsOfALostCluster(t *testing.T) {
	known := []raftstore.Peer{{ID: "a", Address: "10.0.0.1:8300", Voter: true}, {ID: "b", Address: "10.0.0.2:8300", Voter: true}, {ID: "c", Address: "10.0.0.3:8300"}}
	for _, c := range []struct {
		name  string
		id    string // whose folder it is
		given string
		want  string // the fates, or the refusal
	}{
		{"alone", "a", "", "a@10.0.0.1:8300 voter voter, b@10.0.0.2:8300 voter gone, c@10.0.0.3:8300 non-voter gone"},
		{"with another, in capitals", "a", "B@10.0.0.2:8300", "a@10.0.0.1:8300 voter voter, b@10.0.0.2:8300 voter voter, c@10.0.0.3:8300 non-voter gone"},
		{"a non-voter", "c", "", "c@10.0.0.3:8300 non-voter voter, a@10.0.0.1:8300 voter gone, b@10.0.0.2:8300 voter gone"},
		{"at another address", "a", "a@10.9.9.9:1", "a@10.9.9.9:1 voter voter, b@10.0.0.2:8300 voter gone, c@10.0.0.3:8300 non-voter gone"},
		{"with one that is new", "b", "d@[::1]:8300 c@10.0.0.3:8300", "b@10.0.0.2:8300 voter voter, d@[::1]:8300 - voter, c@10.0.0.3:8300 non-voter voter, a@10.0.0.1:8300 voter gone"},
		{"its address is not known", "e", "", "this server, e, is not in its own list of servers, which cannot tell its address; give it: -peer=e@ADDRESS:PORT"},
		{"its address is given", "e", "e@10.0.0.5:8300", "e@10.0.0.5:8300 - voter, a@10.0.0.1:8300 voter gone, b@10.0.0.2:8300 voter gone, c@10.0.0.3:8300 non-voter gone"},
		{"no address", "a", "b", `"b" is no ID@ADDRESS like 2d1c4b5f-a8cf-4e1c-b2c5-3a5e6f6f0a11@10.0.0.1:8300`},
		{"no port", "a", "b@10.0.0.2", `"b@10.0.0.2" is no ID@ADDRESS like 2d1c4b5f-a8cf-4e1c-b2c5-3a5e6f6f0a11@10.0.0.1:8300`},
		{"an empty port", "a", "b@10.0.0.2:", `"b@10.0.0.2:" is no ID@ADDRESS like 2d1c4b5f-a8cf-4e1c-b2c5-3a5e6f6f0a11@10.0.0.1:8300`},
		{"no host", "a", "b@:8300", `"b@:8300" is no ID@ADDRESS like 2d1c4b5f-a8cf-4e1c-b2c5-3a5e6f6f0a11@10.0.0.1:8300`},
		{"no ID", "a", "@10.0.0.2:8300", `"@10.0.0.2:8300" is no ID@ADDRESS like 2d1c4b5f-a8cf-4e1c-b2c5-3a5e6f6f0a11@10.0.0.1:8300`},
	} {
		r := &agent.Recovery{Remains: raftstore.Remains{ID: c.id, Peers: known}}
		successors, err := r.Successors(strings.Fields(c.given))
		var got []string
		for _, f := range r.Fates(successors) {
			got = append(got, fmt.Sprintf("%s@%s %s %s", f.ID, f.Address, f.Was, f.Becomes))
		}
		text := strings.Join(got, ", ")
		if err != nil {
			if text = err.Error(); fault.KindOf(err) != fault.Invalid {
				t.Errorf("%s: %v is of another kind", c.name, err)
			}
		}
		if text != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, text, c.want)
		}
	}
}

// TestRecoveryIsOrderedOnAStoppedServersFolder: nobody else may have it meanwhile, and
// what was there is kept under the time of the order.
func TestRecoveryIsOrderedOnAStoppedServersFolder(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if _, err := agent.OpenRecovery(folder, hclog.NewNullLogger()); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "is not the data_dir of a server") {
		t.Errorf("an empty folder: %v", err)
	}
	server := start(t, 31, false, fmt.Sprintf(`server = true bootstrap = true data_dir = %q disable_host_node_id = true`, folder))
	server.waitFor("a leader", func() error {
		if status, text := server.ask("GET", "/v1/status/leader", ""); status != 200 || text == `""` {
			return fmt.Errorf("%d %s", status, text)
		}
		return nil
	})
	if _, err := agent.OpenRecovery(folder, hclog.NewNullLogger()); fault.KindOf(err) != fault.Conflict {
		t.Errorf("while the server runs: %v", err)
	}
	server.stop()
	r, err := agent.OpenRecovery(folder, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := agent.OpenRecovery(folder, hclog.NewNullLogger()); fault.KindOf(err) != fault.Conflict {
		t.Errorf("a second one: %v", err)
	}
	successors, err := r.Successors(nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := []raftstore.Peer{{ID: server.ID(), Address: server.ip + ":8300", Voter: true}}; !reflect.DeepEqual(successors, want) || r.LastIndex == 0 {
		t.Errorf("successors %v of index %d, want %v", successors, r.LastIndex, want)
	}
	kept, err := r.Order(successors, time.Date(2026, 11, 29, 10, 0, 0, 0, time.FixedZone("", 3600)))
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(folder, "raft.before-recovery-20261129T090000Z"); kept != want {
		t.Errorf("kept in %s, want %s", kept, want)
	}
	for _, file := range []string{filepath.Join(folder, "raft", "peers.json"), kept} {
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if again, err := agent.OpenRecovery(folder, hclog.NewNullLogger()); err != nil {
		t.Errorf("after it was given back: %v", err)
	} else {
		again.Close()
	}
}
