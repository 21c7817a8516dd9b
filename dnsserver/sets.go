package dnsserver

import (
	"net"
	"strings"
	"sync"
	"unsafe"

	"github.com/miekg/dns"

	"praetor/catalog"
	"praetor/internal/cache"
)

// setsBytes bounds what record sets take, with the replies they were made of.
const setsBytes = 64 << 20

// setKey is everything that records depend on besides the instances. It holds no
// letter as it was asked, else clients that play with letter case, to be harder
// to deceive, would have a set each.
type setKey struct {
	scope                    catalog.Scope
	service, tag, datacenter string // lower case
	port, beside             string // the port that tag may name, and the tag beside it
	connect                  bool
	family                   family
	qtype                    uint16 // SRV, SVCB, HTTPS, or A for all that want addresses
	wants                    uint16 // the question's type where only that decides
	domain                   string // below which SRV targets are, lower case
}

func (a *answering) setKey(service, tag string, t target) setKey {
	k := setKey{scope: catalog.Scope{Peer: t.peer}, service: service, tag: tag, datacenter: t.datacenter, connect: t.kind == connectKind, family: familyOf(a.q.Qtype), qtype: dns.TypeA, wants: a.q.Qtype}
	k.port, k.beside = t.port()
	if a.q.Qtype == dns.TypeSRV || isBinding(a.q.Qtype) {
		k.qtype, k.domain = a.q.Qtype, strings.ToLower(t.domain)
	}
	return k
}

// choose leaves of a service's instances those with the port that is asked for. Where
// none has it, the name is a tag's, of those who use the word themselves. Inside the
// mesh no label before the name leaves anything out.
func (k *setKey) choose(all []*catalog.InstanceHealth) []*catalog.InstanceHealth {
	if k.port == "" || k.connect {
		return all
	}
	var ported, tagged []*catalog.InstanceHealth
	for _, inst := range all {
		if hasPort(inst, k.port, k.beside) {
			ported = append(ported, inst)
		} else if hasTag(inst, k.tag) {
			tagged = append(tagged, inst)
		}
	}
	if ported != nil {
		return ported
	}
	return tagged
}

func hasPort(inst *catalog.InstanceHealth, port, tag string) bool {
	_, ok := inst.Service.PortNamed(port)
	return ok && hasTag(inst, tag)
}

// hasTag reports whether an instance has a tag; all have "".
func hasTag(inst *catalog.InstanceHealth, tag string) bool {
	return tag == "" || inst.Service.HasTag(tag)
}

// recordSet is what was made of one reply of the catalog.
type recordSet struct {
	source    []*catalog.InstanceHealth // what it was made of; its identity is the set's validity
	instances int                       // healthy ones
	ttl       uint32
	addresses []dns.RR // A and AAAA, without repeats; owners are filled in later
	names     []alias  // of instances whose address is a name
	domain    string   // of the targets of srvs
	srvs      []srv
	resolves  bool // names of others may have to be resolved
}

// empty reports whether healthy instances have no record of the type asked for.
func (s *recordSet) empty() bool { return len(s.addresses)+len(s.names)+len(s.srvs) == 0 }

type srv struct {
	record  dns.SRV // without owner
	binding binding // of SVCB and HTTPS
	extra   []dns.RR
	alias   *alias // the target, if it is a name that someone chose
	instead *srv   // with the node's address, for an alias that leads back; nil if there is none
}

// A recordSet's estimate: what a record takes besides its bytes on the wire, and an
// instance's share of the reply.
const (
	recordBytes   = 160
	instanceBytes = 512
)

// bytes estimates what a set takes, with source.
func (s *recordSet) bytes() int {
	sum := recordBytes + instanceBytes*len(s.source) + len(s.names)*2*recordBytes + bytesOf(s.addresses)
	for i := range s.srvs {
		one := &s.srvs[i]
		sum += 2*recordBytes + len(one.record.Target) + bytesOf(one.extra)
		if one.instead != nil {
			sum += 2*recordBytes + len(one.instead.record.Target) + bytesOf(one.instead.extra)
		}
	}
	return sum
}

