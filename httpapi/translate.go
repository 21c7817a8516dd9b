package httpapi

import (
	"cmp"

	"praetor/catalog"
)

const wanTag = "wan"

// translates reports whether addresses in the answer must become WAN addresses:
// only those of other datacenters do.
func (x *exchange) translates() bool {
	if !x.api.opts.TranslateWAN {
		return false
	}
	dc := cmp.Or(x.from, x.datacenter())
	return dc != "" && dc != x.api.opts.Datacenter
}

// The translate functions return copies where something changes: rows are shared.

func (x *exchange) translateNode(n *catalog.Node) *catalog.Node {
	if n == nil || !x.translates() || n.TaggedAddresses[wanTag] == "" {
		return n
	}
	copied := *n
	copied.Address = n.TaggedAddresses[wanTag]
	return &copied
}

func (x *exchange) translateService(s *catalog.Service) *catalog.Service {
	wan := s.TaggedAddresses[wanTag]
	if !x.translates() || wan.Address == "" {
		return s
	}
	copied := *s
	copied.Address = wan.Address
	if wan.Port != 0 {
		copied.Port = wan.Port
	}
	return &copied
}

func (x *exchange) translateInstance(i *catalog.Instance) *catalog.Instance {
	if !x.translates() {
		return i
	}
	return &catalog.Instance{Node: x.translateNode(i.Node), Service: x.translateService(i.Service)}
}

func (x *exchange) translateHealth(list []*catalog.InstanceHealth) []*catalog.InstanceHealth {
	if !x.translates() {
		return list
	}
	translated := make([]*catalog.InstanceHealth, len(list))
	for k, i := range list {
		translated[k] = &catalog.InstanceHealth{Node: x.translateNode(i.Node), Service: x.translateService(i.Service), Checks: i.Checks}
	}
	return translated
}
