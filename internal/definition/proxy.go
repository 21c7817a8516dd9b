package definition

import (
	"errors"
	"fmt"
	"path"
	"strconv"

	"praetor/catalog"
	"praetor/internal/shape"
)

// Proxy is the mesh part of a service as files and HTTP bodies write it
// (reference/http-agent.md §3.3); see doc.go for the tags.
type Proxy struct {
	DestinationServiceName string            `cfg:"destination_service_name" http:"destination_service_name" help:"service behind the proxy"`
	DestinationServiceID   string            `cfg:"destination_service_id" http:"destination_service_id" help:"instance behind the proxy"`
	LocalServiceAddress    string            `cfg:"local_service_address" http:"local_service_address" help:"address of the instance"`
	LocalServicePort       int               `cfg:"local_service_port" http:"local_service_port" help:"port of the instance"`
	LocalServicePorts      []Port            `cfg:"local_service_ports" http:"local_service_ports" help:"ports of the instance by name"`
	LocalServiceSocketPath string            `cfg:"local_service_socket_path" http:"local_service_socket_path" help:"Unix socket of the instance"`
	Mode                   string            `cfg:"mode" help:"empty, direct or transparent"`
	Config                 map[string]any    `cfg:"config" help:"settings for the proxy itself"`
	Upstreams              []Upstream        `cfg:"upstreams" help:"services that the instance calls"`
	MeshGateway            *MeshGateway      `cfg:"mesh_gateway" http:"mesh_gateway"`
	Expose                 *Expose           `cfg:"expose"`
	TransparentProxy       *TransparentProxy `cfg:"transparent_proxy" http:"transparent_proxy"`

	// Accepted for proxies that set them; the catalog does not hold them.
	AccessLogs      map[string]any   `cfg:"access_logs" http:"access_logs" use:"later"`
	EnvoyExtensions []map[string]any `cfg:"envoy_extensions" use:"later"`
}

// Upstream is a service that a proxy reaches for its own.
type Upstream struct {
	DestinationType      string         `cfg:"destination_type" http:"destination_type"`
	DestinationName      string         `cfg:"destination_name" http:"destination_name"`
	DestinationPort      string         `cfg:"destination_port" http:"destination_port" help:"name of one of its ports"`
	DestinationPeer      string         `cfg:"destination_peer" http:"destination_peer"`
	DestinationNamespace string         `cfg:"destination_namespace" http:"destination_namespace"`
	DestinationPartition string         `cfg:"destination_partition" http:"destination_partition"`
	Datacenter           string         `cfg:"datacenter"`
	LocalBindAddress     string         `cfg:"local_bind_address" http:"local_bind_address"`
	LocalBindPort        int            `cfg:"local_bind_port" http:"local_bind_port"`
	LocalBindSocketPath  string         `cfg:"local_bind_socket_path" http:"local_bind_socket_path"`
	LocalBindSocketMode  string         `cfg:"local_bind_socket_mode" http:"local_bind_socket_mode"`
	Config               map[string]any `cfg:"config"`
	MeshGateway          *MeshGateway   `cfg:"mesh_gateway" http:"mesh_gateway"`
	CentrallyConfigured  bool           // bodies only
}

// MeshGateway says how a proxy uses mesh gateways.
type MeshGateway struct {
	Mode string `cfg:"mode"`
}

// Expose lists paths that a proxy serves without mesh TLS.
type Expose struct {
	Checks bool         `cfg:"checks"`
	Paths  []ExposePath `cfg:"paths"`
}

// ExposePath is one path of Expose.
type ExposePath struct {
	ListenerPort    int    `cfg:"listener_port" http:"listener_port"`
	Path            string `cfg:"path"`
	LocalPathPort   int    `cfg:"local_path_port" http:"local_path_port"`
	Protocol        string `cfg:"protocol"`
	ParsedFromCheck bool   // bodies only
}

// TransparentProxy is the redirection set-up of a proxy.
type TransparentProxy struct {
	OutboundListenerPort int  `cfg:"outbound_listener_port" http:"outbound_listener_port"`
	DialedDirectly       bool `cfg:"dialed_directly" http:"dialed_directly"`
}

