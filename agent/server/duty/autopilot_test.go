package duty_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	autopilot "github.com/hashicorp/raft-autopilot"

	"praetor/agent/server/duty"
	"praetor/catalog"
	"praetor/gossip"
	"praetor/internal/ops"
	"praetor/internal/rpc"
	"praetor/internal/testkernel"
)

// TestAutopilotFollowsTheReplicatedConfiguration, and that of the agent where a state
// without one was restored.
func TestAutopilotFollowsTheReplicatedConfiguration(t *testing.T) {
	within(t, duty.Options{Autopilot: catalog.Autopilot{MaxTrailingLogs: 7}}, testkernel.Options{}, func(r room) {
		pilot := r.duties.PilotDelegate()
		if got := pilot.AutopilotConfig(); got.MaxTrailingLogs != 7 || got.CleanupDeadServers {
			t.Errorf("without a row: %+v", got)
		}
		r.Log(catalog.AutopilotCommand, &catalog.Autopilot{
			CleanupDeadServers: true, LastContactThreshold: int64(time.Second), MaxTrailingLogs: 9, MinQuorum: 3, ServerStabilizationTime: int64(time.Minute),
		})
		got := pilot.AutopilotConfig()
		want := autopilot.Config{CleanupDeadServers: true, LastContactThreshold: time.Second, MaxTrailingLogs: 9, MinQuorum: 3, ServerStabilizationTime: time.Minute, Ext: duty.PilotConfig(false, false, false).Ext}
		if *got != want {
			t.Errorf("%+v, want %+v", *got, want)
		}
		for name, c := range map[string]struct {
			row  catalog.Autopilot
			want any
		}{
			"zones":    {catalog.Autopilot{RedundancyZoneTag: "z"}, duty.PilotConfig(true, false, false).Ext},
			"upgrades": {catalog.Autopilot{UpgradeVersionTag: "v"}, duty.PilotConfig(false, true, false).Ext},
			"off":      {catalog.Autopilot{DisableUpgradeMigration: true}, duty.PilotConfig(false, false, true).Ext},
		} {
			r.Log(catalog.AutopilotCommand, &c.row)
			if got := pilot.AutopilotConfig().Ext; got != c.want {
				t.Errorf("%s: %+v, want %+v", name, got, c.want)
			}
		}
	})
	if d := duty.DefaultAutopilot; !d.CleanupDeadServers || d.LastContactThreshold != 200e6 || d.MaxTrailingLogs != 250 || d.MinQuorum != 0 || d.ServerStabilizationTime != 10e9 {
		t.Errorf("Consul's defaults are not %+v (internals.md §10)", d)
	}
}

func TestWhatAutopilotKnowsOfServers(t *testing.T) {
	leading(t, func(r room) {
		r.Log(catalog.AutopilotCommand, &catalog.Autopilot{RedundancyZoneTag: "zone", UpgradeVersionTag: "build"})
		r.Log(catalog.RegisterCommand, &catalog.Register{Node: "s2", Address: "10.0.0.2", NodeMeta: map[string]string{"zone": "east", "build": "1.2.3"}})
		r.Pool.Set(
			server(1, nil), server(2, nil), testkernel.As(server(3, nil), gossip.Failed), testkernel.As(server(4, nil), gossip.Left), testkernel.As(server(5, nil), gossip.Leaving),
			server(6, func(t *gossip.ServerTags) { t.ReadReplica = true }), server(7, func(t *gossip.ServerTags) { t.Datacenter = "dc2" }), client("c", 8),
			at(9, 9, gossip.Failed), at(9, 19, gossip.Alive), at(8, 8, gossip.Alive), at(8, 18, gossip.Failed),
		)
		var got []string
		for id, s := range r.duties.PilotDelegate().KnownServers() {
			if s.ID != id || s.RaftVersion != 3 || s.Version == "" || strings.Contains(s.Version, ":") || s.Meta["id"] != string(id) {
				t.Errorf("%+v", s)
			}
			got = append(got, fmt.Sprintf("%s %s %s %s %s %v leads:%t", id[7:8], s.Name, s.Address, s.NodeStatus, s.NodeType, s.Ext, s.IsLeader))
		}
		slices.Sort(got)
		want := []string{
			"1 s1 10.0.0.1:8300 alive voter {false  } leads:true",
			"2 s2 10.0.0.2:8300 alive voter {false east 1.2.3} leads:false",
			"3 s3 10.0.0.3:8300 failed voter {false  } leads:false",
			"4 s4 10.0.0.4:8300 left voter {false  } leads:false",
			"5 s5 10.0.0.5:8300 unknown voter {false  } leads:false",
			"6 s6 10.0.0.6:8300 alive read-replica {true  } leads:false",
			"8 s8-at-8 10.0.0.8:8300 alive voter {false  } leads:false",
			"9 s9-at-19 10.0.0.19:8300 alive voter {false  } leads:false",
		}
		if !slices.Equal(got, want) {
			t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
		}
	})
}

// TestAutopilotAsksLivingPeers how far their logs have come: nobody else, and for a second.
func TestAutopilotAsksLivingPeers(t *testing.T) {
	leading(t, func(r room) {
		for i := 2; i <= 5; i++ {
			if i != 5 {
				if err := r.Raft.AddNonvoter(testkernel.ID(i), testkernel.Address(i)); err != nil {
					t.Fatal(err)
				}
			}
			if i != 4 {
				r.Neighbour(i, testkernel.ID(i)).SayStats(ops.StatusRaftReply{LastContact: time.Duration(i) * time.Millisecond, LastTerm: uint64(i), LastIndex: uint64(10 * i)})
			}
		}
		members := []gossip.Member{server(1, nil), server(2, nil), testkernel.As(server(3, nil), gossip.Failed), server(4, nil), server(5, nil)}
		r.Pool.Set(members...)
		pilot := r.duties.PilotDelegate()
		began := time.Now()
		stats := pilot.FetchServerStats(r.T.Context(), pilot.KnownServers())
		if took := time.Since(began); took > time.Second {
			t.Errorf("took %s", took)
		}
		// s1 does not answer here: its own operations are not registered.
		two := stats[raft.ServerID(testkernel.ID(2))]
		if len(stats) != 1 || two == nil || *two != (autopilot.ServerStats{LastContact: 2 * time.Millisecond, LastTerm: 2, LastIndex: 20}) {
			t.Errorf("%v", stats)
		}
	})
}

func TestAServerThatNeverHeardALeaderIsFarBehind(t *testing.T) {
	for heard, want := range map[time.Duration]time.Duration{-1: 24 * time.Hour, 0: 0, time.Second: time.Second} {
		leading(t, func(r room) {
			r.Neighbour(2, testkernel.ID(2)).SayStats(ops.StatusRaftReply{LastContact: heard})
			got, err := r.duties.StatsOf(r.T.Context(), rpc.Server{ID: testkernel.ID(2), Datacenter: "dc1", Address: testkernel.Address(2)})
			if err != nil || got.LastContact != want {
				t.Errorf("%s: %+v, %v", heard, got, err)
			}
		})
	}
}

func TestADeadServerIsMadeToLeave(t *testing.T) {
	leading(t, func(r room) {
		pilot := r.duties.PilotDelegate()
		pilot.RemoveFailedServer(&autopilot.Server{Name: "s3"})
		r.Pool.Fault = gossip.ErrNoAnswer // is told and no more
		pilot.RemoveFailedServer(&autopilot.Server{Name: "s4"})
		if got, want := r.Pool.Did(), []string{"leave s3, prune false", "leave s4, prune false"}; !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
	})
}
