package testcluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"praetor/internal/memnet"
	"praetor/internal/ops"
)

// Options says what cluster to run.
type Options struct {
	Servers int
	Clients int
	// Abroad are other datacenters, dc2 and so on, whose primary is dc1. They count for
	// nothing that is said of the cluster below.
	Abroad []Site
	// Encrypt gives every node a gossip key.
	Encrypt bool
	// Config is HCL that every node gets beside what it needs to run.
	Config string
	// Expect gives bootstrap_expect of server i of dc1, from 0; nil means all expect
	// all. 0 means the server is not told.
	Expect func(i int) int
	// Join is the node that all join, 0 by default.
	Join int
	// Lazy starts no node: the test does, in the order it likes.
	Lazy bool
	// Log gets what nodes log, nil for the test's log.
	Log io.Writer
}

// Site is a datacenter beside dc1.
type Site struct{ Servers, Clients int }

// Cluster is a running cluster.
type Cluster struct {
	t      testing.TB
	opts   Options
	net    *memnet.Network   // nil on the real ground
	nodes  []*Node           // dc1 and then each Site: servers first
	acked  map[string]string // keys written and acknowledged
	tokens int               // granted

	vanished [][2]string // addresses that were cut from each other for good

	logMu sync.Mutex
	over  bool // the test's log is closed
}

// lastProbes is how long memberlist's probes may outlive a pool: one of the WAN pool
// takes 5 s, and up to 8 times as long where the node takes itself for unhealthy.
const lastProbes = 45 * time.Second

// Virtual runs test on a cluster in a synctest bubble.
func Virtual(t *testing.T, opts Options, test func(c *Cluster)) {
	t.Helper()
	dirs := tempDirs(t, opts)
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, opts, dirs)
		c.net = memnet.New()
		defer time.Sleep(lastProbes)
		c.run(test)
	})
}

// Real runs test on a cluster with sockets on the loopback network.
func Real(t *testing.T, opts Options, test func(c *Cluster)) {
	t.Helper()
	c := newCluster(t, opts, tempDirs(t, opts))
	if l, err := net.Listen("tcp", c.nodes[0].ip+":0"); err != nil {
		t.Skipf("this system does not route %s to itself (%v): needs Linux, or an alias on the loopback interface", c.nodes[0].ip, err)
	} else {
		l.Close()
	}
	c.run(test)
}

// tempDirs makes the data folders outside the bubble, whose clock they would
// otherwise wait for when they are removed.
func tempDirs(t testing.TB, opts Options) []string {
	nodes := opts.Servers + opts.Clients
	for _, site := range opts.Abroad {
		nodes += site.Servers + site.Clients
	}
	dirs := make([]string, nodes)
	for i := range dirs {
		dirs[i] = t.TempDir()
	}
	return dirs
}

func newCluster(t testing.TB, opts Options, dirs []string) *Cluster {
	c := &Cluster{t: t, opts: opts, acked: map[string]string{}}
	servers, clients := 0, 0
	for dc, site := range append([]Site{{opts.Servers, opts.Clients}}, opts.Abroad...) {
		for i := range site.Servers + site.Clients {
			n := newNode(c, dc, dirs[len(c.nodes)])
			if n.server = i < site.Servers; n.server {
				servers++
				n.name, n.expect = fmt.Sprint("server-", servers), site.Servers
				if dc == 0 && opts.Expect != nil {
					n.expect = opts.Expect(i)
				}
			} else {
				clients++
				n.name = fmt.Sprint("client-", clients)
			}
			c.nodes = append(c.nodes, n)
		}
	}
	return c
}

func (c *Cluster) run(test func(*Cluster)) {
	c.t.Helper()
	defer c.stopAll()
	if !c.opts.Lazy {
		for _, n := range c.nodes {
			n.Start()
		}
		c.WaitFor("a leader everywhere", c.leaderEverywhere)
	}
	test(c)
	if !c.t.Failed() {
		c.check()
	}
}

func (c *Cluster) stopAll() {
	for _, n := range c.nodes {
		n.stop()
	}
	for _, pair := range c.vanished { // or dials would wait there longer than lastProbes
		c.net.Heal(pair[0], pair[1])
	}
	c.logMu.Lock()
	defer c.logMu.Unlock()
	c.over = true
}