// Row is the proxy as the catalog holds it; nil for nil.
func (p *Proxy) Row() *catalog.Proxy {
	if p == nil {
		return nil
	}
	row := &catalog.Proxy{
		DestinationServiceName: p.DestinationServiceName, DestinationServiceID: p.DestinationServiceID,
		LocalServiceAddress: p.LocalServiceAddress, LocalServicePort: p.LocalServicePort, LocalServicePorts: portRows(p.LocalServicePorts), LocalServiceSocketPath: p.LocalServiceSocketPath,
		Mode: p.Mode, Config: p.Config, MeshGatewayMode: p.MeshGateway.mode(),
		TransparentProxy: (*catalog.TransparentProxy)(p.TransparentProxy),
	}
	for i := range p.Upstreams {
		row.Upstreams = append(row.Upstreams, p.Upstreams[i].row())
	}
	if p.Expose != nil {
		row.Expose = &catalog.Expose{Checks: p.Expose.Checks}
		for _, path := range p.Expose.Paths {
			row.Expose.Paths = append(row.Expose.Paths, catalog.ExposePath(path))
		}
	}
	return row
}

func (u *Upstream) row() catalog.Upstream {
	return catalog.Upstream{
		DestinationType: u.DestinationType, DestinationName: u.DestinationName, DestinationPort: u.DestinationPort, DestinationPeer: u.DestinationPeer,
		DestinationNamespace: u.DestinationNamespace, DestinationPartition: u.DestinationPartition, Datacenter: u.Datacenter,
		LocalBindAddress: u.LocalBindAddress, LocalBindPort: u.LocalBindPort,
		LocalBindSocketPath: u.LocalBindSocketPath, LocalBindSocketMode: u.LocalBindSocketMode,
		Config: u.Config, MeshGatewayMode: u.MeshGateway.mode(), CentrallyConfigured: u.CentrallyConfigured,
	}
}

func (g *MeshGateway) mode() string {
	if g == nil {
		return ""
	}
	return g.Mode
}

const (
	wildcard        = "*"
	upstreamService = "service"
)

func validateConnectProxy(s *catalog.Service, faults *Errors) {
	if s.Port == 0 && s.SocketPath == "" {
		faults.Addf("Port or SocketPath must be set for a %s", s.Kind)
	}
	proxy := proxyOf(s)
	switch proxy.DestinationServiceName {
	case "":
		faults.Addf("Proxy.DestinationServiceName must be non-empty for Connect proxy services")
	case wildcard:
		faults.Addf("Proxy.DestinationServiceName must not be a wildcard for Connect proxy services")
	}
	if isNative(s) {
		faults.Addf("A Proxy cannot also be Connect Native, only typical services")
	}
	validateUpstreams(proxy.Upstreams, faults)
	validateExpose(proxy.Expose, faults)
}

func validateGateway(s *catalog.Service, sidecar bool, faults *Errors) {
	listens := s.Kind == KindMeshGateway || s.Kind == KindTerminatingGateway
	if s.Port == 0 && listens {
		faults.Addf("Port must be non-zero for a %s", s.Kind)
	}
	if sidecar {
		faults.Addf("A %s cannot have a sidecar service defined", s.Kind)
	}
	proxy := proxyOf(s)
	for _, field := range []struct {
		name string
		set  bool
	}{
		{"DestinationServiceName", proxy.DestinationServiceName != ""},
		{"DestinationServiceID", proxy.DestinationServiceID != ""},
		{"LocalServiceAddress", proxy.LocalServiceAddress != ""},
		{"LocalServicePort", proxy.LocalServicePort != 0},
		{"LocalServiceSocketPath", proxy.LocalServiceSocketPath != ""},
		{"Upstreams", len(proxy.Upstreams) > 0},
	} {
		if field.set {
			faults.Addf("The Proxy.%s configuration is invalid for a %s", field.name, s.Kind)
		}
	}
}

