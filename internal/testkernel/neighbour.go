package testkernel

import (
	"context"
	"sync"
	"testing"

	"github.com/hashicorp/go-hclog"

	"praetor/internal/memnet"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// Neighbour is another server of dc1, at Address(i), of which only the port runs.
type Neighbour struct {
	mu    sync.Mutex
	peers ops.StatusPeersReply
	stats ops.StatusRaftReply

	stop func()
}

// SayPeers is what it says from now on that its Raft configuration has.
func (n *Neighbour) SayPeers(rep ops.StatusPeersReply) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.peers = rep
}

// SayStats is how far it says from now on that its log has come.
func (n *Neighbour) SayStats(rep ops.StatusRaftReply) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stats = rep
}

// Neighbour starts server i, which says of itself that its ID is id. It runs until the
// end of the test.
func (s *Server) Neighbour(i int, id string) *Neighbour {
	s.T.Helper()
	n := &Neighbour{}
	m := rpc.NewMux()
	rpc.Handle(m, ops.StatusPeers, func(context.Context, *ops.StatusRequest) (*ops.StatusPeersReply, error) {
		n.mu.Lock()
		defer n.mu.Unlock()
		rep := n.peers
		return &rep, nil
	})
	rpc.Handle(m, ops.StatusRaft, func(context.Context, *ops.StatusRequest) (*ops.StatusRaftReply, error) {
		n.mu.Lock()
		defer n.mu.Unlock()
		rep := n.stats
		return &rep, nil
	})
	host := s.Network.Host(ip(i).String())
	who := rpc.Identity{ID: id, Datacenter: s.Datacenter}
	router := rpc.NewRouter(rpc.Options{Datacenter: s.Datacenter, Local: m, Dialer: rpc.Dialer{Network: host.Dial, Identity: who}})
	stop := serve(s.T, host, who, router)
	n.stop = sync.OnceFunc(func() {
		stop()
		router.Close()
	})
	s.T.Cleanup(n.stop)
	return n
}

// serve answers at a host until stop is called, which waits for the end.
func serve(t testing.TB, host *memnet.Host, who rpc.Identity, router *rpc.Router) (stop func()) {
	t.Helper()
	port, err := host.Listen(8300)
	if err != nil {
		t.Fatal(err)
	}
	listener := rpc.NewListener(port, rpc.ListenerOptions{Identity: who})
	ctx, cancel := context.WithCancel(t.Context())
	var parts sync.WaitGroup
	parts.Go(func() { _ = listener.Run(ctx) })                                             // ends with ctx
	parts.Go(func() { _ = rpc.Serve(ctx, listener.RPC(), router, hclog.NewNullLogger()) }) // the same
	return func() {
		cancel()
		parts.Wait()
		listener.Close()
	}
}

// Stop ends it as a crash would.
func (n *Neighbour) Stop() { n.stop() }
