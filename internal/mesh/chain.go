package mesh

import (
	"cmp"
	"slices"
	"strings"

	"praetor/internal/configentry"
	"praetor/internal/fault"
)

// CheckChain follows the requests for a service through routers, splitters and
// resolvers, and says where these do not agree (reference/http-mesh-ui.md §1).
func CheckChain(get Lookup, service string) error {
	w := newChainWalk(get, service)
	if err := w.route(service); err != nil {
		return err
	}
	if w.advanced && !configentry.IsHTTP(w.protocol) {
		return fault.New(fault.Rejected, "discovery chain %q uses a protocol %q that does not permit advanced routing or splitting behavior", service, w.protocol)
	}
	return nil
}

// Reached lists the services that requests for a service may lead to, itself among them if
// no entry sends all of them elsewhere. What answers in another's stead counts too.
func Reached(get Lookup, service string) []string {
	w := newChainWalk(get, service)
	_ = w.route(service) // entries that do not agree with each other are refused; up to there all counts
	return w.reached
}

// chainWalk is one walk from the service that chain names.
type chainWalk struct {
	get       Lookup
	chain     string
	protocol  string             // of all services on the way
	advanced  bool               // a router or splitter was met
	splitters map[string]bool    // those whose shares were followed
	seen      map[[2]string]bool // services and subsets that were resolved
	reached   []string           // services whose instances answer
}

func newChainWalk(get Lookup, service string) *chainWalk {
	return &chainWalk{get: get, chain: service, splitters: map[string]bool{}, seen: map[[2]string]bool{}}
}

// speak notes that a service is on the way.
func (w *chainWalk) speak(service string) error {
	protocol := ProtocolOf(w.get, service)
	if w.protocol == "" {
		w.protocol = protocol
	}
	if protocol != w.protocol {
		return fault.New(fault.Rejected, "discovery chain %q uses inconsistent protocols; service %q has %q which is not %q", w.chain, service, protocol, w.protocol)
	}
	return nil
}

func (w *chainWalk) route(service string) error {
	if r := find[*configentry.ServiceRouter](w.get, configentry.KindServiceRouter, service); r != nil {
		w.advanced = true
		if err := w.speak(service); err != nil {
			return err
		}
		for _, route := range r.Routes {
			to := configentry.RouteDestination{}
			if route.Destination != nil {
				to = *route.Destination
			}
			if err := w.split(cmp.Or(to.Service, service), to.ServiceSubset); err != nil {
				return err
			}
		}
	}
	return w.split(service, "")
}

// split follows requests for a service, which its splitter shares out unless a
// subset is named; path are the splitters that they came through. The splitter's own
// service need not speak as the others do.
func (w *chainWalk) split(service, subset string, path ...string) error {
	s := find[*configentry.ServiceSplitter](w.get, configentry.KindServiceSplitter, service)
	if s == nil || subset != "" || len(path) > 0 && path[len(path)-1] == service {
		return w.resolve(service, subset, true)
	}
	w.advanced = true
	if at := slices.Index(path, service); at >= 0 {
		circle := append(path[at:], service)
		return fault.New(fault.Rejected, "detected circular reference: [splitter:%s.default.default]", strings.Join(circle, ".default.default -> splitter:"))
	}
	if w.splitters[service] {
		return nil
	}
	for _, share := range s.Splits {
		if err := w.split(cmp.Or(share.Service, service), share.ServiceSubset, append(slices.Clip(path), service)...); err != nil {
			return err
		}
	}
	w.splitters[service] = true
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
		r := find[*configentry.ServiceResolver](w.get, configentry.KindServiceResolver, service)
		if r != nil && r.Redirect != nil {
			if slices.Contains(redirected, service) {
				return fault.New(fault.Rejected, "detected circular resolver redirect: %v", append(redirected, service))
			}
			redirected = append(redirected, service)
			if r.Redirect.Peer != "" {
				return nil
			}
			service, subset = cmp.Or(r.Redirect.Service, service), r.Redirect.ServiceSubset
			if service == redirected[len(redirected)-1] {
				return nil // the same service elsewhere
			}
			continue
		}
		if !slices.Contains(w.reached, service) {
			w.reached = append(w.reached, service)
		}
		if r == nil {
			r = &configentry.ServiceResolver{}
		}
		subset = cmp.Or(subset, r.DefaultSubset)
		if !r.HasSubset(subset) {
			return fault.New(fault.Rejected, "service %q does not have a subset named %q", service, subset)
		}
		if err := w.checkExternal(r, service); err != nil {
			return err
		}
		if !failover || w.seen[[2]string{service, subset}] {
			return nil
		}
		w.seen[[2]string{service, subset}] = true
		return w.failOver(r, service, subset)
	}
}

// checkExternal refuses to choose among the instances of what is outside the mesh.
func (w *chainWalk) checkExternal(r *configentry.ServiceResolver, service string) error {
	d := find[*configentry.ServiceDefaults](w.get, configentry.KindServiceDefaults, service)
	what := ""
	switch {
	case d == nil || d.ExternalSNI == "":
		return nil
	case len(r.Subsets) > 0:
		what = "subsets"
	case len(r.Failover) > 0:
		what = "failover"
	default:
		return nil
	}
	return fault.New(fault.Rejected, "service %q has an external SNI set; cannot define %s for external services", service, what)
}

func (w *chainWalk) failOver(r *configentry.ServiceResolver, service, subset string) error {
	f, ok := r.Failover[subset]
	if !ok || subset == "" {
		f = r.Failover[configentry.Wildcard]
	}
	targets := f.Targets
	if f.Service != "" || f.ServiceSubset != "" {
		targets = []configentry.FailoverTarget{{Service: f.Service, ServiceSubset: f.ServiceSubset}}
	}
	for _, t := range targets {
		if t.Peer != "" {
			continue
		}
		if err := w.resolve(cmp.Or(t.Service, service), t.ServiceSubset, false); err != nil {
			return err
		}
	}
	return nil
}
