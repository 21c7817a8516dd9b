package testkernel_test

import (
	"testing"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/testkernel"
)

// TestARoomIsServed registers an operation as a room does, and calls it with and without
// the right to it.
func TestARoomIsServed(t *testing.T) {
	register := func(s *testkernel.Server, m *kernel.Mux) {
		kernel.HandleList(m, s.Kernel, ops.CatalogNodes, kernel.Nodes, func(_ *ops.CatalogNodesRequest, rep *ops.CatalogNodesReply) kernel.List[*catalog.Node] {
			return kernel.List[*catalog.Node]{Rows: (*catalog.Tx).Nodes, Into: &rep.Nodes}
		})
	}
	testkernel.Run(t, testkernel.Options{Register: register}, func(s *testkernel.Server) {
		s.ACL = testkernel.Rights{acl.Node.Read("b")}
		for _, name := range []string{"a", "b"} {
			s.Log(catalog.RegisterCommand, &catalog.Register{Node: name, Address: "10.0.1.1"})
		}
		for token, want := range map[string]int{"": 2, "t": 1} {
			req := &ops.CatalogNodesRequest{}
			req.Token = token
			rep, err := ops.CatalogNodes.Call(s.T.Context(), s.Router, req)
			if err != nil || len(rep.Nodes) != want {
				t.Errorf("with token %q: %+v, %v; want %d nodes", token, rep, err, want)
			}
		}
		req := &ops.CatalogNodesRequest{}
		req.Token = "other"
		if _, err := ops.CatalogNodes.Call(s.T.Context(), s.Router, req); fault.KindOf(err) != fault.Denied {
			t.Errorf("with a token that does not exist: %v", err)
		}
	})
}
