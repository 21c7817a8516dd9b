package kernel

import (
	"context"
	"regexp"
	"slices"

	"github.com/hashicorp/serf/coordinate"

	"praetor/gossip"
	"praetor/internal/rpc"
)

// Pool is what the server asks of a gossip pool.
type Pool interface {
	Members() []gossip.Member
	ForceLeave(name string, prune bool) error
	Fire(name string, payload []byte) error
	Ask(ctx context.Context, member, name string, payload []byte) ([]byte, error)
	// Identify asks who is at a member's address; an error means nobody.
	Identify(ctx context.Context, m gossip.Member) (gossip.Identity, error)
	// Doubt has the pool look whether the agent of an ID still runs. It does not wait.
	Doubt(id string)
	// Coordinate is where this server is, CachedCoordinate where a member is; nil
	// if that is not known.
	Coordinate() *coordinate.Coordinate
	CachedCoordinate(name string) *coordinate.Coordinate
}

// isDatacenter matches what may be a datacenter's name. Of others, which only
// somebody who forges gossip can have, nobody hears.
var isDatacenter = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

// Servers reads the servers that may be asked out of the members of both
// pools, and the datacenters that exist: own first, the others by name. The
// LAN pool alone counts for dc itself.
func Servers(lan, wan []gossip.Member, dc string) (servers []rpc.Server, datacenters []string) {
	known := map[string]bool{dc: true}
	add := func(m gossip.Member, own bool) {
		info, ok := gossip.ParseServer(m)
		if !ok || !isDatacenter.MatchString(info.Datacenter) || (info.Datacenter == dc) != own || m.Status == gossip.Left {
			return
		}
		known[info.Datacenter] = true
		if m.Status == gossip.Alive || m.Status == gossip.Leaving {
			servers = append(servers, ServerAt(info))
		}
	}
	for _, m := range lan {
		add(m, true)
	}
	for _, m := range wan {
		add(m, false)
	}
	delete(known, dc)
	for name := range known {
		datacenters = append(datacenters, name)
	}
	slices.Sort(datacenters)
	return servers, append([]string{dc}, datacenters...)
}

// ServerAt is the server that a member of gossip says it is.
func ServerAt(info gossip.ServerInfo) rpc.Server {
	return rpc.Server{ID: info.ID, Name: info.Name, Datacenter: info.Datacenter, Address: info.RPCAddress}
}

// Servers is Servers of this server's pools.
func (k *Kernel) Servers() ([]rpc.Server, []string) {
	var wan []gossip.Member
	if k.WAN != nil {
		wan = k.WAN.Members()
	}
	return Servers(k.LAN.Members(), wan, k.Datacenter)
}

// Doubt has both pools look whether the agent of an ID still runs.
func (k *Kernel) Doubt(id string) {
	k.LAN.Doubt(id)
	if k.WAN != nil {
		k.WAN.Doubt(id)
	}
}
