package gossip_test

import (
	"net"
	"reflect"
	"testing"
	"time"

	"praetor/gossip"
	"praetor/internal/version"
)

func TestServerTagsAreConsuls(t *testing.T) {
	build := version.Compatible + ":"
	for _, row := range []struct {
		name string
		tags gossip.ServerTags
		want map[string]string
	}{
		{"dev server of reference/http-agent.md §2.2",
			gossip.ServerTags{ID: "2d1c", Datacenter: "dc1", RPCPort: 8300, WANJoinPort: 8302, GRPCPort: 8502, GRPCTLSPort: -1, Bootstrap: true},
			map[string]string{"acls": "0", "bootstrap": "1", "build": build, "dc": "dc1", "ft_fs": "1", "ft_si": "1", "grpc_port": "8502", "id": "2d1c",
				"port": "8300", "raft_vsn": "3", "role": "consul", "segment": "", "vsn": "2", "vsn_max": "3", "vsn_min": "2", "wan_join_port": "8302"}},
		{"read replica with TLS and ACLs",
			gossip.ServerTags{Datacenter: "dc1", RPCPort: 1, Expect: 3, UseTLS: true, ACLs: true, ReadReplica: true, GRPCTLSPort: 8503},
			map[string]string{"acls": "1", "expect": "3", "use_tls": "1", "read_replica": "1", "nonvoter": "1", "build": build, "dc": "dc1", "ft_fs": "1", "ft_si": "1",
				"grpc_tls_port": "8503", "id": "", "port": "1", "raft_vsn": "3", "role": "consul", "segment": "", "vsn": "2", "vsn_max": "3", "vsn_min": "2"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := row.tags.Map(); !reflect.DeepEqual(got, row.want) {
				t.Errorf("got  %v\nwant %v", got, row.want)
			}
		})
	}
}

func TestClientTagsAreConsuls(t *testing.T) {
	got := gossip.ClientTags{ID: "x", Datacenter: "dc1", ReconnectTimeout: 2 * time.Hour}.Map()
	build := version.Compatible + ":"
	want := map[string]string{"build": build, "dc": "dc1", "id": "x", "role": "node", "segment": "", "vsn": "2", "vsn_min": "2", "vsn_max": "3", "rc_tm": "2h0m0s"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestServersAreParsedFromTheirTags(t *testing.T) {
	tags := gossip.ServerTags{ID: "i", Datacenter: "dc1", RPCPort: 8300, WANJoinPort: 8302, GRPCPort: 8502, GRPCTLSPort: 8503, ACLs: true, Expect: 3, UseTLS: true, ReadReplica: true}
	got, ok := gossip.ParseServer(gossip.Member{Name: "s1", Addr: net.IPv4(10, 0, 0, 1), Status: gossip.Alive, Tags: tags.Map()})
	want := gossip.ServerInfo{ID: "i", Name: "s1", MemberName: "s1", Datacenter: "dc1", Status: gossip.Alive, RPCAddress: "10.0.0.1:8300", WANJoinPort: 8302,
		GRPCPort: 8502, GRPCTLSPort: 8503, Build: version.Compatible, RaftVersion: 3, Expect: 3, NonVoter: true, UseTLS: true}
	if !ok || got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestNamesOfWANServersLoseTheirDatacenter(t *testing.T) {
	for _, row := range []struct {
		name    string
		wanPort int
		want    string
	}{{"s1.dc1", 0, "s1"}, {"a.b.dc1", 0, "a.b"}, {"s1.dc2", 0, "s1.dc2"}, {"s1.dc1", 8302, "s1.dc1"}} {
		tags := gossip.ServerTags{Datacenter: "dc1", RPCPort: 8300, WANJoinPort: row.wanPort}.Map()
		info, ok := gossip.ParseServer(gossip.Member{Name: row.name, Addr: net.ParseIP("fd00::1"), Tags: tags})
		if !ok || info.Name != row.want || info.MemberName != row.name || info.RPCAddress != "[fd00::1]:8300" {
			t.Errorf("%s with WAN port %d: got %+v, want name %s", row.name, row.wanPort, info, row.want)
		}
	}
}

func FuzzParseServer(f *testing.F) {
	f.Add("consul", "8300", "dc1", "s1.dc1", "3", "1.22.7:abcd")
	f.Add("node", "", "", "", "", "")
	f.Add("consul", "-1", "dc", ".dc", "99999999999999999999", ":")
	f.Add("consul", "65536", "", "x.", "+3", "")
	f.Fuzz(func(t *testing.T, role, port, dc, name, expect, build string) {
		m := gossip.Member{Name: name, Addr: net.IPv4(10, 0, 0, 1), Tags: map[string]string{"role": role, "port": port, "dc": dc, "expect": expect, "build": build}}
		info, ok := gossip.ParseServer(m)
		if !ok {
			if info != (gossip.ServerInfo{}) {
				t.Errorf("not ok, yet %+v", info)
			}
			return
		}
		if role != "consul" || info.Expect < 0 {
			t.Errorf("role %q gives %+v", role, info)
		}
		if _, err := net.ResolveTCPAddr("tcp", info.RPCAddress); err != nil {
			t.Errorf("RPC address: %v", err)
		}
	})
}
