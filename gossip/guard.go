package gossip

import (
	"net"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// guard stands between the network and memberlist: it checks what comes in, see
// stream and checkPacket, and answers those that ask which member this is.
type guard struct {
	memberlist.NodeAwareTransport

	costs    *costs
	reading  reading
	identify func(c net.Conn, request *message) error
	rejected func(from net.Addr, why error)
	heard    func(packet []byte) // sees what memberlist is about to read
	refused  func(name string)   // a member's address refused a connection
	// ready is called before memberlist reads anything: see begin.
	ready sync.Once
	begin func()

	packets chan *memberlist.Packet
	streams chan net.Conn
	stop    sync.Once
	stopped chan struct{}
	works   sync.WaitGroup // the goroutines of carryPackets and carryStreams
}

// reading says which messages memberlist reads.
type reading int

const (
	readsPlain  reading = iota // without encryption
	readsBoth                  // with it, and encrypt_verify_incoming = false
	readsSealed                // encrypted ones only
)

// newGuard takes over a transport. Run it with start.
func newGuard(inner memberlist.Transport) *guard {
	aware, ok := inner.(memberlist.NodeAwareTransport)
	if !ok {
		aware = nameless{inner}
	}
	return &guard{
		NodeAwareTransport: aware,
		costs:              newCosts(),
		packets:            make(chan *memberlist.Packet),
		streams:            make(chan net.Conn),
		stopped:            make(chan struct{}),
	}
}

// start begins to carry. Shutdown waits for its goroutines.
func (g *guard) start() {
	g.works.Go(g.carryPackets)
	g.works.Go(g.carryStreams)
}

// FinalAdvertiseAddr is the first thing memberlist asks, when serf has made its
// configuration and before anything is read: the moment to change what serf made.
func (g *guard) FinalAdvertiseAddr(ip string, port int) (net.IP, int, error) {
	g.ready.Do(g.begin)
	return g.NodeAwareTransport.FinalAdvertiseAddr(ip, port)
}

// PacketCh gives packets that were checked.
func (g *guard) PacketCh() <-chan *memberlist.Packet { return g.packets }

// StreamCh gives streams that check what comes.
func (g *guard) StreamCh() <-chan net.Conn { return g.streams }

// DialTimeout connects to another member.
func (g *guard) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	return g.DialAddressTimeout(memberlist.Address{Addr: addr}, timeout)
}

// DialAddressTimeout is DialTimeout for a member known by name.
func (g *guard) DialAddressTimeout(a memberlist.Address, timeout time.Duration) (net.Conn, error) {
	c, err := g.NodeAwareTransport.DialAddressTimeout(a, timeout)
	if err != nil {
		if isRefused(err) {
			g.refused(a.Name)
		}
		return nil, err
	}
	return g.guarded(c)
}

// guarded makes a stream that checks what comes, or closes c for want of room.
func (g *guard) guarded(c net.Conn) (*stream, error) {
	s := &stream{Conn: c, costs: g.costs, sealed: g.reading == readsSealed}
	if err := s.pay(streamCost); err != nil {
		_ = s.Close() // the first error tells more
		return nil, err
	}
	return s, nil
}

// Shutdown closes the network's side, then ends what start began: memberlist
// reads until this returns.
func (g *guard) Shutdown() error {
	err := g.NodeAwareTransport.Shutdown()
	g.stop.Do(func() { close(g.stopped) })
	g.works.Wait()
	return err
}

func (g *guard) carryPackets() {
	for {
		select {
		case <-g.stopped:
			return
		case p := <-g.NodeAwareTransport.PacketCh():
			if !g.passes(p) {
				continue
			}
			g.heard(p.Buf)
			select {
			case g.packets <- p:
			case <-g.stopped:
				return
			}
		}
	}
}

// passes reports whether memberlist may read a packet, which it may unpack.
func (g *guard) passes(p *memberlist.Packet) bool {
	// Encrypted ones start with the version of the encryption, 0 or 1.
	if g.reading == readsSealed || g.reading == readsBoth && len(p.Buf) > 0 && p.Buf[0] <= 1 {
		return true
	}
	plain, err := checkPacket(p.Buf)
	if err != nil {
		g.rejected(p.From, err)
		return false
	}
	p.Buf = plain
	return true
}

func (g *guard) carryStreams() {
	for {
		select {
		case <-g.stopped:
			return
		case c := <-g.NodeAwareTransport.StreamCh():
			s, err := g.guarded(c)
			if err != nil {
				g.rejected(c.RemoteAddr(), err)
				continue
			}
			s.identify, s.rejected = g.identify, g.rejected
			select {
			case g.streams <- s:
			case <-g.stopped:
				_ = s.Close() // nobody is left to read an error
				return
			}
		}
	}
}

// nameless is a transport that has no use for names of members.
type nameless struct{ memberlist.Transport }

func (n nameless) WriteToAddress(b []byte, a memberlist.Address) (time.Time, error) {
	return n.WriteTo(b, a.Addr)
}

func (n nameless) DialAddressTimeout(a memberlist.Address, timeout time.Duration) (net.Conn, error) {
	return n.DialTimeout(a.Addr, timeout)
}

var _ memberlist.NodeAwareTransport = (*guard)(nil)
