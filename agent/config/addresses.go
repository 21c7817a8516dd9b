package config

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/hashicorp/go-sockaddr/template"
)

const (
	maxPort       = 65535
	grpcTLSPort   = 8503 // of servers that do not choose
	unixPrefix    = "unix://"
	maxTemplateIn = 4 << 10
)

func (b *builder) addresses() {
	s, rt := b.s, b.rt
	b.ports()
	rt.UnixSockets = UnixSockets{val(s.UnixSockets.User), val(s.UnixSockets.Group), val(s.UnixSockets.Mode)}
	rt.BindAddr = b.bindAddr()
	b.clientListeners()
	b.advertise()
	serfLAN := b.oneIP("serf_lan", s.SerfBindAddrLAN, rt.BindAddr)
	serfWAN := b.oneIP("serf_wan", s.SerfBindAddrWAN, rt.BindAddr)
	rt.SerfBindLAN = addrPort(serfLAN, rt.Ports.SerfLAN)
	rt.SerfBindWAN = addrPort(serfWAN, rt.Ports.SerfWAN)
	rt.SerfAdvertiseLAN = addrPort(rt.AdvertiseAddrLAN, rt.Ports.SerfLAN)
	rt.SerfAdvertiseWAN = addrPort(rt.AdvertiseAddrWAN, rt.Ports.SerfWAN)
	rt.RPCBind = addrPort(rt.BindAddr, rt.Ports.Server)
	rt.RPCAdvertise = addrPort(rt.AdvertiseAddrLAN, rt.Ports.Server)
	rt.SerfAllowedCIDRsLAN = b.cidrs("serf_lan_allowed_cidrs", s.SerfAllowedCIDRsLAN)
	rt.SerfAllowedCIDRsWAN = b.cidrs("serf_wan_allowed_cidrs", s.SerfAllowedCIDRsWAN)
	rt.TranslateWANAddrs = val(s.TranslateWANAddrs)
}

func addrPort(ip netip.Addr, port int) netip.AddrPort {
	return netip.AddrPortFrom(ip, uint16(max(port, 0)))
}

func (b *builder) ports() {
	p := &b.s.Ports
	grpcTLS := p.GRPCTLS
	if grpcTLS == nil && val(b.s.ServerMode) {
		port := grpcTLSPort
		grpcTLS = &port
	}
	b.rt.Ports = Ports{
		DNS:     b.port("ports.dns", p.DNS),
		DNSTLS:  b.port("ports.dns_tls", p.DNSTLS),
		HTTP:    b.port("ports.http", p.HTTP),
		HTTPS:   b.port("ports.https", p.HTTPS),
		GRPC:    b.port("ports.grpc", p.GRPC),
		GRPCTLS: b.port("ports.grpc_tls", grpcTLS),
		SerfLAN: b.port("ports.serf_lan", p.SerfLAN),
		SerfWAN: b.port("ports.serf_wan", p.SerfWAN),
		Server:  b.port("ports.server", p.Server),
	}
	b.rt.Ports.SidecarMin, b.rt.Ports.SidecarMax = b.portRange("sidecar", p.SidecarMin, p.SidecarMax)
	b.rt.Ports.ExposeMin, b.rt.Ports.ExposeMax = b.portRange("expose", p.ExposeMin, p.ExposeMax)
	b.portRange("proxy", p.ProxyMin, p.ProxyMax)
}

func (b *builder) port(key string, p *int) int {
	switch port := val(p); {
	case port > maxPort:
		b.fail(key, "%s: invalid port: %d", key, port)
		return -1
	case port <= 0:
		return -1
	default:
		return port
	}
}

func (b *builder) portRange(name string, minPort, maxPort *int) (int, int) {
	low, high := max(val(minPort), 0), max(val(maxPort), 0)
	if high < low {
		key := "ports." + name + "_min_port"
		if b.origin(key) == "" { // the default: the other end was set
			key = "ports." + name + "_max_port"
		}
		b.refuse(key, "%s_min_port must be less than %s_max_port. To disable, set both to zero.", name, name)
		return low, high
	}
	b.port("ports."+name+"_max_port", maxPort)
	return low, high
}

