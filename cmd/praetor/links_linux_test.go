package main_test

import (
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// host is where an agent runs that others reach by links only.
type host struct {
	*node
	advertised string
	packets    *net.UDPConn // on wires: at the advertised address
	process    atomic.Int64 // the agent's
	lives      atomic.Int64 // how many processes it had
}

// start runs the agent, and says which process it is.
func (h *host) start() {
	h.t.Helper()
	h.lives.Add(1)
	h.node.start()
	h.process.Store(int64(h.cmd.Process.Pid))
}

// way is a direction between two hosts.
type way struct{ from, to *host }

// links are what the ways between hosts do at the moment. Wires or a LAN carry accordingly
// what agents send each other.
type links struct {
	hosts []*host

	mu      sync.Mutex
	ways    map[way]wayState
	weather weather       // of all ways
	changed chan struct{} // closed when ways change
	closed  bool
}

// wayState is what a way does with what it is given, beside the weather.
type wayState struct {
	cut     bool // nothing arrives
	refused bool // and its sender is told so, as by a firewall; a LAN only
}

// weather is what a network does to what it carries.
type weather struct {
	delay  time.Duration // of each packet
	jitter time.Duration // more of it, from none to this long: packets overtake each other
	loss   float64       // the part of the packets that is lost
}

func newLinks(hosts ...*host) *links {
	return &links{hosts: hosts, ways: map[way]wayState{}, changed: make(chan struct{})}
}

// cut sets which ways are cut from now on; none mends all.
func (l *links) cut(ways ...way) { l.set(wayState{cut: true}, ways) }

// refuse does the same, and tells senders.
func (l *links) refuse(ways ...way) { l.set(wayState{cut: true, refused: true}, ways) }

func (l *links) set(to wayState, ways []way) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.ways = map[way]wayState{}
	for _, one := range ways {
		l.ways[one] = to
	}
	close(l.changed)
	l.changed = make(chan struct{})
}

// from and to are all ways of one direction, around those ways both.
func (l *links) from(h *host) (ways []way) {
	for _, other := range l.hosts {
		if other != h {
			ways = append(ways, way{h, other})
		}
	}
	return ways
}

func (l *links) to(h *host) (ways []way) {
	for _, x := range l.from(h) {
		ways = append(ways, way{x.to, x.from})
	}
	return ways
}

func (l *links) around(h *host) []way { return append(l.from(h), l.to(h)...) }

// turn sets the weather from now on.
func (l *links) turn(to weather) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.weather = to
}

// luck is how late something comes, and whether a packet is lost.
func (l *links) luck() (late time.Duration, lost bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.weather.delay + time.Duration(rand.Float64()*float64(l.weather.jitter)), rand.Float64() < l.weather.loss
}

func (l *links) state(x way) wayState {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ways[x]
}

// pass waits until a way is not cut; false when the test is over.
func (l *links) pass(x way) bool {
	for {
		l.mu.Lock()
		cut, closed, changed := l.ways[x].cut, l.closed, l.changed
		l.mu.Unlock()
		if !cut || closed {
			return !closed
		}
		<-changed
	}
}

// close ends all waiting.
func (l *links) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	close(l.changed)
}
