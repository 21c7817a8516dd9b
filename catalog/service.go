package catalog

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"praetor/internal/fault"
)

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false
//msgp:limit arrays:65536 maps:65536

const tableService = "service"

var serviceTable = stored(tableService, 2, "Register", serviceID, (*restorer).service, many(byAddress, serviceByAddress))

// Service is one instance of a service on a node. ID is unique on its node, compared without
// regard to case, and shown as spelled last.
type Service struct {
	Node              string // name of the node it runs on, as spelled with the instance; the JSON of node-centric answers leaves it out
	Kind              string // "" or a proxy or gateway kind
	ID                string
	Service           string   // the service's name
	Tags              []string `msg:"Tags,allownil"` // nil and empty differ in internal/ui
	Address           string   // "" means the node's address
	TaggedAddresses   map[string]ServiceAddress
	Meta              map[string]string
	Port              int           // of several the default one
	Ports             []ServicePort `msg:"Ports,omitempty"` // none if there is one only, without a name
	SocketPath        string
	Weights           Weights
	EnableTagOverride bool
	Proxy             *Proxy   // nil for plain services
	Connect           *Connect // nil for plain services
	Locality          *Locality
	CreateIndex       uint64
	ModifyIndex       uint64
}

// ServicePort is one of an instance's ports.
type ServicePort struct {
	Name    string
	Port    int
	Default bool // what who asks for no name gets: one of them
}

// ServiceAddress is one address of an instance under a tag such as lan_ipv4.
type ServiceAddress struct {
	Address string
	Port    int
}

// Weights are an instance's DNS SRV weights by health. The zero value means 1 and 1.
type Weights struct {
	Passing int
	Warning int
}

// Connect marks instances that speak mesh TLS themselves.
type Connect struct {
	Native bool
}

// Proxy is the mesh part of an instance of kind connect-proxy or a gateway.
// It is stored and given back; nothing here interprets it.
type Proxy struct {
	DestinationServiceName string
	DestinationServiceID   string
	LocalServiceAddress    string
	LocalServicePort       int
	LocalServicePorts      []ServicePort `msg:"LocalServicePorts,omitempty"`
	LocalServiceSocketPath string
	Mode                   string
	Config                 map[string]any
	Upstreams              []Upstream
	MeshGatewayMode        string
	Expose                 *Expose
	TransparentProxy       *TransparentProxy
}

// Upstream is a service that a proxy reaches for its own.
type Upstream struct {
	DestinationType      string
	DestinationNamespace string
	DestinationPartition string
	DestinationPeer      string
	DestinationName      string
	DestinationPort      string `msg:"DestinationPort,omitempty"` // the name of one of its ports
	Datacenter           string
	LocalBindAddress     string
	LocalBindPort        int
	LocalBindSocketPath  string
	LocalBindSocketMode  string
	Config               map[string]any
	MeshGatewayMode      string
	CentrallyConfigured  bool
}

// Expose lists paths a proxy serves without mesh TLS.
type Expose struct {
	Checks bool
	Paths  []ExposePath
}

// ExposePath is one path of Expose.
type ExposePath struct {
	ListenerPort    int
	Path            string
	LocalPathPort   int
	Protocol        string
	ParsedFromCheck bool
}

// TransparentProxy is the redirection set-up of a proxy.
type TransparentProxy struct {
	OutboundListenerPort int
	DialedDirectly       bool
}

func serviceID(s *Service) []byte { return home.serviceKey(s.Node, s.ID) }

func (in *keyspace) serviceKey(node, id string) []byte { return in.partsKey(fold(node), fold(id)) }

func (in *keyspace) serviceNameKey(name string) []byte { return in.partsKey(fold(name)) }

