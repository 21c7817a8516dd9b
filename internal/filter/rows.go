package filter

import (
	"praetor/catalog"
	"praetor/internal/mesh"
)

// Node is what expressions about nodes can name.
type Node struct {
	ID, Node, Address, Datacenter string
	PeerName, Partition           string
	TaggedAddresses, Meta         map[string]string
}

// Set fills the row.
func (r *Node) Set(n *catalog.Node) {
	*r = Node{}
	if n != nil {
		*r = Node{ID: n.ID, Node: n.Node, Address: n.Address, Datacenter: n.Datacenter, TaggedAddresses: n.TaggedAddresses, Meta: n.Meta}
	}
}

// Service is what expressions about the services of a node can name, and those
// about an agent's own.
type Service struct {
	Kind, ID, Service string
	Tags              []string
	Address           string
	TaggedAddresses   map[string]catalog.ServiceAddress
	Meta              map[string]string
	Port              int
	SocketPath        string
	Weights           catalog.Weights
	EnableTagOverride bool
	Proxy             Proxy
	Connect           catalog.Connect
	PeerName          string
}

// Set fills the row.
func (r *Service) Set(s *catalog.Service) {
	*r = Service{
		Kind: s.Kind, ID: s.ID, Service: s.Service, Tags: s.Tags, Address: s.Address, TaggedAddresses: s.TaggedAddresses,
		Meta: s.Meta, Port: s.Port, SocketPath: s.SocketPath, Weights: s.Weights, EnableTagOverride: s.EnableTagOverride,
	}
	if r.Weights == (catalog.Weights{}) { // an agent's own: those in force are shown
		r.Weights = catalog.Weights{Passing: 1, Warning: 1}
	}
	r.Proxy.set(s.Proxy)
	if s.Connect != nil {
		r.Connect = *s.Connect
	}
}

// Instance is what expressions about catalog/service and catalog/services can
// name: a service with its node, flat.
type Instance struct {
	ID, Node, Address, Datacenter, PeerName string
	TaggedAddresses, NodeMeta               map[string]string
	ServiceKind, ServiceID, ServiceName     string
	ServiceTags                             []string
	ServiceAddress                          string
	ServiceTaggedAddresses                  map[string]catalog.ServiceAddress
	ServiceMeta                             map[string]string
	ServicePort                             int
	ServiceSocketPath                       string
	ServiceWeights                          catalog.Weights
	ServiceEnableTagOverride                bool
	ServiceProxy                            Proxy
	ServiceConnect                          catalog.Connect
}

// Set fills the row.
func (r *Instance) Set(i *catalog.Instance) {
	n, s := i.Node, i.Service
	*r = Instance{
		ID: n.ID, Node: s.Node, Address: n.Address, Datacenter: n.Datacenter, TaggedAddresses: n.TaggedAddresses, NodeMeta: n.Meta,
		ServiceKind: s.Kind, ServiceID: s.ID, ServiceName: s.Service, ServiceTags: s.Tags, ServiceAddress: s.Address,
		ServiceTaggedAddresses: s.TaggedAddresses, ServiceMeta: s.Meta, ServicePort: s.Port, ServiceSocketPath: s.SocketPath,
		ServiceWeights: s.Weights, ServiceEnableTagOverride: s.EnableTagOverride,
	}
	r.ServiceProxy.set(s.Proxy)
	if s.Connect != nil {
		r.ServiceConnect = *s.Connect
	}
}

// Check is what expressions about checks can name.
type Check struct {
	Node, CheckID, Name, Status, Notes, Output string
	ServiceID, ServiceName                     string
	ServiceTags                                []string
	Type, Interval, Timeout                    string
	ExposedPort                                int
	PeerName                                   string
}

// Set fills the row.
func (r *Check) Set(c *catalog.Check) {
	*r = Check{
		Node: c.Node, CheckID: c.CheckID, Name: c.Name, Status: c.Status, Notes: c.Notes, Output: c.Output,
		ServiceID: c.ServiceID, ServiceName: c.ServiceName, ServiceTags: c.ServiceTags,
		Type: c.Type, Interval: c.Interval, Timeout: c.Timeout, ExposedPort: c.ExposedPort,
	}
}

// Intention is what expressions about intentions can name.
type Intention struct {
	ID, Description                                    string
	SourcePeer, SourcePartition, SourceSamenessGroup   string
	SourceNS, SourceName, DestinationPartition         string
	DestinationNS, DestinationName, SourceType, Action string
	Precedence                                         int
	Meta                                               map[string]string
}

