package rpc_test

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/internal/memnet"
	"praetor/internal/rpc"
	"praetor/internal/telemetry"
	"praetor/internal/tlsconf"
)

// The operations of the tests. Replies name the server that made them in
// Consistency.
var (
	opWrite = rpc.Write[rpc.WriteOptions, rpc.ReadMeta]("Test.Write")
	opRead  = rpc.Read[rpc.ReadOptions, rpc.ReadMeta]("Test.Read")
	opAny   = rpc.ReadAny[rpc.ReadOptions, rpc.ReadMeta]("Test.Any")
	opState = rpc.ReadState[rpc.ReadOptions, rpc.ReadMeta]("Test.State")
	opFire  = rpc.WriteAny[rpc.WriteOptions, rpc.ReadMeta]("Test.Fire")
)

// world is a few servers and client agents on a pretend network.
type world struct {
	t       *testing.T
	net     *memnet.Network
	servers []rpc.Server
	leaders map[string]*atomic.Pointer[string] // by datacenter: the leader's address
	nodes   []*node
	metrics *telemetry.Metrics                            // of the servers started from now on; nil for none
	logger  hclog.Logger                                  // likewise
	keys    func(of, datacenter string) [][]byte          // the gossip keys that somebody shares with a datacenter; nil for none
	tls     func(name, datacenter string) *tlsconf.Source // what somebody started from now on is secured with; nil for nothing
}

// identity is who a node says it is.
func (w *world) identity(name, datacenter string) rpc.Identity {
	id := rpc.Identity{ID: name, Datacenter: datacenter}
	if w.keys != nil {
		id.Keys = func(of string) [][]byte { return w.keys(name, of) }
	}
	return id
}

func (w *world) dialer(n *node, datacenter string) rpc.Dialer {
	if w.tls != nil && n.tls == nil {
		n.tls = w.tls(n.name, datacenter)
	}
	return rpc.Dialer{Identity: w.identity(n.name, datacenter), Network: w.net.Host(n.ip).Dial, TLS: rpc.Outgoing(n.tls)}
}

// node is one server or client agent.
type node struct {
	router  *rpc.Router
	address string
	name    string
	ip      string
	stop    func()
	current bool   // it has what the leader has, whenever it is asked
	says    string // the datacenter it says it is of, "" for the true one
	tls     *tlsconf.Source

	mu      sync.Mutex
	handled int // requests its handlers saw
	tokens  []string
	write   func(context.Context, *rpc.WriteOptions) (*rpc.ReadMeta, error)
	read    func(context.Context, *rpc.ReadOptions) (*rpc.ReadMeta, error)
}

// inBubble runs f in virtual time and stops everything afterwards, once with requests that
// travel alone and once with brief ones in batches.
func inBubble(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			travelBriefly(way.brief)
			bubble(t, f)
		})
	}
}

func travelBriefly(brief bool) {
	for _, op := range []*rpc.Desc{opWrite.Desc, opRead.Desc, opAny.Desc, opState.Desc, opFire.Desc} {
		op.Brief = brief
	}
}

func bubble(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, net: memnet.New(), leaders: map[string]*atomic.Pointer[string]{}}
		defer func() {
			for _, n := range w.nodes {
				n.stop()
			}
		}()
		f(t, w)
	})
}

// pass lets virtual time pass.
func pass(d time.Duration) { time.Sleep(d) }

func (w *world) leaderOf(datacenter string) *atomic.Pointer[string] {
	p := w.leaders[datacenter]
	if p == nil {
		p = &atomic.Pointer[string]{}
		none := ""
		p.Store(&none)
		w.leaders[datacenter] = p
	}
	return p
}

// elect makes a node, or nobody, the leader of a datacenter.
func (w *world) elect(datacenter string, n *node) {
	address := ""
	if n != nil {
		address = n.address
	}
	w.leaderOf(datacenter).Store(&address)
}

// server starts a server and tells everybody.
func (w *world) server(datacenter, ip string) *node {
	w.t.Helper()
	n := &node{name: "server " + ip, ip: ip, address: ip + ":8300"}
	w.restart(datacenter, n)
	w.nodes = append(w.nodes, n)
	w.servers = append(w.servers, rpc.Server{ID: n.name, Name: n.name, Datacenter: datacenter, Address: n.address})
	w.tellAll()
	return n
}

// restart builds the parts of a server.
func (w *world) restart(datacenter string, n *node) {
	w.t.Helper()
	w.restartAs(datacenter, n, serveRPC)
}

