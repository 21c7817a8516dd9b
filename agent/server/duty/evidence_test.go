package duty_test

import (
	"fmt"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"praetor/catalog"
	"praetor/gossip"
	"praetor/internal/fault"
	"praetor/internal/testkernel"
)

// TestNewsOfMembersIsChecked: what gossip says counts if the member itself does not
// answer, or answers as somebody else.
func TestNewsOfMembersIsChecked(t *testing.T) {
	c := client("c", 1)
	rebuilt := tagged(client("c", 1), "id", testkernel.ID(200))
	as := func(name, id string) func(gossip.Member) (gossip.Identity, error) {
		return func(gossip.Member) (gossip.Identity, error) { return gossip.Identity{Name: name, ID: id}, nil }
	}
	silent := func(gossip.Member) (gossip.Identity, error) { return gossip.Identity{}, gossip.ErrNoAnswer }
	for _, row := range []struct {
		name   string
		news   gossip.Member // the catalog has c, passing
		reaped bool
		who    func(gossip.Member) (gossip.Identity, error)
		status string
		id     string
	}{
		{"failed, silent", testkernel.As(c, gossip.Failed), false, silent, catalog.Critical, testkernel.ID(101)},
		{"failed, answers", testkernel.As(c, gossip.Failed), false, as("c", testkernel.ID(101)), catalog.Passing, testkernel.ID(101)},
		{"failed, another answers", testkernel.As(c, gossip.Failed), false, as("d", testkernel.ID(105)), catalog.Critical, testkernel.ID(101)},
		{"failed, answers and is leaving", testkernel.As(c, gossip.Failed), false, func(gossip.Member) (gossip.Identity, error) {
			return gossip.Identity{Name: "c", ID: testkernel.ID(101), Leaving: true}, nil
		}, catalog.Critical, testkernel.ID(101)},
		{"left, silent", testkernel.As(c, gossip.Left), false, silent, "", ""},
		{"left, answers", testkernel.As(c, gossip.Left), false, as("c", testkernel.ID(101)), catalog.Passing, testkernel.ID(101)},
		{"forgotten, silent", c, true, silent, "", ""},
		{"forgotten, answers", c, true, as("c", testkernel.ID(101)), catalog.Passing, testkernel.ID(101)},
		{"rebuilt, answers", rebuilt, false, as("c", testkernel.ID(200)), catalog.Passing, testkernel.ID(200)},
		{"rebuilt, silent", rebuilt, false, silent, catalog.Passing, testkernel.ID(101)},
		{"rebuilt, the old one answers", rebuilt, false, as("c", testkernel.ID(101)), catalog.Passing, testkernel.ID(101)},
		{"alive and as it was: not asked", c, false, silent, catalog.Passing, testkernel.ID(101)},
	} {
		leading(t, func(r room) {
			r.Pool.Who = row.who
			r.Pool.Set(server(1, nil), c)
			r.known(c, catalog.Passing)
			r.serving()
			members := []gossip.Member{server(1, nil), row.news}
			r.Pool.Set(members[:2-count(row.reaped)]...)
			r.duties.HandleLAN(gossip.Event{Type: gossip.Updated, Members: []gossip.Member{row.news}})
			synctest.Wait()
			id := ""
			if n := r.node("c"); n != nil {
				id = n.ID
			}
			if r.serf("c") != row.status || id != row.id {
				t.Errorf("%s: %q, ID %q; want %q, %q", row.name, r.serf("c"), id, row.status, row.id)
			}
		})
	}
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// TestAnswersThatComeLateDecideNothing: gossip says something else by now.
func TestAnswersThatComeLateDecideNothing(t *testing.T) {
	leading(t, func(r room) {
		c := client("c", 1)
		var asked atomic.Int32
		r.Pool.Who = func(m gossip.Member) (gossip.Identity, error) {
			if m.Status == gossip.Failed {
				asked.Add(1)
				time.Sleep(time.Second)
			}
			return gossip.Identity{}, gossip.ErrNoAnswer
		}
		r.Pool.Set(server(1, nil), c)
		r.known(c, catalog.Passing)
		r.serving()
		r.Pool.Set(server(1, nil), testkernel.As(c, gossip.Failed))
		for range 3 { // it is asked once
			r.duties.HandleLAN(gossip.Event{Type: gossip.HasFailed, Members: []gossip.Member{c}})
			synctest.Wait()
		}
		time.Sleep(500 * time.Millisecond)
		r.Pool.Set(server(1, nil), c)
		r.duties.HandleLAN(gossip.Event{Type: gossip.Joined, Members: []gossip.Member{c}})
		time.Sleep(time.Second)
		if r.serf("c") != catalog.Passing || asked.Load() != 1 {
			t.Errorf("serfHealth %q, asked %d times", r.serf("c"), asked.Load())
		}
		r.Pool.Set(server(1, nil), testkernel.As(c, gossip.Failed))
		r.duties.HandleLAN(gossip.Event{Type: gossip.HasFailed, Members: []gossip.Member{c}})
		time.Sleep(2 * time.Second)
		if r.serf("c") != catalog.Critical || asked.Load() != 2 {
			t.Errorf("the second time: serfHealth %q, asked %d times", r.serf("c"), asked.Load())
		}
	})
}

// TestOfTwoAgentsWithOneIDTheFirstStays, and the log says what to do about the other once.
func TestOfTwoAgentsWithOneIDTheFirstStays(t *testing.T) {
	var said log
	k := testkernel.Options{}
	k.Logger = said.logger()
	within(t, dutyOptions, k, func(r room) {
		first, second := client("first", 1), tagged(client("second", 2), "id", testkernel.ID(101))
		r.known(first, catalog.Passing)
		r.Pool.Set(server(1, nil), first, second)
		r.serving()
		time.Sleep(5 * time.Minute)
		if r.node("second") != nil || r.serf("first") != catalog.Passing {
			t.Errorf("second is %+v, serfHealth of first %q", r.node("second"), r.serf("first"))
		}
		const text = "refusing member: node ID 00000101-0000-0000-0000-000000000000 of \"second\" (10.0.1.2) is the ID of node \"first\", whose agent is alive at 10.0.1.1: two agents cannot share an ID. " +
			"If one machine is a copy of the other, stop its agent, delete the file node-id in its data_dir, or set another node_id, and start it again"
		if said.count(text) != 1 {
			t.Errorf("said %d times in\n%s", said.count(text), said.String())
		}
		r.Pool.Set(server(1, nil), testkernel.As(first, gossip.Failed), second)
		time.Sleep(2 * time.Minute)
		if n := r.node("second"); n == nil || n.ID != testkernel.ID(101) {
			t.Errorf("the first is gone and the second is %+v", n)
		}
	})
}

// TestWhoMayRegisterANode: an agent's registration waits for the leader to look where
// another had the name, and is refused where another has the ID.
func TestWhoMayRegisterANode(t *testing.T) {
	first := client("a", 1)
	reg := func(node string, i int) *catalog.Register {
		return &catalog.Register{Node: node, ID: testkernel.ID(100 + i), Address: "10.0.1.9"}
	}
	plain := reg("a", 2)
	plain.SkipNodeUpdate = true
	nameless := reg("a", 2)
	nameless.ID = ""
	for _, c := range []struct {
		name   string
		member gossip.Member // what gossip has of a's name now
		status string        // of node a with the ID 101 in the catalog
		reg    *catalog.Register
		silent bool
		err    string
		waits  time.Duration
		freed  bool // the node has the new ID, or none
	}{
		{"its own", first, catalog.Passing, reg("a", 1), false, "", 0, true},
		{"a new one", first, catalog.Passing, reg("b", 2), false, "", 0, false},
		{"another's ID", first, catalog.Passing, reg("b", 1), false, `node ID 00000101-0000-0000-0000-000000000000 of "b" (10.0.1.9) is the ID of node "a", whose agent is alive at 10.0.1.1: two agents cannot share an ID. ` +
			"If one machine is a copy of the other, stop its agent, delete the file node-id in its data_dir, or set another node_id, and start it again", 0, false},
		{"another's ID, who is silent", first, catalog.Passing, reg("b", 1), true, "", 0, false},
		{"another's ID, who failed", testkernel.As(first, gossip.Failed), catalog.Passing, reg("b", 1), false, "", 0, false},
		{"another's name, and it lives", first, catalog.Passing, reg("a", 2), false, "", 0, false},
		{"another's name, and it failed", testkernel.As(first, gossip.Failed), catalog.Critical, reg("a", 2), false, "", 0, false},
		{"another's name, and gossip has the new one", client("a", 2), catalog.Passing, reg("a", 2), false, "", 50 * time.Millisecond, true},
		{"another's name, and nobody is there", first, catalog.Passing, reg("a", 2), true, "", 3 * time.Second, false},
		{"without an ID", first, catalog.Passing, nameless, true, "", 0, false},
		{"that changes no node", first, catalog.Passing, plain, true, "", 0, false},
	} {
		leading(t, func(r room) {
			r.known(first, c.status)
			r.Pool.Set(server(1, nil), first)
			r.serving()
			if c.silent {
				r.Pool.Who = func(gossip.Member) (gossip.Identity, error) { return gossip.Identity{}, gossip.ErrNoAnswer }
			}
			r.Pool.Set(server(1, nil), c.member)
			began := time.Now()
			err := r.duties.SettleNode(r.T.Context(), c.reg)
			took := time.Since(began)
			if got := fmt.Sprint(err); err != nil && (got != c.err || fault.KindOf(err) != fault.Rejected) || err == nil && c.err != "" {
				t.Errorf("%s: %v, want %q", c.name, err, c.err)
			}
			if took > c.waits || c.waits > time.Second && took != c.waits {
				t.Errorf("%s: took %s, want %s", c.name, took, c.waits)
			}
			if n := r.node("a"); c.freed && n != nil && n.ID != c.reg.ID {
				t.Errorf("%s: the name is of %+v", c.name, n)
			}
		})
	}
}

// TestMembersAreAskedManyAtATime: when a rack fails each of its silent members takes a
// second, and no more than 128 are asked at once.
func TestMembersAreAskedManyAtATime(t *testing.T) {
	leading(t, func(r room) {
		var members []gossip.Member
		for i := range 300 {
			m := tagged(client(fmt.Sprint("c", i), 1), "id", fmt.Sprintf("%08d-1111-0000-0000-000000000000", i))
			m.Addr = net.IPv4(10, 0, byte(2+i/200), byte(i%200))
			members = append(members, m)
			r.known(m, catalog.Passing)
		}
		r.Pool.Set(append(slices.Clone(members), server(1, nil))...)
		r.serving()
		r.Pool.Who = func(gossip.Member) (gossip.Identity, error) {
			time.Sleep(time.Second)
			return gossip.Identity{}, gossip.ErrNoAnswer
		}
		for i := range members {
			members[i].Status = gossip.Failed
		}
		r.Pool.Set(append(slices.Clone(members), server(1, nil))...)
		r.duties.HandleLAN(gossip.Event{Type: gossip.HasFailed, Members: members})
		for second, want := range []int{0, 128, 256, 300} {
			synctest.Wait()
			_, checks := r.Store.Read().ChecksInState(nil, catalog.Critical)
			if len(checks) != want {
				t.Errorf("after %d s %d are critical, want %d", second, len(checks), want)
			}
			time.Sleep(time.Second)
		}
	})
}
