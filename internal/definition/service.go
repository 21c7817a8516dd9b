package definition

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"praetor/catalog"
	"praetor/internal/mesh"
)

// Service is a service as files (reference/config.md §7) and HTTP bodies
// (reference/http-agent.md §3.3) write it; see doc.go for the tags.
type Service struct {
	Kind              string             `cfg:"kind" help:"empty, or connect-proxy or a gateway kind"`
	ID                string             `cfg:"id" help:"unique on this agent; the name when not set"`
	Name              string             `cfg:"name" help:"name of the service"`
	Tags              []string           `cfg:"tags" help:"tags of the instance"`
	Address           string             `cfg:"address" help:"IP or host name; the node's when not set"`
	TaggedAddresses   map[string]Address `cfg:"tagged_addresses" http:"tagged_addresses" help:"further addresses, such as wan"`
	Meta              map[string]string  `cfg:"meta" help:"key/value pairs shown with the instance"`
	Port              int                `cfg:"port" help:"port of the instance"`
	Ports             []Port             `cfg:"ports" help:"several ports by name, instead of port"`
	SocketPath        string             `cfg:"socket_path" help:"Unix socket instead of address and port"`
	Check             *Check             `cfg:"check"`
	Checks            []*Check           `cfg:"checks"`
	Token             string             `cfg:"token" help:"ACL token that registers the service"`
	Weights           *Weights           `cfg:"weights"`
	EnableTagOverride bool               `cfg:"enable_tag_override" http:"enable_tag_override" help:"others may change the tags in the catalog"`
	Proxy             *Proxy             `cfg:"proxy"`
	Connect           *Connect           `cfg:"connect"`
	Locality          *Locality          `cfg:"locality"`
	Namespace         *string            `cfg:"namespace" http:"-" use:"ent"`
	Partition         *string            `cfg:"partition" http:"-" use:"ent"`
}

// Address is one address of an instance.
type Address struct {
	Address string `cfg:"address"`
	Port    int    `cfg:"port"`
}

// Port is one of several ports of an instance.
type Port struct {
	Name    string `cfg:"name" help:"unique among them"`
	Port    int    `cfg:"port"`
	Default bool   `cfg:"default" help:"the one that is meant where none is named"`
}

func portRows(ports []Port) (rows []catalog.ServicePort) {
	for _, p := range ports {
		rows = append(rows, catalog.ServicePort(p))
	}
	return rows
}

// Weights are DNS weights; what a weight that is not given means, is up to the
// caller.
type Weights struct {
	Passing *int `cfg:"passing" unset:"1" help:"SRV weight while passing"`
	Warning *int `cfg:"warning" unset:"1" help:"SRV weight while warning"`
}

// Connect says how a service takes part in the mesh.
type Connect struct {
	Native         bool     `cfg:"native" help:"the service speaks mesh TLS itself"`
	SidecarService *Service `cfg:"sidecar_service" http:"sidecar_service" recursive:"y"`
}

// UnmarshalJSON implements json.Unmarshaler. Consul passes over keys it does not
// know in here, and in the sidecar.
func (c *Connect) UnmarshalJSON(text []byte) error {
	type members Connect
	return decode((*members)(c), bodies, func(v any) error { return json.Unmarshal(text, v) })
}

// Locality is where something runs.
type Locality struct {
	Region *string `cfg:"region" help:"region where this agent runs"`
	Zone   *string `cfg:"zone" help:"zone inside the region"`
}

