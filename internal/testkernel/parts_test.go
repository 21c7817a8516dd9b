package testkernel_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/hashicorp/serf/coordinate"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/gossip"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
	"praetor/internal/testkernel"
	"praetor/raftstore"
)

// TestMembersAreWhatGossipShows: the tags are read by whoever asks who a member is.
func TestMembersAreWhatGossipShows(t *testing.T) {
	server := testkernel.Member(2, func(tags *gossip.ServerTags) { tags.Datacenter = "dc9" })
	info, ok := gossip.ParseServer(server)
	if !ok || info.ID != testkernel.ID(2) || info.Datacenter != "dc9" || server.Tags["port"] != "8300" || server.Name != "s2" || server.Addr.String() != "10.0.0.2" || server.Status != gossip.Alive {
		t.Errorf("%+v of %+v, %t", info, server, ok)
	}
	client := testkernel.Client("c", 3)
	if _, ok := gossip.ParseServer(client); ok || client.Tags["id"] != testkernel.ID(103) || client.Addr.String() != "10.0.1.3" {
		t.Errorf("a client is %+v, a server: %t", client, ok)
	}
	if failed := testkernel.As(client, gossip.Failed); failed.Status != gossip.Failed || client.Status != gossip.Alive || failed.Name != "c" {
		t.Errorf("%+v, and before %+v", failed, client)
	}
	if testkernel.ID(7) != "00000007-0000-0000-0000-000000000000" || testkernel.Address(7) != "10.0.0.7:8300" {
		t.Errorf("server 7 is %s at %s", testkernel.ID(7), testkernel.Address(7))
	}
}

func TestPoolSaysWhatItsTestChose(t *testing.T) {
	one, two := testkernel.Member(1, nil), testkernel.As(testkernel.Member(2, nil), gossip.Failed)
	p := testkernel.NewPool(one)
	p.Set(one, two)
	if names := p.Members(); len(names) != 2 || names[1].Name != "s2" {
		t.Errorf("members: %+v", names)
	}
	if _, err := p.Ask(t.Context(), "s1", "q", nil); !errors.Is(err, gossip.ErrNoAnswer) {
		t.Errorf("nobody answers: %v", err)
	}
	p.Answer = func(member, name string, payload []byte) ([]byte, error) {
		return append([]byte(member+name), payload...), nil
	}
	if got, err := p.Ask(t.Context(), "s1", "q", []byte("!")); err != nil || string(got) != "s1q!" {
		t.Errorf("%s, %v", got, err)
	}
	if who, err := p.Identify(t.Context(), one); err != nil || who.Name != "s1" || who.ID != testkernel.ID(1) {
		t.Errorf("who lives says %+v, %v", who, err)
	}
	if who, err := p.Identify(t.Context(), two); err == nil {
		t.Errorf("who failed says %+v", who)
	}
	p.Who = func(gossip.Member) (gossip.Identity, error) { return gossip.Identity{Name: "another"}, nil }
	if who, err := p.Identify(t.Context(), two); err != nil || who.Name != "another" {
		t.Errorf("%+v, %v", who, err)
	}
	p.Fault = errors.New("full")
	if err := errors.Join(p.Fire("e", []byte("x")), p.ForceLeave("s2", true)); !errors.Is(err, p.Fault) {
		t.Errorf("it does not fail: %v", err)
	}
	if did := p.Did(); !slices.Equal(did, []string{"fire e x", "leave s2, prune true"}) {
		t.Errorf("it did %q", did)
	}
	here, there := &coordinate.Coordinate{Height: 1}, &coordinate.Coordinate{Height: 2}
	p.Places = map[string]*coordinate.Coordinate{"": here, "s2": there}
	if p.Coordinate() != here || p.CachedCoordinate("s2") != there || p.CachedCoordinate("s3") != nil {
		t.Error("members are elsewhere than the test said")
	}
}

func TestRightsAreThoseThatAreListed(t *testing.T) {
	rights := testkernel.Rights{acl.Key.Read("a")}
	for token, want := range map[string][2]bool{"": {true, true}, "t": {true, false}} {
		az, err := rights.Resolve(t.Context(), token)
		if err != nil || az.Allows(acl.Key.Read("a")) != want[0] || az.Allows(acl.Key.Read("b")) != want[1] {
			t.Errorf("token %q: %v", token, err)
		}
	}
	if _, err := rights.Resolve(t.Context(), "other"); fault.KindOf(err) != fault.Denied || err.Error() != "ACL not found" {
		t.Errorf("a token that does not exist: %v", err)
	}
}

