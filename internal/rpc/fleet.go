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

// fleet knows the servers' addresses, in the order they are to be asked. The
// zero value knows none.
type fleet struct {
	own string // datacenter

	mu        sync.Mutex
	addresses map[string][]string // by datacenter; slices are replaced, never changed
	rebalance time.Time           // when the own ones are shuffled next
}

// set replaces the servers. Those of the own datacenter that stay keep their
// order: a client agent stays with its server.
func (f *fleet) set(servers []Server, datacenters []string) {
	next := make(map[string][]string, len(datacenters))
	for _, d := range datacenters {
		next[d] = nil
	}
	for _, s := range servers {
		if !slices.Contains(next[s.Datacenter], s.Address) {
			next[s.Datacenter] = append(next[s.Datacenter], s.Address)
		}
	}
	for _, list := range next {
		shuffle(list)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	next[f.own] = inOldOrder(f.addresses[f.own], next[f.own])
	f.addresses = next
}

// inOldOrder returns list with the members of old first, in old's order.
func inOldOrder(old, list []string) []string {
	out := make([]string, 0, len(list))
	for _, a := range old {
		if slices.Contains(list, a) {
			out = append(out, a)
		}
	}
	for _, a := range list {
		if !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

// order returns a datacenter's servers, the one to ask first at the front, and
// whether the datacenter is known. The own order is kept between calls, others
// are random. Do not change what it returns.
func (f *fleet) order(datacenter string) (addresses []string, known bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	list, known := f.addresses[datacenter]
	if datacenter != f.own {
		return shuffle(slices.Clone(list)), known
	}
	if now := time.Now(); now.After(f.rebalance) {
		f.rebalance = now.Add(rebalanceMin + rand.N(rebalanceSpread))
		list = shuffle(slices.Clone(list))
		f.addresses[datacenter] = list
	}
	return list, known
}

// demote moves a server of the own datacenter to the end: it failed.
func (f *fleet) demote(address string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := f.addresses[f.own]
	i := slices.Index(list, address)
	if i < 0 || i == len(list)-1 {
		return
	}
	f.addresses[f.own] = append(slices.Delete(slices.Clone(list), i, i+1), address)
}

func shuffle(list []string) []string {
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}
