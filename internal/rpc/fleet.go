package rpc

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

const (
	// A client agent stays with one server for rebalanceMin to rebalanceMin+
	// rebalanceSpread, so that load spreads again after servers came and went,
	// without all agents moving at once.
	rebalanceMin    = 2 * time.Minute
	rebalanceSpread = time.Minute
)

// fleet knows the servers, in the order they are to be asked. The zero value
// knows none.
//
// It keeps no IDs: whichever server of the datacenter is at the address now, it
// may be asked, also before gossip has told that the machine was replaced.
type fleet struct {
	own string // datacenter

	mu        sync.Mutex
	servers   map[string][]Server // by datacenter; slices are replaced, never changed
	rebalance time.Time           // when the own ones are shuffled next
}

// set replaces the servers. Those of the own datacenter that stay keep their
// order: a client agent stays with its server.
func (f *fleet) set(servers []Server, datacenters []string) {
	next := make(map[string][]Server, len(datacenters))
	for _, d := range datacenters {
		next[d] = nil
	}
	for _, s := range servers {
		s.ID = ""
		if indexOf(next[s.Datacenter], s) < 0 {
			next[s.Datacenter] = append(next[s.Datacenter], s)
		}
	}
	for _, list := range next {
		shuffle(list)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	next[f.own] = inOldOrder(f.servers[f.own], next[f.own])
	f.servers = next
}

// indexOf finds a server by its address, -1 if it is not in list.
func indexOf(list []Server, srv Server) int {
	return slices.IndexFunc(list, func(s Server) bool { return s.Address == srv.Address })
}

// inOldOrder returns list with the members of old first, in old's order.
func inOldOrder(old, list []Server) []Server {
	out := make([]Server, 0, len(list))
	for _, s := range old {
		if i := indexOf(list, s); i >= 0 {
			out = append(out, list[i])
		}
	}
	for _, s := range list {
		if indexOf(out, s) < 0 {
			out = append(out, s)
		}
	}
	return out
}

// order returns a datacenter's servers, the one to ask first at the front, and
// whether the datacenter is known. The own order is kept between calls, others
// are random. Do not change what it returns.
func (f *fleet) order(datacenter string) (servers []Server, known bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	list, known := f.servers[datacenter]
	if datacenter != f.own {
		return shuffle(slices.Clone(list)), known
	}
	if now := time.Now(); now.After(f.rebalance) {
		f.rebalance = now.Add(rebalanceMin + rand.N(rebalanceSpread))
		list = shuffle(slices.Clone(list))
		f.servers[datacenter] = list
	}
	return list, known
}

// demote moves a server of the own datacenter to the end: it failed.
func (f *fleet) demote(srv Server) {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := f.servers[f.own]
	i := indexOf(list, srv)
	if i < 0 || i == len(list)-1 {
		return
	}
	f.servers[f.own] = append(slices.Delete(slices.Clone(list), i, i+1), list[i])
}

func shuffle(list []Server) []Server {
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}