// peersAt asks a server for its peers, over the network.
func peersAt(s *testkernel.Server, i int) (*ops.StatusPeersReply, error) {
	at := rpc.Server{ID: testkernel.ID(i), Datacenter: "dc1", Address: testkernel.Address(i)}
	rep, err := s.Router.DoAt(s.T.Context(), at, ops.StatusPeers.Desc, &ops.StatusRequest{})
	if err != nil {
		return nil, err
	}
	return rep.(*ops.StatusPeersReply), nil
}

// TestANeighbourAnswersUntilItStops: it is a server of which only the port runs.
func TestANeighbourAnswersUntilItStops(t *testing.T) {
	testkernel.Run(t, testkernel.Options{}, func(s *testkernel.Server) {
		n := s.Neighbour(2, testkernel.ID(2))
		n.SayPeers(ops.StatusPeersReply{Addresses: []string{"a", "b"}})
		if rep, err := peersAt(s, 2); err != nil || !slices.Equal(rep.Addresses, []string{"a", "b"}) {
			s.T.Errorf("%+v, %v", rep, err)
		}
		n.Stop()
		if rep, err := peersAt(s, 2); err == nil {
			s.T.Errorf("it stopped, and answers %+v", rep)
		}
	})
}

// TestWhichServersLead: whoever has the log to itself; not who has no configuration, nor who is
// one of several.
func TestWhichServersLead(t *testing.T) {
	three := []raftstore.Peer{{ID: testkernel.ID(1), Address: testkernel.Address(1), Voter: true}, {ID: testkernel.ID(2), Address: testkernel.Address(2), Voter: true}}
	for name, c := range map[string]struct {
		o     testkernel.Options
		leads bool
	}{
		"alone":                {testkernel.Options{}, true},
		"without a log":        {testkernel.Options{Stateless: true}, false},
		"one of several":       {testkernel.Options{Peers: three, Unready: true}, false},
		"alone, but not ready": {testkernel.Options{Unready: true}, true},
	} {
		testkernel.Run(t, c.o, func(s *testkernel.Server) {
			if s.Raft.IsLeader() != c.leads || s.Name != "s1" || s.ID != testkernel.ID(1) || s.Datacenter != "dc1" {
				s.T.Errorf("%s: leads %t, and is %s %s of %s", name, s.Raft.IsLeader(), s.Name, s.ID, s.Datacenter)
			}
		})
	}
}

// TestAnotherDatacenterIsAsked over the network, and has a catalog of its own.
func TestAnotherDatacenterIsAsked(t *testing.T) {
	register := func(s *testkernel.Server, m *kernel.Mux) {
		kernel.HandleList(m, s.Kernel, ops.CatalogNodes, kernel.Nodes, func(_ *ops.CatalogNodesRequest, rep *ops.CatalogNodesReply) kernel.List[*catalog.Node] {
			return kernel.List[*catalog.Node]{Rows: (*catalog.Tx).Nodes, Into: &rep.Nodes}
		})
	}
	testkernel.Run(t, testkernel.Options{Register: register}, func(s *testkernel.Server) {
		other := s.Also(5, testkernel.Options{Options: kernel.Options{Datacenter: "dc2"}, Register: register})
		other.Log(catalog.RegisterCommand, &catalog.Register{Node: "there", Address: "10.0.1.1"})
		if at := other.At(); at.Address != testkernel.Address(5) || at.Datacenter != "dc2" || at.ID != testkernel.ID(5) || at.Name != "s5" {
			s.T.Errorf("it is at %+v", at)
		}
		s.Router.SetServers([]rpc.Server{other.At()}, []string{"dc1", "dc2"})
		for dc, want := range map[string]int{"": 0, "dc1": 0, "dc2": 1} {
			rep, err := ops.CatalogNodes.Call(s.T.Context(), s.Router, &ops.CatalogNodesRequest{ReadOptions: rpc.ReadOptions{Datacenter: dc}})
			if err != nil || len(rep.Nodes) != want {
				s.T.Errorf("of %q: %+v, %v", dc, rep, err)
			}
		}
	})
}
