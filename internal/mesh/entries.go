package mesh

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"

	"praetor/internal/configentry"
	"praetor/internal/fault"
)

// Lookup returns the entry of a kind and a name, nil if there is none.
type Lookup func(kind, name string) configentry.Entry

func find[E configentry.Entry](get Lookup, kind, name string) (found E) {
	found, _ = get(kind, name).(E)
	return found
}

// ProtocolOf returns the protocol of a service: what its own defaults say, TCP if they
// say nothing, or without them what all proxies have by default.
func ProtocolOf(get Lookup, service string) string {
	if d := find[*configentry.ServiceDefaults](get, configentry.KindServiceDefaults, service); d != nil {
		return cmp.Or(d.Protocol, configentry.ProtocolTCP)
	}
	if d := find[*configentry.ProxyDefaults](get, configentry.KindProxyDefaults, configentry.NameGlobal); d != nil && d.DefaultProtocol() != "" {
		return d.DefaultProtocol()
	}
	return configentry.ProtocolTCP
}

// ChainKinds are the kinds of the entries that say what becomes of the requests
// for the service they are named after. A service with one has a virtual address.
var ChainKinds = []string{
	configentry.KindServiceDefaults, configentry.KindServiceResolver, configentry.KindServiceRouter, configentry.KindServiceSplitter,
}

// Check says what would not agree among the entries once the one of a kind and a
// name has changed. get returns the entries as they are then; list walks those of
// a kind as they are now.
func Check(get Lookup, list func(kind string) iter.Seq[configentry.Entry], kind, name string) error {
	if err := checkPlaintext(get, list, kind, name); err != nil {
		return err
	}
	switch {
	case kind == configentry.KindIngressGateway:
		return checkIngress(get, find[*configentry.IngressGateway](get, kind, name), nil)
	case kind == configentry.KindServiceIntentions:
		if err := checkProviders(get, name); err != nil {
			return err
		}
		return checkPermissions(get, name)
	case kind == configentry.KindJWTProvider:
		return checkNeeded(get, list, name)
	case kind != configentry.KindProxyDefaults && !slices.Contains(ChainKinds, kind):
		return nil
	}
	services := affected(list, kind, name)
	for _, service := range services {
		if err := CheckChain(get, service); err != nil {
			return err
		}
		if err := checkPermissions(get, service); err != nil {
			return err
		}
	}
	if kind == configentry.KindProxyDefaults {
		services = nil
	}
	for e := range list(configentry.KindIngressGateway) {
		gateway, _ := e.(*configentry.IngressGateway)
		if err := checkIngress(get, gateway, services); err != nil {
			return err
		}
	}
	return nil
}

// checkPlaintext reports whether an entry begins to let services be reached without
// mutual TLS although the mesh does not permit it. Those that do already may go on.
func checkPlaintext(get Lookup, list func(kind string) iter.Seq[configentry.Entry], kind, name string) error {
	if kind != configentry.KindProxyDefaults && kind != configentry.KindServiceDefaults {
		return nil
	}
	entry, all := get(kind, name), find[*configentry.Mesh](get, configentry.KindMesh, configentry.NameMesh)
	if entry == nil || !configentry.PermitsPlaintext(entry) || all != nil && all.AllowEnablingPermissiveMutualTLS {
		return nil
	}
	for old := range list(kind) {
		if strings.EqualFold(old.EntryName(), name) && configentry.PermitsPlaintext(old) {
			return nil
		}
	}
	return fault.New(fault.Rejected, "cannot set MutualTLSMode=permissive because AllowEnablingPermissiveMutualTLS=false in the mesh config entry")
}

// checkIngress reports whether a gateway's listeners speak as the services behind them
// do; services are those to look at, nil for all.
func checkIngress(get Lookup, gateway *configentry.IngressGateway, services []string) error {
	if gateway == nil {
		return nil
	}
	for _, l := range gateway.Listeners {
		for _, s := range l.Services {
			isMeant := func(name string) bool { return strings.EqualFold(name, s.Name) }
			if s.Name == configentry.Wildcard || services != nil && !slices.ContainsFunc(services, isMeant) {
				continue
			}
			if protocol := ProtocolOf(get, s.Name); protocol != l.Protocol {
				return fault.New(fault.Rejected, "service %q has protocol %q, which does not match defined listener protocol %q", s.Name, protocol, l.Protocol)
			}
		}
	}
	return nil
}

// affected lists the services whose requests may go another way when an entry
// changes: its own and those that send requests there; all that have entries
// when the defaults of all change.
func affected(list func(kind string) iter.Seq[configentry.Entry], kind, name string) []string {
	senders := map[string][]string{} // by the service they send requests to, in lower case
	var all []string
	for _, k := range append(slices.Clone(ChainKinds), configentry.KindServiceIntentions) {
		for e := range list(k) {
			all = append(all, e.EntryName())
			for _, to := range Destinations(e) {
				senders[strings.ToLower(to)] = append(senders[strings.ToLower(to)], e.EntryName())
			}
		}
	}
	if kind == configentry.KindProxyDefaults {
		slices.Sort(all)
		return slices.Compact(all)
	}
	found, seen := []string{name}, map[string]bool{name: true}
	for i := 0; i < len(found); i++ {
		for _, from := range senders[strings.ToLower(found[i])] {
			if !seen[from] {
				found, seen[from] = append(found, from), true
			}
		}
	}
	return found
}

// checkPermissions reports whether the requests for a service can be told apart,
// if its intentions do so.
func checkPermissions(get Lookup, service string) error {
	in := find[*configentry.ServiceIntentions](get, configentry.KindServiceIntentions, service)
	if in == nil || service == configentry.Wildcard || !in.HasPermissions() {
		return nil
	}
	if protocol := ProtocolOf(get, service); !configentry.IsHTTP(protocol) {
		return fault.New(fault.Rejected, "service %q has protocol %q, which is incompatible with L7 intentions permissions", service, protocol)
	}
	return nil
}

// checkProviders reports whether there are the providers that the intentions of a
// service need.
func checkProviders(get Lookup, service string) error {
	in := find[*configentry.ServiceIntentions](get, configentry.KindServiceIntentions, service)
	if in == nil {
		return nil
	}
	for _, name := range in.Providers() {
		if get(configentry.KindJWTProvider, name) == nil {
			return fault.New(fault.Rejected, "%s", configentry.Several("Referenced JWT Provider does not exist. Provider Name: "+name))
		}
	}
	return nil
}

// checkNeeded reports whether a provider is there as long as intentions need it.
func checkNeeded(get Lookup, list func(kind string) iter.Seq[configentry.Entry], provider string) error {
	if get(configentry.KindJWTProvider, provider) != nil {
		return nil
	}
	for e := range list(configentry.KindServiceIntentions) {
		in, _ := e.(*configentry.ServiceIntentions)
		if in != nil && slices.ContainsFunc(in.Providers(), func(name string) bool { return strings.EqualFold(name, provider) }) {
			return fault.New(fault.Rejected, "cannot delete jwt provider config entry referenced by an intention. Provider name: %s, intention name: %s", provider, in.Name)
		}
	}
	return nil
}

// Destinations lists the services to which an entry sends requests on.
func Destinations(e configentry.Entry) []string {
	names := map[string]bool{}
	switch e := e.(type) {
	case *configentry.ServiceRouter:
		for _, r := range e.Routes {
			if r.Destination != nil {
				names[r.Destination.Service] = true
			}
		}
	case *configentry.ServiceSplitter:
		for _, s := range e.Splits {
			names[s.Service] = true
		}
	case *configentry.ServiceResolver:
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
