package server

import (
	"context"
	"errors"
	"maps"
	"net"
	"strconv"
	"strings"

	"praetor/catalog"
	"praetor/gossip"
	"praetor/internal/version"
)

// What the serfHealth check of a node says (reference/internals.md §2).
const (
	serfHealthName   = "Serf Health Status"
	outputAlive      = "Agent alive and reachable"
	outputFailed     = "Agent not live or unreachable"
	consulService    = "consul"
	metaVersion      = "consul-version"
	raftVersion      = "3"
	deregisterMyself = "deregistering self should be done by follower"
)

// nodeKey is a node's identity: its name in any case.
func nodeKey(name string) string { return strings.ToLower(name) }

// reconcileMember brings the catalog in line with one member (reference/internals.md §2).
func (s *Server) reconcileMember(ctx context.Context, m gossip.Member, reaped bool) error {
	switch {
	case reaped || m.Status == gossip.Left:
		return s.memberGone(ctx, m)
	case m.Status == gossip.Failed:
		return s.memberFailed(ctx, m)
	case m.Status == gossip.Alive:
		return s.memberAlive(ctx, m)
	}
	return nil
}

func (s *Server) memberAlive(ctx context.Context, m gossip.Member) error {
	info, isServer := gossip.ParseServer(m)
	isServer = isServer && info.Datacenter == s.opts.Datacenter
	if isServer {
		if err := s.ensurePeer(info); err != nil {
			return err
		}
	}
	reg := &catalog.Register{
		Node: m.Name, ID: m.Tags["id"], Address: m.Addr.String(), Datacenter: s.opts.Datacenter,
		Checks: []*catalog.Check{serfCheck(m.Name, catalog.Passing, outputAlive)},
	}
	if isServer {
		reg.Service = serverService(m, info)
	}
	tx := s.store.Read()
	_, known := tx.NodeServices(nil, m.Name)
	if known != nil && strings.EqualFold(known.Node.Node, m.Name) {
		reg.TaggedAddresses, reg.NodeMeta, reg.Locality = known.Node.TaggedAddresses, known.Node.Meta, known.Node.Locality
		if known.Node.Address == reg.Address && known.Node.ID == reg.ID && serfStatus(tx, m.Name) == catalog.Passing && sameServer(known, reg.Service) {
			return nil
		}
	} else {
		reg.NodeMeta = map[string]string{metaVersion: version.Compatible}
	}
	s.logger.Info("member joined, marking health alive", "member", m.Name)
	_, _, err := s.apply(ctx, catalog.RegisterCommand, reg)
	return err
}

func serfCheck(node, status, output string) *catalog.Check {
	return &catalog.Check{Node: node, CheckID: catalog.SerfHealth, Name: serfHealthName, Status: status, Output: output}
}

func serfStatus(tx *catalog.Tx, node string) string {
	_, checks := tx.NodeChecks(nil, node)
	for _, c := range checks {
		if c.CheckID == catalog.SerfHealth {
			return c.Status
		}
	}
	return ""
}

// serverService is the entry that makes a server findable as consul.service.
func serverService(m gossip.Member, info gossip.ServerInfo) *catalog.Service {
	_, port, _ := net.SplitHostPort(info.RPCAddress) // ParseServer built it
	n, _ := strconv.Atoi(port)
	meta := map[string]string{
		"non_voter":             strconv.FormatBool(info.NonVoter),
		"read_replica":          strconv.FormatBool(info.NonVoter),
		"raft_version":          raftVersion,
		"serf_protocol_current": strconv.Itoa(int(m.ProtocolCur)),
		"serf_protocol_min":     strconv.Itoa(int(m.ProtocolMin)),
		"serf_protocol_max":     strconv.Itoa(int(m.ProtocolMax)),
		"version":               info.Build,
	}
	if info.GRPCPort > 0 {
		meta["grpc_port"] = strconv.Itoa(info.GRPCPort)
	}
	if info.GRPCTLSPort > 0 {
		meta["grpc_tls_port"] = strconv.Itoa(info.GRPCTLSPort)
	}
	return &catalog.Service{
		Node: m.Name, ID: consulService, Service: consulService, Port: n, Meta: meta,
		Weights: catalog.Weights{Passing: 1, Warning: 1},
	}
}

