package catalog

import (
	"strings"

	"praetor/internal/configentry"
	"praetor/internal/memdb"
	"praetor/internal/mesh"
)

// manyEntries is many for entries of intentions, each of which may have several keys; other
// entries are not in it.
func manyEntries(name string, keys func(*configentry.ServiceIntentions) [][]byte) memdb.Index {
	return memdb.Index{Name: name, Keys: func(row any, list [][]byte) [][]byte {
		if e, ok := row.(*ConfigEntry).parsed.(*configentry.ServiceIntentions); ok {
			list = append(list, keys(e)...)
		}
		return list
	}}
}

// entryBySource finds the entries that name a source in this cluster.
func entryBySource(e *configentry.ServiceIntentions) (keys [][]byte) {
	for _, src := range e.Sources {
		if src.Peer == "" {
			keys = append(keys, home.partsKey(src.Name))
		}
	}
	return keys
}

// entryByLegacy finds the entry with the intention that has an ID.
func entryByLegacy(e *configentry.ServiceIntentions) (keys [][]byte) {
	for _, src := range e.Sources {
		if src.LegacyID != "" {
			keys = append(keys, home.legacyKey(src.LegacyID))
		}
	}
	return keys
}

func (in *keyspace) legacyKey(id string) []byte { return in.partsKey(fold(id)) }

// intentions are those of the row of an entry, which must be one of intentions.
func (e *ConfigEntry) intentions() []*mesh.Intention {
	return mesh.Intentions(e.parsed.(*configentry.ServiceIntentions), e.CreateIndex, e.ModifyIndex)
}

// Intentions lists all, in the order in which they count. The index is that of all
// entries, here and below.
func (tx *Tx) Intentions(ws WatchSet) (uint64, []*mesh.Intention) {
	list := make([]*mesh.Intention, 0)
	for e := range rows[*ConfigEntry](tx.txn, ws, tableConfig, byID, tx.in.partsKey(configentry.KindServiceIntentions)) {
		list = append(list, e.intentions()...)
	}
	mesh.SortIntentions(list)
	return tx.index(indexConfigs), list
}

// IntentionsTo lists those that count for who wants to call a service.
func (tx *Tx) IntentionsTo(ws WatchSet, destination string) (uint64, []*mesh.Intention) {
	var list []*mesh.Intention
	for _, name := range exactAndAny(destination) {
		if _, e := tx.ConfigEntry(ws, configentry.KindServiceIntentions, name); e != nil {
			list = append(list, e.intentions()...)
		}
	}
	mesh.SortIntentions(list)
	return tx.index(indexConfigs), list
}

// IntentionsFrom lists those that count for what a service in this cluster may call.
func (tx *Tx) IntentionsFrom(ws WatchSet, source string) (uint64, []*mesh.Intention) {
	var list []*mesh.Intention
	for _, name := range exactAndAny(source) {
		for e := range rows[*ConfigEntry](tx.txn, ws, tableConfig, bySource, tx.in.partsKey(name)) {
			for _, in := range e.intentions() {
				if in.Source.Peer == "" && in.Source.Name == name {
					list = append(list, in)
				}
			}
		}
	}
	mesh.SortIntentions(list)
	return tx.index(indexConfigs), list
}

func exactAndAny(name string) []string {
	if name == configentry.Wildcard {
		return []string{name}
	}
	return []string{name, configentry.Wildcard}
}

// Intention returns the one of a source, in a peer unless that is "", for a
// destination, or nil.
func (tx *Tx) Intention(ws WatchSet, peer, source, destination string) (uint64, *mesh.Intention) {
	index, e := tx.ConfigEntry(ws, configentry.KindServiceIntentions, destination)
	if e != nil {
		for _, in := range e.intentions() {
			if in.Source.Peer == peer && in.Source.Name == source {
				return index, in
			}
		}
	}
	return index, nil
}

// LegacyIntention returns the one with an ID, or nil.
func (tx *Tx) LegacyIntention(ws WatchSet, id string) (uint64, *mesh.Intention) {
	for e := range rows[*ConfigEntry](tx.txn, ws, tableConfig, byLegacy, tx.in.legacyKey(id)) {
		for _, in := range e.intentions() {
			if strings.EqualFold(in.Source.LegacyID, id) {
				return tx.index(indexConfigs), in
			}
		}
	}
	return tx.index(indexConfigs), nil
}
