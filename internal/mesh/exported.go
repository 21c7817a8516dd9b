package mesh

import (
	"maps"
	"slices"

	"praetor/internal/configentry"
)

// serversOwn is the service that every server registers: no wildcard means it.
const serversOwn = "consul"

// Exported returns the peers that may call each service, sorted, by its name. all
// lists the services there are; it is called if the entry has a wildcard.
func Exported(e *configentry.ExportedServices, all func() []string) map[string][]string {
	peers := map[string][]string{}
	for _, s := range e.Services {
		names := []string{s.Name}
		if s.Name == configentry.Wildcard {
			names = slices.DeleteFunc(all(), func(name string) bool { return name == serversOwn })
		}
		for _, name := range names {
			for _, c := range s.Consumers {
				peers[name] = append(peers[name], c.Peer)
			}
		}
	}
	for name := range maps.Keys(peers) {
		slices.Sort(peers[name])
		peers[name] = slices.Compact(peers[name])
	}
	return peers
}
