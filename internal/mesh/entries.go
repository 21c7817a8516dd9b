package mesh

import (
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

// ProtocolOf returns the protocol of a service: its own, or what all proxies have
// by default, or TCP.
func ProtocolOf(get Lookup, service string) string {
	if d := find[*configentry.ServiceDefaults](get, configentry.KindServiceDefaults, service); d != nil && d.Protocol != "" {
		return d.Protocol
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
	switch {
	case kind == configentry.KindServiceIntentions:
		return checkPermissions(get, name)
	case kind != configentry.KindProxyDefaults && !slices.Contains(ChainKinds, kind):
		return nil
	}
	for _, service := range affected(list, kind, name) {
		if err := CheckChain(get, service); err != nil {
			return err
		}
		if err := checkPermissions(get, service); err != nil {
			return err
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
			for _, to := range destinations(e) {
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

// destinations lists the services to which an entry sends requests on.
func destinations(e configentry.Entry) []string {
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