func bytesOf(records []dns.RR) (sum int) {
	for _, rr := range records {
		sum += recordBytes + dns.Len(rr)
	}
	return sum
}

// sets caches record sets by key.
type sets struct {
	mu    sync.RWMutex
	byKey cache.Map[setKey, *recordSet]
}

func (s *sets) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byKey.Clear()
}

// get returns the set made of source, building it if the cached one was made of
// another reply.
func (s *sets) get(key setKey, source []*catalog.InstanceHealth, build func(setKey, []*catalog.InstanceHealth) *recordSet) *recordSet {
	s.mu.RLock()
	set, _ := s.byKey.Get(key)
	s.mu.RUnlock()
	if set != nil && sameSlice(set.source, source) {
		return set
	}
	set = build(key, source)
	if len(source) == 0 || key.port != "" && set.instances == 0 {
		return set // names that do not exist are without number: nothing to cache
	}
	bytes := set.bytes() + key.scope.Size() + len(key.service) + len(key.tag) + len(key.port) + len(key.beside) + len(key.datacenter) + len(key.domain)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byKey.Put(key, set, bytes)
	return set
}

// sameSlice reports whether two slices are the same memory. A held slice cannot
// be freed, so its address cannot be another reply's.
func sameSlice(a, b []*catalog.InstanceHealth) bool {
	return len(a) == len(b) && unsafe.SliceData(a) == unsafe.SliceData(b)
}

// buildSet joins, filters and deduplicates the instances of a reply.
func (a *answering) buildSet(key setKey, source []*catalog.InstanceHealth) *recordSet {
	set := &recordSet{source: source, ttl: a.serviceTTL(key.service)}
	healthy := filterHealthy(key.choose(source), a.OnlyPassing)
	set.instances = len(healthy)
	a.fill(set, key, healthy)
	return set
}

// fill makes the records of some instances.
func (a *answering) fill(set *recordSet, key setKey, instances []*catalog.InstanceHealth) {
	if key.qtype == dns.TypeA {
		a.buildAddresses(set, key, instances)
	} else {
		a.buildSRV(set, key, instances)
	}
}

func (a *answering) buildAddresses(set *recordSet, key setKey, healthy []*catalog.InstanceHealth) {
	seen := map[string]bool{}
	for _, inst := range healthy {
		p := a.instanceAddress(inst, key)
		if p.value == "" || seen[p.value] {
			continue
		}
		seen[p.value] = true
		rr := addressRecord("", p.value, set.ttl)
		switch {
		case rr == nil:
			set.names = append(set.names, *a.aliasOf(inst, p.value, key, set.ttl))
			set.resolves = true
		case wants(key.wants, rr):
			set.addresses = append(set.addresses, rr)
		}
	}
}

// crosses reports whether key's instances are seen from another datacenter.
func (a *answering) crosses(key setKey) bool {
	return a.opts.TranslateWAN && key.datacenter != "" && key.datacenter != a.opts.Datacenter
}

// instanceAddress is the service's address, else its node's; none if both are just
// the instance's name.
func (a *answering) instanceAddress(inst *catalog.InstanceHealth, key setKey) picked {
	if p := a.ownAddress(inst, key); p.value != "" {
		return p
	}
	p := nodeAddress(inst.Node, key.family, a.crosses(key))
	if a.namesItself(inst, p.value) {
		return picked{}
	}
	return p
}

// ownAddress is an instance's own address; none if that is just its name.
func (a *answering) ownAddress(inst *catalog.InstanceHealth, key setKey) picked {
	p := serviceAddress(inst.Service, key.family, a.crosses(key))
	if a.namesItself(inst, p.value) {
		return picked{}
	}
	return p
}

