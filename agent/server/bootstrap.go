package server

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"praetor/gossip"
	"praetor/internal/ops"
	"praetor/raftstore"
)

// How a server with bootstrap_expect goes about it (reference/internals.md §9).
const (
	bootstrapRetry    = time.Second // between looks when nothing changed
	bootstrapAskTime  = 3 * time.Second
	bootstrapAskTries = 6
)

// bootstrapAlone makes a server that need not wait for others the whole cluster.
func (s *Server) bootstrapAlone() error {
	if !s.opts.Bootstrap && !s.opts.Dev && s.opts.BootstrapExpect != 1 || s.raft.HasState() {
		return nil
	}
	return s.raft.Bootstrap([]raftstore.Peer{{ID: s.opts.ID, Address: s.opts.Address, Voter: true}})
}

// runBootstrap waits until the servers expected are there and none of them has
// state, then makes them the first configuration. It ends for good once this
// server has state, however it came by it.
func (s *Server) runBootstrap(ctx context.Context) error {
	ticker := time.NewTicker(bootstrapRetry)
	defer ticker.Stop()
	for s.opts.BootstrapExpect > 1 && !s.raft.HasState() {
		if s.bootstrapOnce(ctx) {
			break
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		case <-s.bootstrapped:
		}
	}
	<-ctx.Done() // a part lives as long as its group
	return nil
}

// bootstrapOnce tells whether this server needs no further attempt.
func (s *Server) bootstrapOnce(ctx context.Context) bool {
	servers, why := s.candidates()
	if why != "" {
		s.logger.Debug("not bootstrapping yet", "reason", why, "servers", len(servers), "expected", s.opts.BootstrapExpect)
		return false
	}
	for _, other := range servers {
		if other.ID == s.opts.ID {
			continue
		}
		peers, err := s.askPeers(ctx, other.RPCAddress)
		if err != nil {
			s.logger.Warn("ask server for its raft peers before bootstrap", "server", other.Name, "error", err)
			return false
		}
		if len(peers) > 0 {
			s.logger.Info("existing Raft peers reported, disabling bootstrap mode", "server", other.Name)
			return true
		}
	}
	var peers []raftstore.Peer
	for _, c := range servers {
		peers = append(peers, raftstore.Peer{ID: c.ID, Address: c.RPCAddress, Voter: !c.NonVoter})
	}
	if s.raft.HasState() {
		return true // somebody was quicker and has already told this server
	}
	s.logger.Info("found expected number of peers, attempting bootstrap", "peers", peers)
	if err := s.raft.Bootstrap(peers); err != nil {
		s.logger.Error("bootstrap", "error", err)
		return false
	}
	return true
}

// candidates lists, by ID, the servers that the first configuration would
// hold, or says why it is not time yet.
//
// Servers that were told the same number initiate; servers that were told none
// count and take part, but never initiate. All initiators must agree on one
// list, or two of them could found two clusters. When every server was told,
// all list exactly those N, so their lists agree once each sees N and no more.
// When some were not told, only the initiator with the lowest ID acts, and
// takes all servers it sees.
func (s *Server) candidates() ([]gossip.ServerInfo, string) {
	var told, silent []gossip.ServerInfo
	for _, m := range s.opts.LAN.Members() {
		info, ok := gossip.ParseServer(m)
		if !ok || info.Datacenter != s.opts.Datacenter || m.Status != gossip.Alive {
			continue
		}
		switch {
		case info.Bootstrap:
			s.logger.Error("Member is in bootstrap mode. Expect disabled.", "member", m.Name)
			return nil, "a server bootstraps by itself"
		case info.Expect == 0:
			silent = append(silent, info)
		case info.Expect != s.opts.BootstrapExpect:
			s.logger.Error("Member has a conflicting expect value. All nodes should expect the same number.", "member", m.Name, "expect", info.Expect)
			return nil, "servers expect different numbers"
		default:
			told = append(told, info)
		}
	}
	byID := func(a, b gossip.ServerInfo) int { return cmp.Compare(a.ID, b.ID) }
	slices.SortFunc(told, byID)
	all := append(slices.Clone(told), silent...)
	slices.SortFunc(all, byID)
	switch {
	case len(all) < s.opts.BootstrapExpect:
		return all, "too few servers"
	case len(told) == 0 || told[0].ID != s.opts.ID:
		return all, "another server initiates"
	}
	return all, ""
}

// askPeers asks a server for its Raft peers, more patiently each time.
func (s *Server) askPeers(ctx context.Context, address string) ([]string, error) {
	var err error
	pause := 100 * time.Millisecond
	for range bootstrapAskTries {
		var addresses []string
		if addresses, err = s.peersAt(ctx, address); err == nil {
			return addresses, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause + rand.N(pause)):
		}
		pause *= 2
	}
	return nil, err
}

func (s *Server) peersAt(ctx context.Context, address string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, bootstrapAskTime)
	defer cancel()
	m, err := s.router.DoAt(ctx, address, ops.StatusPeers.Desc, &ops.StatusRequest{})
	if err != nil {
		return nil, err
	}
	return m.(*ops.StatusPeersReply).Addresses, nil
}