// Same reports whether s and o were registered alike; proxy says so of their proxies.
// No weights are the default ones, and no Connect is one that is not native.
func (s *Service) Same(o *Service, proxy func(s, o *Proxy) bool) bool {
	return s.Kind == o.Kind && s.Service == o.Service && slices.Equal(s.Tags, o.Tags) &&
		s.Address == o.Address && s.Port == o.Port && slices.Equal(s.Ports, o.Ports) && s.SocketPath == o.SocketPath &&
		maps.Equal(s.TaggedAddresses, o.TaggedAddresses) && maps.Equal(s.Meta, o.Meta) &&
		s.Weights.orDefault() == o.Weights.orDefault() && s.EnableTagOverride == o.EnableTagOverride &&
		s.Locality.Equal(o.Locality) && s.isNative() == o.isNative() && proxy(s.Proxy, o.Proxy)
}

// FillPort makes the default one of several ports the port of who knows of one only.
func (s *Service) FillPort() {
	if s.Port == 0 {
		s.Port = s.DefaultPort()
	}
}

// DefaultPort is the default one of several ports; 0 for none.
func (s *Service) DefaultPort() int {
	for _, p := range s.Ports {
		if p.Default {
			return p.Port
		}
	}
	return 0
}

// HasTag reports whether an instance has a tag, in any letter case.
func (s *Service) HasTag(tag string) bool {
	return slices.ContainsFunc(s.Tags, func(has string) bool { return strings.EqualFold(has, tag) })
}

// PortNamed is the port of a name in any letter case, as DNS asks for it.
func (s *Service) PortNamed(name string) (port int, ok bool) {
	for _, p := range s.Ports {
		if strings.EqualFold(p.Name, name) {
			return p.Port, true
		}
	}
	return 0, false
}

func (w Weights) orDefault() Weights {
	if w == (Weights{}) {
		return Weights{Passing: 1, Warning: 1}
	}
	return w
}

func (s *Service) isNative() bool { return s.Connect != nil && s.Connect.Native }

// planService refuses a service that Register.Prepare let pass but the store
// may not hold.
func planService(r *Register) error {
	if r.Service == nil {
		return nil
	}
	if err := r.Service.planMeta(r.Node); err != nil {
		return fault.New(fault.Rejected, "failed inserting service: %w", err)
	}
	return nil
}

func (s *Service) planMeta(node string) error {
	if text := metaFault(s.Kind, s.Meta); text != "" {
		return fault.New(fault.Rejected, "Invalid Service Meta for node %s and serviceID %s: %s", node, s.ID, text)
	}
	return nil
}

// putService writes an instance on its node, which is there.
func (w *writer) putService(s *Service) {
	s.CreateIndex, s.ModifyIndex = w.index, w.index
	w.tagVirtual(s)
	old := first[*Service](w.txn, tableService, byID, serviceID(s))
	if old != nil {
		s.CreateIndex = old.CreateIndex
		if s.ID == old.ID && s.Same(old, (*Proxy).equal) {
			return
		}
	}
	w.insertService(old, s)
	w.noteService(event(old != nil), s)
	w.bumpInstance(s)
	if old != nil {
		w.leaveNames(old, s)
	}
}

// leaveNames settles the names that an instance had as old and does not have as s.
func (w *writer) leaveNames(old, s *Service) {
	if fold(old.Service) != fold(s.Service) {
		w.leaveService(old)
		w.renameChecks(s)
	}
	if fold(meshName(old)) != fold(meshName(s)) {
		w.leaveMesh(old)
	}
}

// insertService stores s in place of old, which may be nil, and keeps the
// totals and tags in step.
func (w *writer) insertService(old, s *Service) {
	if !w.hasInstances(s.Service) {
		w.count(countServices, 1)
		w.bump(birthKey(fold(s.Service)))
	}
	w.enterMesh(s)
	w.txn.Insert(tableService, s)
	w.countInstance(s, 1)
	if old != nil {
		w.countInstance(old, -1)
	}
	w.moveInstance(old, s)
	w.countTags(old, s)
}

