package config

import (
	"errors"
	"maps"
	"slices"

	"praetor/catalog"
	"praetor/internal/definition"
)

// services turns the service definitions of files into what the agent
// registers. A later definition with the same ID replaces an earlier one, in
// its place.
func (b *builder) services() []ServiceDefinition {
	var out []ServiceDefinition
	at := map[string]int{}
	for i := range b.s.Services {
		def := b.service(&b.s.Services[i], nil)
		if j, ok := at[def.Service.ID]; ok {
			out[j] = def
			continue
		}
		at[def.Service.ID] = len(out)
		out = append(out, def)
	}
	return out
}

// service converts one definition; parent is set for a sidecar.
func (b *builder) service(s *serviceSettings, parent *catalog.Service) ServiceDefinition {
	key := b.definitionKey(s.origin)
	svc := &catalog.Service{
		Kind:              serviceKind(val(s.Kind)),
		ID:                val(s.ID),
		Service:           val(s.Name),
		Tags:              slices.Clone(s.Tags),
		Address:           val(s.Address),
		TaggedAddresses:   serviceAddresses(s.TaggedAddresses),
		Meta:              maps.Clone(s.Meta),
		Port:              val(s.Port),
		SocketPath:        val(s.SocketPath),
		EnableTagOverride: val(s.EnableTagOverride),
		Weights:           serviceWeights(s.Weights),
		Proxy:             proxy(s.Proxy),
		Locality:          locality(s.Locality),
	}
	if s.Connect != nil && val(s.Connect.Native) {
		svc.Connect = &catalog.Connect{Native: true}
	}
	if parent != nil {
		b.adopt(key, parent, svc, s)
	} else if svc.ID == "" {
		svc.ID = svc.Service
	}
	def := ServiceDefinition{Service: svc, Token: val(s.Token), Checks: b.serviceChecks(key, svc, s), Origin: s.origin}
	if s.Connect != nil && s.Connect.Sidecar != nil && parent == nil {
		s.Connect.Sidecar.origin = s.origin
		sidecar := b.service(s.Connect.Sidecar, svc)
		def.Sidecar = &sidecar
	}
	b.validateService(key, svc, parent)
	definition.AutoTaggedAddresses(svc)
	return def
}

// definitionKey makes origin findable like that of any other key.
func (b *builder) definitionKey(origin string) string {
	key := "services in " + origin
	b.origins[key] = origin
	return key
}

// adopt fills a sidecar from its parent.
func (b *builder) adopt(key string, parent, svc *catalog.Service, s *serviceSettings) {
	if svc.ID != "" {
		b.refuse(key, "service %q: sidecar_service can't specify an ID", parent.Service)
	}
	if s.Connect != nil && s.Connect.Sidecar != nil {
		b.refuse(key, "service %q: sidecar_service can't have a nested sidecar_service", parent.Service)
	}
	definition.FillSidecar(parent, svc)
}

// serviceKind drops kinds that nobody knows, as Consul does.
func serviceKind(kind string) string {
	if definition.KnownKind(kind) {
		return kind
	}
	return ""
}

func serviceWeights(s *weightSettings) catalog.Weights {
	w := definition.DefaultWeights()
	if s != nil {
		w.Passing, w.Warning = or(s.Passing, w.Passing), or(s.Warning, w.Warning)
	}
	return w
}

func serviceAddresses(s map[string]serviceAddressSettings) map[string]catalog.ServiceAddress {
	if len(s) == 0 {
		return nil
	}
	out := make(map[string]catalog.ServiceAddress, len(s))
	for tag, a := range s {
		out[tag] = catalog.ServiceAddress{Address: val(a.Address), Port: val(a.Port)}
	}
	return out
}

func (b *builder) serviceChecks(key string, svc *catalog.Service, s *serviceSettings) []*catalog.Check {
	all := slices.Clone(s.Checks)
	if s.Check != nil {
		all = append(all, *s.Check)
	}
	checks := make([]*catalog.Check, 0, len(all))
	for i := range all {
		c, err := b.check(key, &all[i])
		if err != nil {
			b.refuse(key, "service %q: check %q: %s", svc.Service, checkLabel(c), err)
		}
		if b.scriptRefused(c) {
			b.refuse(key, "Failed to register service %q: %s", svc.ID, scriptsDisabled)
		}
		checks = append(checks, c)
	}
	definition.AttachChecks(svc, checks)
	for _, c := range checks {
		b.noticeOSService(key, c)
	}
	return checks
}

