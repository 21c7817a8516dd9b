package ops

import (
	"praetor/catalog"
	"praetor/internal/rpc"
)

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false

var (
	// CatalogRegister writes a node, a service and checks, all or nothing.
	CatalogRegister = rpc.Write[CatalogRegisterRequest, Empty]("Catalog.Register").Briefly()
	// CatalogDeregister removes a node, a service or a check.
	CatalogDeregister = rpc.Write[CatalogDeregisterRequest, Empty]("Catalog.Deregister").Briefly()
	// CatalogSync brings an agent's share of the catalog up to date: many
	// registrations and removals in one log entry, each judged by itself.
	CatalogSync = rpc.Write[CatalogSyncRequest, CatalogSyncReply]("Catalog.Sync").Briefly()

	// CatalogDatacenters lists the datacenters known, the nearest first.
	CatalogDatacenters = rpc.ReadAny[CatalogDatacentersRequest, CatalogDatacentersReply]("Catalog.Datacenters")
	// CatalogNodes lists nodes.
	CatalogNodes = rpc.ReadState[CatalogNodesRequest, CatalogNodesReply]("Catalog.Nodes")
	// CatalogServices lists service names with their tags.
	CatalogServices = rpc.ReadState[CatalogServicesRequest, CatalogServicesReply]("Catalog.Services")
	// CatalogService lists the instances of a service, healthy or not,
	// or what serves it inside the mesh.
	CatalogService = rpc.ReadState[CatalogServiceRequest, CatalogServiceReply]("Catalog.Service")
	// CatalogGatewayServices lists the services that a gateway is configured to
	// serve.
	CatalogGatewayServices = rpc.ReadState[CatalogGatewayServicesRequest, CatalogGatewayServicesReply]("Catalog.GatewayServices")
	// CatalogNode lists what runs on a node; the reply's NodeServices is nil if
	// the node is unknown.
	CatalogNode = rpc.ReadState[CatalogNodeRequest, CatalogNodeReply]("Catalog.Node")
	// CatalogAddress tells what has an IP address: a node if there is one, else an
	// instance.
	CatalogAddress = rpc.ReadState[CatalogAddressRequest, CatalogAddressReply]("Catalog.Address")
)

// Empty is the reply of operations that only succeed or fail.
type Empty struct{}

type CatalogRegisterRequest struct {
	rpc.WriteOptions
	Register catalog.Register
}

type CatalogDeregisterRequest struct {
	rpc.WriteOptions
	Deregister catalog.Deregister
}

type CatalogSyncRequest struct {
	rpc.WriteOptions
	Registers   []*catalog.Register
	Deregisters []*catalog.Deregister
}

// LeadsWithNode reports whether the first member registers a node, and nothing on
// it: if that is refused so is all that follows.
func (r *CatalogSyncRequest) LeadsWithNode() bool {
	if len(r.Registers) == 0 || r.Registers[0] == nil {
		return false
	}
	first := r.Registers[0]
	return !first.SkipNodeUpdate && first.Service == nil && len(first.Checks) == 0
}

// TextNodeRefused is the text of what came after the refused registration of its
// node in one request.
const TextNodeRefused = "not applied: the registration of its node was refused"

// CatalogSyncReply has one text per member of the request, registrations first;
// "" means done. Denied tells which texts are permission errors.
type CatalogSyncReply struct {
	Errors []string
	Denied []bool
}

type CatalogDatacentersRequest struct {
	rpc.ReadOptions
}

type CatalogDatacentersReply struct {
	Datacenters []string
}

type CatalogNodesRequest struct {
	rpc.ReadOptions
	Near
	NodeMeta map[string]string // all must match
	Filter   string            // an expression about filter.Node
}

type CatalogNodesReply struct {
	rpc.ReadMeta
	Nodes []*catalog.Node
}

type CatalogServicesRequest struct {
	rpc.ReadOptions
	NodeMeta map[string]string
	Filter   string // about filter.Instance; what has no matching instance is left out
}

type CatalogServicesReply struct {
	rpc.ReadMeta
	Services map[string][]string
}

type CatalogServiceRequest struct {
	rpc.ReadOptions
	Near
	Service  string
	Connect  bool     // what serves it inside the mesh instead of its instances
	Tags     []string // all must be present, any case
	NodeMeta map[string]string
	Filter   string // about filter.Instance
}

type CatalogServiceReply struct {
	rpc.ReadMeta
	Instances []*catalog.Instance
}

type CatalogGatewayServicesRequest struct {
	rpc.ReadOptions
	Gateway string
}

// CatalogGatewayServicesReply has no list: entries about gateways are not worked out yet.
type CatalogGatewayServicesReply struct {
	rpc.ReadMeta
}

type CatalogNodeRequest struct {
	rpc.ReadOptions
	Node   string // name, ID, or unique ID prefix
	Filter string // of its services, about filter.Service
}

type CatalogNodeReply struct {
	rpc.ReadMeta
	NodeServices *catalog.NodeServices
}

type CatalogAddressRequest struct {
	rpc.ReadOptions
	Address string
}

// CatalogAddressReply has one member, or none if nothing has the address.
type CatalogAddressReply struct {
	rpc.ReadMeta
	Node    *catalog.Node
	Service *catalog.Service
}
