package definition

import (
	"errors"
	"fmt"
	"path"
	"strconv"

	"praetor/catalog"
	"praetor/internal/shape"
)

const wildcard = "*"

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
	if s.Connect != nil && s.Connect.Native {
		faults.Addf("A Proxy cannot also be Connect Native, only typical services")
	}
	validateUpstreams(proxy.Upstreams, faults)
	validateExpose(proxy.Expose, faults)
}

func validateGateway(s *catalog.Service, faults *Errors) {
	listens := s.Kind == KindMeshGateway || s.Kind == KindTerminatingGateway
	if s.Port == 0 && listens {
		faults.Addf("Port must be non-zero for a %s", s.Kind)
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
		key := u.DestinationType + "/" + u.DestinationPeer + "/" + u.Datacenter + "/" + u.DestinationName
		if bind := upstreamBind(u); binds[bind] {
			faults.Addf("upstreams cannot contain duplicates of %s", bind)
		} else if bind != "" {
			binds[bind] = true
		}
		if seen[key] {
			faults.Addf("upstreams cannot contain duplicates of %s", u.DestinationName)
		}
		seen[key] = true
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
		return errors.New("upstream cannot specify both destination_peer and datacenter")
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
	seen := make(map[string]bool, len(e.Paths))
	for _, p := range e.Paths {
		if p.Protocol != "" && p.Protocol != "http" && p.Protocol != "http2" {
			faults.Addf("protocol %q not supported for path: %s, must be in: [http http2]", p.Protocol, p.Path)
		}
		if seen[p.Path] {
			faults.Addf("expose paths cannot contain duplicates of %s", p.Path)
		}
		seen[p.Path] = true
	}
}

// proxyOf returns s's proxy settings, empty ones when there are none.
func proxyOf(s *catalog.Service) *catalog.Proxy {
	if s.Proxy == nil {
		return &catalog.Proxy{}
	}
	return s.Proxy
}
