package gossip

import (
	"net"
	"sync"

	"praetor/internal/fault"
)

const (
	// maxCosts bounds what all streams of a pool hold together before memberlist
	// has read it, in bytes. A pool of 1,000 members has states of some 400 KiB.
	maxCosts = 96 << 20
	// maxCostsPerAddress is the part that one address may take.
	maxCostsPerAddress = 32 << 20
	// streamCost is what a stream costs before it brings anything: its
	// goroutine and buffers.
	streamCost = 16 << 10
)

var errBusy = fault.New(fault.Limit, "too much is under way in gossip streams")

// costs counts the bytes that streams hold.
type costs struct {
	mu   sync.Mutex
	all  int
	held map[string]int // by address, without port
}

func newCosts() *costs { return &costs{held: make(map[string]int)} }

// take reports whether there is room for n more bytes, and takes it.
func (c *costs) take(from net.Addr, n int) bool {
	host := hostOf(from)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all+n > maxCosts || c.held[host]+n > maxCostsPerAddress {
		return false
	}
	c.all += n
	c.held[host] += n
	return true
}

// give returns what take took.
func (c *costs) give(from net.Addr, n int) {
	host := hostOf(from)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all -= n
	if c.held[host] -= n; c.held[host] == 0 {
		delete(c.held, host)
	}
}

// hostOf is an address without its port.
func hostOf(a net.Addr) string {
	host, _, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	return host
}
