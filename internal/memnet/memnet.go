package memnet

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Network is a pretend network inside one process. Make it with New.
type Network struct {
	dropped atomic.Uint64

	mu      sync.Mutex
	hosts   map[netip.Addr]*Host
	cuts    map[cable]struct{}
	ways    map[direction]Way
	rand    *rand.Rand
	links   map[*link]struct{}
	changed chan struct{} // closed and replaced when a waiting dial should look again
}

// cable is an unordered pair of addresses.
type cable struct{ a, b netip.Addr }

func cableOf(a, b netip.Addr) cable {
	if b.Less(a) {
		a, b = b, a
	}
	return cable{a, b}
}

// New returns an empty network.
func New() *Network {
	return &Network{
		hosts:   make(map[netip.Addr]*Host),
		cuts:    make(map[cable]struct{}),
		ways:    make(map[direction]Way),
		rand:    rand.New(rand.NewPCG(0, 0)),
		links:   make(map[*link]struct{}),
		changed: make(chan struct{}),
	}
}

// Way is what happens to whatever one host sends another. The zero Way carries it at once.
type Way struct {
	// Delay is what everything takes, and Jitter up to how much more: packets overtake each
	// other, the bytes of a connection never do.
	Delay, Jitter time.Duration
	// Loss is the share of packets that are lost, and of writes to a connection that arrive
	// later by what it takes to send them again.
	Loss float64
	// Blocked loses packets, and keeps the bytes of connections, and dials from either side,
	// until it is blocked no more. Nobody is told.
	Blocked bool
}

// resent is how much later bytes arrive that had to be sent twice: Linux's least time-out.
const resent = 200 * time.Millisecond

// direction is an ordered pair of addresses.
type direction struct{ from, to netip.Addr }

// Seed says by which numbers losses and jitter are drawn from now on.
func (n *Network) Seed(seed uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.rand = rand.New(rand.NewPCG(seed, 0))
}

// Set says what happens from now on to what one host sends another, also on connections
// that are there.
func (n *Network) Set(from, to string, w Way) {
	d := direction{mustParse(from), mustParse(to)}
	n.mu.Lock()
	defer n.mu.Unlock()
	if w == (Way{}) {
		delete(n.ways, d)
	} else {
		n.ways[d] = w
	}
	for l := range n.links {
		for i, end := range l.ends {
			if end.Addr() == d.from && l.ends[1-i].Addr() == d.to {
				l.setWay(i, w)
			}
		}
	}
	n.wakeDialsLocked()
}

// takes draws how long something is under way; false if it is lost.
func (w Way) takes(r *rand.Rand) (time.Duration, bool) {
	d := w.Delay
	if w.Jitter > 0 {
		d += time.Duration(r.Int64N(int64(w.Jitter)))
	}
	return d, w.Loss == 0 || r.Float64() >= w.Loss
}

// Host returns the host with an IP address, making it on first use and after
// a crash. It panics if ip is not an IP address.
func (n *Network) Host(ip string) *Host {
	addr := mustParse(ip)
	n.mu.Lock()
	defer n.mu.Unlock()
	h := n.hosts[addr]
	if h == nil {
		h = &Host{
			net:       n,
			addr:      addr,
			listeners: make(map[uint16]*listener),
			gossips:   make(map[uint16]*transport),
			nextPort:  firstEphemeral,
		}
		n.hosts[addr] = h
	}
	return h
}

// Cut separates two hosts: their connections are reset, packets between them
// are lost, and dials hang until Heal, their context's end or 127 s.
func (n *Network) Cut(a, b string) {
	c := cableOf(mustParse(a), mustParse(b))
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cuts[c] = struct{}{}
	for l := range n.links {
		if cableOf(l.ends[0].Addr(), l.ends[1].Addr()) == c {
			n.resetLocked(l)
		}
	}
}

// Heal ends a Cut.
func (n *Network) Heal(a, b string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.cuts, cableOf(mustParse(a), mustParse(b)))
	n.wakeDialsLocked()
}

// Crash kills the process on a host: its connections are reset, its listeners
// and transports close, and its Host handle works no more. Host(ip) then gives
// a new one. Cuts stay.
func (n *Network) Crash(ip string) {
	addr := mustParse(ip)
	n.mu.Lock()
	defer n.mu.Unlock()
	h := n.hosts[addr]
	if h == nil {
		return
	}
	delete(n.hosts, addr)
	h.dead = true
	for _, l := range h.listeners {
		n.closeListenerLocked(l)
	}
	for _, t := range h.gossips {
		t.dieLocked()
	}
	for l := range n.links {
		if l.ends[0].Addr() == addr || l.ends[1].Addr() == addr {
			n.resetLocked(l)
		}
	}
	n.wakeDialsLocked()
}

// Dropped counts packets lost to full queues, cuts and closed ports.
func (n *Network) Dropped() uint64 { return n.dropped.Load() }

func (n *Network) isCutLocked(a, b netip.Addr) bool {
	_, cut := n.cuts[cableOf(a, b)]
	return cut || n.ways[direction{a, b}].Blocked || n.ways[direction{b, a}].Blocked
}

func (n *Network) wakeDialsLocked() {
	close(n.changed)
	n.changed = make(chan struct{})
}

// resetLocked breaks a link: both ends see "connection reset by peer".
func (n *Network) resetLocked(l *link) {
	delete(n.links, l)
	l.reset()
}

func (n *Network) forget(l *link) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.links, l)
}

func mustParse(ip string) netip.Addr {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		panic(fmt.Sprintf("memnet: %q is not an IP address", ip))
	}
	return addr.Unmap()
}