// Node returns node i of dc1: servers first, then clients.
func (c *Cluster) Node(i int) *Node { return c.nodes[i] }

// Host is another machine on the pretend network. Virtual only.
func (c *Cluster) Host(ip string) *memnet.Host { return c.net.Host(ip) }

// Net is the pretend network. Virtual only.
func (c *Cluster) Net() *memnet.Network { return c.net }

// home are the nodes of dc1.
func (c *Cluster) home() []*Node { return c.nodes[:c.opts.Servers+c.opts.Clients] }

// Servers and Clients list the nodes of each kind, running or not.
func (c *Cluster) Servers() []*Node { return c.nodes[:c.opts.Servers] }

func (c *Cluster) Clients() []*Node { return c.home()[c.opts.Servers:] }

// Abroad lists the nodes of dc2, or, with 1, of dc3, and so on: servers first.
func (c *Cluster) Abroad(site int) []*Node {
	nodes := c.nodes[len(c.home()):]
	for _, s := range c.opts.Abroad[:site] {
		nodes = nodes[s.Servers+s.Clients:]
	}
	return nodes[:c.opts.Abroad[site].Servers+c.opts.Abroad[site].Clients]
}

// alive lists the running nodes among some.
func alive(nodes []*Node) []*Node {
	var list []*Node
	for _, n := range nodes {
		if n.agent != nil {
			list = append(list, n)
		}
	}
	return list
}

// waitLimit bounds every wait: longer than any timeout of the system.
const waitLimit = 2 * time.Minute

// WaitFor tries check until it succeeds; when it gives up it prints check's
// last reason.
func (c *Cluster) WaitFor(what string, check func() error) {
	c.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for begin := time.Now(); ; <-tick.C {
		err := check()
		if err == nil {
			return
		}
		if time.Since(begin) > waitLimit {
			c.t.Fatalf("no %s after %s: %v", what, waitLimit, err)
		}
	}
}

// Try tries check until it succeeds, or for as long as limit says.
func (c *Cluster) Try(limit time.Duration, check func() bool) bool {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for begin := time.Now(); !check(); <-tick.C {
		if time.Since(begin) > limit {
			return false
		}
	}
	return true
}

// HasLeader reports whether a running server that is not cut off leads.
func (c *Cluster) HasLeader() error {
	if c.leader() == nil {
		return errors.New("no server leads")
	}
	return nil
}

func (c *Cluster) leader() *Node {
	for _, n := range alive(c.Servers()) {
		if !n.cut && n.agent.Server().IsLeader() {
			return n
		}
	}
	return nil
}

// Leader returns the server that leads, waiting for one.
func (c *Cluster) Leader() *Node {
	c.t.Helper()
	c.WaitFor("a leader", c.HasLeader)
	return c.leader()
}

// leaderEverywhere reports whether every running node knows a leader.
func (c *Cluster) leaderEverywhere() error {
	for _, n := range alive(c.nodes) {
		rep, err := ops.StatusLeader.Call(context.Background(), n.agent.Router(), &ops.StatusRequest{})
		if err != nil {
			return fmt.Errorf("%s: %w", n.name, err)
		}
		if rep.Address == "" {
			return fmt.Errorf("%s knows no leader", n.name)
		}
	}
	return nil
}

// Cut separates a node from all others; Heal ends it. Virtual only.
func (c *Cluster) Cut(n *Node) {
	for _, m := range c.nodes {
		if m != n {
			c.net.Cut(n.ip, m.ip)
		}
	}
	n.cut = true
}

// Vanish makes an address one where nobody answers, not even with a refusal, like
// that of a machine that is gone, for all nodes at their present addresses.
// Virtual only; the end of the test ends it.
func (c *Cluster) Vanish(ip string) {
	for _, m := range c.nodes {
		if m.ip != ip {
			c.net.Cut(ip, m.ip)
			c.vanished = append(c.vanished, [2]string{ip, m.ip})
		}
	}
}

// Heal reconnects a node.
func (c *Cluster) Heal(n *Node) {
	for _, m := range c.nodes {
		if m != n {
			c.net.Heal(n.ip, m.ip)
		}
	}
	n.cut = false
}
