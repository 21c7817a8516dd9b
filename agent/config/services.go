package config

import (
	"errors"
	"slices"

	"praetor/catalog"
	"praetor/internal/definition"
)

// services turns the service definitions of files into what the agent
// registers, in their order: of several with one ID the last counts, and the checks
// of all.
func (b *builder) services() []ServiceDefinition {
	var out []ServiceDefinition
	for i := range b.s.Services {
		out = append(out, b.service(&b.s.Services[i].Service, b.s.Services[i].origin, nil))
	}
	return out
}

// service converts one definition; parent is set for a sidecar.
func (b *builder) service(s *definition.Service, origin string, parent *catalog.Service) ServiceDefinition {
	key := b.definitionKey(origin)
	svc := s.Row()
	svc.Kind = serviceKind(svc.Kind)
	svc.Weights = s.Weights.Row(definition.DefaultWeights())
	if parent != nil {
		b.adopt(key, parent, svc, s)
	}
	def := ServiceDefinition{Service: svc, Token: s.Token, Checks: b.serviceChecks(key, svc, s), Origin: origin}
	if asked := s.Sidecar(); asked != nil && parent == nil {
		sidecar := b.service(asked, origin, svc)
		def.Sidecar = &sidecar
	}
	b.validateService(key, s, svc, parent)
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
func (b *builder) adopt(key string, parent, svc *catalog.Service, s *definition.Service) {
	if s.ID != "" {
		b.refuse(key, "service %q: sidecar_service can't specify an ID", parent.Service)
	}
	if s.Sidecar() != nil {
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

func (b *builder) serviceChecks(key string, svc *catalog.Service, s *definition.Service) []*catalog.Check {
	all := slices.Clone(s.Checks)
	if s.Check != nil {
		all = append(all, s.Check)
	}
	checks := make([]*catalog.Check, 0, len(all))
	for _, asked := range all {
		if asked == nil { // null in JSON
			asked = &definition.Check{}
		}
		c, err := b.check(key, "service:"+svc.ID, asked, asked.Row)
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

func (b *builder) validateService(key string, s *definition.Service, svc, parent *catalog.Service) {
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
	// So does it with these.
	if err := definition.ValidateTaggedAddresses(svc.TaggedAddresses); err != nil && b.starting {
		b.refuse(key, "Failed to register service %q: %s", svc.ID, err)
	}
	if b.partial {
		return // the agent that is asked to register it says what is wrong
	}
	checked := *svc // a sidecar's port is still open, so its kind's wish for one is met later
	if parent != nil && checked.Port == 0 {
		checked.Port = 1
	}
	var faults definition.Errors
	errors.As(s.Validate(&checked), &faults)
	for _, fault := range faults {
		b.refuse(key, "Failed to register service %q: %s", svc.ID, fault)
	}
}
