package mesh

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"praetor/internal/configentry"
)

// What conditions are about (reference/mesh.md §11).
const (
	conditionAccepted   = "Accepted"
	conditionBound      = "Bound"
	conditionConflicted = "Conflicted"
	conditionResolved   = "ResolvedRefs"
)

// Bind returns the API gateways and routes there are, with what is so about each of
// them, and for each gateway the entry that says which routes are bound to it. What is
// as it was keeps its time.
func Bind(get Lookup, list func(kind string) iter.Seq[configentry.Entry], now time.Time) []configentry.Entry {
	var all []configentry.Entry
	gateways := map[string]*binding{} // by name in lower case
	for e := range list(configentry.KindAPIGateway) {
		g := *e.(*configentry.APIGateway)
		gateways[strings.ToLower(g.Name)] = newBinding(get, &g)
		all = append(all, &g)
	}
	for _, kind := range []string{configentry.KindHTTPRoute, configentry.KindTCPRoute} {
		for e := range list(kind) {
			r := routeOf(e)
			r.status.Conditions = since(r.status.Conditions, r.bind(get, gateways), now)
			all = append(all, r.entry)
		}
	}
	for _, b := range gateways {
		b.gateway.Status.Conditions = since(b.gateway.Status.Conditions, append(b.conditions, b.conflicts()...), now)
		all = append(all, b.bound)
	}
	return all
}

// since gives conditions the time since when they are so.
func since(old, conditions []configentry.Condition, now time.Time) []configentry.Condition {
	for i := range conditions {
		c := &conditions[i]
		at := slices.IndexFunc(old, func(o configentry.Condition) bool {
			o.LastTransitionTime = nil
			return o == *c
		})
		if c.LastTransitionTime = &now; at >= 0 && old[at].LastTransitionTime != nil {
			c.LastTransitionTime = old[at].LastTransitionTime
		}
	}
	return conditions
}

func condition(of string, holds bool, reason, message string, about configentry.ResourceReference) configentry.Condition {
	status := "False"
	if holds {
		status = "True"
	}
	return configentry.Condition{Type: of, Status: status, Reason: reason, Message: message, Resource: about}
}

// binding is a gateway while routes are bound to it.
type binding struct {
	gateway    *configentry.APIGateway
	bound      *configentry.BoundAPIGateway
	accepted   bool
	conditions []configentry.Condition
}

func newBinding(get Lookup, g *configentry.APIGateway) *binding {
	b := &binding{gateway: g, accepted: true, bound: &configentry.BoundAPIGateway{
		Header:    configentry.Header{Common: configentry.Common{Kind: configentry.KindBoundAPIGateway}, Name: g.Name},
		Listeners: make([]configentry.BoundListener, len(g.Listeners)), Services: map[string][]configentry.ResourceReference{},
	}}
	for i, l := range g.Listeners {
		b.bound.Listeners[i].Name = l.Name
		missing := ""
		for _, c := range l.TLS.Certificates {
			if get(c.Kind, c.Name) == nil {
				missing = c.Name
			}
		}
		if missing != "" {
			b.accepted = false
			b.conditions = append(b.conditions, condition(conditionResolved, false, "InvalidCertificateRef", fmt.Sprintf("certificate %q not found", missing), b.listener(l.Name)))
			continue
		}
		b.bound.Listeners[i].Certificates = slices.Clone(l.TLS.Certificates)
		b.conditions = append(b.conditions, condition(conditionResolved, true, conditionResolved, "resolved refs", b.listener(l.Name)))
	}
	if b.accepted {
		b.conditions = append(b.conditions, condition(conditionAccepted, true, conditionAccepted, "gateway is valid", configentry.ResourceReference{}))
	} else {
		b.conditions = append(b.conditions, condition(conditionAccepted, false, "InvalidCertificates", "gateway references invalid certificates", configentry.ResourceReference{}))
	}
	return b
}

func (b *binding) listener(name string) configentry.ResourceReference {
	return configentry.ResourceReference{Kind: configentry.KindAPIGateway, Name: b.gateway.Name, SectionName: name}
}

// conflicts says of each listener whether more routes are bound to it than it can have.
func (b *binding) conflicts() (conditions []configentry.Condition) {
	for i, l := range b.gateway.Listeners {
		if l.Protocol == configentry.ProtocolTCP && len(b.bound.Listeners[i].Routes) > 1 {
			conditions = append(conditions, condition(conditionConflicted, true, "RouteConflict", "TCP-based listeners currently only support binding a single route", b.listener(l.Name)))
			continue
		}
		conditions = append(conditions, condition(conditionConflicted, false, "NoConflict", "listener has no route conflicts", b.listener(l.Name)))
	}
	return conditions
}

// route is an entry of either kind of route, a copy.
type route struct {
	entry     configentry.Entry
	name      string
	protocol  string
	parents   []configentry.ResourceReference
	hostnames []string
	services  []string
	status    *configentry.Status // of the entry
}

