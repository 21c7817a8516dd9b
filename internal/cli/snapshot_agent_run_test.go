//go:build unix

package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/hashicorp/go-hclog"

	"praetor/internal/backup"
)

// snapshotHost is what an agent that saves snapshots asks: sessions, the lock, and itself
// as a service. It notes what is done, and when.
type snapshotHost struct {
	t     *testing.T
	begin time.Time

	mu       sync.Mutex
	holder   string // the session that holds the lock
	sessions int
	refuse   string // path prefix of what fails
	notes    []string
	alive    time.Time // when it last said that it lives
	saving   string    // what the check of who saves shows
}

func (h *snapshotHost) note(format string, args ...any) {
	h.notes = append(h.notes, fmt.Sprintf("%s ", time.Since(h.begin).Truncate(time.Second))+fmt.Sprintf(format, args...))
}

// snapshotEvent changes what a host does, some time after the event before.
type snapshotEvent struct {
	after  time.Duration
	change func(h *snapshotHost)
}

func (h *snapshotHost) serveSnapshots(r *http.Request) (int, string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/v1/")
	if h.refuse != "" && strings.HasPrefix(path, h.refuse) {
		return http.StatusInternalServerError, "refused"
	}
	var body struct{ Name, Status, Output string }
	if r.Body != nil {
		json.NewDecoder(r.Body).Decode(&body)
	}
	what, id, _ := strings.Cut(path, "/")
	switch {
	case path == "session/create":
		h.sessions++
		return http.StatusOK, fmt.Sprintf(`{"ID":"s%d"}`, h.sessions)
	case strings.HasPrefix(path, "session/renew"):
		return http.StatusOK, `[{"ID":"s","TTL":"15s"}]`
	case what == "session":
		h.note("ends %s", strings.TrimPrefix(id, "destroy/"))
	case what == "kv" && r.Method == http.MethodGet:
		held := h.holder
		for waited := 0; r.URL.Query().Has("index") && held == h.holder && waited < 300; waited++ { // a blocking query
			h.mu.Unlock()
			time.Sleep(time.Second)
			h.mu.Lock()
		}
		return http.StatusOK, fmt.Sprintf(`[{"Key":%q,"Flags":%d,"Session":%q}]`, id, uint64(api.LockFlagValue), h.holder)
	case what == "kv" && r.URL.Query().Has("acquire"):
		if h.holder != "" {
			return http.StatusOK, "false"
		}
		h.holder = r.URL.Query().Get("acquire")
		h.note("%s holds %s", h.holder, id)
	case what == "kv" && r.URL.Query().Get("release") != h.holder:
		return http.StatusOK, "false"
	case what == "kv":
		h.holder = ""
		h.note("%s released", id)
	case path == "agent/service/register":
		h.note("registers %s", body.Name)
	case strings.HasPrefix(path, "agent/service/deregister/"):
		h.note("deregisters")
	case strings.HasPrefix(path, "agent/check/update/"):
		if !strings.HasSuffix(path, ":saving") {
			if since := time.Since(h.alive); !h.alive.IsZero() && since >= snapshotTTL {
				h.t.Errorf("it was dead for %s", since-snapshotTTL)
			}
			h.alive = time.Now()
		} else if now := body.Status + ": " + body.Output; now != h.saving && !strings.Contains(now, "2 failures") { // it gives up then: the check may go first
			h.saving = now
			h.note("%s", strings.TrimRight(now, "0123456789"))
		}
	case strings.HasPrefix(path, "agent/check/deregister/"):
		h.saving = ""
		h.note("saves no more")
	}
	return http.StatusOK, "true"
}

// runSnapshotAgentFor runs an agent for a while, in a bubble, and returns what it did
// and logged. Save says how each snapshot goes.
func runSnapshotAgentFor(t *testing.T, h *snapshotHost, length time.Duration, save func(n int) error, events []snapshotEvent) (notes, log string) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		h.t, h.begin = t, time.Now()
		store, err := backup.Open(backup.Target{LocalPath: dir})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		job := &backup.Job{
			Store: store, Prefix: "consul", Retain: 2, Verify: func(r io.Reader) error { _, err := io.Copy(io.Discard, r); return err },
			Save: func(context.Context) (io.ReadCloser, uint64, error) {
				n++
				return io.NopCloser(strings.NewReader("state")), 7, save(n)
			},
		}
		var out bytes.Buffer
		a := &snapshotAgent{
			opts:   &snapshotAgentOptions{interval: 10 * time.Minute, maxFailures: 2, lockKey: "the/lock", service: "snapshots", deregisterAfter: time.Hour},
			client: inMemory(t, h.serveSnapshots), job: job, logger: hclog.New(&hclog.LoggerOptions{Output: &out, DisableTime: true}),
		}
		go func() {
			for _, e := range events {
				time.Sleep(e.after)
				h.mu.Lock()
				e.change(h)
				h.mu.Unlock()
			}
		}()
		ctx, cancel := context.WithTimeout(t.Context(), length)
		defer cancel()
		if err := a.run(ctx); err != nil {
			h.note("ends: %s", err)
		}
		time.Sleep(10 * time.Minute)                     // until the library's blocking queries have their answers
		slices.SortFunc(h.notes, func(a, b string) int { // by name what is done at once
			return cmp.Or(cmp.Compare(at(a), at(b)), strings.Compare(a, b))
		})
		notes, log = strings.Join(h.notes, "\n"), out.String()
	})
	if files, _ := os.ReadDir(dir); len(files) > 2 {
		t.Errorf("%d snapshots are left, want 2", len(files))
	}
	return notes, log
}