func (b *builder) validateService(key string, svc *catalog.Service, parent *catalog.Service) {
	if err := definition.ValidateMeta(svc.Meta); err != nil {
		b.refuse(key, "invalid meta for service %s: %s", svc.Service, err)
	}
	if err := definition.ValidateWeights(svc.Weights); err != nil {
		b.refuse(key, "Invalid weight definition for service %s: %s", svc.Service, err)
	}
	if svc.SocketPath != "" && (svc.Address != "" || svc.Port != 0) {
		b.refuse(key, "service %s cannot have both socket path %s and address/port", svc.Service, svc.SocketPath)
	}
	// Consul notices it at the start only; whoever validates wants to know.
	if svc.Service == "" && !b.partial {
		b.refuse(key, "Failed to register service %q: Service name missing", svc.ID)
	}
	if b.starting {
		b.validateRegistration(key, svc, parent)
	}
}

// validateRegistration holds what Consul notices only when the agent registers
// its services. A sidecar's port is still open then, so its kind's wish for one
// is met later.
func (b *builder) validateRegistration(key string, svc *catalog.Service, parent *catalog.Service) {
	if err := definition.ValidateTaggedAddresses(svc.TaggedAddresses); err != nil {
		b.refuse(key, "Failed to register service %q: %s", svc.ID, err)
	}
	checked := *svc
	if parent != nil && checked.Port == 0 {
		checked.Port = 1
	}
	var faults definition.Errors
	errors.As(definition.ValidateService(&checked), &faults)
	for _, fault := range faults {
		b.refuse(key, "Failed to register service %q: %s", svc.ID, fault)
	}
}

func proxy(s *proxySettings) *catalog.Proxy {
	if s == nil {
		return nil
	}
	p := &catalog.Proxy{
		DestinationServiceName: val(s.DestinationServiceName),
		DestinationServiceID:   val(s.DestinationServiceID),
		LocalServiceAddress:    val(s.LocalServiceAddress),
		LocalServicePort:       val(s.LocalServicePort),
		LocalServiceSocketPath: val(s.LocalServiceSocketPath),
		Mode:                   val(s.Mode),
		Config:                 s.Config,
		MeshGatewayMode:        gatewayMode(s.MeshGateway),
	}
	for i := range s.Upstreams {
		p.Upstreams = append(p.Upstreams, upstream(&s.Upstreams[i]))
	}
	if e := s.Expose; e != nil {
		p.Expose = &catalog.Expose{Checks: val(e.Checks)}
		for _, path := range e.Paths {
			p.Expose.Paths = append(p.Expose.Paths, catalog.ExposePath{
				ListenerPort:  val(path.ListenerPort),
				Path:          val(path.Path),
				LocalPathPort: val(path.LocalPathPort),
				Protocol:      val(path.Protocol),
			})
		}
	}
	if t := s.TransparentProxy; t != nil {
		p.TransparentProxy = &catalog.TransparentProxy{
			OutboundListenerPort: val(t.OutboundListenerPort),
			DialedDirectly:       val(t.DialedDirectly),
		}
	}
	return p
}

func upstream(u *upstreamSettings) catalog.Upstream {
	return catalog.Upstream{
		DestinationType:      or(u.DestinationType, "service"),
		DestinationName:      val(u.DestinationName),
		DestinationPeer:      val(u.DestinationPeer),
		DestinationNamespace: val(u.DestinationNamespace),
		DestinationPartition: val(u.DestinationPartition),
		Datacenter:           val(u.Datacenter),
		LocalBindAddress:     val(u.LocalBindAddress),
		LocalBindPort:        val(u.LocalBindPort),
		LocalBindSocketPath:  val(u.LocalBindSocketPath),
		LocalBindSocketMode:  val(u.LocalBindSocketMode),
		Config:               u.Config,
		MeshGatewayMode:      gatewayMode(u.MeshGateway),
	}
}

func gatewayMode(s *gatewaySettings) string {
	if s == nil {
		return ""
	}
	return val(s.Mode)
}