func routeOf(e configentry.Entry) *route {
	switch e := e.(type) {
	case *configentry.HTTPRoute:
		r := *e
		var services []string
		for _, rule := range r.Rules {
			for _, s := range rule.Services {
				services = append(services, s.Name)
			}
		}
		slices.Sort(services)
		return &route{&r, r.Name, configentry.ProtocolHTTP, r.Parents, r.Hostnames, slices.Compact(services), &r.Status}
	case *configentry.TCPRoute:
		r := *e
		var services []string
		for _, s := range r.Services {
			services = append(services, s.Name)
		}
		return &route{&r, r.Name, configentry.ProtocolTCP, r.Parents, nil, services, &r.Status}
	}
	panic(fmt.Sprintf("%s is no route", configentry.KindOf(e))) // list returned what it was not asked for
}

// bind adds the route to the gateways that it names, as far as they fit.
func (r *route) bind(get Lookup, gateways map[string]*binding) []configentry.Condition {
	accepted, reason, message := r.judge(get)
	conditions := []configentry.Condition{condition(conditionAccepted, accepted, reason, message, configentry.ResourceReference{})}
	for _, p := range r.parents {
		b := gateways[strings.ToLower(p.Name)]
		if b == nil {
			conditions = append(conditions, condition(conditionBound, false, "GatewayNotFound", "gateway was not found", p))
			continue
		}
		if fault := r.bindTo(b, p.SectionName, accepted); fault != "" {
			conditions = append(conditions, condition(conditionBound, false, "FailedToBind", fault, p))
			continue
		}
		conditions = append(conditions, condition(conditionBound, true, conditionBound, "successfully bound route", p))
	}
	return conditions
}

// judge says whether the services that the route leads to speak as it does.
func (r *route) judge(get Lookup) (accepted bool, reason, message string) {
	for _, s := range r.services {
		if protocol := ProtocolOf(get, s); protocol != r.protocol && !(r.protocol == configentry.ProtocolHTTP && configentry.IsHTTP(protocol)) {
			return false, "InvalidDiscoveryChain", "route protocol does not match targeted service protocol"
		}
	}
	if len(r.services) == 0 {
		return false, "NoUpstreamServicesTargeted", "route must target at least one upstream service"
	}
	return true, conditionAccepted, "route is valid"
}

// bindTo adds the route to the listener of a gateway, to all that fit for "", and says
// why if there is none.
func (r *route) bindTo(b *binding, section string, accepted bool) (fault string) {
	g := b.gateway
	isMeant := func(l configentry.APIListener) bool { return section == "" || l.Name == section }
	unbound := fmt.Sprintf("failed to bind route %s to gateway %s with listener '%s'", r.name, g.Name, section)
	switch {
	case !slices.ContainsFunc(g.Listeners, isMeant):
		return unbound
	case !b.accepted:
		return fmt.Sprintf("failed to bind route to gateway %s: gateway has not been accepted", g.Name)
	case !accepted:
		return fmt.Sprintf("failed to bind route to gateway %s: route has not been accepted", g.Name)
	}
	ref := configentry.ResourceReference{Kind: configentry.KindOf(r.entry), Name: r.name}
	bound := false
	for i, l := range g.Listeners {
		switch {
		case !isMeant(l):
		case l.Protocol != r.protocol:
			if section != "" {
				unbound = fmt.Sprintf("failed to bind route %s to gateway %s: listener %s is not a %s listener", r.name, g.Name, l.Name, r.protocol)
			}
		case !r.isFor(l.Hostname):
			unbound = fmt.Sprintf("failed to bind route to gateway %s: listener %s is does not have any hostnames that match the route", g.Name, l.Name)
		default:
			bound = true
			b.bound.Listeners[i].Routes = withRef(b.bound.Listeners[i].Routes, ref)
		}
	}
	if !bound {
		return unbound
	}
	for _, s := range r.services {
		b.bound.Services[s] = withRef(b.bound.Services[s], ref)
	}
	return ""
}

func withRef(list []configentry.ResourceReference, ref configentry.ResourceReference) []configentry.ResourceReference {
	if slices.Contains(list, ref) {
		return list
	}
	return append(list, ref)
}

// isFor reports whether a listener's host can be one of the route's; "" is any.
func (r *route) isFor(listener string) bool {
	return len(r.hostnames) == 0 || listener == "" || slices.ContainsFunc(r.hostnames, func(host string) bool {
		return covers(listener, host) || covers(host, listener)
	})
}

// covers reports whether a name, which may begin with "*.", stands for another.
func covers(pattern, host string) bool {
	if pattern == configentry.Wildcard || strings.EqualFold(pattern, host) {
		return true
	}
	suffix, ok := strings.CutPrefix(strings.ToLower(pattern), "*")
	return ok && strings.HasSuffix(strings.ToLower(host), suffix)
}
