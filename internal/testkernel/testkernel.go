package testkernel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/tinylib/msgp/msgp"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/memnet"
	"praetor/internal/rpc"
	"praetor/raftstore"
)

// Options say which server it is. The zero value is s1 in dc1 with the ID of ID(1), at
// 10.0.0.1:8300, whom gossip knows as Member(1), and who asks no token for rights.
type Options struct {
	kernel.Options // what is not set is filled in; LAN is always the Server's

	// Peers are the first Raft configuration; nil for this server alone.
	Peers []raftstore.Peer
	// Stateless leaves the log without a configuration: the server does not lead.
	Stateless bool
	// Unready leaves it to the test to make the leader ready.
	Unready bool
	// Register registers operations; nil for none.
	Register func(s *Server, m *kernel.Mux)
}

// Server is a kernel with what surrounds it.
type Server struct {
	*kernel.Kernel
	T       testing.TB // the bubble's: contexts are made of its own
	Pool    *Pool      // the LAN pool
	Network *memnet.Network
	Dialer  rpc.Dialer

	host *memnet.Host
}

// Address is where server i answers.
func Address(i int) string { return net.JoinHostPort(ip(i).String(), "8300") }

// Run runs a test of a server in a bubble. Unless it is to be Stateless or Unready it
// leads and is ready.
func Run(t *testing.T, o Options, test func(s *Server)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, memnet.New(), 1, o)
		defer s.close()
		test(s)
	})
}

// Also opens server i, of another datacenter, on the network of s, where others reach it.
// Servers that are told of it with SetServers ask it. It runs until the end of the test.
func (s *Server) Also(i int, o Options) *Server {
	s.T.Helper()
	other := open(s.T, s.Network, i, o)
	stop := serve(other.T, other.host, rpc.Identity{ID: other.ID, Datacenter: other.Datacenter}, other.Router)
	s.T.Cleanup(func() { stop(); other.close() })
	return other
}

// At is where s is, for SetServers.
func (s *Server) At() rpc.Server {
	return rpc.Server{ID: s.ID, Name: s.Name, Datacenter: s.Datacenter, Address: net.JoinHostPort(s.host.IP(), "8300")}
}

func open(t testing.TB, network *memnet.Network, i int, o Options) *Server {
	t.Helper()
	host := network.Host(ip(i).String())
	forRaft, err := host.Listen(8299)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{T: t, Pool: NewPool(Member(i, nil)), Network: network, host: host}
	o.fillDefaults(s, i)
	s.Dialer = rpc.Dialer{Network: host.Dial, Identity: rpc.Identity{ID: o.ID, Datacenter: o.Datacenter}}
	s.Kernel = kernel.New(o.Options)
	began := time.Now()
	s.Raft, err = raftstore.Open(raftstore.Options{
		ID: s.ID, Address: Address(i), Listener: forRaft, Dial: nobody, Machine: machine{s.Store}, Logger: s.Logger,
		Clock: func() time.Duration { return time.Since(began) },
	})
	if err != nil {
		t.Fatal(err)
	}
	m := kernel.NewMux(resolving{s})
	if o.Register != nil {
		o.Register(s, m)
	}
	s.Router = rpc.NewRouter(rpc.Options{
		Datacenter: s.Datacenter, Local: m.Serving(func(_ *rpc.Desc, next rpc.Handler) rpc.Handler { return next }),
		IsLeader: s.IsLeader, Leader: s.Leader, Dialer: s.Dialer,
	})
	if o.Stateless {
		return s
	}
	if err := s.Raft.Bootstrap(o.Peers); err != nil {
		t.Fatal(err)
	}
	for len(o.Peers) == 1 && !(s.Raft.IsLeader() && s.Raft.CaughtUp()) {
		time.Sleep(time.Millisecond)
	}
	if !o.Unready {
		s.MakeReady(s.Raft.Raft().CurrentTerm())
	}
	return s
}

func (o *Options) fillDefaults(s *Server, i int) {
	o.LAN = s.Pool
	if o.Name == "" {
		o.Name = fmt.Sprint("s", i)
	}
	if o.ID == "" {
		o.ID = ID(i)
	}
	if o.Datacenter == "" {
		o.Datacenter = "dc1"
	}
	if o.ACL == nil {
		o.ACL = acl.AllowAll{}
	}
	if o.DefaultQueryTime == 0 {
		o.DefaultQueryTime = 5 * time.Minute
	}
	if o.MaxQueryTime == 0 {
		o.MaxQueryTime = 10 * time.Minute
	}
	if o.Logger == nil {
		o.Logger = hclog.NewNullLogger()
	}
	if o.Peers == nil {
		o.Peers = []raftstore.Peer{{ID: o.ID, Address: Address(i), Voter: true}}
	}
}

// nobody is who answers servers that a test puts into the Raft configuration.
func nobody(context.Context, raftstore.Peer) (net.Conn, error) {
	return nil, errors.New("nobody is there")
}

func (s *Server) close() {
	if err := s.Router.Close(); err != nil {
		s.T.Errorf("close the router: %v", err)
	}
	if err := s.Raft.Close(); err != nil {
		s.T.Errorf("close the log: %v", err)
	}
}

// Log logs a command, which the catalog must take, and returns its result.
func (s *Server) Log(kind catalog.CommandType, command msgp.Marshaler) any {
	s.T.Helper()
	result, _, err := s.Apply(s.T.Context(), kind, command)
	if err != nil {
		s.T.Fatal(err)
	}
	return result
}

// machine lets the log drive the catalog.
type machine struct{ store *catalog.Store }

func (m machine) Apply(entries []raftstore.Entry) ([]any, error) {
	batch := make([]catalog.Entry, len(entries))
	for i, e := range entries {
		batch[i] = catalog.Entry{Index: e.Index, Data: e.Data}
	}
	return m.store.Apply(batch), nil
}

func (m machine) Snapshot() (raftstore.Snapshot, error) { return snapshot{m.store.Read()}, nil }
func (m machine) Restore(r io.Reader) error             { return m.store.Restore(r) }

type snapshot struct{ tx *catalog.Tx }

func (s snapshot) Write(w io.Writer) error { return s.tx.WriteSnapshot(w) }
