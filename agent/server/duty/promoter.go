package duty

import (
	"maps"
	"slices"
	"time"

	"github.com/hashicorp/raft"
	autopilot "github.com/hashicorp/raft-autopilot"
	"golang.org/x/mod/semver"
)

// Types of servers beside autopilot.NodeVoter, by Consul's names.
const (
	NodeReadReplica    autopilot.NodeType = "read-replica"
	NodeZoneVoter      autopilot.NodeType = "zone-voter"
	NodeZoneExtraVoter autopilot.NodeType = "zone-extra-voter" // votes, and another of its zone should
	NodeZoneStandby    autopilot.NodeType = "zone-standby"
)

// Place is what decides, beside health, whether a server shall vote. It is the Ext of
// autopilot's servers.
type Place struct {
	Replica bool
	Zone    string // "": none, and it stands for itself
	Version string // "" or no version: older than all that have one
}

// placing is the part of the configuration that the library has no field for. It is the
// Ext of autopilot's configuration.
type placing struct {
	zones    bool
	upgrades bool // a version's servers give way to those of a newer one
	disabled bool // upgrades are told of, and not made
}

// writeOff is how long a server must have failed before that costs it its place in Raft, or
// its zone's vote. Gossip notices the end of a process within a second or two, and one
// that is started again may take longer.
const writeOff = 5 * time.Second

// promoter gives votes to servers that proved stable, but never to read replicas, to one
// of each redundancy zone, and to those of the newest version once they can carry on
// alone. Where neither zones nor versions are configured it is the library's own.
type promoter struct{ autopilot.StablePromoter }

// plan is who shall vote.
type plan struct {
	voters  map[raft.ServerID]bool
	upgrade *Upgrade // nil if versions do not matter
}

func placeOf(s *autopilot.ServerState) Place {
	p, _ := s.Server.Ext.(Place)
	return p
}

func versionOf(s *autopilot.ServerState) string { return "v" + placeOf(s).Version }

// planFor decides who shall vote. Nobody is planned who would have to be waited for,
// unless it votes already.
func planFor(c *autopilot.Config, s *autopilot.State, now time.Time) plan {
	rules, _ := c.Ext.(placing)
	election := election{zones: rules.zones, now: now, wait: s.ServerStabilizationTime(c)}
	ids := slices.Collect(maps.Keys(s.Servers))
	autopilot.SortServers(ids, s) // the leader, then voters, then by health
	for _, id := range ids {
		if !placeOf(s.Servers[id]).Replica {
			election.pool = append(election.pool, s.Servers[id])
		}
	}
	if !rules.upgrades {
		return plan{voters: election.choose(anybody)}
	}
	target, oldest := "", ""
	for _, srv := range election.pool {
		v := versionOf(srv)
		if target == "" || semver.Compare(v, target) > 0 {
			target = v
		}
		if srv.HasVotingRights() && (oldest == "" || semver.Compare(v, oldest) < 0) {
			oldest = v
		}
	}
	isNew := func(srv *autopilot.ServerState) bool { return semver.Compare(versionOf(srv), target) == 0 }
	oldVoters := 0
	for _, srv := range election.pool {
		if !isNew(srv) && srv.HasVotingRights() {
			oldVoters++
		}
	}
	successors := election.choose(func(srv *autopilot.ServerState) bool { return isNew(srv) && srv.Health.Healthy })
	enough := len(successors) > 0 && len(successors) >= oldVoters
	var p plan
	switch {
	case rules.disabled:
		p.voters = election.choose(anybody)
	case enough:
		p.voters = election.choose(isNew)
	default: // the new ones wait, and those that an earlier upgrade left behind do not come back
		p.voters = election.choose(func(srv *autopilot.ServerState) bool {
			return srv.HasVotingRights() || !isNew(srv) && semver.Compare(versionOf(srv), oldest) >= 0
		})
	}
	if target == "" {
		return p // replicas only
	}
	p.upgrade = upgradeOf(s, ids, target, isNew)
	p.upgrade.Status = p.upgrade.status(rules.disabled, enough, s, p.voters)
	return p
}

func anybody(*autopilot.ServerState) bool { return true }

// election picks who shall vote.
type election struct {
	pool  []*autopilot.ServerState // best first
	zones bool
	now   time.Time
	wait  time.Duration
}

