package agent

import (
	"slices"
	"strings"
	"sync"
	"time"

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
	left     []departure              // from the LAN pool, the latest last
}

// departure is when a server was seen to leave, or to be made to.
type departure struct {
	name string
	at   time.Time
}

// mostDepartures are remembered: for whoever asks which server is missing when
// nothing else names it.
const mostDepartures = 5

// noteLAN takes an event of the LAN pool, noteWAN one of the WAN pool. They report
// whether it concerns a server.
func (k *knownServers) noteLAN(e gossip.Event) bool { return k.note(&k.lan, e) }

// departures are names of servers that left, each with the time in RFC 3339, as
// "name=time", separated by commas.
func (k *knownServers) departures() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	said := make([]string, len(k.left))
	for i, d := range k.left {
		said[i] = d.name + "=" + d.at.UTC().Format(time.RFC3339)
	}
	return strings.Join(said, ",")
}

func (k *knownServers) noteWAN(e gossip.Event) bool { return k.note(&k.wan, e) }

func (k *knownServers) note(pool *map[string]gossip.Member, e gossip.Event) (changed bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, m := range e.Members {
		_, known := (*pool)[m.Name]
		_, is := gossip.ParseServer(m)
		changed = changed || known || is
		if is && pool == &k.lan && (e.Type == gossip.HasLeft || e.Type == gossip.Joined) {
			k.noteDepartureLocked(m.Name, e.Type == gossip.HasLeft)
		}
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

// noteDepartureLocked notes that a server left, or that it is back.
func (k *knownServers) noteDepartureLocked(name string, left bool) {
	k.left = slices.DeleteFunc(k.left, func(d departure) bool { return d.name == name })
	if left {
		k.left = append(k.left, departure{name, time.Now()})
		k.left = k.left[max(0, len(k.left)-mostDepartures):]
	}
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
