package httpapi

import (
	"encoding/json"

	"praetor/catalog"
)

// proxyBody is the Proxy object of registrations (reference/http-agent.md §3.3).
type proxyBody struct {
	DestinationServiceName  string
	DestinationServiceName2 string `json:"destination_service_name"`
	DestinationServiceID    string
	DestinationServiceID2   string `json:"destination_service_id"`
	LocalServiceAddress     string
	LocalServiceAddress2    string `json:"local_service_address"`
	LocalServicePort        int
	LocalServicePort2       int `json:"local_service_port"`
	LocalServiceSocketPath  string
	LocalServiceSocketPath2 string `json:"local_service_socket_path"`
	Mode                    string
	Config                  map[string]any
	Upstreams               []upstreamBody
	MeshGateway             *meshGatewayBody
	MeshGateway2            *meshGatewayBody `json:"mesh_gateway"`
	Expose                  *exposeBody
	TransparentProxy        *transparentProxyBody
	TransparentProxy2       *transparentProxyBody `json:"transparent_proxy"`

	// Accepted for proxies that set them; the catalog does not hold them.
	AccessLogs      json.RawMessage
	AccessLogs2     json.RawMessage `json:"access_logs"`
	EnvoyExtensions json.RawMessage
}

type meshGatewayBody struct{ Mode string }

type transparentProxyBody struct {
	OutboundListenerPort  int
	OutboundListenerPort2 int `json:"outbound_listener_port"`
	DialedDirectly        bool
	DialedDirectly2       bool `json:"dialed_directly"`
}

type upstreamBody struct {
	DestinationType       string
	DestinationType2      string `json:"destination_type"`
	DestinationNamespace  string
	DestinationNamespace2 string `json:"destination_namespace"`
	DestinationPartition  string
	DestinationPartition2 string `json:"destination_partition"`
	DestinationPeer       string
	DestinationPeer2      string `json:"destination_peer"`
	DestinationName       string
	DestinationName2      string `json:"destination_name"`
	Datacenter            string
	LocalBindAddress      string
	LocalBindAddress2     string `json:"local_bind_address"`
	LocalBindPort         int
	LocalBindPort2        int `json:"local_bind_port"`
	LocalBindSocketPath   string
	LocalBindSocketPath2  string `json:"local_bind_socket_path"`
	LocalBindSocketMode   string
	LocalBindSocketMode2  string `json:"local_bind_socket_mode"`
	Config                map[string]any
	MeshGateway           *meshGatewayBody
	MeshGateway2          *meshGatewayBody `json:"mesh_gateway"`
	CentrallyConfigured   bool
}

type exposeBody struct {
	Checks bool
	Paths  []exposePathBody
}

type exposePathBody struct {
	ListenerPort    int
	ListenerPort2   int `json:"listener_port"`
	Path            string
	LocalPathPort   int
	LocalPathPort2  int `json:"local_path_port"`
	Protocol        string
	ParsedFromCheck bool
}

// proxy is what the body describes. upstreamType is that of upstreams that give
// none.
func (p *proxyBody) proxy(upstreamType string) *catalog.Proxy {
	proxy := &catalog.Proxy{
		DestinationServiceName: firstOf(p.DestinationServiceName, p.DestinationServiceName2),
		DestinationServiceID:   firstOf(p.DestinationServiceID, p.DestinationServiceID2),
		LocalServiceAddress:    firstOf(p.LocalServiceAddress, p.LocalServiceAddress2),
		LocalServicePort:       firstOf(p.LocalServicePort, p.LocalServicePort2),
		LocalServiceSocketPath: firstOf(p.LocalServiceSocketPath, p.LocalServiceSocketPath2),
		Mode:                   p.Mode,
		Config:                 p.Config,
		MeshGatewayMode:        modeOf(firstOf(p.MeshGateway, p.MeshGateway2)),
		Expose:                 p.Expose.expose(),
	}
	for i := range p.Upstreams {
		proxy.Upstreams = append(proxy.Upstreams, p.Upstreams[i].upstream(upstreamType))
	}
	if t := firstOf(p.TransparentProxy, p.TransparentProxy2); t != nil {
		proxy.TransparentProxy = &catalog.TransparentProxy{
			OutboundListenerPort: firstOf(t.OutboundListenerPort, t.OutboundListenerPort2),
			DialedDirectly:       t.DialedDirectly || t.DialedDirectly2,
		}
	}
	return proxy
}

func (u *upstreamBody) upstream(upstreamType string) catalog.Upstream {
	return catalog.Upstream{
		DestinationType:      firstOf(u.DestinationType, u.DestinationType2, upstreamType),
		DestinationNamespace: firstOf(u.DestinationNamespace, u.DestinationNamespace2),
		DestinationPartition: firstOf(u.DestinationPartition, u.DestinationPartition2),
		DestinationPeer:      firstOf(u.DestinationPeer, u.DestinationPeer2),
		DestinationName:      firstOf(u.DestinationName, u.DestinationName2),
		Datacenter:           u.Datacenter,
		LocalBindAddress:     firstOf(u.LocalBindAddress, u.LocalBindAddress2),
		LocalBindPort:        firstOf(u.LocalBindPort, u.LocalBindPort2),
		LocalBindSocketPath:  firstOf(u.LocalBindSocketPath, u.LocalBindSocketPath2),
		LocalBindSocketMode:  firstOf(u.LocalBindSocketMode, u.LocalBindSocketMode2),
		Config:               u.Config,
		MeshGatewayMode:      modeOf(firstOf(u.MeshGateway, u.MeshGateway2)),
		CentrallyConfigured:  u.CentrallyConfigured,
	}
}

func (e *exposeBody) expose() *catalog.Expose {
	if e == nil {
		return nil
	}
	expose := &catalog.Expose{Checks: e.Checks}
	for _, p := range e.Paths {
		expose.Paths = append(expose.Paths, catalog.ExposePath{
			ListenerPort: firstOf(p.ListenerPort, p.ListenerPort2), Path: p.Path,
			LocalPathPort: firstOf(p.LocalPathPort, p.LocalPathPort2), Protocol: p.Protocol, ParsedFromCheck: p.ParsedFromCheck,
		})
	}
	return expose
}

func modeOf(g *meshGatewayBody) string {
	if g == nil {
		return ""
	}
	return g.Mode
}
