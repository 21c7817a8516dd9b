package testcluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/memberlist"

	"praetor/agent"
	"praetor/agent/config"
	"praetor/internal/logging"
	"praetor/internal/memnet"
)

// Node is one agent of a cluster.
type Node struct {
	c      *Cluster
	dc     int // from 0
	expect int // bootstrap_expect
	name   string
	ip     string
	dir    string
	server bool
	cut    bool
	born   time.Time
	slept  atomic.Int64 // nanoseconds, see Oversleep
	disk   disk

	// ConfigFile is a configuration file that Start reads too; "" for none.
	ConfigFile string
	// Config is HCL for this node alone.
	Config string

	agent  *agent.Agent // nil while it does not run
	cancel context.CancelFunc
	done   chan error
}

func newNode(c *Cluster, dc int, dir string) *Node {
	return &Node{c: c, dc: dc, born: time.Now(), dir: dir, ip: address(len(c.nodes))}
}

// address is that of the node that is added after so many.
func address(others int) string {
	const each = 250 // addresses of a network
	return fmt.Sprintf("127.78.%d.%d", 1+others/each, 1+others%each)
}

// joinAt is where the node finds the others of its datacenter.
func (n *Node) joinAt() string {
	if n.dc > 0 {
		return n.c.Abroad(n.dc - 1)[0].ip
	}
	return n.c.nodes[n.c.opts.Join].ip
}

// Name is the node's name in the cluster.
func (n *Node) Name() string { return n.name }

// IP is the node's address.
func (n *Node) IP() string { return n.ip }

// Wipe gives a node that does not run a new disk; MoveTo another address, and
// Rename another name. Data of the node before stay where they were.
func (n *Node) Wipe() { n.dir = filepath.Join(n.dir, "new") }

// MoveTo: see Wipe.
func (n *Node) MoveTo(ip string) { n.ip = ip }

// Rename: see Wipe.
func (n *Node) Rename(name string) { n.name = name }

// Dir is where the node keeps what it keeps.
func (n *Node) Dir() string { return filepath.Join(n.dir, "data") }

// Agent is the running agent.
func (n *Node) Agent() *agent.Agent { return n.agent }

// Move gives the node, which must not run, another address. Others that are
// started from now on join it there if it is the first, or Options.Join.
func (n *Node) Move(ip string) { n.ip = ip }

// Start runs the node, on the data it had before.
func (n *Node) Start() {
	n.c.t.Helper()
	if err := n.TryStart(); err != nil {
		n.c.t.Fatalf("open %s: %v", n.name, err)
	}
}

// TryStart is Start of a node that may refuse what it finds on its disk.
func (n *Node) TryStart() error {
	n.c.t.Helper()
	flags := &config.Flags{HCL: []string{n.config(), n.c.opts.Config, n.Config}}
	if n.ConfigFile != "" {
		flags.Files = []string{n.ConfigFile}
	}
	rt, _, err := config.Load(flags)
	if err != nil {
		n.c.t.Fatalf("configure %s: %v", n.name, err)
	}
	logger, err := logging.Open(logging.Options{Level: "WARN", Output: n.output()})
	if err != nil {
		n.c.t.Fatal(err)
	}
	a, err := agent.Open(context.Background(), agent.Options{Runtime: rt, Logger: logger, Network: n.network(), Clock: n.clock(), FileOp: n.fileOp()})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	n.agent, n.cancel, n.done = a, cancel, make(chan error, 1)
	go func(done chan<- error) { // stop, Crash and Leave wait for done
		err := a.Run(ctx)
		if err != nil {
			n.c.t.Errorf("%s ended by itself: %v", n.name, err)
		}
		done <- err
	}(n.done)
	return nil
}

// GossipKey is what Options.Encrypt gives.
const GossipKey = "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s="

func (n *Node) config() string {
	text := fmt.Sprintf("node_name = %q\ndata_dir = %q\nbind_addr = %q\nclient_addr = %q\nretry_interval = \"1s\"\nretry_join = [%q]\n",
		n.name, n.Dir(), n.ip, n.ip, n.joinAt())
	if len(n.c.opts.Abroad) > 0 {
		text += "primary_datacenter = \"dc1\"\n"
	}
	if n.dc > 0 {
		text += fmt.Sprintf("datacenter = \"dc%d\"\n", n.dc+1)
	}
	if n.dc > 0 && n.server {
		text += fmt.Sprintf("retry_join_wan = [%q]\nretry_interval_wan = \"1s\"\n", n.c.nodes[0].ip)
	}
	if n.c.opts.Encrypt {
		text += fmt.Sprintf("encrypt = %q\n", GossipKey)
	}
	if n.c.net != nil {
		text += "ports { dns = -1 }\n"
	}
	if !n.server {
		return text
	}
	text += "server = true\n"
	if n.expect > 0 {
		text += fmt.Sprintf("bootstrap_expect = %d\n", n.expect)
	}
	return text
}