// textZone refuses a link-local address for gossip: what it means is known to this
// machine only, and sockets of gossip would be opened on all addresses instead.
const textZone = "%s: an address with a zone cannot be used: %s"

// bindAddr resolves bind_addr, which must be exactly one IP.
func (b *builder) bindAddr() netip.Addr {
	const key = "bind_addr"
	faults := len(b.faults)
	addrs := b.expand(key, b.s.BindAddr)
	switch {
	case len(b.faults) > faults: // reported already
	case len(addrs) == 0:
		b.refuse(key, "bind_addr cannot be empty")
	case len(addrs) > 1:
		b.refuse(key, "bind_addr cannot contain multiple addresses. Use 'addresses.{dns,http,https}' instead.")
	case addrs[0].Path != "":
		b.refuse(key, "bind_addr cannot be a unix socket")
	case addrs[0].Addr().Zone() != "":
		b.fail(key, textZone, key, addrs[0].Addr())
	default:
		return addrs[0].Addr()
	}
	return netip.Addr{}
}

// oneIP resolves an address that may be left out, but not be several.
func (b *builder) oneIP(key string, text *string, otherwise netip.Addr) netip.Addr {
	faults := len(b.faults)
	addrs := b.expand(key, text)
	switch {
	case len(addrs) == 0 || len(b.faults) > faults:
		return otherwise
	case len(addrs) > 1:
		b.fail(key, "%s: multiple addresses found: %s", key, val(text))
		return otherwise
	case addrs[0].Path != "":
		b.fail(key, "%s cannot be a unix socket", key)
		return otherwise
	case addrs[0].Addr().Zone() != "":
		b.fail(key, textZone, key, addrs[0].Addr())
		return otherwise
	}
	return addrs[0].Addr()
}

func (b *builder) clientListeners() {
	s, rt := b.s, b.rt
	clients := b.expand("client_addr", s.ClientAddr)
	for _, a := range clients {
		if a.Path != "" {
			b.refuse("client_addr", "client_addr cannot be a unix socket")
			return
		}
		rt.ClientAddrs = append(rt.ClientAddrs, a.Addr())
	}
	if len(clients) == 0 {
		b.warn("client_addr is empty, client services (DNS, HTTP, HTTPS, GRPC) will not be listening for connections")
	}
	a := &s.Addresses
	listeners := func(key string, text *string, port int) []Addr {
		return onPort(b.expand(key, text), clients, port)
	}
	dns := b.expand("addresses.dns", a.DNS)
	if slices.ContainsFunc(dns, isSocket) {
		b.refuse("addresses.dns", "DNS address cannot be a unix socket")
		dns = slices.DeleteFunc(dns, isSocket)
	}
	rt.DNSAddrs, rt.DNSTLSAddrs = onPort(dns, clients, rt.Ports.DNS), onPort(dns, clients, rt.Ports.DNSTLS)
	rt.HTTPAddrs = listeners("addresses.http", a.HTTP, rt.Ports.HTTP)
	rt.HTTPSAddrs = listeners("addresses.https", a.HTTPS, rt.Ports.HTTPS)
	rt.GRPCAddrs = listeners("addresses.grpc", a.GRPC, rt.Ports.GRPC)
	rt.GRPCTLSAddrs = listeners("addresses.grpc_tls", a.GRPCTLS, rt.Ports.GRPCTLS)
}

func isSocket(a Addr) bool { return a.Path != "" }

// onPort are the own addresses of a listener, or the clients', on its port.
// Without a port only Unix sockets are left.
func onPort(addrs, clients []Addr, port int) []Addr {
	if len(addrs) == 0 {
		addrs = clients
	}
	var out []Addr
	for _, a := range addrs {
		switch {
		case a.Path != "":
			out = append(out, a)
		case port > 0:
			out = append(out, Addr{AddrPort: addrPort(a.Addr(), port)})
		}
	}
	return out
}

