package ops

import (
	"praetor/catalog"
	"praetor/internal/rpc"
)

// The questions of the web UI (reference/http-mesh-ui.md §6).
var (
	// UINodes lists nodes with what is on them.
	UINodes = rpc.Read[UINodesRequest, UINodesReply]("UI.Nodes")
	// UINode returns one; the reply's Node is nil if it is unknown.
	UINode = rpc.Read[UINodeRequest, UINodeReply]("UI.Node")
	// UIServices sums up every service.
	UIServices = rpc.Read[UIServicesRequest, UIServicesReply]("UI.Services")
	// UIOverview counts what is in the catalog by health. The reply's Overview is
	// nil until a server has been up for the first interval.
	UIOverview = rpc.Read[UIOverviewRequest, UIOverviewReply]("UI.Overview")
	// UITopology tells what a service speaks and whether its proxies are
	// transparent.
	UITopology = rpc.Read[UITopologyRequest, UITopologyReply]("UI.Topology")
	// UIMesh answers questions about gateways, intentions and exports. Configuration
	// entries about them are not worked out yet: the answer is empty and says only
	// as of when.
	UIMesh = rpc.Read[UIMeshRequest, UIMeshReply]("UI.Mesh")
)

type UINodesRequest struct {
	rpc.ReadOptions
	Filter string
}

type UINodesReply struct {
	rpc.ReadMeta
	Nodes []*catalog.NodeDetail
}

type UINodeRequest struct {
	rpc.ReadOptions
	Node string // name, ID, or unique ID prefix
}

type UINodeReply struct {
	rpc.ReadMeta
	Node *catalog.NodeDetail
}

type UIServicesRequest struct {
	rpc.ReadOptions
	Filter string // chooses the instances to sum up
}

type UIServicesReply struct {
	rpc.ReadMeta
	Services []*catalog.ServiceSummary
}

type UIOverviewRequest struct {
	rpc.ReadOptions
}

type UIOverviewReply struct {
	rpc.ReadMeta
	Overview *catalog.Overview
}

type UITopologyRequest struct {
	rpc.ReadOptions
	Service string
}

type UITopologyReply struct {
	rpc.ReadMeta
	Protocol         string
	TransparentProxy bool
}

type UIMeshRequest struct {
	rpc.ReadOptions
}

type UIMeshReply struct {
	rpc.ReadMeta
}
