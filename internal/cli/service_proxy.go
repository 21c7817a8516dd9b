package cli

import (
	"github.com/hashicorp/consul/api"

	"praetor/catalog"
)

// registeredProxy words a proxy as the API takes it; nil for nil.
func registeredProxy(p *catalog.Proxy) *api.AgentServiceConnectProxyConfig {
	if p == nil {
		return nil
	}
	r := &api.AgentServiceConnectProxyConfig{
		DestinationServiceName: p.DestinationServiceName, DestinationServiceID: p.DestinationServiceID,
		LocalServiceAddress: p.LocalServiceAddress, LocalServicePort: p.LocalServicePort, LocalServiceSocketPath: p.LocalServiceSocketPath,
		Mode: api.ProxyMode(p.Mode), Config: p.Config, MeshGateway: registeredGateway(p.MeshGatewayMode),
		TransparentProxy: (*api.TransparentProxyConfig)(p.TransparentProxy),
	}
	for _, port := range p.LocalServicePorts {
		r.LocalServicePorts = append(r.LocalServicePorts, api.ServicePort(port))
	}
	for i := range p.Upstreams {
		r.Upstreams = append(r.Upstreams, registeredUpstream(&p.Upstreams[i]))
	}
	if p.Expose != nil {
		r.Expose.Checks = p.Expose.Checks
		for _, path := range p.Expose.Paths {
			r.Expose.Paths = append(r.Expose.Paths, api.ExposePath(path))
		}
	}
	return r
}

func registeredUpstream(u *catalog.Upstream) api.Upstream {
	return api.Upstream{
		DestinationType: api.UpstreamDestType(u.DestinationType), DestinationName: u.DestinationName, DestinationPort: u.DestinationPort, DestinationPeer: u.DestinationPeer,
		DestinationNamespace: u.DestinationNamespace, DestinationPartition: u.DestinationPartition, Datacenter: u.Datacenter,
		LocalBindAddress: u.LocalBindAddress, LocalBindPort: u.LocalBindPort,
		LocalBindSocketPath: u.LocalBindSocketPath, LocalBindSocketMode: u.LocalBindSocketMode,
		Config: u.Config, MeshGateway: registeredGateway(u.MeshGatewayMode), CentrallyConfigured: u.CentrallyConfigured,
	}
}

func registeredGateway(mode string) api.MeshGatewayConfig {
	return api.MeshGatewayConfig{Mode: api.MeshGatewayMode(mode)}
}
