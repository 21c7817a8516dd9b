package server

import (
	"context"
	"maps"
	"slices"
	"strings"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/configentry"
	"praetor/internal/fault"
	"praetor/internal/mesh"
	"praetor/internal/ops"
)

func (s *Server) uiTopology(ctx context.Context, az *acl.Authorizer, req *ops.UITopologyRequest) (*ops.UITopologyReply, error) {
	rep := &ops.UITopologyReply{}
	return rep, s.kernel.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, all := tx.ServiceSummaries(ws)
		seen := all
		if !az.Unrestricted() {
			_, instances := tx.Instances(ws)
			instances, _ = kernel.Health.Show(az, instances)
			seen = catalog.Summarize(instances)
		}
		_, proxies := tx.MeshProxies(ws)
		changed, gateway := tx.ConfigEntry(ws, configentry.KindAPIGateway, req.Service)
		if req.Kind == configentry.KindAPIGateway && gateway == nil {
			return index, fault.New(fault.Internal, "not an APIGateway")
		}
		t := topology{
			tx: tx, ws: ws, configs: catalog.Configs(tx, ws), service: req.Service, allow: s.allowsByDefault(),
			seen: byName(seen), all: byName(all), calls: s.upstreams(proxies),
		}
		rep.Protocol = ""
		if req.Kind == "" {
			rep.Protocol = mesh.ProtocolOf(t.configs, req.Service)
		}
		rep.TransparentProxy = t.isTransparent(req.Service)
		rep.Upstreams, rep.Downstreams = t.upstreams(), t.downstreams()
		rep.Filtered = t.filtered
		return max(index, changed), nil
	})
}

// topology is what stands around a service in the mesh (reference/http-mesh-ui.md §6).
type topology struct {
	tx      *catalog.Tx
	ws      catalog.WatchSet
	configs mesh.Lookup
	service string
	allow   bool                               // connections that no intention is about
	seen    map[string]*catalog.ServiceSummary // what the caller may see
	all     map[string]*catalog.ServiceSummary
	calls   map[string][]string // by service: what its proxies are registered to call

	filtered bool // a neighbour was left out that the caller may not see
}

func byName(list []*catalog.ServiceSummary) map[string]*catalog.ServiceSummary {
	m := make(map[string]*catalog.ServiceSummary, len(list))
	for _, one := range list {
		m[one.Name] = one
	}
	return m
}

// upstreams are, by service, what its proxies are registered to call in this datacenter.
func (s *Server) upstreams(proxies []*catalog.InstanceHealth) map[string][]string {
	calls := map[string][]string{}
	for _, p := range proxies {
		from := p.Service.Proxy.DestinationServiceName
		for _, u := range p.Service.Proxy.Upstreams {
			elsewhere := u.DestinationPeer != "" || u.Datacenter != "" && u.Datacenter != s.opts.Datacenter
			if elsewhere || u.DestinationType == "prepared_query" || slices.Contains(calls[from], u.DestinationName) {
				continue
			}
			calls[from] = append(calls[from], u.DestinationName)
		}
	}
	return calls
}

func (t *topology) isTransparent(service string) bool {
	one := t.all[service]
	return one != nil && one.TransparentProxy
}

func (t *topology) upstreams() []ops.Neighbour {
	found := map[string]string{} // sources by name
	for _, name := range t.calls[t.service] {
		found[name] = ops.SourceRegistration
	}
	if t.isTransparent(t.service) { // it may call all that it is allowed to
		for name, one := range t.all {
			if one.ConnectedWithProxy || one.ConnectNative {
				t.imply(found, name, t.service, name)
			}
		}
	}
	return t.neighbours(found, func(name string) (source, destination string) { return t.service, name })
}

func (t *topology) downstreams() []ops.Neighbour {
	found := map[string]string{}
	leads := map[string]bool{} // by name: whether requests for it may come here; each is followed once
	for from, names := range t.calls {
		for _, name := range names {
			here, followed := leads[name]
			if !followed {
				here = name == t.service || slices.Contains(mesh.Reached(t.configs, name), t.service)
				leads[name] = here
			}
			if here {
				found[from] = ops.SourceRegistration
			}
		}
	}
	if t.isTransparent(t.service) {
		for name := range t.all {
			if t.isTransparent(name) {
				t.imply(found, name, name, t.service)
			}
		}
	}
	return t.neighbours(found, func(name string) (source, destination string) { return name, t.service })
}

// imply takes a service for a neighbour that no registration shows, if intentions let
// source call destination.
func (t *topology) imply(found map[string]string, name, source, destination string) {
	if _, known := found[name]; known || name == t.service {
		return
	}
	switch d := t.decide(source, destination); {
	case !d.Allowed && !hasPermissions(d):
	case d.By == nil:
		found[name] = ops.SourceDefault
	case d.IsExact():
		found[name] = ops.SourceSpecific
	default:
		found[name] = ops.SourceWildcard
	}
}

func (t *topology) decide(source, destination string) mesh.Decision {
	_, list := t.tx.IntentionsTo(t.ws, destination)
	return mesh.Evaluate(list, source, destination, t.allow)
}

func hasPermissions(d mesh.Decision) bool { return d.By != nil && len(d.By.Source.Permissions) > 0 }

// neighbours lists those that have instances, or proxies, and that the caller may see.
func (t *topology) neighbours(found map[string]string, ends func(name string) (source, destination string)) []ops.Neighbour {
	list := []ops.Neighbour{}
	for _, name := range slices.SortedFunc(maps.Keys(found), strings.Compare) {
		one := t.seen[name]
		if one == nil {
			t.filtered = t.filtered || t.all[name] != nil
			continue
		}
		d := t.decide(ends(name))
		n := ops.Neighbour{
			Service: one, Source: found[name], Allowed: d.Allowed,
			HasPermissions: hasPermissions(d), HasExact: d.IsExact(), DefaultAllow: t.allow,
		}
		if d.By != nil {
			n.ExternalSource = d.By.Meta[catalog.ExternalSource]
		}
		list = append(list, n)
	}
	return list
}
