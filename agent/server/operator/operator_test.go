package operator_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"praetor/agent/server/duty"
	"praetor/agent/server/kernel"
	"praetor/agent/server/operator"
	"praetor/catalog"
	"praetor/gossip"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
	"praetor/internal/testkernel"
)

// keys are those of a pool: every request about them is answered alike.
type keys struct {
	report gossip.KeyReport
	err    error
	asked  []string
}

func (k *keys) ask(format string, args ...any) (gossip.KeyReport, error) {
	k.asked = append(k.asked, fmt.Sprintf(format, args...))
	return k.report, k.err
}

func (k *keys) ListKeys(relay int) (gossip.KeyReport, error) { return k.ask("list %d", relay) }
func (k *keys) InstallKey(key string, relay int) (gossip.KeyReport, error) {
	return k.ask("install %s %d", key, relay)
}
func (k *keys) UseKey(key string, relay int) (gossip.KeyReport, error) {
	return k.ask("use %s %d", key, relay)
}
func (k *keys) RemoveKey(key string, relay int) (gossip.KeyReport, error) {
	return k.ask("remove %s %d", key, relay)
}

// room is a leader that operators ask.
type room struct {
	*testkernel.Server
	duties   *duty.Set
	lan, wan *keys
}

func operated(t *testing.T, test func(r room)) {
	t.Helper()
	var r room
	testkernel.Run(t, withOperations(&r, testkernel.Options{}), func(*testkernel.Server) { test(r) })
}

func withOperations(r *room, k testkernel.Options) testkernel.Options {
	k.Register = func(s *testkernel.Server, m *kernel.Mux) {
		*r = room{s, duty.New(s.Kernel, duty.Options{Address: testkernel.Address(1), Dialer: s.Dialer, Autopilot: duty.DefaultAutopilot}), &keys{}, &keys{}}
		operator.New(r.duties, r.lan, r.wan).Register(m)
	}
	return k
}

func ask[Req, Rep any](r room, op rpc.Op[Req, Rep], token string, req *Req) (*Rep, error) {
	reflect.ValueOf(req).Elem().FieldByName("Token").SetString(token)
	return op.Call(r.T.Context(), r.Router, req)
}

func refused(t testing.TB, name string, err error, kind fault.Kind, want string) {
	t.Helper()
	switch {
	case err == nil && want == "":
	case err == nil || err.Error() != want:
		t.Errorf("%s: %v, want %q", name, err, want)
	case fault.KindOf(err) != kind:
		t.Errorf("%s: %v is a fault of kind %v, want %v", name, err, fault.KindOf(err), kind)
	}
}

func TestOperatorsNeedTheirRights(t *testing.T) {
	operated(t, func(r room) {
		for name, c := range map[string]struct {
			need acl.Need
			call func() error
		}{
			"raft": {acl.Operator.Read(), func() error { _, err := ask(r, ops.OperatorRaft, "t", &ops.OperatorRaftRequest{}); return err }},
			"remove": {acl.Operator.Write(), func() error {
				_, err := ask(r, ops.OperatorRemovePeer, "t", &ops.OperatorRemovePeerRequest{ID: "x"})
				return err
			}},
			"transfer": {acl.Operator.Write(), func() error {
				_, err := ask(r, ops.OperatorTransferLeader, "t", &ops.OperatorTransferLeaderRequest{ID: "x"})
				return err
			}},
			"autopilot": {acl.Operator.Read(), func() error {
				_, err := ask(r, ops.OperatorAutopilot, "t", &ops.OperatorAutopilotRequest{})
				return err
			}},
			"set autopilot": {acl.Operator.Write(), func() error {
				_, err := ask(r, ops.OperatorSetAutopilot, "t", &ops.OperatorSetAutopilotRequest{})
				return err
			}},
			"autopilot state": {acl.Operator.Read(), func() error {
				_, err := ask(r, ops.OperatorAutopilotState, "t", &ops.OperatorAutopilotStateRequest{})
				return err
			}},
			"usage": {acl.Operator.Read(), func() error { _, err := ask(r, ops.OperatorUsage, "t", &ops.OperatorUsageRequest{}); return err }},
			"list of keys": {acl.Keyring.Read(), func() error {
				_, err := ask(r, ops.OperatorKeyring, "t", &ops.OperatorKeyringRequest{Action: ops.KeyringList})
				return err
			}},
			"use of keys": {acl.Keyring.Write(), func() error {
				_, err := ask(r, ops.OperatorKeyring, "t", &ops.OperatorKeyringRequest{Action: ops.KeyringUse})
				return err
			}},
			"install of keys": {acl.Keyring.Write(), func() error {
				_, err := ask(r, ops.OperatorKeyring, "t", &ops.OperatorKeyringRequest{Action: ops.KeyringInstall})
				return err
			}},
			"removal of keys": {acl.Keyring.Write(), func() error {
				_, err := ask(r, ops.OperatorKeyring, "t", &ops.OperatorKeyringRequest{Action: ops.KeyringRemove})
				return err
			}},
		} {
			for _, right := range []acl.Need{acl.Operator.Read(), acl.Operator.Write(), acl.Keyring.Read(), acl.Keyring.Write()} {
				r.ACL = testkernel.Rights{right}
				if err := c.call(); (fault.KindOf(err) == fault.Denied) == (right == c.need) {
					t.Errorf("%s with %s: %v", name, right.Permission(), err)
				}
			}
		}
	})
}