// restartAs is restart with a Serve of its own.
func (w *world) restartAs(datacenter string, n *node, answer serving) {
	w.t.Helper()
	leader := w.leaderOf(datacenter)
	n.router = rpc.NewRouter(rpc.Options{
		Datacenter: datacenter,
		Local:      n.mux(),
		IsLeader:   func() bool { return *leader.Load() == n.address },
		InRaft:     func(id string) bool { return strings.HasPrefix(id, "server ") },
		Metrics:    w.metrics,
		Logger:     w.logger,
		CatchUp:    func(ctx context.Context, _ *rpc.ReadOptions) (context.Context, bool) { return ctx, n.current },
		Abroad:     func(token string) string { return strings.TrimPrefix(token, "local") },
		Leader:     func() rpc.Server { return rpc.Server{Datacenter: datacenter, Address: *leader.Load()} },
		Dialer:     w.dialer(n, datacenter),
		IsServer:   n.isServer,
	})
	port, err := w.net.Host(n.ip).Listen(8300)
	if err != nil {
		w.t.Fatal(err)
	}
	said := datacenter
	if n.says != "" {
		said = n.says
	}
	n.stop = serve(w.t, port, rpc.ListenerOptions{Identity: w.identity(n.name, said), TLS: n.tls}, n.router, answer)
}

// serving is how a server answers its connections.
type serving func(context.Context, net.Listener, *rpc.Router) error

func serveRPC(ctx context.Context, l net.Listener, router *rpc.Router) error {
	return rpc.Serve(ctx, l, router, nil)
}

// serve runs a server's port until the returned function is called.
func serve(t testing.TB, port net.Listener, opts rpc.ListenerOptions, router *rpc.Router, answer serving) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	l := rpc.NewListener(port, opts)
	var parts sync.WaitGroup
	parts.Go(func() {
		if err := l.Run(ctx); err != nil && !errors.Is(err, net.ErrClosed) { // a crashed host's port is gone
			t.Error("listener:", err)
		}
	})
	parts.Go(func() {
		if err := answer(ctx, l.RPC(), router); err != nil && ctx.Err() != nil {
			t.Error("serve:", err)
		}
	})
	return sync.OnceFunc(func() {
		cancel()
		parts.Wait()
		if err := router.Close(); err != nil {
			t.Error("close router:", err)
		}
	})
}

// client starts a client agent.
func (w *world) client(datacenter, ip string) *node {
	n := &node{name: "client " + ip, ip: ip}
	n.router = rpc.NewRouter(rpc.Options{Datacenter: datacenter, Dialer: w.dialer(n, datacenter)})
	n.stop = func() { n.router.Close() }
	w.nodes = append(w.nodes, n)
	w.tellAll()
	return n
}

// tellAll gives every node the list of servers, as gossip does.
func (w *world) tellAll() {
	var datacenters []string
	for d := range w.leaders {
		datacenters = append(datacenters, d)
	}
	for _, n := range w.nodes {
		n.router.SetServers(w.servers, datacenters)
	}
}

func (n *node) isServer(cert *x509.Certificate, datacenter string) bool {
	return n.tls.IsServer(cert, datacenter)
}

func (n *node) mux() *rpc.Mux {
	m := rpc.NewMux()
	write := func(ctx context.Context, o *rpc.WriteOptions) (*rpc.ReadMeta, error) {
		n.saw(o.Token)
		if n.write != nil {
			return n.write(ctx, o)
		}
		return &rpc.ReadMeta{Consistency: n.name}, nil
	}
	rpc.Handle(m, opWrite, write)
	rpc.Handle(m, opFire, write)
	read := func(ctx context.Context, o *rpc.ReadOptions) (*rpc.ReadMeta, error) {
		n.saw(o.Token)
		if n.read != nil {
			return n.read(ctx, o)
		}
		return &rpc.ReadMeta{Consistency: n.name}, nil
	}
	rpc.Handle(m, opRead, read)
	rpc.Handle(m, opState, read)
	rpc.Handle(m, opAny, read)
	n.carry(m)
	return m
}

func (n *node) saw(token string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.handled++
	n.tokens = append(n.tokens, token)
}

func (n *node) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.handled
}

func (n *node) doWrite(o rpc.WriteOptions) (string, error) {
	rep, err := opWrite.Call(context.Background(), n.router, &o)
	return by(rep), err
}

func (n *node) doRead(o rpc.ReadOptions) (string, error) {
	rep, err := opRead.Call(context.Background(), n.router, &o)
	return by(rep), err
}

func (n *node) doAny() (string, error) {
	rep, err := opAny.Call(context.Background(), n.router, &rpc.ReadOptions{})
	return by(rep), err
}

func by(rep *rpc.ReadMeta) string {
	if rep == nil {
		return ""
	}
	return rep.Consistency
}

// wantBy checks who answered.
func wantBy(t testing.TB, want *node, got string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("answered with an error: %v, want an answer of %s", err, want.name)
	}
	if got != want.name {
		t.Fatalf("answered by %q, want %q", got, want.name)
	}
}
