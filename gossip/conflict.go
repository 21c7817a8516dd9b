package gossip

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/hashicorp/memberlist"
)

const (
	// maxConflicts bounds the conflicts over names that wait to be settled; what
	// does not fit comes again with the newcomer's next word.
	maxConflicts = 32
	// settlePause is the least time between two looks at the same name.
	settlePause = 5 * time.Second
	// announcePause is the least time between two announcements to those who do
	// not know this agent; whom it joins at first does not, and need not.
	announcePause = 15 * time.Second
)

// conflict is two addresses that claim a name. Memberlist stays with the one it
// has as long as that one is not known to be dead, which may take minutes where
// a machine is replaced at once.
type conflict struct {
	owner, other Member
}

// conflicts is memberlist's ConflictDelegate, in front of serf's.
type conflicts struct {
	memberlist.ConflictDelegate
	self  string
	found chan conflict
}

func newConflicts(self string) *conflicts {
	return &conflicts{self: self, found: make(chan conflict, maxConflicts)}
}

// NotifyConflict never waits: memberlist holds its lock.
func (c *conflicts) NotifyConflict(existing, other *memberlist.Node) {
	c.ConflictDelegate.NotifyConflict(existing, other)
	if existing.Name == c.self {
		return
	}
	select {
	case c.found <- conflict{owner: memberAt(existing), other: memberAt(other)}:
	default:
	}
}

func memberAt(n *memberlist.Node) Member {
	return Member{Name: n.Name, Addr: bytes.Clone(n.Addr), Port: n.Port}
}

// settle sees to what memberlist and serf do not, one thing after the other,
// until the pool is closed: conflicts over names, living members that serf has
// erased, and others that have forgotten this agent.
func (p *Pool) settle(ctx context.Context) {
	looked := make(map[string]time.Time)
	joined := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.mend:
			p.intents.restore(p.serf)
		case m := <-p.meet:
			p.exchange(m)
		case <-p.admission.unknown:
			if time.Since(joined) >= announcePause && !p.goodbye.Load() {
				p.announce()
				joined = time.Now()
			}
		case c := <-p.conflicts.found:
			if time.Since(looked[c.owner.Name]) < settlePause {
				continue
			}
			if len(looked) >= maxConflicts {
				clear(looked)
			}
			p.settleOne(ctx, c)
			looked[c.owner.Name] = time.Now()
		}
	}
}

// announce tells all that this agent is alive, under a new incarnation. If it was
// said to be dead under the last one there is, it could not refute that, and
// those who have forgotten it since take no older one.
func (p *Pool) announce() {
	p.tagsMu.Lock()
	defer p.tagsMu.Unlock()
	if err := p.serf.Memberlist().UpdateNode(broadcastTimeout); err != nil {
		p.logger.Debug("tell others that this agent is alive", "error", err)
	}
}

// settleOne gives a name to the other one if it answers, and its owner does not.
func (p *Pool) settleOne(ctx context.Context, c conflict) {
	if who, err := p.Identify(ctx, c.owner); err == nil && who.Is(c.owner.Name, "") {
		return // two living agents of one name
	}
	if who, err := p.Identify(ctx, c.other); err != nil || !who.Is(c.other.Name, "") {
		return
	}
	if !p.intents.isAt(c.owner) {
		return // it has changed meanwhile
	}
	p.logger.Info("member is at another address now: the old one does not answer", "member", c.owner.Name, "old", c.owner.Addr, "new", c.other.Addr)
	if err := p.declareGone(ctx, c.owner.Name); err != nil {
		p.logger.Warn("give name to the member at its new address", "member", c.owner.Name, "error", err)
		return
	}
	p.exchange(c.other)
}

// exchange has memberlist exchange states with a member at its address.
func (p *Pool) exchange(m Member) {
	address := net.JoinHostPort(m.Addr.String(), strconv.Itoa(int(m.Port)))
	if _, err := p.serf.Memberlist().Join([]string{address}); err != nil {
		p.logger.Debug("exchange states with a member", "member", m.Name, "error", err)
	}
}

// deadMessage is memberlist's; from the member itself it means that it left,
// and that its name is free.
type deadMessage struct {
	Incarnation uint32
	Node        string
	From        string
}

