package catalog

import (
	"iter"
	"slices"

	"praetor/internal/configentry"
	"praetor/internal/mesh"
)

// hasChain reports whether an entry says what becomes of the requests for a service.
func (w *writer) hasChain(service string) bool {
	return slices.ContainsFunc(mesh.ChainKinds, func(kind string) bool {
		return first[*ConfigEntry](w.txn, tableConfig, byID, w.in.configKey(kind, service)) != nil
	})
}

// checkConfig refuses a change after which entries would not agree with each other.
func (w *writer) checkConfig(kind, name string, e configentry.Entry) error {
	return mesh.Check(w.configAs(kind, name, e), w.configsOf, kind, name)
}

// configAs returns the entries as they are once e, or with nil nothing, is where
// kind and name say.
func (w *writer) configAs(kind, name string, e configentry.Entry) mesh.Lookup {
	return func(k, n string) configentry.Entry {
		if k == kind && fold(n) == fold(name) {
			return e
		}
		if row := first[*ConfigEntry](w.txn, tableConfig, byID, w.in.configKey(k, n)); row != nil {
			return row.parsed
		}
		return nil
	}
}

// Configs looks entries up as they are at a moment.
func Configs(tx *Tx, ws WatchSet) mesh.Lookup {
	return func(kind, name string) configentry.Entry {
		if _, row := tx.ConfigEntry(ws, kind, name); row != nil {
			return row.parsed
		}
		return nil
	}
}

// configsOf walks the entries of a kind.
func (w *writer) configsOf(kind string) iter.Seq[configentry.Entry] {
	return func(yield func(configentry.Entry) bool) {
		for row := range rows[*ConfigEntry](w.txn, nil, tableConfig, byID, w.in.partsKey(kind)) {
			if !yield(row.parsed) {
				return
			}
		}
	}
}
