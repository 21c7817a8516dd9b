package testcluster_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/hashicorp/go-msgpack/v2/codec"
	"github.com/hashicorp/memberlist"

	"praetor/catalog"
	"praetor/internal/testcluster"
)

// encode is a message of memberlist or serf.
func encode(t testing.TB, kind byte, value any) []byte {
	t.Helper()
	var buf bytes.Buffer
	buf.WriteByte(kind)
	if err := codec.NewEncoder(&buf, &codec.MsgpackHandle{}).Encode(value); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// forgery is what somebody may say of a member on the network.
func leaveOf(t testing.TB, name string, ltime uint64) []byte {
	return append([]byte{8}, encode(t, 0, struct {
		LTime uint64
		Node  string
		Prune bool
	}{ltime, name, true})...)
}

func deathOf(t testing.TB, name string, incarnation uint32) []byte {
	return encode(t, 5, struct {
		Incarnation uint32
		Node, From  string
	}{incarnation, name, name})
}

// register gives a node a service.
func register(t testing.TB, n *testcluster.Node, service string) {
	t.Helper()
	if err := client(t, n).Agent().ServiceRegister(&api.AgentServiceRegistration{Name: service}); err != nil {
		t.Fatal(err)
	}
}

// forger sends packets to all nodes.
func forger(t testing.TB, c *testcluster.Cluster) (send func(packet []byte), stop func() error) {
	t.Helper()
	transport, err := c.Host("127.78.9.9").Gossip(8301)
	if err != nil {
		t.Fatal(err)
	}
	return func(packet []byte) {
		for _, n := range append(c.Servers()[:3:3], c.Clients()...) {
			if _, err := transport.(memberlist.NodeAwareTransport).WriteTo(packet, n.IP()+":8301"); err != nil {
				t.Fatal(err)
			}
		}
	}, transport.Shutdown
}

func wantMembers(c *testcluster.Cluster, t testing.TB, want int) error {
	for _, n := range append(c.Servers()[:len(c.Servers()):len(c.Servers())], c.Clients()...) {
		members, err := client(t, n).Agent().Members(false)
		if err != nil {
			return err
		}
		alive := 0
		for _, m := range members {
			if m.Status == 1 {
				alive++
			}
		}
		if alive != want {
			var all []string
			for _, m := range members {
				all = append(all, fmt.Sprint(m.Name, "=", m.Status))
			}
			return fmt.Errorf("%s has %d alive, want %d: %v", n.Name(), alive, want, all)
		}
	}
	return nil
}

// lock makes a session on a node, bound to its being alive, hold a key.
func lock(t testing.TB, n *testcluster.Node) (held func() error) {
	t.Helper()
	cl := client(t, n)
	id, _, err := cl.Session().Create(&api.SessionEntry{TTL: ""}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if ok, _, err := cl.KV().Acquire(&api.KVPair{Key: "lock/" + n.Name(), Session: id}, nil); err != nil || !ok {
		t.Fatalf("lock: %v, %v", ok, err)
	}
	return func() error {
		pair, _, err := cl.KV().Get("lock/"+n.Name(), nil)
		if err != nil {
			return err
		}
		if pair.Session != id {
			return errors.New("the lock is lost")
		}
		return nil
	}
}

func TestWhatIsForgedAboutALivingMemberCostsItNothing(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 3, Clients: 1}, func(c *testcluster.Cluster) {
		c.PutKV("a", "1")
		victim := c.Clients()[0]
		register(t, victim, "web")
		c.WaitFor("web", func() error { return wantService(c, "web", 1) })
		c.WaitFor("members", func() error { return wantMembers(c, t, 4) })
		c.WaitFor("peers", func() error { return wantPeers(c, 3) })
		pass(20 * time.Second) // until all vote
		held := lock(t, victim)
		send, stop := forger(t, c)
		defer stop()
		unharmed := func(when string) {
			t.Helper()
			for what, err := range map[string]error{
				"service": wantService(c, "web", 1), "peers": wantPeers(c, 3), "lock": held(), "members": wantMembers(c, t, 4),
				"health": wantHealth(c, victim.Name(), catalog.Passing),
			} {
				if err != nil {
					t.Errorf("%s: %s: %v", when, what, err)
				}
			}
		}
		leader := c.Leader()
		victims := []string{victim.Name(), leader.Name()}
		for _, n := range c.Servers() {
			if n != leader {
				victims = append(victims, n.Name())
			}
		}
		for _, ltime := range []uint64{1000, 1 << 40, math.MaxUint64} {
			for _, name := range victims {
				for range 3 {
					send(leaveOf(t, name, ltime))
					pass(time.Second)
				}
			}
			pass(15 * time.Second)
			unharmed(fmt.Sprint("pruned at ", ltime))
		}
		send(leaveOf(t, victim.Name(), 1<<20))
		send(deathOf(t, victim.Name(), 1000))
		pass(15 * time.Second)
		unharmed("declared dead")
		// Nobody can refute this one for half a minute; the catalog knows better.
		send(leaveOf(t, victim.Name(), 1<<21))
		send(deathOf(t, victim.Name(), math.MaxUint32))
		for range 60 {
			pass(time.Second)
			if err := errors.Join(held(), wantService(c, "web", 1), wantHealth(c, victim.Name(), catalog.Passing)); err != nil {
				t.Fatal(err)
			}
		}
		c.WaitFor("all members again", func() error { return wantMembers(c, t, 4) })
		if err := client(t, leader).Agent().ForceLeavePrune(victim.Name()); err == nil || !strings.Contains(err.Error(), "500") || !strings.Contains(err.Error(), "it has just answered at") {
			t.Errorf("force-leave of a living member: %v", err)
		}
		pass(15 * time.Second)
		unharmed("force-leave")
	})
}

