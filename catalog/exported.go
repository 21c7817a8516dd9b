package catalog

import (
	"maps"
	"slices"

	"praetor/internal/configentry"
	"praetor/internal/mesh"
)

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false
//msgp:limit arrays:65536 maps:65536

// ExportedService is a service and the peers that may call it, by name.
type ExportedService struct {
	Service string
	Peers   []string
}

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
	peers := mesh.Exported(entry.(*configentry.ExportedServices), func() []string {
		of, all := tx.Services(ws)
		index = max(index, of)
		return slices.Collect(maps.Keys(all))
	})
	list := make([]ExportedService, 0, len(peers))
	for _, name := range slices.Sorted(maps.Keys(peers)) {
		list = append(list, ExportedService{Service: name, Peers: peers[name]})
	}
	return index, list, nil
}
