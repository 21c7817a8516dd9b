package testcluster_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"praetor/internal/ops"
	"praetor/internal/rpc"
	"praetor/internal/testcluster"
)

// changesOf asks a node for a history and gives each row as one line, the latest first.
func changesOf(n *testcluster.Node, token, path string) (lines []string, err error) {
	a := n.Ask(token, http.MethodGet, path, "")
	if a.Status != http.StatusOK {
		return nil, fmt.Errorf("GET %s of %s: %d %s", path, n.Name(), a.Status, a.Body)
	}
	var rows []struct {
		Index                                        uint64
		Time                                         time.Time
		Op, Kind, Event, Node, To, AccessorID, Agent string
		Before, After                                *struct{ Value []byte }
	}
	if err := json.Unmarshal([]byte(a.Body), &rows); err != nil {
		return nil, err
	}
	for _, r := range rows {
		value := ""
		if r.Before != nil {
			value = string(r.Before.Value)
		}
		if value += ">"; r.After != nil {
			value += string(r.After.Value)
		}
		lines = append(lines, strings.TrimRight(fmt.Sprint(r.Index, r.Time.UnixNano(), " ", r.Op, r.Kind, " ", r.Event, r.Node, r.To, " ", value, " ", r.AccessorID, " ", r.Agent), " "))
	}
	return lines, nil
}

