package server_test

import (
	"context"
	"errors"
	"maps"
	"testing"

	"praetor/agent/server"
	"praetor/catalog"
	"praetor/gossip"
	"praetor/internal/fault"
	"praetor/internal/ops"
)

// fakeKeys answers every request about keys alike, and remembers them.
type fakeKeys struct {
	report gossip.KeyReport
	err    error
	asked  []string
}

func (k *fakeKeys) ask(what string) (gossip.KeyReport, error) {
	k.asked = append(k.asked, what)
	return k.report, k.err
}

func (k *fakeKeys) ListKeys(int) (gossip.KeyReport, error) { return k.ask("list") }
func (k *fakeKeys) InstallKey(key string, _ int) (gossip.KeyReport, error) {
	return k.ask("install " + key)
}
func (k *fakeKeys) UseKey(key string, _ int) (gossip.KeyReport, error) { return k.ask("use " + key) }
func (k *fakeKeys) RemoveKey(key string, _ int) (gossip.KeyReport, error) {
	return k.ask("remove " + key)
}

func TestKeyringAsksBothPools(t *testing.T) {
	have := gossip.KeyReport{Members: 2, Keys: map[string]int{"k": 2}, PrimaryKeys: map[string]int{"k": 2}}
	lan, wan := &fakeKeys{report: have}, &fakeKeys{report: have}
	virtual(t, func(o *server.Options) { o.LANKeys, o.WANKeys = lan, wan }, func(s *lone) {
		ask := func(req ops.OperatorKeyringRequest) ([]ops.KeyringPool, error) {
			rep, err := ops.OperatorKeyring.Call(context.Background(), s.Router(), &req)
			if err != nil {
				return nil, err
			}
			return rep.Pools, nil
		}
		pools, err := ask(ops.OperatorKeyringRequest{Action: ops.KeyringList})
		if err != nil || len(pools) != 2 || !pools[0].WAN || pools[1].WAN || pools[1].Members != 2 || pools[1].Datacenter != "dc1" || !maps.Equal(pools[1].Keys, have.Keys) {
			t.Errorf("list: %+v, %v", pools, err)
		}
		if pools, err = ask(ops.OperatorKeyringRequest{Action: ops.KeyringList, LANOnly: true}); err != nil || len(pools) != 1 || pools[0].WAN {
			t.Errorf("list of the LAN: %+v, %v", pools, err)
		}
		for _, action := range []ops.KeyringAction{ops.KeyringInstall, ops.KeyringUse, ops.KeyringRemove} {
			if _, err := ask(ops.OperatorKeyringRequest{Action: action, Key: "k"}); err != nil {
				t.Errorf("%s: %v", action, err)
			}
			if got, want := wan.asked[len(wan.asked)-1], string(action)+" k"; got != want {
				t.Errorf("asked %s, want %s", got, want)
			}
		}
		if _, err := ask(ops.OperatorKeyringRequest{Action: "melt"}); err == nil {
			t.Error("an unknown action was accepted")
		}

		lan.err, lan.report.Messages = errors.New("2/3 nodes reported failure"), map[string]string{"b": "no", "a": "never"}
		_, err = ask(ops.OperatorKeyringRequest{Action: ops.KeyringList})
		want := "3 errors occurred:\n\t* dc1 (LAN) error: 2/3 nodes reported failure\n\t* a: never\n\t* b: no\n\n"
		if fault.KindOf(err) != fault.Rejected || err.Error() != want {
			t.Errorf("failure: %v, want %s", err, want)
		}
		if _, err = ask(ops.OperatorKeyringRequest{Action: ops.KeyringList, LANOnly: true}); err == nil {
			t.Error("failure of the LAN alone was kept back")
		}
		pools, err = ask(ops.OperatorKeyringRequest{Action: ops.KeyringList, LANOnly: true, Part: true})
		if err != nil || pools[0].Error != lan.err.Error() || pools[0].Messages["a"] != "never" {
			t.Errorf("for another datacenter: %+v, %v", pools, err)
		}
	})
}

func TestOperatorsNeedTheirRights(t *testing.T) {
	virtual(t, func(o *server.Options) { o.ACL = rights{} }, func(s *lone) {
		ctx, router := context.Background(), s.Router()
		for _, row := range []struct {
			permission string
			call       func() error
		}{
			{"operator:read", func() error {
				_, err := ops.OperatorRaft.Call(ctx, router, &ops.OperatorRaftRequest{})
				return err
			}},
			{"operator:read", func() error {
				_, err := ops.OperatorAutopilotState.Call(ctx, router, &ops.OperatorAutopilotStateRequest{})
				return err
			}},
			{"operator:read", func() error {
				_, err := ops.OperatorUsage.Call(ctx, router, &ops.OperatorUsageRequest{})
				return err
			}},
			{"operator:write", func() error {
				_, err := ops.OperatorRemovePeer.Call(ctx, router, &ops.OperatorRemovePeerRequest{ID: "x"})
				return err
			}},
			{"operator:write", func() error {
				_, err := ops.OperatorSetAutopilot.Call(ctx, router, &ops.OperatorSetAutopilotRequest{})
				return err
			}},
			{"operator:write", func() error {
				_, err := ops.OperatorTransferLeader.Call(ctx, router, &ops.OperatorTransferLeaderRequest{})
				return err
			}},
			{"keyring:read", func() error {
				_, err := ops.OperatorKeyring.Call(ctx, router, &ops.OperatorKeyringRequest{Action: ops.KeyringList})
				return err
			}},
			{"keyring:write", func() error {
				_, err := ops.OperatorKeyring.Call(ctx, router, &ops.OperatorKeyringRequest{Action: ops.KeyringUse})
				return err
			}},
		} {
			wantText(t, row.call(), "Permission denied: anonymous token lacks permission '"+row.permission+
				"'. The anonymous token is used implicitly when a request does not specify a token.")
		}
	})
}

func TestUsageCountsWhatIsPaidForElsewhere(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.put("a", "1")
		for _, svc := range []catalog.Service{
			{ID: "w1", Service: "web"}, {ID: "w2", Service: "web", Port: 1, Connect: &catalog.Connect{Native: true}}, {ID: "d", Service: "db"},
			{ID: "p", Service: "web-proxy", Port: 1, Kind: "connect-proxy", Proxy: &catalog.Proxy{DestinationServiceName: "web"}},
			{ID: "g", Service: "gate", Port: 1, Kind: "mesh-gateway"},
		} {
			if err := s.register(catalog.Register{Node: "n", Address: "10.0.0.9", Service: &svc}); err != nil {
				t.Fatal(err)
			}
		}
		rep, err := ops.OperatorUsage.Call(context.Background(), s.Router(), &ops.OperatorUsageRequest{Global: true})
		if err != nil {
			t.Fatal(err)
		}
		got := rep.Usage["dc1"]
		kinds := map[string]int{"api-gateway": 0, "connect-native": 1, "connect-proxy": 1, "ingress-gateway": 0, "mesh-gateway": 1, "terminating-gateway": 0}
		if got.Nodes != 2 || got.Services != 5 || got.Instances != 6 || got.Billable != 3 || !maps.Equal(got.Connect, kinds) || rep.Index == 0 {
			t.Errorf("%+v, index %d", got, rep.Index)
		}
	})
}
