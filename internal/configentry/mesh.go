package configentry

import (
	"fmt"
	"slices"
	"strings"
)

// Mesh is what holds for the whole mesh. It has no name in its JSON; its path
// has NameMesh.
type Mesh struct {
	Common
	TransparentProxy                 MeshTransparentProxy
	AllowEnablingPermissiveMutualTLS bool         `json:",omitempty"`
	ValidateClusters                 bool         `json:",omitempty"`
	TLS                              *MeshTLS     `json:",omitempty"`
	HTTP                             *MeshHTTP    `json:",omitempty"`
	Peering                          *MeshPeering `json:",omitempty"`
}

// EntryName implements Entry.
func (*Mesh) EntryName() string { return NameMesh }

// MeshTransparentProxy says whether proxies reach only what is in the mesh.
type MeshTransparentProxy struct {
	MeshDestinationsOnly bool
}

// MeshTLS is the TLS of proxies.
type MeshTLS struct {
	Incoming *TLSParams `json:",omitempty"`
	Outgoing *TLSParams `json:",omitempty"`
}

// TLSParams bounds what TLS is spoken.
type TLSParams struct {
	TLSMinVersion string   `json:",omitempty"`
	TLSMaxVersion string   `json:",omitempty"`
	CipherSuites  []string `json:",omitempty"`
}

// MeshHTTP is the HTTP of proxies.
type MeshHTTP struct {
	SanitizeXForwardedClientCert bool              `json:",omitempty"`
	Incoming                     *MeshHTTPIncoming `json:",omitempty"`
}

// MeshHTTPIncoming is of requests that come in.
type MeshHTTPIncoming struct {
	RequestNormalization *RequestNormalization `json:",omitempty"`
}

// RequestNormalization says how paths are made comparable.
type RequestNormalization struct {
	InsecureDisablePathNormalization bool   `json:",omitempty"`
	MergeSlashes                     bool   `json:",omitempty"`
	PathWithEscapedSlashesAction     string `json:",omitempty"`
	HeadersWithUnderscoresAction     string `json:",omitempty"`
}

// MeshPeering says how peers are reached.
type MeshPeering struct {
	PeerThroughMeshGateways bool `json:",omitempty"`
}

func (m *Mesh) prepare() error {
	if m.TLS != nil {
		if err := m.TLS.Incoming.check(); err != nil {
			return rejected("error in incoming TLS configuration: %w", err)
		}
		if err := m.TLS.Outgoing.check(); err != nil {
			return rejected("error in outgoing TLS configuration: %w", err)
		}
	}
	if m.HTTP == nil || m.HTTP.Incoming == nil || m.HTTP.Incoming.RequestNormalization == nil {
		return nil
	}
	n := m.HTTP.Incoming.RequestNormalization
	switch {
	case !oneOf(n.PathWithEscapedSlashesAction, "IMPLEMENTATION_SPECIFIC_DEFAULT", "KEEP_UNCHANGED", "REJECT_REQUEST", "UNESCAPE_AND_REDIRECT", "UNESCAPE_AND_FORWARD"):
		return rejected("no matching PathWithEscapedSlashesAction value found for %s", n.PathWithEscapedSlashesAction)
	case !oneOf(n.HeadersWithUnderscoresAction, "ALLOW", "REJECT_REQUEST", "DROP_HEADER"):
		return rejected("no matching HeadersWithUnderscoresAction value found for %s", n.HeadersWithUnderscoresAction)
	}
	return nil
}

func (p *TLSParams) check() error {
	if p == nil {
		return nil
	}
	return checkTLS(p.TLSMinVersion, p.TLSMaxVersion, p.CipherSuites)
}

// tlsVersions are the versions from the lowest; the first is the proxy's choice.
var tlsVersions = []string{"TLS_AUTO", "TLSv1_0", "TLSv1_1", "TLSv1_2", "TLSv1_3"}

// cipherSuites are those that Envoy knows by these names and that are safe.
var cipherSuites = []string{
	"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
	"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
	"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
	"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
	"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
}

func checkTLS(lowest, highest string, suites []string) error {
	for _, v := range []string{lowest, highest} {
		if !oneOf(v, tlsVersions...) {
			return fmt.Errorf("no matching TLS version found for %s, please specify one of [%s]", v, strings.Join(tlsVersions, ", "))
		}
	}
	from, to := slices.Index(tlsVersions, lowest), slices.Index(tlsVersions, highest)
	if from > 0 && to > 0 && from > to {
		return fmt.Errorf("configuring max version %s less than the configured min version %s is invalid", highest, lowest)
	}
	if len(suites) > 0 && lowest == "TLSv1_3" {
		return fmt.Errorf("configuring CipherSuites is only applicable to connections negotiated with TLS 1.2 or earlier, TLSMinVersion is set to %s", lowest)
	}
	for _, s := range suites {
		if !slices.Contains(cipherSuites, s) {
			return fmt.Errorf("no matching Envoy TLS cipher suite found for %s", s)
		}
	}
	return nil
}

// ExportedServices says which services peers may call.
type ExportedServices struct {
	Header
	Services []ExportedService
}

// ExportedService is a service, or all of them ("*"), and who may call it.
type ExportedService struct {
	Name      string
	Consumers []Consumer
}

// Consumer is a peer.
type Consumer struct {
	Peer          string `json:",omitempty"`
	Partition     string `json:",omitempty"`
	SamenessGroup string `json:",omitempty"`
}

func (x *ExportedServices) prepare() error {
	if x.Name != NameDefault {
		return rejected("exported-services Name must be %q", NameDefault)
	}
	for i, s := range x.Services {
		if s.Name == "" {
			return rejected("Services[%d]: service name cannot be empty", i)
		}
		if len(s.Consumers) == 0 {
			return rejected("Services[%d]: must have at least one consumer", i)
		}
		for j, c := range s.Consumers {
			switch {
			case c.Partition != "" || c.SamenessGroup != "":
				return rejected("Services[%d].Consumers[%d]: partitions and sameness groups are an enterprise-only feature", i, j)
			case c.Peer == "":
				return rejected("Services[%d].Consumers[%d]: must define at least one of Peer, Partition, or SamenessGroup", i, j)
			case c.Peer == Wildcard:
				return rejected("Services[%d].Consumers[%d]: exporting to all peers (wildcard) is not supported", i, j)
			}
		}
	}
	return nil
}

// SamenessGroup is known, so that it can be refused by name.
type SamenessGroup struct {
	Header
	Rest map[string]any `json:"-" mapstructure:",remain"`
}

func (*SamenessGroup) prepare() error {
	return rejected("sameness-groups are an enterprise-only feature")
}

// RequestLimit is known, so that it can be refused by name.
type RequestLimit struct {
	Header
	Rest map[string]any `json:"-" mapstructure:",remain"`
}

func (*RequestLimit) prepare() error {
	return rejected("control-plane-request-limits are an enterprise-only feature")
}