// choose takes all that may vote, or one of each zone. A zone's voter keeps its vote
// until it has failed and another of the zone may have it.
func (e *election) choose(eligible func(*autopilot.ServerState) bool) map[raft.ServerID]bool {
	chosen, best := map[raft.ServerID]bool{}, map[string]*autopilot.ServerState{}
	for _, srv := range e.pool {
		zone := placeOf(srv).Zone
		switch {
		case !eligible(srv), !srv.HasVotingRights() && !e.isStable(srv):
		case !e.zones || zone == "":
			chosen[srv.Server.ID] = true
		case best[zone] == nil || e.hasFailed(best[zone]) && srv.Health.Healthy:
			best[zone] = srv
		}
	}
	for _, srv := range best {
		chosen[srv.Server.ID] = true
	}
	return chosen
}

func (e *election) isStable(srv *autopilot.ServerState) bool {
	return srv.State == autopilot.RaftNonVoter && srv.Health.IsStable(e.now, e.wait)
}

// hasFailed is not said of a server that hiccups, or is started again: its vote would go
// for a moment's silence.
func (e *election) hasFailed(srv *autopilot.ServerState) bool {
	if srv.Server.NodeStatus != autopilot.NodeAlive {
		return isWrittenOff(srv.Server.NodeStatus, srv, e.now)
	}
	return !srv.Health.Healthy && e.now.Sub(srv.Health.StableSince) >= e.wait
}

// isWrittenOff reports whether a server that gossip does not see alive is not waited for
// any more. One that failed has been unhealthy since.
func isWrittenOff(status autopilot.NodeStatus, srv *autopilot.ServerState, now time.Time) bool {
	if status != autopilot.NodeFailed || srv == nil {
		return true
	}
	return !srv.Health.Healthy && now.Sub(srv.Health.StableSince) >= writeOff
}

// FilterFailedServerRemovals keeps those that may yet come back at once.
func (promoter) FilterFailedServerRemovals(_ *autopilot.Config, s *autopilot.State, failed *autopilot.FailedServers) *autopilot.FailedServers {
	now := time.Now()
	mayReturn := func(srv *autopilot.Server) bool { return !isWrittenOff(srv.NodeStatus, s.Servers[srv.ID], now) }
	rest := *failed
	rest.FailedVoters = slices.DeleteFunc(slices.Clone(failed.FailedVoters), mayReturn)
	rest.FailedNonVoters = slices.DeleteFunc(slices.Clone(failed.FailedNonVoters), mayReturn)
	return &rest
}

// CalculatePromotionsAndDemotions gives votes first. Then, if most of those who shall
// vote are healthy, it takes those of the others; the leader hands over before. A failed
// server's vote need not wait.
func (promoter) CalculatePromotionsAndDemotions(c *autopilot.Config, s *autopilot.State) autopilot.RaftChanges {
	p := planFor(c, s, time.Now())
	var changes autopilot.RaftChanges
	healthy := 0
	for _, id := range slices.Sorted(maps.Keys(p.voters)) {
		switch srv := s.Servers[id]; {
		case !srv.HasVotingRights():
			changes.Promotions = append(changes.Promotions, id)
		case srv.Health.Healthy:
			healthy++
		}
	}
	ready := len(changes.Promotions) == 0 && 2*healthy > len(p.voters)
	for _, id := range s.Voters {
		switch srv := s.Servers[id]; {
		case p.voters[id] || len(p.voters) == 0:
		case srv.State == autopilot.RaftLeader:
			if ready {
				changes.Leader = successor(s, p.voters)
			}
		case ready || !srv.Health.Healthy:
			changes.Demotions = append(changes.Demotions, id)
		}
	}
	return changes
}

// successor is the server that shall lead, "" if none can.
func successor(s *autopilot.State, voters map[raft.ServerID]bool) raft.ServerID {
	for _, id := range s.Voters { // best first
		if voters[id] && s.Servers[id].Health.Healthy {
			return id
		}
	}
	return ""
}

// GetNodeTypes says what each server is for.
func (promoter) GetNodeTypes(c *autopilot.Config, s *autopilot.State) map[raft.ServerID]autopilot.NodeType {
	rules, _ := c.Ext.(placing)
	p := planFor(c, s, time.Now())
	types := map[raft.ServerID]autopilot.NodeType{}
	for id, srv := range s.Servers {
		switch place := placeOf(srv); {
		case place.Replica:
			types[id] = NodeReadReplica
		case !rules.zones || place.Zone == "":
			types[id] = autopilot.NodeVoter
		case p.voters[id]:
			types[id] = NodeZoneVoter
		case srv.HasVotingRights():
			types[id] = NodeZoneExtraVoter
		default:
			types[id] = NodeZoneStandby
		}
	}
	return types
}