// validateDepth refuses what has no fixed shape and is nested too deep to be shown.
func validateDepth(p *catalog.Proxy, faults *Errors) {
	if err := shape.CheckDepth(p.Config); err != nil {
		faults.Addf("Proxy.Config: %s", err)
	}
	for i := range p.Upstreams {
		if err := shape.CheckDepth(p.Upstreams[i].Config); err != nil {
			faults.Addf("Proxy.Upstreams[%d].Config: %s", i, err)
		}
	}
}

func validateUpstreams(upstreams []catalog.Upstream, faults *Errors) {
	seen := make(map[string]bool, len(upstreams))
	binds := make(map[string]bool, len(upstreams))
	for i := range upstreams {
		u := &upstreams[i]
		if err := validateUpstream(u); err != nil {
			faults.Addf("%s", err)
			continue
		}
		if bind := upstreamBind(u); binds[bind] {
			faults.Addf("upstreams cannot contain duplicates by local bind address and port or unix path; %q is specified twice", bind)
		} else if bind != "" {
			binds[bind] = true
		}
		key := fmt.Sprintf("[type=%q, name=%q, partition=%q, namespace=%q, peer=%q, datacenter=%q]",
			u.DestinationType, u.DestinationName, u.DestinationPartition, u.DestinationNamespace, u.DestinationPeer, u.Datacenter)
		if seen[key+u.DestinationPort] {
			faults.Addf("upstreams cannot contain duplicates of %s", key)
		}
		seen[key+u.DestinationPort] = true
	}
}

func validateUpstream(u *catalog.Upstream) error {
	switch {
	case u.DestinationType != "" && u.DestinationType != "service" && u.DestinationType != "prepared_query":
		return fmt.Errorf("unknown upstream destination type: %q", u.DestinationType)
	case u.DestinationName == "":
		return errors.New("upstream destination name cannot be empty")
	case u.DestinationName == wildcard:
		return errors.New("upstream destination name cannot be a wildcard")
	case u.DestinationPeer != "" && u.Datacenter != "":
		return errors.New("upstream cannot specify both destination peer and datacenter")
	case u.LocalBindPort == 0 && u.LocalBindSocketPath == "" && !u.CentrallyConfigured:
		return errors.New("upstream local bind port or local socket path must be defined and nonzero")
	case u.LocalBindPort != 0 && u.LocalBindSocketPath != "":
		return errors.New("only one of upstream local bind port or local socket path can be defined and nonzero")
	}
	if u.LocalBindSocketMode != "" {
		if _, err := strconv.ParseUint(u.LocalBindSocketMode, 8, 16); err != nil {
			return fmt.Errorf("upstream local bind socket mode is not octal: %q", u.LocalBindSocketMode)
		}
	}
	return nil
}

// upstreamBind is where u listens; "" for a centrally configured one.
func upstreamBind(u *catalog.Upstream) string {
	switch {
	case u.LocalBindSocketPath != "":
		return path.Clean(u.LocalBindSocketPath)
	case u.LocalBindPort == 0:
		return ""
	case u.LocalBindAddress == "":
		return "127.0.0.1:" + strconv.Itoa(u.LocalBindPort)
	}
	return u.LocalBindAddress + ":" + strconv.Itoa(u.LocalBindPort)
}

func validateExpose(e *catalog.Expose, faults *Errors) {
	if e == nil {
		return
	}
	listeners := make(map[int]bool, len(e.Paths))
	for _, p := range e.Paths {
		if p.Path == "" {
			faults.Addf("expose.paths: empty path exposed")
		}
		if listeners[p.ListenerPort] {
			faults.Addf("expose.paths: duplicate listener ports exposed")
		}
		listeners[p.ListenerPort] = true
		if p.Protocol != "" && p.Protocol != "http" && p.Protocol != "http2" {
			faults.Addf("protocol '%s' not supported for path: %s, must be in: [http http2]", p.Protocol, p.Path)
		}
	}
}

// proxyOf returns s's proxy settings, empty ones when there are none.
func proxyOf(s *catalog.Service) *catalog.Proxy {
	if s.Proxy == nil {
		return &catalog.Proxy{}
	}
	return s.Proxy
}
