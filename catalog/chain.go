package catalog

import (
	"slices"

	"praetor/internal/configentry"
)

// chainKinds are the kinds that say what becomes of the requests for the service
// they are named after. A service with one of them has a virtual address.
var chainKinds = []string{
	configentry.KindServiceDefaults, configentry.KindServiceResolver, configentry.KindServiceRouter, configentry.KindServiceSplitter,
}

// hasChain tells whether an entry says what becomes of the requests for a service.
func (w *writer) hasChain(service string) bool {
	return slices.ContainsFunc(chainKinds, func(kind string) bool {
		return first[*ConfigEntry](w.txn, tableConfig, byID, configKey(kind, service)) != nil
	})
}

// configAs returns the entries as they are once e, or with nil nothing, is where
// kind and name say.
func (w *writer) configAs(kind, name string, e configentry.Entry) configentry.Lookup {
	return func(k, n string) configentry.Entry {
		if k == kind && fold(n) == fold(name) {
			return e
		}
		if row := first[*ConfigEntry](w.txn, tableConfig, byID, configKey(k, n)); row != nil {
			return row.parsed
		}
		return nil
	}
}

// checkConfig refuses a change after which entries would not agree with each other.
func (w *writer) checkConfig(kind, name string, e configentry.Entry) error {
	get := w.configAs(kind, name, e)
	switch {
	case kind == configentry.KindServiceIntentions:
		return configentry.CheckPermissions(get, name)
	case kind != configentry.KindProxyDefaults && !slices.Contains(chainKinds, kind):
		return nil
	}
	for _, service := range w.affected(kind, name) {
		if err := configentry.CheckChain(get, service); err != nil {
			return err
		}
		if err := configentry.CheckPermissions(get, service); err != nil {
			return err
		}
	}
	return nil
}

// affected lists the services whose requests may go another way when an entry
// changes: its own, and those that send requests there; all that have entries
// when the defaults of all change.
func (w *writer) affected(kind, name string) []string {
	senders := map[string][]string{} // by where they send requests to, folded
	var all []string
	for _, k := range append(slices.Clone(chainKinds), configentry.KindServiceIntentions) {
		for row := range rows[*ConfigEntry](w.txn, nil, tableConfig, byIDPrefix, partsKey(k)) {
			all = append(all, row.Name)
			for _, to := range configentry.Mentions(row.parsed) {
				senders[fold(to)] = append(senders[fold(to)], row.Name)
			}
		}
	}
	if kind == configentry.KindProxyDefaults {
		slices.Sort(all)
		return slices.Compact(all)
	}
	list, listed := []string{name}, map[string]bool{name: true}
	for i := 0; i < len(list); i++ {
		for _, from := range senders[fold(list[i])] {
			if !listed[from] {
				list, listed[from] = append(list, from), true
			}
		}
	}
	return list
}
