package definition

import (
	"errors"
	"fmt"
	"net/netip"

	"praetor/catalog"
	"praetor/internal/mesh"
)

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
// what its kind asks for, its proxy and its locality. Names, addresses, weights
// and metadata have rules with texts of their own: see ValidateWeights,
// ValidateMeta, ValidateTaggedAddresses and ValidateAddress.
func ValidateService(s *catalog.Service) error {
	var faults Errors
	switch {
	case s.Kind == KindConnectProxy:
		validateConnectProxy(s, &faults)
	case isGateway(s.Kind):
		validateGateway(s, &faults)
	}
	if s.Proxy != nil {
		validateDepth(s.Proxy, &faults)
	}
	if s.Locality != nil {
		if err := ValidateLocality(s.Locality); err != nil {
			faults.Addf("%s", err)
		}
	}
	return faults.Err()
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

func isGateway(kind string) bool {
	switch kind {
	case KindMeshGateway, KindTerminatingGateway, KindIngressGateway, KindAPIGateway:
		return true
	}
	return false
}
