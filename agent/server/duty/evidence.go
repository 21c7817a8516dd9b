package duty

import (
	"context"
	"strings"
	"sync"
	"time"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/gossip"
	"praetor/internal/fault"
	"praetor/internal/life"
)

const (
	// maxAsked bounds how many members are asked at a time: when a whole rack
	// fails, each that is silent takes a second or two.
	maxAsked = 128
	// nameTime is how long a registration waits until its node has the name
	// that another one had.
	nameTime = 3 * time.Second
	// nameLook is how often it looks.
	nameLook = 50 * time.Millisecond
)

// textSharedID refuses the second of two living agents of one ID.
const textSharedID = "node ID %s of %q (%s) is the ID of node %q, whose agent is alive at %s: two agents cannot share an ID. " +
	"If one machine is a copy of the other, stop its agent, delete the file node-id in its data_dir, or set another node_id, and start it again"

// evidence is what members say of themselves, asked by the leader before it acts
// on what gossip says of them, which is what anybody says: before it removes a
// member, marks it failed, or gives its name or ID to another. It belongs to the
// reconcile loop.
type evidence struct {
	heard  chan heard
	asking map[string]bool // by name; at most one question to each
	room   chan struct{}   // holds a token for each question under way
	all    sync.WaitGroup  // what the loop waits for
	clash  map[string]string
}

// heard is how a member answered.
type heard struct {
	gossip.Member      // as gossip had it when it was asked
	reaped        bool // gossip had just forgotten it
	lives         bool // it answered, under its name and ID

	rival      gossip.Member // has the same ID under another name; none if that is empty
	rivalLives bool
}

func newEvidence() *evidence {
	return &evidence{
		heard: make(chan heard), asking: map[string]bool{},
		room: make(chan struct{}, maxAsked), clash: map[string]string{},
	}
}

// isDoubtful reports whether a member must be asked before the catalog follows
// what gossip says of it, and who else has its ID.
func (s *Set) isDoubtful(m gossip.Member, reaped bool) (rival gossip.Member, doubtful bool) {
	if kernel.NodeKey(m.Name) == kernel.NodeKey(s.Name) {
		return rival, false
	}
	tx := s.Store.Read()
	node, _ := kernel.NodeNamed(tx, m.Name)
	_, isServer := gossip.ParseServer(m)
	switch {
	case reaped || m.Status == gossip.Left:
		return rival, node != nil || isServer
	case m.Status == gossip.Failed:
		return rival, node != nil && serfStatus(tx, m.Name) != catalog.Critical
	case m.Status == gossip.Alive:
		rival, _ = s.rivalOf(tx, m.Name, m.Tags["id"])
		return rival, rival.Name != "" || isOther(node, m.Tags["id"])
	}
	return rival, false
}

// isOther reports whether a node, nil for none, is known to be another than the
// one of an ID.
func isOther(node *catalog.Node, id string) bool {
	return node != nil && node.ID != "" && id != "" && !strings.EqualFold(node.ID, id)
}

// rivalOf returns the living member that has an ID in the catalog under another
// name than the one given.
func (s *Set) rivalOf(tx *catalog.Tx, name, id string) (gossip.Member, bool) {
	_, owner := tx.Node(nil, id)
	if id == "" || owner == nil || !strings.EqualFold(owner.ID, id) || kernel.NodeKey(owner.Node) == kernel.NodeKey(name) {
		return gossip.Member{}, false
	}
	m, known := s.memberNamed(owner.Node)
	if !known || m.Status != gossip.Alive || !strings.EqualFold(m.Tags["id"], id) {
		return gossip.Member{}, false
	}
	return m, true
}

// ask asks a member, and its rival, in the background; the loop gets the answer.
func (s *Set) ask(ctx context.Context, m gossip.Member, reaped bool, rival gossip.Member) {
	e := s.evidence
	key := kernel.NodeKey(m.Name)
	if e.asking[key] {
		return // what gossip says when the answer is there decides
	}
	e.asking[key] = true
	e.all.Go(func() { // waited for by the reconcile loop
		select {
		case e.room <- struct{}{}:
		case <-ctx.Done():
			return
		}
		h := heard{Member: m, reaped: reaped, rival: rival}
		h.lives = s.answers(ctx, m)
		if rival.Name != "" {
			h.rivalLives = s.answers(ctx, rival)
		}
		<-e.room
		select {
		case e.heard <- h:
		case <-ctx.Done():
		}
	})
}

// answers reports whether a member answers at its address, as the one that it is.
func (s *Set) answers(ctx context.Context, m gossip.Member) bool {
	who, err := s.LAN.Identify(ctx, m)
	return err == nil && who.Is(m.Name, m.Tags["id"])
}

