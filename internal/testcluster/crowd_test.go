package testcluster_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"praetor/internal/testcluster"
)

// envAgents is how many client agents the largest crowd has; docs/scale.md has the curve.
const envAgents = "PRAETOR_AGENTS"

// crowd is what a cluster of three servers and many client agents cost, all of them in
// this process: of processor time a server's part cannot be told from an agent's.
type crowd struct {
	agents        int
	joined        time.Duration // simulated, from the start of the first to all in the catalog
	known         time.Duration // simulated, from then until the agents know all others
	join          time.Duration // of processor, for each agent that joined
	idle          time.Duration // of processor, for each agent and simulated minute
	idleEntries   uint64        // of Raft's log, in a simulated minute
	failed        time.Duration // simulated, from the end of a tenth of the agents to all of them critical
	failedEntries uint64
	memory        int // bytes of heap, for each agent
}

func (c crowd) String() string {
	return fmt.Sprintf("%5d agents: joined after %5.1f s, all known %5.1f s later, %6.1f ms of CPU each; a minute takes %6.2f ms of CPU each and %3d log entries; a tenth that ends is critical after %5.1f s, %3d entries; %5.0f KB of memory each",
		c.agents, c.joined.Seconds(), c.known.Seconds(), c.join.Seconds()*1e3, c.idle.Seconds()*1e3, c.idleEntries, c.failed.Seconds(), c.failedEntries, float64(c.memory)/1e3)
}

// TestWhatACrowdCosts has many agents join at once, and a tenth of them end at once. It
// wants the log to have no more entries than it takes: nodes come and go in batches.
func TestWhatACrowdCosts(t *testing.T) {
	largest := 40
	if text := os.Getenv(envAgents); text != "" {
		var err error
		if largest, err = strconv.Atoi(text); err != nil {
			t.Fatalf("%s=%s: %v", envAgents, text, err)
		}
	}
	var last crowd
	for n := max(largest/8, 20); n <= largest; n *= 2 {
		c := gather(t, n)
		t.Log(c)
		if last.agents > 0 {
			grows := func(a, b time.Duration) float64 {
				return math.Log(b.Seconds()/a.Seconds()) / math.Log(float64(c.agents)/float64(last.agents))
			}
			t.Logf("      CPU of each that joins grows with n^%.2f, of each in a minute with n^%.2f", grows(last.join, c.join), grows(last.idle, c.idle))
		}
		// A minute of an idle cluster writes where agents are, in batches: three or four
		// for each 5 s, whatever their number.
		if limit := uint64(60 + n/8); c.idleEntries > limit {
			t.Errorf("%d entries in an idle minute of %d agents, want %d at most", c.idleEntries, n, limit)
		}
		if c.failedEntries > uint64(n) {
			t.Errorf("%d entries for %d agents that ended", c.failedEntries, n/10)
		}
		last = c
	}
}

// cpuTime is the processor time that this process has used, 0 where it cannot be known.
func cpuTime() time.Duration {
	stat, _ := os.ReadFile("/proc/self/stat") // Linux
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond // proc_pid_stat(5): ticks
}

func gather(t *testing.T, agents int) (cost crowd) {
	cost.agents = agents
	testcluster.Virtual(t, testcluster.Options{Servers: 3, Clients: agents, Lazy: true, Log: io.Discard}, func(c *testcluster.Cluster) {
		for _, s := range c.Servers() {
			s.Start()
		}
		c.WaitFor("a leader", c.HasLeader)
		before := measure(c).heap
		begin, used := time.Now(), cpuTime()
		for _, n := range c.Clients() {
			n.Start()
		}
		all := agents + 3
		cost.joined = until(c, begin, func() error { return statuses(c, all, 0) })
		cost.join = (cpuTime() - used) / time.Duration(agents)
		begin = time.Now()
		cost.known = until(c, begin, func() error { return knowEachOther(c, all) })
		time.Sleep(30 * time.Second) // words that are still passed on
		cost.memory = (measure(c).heap - before) / agents

		used = cpuTime()
		index := lastEntry(c)
		time.Sleep(time.Minute)
		cost.idle, cost.idleEntries = (cpuTime()-used)/time.Duration(all), lastEntry(c)-index

		begin, index = time.Now(), lastEntry(c)
		for _, n := range c.Clients()[:agents/10] {
			n.Crash()
		}
		cost.failed = until(c, begin, func() error { return statuses(c, all-agents/10, agents/10) })
		cost.failedEntries = lastEntry(c) - index
	})
	return cost
}

// until is how long it takes from begin until check succeeds, to a fifth of a second.
func until(c *testcluster.Cluster, begin time.Time, check func() error) time.Duration {
	for check() != nil && time.Since(begin) < 2*time.Minute {
		<-time.After(200 * time.Millisecond)
	}
	c.WaitFor("what was to come", check)
	return time.Since(begin)
}

// statuses wants so many nodes of the catalog to live, and so many to have failed.
func statuses(c *testcluster.Cluster, passing, critical int) error {
	for status, want := range map[string]int{"passing": passing, "critical": critical} {
		var checks []struct{ CheckID string }
		answer := c.Leader().Ask("", http.MethodGet, "/v1/health/state/"+status, "")
		if err := json.Unmarshal([]byte(answer.Body), &checks); err != nil {
			return err
		}
		if len(checks) != want {
			return fmt.Errorf("%d checks are %s, want %d", len(checks), status, want)
		}
	}
	return nil
}

// knowEachOther asks twenty of the agents.
func knowEachOther(c *testcluster.Cluster, all int) error {
	clients := c.Clients()
	for i := 0; i < len(clients); i += max(len(clients)/20, 1) {
		members, err := clients[i].Agent().Members(false)
		if err != nil {
			return err
		}
		if len(members) != all {
			return fmt.Errorf("%s knows %d members, want %d", clients[i].Name(), len(members), all)
		}
	}
	return nil
}

// lastEntry is the index of the newest entry of Raft's log.
func lastEntry(c *testcluster.Cluster) uint64 {
	var self struct {
		Stats struct {
			Raft struct {
				Last string `json:"last_log_index"`
			}
		}
	}
	_ = json.Unmarshal([]byte(c.Leader().Must("GET /v1/agent/self").Body), &self)
	index, _ := strconv.ParseUint(self.Stats.Raft.Last, 10, 64) // 0 is more than any limit below what comes
	return index
}