// at is when a note was made.
func at(note string) time.Duration {
	d, err := time.ParseDuration(strings.Fields(note)[0])
	if err != nil {
		panic(err)
	}
	return d
}

func TestTheSnapshotAgentSavesWhileItHoldsTheLock(t *testing.T) {
	broken := errors.New("no leader")
	for _, c := range []struct {
		name   string
		host   *snapshotHost
		length time.Duration
		save   func(n int) error
		events []snapshotEvent
		notes  string
		log    []string
	}{
		{
			name: "all is well", length: 25*time.Minute + 5*time.Second, save: func(int) error { return nil },
			notes: `0s passing: Saved snapshot 
0s registers snapshots
0s s1 holds the/lock
10m0s passing: Saved snapshot 
20m0s passing: Saved snapshot 
25m5s deregisters
25m5s ends s1
25m5s the/lock released`,
			log: []string{"Snapshot agent running: interval=10m0s", "Waiting to obtain leadership", "Obtained leadership", `index=7 bytes=5 took=0s removed=0`, "removed=1"},
		},
		{
			name: "failures in a row", length: 13*time.Minute + 5*time.Second,
			save: func(n int) error { return map[bool]error{true: broken}[n == 2 || n == 3] },
			notes: `0s passing: Saved snapshot 
0s registers snapshots
0s s1 holds the/lock
10m0s critical: 1 failures in a row: save the state: no leader
11m0s ends s1
11m0s saves no more
11m0s the/lock released
11m15s passing: Saved snapshot 
11m15s s2 holds the/lock
13m5s deregisters
13m5s ends s2
13m5s the/lock released`,
			log: []string{`Snapshot failed: error="save the state: no leader"`, "Too many failures: giving up leadership: failures=2", "Lost leadership", "Obtained leadership"},
		},
		{
			name: "the lock is lost", length: 16*time.Minute + 5*time.Second, save: func(int) error { return nil },
			events: []snapshotEvent{ // between two looks at the lock
				{5*time.Minute + 500*time.Millisecond, func(h *snapshotHost) { h.holder = "other" }},
				{8 * time.Minute, func(h *snapshotHost) { h.holder = "" }},
			},
			notes: `0s passing: Saved snapshot 
0s registers snapshots
0s s1 holds the/lock
5m1s ends s1
5m1s saves no more
13m1s passing: Saved snapshot 
13m1s s2 holds the/lock
16m5s deregisters
16m5s ends s2
16m5s the/lock released`,
			log: []string{"Obtained leadership", "Lost leadership", "Waiting to obtain leadership", "Obtained leadership"},
		},
		{
			name: "another saves", length: 25*time.Minute + 5*time.Second, save: func(int) error { return broken },
			host: &snapshotHost{holder: "other"},
			notes: `0s registers snapshots
25m5s deregisters
25m5s ends s1`,
			log: []string{"Waiting to obtain leadership"},
		},
		{
			name: "the agent forgets", length: 125 * time.Second, save: func(int) error { return nil },
			events: []snapshotEvent{
				{55 * time.Second, func(h *snapshotHost) { h.refuse = "agent/check/update" }},
				{10 * time.Second, func(h *snapshotHost) { h.refuse, h.saving = "", "" }},
			},
			notes: `0s passing: Saved snapshot 
0s registers snapshots
0s s1 holds the/lock
1m10s passing: Saved snapshot 
1m10s registers snapshots
2m5s deregisters
2m5s ends s1
2m5s the/lock released`,
			log: []string{"Error updating the service's checks", "500 (refused)"},
		},
		{
			name: "no sessions", host: &snapshotHost{refuse: "session/create"}, length: 65 * time.Second, save: func(int) error { return nil },
			events: []snapshotEvent{{20 * time.Second, func(h *snapshotHost) { h.refuse = "" }}},
			notes: `0s registers snapshots
30s passing: Saved snapshot 
30s s1 holds the/lock
1m5s deregisters
1m5s ends s1
1m5s the/lock released`,
			log: []string{"Lock acquisition failed: error=", "Obtained leadership"},
		},
		{
			name: "no service", length: time.Minute, save: func(int) error { return nil },
			host:  &snapshotHost{refuse: "agent/service"},
			notes: `0s ends: Error registering the service: Unexpected response code: 500 (refused)`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			notes, log := runSnapshotAgentFor(t, cmp.Or(c.host, &snapshotHost{}), c.length, c.save, c.events)
			if !slices.Equal(strings.Split(notes, "\n"), strings.Split(c.notes, "\n")) {
				t.Errorf("got\n%s\nwant\n%s", notes, c.notes)
			}
			rest := log
			for _, text := range c.log {
				_, after, found := strings.Cut(rest, text)
				if !found {
					t.Errorf("it does not log %q in its place:\n%s", text, log)
				}
				rest = after
			}
		})
	}
}
