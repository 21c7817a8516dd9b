package agent

import (
	"slices"
	"strings"
	"sync"

	"praetor/agent/server/kernel"
	"praetor/gossip"
	"praetor/internal/rpc"
)

// knownServers are the servers among the members of both pools, kept as events tell
// of them: thousands of clients may join at once, and each must not cost a look at
// all the others. Any goroutine may use it.
type knownServers struct {
	mu       sync.Mutex
	lan, wan map[string]gossip.Member // by name
}

// noteLAN takes an event of the LAN pool, noteWAN one of the WAN pool. They report
// whether it concerns a server.
func (k *knownServers) noteLAN(e gossip.Event) bool { return k.note(&k.lan, e) }

func (k *knownServers) noteWAN(e gossip.Event) bool { return k.note(&k.wan, e) }

func (k *knownServers) note(pool *map[string]gossip.Member, e gossip.Event) (changed bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, m := range e.Members {
		_, known := (*pool)[m.Name]
		_, is := gossip.ParseServer(m)
		changed = changed || known || is
		switch {
		case is && e.Type != gossip.Reaped:
			if *pool == nil {
				*pool = map[string]gossip.Member{}
			}
			(*pool)[m.Name] = m
		case known:
			delete(*pool, m.Name)
		}
	}
	return changed
}

// tell gives the servers, and the datacenters that exist, to set. The last call of
// set has the latest of both.
func (k *knownServers) tell(dc string, set func(servers []rpc.Server, datacenters []string)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	set(kernel.Servers(sortedMembers(k.lan), sortedMembers(k.wan), dc))
}

func sortedMembers(pool map[string]gossip.Member) []gossip.Member {
	list := make([]gossip.Member, 0, len(pool))
	for _, m := range pool {
		list = append(list, m)
	}
	slices.SortFunc(list, func(a, b gossip.Member) int { return strings.Compare(a.Name, b.Name) })
	return list
}
