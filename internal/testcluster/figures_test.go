package testcluster_test

import (
	"strings"
	"testing"

	"praetor/internal/telemetry"
	"praetor/internal/testcluster"
)

// TestARunningClusterEmitsDeclaredFiguresOnly asks all agents what they have measured.
func TestARunningClusterEmitsDeclaredFiguresOnly(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 1, Clients: 1}, func(c *testcluster.Cluster) {
		c.PutKV("a", "1")
		register(t, c.Clients()[0], "web")
		c.WaitFor("web", func() error { return wantService(c, "web", 1) })
		seen := map[string]bool{}
		for _, n := range append(c.Clients(), c.Node(0)) {
			figures, err := client(t, n).Agent().Metrics()
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range figures.Gauges {
				wantDeclared(t, g.Name)
			}
			for _, s := range append(figures.Counters, figures.Samples...) {
				wantDeclared(t, s.Name)
				seen[s.Name] = seen[s.Name] || s.Count > 0
			}
		}
		for _, name := range []string{"consul.acl.ResolveToken", "consul.grpc.server.request.count", "consul.grpc.server.connection.count"} {
			if !seen[name] {
				t.Errorf("%s has counted nothing", name)
			}
		}
	})
}

func wantDeclared(t *testing.T, name string) {
	t.Helper()
	if name = strings.TrimPrefix(name, "consul."); !telemetry.IsDeclared(name) {
		t.Errorf("%q is not declared in internal/telemetry/figures.go", name)
	}
}