// expand resolves templates in an address setting and reads the result: IPs
// and unix:// paths separated by white space, up to the first that is neither. Ports
// are left open.
func (b *builder) expand(key string, text *string) []Addr {
	var out []Addr
	for _, word := range b.expandText(key, val(text)) {
		if path, ok := strings.CutPrefix(word, unixPrefix); ok {
			out = append(out, Addr{Path: path})
			continue
		}
		ip, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(word, "["), "]"))
		if err != nil {
			b.fail(key, "%s: invalid ip address: %s", key, word)
			return out
		}
		out = append(out, Addr{AddrPort: netip.AddrPortFrom(ip.Unmap(), 0)})
	}
	return out
}

// expandAll resolves templates in a list, each of which may give several
// entries. Discovery strings stay whole.
func (b *builder) expandAll(key string, texts []string) []string {
	var out []string
	for _, text := range texts {
		if isDiscovery(text) {
			out = append(out, text)
			continue
		}
		out = append(out, b.expandText(key, text)...)
	}
	return out
}

func (b *builder) expandText(key, text string) []string {
	if !strings.Contains(text, "{{") {
		return strings.Fields(text)
	}
	if len(text) > maxTemplateIn {
		b.fail(key, "%s: template longer than %d bytes", key, maxTemplateIn)
		return nil
	}
	out, err := parseTemplate(text)
	if err != nil {
		b.fail(key, "%s: unable to parse address template %q: %s", key, text, err)
	}
	return strings.Fields(out)
}

// parseTemplate keeps a panic of the template library to this one value.
func parseTemplate(text string) (out string, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	return template.Parse(text)
}

// advertise finds the addresses that others use for this agent, and tags them.
func (b *builder) advertise() {
	s, rt := b.s, b.rt
	if !rt.BindAddr.IsValid() {
		return // reported already
	}
	lan4 := b.familyIP("advertise_addr_ipv4", s.AdvertiseAddrLAN4, "ipv4")
	lan6 := b.familyIP("advertise_addr_ipv6", s.AdvertiseAddrLAN6, "ipv6")
	wan4 := b.familyIP("advertise_addr_wan_ipv4", s.AdvertiseAddrWAN4, "ipv4")
	wan6 := b.familyIP("advertise_addr_wan_ipv6", s.AdvertiseAddrWAN6, "ipv6")

	rt.AdvertiseAddrLAN = b.oneIP("advertise_addr", s.AdvertiseAddrLAN, firstValid(lan4, lan6))
	if !rt.AdvertiseAddrLAN.IsValid() {
		rt.AdvertiseAddrLAN = b.deriveAdvertise()
	}
	rt.AdvertiseAddrWAN = b.oneIP("advertise_addr_wan", s.AdvertiseAddrWAN, firstValid(wan4, wan6, rt.AdvertiseAddrLAN))
	if rt.AdvertiseAddrLAN.IsValid() && rt.AdvertiseAddrLAN.IsUnspecified() {
		b.refuse("advertise_addr", "Advertise address cannot be 0.0.0.0, :: or [::]")
	}
	if rt.AdvertiseAddrWAN.IsValid() && rt.AdvertiseAddrWAN.IsUnspecified() && rt.AdvertiseAddrWAN != rt.AdvertiseAddrLAN {
		b.refuse("advertise_addr_wan", "Advertise WAN address cannot be 0.0.0.0, :: or [::]")
	}

	rt.TaggedAddresses = maps.Clone(s.TaggedAddresses)
	if rt.TaggedAddresses == nil {
		rt.TaggedAddresses = map[string]string{}
	}
	b.tag("lan", rt.AdvertiseAddrLAN, lan4, lan6)
	b.tag("wan", rt.AdvertiseAddrWAN, wan4, wan6)
}

// tag sets the tagged addresses of one network: the address itself, and by
// family what was configured or what the address is.
func (b *builder) tag(network string, addr, ip4, ip6 netip.Addr) {
	if !addr.IsValid() {
		return
	}
	b.rt.TaggedAddresses[network] = addr.String()
	if addr.Is4() {
		ip4 = firstValid(ip4, addr)
	} else {
		ip6 = firstValid(ip6, addr)
	}
	if ip4.IsValid() {
		b.rt.TaggedAddresses[network+"_ipv4"] = ip4.String()
	}
	if ip6.IsValid() {
		b.rt.TaggedAddresses[network+"_ipv6"] = ip6.String()
	}
}

