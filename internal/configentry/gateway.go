package configentry

import (
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
	MaxConnections        *uint32             `json:",omitempty"`
	MaxPendingRequests    *uint32             `json:",omitempty"`
	MaxConcurrentRequests *uint32             `json:",omitempty"`
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
	MaxConnections        *uint32             `json:",omitempty"`
	MaxPendingRequests    *uint32             `json:",omitempty"`
	MaxConcurrentRequests *uint32             `json:",omitempty"`
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
	ports := map[int]bool{}
	for i := range g.Listeners {
		l := &g.Listeners[i]
		if ports[l.Port] {
			return rejected("port %d declared on two listeners", l.Port)
		}
		ports[l.Port] = true
		if err := l.prepare(); err != nil {
			return rejected("%w", err)
		}
	}
	return nil
}

func (t *GatewayTLS) check() error {
	if t == nil {
		return nil
	}
	if s := t.SDS; s != nil && s.CertResource != "" && s.ClusterName == "" {
		return fmt.Errorf("TLS.SDS.ClusterName is required when CertResource is set")
	}
	return checkTLS(t.TLSMinVersion, t.TLSMaxVersion, t.CipherSuites)
}

func (l *IngressListener) prepare() error {
	l.Protocol = strings.ToLower(l.Protocol)
	if l.Protocol == "" {
		l.Protocol = ProtocolTCP
	}
	switch {
	case l.Protocol != ProtocolTCP && !IsHTTP(l.Protocol):
		return fmt.Errorf("protocol must be 'tcp', 'http', 'http2', or 'grpc'. '%s' is an unsupported protocol", l.Protocol)
	case len(l.Services) == 0:
		return fmt.Errorf("No service declared for listener with port %d", l.Port)
	case len(l.Services) > 1 && !IsHTTP(l.Protocol):
		return fmt.Errorf("Multiple services per listener are only supported for L7 protocols, 'http', 'grpc' and 'http2' (listener on port %d)", l.Port)
	}
	if err := l.TLS.check(); err != nil {
		return err
	}
	names, hosts := map[string]bool{}, map[string]bool{}
	for i := range l.Services {
		s := &l.Services[i]
		switch {
		case s.Name == "":
			return fmt.Errorf("Service name cannot be blank (listener on port %d)", l.Port)
		case s.Name == Wildcard && !IsHTTP(l.Protocol):
			return fmt.Errorf("Wildcard service name is only valid for protocol = 'http', 'http2' and 'grpc' (listener on port %d)", l.Port)
		case s.Name == Wildcard && len(s.Hosts) > 0:
			return fmt.Errorf("Associating hosts to a wildcard service is not supported (listener on port %d)", l.Port)
		case len(s.Hosts) > 0 && !IsHTTP(l.Protocol):
			return fmt.Errorf("Associating hosts to a service is not supported for the %s protocol (listener on port %d)", l.Protocol, l.Port)
		case names[s.Name]:
			return fmt.Errorf("Service %s cannot be added multiple times (listener on port %d)", s.Name, l.Port)
		}
		names[s.Name] = true
		for _, h := range s.Hosts {
			if hosts[h] {
				return fmt.Errorf("Hosts must be unique within a specific listener (listener on port %d)", l.Port)
			}
			hosts[h] = true
		}
	}
	return nil
}

// TerminatingGateway lets traffic out of the mesh.
type TerminatingGateway struct {
	Header
	Services []LinkedService `json:",omitempty"`
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