// reconcileHeard acts on an answer, unless gossip says something else by now.
func (s *Set) reconcileHeard(ctx context.Context, h heard) {
	delete(s.evidence.asking, kernel.NodeKey(h.Name))
	now, known := s.memberNamed(h.Name)
	if known == h.reaped || known && !isSame(now, h.Member) {
		s.reconcileNamed(ctx, map[string]gossip.Member{kernel.NodeKey(h.Name): h.Member})
		return
	}
	s.reconcileWith(ctx, h.Member, func() error { return s.follow(ctx, h) })
}

func isSame(a, b gossip.Member) bool {
	return a.Status == b.Status && a.Addr.Equal(b.Addr) && a.Port == b.Port && a.Tags["id"] == b.Tags["id"]
}

// follow brings the catalog in line with a member that was asked.
func (s *Set) follow(ctx context.Context, h heard) error {
	isAlive := !h.reaped && h.Status == gossip.Alive
	switch {
	case isAlive && h.rivalLives:
		s.clashes(h.Member, h.rival)
		return nil
	case isAlive:
		delete(s.evidence.clash, kernel.NodeKey(h.Name))
		if !h.lives {
			return nil // it is not what gossip says, or not any more
		}
		return s.giveName(ctx, h.Member)
	case h.lives:
		s.Logger.Warn("keeping member that is said to be gone: it answers", "member", h.Name, "status", h.Status, "address", h.Addr)
		return nil
	}
	return s.reconcileMember(ctx, h.Member, h.reaped)
}

// clashes says that two living agents share an ID, once for each two.
func (s *Set) clashes(m, rival gossip.Member) {
	if s.evidence.clash[kernel.NodeKey(m.Name)] == rival.Name {
		return
	}
	s.evidence.clash[kernel.NodeKey(m.Name)] = rival.Name
	s.Logger.Error("refusing member: " + sharedID(m.Name, m.Addr.String(), rival).Error())
}

func sharedID(name, address string, rival gossip.Member) error {
	return fault.New(fault.Rejected, textSharedID, rival.Tags["id"], name, address, rival.Name, rival.Addr)
}

// giveName gives the name of a member to the ID under which it answers. Whoever
// had it is nowhere any more, and what it held goes.
func (s *Set) giveName(ctx context.Context, m gossip.Member) error {
	node, _ := kernel.NodeNamed(s.Store.Read(), m.Name)
	info, isServer := gossip.ParseServer(m)
	if isServer && info.Datacenter == s.Datacenter && isOther(node, m.Tags["id"]) {
		if err := s.ensurePeer(ctx, info); err != nil {
			return err
		}
	}
	if isOther(node, m.Tags["id"]) {
		s.Logger.Info("machine was rebuilt: giving the name to the agent that has it now", "member", m.Name, "old_id", node.ID, "id", m.Tags["id"])
		if _, _, err := s.Apply(ctx, catalog.DeregisterCommand, &catalog.Deregister{Node: m.Name}); err != nil {
			return err
		}
	}
	return s.memberAlive(ctx, m)
}

// SettleNode sees to it, before an agent's registration is logged, that its node
// may have the name and the ID that it claims. Where another one has the name,
// the leader is told to look, and given some time; a living rival of its ID
// refuses it.
func (s *Set) SettleNode(ctx context.Context, reg *catalog.Register) error {
	if reg.ID == "" || reg.SkipNodeUpdate {
		return nil
	}
	tx := s.Store.Read()
	if rival, ok := s.rivalOf(tx, reg.Node, reg.ID); ok && s.answers(ctx, rival) {
		return sharedID(reg.Node, reg.Address, rival)
	}
	node, _ := kernel.NodeNamed(tx, reg.Node)
	if !isOther(node, reg.ID) || serfStatus(tx, reg.Node) == catalog.Critical {
		return nil
	}
	m, known := s.memberNamed(reg.Node)
	if !known || m.Status != gossip.Alive {
		return nil
	}
	if !strings.EqualFold(m.Tags["id"], reg.ID) && s.answers(ctx, m) {
		return nil // the catalog refuses it
	}
	s.HandleLAN(gossip.Event{Type: gossip.Updated, Members: []gossip.Member{m}})
	s.awaitName(ctx, reg)
	return nil
}

// awaitName waits until the name is free, or belongs to the registration's ID.
func (s *Set) awaitName(ctx context.Context, reg *catalog.Register) {
	ctx, cancel := context.WithTimeout(ctx, nameTime)
	defer cancel()
	for {
		node, _ := kernel.NodeNamed(s.Store.Read(), reg.Node)
		if !isOther(node, reg.ID) || !life.Pause(ctx, nameLook) {
			return
		}
	}
}
