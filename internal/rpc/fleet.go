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
	// moveTime is how long a server that the agent would move to may take to
	// answer: one that does not, or proves no key, is not moved to.
	moveTime = 30 * time.Second
)

// fleet knows the servers, in the order they are to be asked. The zero value
// knows none.
//
// Its lists have no IDs: whichever server of the datacenter is at the address now,
// it may be asked, also before gossip has told that the machine was replaced.
type fleet struct {
	own string // datacenter
	// isUp reports whether there is a connection to a server, and begins to open
	// one if there is none. It does not wait.
	isUp func(Server) bool

	mu        sync.Mutex
	servers   map[string][]Server // by datacenter; slices are replaced, never changed
	ids       map[identified]bool // of all servers
	rebalance time.Time           // when to move to another of the own ones next
	moving    Server              // there, once a connection is up; no address: nowhere
	moveUntil time.Time
}

// identified is a server's ID and where it is valid.
type identified struct{ id, datacenter string }

// set replaces the servers. Those of the own datacenter that stay keep their
// order: a client agent stays with its server.
func (f *fleet) set(servers []Server, datacenters []string) {
	next := make(map[string][]Server, len(datacenters))
	for _, d := range datacenters {
		next[d] = nil
	}
	ids := make(map[identified]bool, len(servers))
	for _, s := range servers {
		ids[identified{s.ID, s.Datacenter}] = true
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
	f.servers, f.ids = next, ids
}

// has reports whether gossip knows a server of this ID in a datacenter.
func (f *fleet) has(id, datacenter string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return id != "" && f.ids[identified{id, datacenter}]
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
	f.moveLocked(list, time.Now())
	return f.servers[datacenter], known
}

// moveLocked chooses a server to move to when it is time, and moves when it can
// be reached: no request waits for that.
func (f *fleet) moveLocked(list []Server, now time.Time) {
	if now.After(f.rebalance) && len(list) > 0 {
		if !f.rebalance.IsZero() { // they are in random order from the start
			f.moving, f.moveUntil = list[rand.IntN(len(list))], now.Add(moveTime)
		}
		f.rebalance = now.Add(rebalanceMin + rand.N(rebalanceSpread))
	}
	if f.moving.Address == "" {
		return
	}
	i := indexOf(list, f.moving)
	switch {
	case i <= 0 || now.After(f.moveUntil):
		f.moving = Server{}
	case f.isUp(f.moving):
		f.moving = Server{}
		f.servers[f.own] = slices.Insert(slices.Delete(slices.Clone(list), i, i+1), 0, list[i])
	}
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

// complete adds to a server of the own datacenter what gossip says of whoever is
// at its address. It keeps its ID.
func (f *fleet) complete(srv Server) Server {
	if srv.Datacenter != "" && srv.Datacenter != f.own {
		return srv
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if i := indexOf(f.servers[f.own], srv); i >= 0 {
		srv.Name = f.servers[f.own][i].Name
	}
	return srv
}

func shuffle(list []Server) []Server {
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}