// removeService deletes an instance and its checks.
func (w *writer) removeService(s *Service) {
	for _, c := range collect[*Check](w.txn, tableCheck, byInstance, w.in.instanceKey(s.Node, s.ID)) {
		w.removeCheck(c)
	}
	w.noteService(EventDeregistered, s)
	remove(w.txn, tableService, s)
	w.countInstance(s, -1)
	w.removeInstance(s)
	w.countTags(s, nil)
	w.bumpInstance(s)
	w.leaveService(s)
	w.leaveMesh(s)
}

// bumpInstance moves what shows an instance.
func (w *writer) bumpInstance(s *Service) {
	w.bump(indexServices)
	w.bump(indexNodes)
	w.bump(prefixNode + fold(s.Node))
	w.bumpService(s.Service, true)
	w.bumpMesh(s)
}

// bumpService moves a service's index; instances also tells the watchers who
// do not care for checks.
func (w *writer) bumpService(name string, instances bool) {
	folded := fold(name)
	w.bump(prefixHealth + folded)
	if instances {
		w.bump(prefixInstances + folded)
	}
}

// bumpServicesOn moves the index of every service on a node, whose instances
// show a change of the node or its own checks.
func (w *writer) bumpServicesOn(node string, instances bool) {
	for s := range rows[*Service](w.txn, nil, tableService, byID, w.in.nodeKey(node)) {
		w.stale[refOf(s)] = struct{}{}
		w.bumpService(s.Service, instances)
		w.bumpMesh(s)
	}
}

// leaveService settles the index of the service that s, already removed or
// renamed, was an instance of. It looks for one other instance, not for all.
func (w *writer) leaveService(s *Service) {
	if w.hasInstances(s.Service) {
		w.bumpService(s.Service, true)
		return
	}
	w.count(countServices, -1)
	w.dropService(s.Service)
}

// dropService removes the index of a service without instances.
func (w *writer) dropService(name string) {
	folded := fold(name)
	w.drop(prefixHealth + folded)
	w.drop(prefixInstances + folded)
	w.bump(indexServiceExtinct)
}

// service takes a service of a snapshot.
func (re *restorer) service(s *Service) error {
	if s.ID == "" {
		return errNoKey
	}
	if err := s.prepare(); err != nil {
		return err
	}
	old := first[*Service](re.w.txn, tableService, byID, serviceID(s))
	switch {
	case !re.holds(tableNode, byID, re.w.in.nodeKey(s.Node)):
		return fmt.Errorf("service %q of unknown node %q", s.ID, s.Node)
	case old != nil && old.ID == s.ID:
		return errTwice
	}
	re.w.insertService(old, s)
	if old != nil {
		s = re.replace(old, s)
	}
	re.adoptVirtual(s)
	clear(re.w.stale) // join does all
	clear(re.w.bumps) // snapshots hold them
	return re.indexes(s.CreateIndex, s.ModifyIndex)
}

// replace settles that an instance stands in the place of another, whose ID differs in
// case: a version that told them apart wrote the snapshot. The one written last stays.
func (re *restorer) replace(old, s *Service) (stays *Service) {
	re.replaced = append(re.replaced, old, s)
	re.w.leaveNames(old, s)
	if old.ModifyIndex < s.ModifyIndex {
		return s
	}
	re.w.insertService(s, old)
	re.w.leaveNames(s, old)
	return old
}

// leaveReplaced removes the indexes that only instances had that were left out, and gives
// their checks to those that stay.
func (re *restorer) leaveReplaced() {
	for _, s := range re.replaced {
		if first[*Service](re.w.txn, tableService, byID, serviceID(s)) == s {
			re.w.renameChecks(s)
			continue
		}
		if !re.w.hasInstances(s.Service) {
			re.w.dropService(s.Service)
		}
		if !re.w.hasMesh(meshName(s)) {
			re.w.leaveMesh(s)
		}
	}
	if len(re.replaced) > 0 {
		re.w.flushInstances()
		re.w.flushIndexes()
	}
}
