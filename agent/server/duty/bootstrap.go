package duty

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"praetor/agent/server/kernel"
	"praetor/gossip"
	"praetor/internal/ops"
	"praetor/internal/rpc"
	"praetor/raftstore"
)

// How a server with bootstrap_expect goes about it (reference/internals.md §9).
const (
	bootstrapRetry    = time.Second // between looks when nothing changed
	bootstrapAskTime  = 3 * time.Second
	bootstrapAskTries = 6

	// settleTime is how long the list of servers must stay the same before one
	// that counts servers nobody told a number acts on it. News crosses a LAN
	// pool within a second.
	settleTime = 2 * time.Second
)

// BootstrapAlone makes a server that need not wait for others the whole cluster.
func (s *Set) BootstrapAlone() error {
	if !s.opts.Bootstrap && !s.opts.Dev && s.opts.BootstrapExpect != 1 || s.Raft.HasState() {
		return nil
	}
	return s.Raft.Bootstrap([]raftstore.Peer{{ID: s.ID, Address: s.opts.Address, Voter: true}})
}

// RunBootstrap waits until the servers expected are there and none of them has
// state, then makes them the first configuration. It ends for good once this
// server has state, however it came by it.
func (s *Set) RunBootstrap(ctx context.Context) error {
	ticker := time.NewTicker(bootstrapRetry)
	defer ticker.Stop()
	var seen settling
	for s.opts.BootstrapExpect > 1 && !s.opts.ReadReplica && !s.Raft.HasState() {
		if s.bootstrapOnce(ctx, &seen) {
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

// bootstrapOnce reports whether this server needs no further attempt.
func (s *Set) bootstrapOnce(ctx context.Context, seen *settling) bool {
	servers, why := s.candidates()
	if why.text == "" && !seen.settled(servers) {
		why.text = "servers that were told no number count, and more may be joining"
	}
	if why.text != "" {
		seen.tell(s, why)
		return false
	}
	for _, other := range servers {
		if other.ID == s.ID {
			continue
		}
		peers, err := s.askPeers(ctx, kernel.ServerAt(other))
		if err != nil {
			s.Logger.Warn("ask server for its raft peers before bootstrap", "server", other.Name, "error", err)
			return false
		}
		if len(peers) > 0 {
			s.Logger.Info("existing Raft peers reported, disabling bootstrap mode", "server", other.Name)
			return true
		}
	}
	var peers []raftstore.Peer
	for _, c := range servers {
		peers = append(peers, raftstore.Peer{ID: c.ID, Address: c.RPCAddress, Voter: true})
	}
	if s.Raft.HasState() {
		return true // somebody was quicker and has already told this server
	}
	s.Logger.Info("found expected number of peers, attempting bootstrap", "peers", peers)
	if err := s.Raft.Bootstrap(peers); err != nil {
		s.Logger.Error("bootstrap", "error", err)
		return false
	}
	return true
}

// settling remembers since when the list of servers is what it is, and what
// was logged last.
type settling struct {
	list  string
	since time.Time
	told  obstacle
}

// settled reports whether a list may be acted on: one that holds servers nobody
// told a number only when it has not changed for a while.
func (v *settling) settled(servers []gossip.ServerInfo) bool {
	var list strings.Builder
	silent := false
	for _, c := range servers {
		silent = silent || c.Expect == 0
		list.WriteString(c.ID + " " + c.RPCAddress + "\n")
	}
	if list.String() != v.list {
		v.list, v.since = list.String(), time.Now()
	}
	return !silent || time.Since(v.since) >= settleTime
}

// obstacle is why it is not time to bootstrap; the zero value means it is.
type obstacle struct {
	text   string
	member string // who is in the way, "" if that is no fault
}

// tell logs an obstacle when it is news.
func (v *settling) tell(s *Set, why obstacle) {
	switch {
	case why == v.told:
	case why.member != "":
		s.Logger.Error(why.text, "member", why.member)
	default:
		s.Logger.Debug("not bootstrapping yet", "reason", why.text, "expected", s.opts.BootstrapExpect)
	}
	v.told = why
}

// candidates lists, by ID, the servers that the first configuration would
// hold, or says why it is not time yet.
//
// Servers that were told the number initiate; servers that were told none never
// do, and count only where too few were told. Two clusters must not be founded,
// so of the initiators only the one with the lowest ID acts. It takes all it
// sees, asks each for its peers, and stops for good if one has any.
//
//   - N servers exist and all were told: whoever sees N sees the one with the
//     lowest ID, so nobody else ever acts. Servers told nothing join later.
//   - One server was told: nobody else can act.
//   - Several, but fewer than N, were told: two could act only if neither saw
//     the other and each saw others enough, so the list must settle first; the
//     one with the higher ID then sees the lower and waits for it.
//
// An initiator that crashes after it wrote the configuration comes back with
// it. If another founded the cluster in the meantime, both configurations hold
// most of the same servers and Raft lets only one win. What no rule here can
// help is a network cut in two halves of N servers each before the first start.
func (s *Set) candidates() ([]gossip.ServerInfo, obstacle) {
	var told, silent []gossip.ServerInfo
	for _, m := range s.LAN.Members() {
		info, ok := gossip.ParseServer(m)
		if !ok || info.Datacenter != s.Datacenter || m.Status != gossip.Alive || info.NonVoter {
			continue // a read replica joins what others found
		}
		switch {
		case info.Bootstrap:
			return nil, obstacle{"Member is in bootstrap mode. Expect disabled.", m.Name}
		case info.Expect == 0:
			silent = append(silent, info)
		case info.Expect != s.opts.BootstrapExpect:
			return nil, obstacle{"Member has a conflicting expect value. All nodes should expect the same number.", m.Name}
		default:
			told = append(told, info)
		}
	}
	byID := func(a, b gossip.ServerInfo) int { return cmp.Compare(a.ID, b.ID) }
	slices.SortFunc(told, byID)
	all := told
	if len(told) < s.opts.BootstrapExpect {
		all = append(slices.Clone(told), silent...)
		slices.SortFunc(all, byID)
	}
	switch {
	case len(all) < s.opts.BootstrapExpect:
		return all, obstacle{text: "too few servers"}
	case len(told) == 0 || told[0].ID != s.ID:
		return all, obstacle{text: "another server initiates"}
	}
	return all, obstacle{}
}

// askPeers asks a server for its Raft peers, more patiently each time.
func (s *Set) askPeers(ctx context.Context, other rpc.Server) ([]string, error) {
	var err error
	pause := 100 * time.Millisecond
	for range bootstrapAskTries {
		var rep *ops.StatusPeersReply
		if rep, err = s.peersAt(ctx, other); err == nil {
			return rep.Addresses, nil
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

func (s *Set) peersAt(ctx context.Context, other rpc.Server) (*ops.StatusPeersReply, error) {
	ctx, cancel := context.WithTimeout(ctx, bootstrapAskTime)
	defer cancel()
	m, err := s.Router.DoAt(ctx, other, ops.StatusPeers.Desc, &ops.StatusRequest{})
	if err != nil {
		return nil, err
	}
	return m.(*ops.StatusPeersReply), nil
}
