package kernel_test

import (
	"net"
	"slices"
	"testing"

	"praetor/agent/server/kernel"
	"praetor/gossip"
)

func TestDatacentersWithImpossibleNamesAreNotShown(t *testing.T) {
	var wan []gossip.Member
	for _, dc := range []string{"dc2", "<b>x</b>", "a b", "", "dc/3", "dc\n4"} {
		wan = append(wan, gossip.Member{Name: "s." + dc, Addr: net.IPv4(10, 0, 0, 9), Status: gossip.Alive,
			Tags: gossip.ServerTags{ID: "9", Datacenter: dc, RPCPort: 8300}.Map()})
	}
	servers, datacenters := kernel.Servers(nil, wan, "dc1")
	if len(servers) != 1 || !slices.Equal(datacenters, []string{"dc1", "dc2"}) {
		t.Errorf("got %v and %q", servers, datacenters)
	}
}