func (a *answering) buildSRV(set *recordSet, key setKey, healthy []*catalog.InstanceHealth) {
	type identity struct {
		node, address string
		port          int
	}
	set.domain = key.domain
	seen := map[identity]bool{}
	for _, inst := range healthy {
		id := identity{inst.Node.Node, inst.Service.Address, inst.Service.Port}
		if port, ok := inst.Service.PortNamed(key.port); ok {
			id.port = port
		}
		if seen[id] {
			continue
		}
		seen[id] = true
		own := a.ownAddress(inst, key)
		s, ok := a.srvOf(set, key, inst, own)
		if !ok {
			continue
		}
		if s.alias != nil && own.value != "" {
			if instead, ok := a.srvOf(set, key, inst, picked{}); ok && instead.alias == nil {
				s.instead = &instead
			}
		}
		set.srvs = append(set.srvs, s)
		set.resolves = set.resolves || s.alias != nil
	}
}

// srvOf makes the SRV record of an instance with an address of its own, or with its
// node's (reference/dns.md §5.3).
func (a *answering) srvOf(set *recordSet, key setKey, inst *catalog.InstanceHealth, own picked) (srv, bool) {
	datacenter := inst.Node.Datacenter
	nodeName := inst.Node.Node + ".node." + datacenter + "." + key.domain
	p := own
	if p.value == "" {
		// A name that leads nowhere else is no CNAME, but may be a target.
		p = nodeAddress(inst.Node, key.family, a.crosses(key))
	}
	if p.value == "" {
		return srv{}, false
	}
	s := srv{record: dns.SRV{
		Hdr:      dns.RR_Header{Rrtype: dns.TypeSRV, Class: dns.ClassINET, Ttl: set.ttl},
		Priority: 1, Weight: weight(inst), Port: uint16(inst.Service.Port),
	}}
	if port, ok := inst.Service.PortNamed(key.port); ok {
		s.record.Port = uint16(port)
	} else if a.crosses(key) && own.port != 0 {
		s.record.Port = uint16(own.port)
	}
	ip := net.ParseIP(p.value)
	if isBinding(key.qtype) {
		var ok bool
		if s.binding, ok = bindingOf(key.qtype, inst, s.record.Port, ip); !ok {
			return srv{}, false
		}
	}
	switch {
	case ip == nil:
		s.alias = a.aliasOf(inst, p.value, key, set.ttl)
		s.record.Target = s.alias.name
	case own.value == "" && p.plain:
		s.record.Target = nodeName
	default:
		s.record.Target = hexName(ip) + ".addr." + datacenter + "." + key.domain
	}
	if ip != nil {
		s.extra = append(s.extra, addressRecord(s.record.Target, p.value, set.ttl))
	}
	if a.NodeMetaTXT {
		s.extra = append(s.extra, metaRecords(nodeName, inst.Node.Meta, set.ttl)...)
	}
	return s, true
}

// under gives the names below a set's domain another spelling of it: the
// question's (reference/dns.md §5.4).
func (s *srv) under(domain, spelled string) *srv {
	if domain == spelled {
		return s
	}
	c := *s
	if s.alias == nil {
		c.record.Target = strings.TrimSuffix(s.record.Target, domain) + spelled
	}
	c.extra = make([]dns.RR, len(s.extra))
	for i, rr := range s.extra {
		c.extra[i] = dns.Copy(rr)
		h := c.extra[i].Header()
		h.Name = strings.TrimSuffix(h.Name, domain) + spelled
	}
	return &c
}

// weight is an instance's SRV weight by its health.
func weight(inst *catalog.InstanceHealth) uint16 {
	w := inst.Service.Weights
	if w == (catalog.Weights{}) {
		w = catalog.Weights{Passing: 1, Warning: 1}
	}
	switch worstStatus(inst.Checks) {
	case catalog.Critical:
		return 0
	case catalog.Warning:
		return uint16(w.Warning)
	}
	return uint16(w.Passing)
}