func firstValid(addrs ...netip.Addr) netip.Addr {
	for _, a := range addrs {
		if a.IsValid() {
			return a
		}
	}
	return netip.Addr{}
}

func (b *builder) familyIP(key string, text *string, family string) netip.Addr {
	ip := b.oneIP(key, text, netip.Addr{})
	if ip.IsValid() && ip.Is4() != (family == "ipv4") {
		b.refuse(key, "%s must be an %s address", key, family)
		return netip.Addr{}
	}
	return ip
}

// deriveAdvertise uses the bind address, or for the any-address the one address
// of this machine that others can be expected to reach (reference/config.md §2.2).
// Validate does not insist: another machine may be meant.
func (b *builder) deriveAdvertise() netip.Addr {
	bind := b.rt.BindAddr
	if !bind.IsUnspecified() {
		return bind
	}
	interfaces, err := b.env.interfaces()
	if err != nil {
		if b.starting {
			b.refuse("bind_addr", "Error detecting private IPv4 address: %s", err)
		}
		return netip.Addr{}
	}
	class, addrs := "private IPv4", privateIPv4(interfaces)
	if bind.Is6() {
		class, addrs = "public IPv6", publicIPv6(interfaces)
	}
	switch {
	case len(addrs) == 1:
		return addrs[0]
	case !b.starting:
	case len(addrs) == 0:
		b.refuse("bind_addr", "No %s address found: bind_addr is any address, so set advertise_addr", class)
	default:
		b.refuse("bind_addr", "Multiple %s addresses found: %s. Please configure one with 'bind' and/or 'advertise'.", class, strings.Join(texts(addrs), ", "))
	}
	return netip.Addr{}
}

// netInterface is one network interface as far as advertise derivation cares.
type netInterface struct {
	up, loopback bool
	addrs        []netip.Addr
}

func hostInterfaces() ([]netInterface, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	out := make([]netInterface, 0, len(interfaces))
	for _, i := range interfaces {
		addrs, err := i.Addrs()
		if err != nil {
			return nil, err
		}
		one := netInterface{up: i.Flags&net.FlagUp != 0, loopback: i.Flags&net.FlagLoopback != 0}
		for _, a := range addrs {
			if prefix, err := netip.ParsePrefix(a.String()); err == nil {
				one.addrs = append(one.addrs, prefix.Addr().Unmap())
			}
		}
		out = append(out, one)
	}
	return out, nil
}

var (
	privateV4 = prefixes("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
		"172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16")
	notPublicV6 = prefixes("::1/128", "fe80::/10", "fc00::/7", "fec0::/10", "2001:db8::/32")
)

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		out[i] = netip.MustParsePrefix(text)
	}
	return out
}

func within(ip netip.Addr, networks []netip.Prefix) bool {
	for _, n := range networks {
		if n.Contains(ip) {
			return true
		}
	}
	return false
}

// privateIPv4 lists the private addresses of interfaces that are up; loopback
// ones only when nothing else is up.
func privateIPv4(interfaces []netInterface) []netip.Addr {
	var out, loopback []netip.Addr
	for _, i := range interfaces {
		for _, ip := range i.addrs {
			switch {
			case !i.up || !ip.Is4() || !within(ip, privateV4):
			case i.loopback:
				loopback = append(loopback, ip)
			default:
				out = append(out, ip)
			}
		}
	}
	if len(out) == 0 && !anyUp(interfaces) {
		return loopback
	}
	return out
}

// anyUp reports whether an interface besides loopback is up and has addresses.
func anyUp(interfaces []netInterface) bool {
	for _, i := range interfaces {
		if i.up && !i.loopback && len(i.addrs) > 0 {
			return true
		}
	}
	return false
}

func publicIPv6(interfaces []netInterface) []netip.Addr {
	var out []netip.Addr
	for _, i := range interfaces {
		for _, ip := range i.addrs {
			if i.up && ip.Is6() && !within(ip, notPublicV6) {
				out = append(out, ip)
			}
		}
	}
	return out
}

// isDiscovery tells a cloud discovery string from an address.
func isDiscovery(text string) bool { return strings.Contains(text, "provider=") }