// IsPotentialVoter is asked before dead servers are removed.
func (promoter) IsPotentialVoter(t autopilot.NodeType) bool { return t != NodeReadReplica }

// Zone is a redundancy zone, its servers by ID.
type Zone struct {
	Servers, Voters  []string
	FailureTolerance int // healthy servers that may be lost while one is left
}

// Upgrade is how far a change to servers of a newer version has come. Its lists hold IDs.
type Upgrade struct {
	Status, TargetVersion                             string
	TargetVoters, TargetNonVoters, TargetReadReplicas []string
	OtherVoters, OtherNonVoters, OtherReadReplicas    []string
}

// Placement is what the promoter adds to autopilot's state, as its Ext.
type Placement struct {
	Standbys int             // healthy servers that would get a vote when another fails
	Zones    map[string]Zone // nil if zones do not matter
	Upgrade  *Upgrade        // nil if versions do not matter
}

// GetStateExt returns the Placement.
func (promoter) GetStateExt(c *autopilot.Config, s *autopilot.State) any {
	rules, _ := c.Ext.(placing)
	p := planFor(c, s, time.Now())
	state := Placement{Upgrade: p.upgrade}
	if !rules.zones {
		return state
	}
	state.Zones = map[string]Zone{}
	for _, id := range slices.Sorted(maps.Keys(s.Servers)) {
		srv := s.Servers[id]
		place := placeOf(srv)
		if place.Replica || place.Zone == "" {
			continue
		}
		zone := state.Zones[place.Zone]
		if len(zone.Servers) == 0 {
			zone.FailureTolerance = -1
		}
		zone.Servers = append(zone.Servers, string(id))
		if srv.HasVotingRights() {
			zone.Voters = append(zone.Voters, string(id))
		} else if srv.Health.Healthy {
			state.Standbys++
		}
		if srv.Health.Healthy {
			zone.FailureTolerance++
		}
		state.Zones[place.Zone] = zone
	}
	for name, zone := range state.Zones {
		zone.FailureTolerance = max(zone.FailureTolerance, 0)
		state.Zones[name] = zone
	}
	return state
}

func upgradeOf(s *autopilot.State, ids []raft.ServerID, target string, isNew func(*autopilot.ServerState) bool) *Upgrade {
	u := &Upgrade{TargetVersion: target[1:]}
	for _, id := range slices.Sorted(slices.Values(ids)) {
		srv := s.Servers[id]
		if placeOf(srv).Replica {
			list := &u.OtherReadReplicas
			if isNew(srv) {
				list = &u.TargetReadReplicas
			}
			*list = append(*list, string(id))
			continue
		}
		list := map[[2]bool]*[]string{
			{true, true}: &u.TargetVoters, {true, false}: &u.TargetNonVoters, {false, true}: &u.OtherVoters, {false, false}: &u.OtherNonVoters,
		}[[2]bool{isNew(srv), srv.HasVotingRights()}]
		*list = append(*list, string(id))
	}
	return u
}

// status words how far it is, by Consul's names.
func (u *Upgrade) status(disabled, enough bool, s *autopilot.State, voters map[raft.ServerID]bool) string {
	missing := func(id raft.ServerID) bool { return !s.Servers[id].HasVotingRights() }
	switch {
	case disabled:
		return "disabled"
	case len(u.OtherVoters)+len(u.OtherNonVoters) == 0:
		return "idle"
	case !enough:
		return "await-new-voters"
	case slices.ContainsFunc(slices.Collect(maps.Keys(voters)), missing):
		return "promoting"
	case len(u.OtherVoters) == 1 && u.OtherVoters[0] == string(s.Leader):
		return "leader-transfer"
	case len(u.OtherVoters) > 0:
		return "demoting"
	case len(u.TargetVoters)+len(u.TargetNonVoters) < len(u.OtherNonVoters):
		return "await-new-servers"
	}
	return "await-server-removal"
}

var _ autopilot.Promoter = (*promoter)(nil)