func TestWhatIsSaidOfRaftsServers(t *testing.T) {
	operated(t, func(r room) {
		for i := 2; i <= 5; i++ {
			if err := r.Raft.AddNonvoter(testkernel.ID(i), testkernel.Address(i)); err != nil {
				t.Fatal(err)
			}
		}
		r.Neighbour(2, testkernel.ID(2)).SayStats(ops.StatusRaftReply{LastIndex: 77})
		moved := testkernel.Member(3, nil)
		moved.Name, moved.Addr = "moved", testkernel.Member(7, nil).Addr
		foreign := testkernel.Member(5, func(t *gossip.ServerTags) { t.Datacenter = "dc2" })
		r.Pool.Set(testkernel.Member(1, nil), testkernel.Member(2, nil), moved, testkernel.As(testkernel.Member(3, nil), gossip.Failed), testkernel.As(testkernel.Member(4, nil), gossip.Failed), foreign)
		rep, err := ask(r, ops.OperatorRaft, "", &ops.OperatorRaftRequest{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range rep.Servers {
			last := s.LastIndex
			if s.ID == testkernel.ID(1) && last == r.Raft.LastIndex() {
				last = 1
			}
			got = append(got, fmt.Sprintf("%s %s %s voter:%t leader:%t %s %d", s.ID[7:8], s.Node, s.Address, s.Voter, s.Leader, s.Protocol, last))
		}
		want := []string{
			"1 s1 10.0.0.1:8300 voter:true leader:true 3 1",
			"2 s2 10.0.0.2:8300 voter:false leader:false 3 77",
			"3 moved 10.0.0.3:8300 voter:false leader:false 3 0",
			"4 s4 10.0.0.4:8300 voter:false leader:false 3 0",
			"5 (unknown) 10.0.0.5:8300 voter:false leader:false unknown 0",
		}
		if !slices.Equal(got, want) {
			t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
		}
	})
}

func TestPeersAreRemovedByIDOrAddress(t *testing.T) {
	operated(t, func(r room) {
		for i := 2; i <= 4; i++ {
			if err := r.Raft.AddNonvoter(testkernel.ID(i), testkernel.Address(i)); err != nil {
				t.Fatal(err)
			}
		}
		left := func() (ids string) {
			peers, err := r.Raft.Peers()
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range peers {
				ids += p.ID[7:8]
			}
			return ids
		}
		for _, c := range []struct {
			req  ops.OperatorRemovePeerRequest
			want string
			left string
		}{
			{ops.OperatorRemovePeerRequest{ID: testkernel.ID(9)}, `id "` + testkernel.ID(9) + `" was not found in the Raft configuration`, "1234"},
			{ops.OperatorRemovePeerRequest{}, `id "" was not found in the Raft configuration`, "1234"},
			{ops.OperatorRemovePeerRequest{Address: "10.0.0.9:8300"}, `address "10.0.0.9:8300" was not found in the Raft configuration`, "1234"},
			{ops.OperatorRemovePeerRequest{ByAddress: true}, `address "" was not found in the Raft configuration`, "1234"},
			{ops.OperatorRemovePeerRequest{ID: testkernel.ID(3)}, "", "124"},
			{ops.OperatorRemovePeerRequest{Address: "10.0.0.4:8300"}, "", "12"},
			{ops.OperatorRemovePeerRequest{ID: testkernel.ID(2), Address: "10.0.0.4:8300"}, `address "10.0.0.4:8300" was not found in the Raft configuration`, "12"},
			{ops.OperatorRemovePeerRequest{ID: testkernel.ID(2), ByAddress: true}, `address "" was not found in the Raft configuration`, "12"},
			{ops.OperatorRemovePeerRequest{ByAddress: true, Address: "10.0.0.2:8300"}, "", "1"},
		} {
			_, err := ask(r, ops.OperatorRemovePeer, "", &c.req)
			refused(t, fmt.Sprintf("%+v", c.req), err, fault.Rejected, c.want)
			if got := left(); got != c.left {
				t.Errorf("%+v: left are %s, want %s", c.req, got, c.left)
			}
		}
	})
}

func TestLeadershipThatCannotBeHandedOn(t *testing.T) {
	operated(t, func(r room) {
		_, err := ask(r, ops.OperatorTransferLeader, "", &ops.OperatorTransferLeaderRequest{ID: testkernel.ID(9)})
		refused(t, "to nobody", err, fault.Rejected, "Could not find address for server id "+testkernel.ID(9))
		if _, err := ask(r, ops.OperatorTransferLeader, "", &ops.OperatorTransferLeaderRequest{}); fault.KindOf(err) != fault.Rejected {
			t.Errorf("alone: %v", err)
		}
		if _, err := ask(r, ops.OperatorTransferLeader, "", &ops.OperatorTransferLeaderRequest{ID: testkernel.ID(1)}); fault.KindOf(err) != fault.Rejected {
			t.Errorf("to itself: %v", err)
		}
		if !r.Raft.IsLeader() {
			t.Error("it leads no more")
		}
	})
}

// TestAutopilotsConfigurationIsSetOrCompared: an index of 0 is one that it never has.
func TestAutopilotsConfigurationIsSetOrCompared(t *testing.T) {
	operated(t, func(r room) {
		set := func(cas bool, index uint64, trailing uint64) bool {
			t.Helper()
			rep, err := ask(r, ops.OperatorSetAutopilot, "", &ops.OperatorSetAutopilotRequest{CAS: cas, Config: catalog.Autopilot{ModifyIndex: index, MaxTrailingLogs: trailing}})
			if err != nil {
				t.Fatal(err)
			}
			return rep.Done
		}
		now := func() *catalog.Autopilot {
			t.Helper()
			rep, err := ask(r, ops.OperatorAutopilot, "", &ops.OperatorAutopilotRequest{})
			if err != nil {
				t.Fatal(err)
			}
			return rep.Config
		}
		if now() != nil {
			t.Error("there is one")
		}
		for _, c := range []struct {
			name     string
			done     bool
			trailing uint64
		}{
			{"set", set(false, 0, 1), 1}, {"set, whatever the index", set(false, 99, 2), 2}, {"compared with 0", set(true, 0, 3), 2}, {"compared with another", set(true, now().ModifyIndex+1, 4), 2}, {"compared", set(true, now().ModifyIndex, 5), 5},
		} {
			if done := c.name != "compared with 0" && c.name != "compared with another"; c.done != done {
				t.Errorf("%s: %t", c.name, c.done)
			}
		}
		if got := now(); got.MaxTrailingLogs != 5 {
			t.Errorf("at last %+v", got)
		}
	})
}

// TestAutopilotsStateIsThatOfALeader: who does not do his duties has none.
func TestAutopilotsStateIsThatOfALeader(t *testing.T) {
	operated(t, func(r room) {
		state := func() *ops.OperatorAutopilotStateReply {
			t.Helper()
			rep, err := ask(r, ops.OperatorAutopilotState, "", &ops.OperatorAutopilotStateRequest{})
			if err != nil {
				t.Fatal(err)
			}
			return rep
		}
		if got := state(); !reflect.DeepEqual(got, &ops.OperatorAutopilotStateReply{}) {
			t.Errorf("without duties: %+v", got)
		}
		r.Log(catalog.AutopilotCommand, &catalog.Autopilot{LastContactThreshold: int64(time.Second), MaxTrailingLogs: 1000, ServerStabilizationTime: int64(time.Second), RedundancyZoneTag: "zone", UpgradeVersionTag: "build"})
		r.Log(catalog.RegisterCommand, &catalog.Register{Node: "s1", ID: testkernel.ID(1), Address: "10.0.0.1", NodeMeta: map[string]string{"zone": "east", "build": "1.2.3"}})
		ctx, cancel := context.WithCancel(r.T.Context())
		var done sync.WaitGroup
		done.Go(func() {
			if err := r.duties.RunLeadership(ctx); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(time.Minute)
		got := state()
		cancel()
		done.Wait()
		if got.Leader != testkernel.ID(1) || !slices.Equal(got.Voters, []string{testkernel.ID(1)}) || len(got.Servers) != 1 || got.FailureTolerance != 0 {
			t.Fatalf("%+v", got)
		}
		s := got.Servers[0]
		if s.ID != testkernel.ID(1) || s.Name != "s1" || s.Address != "10.0.0.1:8300" || s.NodeStatus != "alive" || s.Status != "leader" || !s.Voter || !s.Leader || s.NodeType != "zone-voter" || s.Zone != "east" || s.Upgrade != "1.2.3" || s.Meta["zone"] != "east" || s.Version == "" || s.StableSince.Nanosecond() != 0 {
			t.Errorf("%+v", s)
		}
		if z := got.Zones["east"]; !slices.Equal(z.Servers, []string{testkernel.ID(1)}) || !slices.Equal(z.Voters, z.Servers) || got.Upgrade == nil || got.Upgrade.Status != "idle" || got.Upgrade.TargetVersion != "1.2.3" {
			t.Errorf("zones %+v, upgrade %+v", got.Zones, got.Upgrade)
		}
	})
}

func TestKeysOfBothPools(t *testing.T) {
	operated(t, func(r room) {
		r.lan.report = gossip.KeyReport{Members: 2, Keys: map[string]int{"k": 2}, PrimaryKeys: map[string]int{"k": 1}, Messages: map[string]string{"s2": "hm"}}
		for action, said := range map[ops.KeyringAction]string{ops.KeyringList: "list 3", ops.KeyringInstall: "install k 3", ops.KeyringUse: "use k 3", ops.KeyringRemove: "remove k 3"} {
			r.lan.asked, r.wan.asked = nil, nil
			rep, err := ask(r, ops.OperatorKeyring, "", &ops.OperatorKeyringRequest{Action: action, Key: "k", RelayFactor: 3})
			if err != nil || len(rep.Pools) != 2 || !rep.Pools[0].WAN || !slices.Equal(r.lan.asked, []string{said}) || !slices.Equal(r.wan.asked, []string{said}) {
				t.Errorf("%s: %+v, %v; asked %q and %q", action, rep, err, r.lan.asked, r.wan.asked)
				continue
			}
			if lan := rep.Pools[1]; lan.WAN || lan.Datacenter != "dc1" || lan.Members != 2 || lan.Keys["k"] != 2 || lan.PrimaryKeys["k"] != 1 || lan.Messages["s2"] != "hm" || lan.Error != "" {
				t.Errorf("%s: %+v", action, lan)
			}
		}
		r.wan.asked = nil
		if rep, err := ask(r, ops.OperatorKeyring, "", &ops.OperatorKeyringRequest{Action: ops.KeyringList, LANOnly: true}); err != nil || len(rep.Pools) != 1 || rep.Pools[0].WAN || r.wan.asked != nil {
			t.Errorf("the LAN's: %+v, %v; the WAN is asked %q", rep, err, r.wan.asked)
		}
		r.lan.err, r.wan.err = errors.New("1/2 nodes reported failure"), errors.New("no")
		_, err := ask(r, ops.OperatorKeyring, "", &ops.OperatorKeyringRequest{Action: ops.KeyringUse, Key: "k"})
		refused(t, "a failure", err, fault.Rejected, "3 errors occurred:\n\t* WAN error: no\n\t* dc1 (LAN) error: 1/2 nodes reported failure\n\t* s2: hm\n\n")
		if rep, err := ask(r, ops.OperatorKeyring, "", &ops.OperatorKeyringRequest{Action: ops.KeyringUse, Key: "k", Part: true}); err != nil || rep.Pools[0].Error != "no" || rep.Pools[1].Error != "1/2 nodes reported failure" {
			t.Errorf("as a part: %+v, %v", rep, err)
		}
		_, err = ask(r, ops.OperatorKeyring, "", &ops.OperatorKeyringRequest{Action: "melt", LANOnly: true})
		refused(t, "an unknown action", err, fault.Rejected, "1 error occurred:\n\t* dc1 (LAN) error: keyring action \"melt\" is unknown\n\n")
	})
}

// TestAnswersOfAllDatacentersFailIfOneIsSilent: half of them would mislead.
func TestAnswersOfAllDatacentersFailIfOneIsSilent(t *testing.T) {
	operated(t, func(r room) {
		var there room
		k := testkernel.Options{}
		k.Datacenter = "dc2"
		r.Also(2, withOperations(&there, k))
		there.lan.report = gossip.KeyReport{Members: 7}
		member := testkernel.Member(2, func(t *gossip.ServerTags) { t.Datacenter = "dc2" })
		member.Name = "s2.dc2"
		wan := testkernel.NewPool(member)
		r.Kernel.WAN = wan
		r.Router.SetServers([]rpc.Server{r.At(), there.At()}, []string{"dc1", "dc2"})
		there.Log(catalog.RegisterCommand, &catalog.Register{Node: "n", Address: "10.1.0.1", Service: &catalog.Service{ID: "w", Service: "web"}})
		r.Log(catalog.RegisterCommand, &catalog.Register{Node: "s1", Address: "10.0.0.1", Service: &catalog.Service{ID: "consul", Service: "consul"}})
		for i, kind := range []string{"", "", "connect-proxy", "mesh-gateway"} {
			svc := &catalog.Service{ID: fmt.Sprint(i), Service: "web", Kind: kind, Port: 1}
			if kind == "connect-proxy" {
				svc.Proxy = &catalog.Proxy{DestinationServiceName: "web"}
			}
			r.Log(catalog.RegisterCommand, &catalog.Register{Node: "s1", Address: "10.0.0.1", Service: svc})
		}
		usage, err := ask(r, ops.OperatorUsage, "", &ops.OperatorUsageRequest{Global: true})
		if err != nil || len(usage.Usage) != 2 || usage.Usage["dc2"].Nodes != 1 || usage.Usage["dc2"].Billable != 1 || usage.Index == 0 {
			t.Fatalf("%+v, %v", usage, err)
		}
		if own := usage.Usage["dc1"]; own.Nodes != 1 || own.Instances != 5 || own.Billable != 2 || own.Connect["connect-proxy"] != 1 || own.Connect["mesh-gateway"] != 1 || len(own.Connect) != 6 {
			t.Errorf("%+v", own)
		}
		if usage, err := ask(r, ops.OperatorUsage, "", &ops.OperatorUsageRequest{}); err != nil || len(usage.Usage) != 1 {
			t.Errorf("of one datacenter: %+v, %v", usage, err)
		}
		keyring, err := ask(r, ops.OperatorKeyring, "", &ops.OperatorKeyringRequest{Action: ops.KeyringList})
		if err != nil || len(keyring.Pools) != 3 || keyring.Pools[2].Datacenter != "dc2" || keyring.Pools[2].WAN || keyring.Pools[2].Members != 7 || there.wan.asked != nil {
			t.Errorf("%+v, %v", keyring, err)
		}
		there.lan.err = errors.New("locked")
		_, err = ask(r, ops.OperatorKeyring, "", &ops.OperatorKeyringRequest{Action: ops.KeyringList})
		refused(t, "a failure there", err, fault.Rejected, "1 error occurred:\n\t* dc2 (LAN) error: locked\n\n")
		r.Router.SetServers([]rpc.Server{r.At()}, []string{"dc1", "dc2"})
		_, err = ask(r, ops.OperatorUsage, "", &ops.OperatorUsageRequest{Global: true})
		if err == nil || !strings.HasPrefix(err.Error(), `usage of datacenter "dc2": `) {
			t.Errorf("usage: %v", err)
		}
		_, err = ask(r, ops.OperatorKeyring, "", &ops.OperatorKeyringRequest{Action: ops.KeyringList})
		if err == nil || !strings.HasPrefix(err.Error(), `keyring of datacenter "dc2": `) {
			t.Errorf("keyring: %v", err)
		}
	})
}