// historyOf is changesOf that must be answered.
func historyOf(t *testing.T, n *testcluster.Node, token, path string) string {
	t.Helper()
	lines, err := changesOf(n, token, path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// TestHistoryOutlivesLeadersAndRestarts: every server tells the same, of the same times and
// authors, whoever leads, before and after it started again from a snapshot of Raft's.
func TestHistoryOutlivesLeadersAndRestarts(t *testing.T) {
	config := testcluster.LockedDown + "\nhistory { kv = true }\nraft_snapshot_threshold = 40\nraft_snapshot_interval = \"2s\"\nraft_trailing_logs = 5"
	testcluster.Virtual(t, testcluster.Options{Servers: 3, Clients: 1, Config: config}, func(c *testcluster.Cluster) {
		client, first := c.Clients()[0], c.Leader()
		token := first.Grant(`key_prefix "" { policy = "write" } node_prefix "" { policy = "read" }`)
		stranger := first.Grant(`key_prefix "" { policy = "read" }`)
		for _, n := range append(c.Servers(), client) {
			n.WaitForToken(token)
			n.WaitForToken(stranger)
		}
		put := func(value string) {
			if a := client.Ask(token, http.MethodPut, "/v1/kv/a", value); a.Status != http.StatusOK {
				t.Fatalf("put: %d %s", a.Status, a.Body)
			}
		}
		for i := range 60 {
			put(fmt.Sprint(i))
		}
		pass(10 * time.Second) // for snapshots
		first.Crash()
		c.WaitFor("another leader", c.HasLeader)
		second := c.Leader()
		c.WaitFor("a write", func() error {
			if a := client.Ask(token, http.MethodPut, "/v1/kv/a", "last"); a.Status != http.StatusOK {
				return fmt.Errorf("%d %s", a.Status, a.Body)
			}
			return nil
		})
		first.Start()
		c.WaitFor("the same history everywhere", func() error {
			want, err := changesOf(second, testcluster.Manager, "/v1/kv/a?history&limit=1000")
			if err != nil {
				return err
			}
			if len(want) != 61 {
				return fmt.Errorf("%d changes, want 61", len(want))
			}
			for _, n := range c.Servers() {
				got, err := changesOf(n, testcluster.Manager, "/v1/kv/a?stale&history&limit=1000")
				if err != nil || strings.Join(got, "\n") != strings.Join(want, "\n") {
					return fmt.Errorf("%s has %d changes, %v", n.Name(), len(got), err)
				}
			}
			return nil
		})
		latest := strings.Split(historyOf(t, client, token, "/v1/kv/a?history&limit=2"), "\n")
		if len(latest) != 2 || !strings.Contains(latest[0], " 59>last ") || !strings.HasSuffix(latest[0], " "+client.Name()) {
			t.Errorf("the latest changes are %q, want 59>last first, through %s", latest, client.Name())
		}
		accessor := client.Ask(token, http.MethodGet, "/v1/acl/token/self", "").Member("AccessorID")
		if !strings.Contains(latest[0], accessor) {
			t.Errorf("who made it does not see %s in %q", accessor, latest[0])
		}
		if others := historyOf(t, client, stranger, "/v1/kv/a?history"); strings.Contains(others, accessor) || strings.Contains(others, client.Name()) {
			t.Errorf("somebody without rights sees who did it: %s", others)
		}
		leaders := historyOf(t, client, testcluster.Manager, "/v1/catalog/history?kind=leader")
		if want := " leader elected" + second.Name(); !strings.Contains(strings.Split(leaders, "\n")[0], want) || strings.Count(leaders, "\n") < 1 {
			t.Errorf("leaders: %q, want %q first, and one before", leaders, want)
		}

		archive := saveWith(t, second)
		if _, _, err := ops.SnapshotRestore.Call(context.Background(), client.Agent().Router(), &ops.SnapshotRestoreRequest{WriteOptions: rpc.WriteOptions{Token: testcluster.Manager}}, strings.NewReader(archive)); err != nil {
			t.Fatal(err)
		}
		if got := historyOf(t, client, testcluster.Manager, "/v1/kv/a?history"); got != "" {
			t.Errorf("after a restore: %s", got)
		}
		if got := historyOf(t, client, testcluster.Manager, "/v1/catalog/history?kind=snapshot"); !strings.Contains(got, "snapshot restored"+client.Name()) {
			t.Errorf("the restore stands in the history as %q", got)
		}
		put("new")
		if got := historyOf(t, client, testcluster.Manager, "/v1/kv/a?history"); !strings.Contains(got, " last>new ") || strings.Contains(got, "\n") {
			t.Errorf("the history that began anew is %q", got)
		}
	})
}

func saveWith(t *testing.T, by *testcluster.Node) string {
	t.Helper()
	return string(save(t, by, rpc.ReadOptions{Token: testcluster.Manager}))
}

// TestWaitingForAHistory: a blocking read is answered by what it is about, and by nothing else.
func TestWaitingForAHistory(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 1}, func(c *testcluster.Cluster) {
		n := c.Leader()
		register := func(node, address string) {
			n.Must(`PUT /v1/catalog/register {"Node":"` + node + `","Address":"` + address + `"}`)
		}
		register("web", "10.0.0.1")
		pass(time.Minute)
		index := n.Must("GET /v1/catalog/history?node=web").Header.Get("X-Consul-Index")
		answered := make(chan string, 1)
		go func() { // waited for below
			lines, err := changesOf(n, "", "/v1/catalog/history?node=web&wait=5m&index="+index)
			answered <- fmt.Sprint(strings.Join(lines, "\n"), err)
		}()
		pass(time.Second)
		register("other", "10.0.0.2")
		pass(time.Second)
		select {
		case got := <-answered:
			t.Fatalf("another node woke it: %s", got)
		default:
		}
		register("web", "10.0.0.3")
		if got := <-answered; !strings.Contains(got, "node changedweb") || !strings.Contains(got, "node registeredweb") {
			t.Errorf("got %q, want the change and what was before", got)
		}
		if a := n.Ask("", http.MethodGet, "/v1/kv/a?history", ""); a.Status != http.StatusInternalServerError || !strings.Contains(a.Body, "history { kv = true }") {
			t.Errorf("history of keys where none is kept: %d %s", a.Status, a.Body)
		}
		if a := n.Ask("", http.MethodGet, "/v1/catalog/history?kind=key", ""); a.Status != http.StatusBadRequest {
			t.Errorf("an unknown kind: %d %s", a.Status, a.Body)
		}
	})
}
