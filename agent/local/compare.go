package local

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"praetor/catalog"
)

// sameService reports whether two services are registered alike.
func sameService(a, b *catalog.Service) bool { return a.Same(b, sameProxy) }

// sameProxy compares as JSON, where neither number types nor the order of maps
// matter. A list or map that is empty is equal to one that is absent. Few services
// have a Proxy.
func sameProxy(a, b *catalog.Proxy) bool {
	if a == nil || b == nil {
		return a == b
	}
	aj, aerr := json.Marshal(plainProxy(a))
	bj, berr := json.Marshal(plainProxy(b))
	return aerr == nil && berr == nil && bytes.Equal(aj, bj)
}

func plainProxy(p *catalog.Proxy) catalog.Proxy {
	c := *p
	c.Config = nilEmpty(c.Config)
	c.Upstreams = slices.Clone(c.Upstreams)
	for i := range c.Upstreams {
		c.Upstreams[i].Config = nilEmpty(c.Upstreams[i].Config)
	}
	if len(c.Upstreams) == 0 {
		c.Upstreams = nil
	}
	if c.Expose != nil && len(c.Expose.Paths) == 0 {
		c.Expose = &catalog.Expose{Checks: c.Expose.Checks}
	}
	return c
}

func nilEmpty(m map[string]any) map[string]any {
	if len(m) == 0 {
		return nil
	}
	return m
}

// sameCheck compares what the catalog takes for news in a check: not its type,
// interval and timeout, nor its service's name and tags, which the catalog
// copies by itself.
func sameCheck(a, b *catalog.Check) bool { return sameButOutput(a, b) && a.Output == b.Output }

func sameButOutput(a, b *catalog.Check) bool {
	return a.Name == b.Name && a.Status == b.Status && a.Notes == b.Notes && a.ServiceID == b.ServiceID
}

// adopt returns svc with what the catalog may change in it: all tags, if the
// service says so, and addresses tagged consul-… (reference/internals.md §4).
func adopt(svc, remote *catalog.Service) *catalog.Service {
	own := *svc
	if svc.EnableTagOverride {
		own.Tags = remote.Tags
	}
	for tag, addr := range remote.TaggedAddresses {
		if !strings.HasPrefix(tag, "consul-") || own.TaggedAddresses[tag] == addr {
			continue
		}
		own.TaggedAddresses = maps.Clone(own.TaggedAddresses)
		if own.TaggedAddresses == nil {
			own.TaggedAddresses = map[string]catalog.ServiceAddress{}
		}
		own.TaggedAddresses[tag] = addr
	}
	return &own
}

// sentService is a copy of svc for a request, whose receiver may be in this
// process and tidy up what it gets.
func sentService(svc *catalog.Service) *catalog.Service {
	row := *svc
	if row.Proxy != nil {
		proxy := *row.Proxy
		proxy.Upstreams = slices.Clone(proxy.Upstreams)
		if proxy.Expose != nil {
			expose := *proxy.Expose
			proxy.Expose = &expose
		}
		row.Proxy = &proxy
	}
	return &row
}