// Row is the service as the catalog holds it. Upstreams that do not say what
// they lead to, lead to services. Zero weights mean that none were given.
func (s *Service) Row() *catalog.Service {
	row := &catalog.Service{
		Kind: s.Kind, ID: cmp.Or(s.ID, s.Name), Service: s.Name, Tags: s.Tags, Address: s.Address, Meta: s.Meta, Port: s.Port, Ports: portRows(s.Ports),
		SocketPath: s.SocketPath, EnableTagOverride: s.EnableTagOverride, Proxy: s.Proxy.Row(), Locality: s.Locality.Row(),
	}
	row.FillPort()
	for tag, a := range s.TaggedAddresses {
		if row.TaggedAddresses == nil {
			row.TaggedAddresses = make(map[string]catalog.ServiceAddress, len(s.TaggedAddresses))
		}
		row.TaggedAddresses[tag] = catalog.ServiceAddress(a)
	}
	if s.Weights != nil {
		row.Weights = s.Weights.Row(catalog.Weights{})
	}
	if s.Connect != nil && s.Connect.Native {
		row.Connect = &catalog.Connect{Native: true}
	}
	if s.Proxy != nil {
		for i := range row.Proxy.Upstreams {
			u := &row.Proxy.Upstreams[i]
			u.DestinationType = cmp.Or(u.DestinationType, upstreamService)
		}
	}
	return row
}

// Sidecar is the proxy that a service asks for, nil for none.
func (s *Service) Sidecar() *Service {
	if s.Connect == nil {
		return nil
	}
	return s.Connect.SidecarService
}

// Row is the weights as given, those of unset for what is not.
func (w *Weights) Row(unset catalog.Weights) catalog.Weights {
	if w == nil {
		return unset
	}
	return catalog.Weights{Passing: valueOr(w.Passing, unset.Passing), Warning: valueOr(w.Warning, unset.Warning)}
}

// Row is the locality as the catalog holds it; nil for nil.
func (l *Locality) Row() *catalog.Locality {
	if l == nil {
		return nil
	}
	return &catalog.Locality{Region: valueOr(l.Region, ""), Zone: valueOr(l.Zone, "")}
}

func valueOr[T any](p *T, unset T) T {
	if p == nil {
		return unset
	}
	return *p
}

// The kinds of service that carry mesh settings.
const (
	KindConnectProxy       = mesh.KindProxy
	KindMeshGateway        = "mesh-gateway"
	KindTerminatingGateway = "terminating-gateway"
	KindIngressGateway     = "ingress-gateway"
	KindAPIGateway         = "api-gateway"
)

// maxWeight is the largest weight an SRV record can carry (RFC 2782).
const maxWeight = 65535

// KnownKind reports whether kind is a proxy or gateway kind.
func KnownKind(kind string) bool {
	return kind == KindConnectProxy || isGateway(kind)
}

// ValidateService reports all structural faults of s at once, as an Errors:
// its ports and locality, what its kind and the mesh ask for, and its proxy. Names, addresses, weights
// and metadata have rules with texts of their own: see ValidateWeights,
// ValidateMeta, ValidateTaggedAddresses and ValidateAddress.
func ValidateService(s *catalog.Service) error { return validate(s, &Service{}) }

// Validate is ValidateService for s's row, maybe completed, with the faults of what s asks for.
func (s *Service) Validate(row *catalog.Service) error { return validate(row, s) }

func validate(s *catalog.Service, asked *Service) error {
	var faults Errors
	if err := validatePorts(s, asked.Port != 0); err != nil {
		faults.Addf("%s", err)
	}
	if s.Locality != nil {
		if err := ValidateLocality(s.Locality); err != nil {
			faults.Addf("%s", err)
		}
	}
	switch {
	case s.Kind == KindConnectProxy:
		validateConnectProxy(s, &faults)
	case isGateway(s.Kind):
		validateGateway(s, asked.Sidecar() != nil, &faults)
	}
	if isNative(s) && s.Kind != KindConnectProxy && s.Port == 0 && s.SocketPath == "" {
		faults.Addf("Port or SocketPath must be set for a Connect native service.")
	}
	if s.Proxy != nil {
		validateDepth(s.Proxy, &faults)
	}
	return faults.Err()
}

