package configentry

import (
	"cmp"
	"fmt"
	"strings"
)

// IngressGateway lets traffic into the mesh.
type IngressGateway struct {
	Header
	TLS       GatewayTLS
	Listeners []IngressListener
	Defaults  *IngressDefaults `json:",omitempty"`
}

// IngressDefaults are the limits of services that have none.
type IngressDefaults struct {
	MaxConnections        uint32
	MaxPendingRequests    uint32
	MaxConcurrentRequests uint32
	PassiveHealthCheck    *PassiveHealthCheck `json:",omitempty"`
}

// GatewayTLS is the TLS of listeners.
type GatewayTLS struct {
	Enabled       bool
	SDS           *GatewaySDS `json:",omitempty"`
	TLSMinVersion string      `json:",omitempty"`
	TLSMaxVersion string      `json:",omitempty"`
	CipherSuites  []string    `json:",omitempty"`
}

// GatewaySDS says from where Envoy gets a certificate.
type GatewaySDS struct {
	ClusterName  string `json:",omitempty"`
	CertResource string `json:",omitempty"`
}

// IngressListener is a port and the services behind it.
type IngressListener struct {
	Port     int
	Protocol string
	TLS      *GatewayTLS      `json:",omitempty"`
	Services []IngressService `json:",omitempty"`
}

// IngressService is a service, or all of them ("*"), behind a listener.
type IngressService struct {
	Name                  string
	Hosts                 []string
	TLS                   *ServiceTLS         `json:",omitempty"`
	RequestHeaders        *HeaderModifiers    `json:",omitempty"`
	ResponseHeaders       *HeaderModifiers    `json:",omitempty"`
	MaxConnections        uint32              `json:",omitempty"`
	MaxPendingRequests    uint32              `json:",omitempty"`
	MaxConcurrentRequests uint32              `json:",omitempty"`
	PassiveHealthCheck    *PassiveHealthCheck `json:",omitempty"`
}

// ServiceTLS is the certificate of one service.
type ServiceTLS struct {
	SDS *GatewaySDS `json:",omitempty"`
}

func (g *IngressGateway) prepare() error {
	if err := g.TLS.check(); err != nil {
		return rejected("%w", err)
	}
	if s := g.TLS.SDS; s != nil && s.CertResource != "" && s.ClusterName == "" {
		return rejected("TLS.SDS.ClusterName is required if CertResource is set")
	}
	ports := map[int]bool{}
	for i := range g.Listeners {
		l := &g.Listeners[i]
		if ports[l.Port] {
			return rejected("port %d declared on two listeners", l.Port)
		}
		ports[l.Port] = true
		if err := l.prepare(g.TLS.cluster()); err != nil {
			return rejected("%w", err)
		}
	}
	return nil
}

func (t *GatewayTLS) check() error {
	if t == nil {
		return nil
	}
	return checkTLS(t.TLSMinVersion, t.TLSMaxVersion, t.CipherSuites)
}

// cluster names the server that certificates come from, "" for none.
func (t *GatewayTLS) cluster() string {
	if t == nil || t.SDS == nil {
		return ""
	}
	return t.SDS.ClusterName
}

