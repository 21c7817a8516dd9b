package gossip

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/go-metrics"
	"github.com/hashicorp/memberlist"

	"praetor/internal/life"
)

const (
	// doubtTime is how long a member's address must refuse every connection before the
	// member is declared dead. A server that is started again at once has its port back
	// within it. A client agent has clientDoubt, enough for one that crashed and that its
	// supervisor starts again two seconds later: its node would lose its sessions, and
	// with them its locks.
	doubtTime   = time.Second
	clientDoubt = 2500 * time.Millisecond
	// doubtPause is the time between two connections.
	doubtPause = 250 * time.Millisecond
	// doubtDial bounds one of them. A refusal takes a round trip.
	doubtDial = time.Second
	// maxDoubts bounds how many members are in doubt at a time. Of those beyond,
	// memberlist's next probe raises the doubt again, and other members have theirs.
	maxDoubts = 64
	// doubtRelays is how many other members are asked at a time to ping the one in
	// doubt, as many as memberlist asks.
	doubtRelays = 3
)

// endedLooks are how long after its process seems to have ended, and after each other, a
// member's address is looked at: a process that is killed loses its sockets one by one,
// and the last is open for some milliseconds yet.
var endedLooks = []time.Duration{50 * time.Millisecond, 250 * time.Millisecond}

// doubts looks into members whose address refuses connections.
//
// An unanswered ping proves nothing, so memberlist waits seconds for a suspect to
// defend itself. A connection that is refused proves that no process listens: one that
// is starved or stopped still has its socket, and the kernel accepts for it. What may
// refuse in place of a living process is a firewall. So a member counts as dead if its
// address refuses every connection for its time, no ping reaches it, neither from here nor
// from others, and one of these others says so, which shows that it is not this agent
// that is cut off. Others may refute it as any death.
type doubts struct {
	mu    sync.Mutex
	ctx   context.Context // nil before open and after close
	under map[string]bool // by name
	asked map[uint32]*question
	works sync.WaitGroup // of those under way

	asking atomic.Int32 // len(asked), for heard
}

// question is what pings of a member came to.
type question struct {
	seq       uint32
	lives     atomic.Bool // it has answered
	unreached atomic.Bool // another member has not reached it either, or there is none
}

func newDoubts() *doubts {
	return &doubts{under: make(map[string]bool), asked: make(map[uint32]*question)}
}

// open lets doubts be raised until ctx ends.
func (d *doubts) open(ctx context.Context) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ctx = ctx
}

// close waits for those under way, whose ctx has ended.
func (d *doubts) close() {
	d.mu.Lock()
	d.ctx = nil
	d.mu.Unlock()
	d.works.Wait()
}

// raise looks into a member in the background, unless that is under way or too many are.
func (d *doubts) raise(name string, look func(ctx context.Context)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ctx == nil || d.under[name] || len(d.under) >= maxDoubts {
		return
	}
	d.under[name] = true
	ctx := d.ctx
	d.works.Go(func() { // close waits for it
		look(ctx)
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.under, name)
	})
}

// ask begins a question.
func (d *doubts) ask() *question {
	q := &question{seq: 1<<31 | rand.Uint32()} // memberlist counts its own from 1
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked[q.seq] = q
	d.asking.Store(int32(len(d.asked)))
	return q
}

func (d *doubts) forget(q *question) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.asked, q.seq)
	d.asking.Store(int32(len(d.asked)))
}

func (d *doubts) answered(seq uint32, lives bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch q := d.asked[seq]; {
	case q == nil:
	case lives:
		q.lives.Store(true)
	default:
		q.unreached.Store(true)
	}
}

// Doubt has the pool look, in the background, whether the agent of a node ID still
// runs: somebody has seen its process end, or its port refuse a connection. An agent
// that runs costs that two connections to its gossip address. Otherwise it fails after
// its time (doubtTime, clientDoubt), if its address goes on refusing.
func (p *Pool) Doubt(id string) {
	if id == "" {
		return
	}
	p.doubt(p.intents.nameOf(id), func(ctx context.Context, n *memberlist.Node) error {
		for _, wait := range endedLooks {
			if !life.Pause(ctx, wait) {
				return nil
			}
			if p.refuses(n) {
				return p.examine(ctx, n)
			}
		}
		return nil
	})
}

// refusedBy raises a doubt about a member that has refused a connection.
func (p *Pool) refusedBy(name string) { p.doubt(name, p.examine) }

