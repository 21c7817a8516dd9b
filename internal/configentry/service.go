package configentry

import (
	"slices"
	"strings"
	"time"
)

// Protocols that services may speak.
const (
	ProtocolTCP   = "tcp"
	ProtocolHTTP  = "http"
	ProtocolHTTP2 = "http2"
	ProtocolGRPC  = "grpc"
)

// IsHTTP reports whether requests of a protocol can be told apart.
func IsHTTP(protocol string) bool {
	return slices.Contains([]string{ProtocolHTTP, ProtocolHTTP2, ProtocolGRPC}, protocol)
}

// ServiceDefaults is what all instances of a service have in common.
type ServiceDefaults struct {
	Header
	Protocol                  string `json:",omitempty"`
	Mode                      string `json:",omitempty"`
	TransparentProxy          TransparentProxy
	MutualTLSMode             string `json:",omitempty"`
	MeshGateway               MeshGateway
	Expose                    Expose
	ExternalSNI               string           `json:",omitempty"`
	UpstreamConfig            *Upstreams       `json:",omitempty"`
	Destination               *Destination     `json:",omitempty"`
	MaxInboundConnections     int              `json:",omitempty"`
	LocalConnectTimeoutMs     int              `json:",omitempty"`
	LocalRequestTimeoutMs     int              `json:",omitempty"`
	BalanceInboundConnections string           `json:",omitempty"`
	RateLimits                *RateLimits      `json:",omitempty"`
	EnvoyExtensions           []EnvoyExtension `json:",omitempty"`
	MaxRequestHeadersKB       *uint32          `json:",omitempty"`
}

// TransparentProxy is how traffic is redirected to a proxy.
type TransparentProxy struct {
	OutboundListenerPort int  `json:",omitempty"`
	DialedDirectly       bool `json:",omitempty"`
}

// MeshGateway says through which gateways traffic leaves a datacenter.
type MeshGateway struct {
	Mode string `json:",omitempty"`
}

// Expose lists paths that a proxy serves without mesh TLS.
type Expose struct {
	Checks bool         `json:",omitempty"`
	Paths  []ExposePath `json:",omitempty"`
}

// ExposePath is one path of Expose.
type ExposePath struct {
	ListenerPort    int    `json:",omitempty"`
	Path            string `json:",omitempty"`
	LocalPathPort   int    `json:",omitempty"`
	Protocol        string `json:",omitempty"`
	ParsedFromCheck bool   `json:",omitempty"`
}

// Upstreams is how a service's proxies reach others.
type Upstreams struct {
	Overrides []*Upstream `json:",omitempty"`
	Defaults  *Upstream   `json:",omitempty"`
}

// Upstream is how proxies reach one other service, or all.
type Upstream struct {
	Name                       string `json:",omitempty"`
	Peer                       string
	EnvoyListenerJSON          string              `json:",omitempty"`
	EnvoyClusterJSON           string              `json:",omitempty"`
	Protocol                   string              `json:",omitempty"`
	ConnectTimeoutMs           int                 `json:",omitempty"`
	Limits                     *UpstreamLimits     `json:",omitempty"`
	PassiveHealthCheck         *PassiveHealthCheck `json:",omitempty"`
	MeshGateway                MeshGateway
	BalanceOutboundConnections string `json:",omitempty"`
}

// UpstreamLimits bounds what a proxy asks of an upstream; nil is the proxy's default.
type UpstreamLimits struct {
	MaxConnections        *int                `json:",omitempty"`
	MaxPendingRequests    *int                `json:",omitempty"`
	MaxConcurrentRequests *int                `json:",omitempty"`
	PassiveHealthCheck    *PassiveHealthCheck `json:",omitempty"`
}

// PassiveHealthCheck says when a proxy avoids an instance.
type PassiveHealthCheck struct {
	Interval                           time.Duration  `json:",omitempty"`
	MaxFailures                        uint32         `json:",omitempty"`
	EnforcingConsecutive5xx            *uint32        `json:",omitempty"`
	EnforcingConsecutiveGatewayFailure *uint32        `json:",omitempty"`
	Consecutive5xx                     *uint32        `json:",omitempty"`
	ConsecutiveGatewayFailure          *uint32        `json:",omitempty"`
	MaxEjectionPercent                 *uint32        `json:",omitempty"`
	BaseEjectionTime                   *time.Duration `json:",omitempty"`
}

// Destination is a service outside the cluster.
type Destination struct {
	Addresses []string `json:",omitempty"`
	Port      int      `json:",omitempty"`
}

// RateLimits bounds what an instance is asked.
type RateLimits struct {
	InstanceLevel InstanceRateLimits
}

// InstanceRateLimits is per second, with Routes that have their own.
type InstanceRateLimits struct {
	RequestsPerSecond int
	RequestsMaxBurst  int
	Routes            []RouteRateLimits
}

// RouteRateLimits are of requests that match the one path that is set.
type RouteRateLimits struct {
	PathExact         string
	PathPrefix        string
	PathRegex         string
	RequestsPerSecond int
	RequestsMaxBurst  int
}

// EnvoyExtension changes what Envoy is told.
type EnvoyExtension struct {
	Name          string
	Required      bool
	Arguments     map[string]any `bexpr:"-"`
	ConsulVersion string
	EnvoyVersion  string
}

