package server

import (
	"errors"

	"praetor/gossip"
)

// ensurePeer adds a server to the Raft configuration, without a vote, or
// corrects its address.
func (s *Server) ensurePeer(info gossip.ServerInfo) error {
	if info.ID == s.opts.ID {
		return nil
	}
	if info.Bootstrap && s.opts.Bootstrap {
		return errors.New("'" + s.opts.Name + "' and '" + info.Name + "' are both in bootstrap mode: only one server should be, not adding it as a raft peer")
	}
	peers, err := s.raft.Peers()
	if err != nil {
		return err
	}
	for _, p := range peers {
		switch {
		case p.Address != info.RPCAddress:
		case p.ID == info.ID:
			return nil
		case s.lives(p.ID, info.Name):
			return errors.New("server '" + info.Name + "' has the address of another living one: not adding it as a raft peer")
		default:
			// It must go first: its successor at the address would be taken for it.
			s.logger.Info("removing raft peer whose address another server has now", "peer", p.ID, "address", p.Address)
			if err := s.raft.RemovePeer(p.ID); err != nil {
				return err
			}
		}
	}
	s.logger.Info("adding server as raft peer", "server", info.Name, "address", info.RPCAddress)
	if err := s.raft.AddNonvoter(info.ID, info.RPCAddress); err != nil {
		return err
	}
	if pilot := s.pilot.Load(); pilot != nil {
		pilot.RemoveDeadServers() // one that was replaced need not wait
	}
	return nil
}

// lives tells whether a living server has a node ID, under another name than
// the one given.
func (s *Server) lives(id, butNot string) bool {
	for _, m := range s.opts.LAN.Members() {
		info, ok := gossip.ParseServer(m)
		if ok && info.ID == id && m.Status == gossip.Alive && nodeKey(info.Name) != nodeKey(butNot) {
			return true
		}
	}
	return false
}

// removePeer takes a server that left or was forgotten out of the Raft
// configuration, unless it lives on under another name.
func (s *Server) removePeer(info gossip.ServerInfo) error {
	peers, err := s.raft.Peers()
	if err != nil {
		return err
	}
	for _, p := range peers {
		if p.ID == info.ID && !s.lives(info.ID, info.Name) {
			s.logger.Info("removing server by ID", "server", info.Name, "id", p.ID)
			return s.raft.RemovePeer(p.ID)
		}
	}
	return nil
}
