package testcluster_test

import (
	"context"
	"net"
	"slices"
	"testing"

	"github.com/hashicorp/consul/proto-public/pbconnectca"
	"github.com/hashicorp/consul/proto-public/pbserverdiscovery"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"praetor/internal/testcluster"
)

func dialGRPC(t *testing.T, n *testcluster.Node) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:x", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return n.Dial(ctx, 8502) }))
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// TestDataplanesHearOfServersAndRoots watches both while a server goes and another comes.
func TestDataplanesHearOfServersAndRoots(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 3, Clients: 1, Config: `ports { grpc = 8502 }`}, func(c *testcluster.Cluster) {
		server, client := dialGRPC(t, c.Servers()[0]), dialGRPC(t, c.Clients()[0])
		defer server.Close()
		defer client.Close()
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		servers, err := pbserverdiscovery.NewServerDiscoveryServiceClient(server).WatchServers(ctx, &pbserverdiscovery.WatchServersRequest{})
		if err != nil {
			t.Fatal(err)
		}
		want := func(nodes ...*testcluster.Node) {
			t.Helper()
			var addresses []string
			for _, n := range nodes {
				addresses = append(addresses, n.IP())
			}
			for {
				rep, err := servers.Recv()
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, s := range rep.Servers {
					got = append(got, s.Address)
				}
				if slices.Sort(got); slices.Equal(got, addresses) {
					return
				}
			}
		}
		want(c.Servers()...)
		if err := c.Servers()[2].Leave(); err != nil {
			t.Fatal(err)
		}
		want(c.Servers()[:2]...)
		c.Servers()[2].Start()
		want(c.Servers()...)
		for _, conn := range []*grpc.ClientConn{server, client} {
			roots, err := pbconnectca.NewConnectCAServiceClient(conn).WatchRoots(ctx, &pbconnectca.WatchRootsRequest{})
			if err != nil {
				t.Fatal(err)
			}
			if rep, err := roots.Recv(); err != nil || rep.ActiveRootId == "" || len(rep.Roots) != 1 {
				t.Errorf("roots %v, %v", rep, err)
			}
		}
	})
}
