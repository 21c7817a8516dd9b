package testcluster_test

import (
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"praetor/internal/testcluster"
)

// envSoak is how many hours are simulated; `make soak` says 24.
const envSoak = "PRAETOR_SOAK_HOURS"

// used is what the process holds at a moment: of all agents together.
type used struct {
	goroutines, files int
	heap, folders     int // bytes
}

func (u used) String() string {
	return fmt.Sprintf("%d goroutines, %d open files, %.1f MB of memory, %.1f MB of data folders", u.goroutines, u.files, float64(u.heap)/1e6, float64(u.folders)/1e6)
}

func measure(c *testcluster.Cluster) used {
	var u used
	for range 2 { // the second one frees what the first one's finalizers let go
		runtime.GC()
	}
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	u.heap, u.goroutines = int(mem.HeapAlloc), runtime.NumGoroutine()
	if list, err := os.ReadDir("/proc/self/fd"); err == nil {
		u.files = len(list)
	}
	for _, n := range append(slices.Clone(c.Servers()), c.Clients()...) {
		_ = filepath.WalkDir(n.Dir(), func(_ string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				if info, err := d.Info(); err == nil { // else it went meanwhile
					u.folders += int(info.Size())
				}
			}
			return nil
		})
	}
	return u
}

// TestChurnLeavesNothingBehind has services come and go, sessions expire and leaders change
// for simulated hours, and wants goroutines, open files, memory and data folders to be what
// they were after the first quarter.
func TestChurnLeavesNothingBehind(t *testing.T) {
	hours := 0.25
	if text := os.Getenv(envSoak); text != "" {
		var err error
		if hours, err = strconv.ParseFloat(text, 64); err != nil {
			t.Fatalf("%s: %v", envSoak, err)
		}
	}
	inMemory(t)
	// The history of the catalog is kept for a day by default, and would grow for as long.
	// Less gossip and fewer heartbeats than by default, which is most of what a quiet cluster does.
	config := fmt.Sprintf("history { max_age = \"%s\" }\n", time.Duration(hours*float64(time.Hour)/8)) + `raft_logstore { wal { segment_size_mb = 1 } }
raft_snapshot_threshold = 200
raft_snapshot_interval = "30s"
raft_trailing_logs = 100
disable_coordinates = true
performance { raft_multiplier = 10 }
gossip_lan { gossip_interval = "10s" probe_interval = "60s" }
gossip_wan { gossip_interval = "10s" probe_interval = "60s" }
`
	const samples = 24
	every, begin := time.Duration(hours*float64(time.Hour))/samples, time.Now()
	pause := max(5*time.Second, every/200)
	var log tail
	testcluster.Virtual(t, testcluster.Options{Servers: 3, Clients: 2, Config: config, Log: &log}, func(c *testcluster.Cluster) {
		s := &soak{T: t, c: c}
		var all []used
		for range samples {
			for end := time.Now().Add(every); time.Now().Before(end); {
				s.step()
				time.Sleep(pause)
			}
			s.wantExpired()
			u := measure(c)
			all = append(all, u)
			t.Logf("%s: %s", time.Duration(len(all))*every, u)
		}
		begins, ends := all[samples/4:samples/2], all[3*samples/4:]
		wantFlat(t, "goroutines", begins, ends, 20, func(u used) int { return u.goroutines })
		wantFlat(t, "open files", begins, ends, 5, func(u used) int { return u.files })
		wantFlat(t, "bytes of memory", begins, ends, 3_000_000, func(u used) int { return u.heap })
		wantFlat(t, "bytes of data folders", begins, ends, 2_000_000, func(u used) int { return u.folders })
		t.Logf("%d services came and went, %d sessions expired, the leader changed %d times", s.services, s.sessions, s.leaders)
	})
	wall := time.Since(begin)
	t.Logf("%g hours simulated in %s: %.0fx", hours, wall.Round(time.Second), hours*3600/wall.Seconds())
	if t.Failed() {
		t.Logf("the end of the log:\n%s", log.String())
	}
}

// wantFlat compares the medians of two times: they may differ by a tenth and some slack.
func wantFlat(t *testing.T, what string, begins, ends []used, slack int, of func(used) int) {
	t.Helper()
	median := func(list []used) int {
		var numbers []int
		for _, u := range list {
			numbers = append(numbers, of(u))
		}
		slices.Sort(numbers)
		return numbers[len(numbers)/2]
	}
	before, after := median(begins), median(ends)
	t.Logf("%s: %d in the second quarter, %d in the last", what, before, after)
	if after > before+before/10+slack {
		t.Errorf("%s grew from %d to %d", what, before, after)
	}
}

// soak is churn.
type soak struct {
	*testing.T
	c                           *testcluster.Cluster
	n                           int
	services, sessions, leaders int
	made                        []string // sessions of the last while
}

// step does a little of everything. What fails while there is no leader is done later.
func (s *soak) step() {
	const kept = 20 // services and keys
	s.n++
	client := s.c.Clients()[s.n%2]
	s.until("a service", client, http.MethodPut, "/v1/agent/service/register", fmt.Sprintf(`{"ID":"s%d","Name":"web%d","Port":80,"Check":{"TTL":"1m"}}`, s.n, s.n%kept))
	if s.n > kept {
		s.until("a service out", client, http.MethodPut, fmt.Sprintf("/v1/agent/service/deregister/s%d", s.n-kept), "")
		s.services++
	}
	made := s.until("a session", client, http.MethodPut, "/v1/session/create", `{"TTL":"10s","LockDelay":"0s","Behavior":"delete"}`)
	id := made.Member("ID")
	s.made = append(s.made, id)
	s.until("a lock", client, http.MethodPut, fmt.Sprintf("/v1/kv/soak/%d?acquire=%s", s.n%kept, id), "held")
	s.until("a key", client, http.MethodPut, fmt.Sprintf("/v1/kv/soak/k%d", s.n%kept), fmt.Sprint(s.n))
	switch s.n % 120 {
	case 60:
		leader := s.c.Leader()
		leader.Kill()
		s.c.WaitFor("another leader", s.c.HasLeader)
		leader.Start()
		s.leaders++
	case 0:
		s.until("a transfer", s.c.Leader(), http.MethodPost, "/v1/operator/raft/transfer-leader", "")
		s.leaders++
	}
}

func (s *soak) until(what string, n *testcluster.Node, method, target, body string) (a testcluster.Answer) {
	s.Helper()
	s.c.WaitFor(what, func() error {
		if a = n.Ask("", method, target, body); a.Status != http.StatusOK {
			return fmt.Errorf("%d %s", a.Status, a.Body)
		}
		return nil
	})
	return a
}

// wantExpired waits until no session is left that nobody renews.
func (s *soak) wantExpired() {
	s.Helper()
	s.c.WaitFor("all sessions to expire", func() error {
		a := s.c.Clients()[0].Ask("", http.MethodGet, "/v1/session/list?consistent", "")
		if a.Status != http.StatusOK || a.Body != "[]" && a.Body != "[]\n" {
			return fmt.Errorf("%d %s", a.Status, a.Body)
		}
		return nil
	})
	s.sessions, s.made = s.sessions+len(s.made), nil
}
