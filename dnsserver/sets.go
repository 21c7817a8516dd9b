package dnsserver

import (
	"net"
	"strings"
	"sync"
	"unsafe"

	"github.com/miekg/dns"

	"praetor/catalog"
)

// maxSets bounds the record sets kept. When it is reached all are dropped:
// those in use are rebuilt by their next question.
const maxSets = 8192

// setKey is everything that records depend on besides the instances.
type setKey struct {
	service, tag, datacenter string
	connect                  bool
	family                   family
	qtype                    uint16 // SRV, SVCB, HTTPS, or A for all that want addresses
	wants                    uint16 // the question's type where only that decides
	domain                   string // as asked; SRV targets carry it
	self                     string // the question's name when an address may equal it
}

func (a *answering) setKey(service, tag string, t target) setKey {
	k := setKey{service: service, tag: tag, datacenter: t.datacenter, connect: t.kind == connectKind, family: familyOf(a.q.Qtype), qtype: dns.TypeA, wants: a.q.Qtype}
	if a.q.Qtype == dns.TypeSRV || isBinding(a.q.Qtype) {
		k.qtype, k.domain, k.self = a.q.Qtype, t.domain, strings.ToLower(a.q.Name)
	}
	return k
}

// recordSet is what was made of one reply of the catalog.
type recordSet struct {
	source    []*catalog.InstanceHealth // what it was made of; its identity is the set's validity
	instances int                       // healthy ones
	ttl       uint32
	addresses []dns.RR // A and AAAA, without repeats; owners are filled in later
	names     []string // instances whose address is a name
	srvs      []srv
	resolves  bool // names of others may have to be resolved
}

// empty tells whether healthy instances have no record of the type asked for.
func (s *recordSet) empty() bool { return len(s.addresses)+len(s.names)+len(s.srvs) == 0 }

type srv struct {
	record  dns.SRV // without owner
	binding binding // of SVCB and HTTPS
	extra   []dns.RR
	resolve bool // the target is a foreign name
}

// sets keeps record sets by key.
type sets struct {
	mu    sync.RWMutex
	byKey map[setKey]*recordSet
}

func (s *sets) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byKey = nil
}

// get returns the set made of source, building it if the kept one was made of
// another reply.
func (s *sets) get(key setKey, source []*catalog.InstanceHealth, build func(setKey, []*catalog.InstanceHealth) *recordSet) *recordSet {
	s.mu.RLock()
	set := s.byKey[key]
	s.mu.RUnlock()
	if set != nil && sameSlice(set.source, source) {
		return set
	}
	set = build(key, source)
	if len(source) == 0 {
		return set // nothing to keep, and names that do not exist are without number
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byKey == nil || len(s.byKey) >= maxSets {
		s.byKey = make(map[setKey]*recordSet)
	}
	s.byKey[key] = set
	return set
}

// sameSlice tells whether two slices are the same memory. A kept slice cannot
// be freed, so its address cannot be another reply's.
func sameSlice(a, b []*catalog.InstanceHealth) bool {
	return len(a) == len(b) && unsafe.SliceData(a) == unsafe.SliceData(b)
}

// buildSet joins, filters and deduplicates the instances of a reply.
func (a *answering) buildSet(key setKey, source []*catalog.InstanceHealth) *recordSet {
	set := &recordSet{source: source, ttl: a.serviceTTL(key.service)}
	healthy := filterHealthy(source, a.OnlyPassing)
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
			set.names = append(set.names, dns.Fqdn(p.value))
			set.resolves = true
		case wants(key.wants, rr):
			set.addresses = append(set.addresses, rr)
		}
	}
}

// crosses tells whether key's instances are seen from another datacenter.
func (a *answering) crosses(key setKey) bool {
	return a.opts.TranslateWAN && key.datacenter != "" && key.datacenter != a.opts.Datacenter
}

// instanceAddress is the service's address, else its node's.
func (a *answering) instanceAddress(inst *catalog.InstanceHealth, key setKey) picked {
	if p := serviceAddress(inst.Service, key.family, a.crosses(key)); p.value != "" {
		return p
	}
	return nodeAddress(inst.Node, key.family, a.crosses(key))
}

func (a *answering) buildSRV(set *recordSet, key setKey, healthy []*catalog.InstanceHealth) {
	type identity struct {
		node, address string
		port          int
	}
	seen := map[identity]bool{}
	for _, inst := range healthy {
		id := identity{inst.Node.Node, inst.Service.Address, inst.Service.Port}
		if seen[id] {
			continue
		}
		seen[id] = true
		if s, ok := a.srvOf(set, key, inst); ok {
			set.srvs = append(set.srvs, s)
			set.resolves = set.resolves || s.resolve
		}
	}
}

// srvOf makes the SRV record of one instance (reference/dns.md §5.3).
func (a *answering) srvOf(set *recordSet, key setKey, inst *catalog.InstanceHealth) (srv, bool) {
	datacenter := inst.Node.Datacenter
	nodeName := inst.Node.Node + ".node." + datacenter + "." + key.domain
	wan := a.crosses(key)
	own := serviceAddress(inst.Service, key.family, wan)
	if own.value != "" && net.ParseIP(own.value) == nil && strings.EqualFold(dns.Fqdn(own.value), key.self) {
		own = picked{} // its own name: fall back to the node
	}
	p := own
	if p.value == "" {
		p = nodeAddress(inst.Node, key.family, wan)
	}
	if p.value == "" {
		return srv{}, false
	}
	s := srv{record: dns.SRV{
		Hdr:      dns.RR_Header{Rrtype: dns.TypeSRV, Class: dns.ClassINET, Ttl: set.ttl},
		Priority: 1, Weight: weight(inst), Port: uint16(inst.Service.Port),
	}}
	if wan && own.port != 0 {
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
		s.record.Target, s.resolve = dns.Fqdn(p.value), true
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