// Set fills the row.
func (r *Intention) Set(in *mesh.Intention) {
	src := &in.Source
	*r = Intention{
		ID: src.LegacyID, Description: src.Description, SourcePeer: src.Peer, SourceNS: "default", SourceName: src.Name,
		DestinationNS: "default", DestinationName: in.Destination, SourceType: src.Type, Action: src.Action, Precedence: src.Precedence, Meta: in.Meta,
	}
}

// InstanceHealth is what expressions about health/service can name. One about
// Checks matches if any of them does.
type InstanceHealth struct {
	Node    Node
	Service Service
	Checks  []Check
}

// Set fills the row.
func (r *InstanceHealth) Set(i *catalog.InstanceHealth) {
	r.Node.Set(i.Node)
	r.Service.Set(i.Service)
	r.Checks = fill(r.Checks, i.Checks)
}

// NodeDump is what expressions about internal/ui/nodes can name.
type NodeDump struct {
	ID, Node, Address     string
	PeerName, Partition   string
	TaggedAddresses, Meta map[string]string
	Services              []Service
	Checks                []Check
}

// Set fills the row.
func (r *NodeDump) Set(d *catalog.NodeDetail) {
	n, services, checks := d.Node, d.Services, d.Checks
	r.ID, r.Node, r.Address, r.TaggedAddresses, r.Meta = n.ID, n.Node, n.Address, n.TaggedAddresses, n.Meta
	r.Services, r.Checks = fill(r.Services, services), fill(r.Checks, checks)
}

// fill makes rows of a list in the room of those before.
func fill[R, E any, P Row[R, E]](rows []R, list []E) []R {
	rows = rows[:0]
	for _, e := range list {
		var r R
		P(&r).Set(e)
		rows = append(rows, r)
	}
	return rows
}

// Proxy is the mesh part of a service. One that has none matches nothing but
// what asks for emptiness.
type Proxy struct {
	DestinationServiceName, DestinationServiceID string
	LocalServiceAddress                          string
	LocalServicePort                             int
	LocalServiceSocketPath                       string
	Mode                                         string
	MeshGateway                                  MeshGateway
	Upstreams                                    []Upstream
	Expose                                       catalog.Expose
	TransparentProxy                             catalog.TransparentProxy
	AccessLogs                                   AccessLogs
	EnvoyExtensions                              []EnvoyExtension
}

func (r *Proxy) set(p *catalog.Proxy) {
	if p == nil {
		return
	}
	*r = Proxy{
		DestinationServiceName: p.DestinationServiceName, DestinationServiceID: p.DestinationServiceID,
		LocalServiceAddress: p.LocalServiceAddress, LocalServicePort: p.LocalServicePort, LocalServiceSocketPath: p.LocalServiceSocketPath,
		Mode: p.Mode, MeshGateway: MeshGateway{p.MeshGatewayMode},
	}
	for _, u := range p.Upstreams {
		r.Upstreams = append(r.Upstreams, Upstream{
			DestinationType: u.DestinationType, DestinationNamespace: u.DestinationNamespace, DestinationPartition: u.DestinationPartition,
			DestinationPeer: u.DestinationPeer, DestinationName: u.DestinationName, Datacenter: u.Datacenter,
			LocalBindAddress: u.LocalBindAddress, LocalBindPort: u.LocalBindPort, LocalBindSocketPath: u.LocalBindSocketPath,
			LocalBindSocketMode: u.LocalBindSocketMode, MeshGateway: MeshGateway{u.MeshGatewayMode},
		})
	}
	if p.Expose != nil {
		r.Expose = *p.Expose
	}
	if p.TransparentProxy != nil {
		r.TransparentProxy = *p.TransparentProxy
	}
}

// MeshGateway is how a proxy leaves its datacenter.
type MeshGateway struct{ Mode string }

// Upstream is a service that a proxy reaches.
type Upstream struct {
	DestinationType, DestinationNamespace, DestinationPartition string
	DestinationPeer, DestinationName, Datacenter                string
	LocalBindAddress                                            string
	LocalBindPort                                               int
	LocalBindSocketPath, LocalBindSocketMode                    string
	MeshGateway                                                 MeshGateway
}

// AccessLogs and EnvoyExtension can be named; nothing here has any.
type AccessLogs struct {
	Enabled, DisableListenerLogs       bool
	Type, Path, JSONFormat, TextFormat string
}

// EnvoyExtension is an extension of a proxy.
type EnvoyExtension struct {
	Name                        string
	Required                    bool
	ConsulVersion, EnvoyVersion string
}
