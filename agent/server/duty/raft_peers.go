package duty

import (
	"context"
	"errors"
	"slices"

	"praetor/agent/server/kernel"
	"praetor/gossip"
	"praetor/raftstore"
)

// ensurePeer adds a server to the Raft configuration, without a vote, or
// corrects its address. It returns errVetting until the server has shown that it
// is the one that gossip says it is.
func (s *Set) ensurePeer(ctx context.Context, info gossip.ServerInfo) error {
	peers, err := s.Raft.Peers()
	if err != nil {
		return err
	}
	if info.ID == s.ID {
		return s.readdressSelf(peers)
	}
	if info.Bootstrap && s.opts.Bootstrap {
		return errors.New("'" + s.Name + "' and '" + info.Name + "' are both in bootstrap mode: only one server should be, not adding it as a raft peer")
	}
	want := raftstore.Peer{ID: info.ID, Address: info.RPCAddress}
	if slices.ContainsFunc(peers, func(p raftstore.Peer) bool { return p.ID == want.ID && p.Address == want.Address }) {
		return nil
	}
	if err := s.vet(ctx, info); err != nil {
		return err
	}
	if err := s.makeRoom(peers, want, info.Name); err != nil {
		return err
	}
	s.Logger.Info("adding server as raft peer", "server", info.Name, "address", info.RPCAddress)
	if err := s.Raft.AddNonvoter(info.ID, info.RPCAddress); err != nil {
		return err
	}
	if pilot := s.pilot.Load(); pilot != nil {
		pilot.RemoveDeadServers() // one that was replaced need not wait
	}
	return nil
}

// readdressSelf corrects the address that the Raft configuration has for this
// server, the leader: it came back with another one.
func (s *Set) readdressSelf(peers []raftstore.Peer) error {
	want := raftstore.Peer{ID: s.ID, Address: s.opts.Address}
	stale := slices.ContainsFunc(peers, func(p raftstore.Peer) bool { return p.ID == want.ID && p.Address != want.Address })
	if !stale {
		return nil
	}
	if err := s.makeRoom(peers, want, s.Name); err != nil {
		return err
	}
	s.Logger.Info("correcting own address in the Raft configuration", "address", want.Address)
	return s.Raft.AddNonvoter(want.ID, want.Address) // a voter keeps its vote
}

// makeRoom frees the address that a server, of the name given, has shown to have
// of whoever has it in the Raft configuration: no two may have one.
func (s *Set) makeRoom(peers []raftstore.Peer, want raftstore.Peer, name string) error {
	for _, p := range peers {
		if p.Address != want.Address || p.ID == want.ID {
			continue
		}
		if s.isReplaced(p.ID, name) {
			s.Logger.Info("removing raft peer whose address another server has now", "peer", p.ID, "address", p.Address)
			return s.Raft.RemovePeer(p.ID)
		}
		s.Logger.Info("raft peer has lost its address to another server: looking for it elsewhere", "peer", p.ID, "address", p.Address)
		return s.Raft.AddNonvoter(p.ID, p.ID+nowhere)
	}
	return nil
}

// isReplaced reports whether the server of an ID, which is no longer where it
// was, is gone for good: its name belongs to its successor now. Any other may
// come back elsewhere, as when servers swap addresses; if it does not, it is
// removed like all that died.
func (s *Set) isReplaced(id, successor string) bool {
	node, _ := kernel.NodeNamed(s.Store.Read(), successor)
	return node != nil && node.ID == id && !s.lives(id, successor)
}

// lives reports whether a living server has a node ID, under another name than
// the one given.
func (s *Set) lives(id, butNot string) bool {
	for _, m := range s.LAN.Members() {
		info, ok := gossip.ParseServer(m)
		if ok && info.ID == id && m.Status == gossip.Alive && kernel.NodeKey(info.Name) != kernel.NodeKey(butNot) {
			return true
		}
	}
	return false
}

// removePeer takes a server that left or was forgotten out of the Raft
// configuration, unless it lives on under another name.
func (s *Set) removePeer(info gossip.ServerInfo) error {
	peers, err := s.Raft.Peers()
	if err != nil {
		return err
	}
	for _, p := range peers {
		if p.ID == info.ID && !s.lives(info.ID, info.Name) {
			s.Logger.Info("removing server by ID", "server", info.Name, "id", p.ID)
			return s.Raft.RemovePeer(p.ID)
		}
	}
	return nil
}