// nodeState is what memberlist says of a member to others.
type nodeState struct {
	Name        string
	Incarnation uint32
}

// declareGone has memberlist hear, and spread, that a member has left. It
// believes only what is said about the incarnation that it knows, which it tells
// other members only: so it is asked as one of them.
func (p *Pool) declareGone(ctx context.Context, name string) error {
	incarnation, err := p.incarnation(ctx, name)
	if err != nil {
		return err
	}
	if err := p.declare(ctx, deadMessage{Incarnation: incarnation, Node: name, From: name}); err != nil {
		return err
	}
	for p.intents.isAlive(name) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

// declare hands memberlist a death as if another member had told of it.
func (p *Pool) declare(ctx context.Context, death deadMessage) error {
	packet, err := encodeValue(wireDead, death)
	if err != nil {
		return err
	}
	if p.ring != nil {
		if packet, err = sealPacket(p.ring, packet, nil); err != nil {
			return err
		}
	}
	self := p.Local()
	select {
	case p.guard.packets <- &memberlist.Packet{Buf: packet, From: &net.UDPAddr{IP: self.Addr, Port: int(self.Port)}, Timestamp: time.Now()}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// incarnation exchanges states with memberlist over a pipe, as a member that
// knows nobody, and reads what it has about a name.
func (p *Pool) incarnation(ctx context.Context, name string) (uint32, error) {
	ours, theirs := net.Pipe()
	defer ours.Close()
	stop := context.AfterFunc(ctx, func() { _ = ours.Close() })
	defer stop()
	select {
	case p.guard.streams <- theirs:
	case <-ctx.Done():
		_ = theirs.Close()
		return 0, ctx.Err()
	}
	if err := ours.SetDeadline(time.Now().Add(p.patience())); err != nil {
		return 0, err
	}
	request, err := encodeValue(wirePushPull, pushPullHeader{})
	if err != nil {
		return 0, err
	}
	if p.ring != nil {
		if request, err = sealStream(p.ring, request); err != nil {
			return 0, err
		}
	}
	if _, err := ours.Write(request); err != nil {
		return 0, fmt.Errorf("ask memberlist for its state: %w", err)
	}
	s := &stream{Conn: ours, costs: newCosts()}
	state, err := p.readState(s)
	if err != nil {
		return 0, fmt.Errorf("read memberlist's state: %w", err)
	}
	return findIncarnation(state, name)
}

// readState returns a state as it was before it was packed and encrypted.
func (p *Pool) readState(s *stream) ([]byte, error) {
	m := &message{}
	m.grow = func(n int) error { return s.grow(m, n) }
	head, err := m.take(1)
	if err != nil {
		return nil, err
	}
	if head[0] == wireEncrypt {
		size, err := m.take(4)
		if err != nil {
			return nil, err
		}
		n := int(binary.BigEndian.Uint32(size))
		if n > maxStreamBytes {
			return nil, errTooLong
		}
		sealed, err := m.take(n)
		if err != nil {
			return nil, err
		}
		plain, err := unsealPacket(p.ring, sealed, m.got[:5])
		if err != nil || len(plain) == 0 {
			return nil, errNotSealed
		}
		m = &message{got: plain, at: 1}
	}
	if m.got[0] != wireCompress {
		return m.got, checkStream(m.got[0], m)
	}
	value, err := m.value(maxStreamBytes)
	if err != nil {
		return nil, err
	}
	return s.unpack(value)
}

// findIncarnation reads a state for one member.
func findIncarnation(state []byte, name string) (uint32, error) {
	m := &message{got: state, at: 1}
	value, err := m.value(maxSmallBytes)
	if err != nil {
		return 0, err
	}
	var header pushPullHeader
	if err := decodeValue(value, &header); err != nil {
		return 0, err
	}
	for range header.Nodes {
		value, err := m.value(maxSmallBytes)
		if err != nil {
			return 0, err
		}
		var n nodeState
		if err := decodeValue(value, &n); err != nil {
			return 0, err
		}
		if n.Name == name {
			return n.Incarnation, nil
		}
	}
	return 0, errors.New("memberlist does not know " + name)
}