// validatePorts has the texts of the published client, which looks too, and its order. A row
// that was read and comes back has the default port beside them; both says that a user gave it.
func validatePorts(s *catalog.Service, both bool) error {
	names, chosen := make(map[string]bool, len(s.Ports)), false
	for _, p := range s.Ports {
		switch {
		case strings.TrimSpace(p.Name) == "":
			return errors.New("Ports.Name cannot be empty")
		case p.Port <= 0:
			return errors.New("Ports.Port must be non-zero")
		case names[p.Name]:
			return fmt.Errorf("Ports.Name %q has to be unique", p.Name)
		case p.Default && chosen:
			return errors.New("only one port can be marked as default")
		}
		names[p.Name], chosen = true, chosen || p.Default
	}
	switch {
	case len(s.Ports) > 0 && !chosen:
		return errors.New("one of the Ports must be marked as Default")
	case len(s.Ports) > 0 && (both || s.Port != s.DefaultPort()):
		return errors.New("Port cannot be set together with Ports: the default one of them is the port")
	}
	return nil
}

// ValidateLocality refuses a zone outside a region.
func ValidateLocality(l *catalog.Locality) error {
	if l.Region == "" && l.Zone != "" {
		return errors.New("zone cannot be set without region")
	}
	return nil
}

// ValidateWeights checks DNS weights as a user gave them, before EffectiveWeights.
func ValidateWeights(w catalog.Weights) error {
	switch {
	case w.Passing < 1:
		return errors.New("Passing must be greater than 0")
	case w.Warning < 0:
		return errors.New("Warning must be greater or equal than 0")
	case w.Passing > maxWeight || w.Warning > maxWeight:
		return fmt.Errorf("DNS Weight must be between 0 and %d", maxWeight)
	}
	return nil
}

// DefaultWeights are the weights of a service that names none.
func DefaultWeights() catalog.Weights { return catalog.Weights{Passing: 1, Warning: 1} }

// ValidateAddress refuses a service address that no client could connect to.
func ValidateAddress(address string) error {
	if address == "0.0.0.0" || address == "::" || address == "[::]" {
		return errors.New("Invalid service address")
	}
	return nil
}

// addressFamilies are the tags whose addresses must be of one family. wan_ipv6
// is not among them: Consul accepts anything there.
var addressFamilies = []struct {
	tag  string
	ok   func(netip.Addr) bool
	name string
}{
	{"lan_ipv4", isIPv4, "ipv4"},
	{"wan_ipv4", isIPv4, "ipv4"},
	{"lan_ipv6", isIPv6, "ipv6"},
}

// ValidateTaggedAddresses checks that addresses under a family's tag are of
// that family.
func ValidateTaggedAddresses(addresses map[string]catalog.ServiceAddress) error {
	for _, f := range addressFamilies {
		a, ok := addresses[f.tag]
		if !ok {
			continue
		}
		ip, err := netip.ParseAddr(a.Address)
		if err != nil || !f.ok(ip) {
			return fmt.Errorf("Service tagged address %q must be a valid %s address", f.tag, f.name)
		}
	}
	return nil
}

// AutoTaggedAddresses adds the lan and wan address of the family of s.Address,
// when that is an IP and no such tag is given. A map that s shares with others
// is replaced, not changed.
func AutoTaggedAddresses(s *catalog.Service) {
	ip, err := netip.ParseAddr(s.Address)
	if err != nil {
		return
	}
	lan, wan := "lan_ipv6", "wan_ipv6"
	if isIPv4(ip) {
		lan, wan = "lan_ipv4", "wan_ipv4"
	}
	own := catalog.ServiceAddress{Address: s.Address, Port: s.Port}
	all := map[string]catalog.ServiceAddress{lan: own, wan: own}
	for tag, a := range s.TaggedAddresses {
		all[tag] = a
	}
	s.TaggedAddresses = all
}

func isIPv4(ip netip.Addr) bool { return ip.Unmap().Is4() }
func isIPv6(ip netip.Addr) bool { return ip.Is6() && !ip.Is4In6() }

func isNative(s *catalog.Service) bool { return s.Connect != nil && s.Connect.Native }

func isGateway(kind string) bool {
	switch kind {
	case KindMeshGateway, KindTerminatingGateway, KindIngressGateway, KindAPIGateway:
		return true
	}
	return false
}

var _ json.Unmarshaler = (*Connect)(nil)
