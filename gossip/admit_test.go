package gossip_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"praetor/gossip"
	"praetor/internal/fault"
)

func lanMember(name, id, dc string, status gossip.Status) gossip.Member {
	return gossip.Member{Name: name, Addr: net.IPv4(10, 0, 0, 1), Status: status, Tags: gossip.ClientTags{ID: id, Datacenter: dc}.Map()}
}

func TestLANAdmission(t *testing.T) {
	for _, row := range []struct {
		name    string
		members []gossip.Member
		want    string
	}{
		{"own entry", []gossip.Member{lanMember("me", "A", "dc1", 0)}, ""},
		{"strangers", []gossip.Member{lanMember("x", "B", "dc1", 0), lanMember("y", "C", "dc1", 0)}, ""},
		{"own ID elsewhere", []gossip.Member{lanMember("x", "A", "dc1", 0)}, "Member 'x' has conflicting node ID 'A' with this agent's ID " +
			"(two agents cannot share an ID: delete node-id in the data_dir of the one that is a copy of the other, or set another node_id, and start it again)"},
		{"own ID under a name that left", []gossip.Member{lanMember("x", "A", "dc1", gossip.Left)}, ""},
		{"shared ID", []gossip.Member{lanMember("x", "B", "dc1", 0), lanMember("y", "B", "dc1", 0)}, "Member 'y' has conflicting node ID 'B' with member 'x'"},
		{"shared ID, one left", []gossip.Member{lanMember("x", "B", "dc1", gossip.Left), lanMember("y", "B", "dc1", 0)}, ""},
		{"no IDs", []gossip.Member{lanMember("x", "", "dc1", 0), lanMember("y", "", "dc1", 0)}, ""},
		{"other datacenter", []gossip.Member{lanMember("x", "B", "dc2", 0)}, "Member 'x' part of wrong datacenter 'dc2'"},
	} {
		t.Run(row.name, func(t *testing.T) {
			wantRefusal(t, gossip.AdmitLAN("me", "dc1", "A", "")(row.members), row.want)
		})
	}
}

func TestWANAdmissionIsForServers(t *testing.T) {
	server := gossip.Member{Name: "s.dc2", Tags: gossip.ServerTags{Datacenter: "dc2", RPCPort: 8300}.Map()}
	wantRefusal(t, gossip.AdmitWAN()([]gossip.Member{server}), "")
	wantRefusal(t, gossip.AdmitWAN()([]gossip.Member{server, lanMember("c", "B", "dc1", 0)}), "Member 'c' is not a server")
}

func wantRefusal(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("refused: %v", err)
	case want != "" && (err == nil || err.Error() != want || fault.KindOf(err) != fault.Rejected):
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestRefusedMembersDoNotJoin(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		all := w.start(2)
		opts := w.options("far", 3)
		opts.Tags["dc"] = "dc2"
		opts.Admit = gossip.AdmitLAN("far", "dc2", "id-far", "")
		far := w.open(3, opts)
		_, err := far.Join([]string{ip(1)})
		if err == nil || !strings.Contains(err.Error(), "* Failed to join 10.0.0.1:8301: Member 'm") || !strings.Contains(err.Error(), "part of wrong datacenter 'dc1'") {
			t.Errorf("joining dc1 from dc2: %v", err)
		}
		opts = w.options("twin", 4)
		opts.Tags["id"] = "id-m2"
		opts.Admit = gossip.AdmitLAN("twin", "dc1", "id-m2", "")
		twin := w.open(4, opts)
		_, err = twin.Join([]string{ip(1)})
		if err == nil || !strings.Contains(err.Error(), "Member 'm2' has conflicting node ID 'id-m2' with this agent's ID") {
			t.Errorf("joining with the ID of m2: %v", err)
		}
		pass(2 * time.Minute)
		if err := far.alive(1); err != nil {
			t.Error(err)
		}
		// m1 cannot tell which of two strangers owns an ID; the owners can.
		if _, known := all[1].find("twin"); known {
			t.Error("m2 lists another member with its ID")
		}
		if _, known := twin.find("m2"); known {
			t.Error("twin lists another member with its ID")
		}
	})
}

func TestMembersWithControlCharactersInTheirNameAreRefused(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		opts := w.options("a\nalive: evil 10.9.9.9:1", 1)
		if _, err := gossip.Open(opts); fault.KindOf(err) != fault.Invalid {
			t.Errorf("got %v, want an invalid name", err)
		}
	})
}

func TestMembersOutsideTheAllowedNetworksAreRefused(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		opts := w.options("m1", 1)
		_, lan, _ := net.ParseCIDR("10.0.0.0/30") // 10.0.0.1 to .3
		opts.AllowedCIDRs = []net.IPNet{*lan}
		m1 := w.open(1, opts)
		w.open(2, w.options("in", 2)).Join([]string{ip(1)})
		w.open(9, w.options("out", 9)).Join([]string{ip(1)})
		pass(time.Minute)
		if err := m1.alive(2); err != nil {
			t.Error(err)
		}
	})
}

func TestNameOfALivingAgentIsNotGivenTwice(t *testing.T) {
	taken := func(id, addr string, status gossip.Status) []gossip.Member {
		return []gossip.Member{{Name: "web", Addr: net.ParseIP(addr), Status: status, Tags: map[string]string{"dc": "dc1", "id": id}}}
	}
	admit := gossip.AdmitLAN("web", "dc1", "mine", "10.0.0.1")
	for name, row := range map[string]struct {
		members []gossip.Member
		refused bool
	}{
		"another agent elsewhere":            {taken("other", "10.0.0.2", gossip.Alive), true},
		"this agent before it lost its data": {taken("other", "10.0.0.1", gossip.Alive), false},
		"this agent before it moved":         {taken("mine", "10.0.0.2", gossip.Alive), false},
		"another agent that failed":          {taken("other", "10.0.0.2", gossip.Failed), false},
		"another agent that left":            {taken("other", "10.0.0.2", gossip.Left), false},
	} {
		err := admit(row.members)
		if (err != nil) != row.refused {
			t.Errorf("%s: %v", name, err)
		}
		if row.refused && !strings.Contains(err.Error(), "Node name 'web' is taken by a living agent at 10.0.0.2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