func TestRebuiltMachineHasItsNameWithinSeconds(t *testing.T) {
	for _, kind := range []string{"client", "server"} {
		t.Run(kind, func(t *testing.T) {
			testcluster.Virtual(t, testcluster.Options{Servers: 3, Clients: 1}, func(c *testcluster.Cluster) {
				c.PutKV("a", "1")
				pass(20 * time.Second)
				n := c.Clients()[0]
				if kind == "server" {
					for _, n = range c.Servers() {
						if n != c.Leader() && n != c.Node(0) { // the others join node 0
							break
						}
					}
				}
				register(t, n, "old")
				c.WaitFor("old", func() error { return wantService(c, "old", 1) })
				n.Crash()
				n.Wipe()
				n.Start()
				begin := time.Now()
				register(t, n, "new")
				c.WaitFor("new", func() error { return wantService(c, "new", 1) })
				if took := time.Since(begin); took > 6*time.Second {
					t.Errorf("took %s", took)
				}
				if err := wantService(c, "old", 0); err != nil {
					t.Error(err)
				}
				c.WaitFor("passing", func() error { return wantHealth(c, n.Name(), catalog.Passing) })
				c.WaitFor("members", func() error { return wantMembers(c, t, 4) })
				c.WaitFor("peers", func() error { return wantPeers(c, 3) })
				pass(3 * time.Minute)
				if err := errors.Join(wantService(c, "new", 1), wantService(c, "old", 0), wantPeers(c, 3)); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestMovedMachineHasItsNameWithinSeconds(t *testing.T) {
	for _, kept := range []bool{true, false} {
		t.Run(fmt.Sprint("folder kept ", kept), func(t *testing.T) {
			testcluster.Virtual(t, testcluster.Options{Servers: 1, Clients: 2}, func(c *testcluster.Cluster) {
				c.PutKV("a", "1")
				n := c.Clients()[1]
				register(t, n, "old")
				c.WaitFor("old", func() error { return wantService(c, "old", 1) })
				n.Crash()
				if !kept {
					n.Wipe()
				}
				n.MoveTo("127.78.1.77")
				n.Start()
				begin := time.Now()
				register(t, n, "new")
				c.WaitFor("new at its address", func() error {
					list, _, err := client(t, c.Node(0)).Catalog().Service("new", "", nil)
					if err != nil {
						return err
					}
					if len(list) != 1 || list[0].Address != n.IP() {
						return fmt.Errorf("got %v", list)
					}
					return nil
				})
				if took := time.Since(begin); took > 6*time.Second {
					t.Errorf("took %s", took)
				}
				c.WaitFor("members", func() error { return wantMembers(c, t, 3) })
				if took := time.Since(begin); took > 10*time.Second {
					t.Errorf("members took %s", took)
				}
				for range 60 {
					pass(time.Second)
					if err := errors.Join(wantService(c, "new", 1), wantHealth(c, n.Name(), catalog.Passing)); err != nil {
						t.Fatal(err)
					}
				}
			})
		})
	}
}

func TestOfTwoLivingAgentsWithOneIDTheFirstKeepsItsPlace(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 1, Clients: 2, Lazy: true}, func(c *testcluster.Cluster) {
		const id = `node_id = "aaaaaaaa-0000-0000-0000-000000000001"`
		first, second := c.Clients()[0], c.Clients()[1]
		first.Config, second.Config = id, id
		c.Node(0).Start()
		first.Start()
		c.PutKV("a", "1")
		register(t, first, "web")
		c.WaitFor("web", func() error { return wantService(c, "web", 1) })
		c.WaitFor("passing", func() error { return wantHealth(c, first.Name(), catalog.Passing) })
		held := lock(t, first)
		second.Start()
		register(t, second, "other")
		for range 90 {
			pass(time.Second)
			if err := errors.Join(held(), wantService(c, "web", 1), wantHealth(c, first.Name(), catalog.Passing)); err != nil {
				t.Fatal(err)
			}
		}
		if err := wantService(c, "other", 0); err != nil {
			t.Error(err)
		}
		// Asked to register all the same, the servers say why not.
		_, err := client(t, c.Node(0)).Catalog().Register(&api.CatalogRegistration{Node: second.Name(), ID: "aaaaaaaa-0000-0000-0000-000000000001", Address: second.IP()}, nil)
		if err == nil || !strings.Contains(err.Error(), "two agents cannot share an ID") || !strings.Contains(err.Error(), first.Name()) || !strings.Contains(err.Error(), second.Name()) {
			t.Errorf("got %v", err)
		}
		// Once the first is gone the second may have the ID.
		first.Crash()
		c.WaitFor("other", func() error { return wantService(c, "other", 1) })
	})
}
