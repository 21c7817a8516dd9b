package configentry

import (
	"encoding/json"
	"maps"
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
	Protocol                  string
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
	if d.Name == Wildcard {
		return rejected("wildcard name (%q) is not allowed", d.Name)
	}
	if err := checkModes(d.Mode, d.MutualTLSMode, d.BalanceInboundConnections); err != nil {
		return err
	}
	if l := d.RateLimits; l != nil && (l.InstanceLevel.RequestsPerSecond != 0 || l.InstanceLevel.RequestsMaxBurst != 0 || len(l.InstanceLevel.Routes) > 0) {
		return rejected("invalid rate_limits config. Rate limiting is a consul enterprise feature")
	}
	var faults []string
	if !oneOf(d.Protocol, ProtocolTCP, ProtocolHTTP, ProtocolHTTP2, ProtocolGRPC) {
		faults = append(faults, "invalid value for protocol: "+d.Protocol)
	}
	faults = append(faults, d.UpstreamConfig.faults()...)
	faults = append(faults, d.Destination.faults()...)
	return together(append(faults, extensionFaults(d.EnvoyExtensions)...))
}

// checkModes looks at what proxies may do.
func checkModes(mode, mutualTLS, balance string) error {
	switch {
	case !oneOf(mode, "transparent", "direct"):
		return rejected("invalid proxy mode %q: it may be \"transparent\" or \"direct\"", mode)
	case !oneOf(mutualTLS, "strict", "permissive"):
		return rejected("Invalid MutualTLSMode %q. Must be one of \"\", \"strict\", or \"permissive\".", mutualTLS)
	case !oneOf(balance, "exact_balance"):
		return rejected("invalid value for balance connections: %q", balance)
	}
	return nil
}

func (u *Upstreams) faults() (faults []string) {
	if u == nil {
		return nil
	}
	for _, o := range u.Overrides {
		if o != nil && o.Name == "" {
			faults = append(faults, "error in upstream override for : Name is required")
		}
	}
	if u.Defaults != nil && u.Defaults.Name != "" {
		faults = append(faults, "error in upstream defaults: Name must be empty")
	}
	return faults
}

func (d *Destination) faults() (faults []string) {
	if d == nil {
		return nil
	}
	if len(d.Addresses) == 0 {
		faults = append(faults, "Destination must contain at least one valid address")
	}
	for i, a := range d.Addresses {
		switch {
		case slices.Contains(d.Addresses[:i], a):
			faults = append(faults, "Duplicate address '"+a+"' is not allowed")
		case a == "" || strings.Contains(a, Wildcard):
			faults = append(faults, "Destination address '"+a+"' is invalid Could not validate address "+a+" as an IP or Hostname")
		}
	}
	if d.Port < 1 || d.Port > maxPort {
		faults = append(faults, "Invalid Port number "+quoteInt(d.Port))
	}
	return faults
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
	Config               map[string]any `bexpr:"-"`
	Protocol             string         `json:"-"` // read, and dropped: Config names it
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

// DefaultProtocol is the protocol of services without defaults of their own.
func (d *ProxyDefaults) DefaultProtocol() string {
	for _, key := range slices.Sorted(maps.Keys(d.Config)) {
		if protocol, ok := d.Config[key].(string); ok && strings.EqualFold(key, "protocol") {
			return strings.ToLower(protocol)
		}
	}
	return ""
}

func (d *ProxyDefaults) prepare() error {
	if d.Name != NameGlobal {
		return rejected("invalid name (%q), only %q is supported", d.Name, NameGlobal)
	}
	if err := checkModes(d.Mode, d.MutualTLSMode, ""); err != nil {
		return err
	}
	if err := d.AccessLogs.check(); err != nil {
		return err
	}
	if err := d.FailoverPolicy.check(); err != nil {
		return err
	}
	if err := d.PrioritizeByLocality.check(); err != nil {
		return err
	}
	return together(extensionFaults(d.EnvoyExtensions))
}

func (l *AccessLogs) check() error {
	switch {
	case !oneOf(l.Type, "stdout", "stderr", "file"):
		return rejected("invalid access log type: %s", l.Type)
	case l.Type == "file" && l.Path == "":
		return rejected("path must be specified when using file type access logs")
	case l.Type != "file" && l.Path != "":
		return rejected("path is only valid for file type access logs")
	case l.JSONFormat != "" && l.TextFormat != "":
		return rejected("cannot specify both access log JSONFormat and TextFormat")
	case l.JSONFormat != "":
		var format map[string]any
		if err := json.Unmarshal([]byte(l.JSONFormat), &format); err != nil {
			return rejected("invalid access log json for JSON format: %w", err)
		}
	}
	return nil
}