// sameServer tells whether a node already has the consul service as it should
// be; want is nil for clients.
func sameServer(known *catalog.NodeServices, want *catalog.Service) bool {
	if want == nil {
		return true
	}
	for _, svc := range known.Services {
		if svc.ID == consulService {
			return svc.Port == want.Port && maps.Equal(svc.Meta, want.Meta)
		}
	}
	return false
}

func (s *Server) memberFailed(ctx context.Context, m gossip.Member) error {
	tx := s.store.Read()
	_, node := tx.Node(nil, m.Name)
	if node == nil || !strings.EqualFold(node.Node, m.Name) {
		return nil // never registered, or gone already
	}
	if node.Address == m.Addr.String() && serfStatus(tx, m.Name) == catalog.Critical {
		return nil
	}
	s.logger.Info("member failed, marking health critical", "member", m.Name)
	_, _, err := s.apply(ctx, catalog.RegisterCommand, &catalog.Register{
		Node: m.Name, ID: node.ID, Address: node.Address, Datacenter: s.opts.Datacenter, SkipNodeUpdate: true,
		Checks: []*catalog.Check{serfCheck(m.Name, catalog.Critical, outputFailed)},
	})
	return err
}

// memberGone removes a member that left or was forgotten.
func (s *Server) memberGone(ctx context.Context, m gossip.Member) error {
	if nodeKey(m.Name) == nodeKey(s.opts.Name) {
		s.logger.Warn(deregisterMyself)
		return nil
	}
	if info, ok := gossip.ParseServer(m); ok && info.Datacenter == s.opts.Datacenter {
		if err := s.removePeer(info); err != nil {
			return err
		}
	}
	_, node := s.store.Read().Node(nil, m.Name)
	if node == nil || !strings.EqualFold(node.Node, m.Name) {
		return nil
	}
	s.logger.Info("deregistering member", "member", m.Name)
	_, _, err := s.apply(ctx, catalog.DeregisterCommand, &catalog.Deregister{Node: m.Name})
	return err
}

// reapUnknown removes nodes that gossip registered but no longer knows.
func (s *Server) reapUnknown(ctx context.Context, known map[string]bool) {
	_, checks := s.store.Read().ChecksInState(nil, "any")
	for _, c := range checks {
		if c.CheckID != catalog.SerfHealth || known[nodeKey(c.Node)] || nodeKey(c.Node) == nodeKey(s.opts.Name) {
			continue
		}
		s.logger.Info("deregistering member", "member", c.Node, "reason", "unknown to gossip")
		if _, _, err := s.apply(ctx, catalog.DeregisterCommand, &catalog.Deregister{Node: c.Node}); err != nil {
			if ctx.Err() == nil {
				s.logger.Error("failed to deregister member", "member", c.Node, "error", err)
			}
			return
		}
	}
}

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
		case p.ID == info.ID && p.Address == info.RPCAddress:
			return nil
		case p.ID != info.ID && p.Address == info.RPCAddress:
			s.logger.Info("removing raft peer whose address another server has now", "peer", p.ID, "address", p.Address)
			if err := s.raft.RemovePeer(p.ID); err != nil {
				return err
			}
		}
	}
	s.logger.Info("adding server as raft peer", "server", info.Name, "address", info.RPCAddress)
	return s.raft.AddNonvoter(info.ID, info.RPCAddress)
}

func (s *Server) removePeer(info gossip.ServerInfo) error {
	peers, err := s.raft.Peers()
	if err != nil {
		return err
	}
	for _, p := range peers {
		if p.ID == info.ID {
			s.logger.Info("removing server by ID", "server", info.Name, "id", p.ID)
			return s.raft.RemovePeer(p.ID)
		}
	}
	return nil
}