// output shows warnings with the test's log.
func (n *Node) output() io.Writer {
	if n.c.opts.Log != nil {
		return named{n}
	}
	return testWriter{n}
}

// named says whose line it is.
type named struct{ n *Node }

// Write implements io.Writer.
func (w named) Write(p []byte) (int, error) {
	_, err := fmt.Fprintf(w.n.c.opts.Log, "%s: %s", w.n.name, p)
	return len(p), err
}

type testWriter struct{ n *Node }

// Write drops what comes after the test: memberlist's last probes outlive
// their pool, and a test's log must not be written once it is over.
func (w testWriter) Write(p []byte) (int, error) {
	c := w.n.c
	c.logMu.Lock()
	defer c.logMu.Unlock()
	if !c.over {
		c.t.Logf("%s: %s", w.n.name, p)
	}
	return len(p), nil
}

// network is nil, for real sockets, or the node's host on the pretend one.
func (n *Node) network() agent.Network {
	if n.c.net == nil {
		return nil
	}
	return host{n.c.net.Host(n.ip)}
}

// clock is nil, for the system's, or one that knows the pretend time.
func (n *Node) clock() func() time.Duration {
	if n.c.net == nil {
		return nil
	}
	return func() time.Duration { return time.Since(n.born) + time.Duration(n.slept.Load()) }
}

// Oversleep makes the node's clock jump, as if its process had been stopped, or its
// machine had slept, for d. Its timers know nothing of that. Virtual only.
func (n *Node) Oversleep(d time.Duration) { n.slept.Add(int64(d)) }

// host makes a pretend machine an agent's network.
type host struct{ *memnet.Host }

func (h host) Listen(address string) (net.Listener, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	p, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	return h.Host.Listen(p)
}

func (h host) Gossip(_ string, port int, _ hclog.Logger) (memberlist.Transport, error) {
	return h.Host.Gossip(port)
}

// Crash stops the node as a power cut would: others see it fail.
func (n *Node) Crash() {
	if n.agent == nil {
		return
	}
	n.cancel() // first: losing its sockets must not look like a fault of a part
	if n.c.net != nil {
		n.c.net.Crash(n.ip)
	}
	n.stop()
}

// Kill stops the node as kill -9 does, at a moment when nothing in the bubble computes: what
// its process does after is not in its folder when it starts again. With a slow disk that is
// also a moment between a write and its sync. Virtual only.
func (n *Node) Kill() {
	n.c.t.Helper()
	if n.agent == nil {
		return
	}
	synctest.Wait()
	n.disk.killed()
	left := filepath.Join(n.dir, "left")
	if err := os.CopyFS(left, os.DirFS(n.Dir())); err != nil {
		n.c.t.Fatalf("what %s leaves: %v", n.name, err)
	}
	n.Crash()
	if err := errors.Join(os.RemoveAll(n.Dir()), os.Rename(left, n.Dir())); err != nil {
		n.c.t.Fatalf("what %s leaves: %v", n.name, err)
	}
}

// Stop ends the node as a service manager does, to start it again soon.
func (n *Node) Stop() {
	n.c.t.Helper()
	if n.agent == nil {
		return
	}
	if err := n.stop(); err != nil {
		n.c.t.Errorf("stop %s: %v", n.name, err)
	}
}

// Leave makes the node say goodbye and waits until it is gone.
func (n *Node) Leave() error {
	if err := n.agent.Leave(); err != nil {
		return err
	}
	return n.stop()
}

// stop ends Run and closes the agent.
func (n *Node) stop() error {
	if n.agent == nil {
		return nil
	}
	n.cancel()
	var err error
	select {
	case err = <-n.done:
	case <-time.After(waitLimit):
		n.c.t.Fatalf("%s still runs %s after it was told to stop", n.name, waitLimit)
	}
	n.agent.Close()
	n.agent = nil
	return err
}

// Dial opens a connection to a port of the node, as a program on another machine does.
func (n *Node) Dial(ctx context.Context, port int) (net.Conn, error) {
	address := net.JoinHostPort(n.ip, strconv.Itoa(port))
	if n.c.net == nil {
		return new(net.Dialer).DialContext(ctx, "tcp", address)
	}
	return n.c.net.Host("127.78.9.1").Dial(ctx, address)
}
