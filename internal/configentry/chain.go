package configentry

import (
	"maps"
	"slices"
)

// Lookup returns the entry of a kind and a name, nil if there is none.
type Lookup func(kind, name string) Entry

func find[E Entry](get Lookup, kind, name string) (found E) {
	found, _ = get(kind, name).(E)
	return found
}

// ProtocolOf returns the protocol of a service: its own, or what all proxies have
// by default, or TCP.
func ProtocolOf(get Lookup, service string) string {
	if d := find[*ServiceDefaults](get, KindServiceDefaults, service); d != nil && d.Protocol != "" {
		return d.Protocol
	}
	if d := find[*ProxyDefaults](get, KindProxyDefaults, NameGlobal); d != nil && d.DefaultProtocol() != "" {
		return d.DefaultProtocol()
	}
	return ProtocolTCP
}

// CheckChain follows the requests for a service through routers, splitters and
// resolvers, and tells whether these agree (reference/http-mesh-ui.md §1).
func CheckChain(get Lookup, service string) error {
	w := &chainWalk{get: get, chain: service, splitters: map[string]bool{}, seen: map[[2]string]bool{}}
	if err := w.speak(service); err != nil {
		return err
	}
	if err := w.route(service); err != nil {
		return err
	}
	if w.advanced && !IsHTTP(w.protocol) {
		return rejected("discovery chain %q uses a protocol %q that does not permit advanced routing or splitting behavior", service, w.protocol)
	}
	return nil
}

// chainWalk is one walk from the service that chain names.
type chainWalk struct {
	get       Lookup
	chain     string
	protocol  string             // of all services on the way
	advanced  bool               // a router or splitter was met
	splitters map[string]bool    // those that were met: a second time they share out nothing
	seen      map[[2]string]bool // services and subsets that were resolved
}

// speak notes that a service is on the way.
func (w *chainWalk) speak(service string) error {
	protocol := ProtocolOf(w.get, service)
	if w.protocol == "" {
		w.protocol = protocol
	}
	if protocol != w.protocol {
		return rejected("discovery chain %q uses inconsistent protocols; service %q has %q which is not %q", w.chain, service, protocol, w.protocol)
	}
	return nil
}

func (w *chainWalk) route(service string) error {
	if r := find[*ServiceRouter](w.get, KindServiceRouter, service); r != nil {
		w.advanced = true
		for _, route := range r.Routes {
			to := RouteDestination{}
			if route.Destination != nil {
				to = *route.Destination
			}
			if err := w.split(or(to.Service, service), to.ServiceSubset); err != nil {
				return err
			}
		}
	}
	return w.split(service, "")
}

// split follows requests for a service, which its splitter shares out unless a
// subset is named.
func (w *chainWalk) split(service, subset string) error {
	s := find[*ServiceSplitter](w.get, KindServiceSplitter, service)
	if s == nil || subset != "" || w.splitters[service] {
		return w.resolve(service, subset, true)
	}
	w.advanced = true
	w.splitters[service] = true
	if err := w.speak(service); err != nil {
		return err
	}
	for _, share := range s.Splits {
		if err := w.split(or(share.Service, service), share.ServiceSubset); err != nil {
			return err
		}
	}
	return nil
}

// resolve follows requests to the instances that answer, and to those that
// answer in their stead.
func (w *chainWalk) resolve(service, subset string, failover bool) error {
	redirected := []string{}
	for {
		if err := w.speak(service); err != nil {
			return err
		}
		r := find[*ServiceResolver](w.get, KindServiceResolver, service)
		if r != nil && r.Redirect != nil {
			if slices.Contains(redirected, service) {
				return rejected("detected circular resolver redirect: %v", append(redirected, service))
			}
			redirected = append(redirected, service)
			if r.Redirect.Peer != "" {
				return nil
			}
			service, subset = or(r.Redirect.Service, service), r.Redirect.ServiceSubset
			if service == redirected[len(redirected)-1] {
				return nil // the same service elsewhere
			}
			continue
		}
		if r == nil {
			r = &ServiceResolver{}
		}
		subset = or(subset, r.DefaultSubset)
		if !r.HasSubset(subset) {
			return rejected("service %q does not have a subset named %q", service, subset)
		}
		if !failover || w.seen[[2]string{service, subset}] {
			return nil
		}
		w.seen[[2]string{service, subset}] = true
		return w.failOver(r, service, subset)
	}
}

func (w *chainWalk) failOver(r *ServiceResolver, service, subset string) error {
	f, ok := r.Failover[subset]
	if !ok || subset == "" {
		f = r.Failover[Wildcard]
	}
	targets := f.Targets
	if f.Service != "" || f.ServiceSubset != "" {
		targets = []FailoverTarget{{Service: f.Service, ServiceSubset: f.ServiceSubset}}
	}
	for _, t := range targets {
		if t.Peer != "" {
			continue
		}
		if err := w.resolve(or(t.Service, service), t.ServiceSubset, false); err != nil {
			return err
		}
	}
	return nil
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// CheckPermissions tells whether the requests for a service can be told apart if
// its intentions do so.
func CheckPermissions(get Lookup, service string) error {
	in := find[*ServiceIntentions](get, KindServiceIntentions, service)
	if in == nil || service == Wildcard || !in.HasPermissions() {
		return nil
	}
	if protocol := ProtocolOf(get, service); !IsHTTP(protocol) {
		return rejected("service %q has protocol %q, which is incompatible with L7 intentions permissions", service, protocol)
	}
	return nil
}

// Mentions lists the services to which an entry sends requests on.
func Mentions(e Entry) []string {
	names := map[string]bool{}
	switch e := e.(type) {
	case *ServiceRouter:
		for _, r := range e.Routes {
			if r.Destination != nil {
				names[r.Destination.Service] = true
			}
		}
	case *ServiceSplitter:
		for _, s := range e.Splits {
			names[s.Service] = true
		}
	case *ServiceResolver:
		if e.Redirect != nil {
			names[e.Redirect.Service] = true
		}
		for _, f := range e.Failover {
			names[f.Service] = true
			for _, t := range f.Targets {
				names[t.Service] = true
			}
		}
	}
	delete(names, "")
	return slices.Sorted(maps.Keys(names))
}
