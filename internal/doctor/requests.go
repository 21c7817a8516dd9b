package doctor

import (
	"context"
	"encoding/json"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/consul/api"
)

const (
	// The agent's log is followed for so long, to see who asks for what.
	listenFor = time.Second
	// Clients that wait for changes ask some times a minute. One that asks so often
	// in listenFor does not wait.
	floodRequests = 200
)

// examineRequests looks for clients that ask too much of the agent.
func examineRequests(ctx context.Context, p *patient, c *chart) {
	examineRefused(p, c)
	heard := listen(ctx, p)
	for host, asked := range heard {
		if asked.n >= floodRequests {
			c.add(Warning, "find the program on that machine (ss -tnp shows it; praetor monitor -log-level=debug shows each request), have it wait with ?index and ?wait; limits.request_limits bounds what gets through",
				"%s sends %d requests a second, most like %s", host, asked.n, asked.most())
		}
	}
	if len(heard) > 0 {
		c.add(OK, "", "%s asked in the last second", Plural(len(heard), "client"))
	}
}

// examineRefused looks for requests over a limit.
func examineRefused(p *patient, c *chart) {
	figures, err := p.cl.Agent().Metrics()
	if err != nil {
		return
	}
	for _, f := range figures.Counters {
		if f.Count > 0 && (strings.HasSuffix(f.Name, "rpc.rate_limit.exceeded") || strings.HasSuffix(f.Name, "client.rpc.exceeded")) {
			c.add(Warning, "the log of the agent names who asked (\"RPC exceeded\"): have it ask less, or raise limits.request_limits or limits.rpc_rate",
				"%d requests were over a limit in ten seconds (%s %s)", f.Count, f.Name, f.Labels["limit_type"])
		}
	}
}

// asked are the requests of one client.
type asked struct {
	n    int
	what map[string]int // by method and URL without query
}

func (a *asked) most() string {
	best, most := "", 0
	for what, n := range a.what {
		if n > most || n == most && what < best {
			best, most = what, n
		}
	}
	return best
}

// listen follows the agent's log for a moment and counts requests by client. This
// program's own are among them, too few to matter.
func listen(ctx context.Context, p *patient) map[string]*asked {
	ctx, cancel := context.WithTimeout(ctx, listenFor)
	defer cancel()
	stop := make(chan struct{})
	lines, err := p.cl.Agent().MonitorJSON("debug", stop, new(api.QueryOptions).WithContext(ctx))
	if err != nil {
		return nil
	}
	heard := map[string]*asked{}
	for line := range lines {
		if line == "" { // the log has ended, by ctx if by nothing else
			break
		}
		noteRequest(heard, line)
	}
	close(stop)
	for range lines { // until the library has seen it
	}
	return heard
}

func noteRequest(heard map[string]*asked, line string) {
	var said struct {
		Message string `json:"@message"`
		Method  string `json:"method"`
		URL     string `json:"url"`
		From    string `json:"from"`
	}
	if json.Unmarshal([]byte(line), &said) != nil || said.Message != "Request finished" {
		return
	}
	host, _, err := net.SplitHostPort(said.From)
	if err != nil {
		host = said.From
	}
	if heard[host] == nil {
		heard[host] = &asked{what: map[string]int{}}
	}
	path, _, _ := strings.Cut(said.URL, "?")
	heard[host].n++
	heard[host].what[said.Method+" "+path]++
}

// staleSnapshots is how many times the usual number of entries a log may hold after the
// last snapshot.
const staleSnapshots = 10

// examineLog looks for a log that went back, and for one that grows, since no snapshot
// can be made.
func examineLog(_ context.Context, p *patient, c *chart) {
	raft := p.self.Stats["raft"]
	applied, err := strconv.ParseUint(raft["applied_index"], 10, 64)
	if err != nil {
		return // no server
	}
	if lacks := raft["lacks"]; lacks != "" {
		c.add(Problem, "praetor help old-disk", "the disk of this server is older than what it acknowledged (%s): it does not vote until it has caught up with a leader", lacks)
	}
	last, err := strconv.ParseUint(raft["last_snapshot_index"], 10, 64)
	usual := uint64(max(p.self.DebugConfig.RaftSnapshotThreshold, 1))
	if err == nil && applied > last && applied-last > staleSnapshots*usual && p.self.DebugConfig.RaftSnapshotThreshold > 0 {
		c.add(Warning, "look for \"snapshot\" in this server's log; is there room in its data folder for another copy of all data?", "the log is not compacted: %d entries since the last snapshot, where %d are usual", applied-last, usual)
	}
}