// prepare says what is wrong with a listener of a gateway whose certificates come
// from a cluster, "" for none.
func (l *IngressListener) prepare(cluster string) error {
	l.Protocol = strings.ToLower(l.Protocol)
	if l.Protocol == "" {
		l.Protocol = ProtocolTCP
	}
	here := fmt.Sprintf("(listener on port %d)", l.Port)
	switch {
	case l.Protocol != ProtocolTCP && !IsHTTP(l.Protocol):
		return fmt.Errorf("protocol must be 'tcp', 'http', 'http2', or 'grpc'. '%s' is an unsupported protocol", l.Protocol)
	case len(l.Services) == 0:
		return fmt.Errorf("No service declared for listener with port %d", l.Port)
	case len(l.Services) > 1 && !IsHTTP(l.Protocol):
		return fmt.Errorf("Multiple services per listener are only supported for L7 protocols, 'http', 'grpc' and 'http2' %s", here)
	}
	if err := l.TLS.check(); err != nil {
		return err
	}
	if l.TLS != nil && l.TLS.SDS != nil {
		cluster = cmp.Or(l.TLS.SDS.ClusterName, cluster)
		switch sds := l.TLS.SDS; {
		case sds.CertResource == "" && sds.ClusterName != "":
			return fmt.Errorf("TLS.SDS.CertResource is required if ClusterName is set for listener %s", here)
		case sds.CertResource != "" && cluster == "":
			return fmt.Errorf("TLS.SDS.ClusterName is required if CertResource is set for listener %s", here)
		}
	}
	names, hosts := map[string]bool{}, map[string]bool{}
	for i := range l.Services {
		s := &l.Services[i]
		switch {
		case s.Name == "":
			return fmt.Errorf("Service name cannot be blank %s", here)
		case s.Name == Wildcard && !IsHTTP(l.Protocol):
			return fmt.Errorf("Wildcard service name is only valid for protocol = 'http' %s", here)
		case s.Name == Wildcard && len(s.Hosts) > 0:
			return fmt.Errorf("Associating hosts to a wildcard service is not supported %s", here)
		case len(s.Hosts) > 0 && !IsHTTP(l.Protocol):
			return fmt.Errorf("Associating hosts to a service is not supported for the %s protocol %s", l.Protocol, here)
		case names[s.Name]:
			return fmt.Errorf("Service %s cannot be added multiple times %s", s.Name, here)
		}
		names[s.Name] = true
		for _, h := range s.Hosts {
			switch {
			case hosts[h]:
				return fmt.Errorf("Hosts must be unique within a specific listener %s", here)
			case h != Wildcard && strings.Contains(strings.TrimPrefix(h, "*."), Wildcard):
				return fmt.Errorf("Host %q is not valid, a wildcard specifier is only allowed as the leftmost label", h)
			}
			hosts[h] = true
		}
		if err := s.check(l, cluster); err != nil {
			return err
		}
	}
	return nil
}

func (s *IngressService) check(l *IngressListener, cluster string) error {
	where := fmt.Sprintf("(service %q on listener on port %d)", s.Name, l.Port)
	switch {
	case s.TLS != nil && s.TLS.SDS != nil && s.TLS.SDS.CertResource != "" && cmp.Or(s.TLS.SDS.ClusterName, cluster) == "":
		return fmt.Errorf("TLS.SDS.ClusterName is required if CertResource is set %s", where)
	case s.RequestHeaders != nil && !IsHTTP(l.Protocol):
		return fmt.Errorf("request headers only valid for http, http2 and grpc protocols %s", where)
	case s.ResponseHeaders != nil && !IsHTTP(l.Protocol):
		return fmt.Errorf("response headers only valid for http, http2 and grpc protocols %s", where)
	}
	return nil
}

// TerminatingGateway lets traffic out of the mesh.
type TerminatingGateway struct {
	Header
	Services []LinkedService
}

// LinkedService is a service outside, or all of them ("*"), and how to reach it.
type LinkedService struct {
	Name                   string `json:",omitempty"`
	CAFile                 string `json:",omitempty"`
	CertFile               string `json:",omitempty"`
	KeyFile                string `json:",omitempty"`
	SNI                    string `json:",omitempty"`
	DisableAutoHostRewrite bool   `json:",omitempty"`
}

func (g *TerminatingGateway) prepare() error {
	seen := map[string]bool{}
	for _, s := range g.Services {
		switch {
		case s.Name == "":
			return rejected("Service name cannot be blank.")
		case seen[s.Name]:
			return rejected("Service %q was specified more than once within a namespace", s.Name)
		case (s.CertFile != "" || s.KeyFile != "") && (s.CAFile == "" || s.CertFile == "" || s.KeyFile == ""):
			return rejected("Service %q must have a CertFile, CAFile, and KeyFile specified for TLS origination", s.Name)
		}
		seen[s.Name] = true
	}
	return nil
}
