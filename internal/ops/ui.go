package ops

import (
	"praetor/catalog"
	"praetor/internal/rpc"
)

// The requests of the web UI (reference/http-mesh-ui.md §6).
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
	// UITopology tells whom a service calls and who calls it, as proxies are registered and
	// intentions allow, what it speaks and whether its proxies are
	// transparent.
	UITopology = rpc.Read[UITopologyRequest, UITopologyReply]("UI.Topology")
	// UIMesh answers reads about gateways, intentions and exports. Configuration
	// entries about them are not worked out yet: the answer is empty and says only
	// as of when.
	UIMesh = rpc.Read[UIMeshRequest, UIMeshReply]("UI.Mesh")
	// UIKeySearch finds keys by a part of their names or values. It does not block.
	UIKeySearch = rpc.Read[UIKeySearchRequest, UIKeySearchReply]("UI.KeySearch")
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
	Kind    string // of a gateway, or ""
}

type UITopologyReply struct {
	rpc.ReadMeta
	Protocol         string
	TransparentProxy bool
	Upstreams        []Neighbour // by name, both
	Downstreams      []Neighbour
}

// Neighbour is a service that another one calls, or is called by.
type Neighbour struct {
	Service *catalog.ServiceSummary
	Source  string // why it is taken for one: one of those below

	Allowed        bool   // intentions allow it
	HasPermissions bool   // some requests are allowed, which are not known yet
	HasExact       bool   // the intention that decides names both
	DefaultAllow   bool   // what is allowed where no intention is
	ExternalSource string // who made the intention, if not people
}

// Neighbour.Source (reference/http-mesh-ui.md §6).
const (
	SourceRegistration = "proxy-registration" // a proxy has it as an upstream
	SourceSpecific     = "specific-intention" // proxies are transparent, and an intention names both
	SourceWildcard     = "wildcard-intention" // likewise, one names either, or none
	SourceDefault      = "default-allow"      // likewise, no intention is about them
)

type UIMeshRequest struct {
	rpc.ReadOptions
}

type UIMeshReply struct {
	rpc.ReadMeta
}

// UIKeySearchRequest says what to look for, whatever its case, and below which prefix.
type UIKeySearchRequest struct {
	rpc.ReadOptions
	Prefix string
	Text   string
	Values bool // look into values, too
	// Skip is how many keys to pass over: those that searches before this one looked at.
	Skip int
}

// UIKeySearchReply has what was found first, in key order.
type UIKeySearchReply struct {
	rpc.ReadMeta
	Keys     []UIFoundKey
	Searched int  // keys that were looked at
	More     bool // there may be others: as many were found, or looked at, as one search may
}

type UIFoundKey struct {
	Key string
	// Line is what was found of a value, with what stands around it; "" where the key
	// itself was found.
	Line string
}
