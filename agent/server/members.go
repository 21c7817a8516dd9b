package server

import (
	"regexp"
	"slices"

	"praetor/gossip"
	"praetor/internal/rpc"
)

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
			servers = append(servers, rpc.Server{ID: info.ID, Name: info.Name, Datacenter: info.Datacenter, Address: info.RPCAddress})
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

func (s *Server) servers() ([]rpc.Server, []string) {
	var wan []gossip.Member
	if s.opts.WAN != nil {
		wan = s.opts.WAN.Members()
	}
	return Servers(s.opts.LAN.Members(), wan, s.opts.Datacenter)
}

// maxMemberEvents bounds the member events that wait for the leader loop. One
// that does not fit is dropped, and a full pass over all members made instead.
const maxMemberEvents = 256

// HandleLAN takes an event of the LAN pool. It does not block.
func (s *Server) HandleLAN(e gossip.Event) {
	if e.Type == gossip.User {
		return
	}
	wake(s.bootstrapped)
	if !s.raft.IsLeader() {
		return
	}
	select {
	case s.memberEvents <- e:
	default:
		s.missed.Store(true)
	}
}

// HandleWAN takes an event of the WAN pool: nothing depends on it here.
func (s *Server) HandleWAN(gossip.Event) {}

func wake(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default: // already due
	}
}
