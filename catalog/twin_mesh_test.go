package catalog_test

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"praetor/catalog"
	"praetor/internal/mesh"
)

// twinMesh is the part of the twin that mesh services rest on.
type twinMesh struct {
	virtual map[string]int // numbers by the folded name of the service
	free    []int          // ascending
	last    int            // the greatest number given out
	configs map[[2]string]*catalog.ConfigEntry
}

func newTwinMesh() twinMesh {
	return twinMesh{virtual: map[string]int{}, configs: map[[2]string]*catalog.ConfigEntry{}}
}

func (m twinMesh) clone() twinMesh {
	m.virtual, m.free, m.configs = maps.Clone(m.virtual), slices.Clone(m.free), maps.Clone(m.configs)
	return m
}

// servedBy is what an instance serves in the mesh, folded.
func servedBy(s *catalog.Service) string {
	switch {
	case s == nil:
		return ""
	case s.Kind == "connect-proxy" && s.Proxy != nil:
		return strings.ToLower(s.Proxy.DestinationServiceName)
	case s.Connect != nil && s.Connect.Native:
		return strings.ToLower(s.Service)
	}
	return ""
}

// tagVirtual shows an instance's virtual address.
func (tw *twin) tagVirtual(s *catalog.Service) {
	name := servedBy(s)
	if name == "" {
		return
	}
	number := tw.takeVirtual(name)
	s.TaggedAddresses = maps.Clone(s.TaggedAddresses)
	if s.TaggedAddresses == nil {
		s.TaggedAddresses = map[string]catalog.ServiceAddress{}
	}
	addr := netip.AddrFrom4([4]byte{240, 0, 0, byte(number)})
	s.TaggedAddresses[mesh.TagVirtual] = catalog.ServiceAddress{Address: addr.String(), Port: s.Port}
}

func (tw *twin) takeVirtual(name string) int {
	number, has := tw.virtual[name]
	switch {
	case !has && len(tw.free) > 0:
		number, tw.free = tw.free[0], tw.free[1:]
	case !has:
		tw.last++
		number = tw.last
	}
	tw.virtual[name] = number
	return number
}

// settleVirtual frees what no instance serves and no entry names any more.
func (tw *twin) settleVirtual() {
	served := map[string]bool{}
	for _, s := range tw.services {
		served[servedBy(s)] = true
	}
	for key := range tw.configs {
		served[key[1]] = true
	}
	for name, number := range tw.virtual {
		if !served[name] {
			delete(tw.virtual, name)
			tw.free = append(tw.free, number)
		}
	}
	slices.Sort(tw.free)
}

func (tw *twin) configWrite(c *catalog.ConfigWrite) string {
	key := [2]string{c.Entry.Kind, strings.ToLower(c.Entry.Name)}
	old, at := tw.configs[key], uint64(0)
	deletes := c.Verb == catalog.ConfigDelete || c.Verb == catalog.ConfigDeleteCAS
	if old != nil {
		at = old.ModifyIndex
	}
	switch {
	case deletes && old == nil:
		return "true"
	case !deletes && c.Verb != catalog.ConfigEdit && old != nil && bytes.Equal(old.Body, c.Entry.Body):
		return "true"
	case c.Verb != catalog.ConfigSet && c.Verb != catalog.ConfigDelete && at != c.Entry.ModifyIndex:
		return "false"
	case deletes:
		delete(tw.configs, key)
		tw.settleVirtual()
		return "true"
	}
	put := c.Entry
	put.CreateIndex, put.ModifyIndex = tw.index, tw.index
	if old != nil {
		put.CreateIndex = old.CreateIndex
	}
	tw.configs[key] = &put
	tw.takeVirtual(key[1])
	return "true"
}

func (tw *twin) configList(kind string) []*catalog.ConfigEntry {
	all := values(tw.configs, func(a, b *catalog.ConfigEntry) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)))
	})
	return slices.DeleteFunc(all, func(e *catalog.ConfigEntry) bool { return e.Kind != kind && kind != "" })
}

// config is a write of an entry that needs no other, at times at the index where
// the entry is.
func (g generator) config(tw *twin) *catalog.ConfigWrite {
	kind, name := pick(g, "service-defaults", "service-resolver"), pick(g, "web", "Web", "db")
	body := fmt.Sprintf(`{"Kind":%q,"Name":%q,"Meta":{"k":%q}}`, kind, name, pick(g, "v", "w"))
	c := &catalog.ConfigWrite{
		Verb:  pick(g, catalog.ConfigSet, catalog.ConfigCAS, catalog.ConfigDelete, catalog.ConfigDeleteCAS, catalog.ConfigEdit),
		Entry: catalog.ConfigEntry{Kind: kind, Name: name, Body: []byte(body)},
	}
	if old := tw.configs[[2]string{kind, strings.ToLower(name)}]; old != nil {
		c.Entry.ModifyIndex = pick(g, 0, old.ModifyIndex, old.ModifyIndex, old.ModifyIndex+1)
	}
	return c
}