func (d *ServiceDefaults) prepare() error {
	d.Protocol = strings.ToLower(d.Protocol)
	if !oneOf(d.Protocol, ProtocolTCP, ProtocolHTTP, ProtocolHTTP2, ProtocolGRPC) {
		return rejected("%s", several("invalid value for protocol: "+d.Protocol))
	}
	if d.Name == "*" {
		return rejected("wildcard name (%q) is not allowed", d.Name)
	}
	if err := checkModes(d.Mode, d.MutualTLSMode, d.BalanceInboundConnections); err != nil {
		return err
	}
	if err := d.UpstreamConfig.check(); err != nil {
		return err
	}
	if err := d.Destination.check(); err != nil {
		return err
	}
	if err := d.RateLimits.check(); err != nil {
		return err
	}
	return checkExtensions(d.EnvoyExtensions)
}

// checkModes looks at what proxies may do.
func checkModes(mode, mutualTLS, balance string) error {
	switch {
	case !oneOf(mode, "transparent", "direct"):
		return rejected("invalid proxy mode %q: it may be \"transparent\" or \"direct\"", mode)
	case !oneOf(mutualTLS, "strict", "permissive"):
		return rejected("Invalid mutual TLS mode: %q", mutualTLS)
	case !oneOf(balance, "exact_balance"):
		return rejected("invalid value for balance connections: %q", balance)
	}
	return nil
}

func (u *Upstreams) check() error {
	if u == nil {
		return nil
	}
	var faults []string
	for _, o := range u.Overrides {
		if o != nil && o.Name == "" {
			faults = append(faults, "error in upstream override for : Name is required")
		}
	}
	if u.Defaults != nil && u.Defaults.Name != "" {
		faults = append(faults, "error in upstream defaults: Name must be empty")
	}
	if len(faults) > 0 {
		return rejected("%s", several(faults...))
	}
	return nil
}

func (d *Destination) check() error {
	switch {
	case d == nil:
		return nil
	case len(d.Addresses) == 0:
		return rejected("%s", several("Could not validate destination: addresses are required"))
	case d.Port < 1 || d.Port > maxPort:
		return rejected("%s", several("Invalid Port number "+quoteInt(d.Port)))
	}
	for _, a := range d.Addresses {
		if strings.ContainsAny(a, "*") || a == "" {
			return rejected("%s", several("Could not validate address "+a))
		}
	}
	return nil
}

func (l *RateLimits) check() error {
	if l == nil {
		return nil
	}
	i := l.InstanceLevel
	switch {
	case i.RequestsPerSecond < 0 || i.RequestsMaxBurst < 0:
		return rejected("%s", several("requests per second and burst of RateLimits must not be negative"))
	case i.RequestsPerSecond == 0 && i.RequestsMaxBurst != 0:
		return rejected("%s", several("RateLimits.InstanceLevel.RequestsPerSecond must be set if RequestsMaxBurst is"))
	}
	for _, r := range i.Routes {
		if countSet(r.PathExact, r.PathPrefix, r.PathRegex) != 1 {
			return rejected("%s", several("a route of RateLimits needs exactly one of PathExact, PathPrefix, or PathRegex"))
		}
	}
	return nil
}

func checkExtensions(list []EnvoyExtension) error {
	for i, x := range list {
		if x.Name == "" {
			return rejected("invalid EnvoyExtensions[%d]: Name is required", i)
		}
	}
	return nil
}

// PermitsPlaintext reports whether an entry lets services be reached without mutual TLS.
func PermitsPlaintext(e Entry) bool {
	switch e := e.(type) {
	case *ServiceDefaults:
		return e.MutualTLSMode == "permissive"
	case *ProxyDefaults:
		return e.MutualTLSMode == "permissive"
	case *Mesh:
		return e.AllowEnablingPermissiveMutualTLS
	}
	return false
}

// ProxyDefaults is what all proxies have in common.
type ProxyDefaults struct {
	Header
	Config               map[string]any `json:",omitempty" bexpr:"-"`
	Protocol             string         `json:",omitempty"`
	Mode                 string         `json:",omitempty"`
	TransparentProxy     TransparentProxy
	MutualTLSMode        string `json:",omitempty"`
	MeshGateway          MeshGateway
	Expose               Expose
	AccessLogs           AccessLogs
	EnvoyExtensions      []EnvoyExtension      `json:",omitempty"`
	FailoverPolicy       *FailoverPolicy       `json:",omitempty"`
	PrioritizeByLocality *PrioritizeByLocality `json:",omitempty"`
}

// AccessLogs says what proxies log of requests.
type AccessLogs struct {
	Enabled             bool   `json:",omitempty"`
	DisableListenerLogs bool   `json:",omitempty"`
	Type                string `json:",omitempty"`
	Path                string `json:",omitempty"`
	JSONFormat          string `json:",omitempty"`
	TextFormat          string `json:",omitempty"`
}

// DefaultProtocol is the protocol of services that do not name one.
func (d *ProxyDefaults) DefaultProtocol() string {
	protocol, _ := d.Config["protocol"].(string)
	return strings.ToLower(protocol)
}

func (d *ProxyDefaults) prepare() error {
	if d.Name != NameGlobal {
		return rejected("invalid name (%q), only %q is supported", d.Name, NameGlobal)
	}
	d.Protocol = strings.ToLower(d.Protocol)
	if err := checkModes(d.Mode, d.MutualTLSMode, ""); err != nil {
		return err
	}
	logs := d.AccessLogs
	switch {
	case !oneOf(logs.Type, "stdout", "stderr", "file"):
		return rejected("invalid access log type: %s", logs.Type)
	case logs.Type == "file" && logs.Path == "":
		return rejected("path must be specified when using file type access logs")
	case logs.JSONFormat != "" && logs.TextFormat != "":
		return rejected("cannot specify both access log JSONFormat and TextFormat")
	}
	if err := d.FailoverPolicy.check(); err != nil {
		return err
	}
	if err := d.PrioritizeByLocality.check(); err != nil {
		return err
	}
	return checkExtensions(d.EnvoyExtensions)
}
