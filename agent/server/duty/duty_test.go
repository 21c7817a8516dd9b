package duty_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/agent/server/duty"
	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/gossip"
	"praetor/internal/testkernel"
	"praetor/raftstore"
)

// room is a server with duties that it does when the test says so.
type room struct {
	*testkernel.Server
	duties *duty.Set
}

// within runs a test of a server in a bubble.
func within(t *testing.T, o duty.Options, k testkernel.Options, test func(r room)) {
	t.Helper()
	var r room
	o.Address = testkernel.Address(1)
	k.Register = func(s *testkernel.Server, m *kernel.Mux) {
		o.Dialer = s.Dialer
		r = room{s, duty.New(s.Kernel, o)}
		r.duties.Register(m)
	}
	testkernel.Run(t, k, func(*testkernel.Server) { test(r) })
}

// leading is within a server that leads.
func leading(t *testing.T, test func(r room)) {
	t.Helper()
	within(t, dutyOptions, testkernel.Options{}, test)
}

// peers are the Raft peers as "ID address", those that vote with a star, by ID without
// its zeros.
func (r room) peers() []string {
	r.T.Helper()
	list, err := r.Raft.Peers()
	if err != nil {
		r.T.Fatal(err)
	}
	var words []string
	for _, p := range list {
		words = append(words, short(p))
	}
	slices.Sort(words)
	return words
}

func short(p raftstore.Peer) string {
	word := p.ID[7:8] + " " + p.Address
	if p.Voter {
		word += "*"
	}
	return word
}

// serf is what the catalog has of a node's serfHealth, "" for nothing.
func (r room) serf(node string) string {
	if c := kernel.CheckWithID(r.Store.Read(), node, catalog.SerfHealth); c != nil {
		return c.Status
	}
	return ""
}

func (r room) node(name string) *catalog.Node {
	n, _ := kernel.NodeNamed(r.Store.Read(), name)
	return n
}

// known registers a node as the leader does for a member, with a status.
func (r room) known(m gossip.Member, status string) {
	r.T.Helper()
	r.Log(catalog.RegisterCommand, &catalog.Register{
		Node: m.Name, ID: m.Tags["id"], Address: m.Addr.String(),
		Checks: []*catalog.Check{{Node: m.Name, CheckID: catalog.SerfHealth, Name: "Serf Health Status", Status: status}},
	})
}

// client is a client of the pool, its node ID the one of server number i.
func client(name string, i int) gossip.Member { return testkernel.Client(name, i) }

func server(i int, change func(*gossip.ServerTags)) gossip.Member {
	return testkernel.Member(i, change)
}

func expecting(n int) func(*gossip.ServerTags) {
	return func(t *gossip.ServerTags) { t.Expect = n }
}

// log is what a server says.
type log struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write is for io.Writer.
func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) logger() hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{Output: l, Level: hclog.Debug})
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *log) count(text string) int { return strings.Count(l.String(), text) }

// dutyOptions are of a server that was told nothing.
var dutyOptions = duty.Options{LeaveDrainTime: 5 * time.Second, Autopilot: duty.DefaultAutopilot}

// serving has the server do its duties until the end of the test, and waits until it has
// taken them up.
func (r room) serving() {
	r.T.Helper()
	ctx, cancel := context.WithCancel(r.T.Context())
	var done sync.WaitGroup
	done.Go(func() {
		if err := r.duties.RunLeadership(ctx); err != nil {
			r.T.Error(err)
		}
	})
	r.T.Cleanup(func() { cancel(); done.Wait() })
	for !r.IsLeader() {
		time.Sleep(time.Millisecond)
	}
	synctest.Wait()
}
