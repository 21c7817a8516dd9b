package httpapi

import (
	"encoding/json"

	"praetor/catalog"
)

// The bodies name every key that a request may have. encoding/json matches
// keys in any case; snake_case aliases have fields of their own, which count
// where the main one is absent.

// agentServiceBody is what registers a service with the agent
// (reference/http-agent.md §3.3).
type agentServiceBody struct {
	serviceFields
	Connect *lenient[connectBody]
}

type connectBody struct {
	Native          bool
	SidecarService  *sidecarBody
	SidecarService2 *sidecarBody `json:"sidecar_service"`
}

// sidecarBody is the proxy of a service. It may not have one itself: that much
// is decoded to be refused.
type sidecarBody struct {
	serviceFields
	Connect *struct {
		Native          bool
		SidecarService  json.RawMessage
		SidecarService2 json.RawMessage `json:"sidecar_service"`
	}
}

type serviceFields struct {
	Kind               string
	ID                 string
	Name               string
	Tags               []string
	Address            string
	TaggedAddresses    map[string]catalog.ServiceAddress
	TaggedAddresses2   map[string]catalog.ServiceAddress `json:"tagged_addresses"`
	Meta               map[string]string
	Port               int
	SocketPath         string
	Check              *serviceCheckBody
	Checks             []*serviceCheckBody
	Weights            *catalog.Weights
	EnableTagOverride  bool
	EnableTagOverride2 bool `json:"enable_tag_override"`
	Locality           *catalog.Locality
	Token              string // accepted and ignored
	Proxy              *proxyBody
}

// sidecar is the proxy asked for beside the service, nil for none.
func (s *agentServiceBody) sidecar() *sidecarBody {
	if s.Connect == nil {
		return nil
	}
	return firstOf(s.Connect.Value.SidecarService, s.Connect.Value.SidecarService2)
}

func (s *agentServiceBody) service() *catalog.Service {
	svc := s.serviceFields.service()
	if svc.ID == "" {
		svc.ID = svc.Service
	}
	if s.Connect != nil && s.Connect.Value.Native {
		svc.Connect = &catalog.Connect{Native: true}
	}
	return svc
}

// isNested tells whether the sidecar asks for a sidecar.
func (s *sidecarBody) isNested() bool {
	return s.Connect != nil && (isGiven(s.Connect.SidecarService) || isGiven(s.Connect.SidecarService2))
}

func isGiven(text json.RawMessage) bool { return len(text) > 0 && string(text) != "null" }

// service is the service the fields describe. Zero weights mean none were given.
func (s *serviceFields) service() *catalog.Service {
	svc := &catalog.Service{
		Kind: s.Kind, ID: s.ID, Service: s.Name, Tags: s.Tags, Address: s.Address,
		TaggedAddresses: firstMap(s.TaggedAddresses, s.TaggedAddresses2), Meta: s.Meta, Port: s.Port, SocketPath: s.SocketPath,
		EnableTagOverride: s.EnableTagOverride || s.EnableTagOverride2, Locality: s.Locality,
	}
	if s.Weights != nil {
		svc.Weights = *s.Weights
	}
	if s.Proxy != nil {
		svc.Proxy = s.Proxy.proxy("service")
	}
	return svc
}

// checks are the service's checks, Check first.
func (s *serviceFields) checks() []*catalog.Check {
	var checks []*catalog.Check
	if s.Check != nil && !s.Check.isEmpty() {
		checks = append(checks, s.Check.check())
	}
	for _, c := range s.Checks {
		if c != nil {
			checks = append(checks, c.check())
		}
	}
	return checks
}

// registerBody is what registers in the catalog (reference/http-catalog-health.md §2.1).
type registerBody struct {
	ID              string
	Node            string
	Address         string
	Datacenter      string
	TaggedAddresses map[string]string
	NodeMeta        map[string]string
	Locality        *catalog.Locality
	SkipNodeUpdate  bool
	Service         *nodeServiceBody
	Check           *checkBody
	Checks          []*checkBody
	PeerName        string
}

type nodeServiceBody struct {
	Kind              string
	ID                string
	Service           string
	Tags              []string
	Address           string
	TaggedAddresses   map[string]catalog.ServiceAddress
	Meta              map[string]string
	Port              int
	SocketPath        string
	Weights           *catalog.Weights
	EnableTagOverride bool
	Proxy             *proxyBody
	Connect           *lenient[catalog.Connect]
	Locality          *catalog.Locality
	PeerName          string
	Datacenter        string // clients send back what they read
	ContentHash       string // "
	CreateIndex       uint64 // "
	ModifyIndex       uint64 // "
}

func (r *registerBody) register() catalog.Register {
	reg := catalog.Register{
		ID: r.ID, Node: r.Node, Address: r.Address, Datacenter: r.Datacenter,
		TaggedAddresses: r.TaggedAddresses, NodeMeta: r.NodeMeta, Locality: r.Locality, SkipNodeUpdate: r.SkipNodeUpdate,
	}
	if r.Service != nil {
		reg.Service = r.Service.service()
	}
	if r.Check != nil {
		reg.Checks = append(reg.Checks, r.Check.check())
	}
	for _, c := range r.Checks {
		if c != nil {
			reg.Checks = append(reg.Checks, c.check())
		}
	}
	return reg
}

func (s *nodeServiceBody) service() *catalog.Service {
	svc := &catalog.Service{
		Kind: s.Kind, ID: s.ID, Service: s.Service, Tags: s.Tags, Address: s.Address,
		TaggedAddresses: s.TaggedAddresses, Meta: s.Meta, Port: s.Port, SocketPath: s.SocketPath,
		EnableTagOverride: s.EnableTagOverride, Locality: s.Locality,
	}
	if s.Weights != nil {
		svc.Weights = *s.Weights
	}
	if s.Proxy != nil {
		svc.Proxy = s.Proxy.proxy("")
	}
	if s.Connect != nil && s.Connect.Value.Native {
		svc.Connect = &catalog.Connect{Native: true}
	}
	return svc
}

// deregisterBody is what removes from the catalog.
type deregisterBody struct {
	Datacenter string
	Node       string
	Address    string // accepted and ignored
	ServiceID  string
	CheckID    string
	PeerName   string // accepted and ignored
}

func firstMap[V any](a, b map[string]V) map[string]V {
	if a != nil {
		return a
	}
	return b
}

func firstOf[T comparable](list ...T) T {
	var zero T
	for _, v := range list {
		if v != zero {
			return v
		}
	}
	return zero
}