func (p *Pool) doubt(name string, look func(context.Context, *memberlist.Node) error) {
	n := p.intents.living(name)
	if n == nil || name == p.name || p.goodbye.Load() {
		return
	}
	p.doubts.raise(name, func(ctx context.Context) {
		if err := look(ctx, n); err != nil && ctx.Err() == nil {
			p.logger.Debug("look whether a member still runs", "member", name, "error", err)
		}
	})
}

// examine declares a member dead whose address has refused a connection, if it goes on.
// Whatever shows that it lives, or is heard of it, ends that, and leaves it to memberlist.
func (p *Pool) examine(ctx context.Context, n *memberlist.Node) error {
	// The incarnation that is declared dead is the one that was known before there was
	// proof: memberlist believes nothing of it about a newer one.
	incarnation, err := p.incarnation(ctx, n.Name)
	if err != nil {
		return err
	}
	q := p.doubts.ask()
	defer p.doubts.forget(q)
	tick := time.NewTicker(doubtPause)
	defer tick.Stop()
	begun := time.Now()
	// Who was asked first says after its probe timeout that no ack came.
	needed := p.doubtTime(n.Name)
	limit, next := needed+2*p.probeTimeout, time.Duration(0)
	for {
		took := time.Since(begun)
		if took >= next {
			p.sendPings(n, q)
			next += p.probeTimeout
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		switch took = time.Since(begun); {
		case !p.refuses(n) || q.lives.Load() || p.intents.living(n.Name) != n:
			return nil
		case took >= needed && q.unreached.Load():
			p.logger.Info("member's process has ended: its address refuses connections", "member", n.Name, "address", n.Address())
			metrics.IncrCounterWithLabels([]string{"gossip", "ended"}, 1, p.thin.labels)
			return p.declare(ctx, deadMessage{Incarnation: incarnation, Node: n.Name, From: p.name})
		case took > limit:
			return errors.New("it refuses connections, but no other member says that it does not reach it")
		}
	}
}

// doubtTime is how long a member must refuse.
func (p *Pool) doubtTime(name string) time.Duration {
	for _, m := range p.serf.Members() {
		if m.Name == name && m.Tags[tagRole] == roleClient {
			return clientDoubt
		}
	}
	return doubtTime
}

// refuses reports whether nothing listens at a member's address. Of a connection that
// ends at once its agent takes no notice.
func (p *Pool) refuses(n *memberlist.Node) bool {
	c, err := p.guard.NodeAwareTransport.DialAddressTimeout(n.FullAddress(), doubtDial)
	if err == nil {
		_ = c.Close() // nothing was sent
	}
	return isRefused(err)
}

// isRefused reports whether the other side's kernel said that nobody listens. Windows
// words it differently, and says it late: there memberlist's clocks are quick enough.
func isRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

// sendPings asks a member for a sign of life, directly and through others.
func (p *Pool) sendPings(n *memberlist.Node, q *question) {
	self := p.intents.living(p.name)
	if self == nil {
		return
	}
	p.send(n, wirePing, ping{q.seq, n.Name, self.Addr, self.Port, p.name})
	relays := p.intents.some(doubtRelays, n.Name)
	for _, r := range relays {
		p.send(r, wireAskPing, askPing{q.seq, n.Addr, n.Port, n.Name, true, self.Addr, self.Port, p.name})
	}
	if len(relays) == 0 {
		q.unreached.Store(true)
	}
}

// send sends a message of memberlist's to a member.
func (p *Pool) send(to *memberlist.Node, kind byte, value any) {
	packet, err := encodeValue(kind, value)
	if err == nil && p.ring != nil && p.verifyOutgoing {
		packet, err = sealPacket(p.ring, packet, nil)
	}
	if err == nil {
		_, err = p.guard.WriteToAddress(packet, to.FullAddress())
	}
	if err != nil {
		p.logger.Debug("ask for a sign of life", "member", to.Name, "error", err)
	}
}

// heard looks for answers to sendPings in a packet that memberlist may read, which
// knows nothing of them and passes over them.
func (p *Pool) heard(packet []byte) {
	if p.doubts.asking.Load() == 0 {
		return
	}
	if p.ring != nil {
		if plain, err := unsealPacket(p.ring, packet, nil); err == nil {
			packet = plain
		} else if p.verifyIncoming {
			return
		}
	}
	plain, err := unpack(packet)
	if err != nil {
		return
	}
	_ = eachMessage(plain, func(m []byte) error { // what cannot be read, memberlist complains of
		if len(m) == 0 || m[0] != wireAck && m[0] != wireNack {
			return nil
		}
		var a answer
		if err := decodeValue(m[1:], &a); err != nil {
			return err
		}
		p.doubts.answered(a.SeqNo, m[0] == wireAck)
		return nil
	})
}
