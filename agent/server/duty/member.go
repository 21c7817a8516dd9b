package duty

import (
	"context"
	"maps"
	"net"
	"strconv"
	"strings"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/gossip"
	"praetor/internal/version"
)

// What the serfHealth check of a node says (reference/internals.md §2).
const (
	serfHealthName   = "Serf Health Status"
	outputAlive      = "Agent alive and reachable"
	outputFailed     = "Agent not live or unreachable"
	metaVersion      = "consul-version"
	raftVersion      = "3"
	deregisterMyself = "deregistering self should be done by follower"
)

// reconcileMember brings the catalog in line with one member (reference/internals.md §2).
func (s *Set) reconcileMember(ctx context.Context, m gossip.Member, reaped bool) error {
	switch {
	case reaped || m.Status == gossip.Left:
		return s.memberGone(ctx, m)
	case m.Status == gossip.Failed:
		return s.memberFailed(ctx, m)
	case m.Status == gossip.Alive && kernel.NodeKey(m.Name) == kernel.NodeKey(s.Name):
		return s.giveName(ctx, m) // in a state that was restored it may be another's
	case m.Status == gossip.Alive:
		return s.memberAlive(ctx, m)
	}
	return nil
}

func (s *Set) memberAlive(ctx context.Context, m gossip.Member) error {
	info, isServer := gossip.ParseServer(m)
	isServer = isServer && info.Datacenter == s.Datacenter
	if isServer {
		if err := s.ensurePeer(ctx, info); err != nil {
			return err
		}
	}
	reg := &catalog.Register{
		Node: m.Name, ID: m.Tags["id"], Address: m.Addr.String(), Datacenter: s.Datacenter,
		Checks: []*catalog.Check{serfCheck(m.Name, catalog.Passing, outputAlive)},
	}
	if isServer {
		reg.Service = serverService(m, info)
	}
	tx := s.Store.Read()
	node, services := kernel.NodeNamed(tx, m.Name)
	sameNode := isNodeOf(m, node)
	if sameNode && serfStatus(tx, m.Name) == catalog.Passing && sameServer(services, reg.Service) {
		return nil
	}
	// The member's own agent may register at this moment: what it says of its
	// node is only replaced where gossip knows better.
	reg.SkipNodeUpdate = node == nil || sameNode
	if node == nil {
		reg.NodeMeta = map[string]string{metaVersion: version.Compatible}
	} else {
		reg.TaggedAddresses, reg.NodeMeta, reg.Locality = node.TaggedAddresses, node.Meta, node.Locality
	}
	s.Logger.Info("member joined, marking health alive", "member", m.Name)
	_, _, err := s.Apply(ctx, catalog.RegisterCommand, reg)
	return err
}

// isNodeOf reports whether a node of the catalog, nil for none, is at the address
// of a member and has its ID.
func isNodeOf(m gossip.Member, node *catalog.Node) bool {
	return node != nil && node.Address == m.Addr.String() && node.ID == strings.ToLower(m.Tags["id"])
}

func serfCheck(node, status, output string) *catalog.Check {
	return &catalog.Check{Node: node, CheckID: catalog.SerfHealth, Name: serfHealthName, Status: status, Output: output}
}

func serfStatus(tx *catalog.Tx, node string) string {
	if c := kernel.CheckWithID(tx, node, catalog.SerfHealth); c != nil {
		return c.Status
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
		Node: m.Name, ID: kernel.ConsulService, Service: kernel.ConsulService, Port: n, Meta: meta,
		Weights: catalog.Weights{Passing: 1, Warning: 1},
	}
}

// sameServer reports whether a node already has the consul service as it should
// be; want is nil for clients.
func sameServer(services []*catalog.Service, want *catalog.Service) bool {
	if want == nil {
		return true
	}
	svc := kernel.ServiceWithID(services, kernel.ConsulService)
	return svc != nil && svc.Port == want.Port && maps.Equal(svc.Meta, want.Meta)
}

func (s *Set) memberFailed(ctx context.Context, m gossip.Member) error {
	tx := s.Store.Read()
	node, _ := kernel.NodeNamed(tx, m.Name)
	if node == nil || isOther(node, m.Tags["id"]) {
		return nil // never registered, gone already, or its name is another's
	}
	if serfStatus(tx, m.Name) == catalog.Critical {
		return nil // wherever gossip has it: its address stays
	}
	s.Logger.Info("member failed, marking health critical", "member", m.Name)
	_, _, err := s.Apply(ctx, catalog.RegisterCommand, &catalog.Register{
		Node: m.Name, ID: node.ID, Address: node.Address, Datacenter: s.Datacenter, SkipNodeUpdate: true,
		Checks: []*catalog.Check{serfCheck(m.Name, catalog.Critical, outputFailed)},
	})
	return err
}

// memberGone removes a member that left or was forgotten.
func (s *Set) memberGone(ctx context.Context, m gossip.Member) error {
	if kernel.NodeKey(m.Name) == kernel.NodeKey(s.Name) {
		s.Logger.Warn(deregisterMyself)
		return nil
	}
	if info, ok := gossip.ParseServer(m); ok && info.Datacenter == s.Datacenter {
		if err := s.removePeer(info); err != nil {
			return err
		}
	}
	if node, _ := kernel.NodeNamed(s.Store.Read(), m.Name); node == nil || isOther(node, m.Tags["id"]) {
		return nil
	}
	s.Logger.Info("deregistering member", "member", m.Name)
	_, _, err := s.Apply(ctx, catalog.DeregisterCommand, &catalog.Deregister{Node: m.Name})
	return err
}

// maxMemberEvents bounds the member events that wait for the leader loop. One
// that does not fit is dropped, and a full pass over all members made instead.
const maxMemberEvents = 256

// HandleLAN takes an event of the LAN pool. It does not block.
func (s *Set) HandleLAN(e gossip.Event) {
	if e.Type == gossip.User {
		return
	}
	wake(s.bootstrapped)
	if !s.Raft.IsLeader() {
		return
	}
	select {
	case s.memberEvents <- e:
	default:
		s.missed.Store(true)
	}
}

func wake(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default: // already due
	}
}
