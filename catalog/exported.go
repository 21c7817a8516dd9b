package catalog

import (
	"maps"
	"slices"

	"praetor/internal/configentry"
)

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false
//msgp:limit arrays:65536 maps:65536

// ExportedService is a service and the peers that may call it, by name.
type ExportedService struct {
	Service string
	Peers   []string
}

// serversOwn is the service that every server registers: no wildcard means it.
const serversOwn = "consul"

// ExportedServices lists by name the services that peers may call. The index is
// that of the list of services if all of them are meant.
func (tx *Tx) ExportedServices(ws WatchSet) (uint64, []ExportedService, error) {
	index, row := tx.ConfigEntry(ws, configentry.KindExportedServices, configentry.NameDefault)
	if row == nil {
		return index, nil, nil
	}
	entry, err := row.Parsed()
	if err != nil {
		return 0, nil, err
	}
	peers := map[string][]string{}
	for _, s := range entry.(*configentry.ExportedServices).Services {
		names := []string{s.Name}
		if s.Name == configentry.Wildcard {
			of, all := tx.Services(ws)
			index, names = max(index, of), slices.Collect(maps.Keys(all))
			names = slices.DeleteFunc(names, func(name string) bool { return name == serversOwn })
		}
		for _, name := range names {
			for _, c := range s.Consumers {
				peers[name] = append(peers[name], c.Peer)
			}
		}
	}
	list := make([]ExportedService, 0, len(peers))
	for _, name := range slices.Sorted(maps.Keys(peers)) {
		slices.Sort(peers[name])
		list = append(list, ExportedService{Service: name, Peers: slices.Compact(peers[name])})
	}
	return index, list, nil
}
