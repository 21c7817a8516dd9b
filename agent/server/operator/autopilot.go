package operator

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/hashicorp/raft"
	autopilot "github.com/hashicorp/raft-autopilot"

	"praetor/agent/server/duty"
	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
)

func (h *Handlers) operatorAutopilot(ctx context.Context, _ *acl.Authorizer, req *ops.OperatorAutopilotRequest) (*ops.OperatorAutopilotReply, error) {
	if err := h.AdmitRead(ctx, &req.ReadOptions); err != nil {
		return nil, err
	}
	return &ops.OperatorAutopilotReply{Config: h.Store.Read().Autopilot()}, nil
}

func (h *Handlers) operatorSetAutopilot(ctx context.Context, _ *acl.Authorizer, req *ops.OperatorSetAutopilotRequest) (*ops.OperatorSetAutopilotReply, error) {
	config := req.Config
	switch {
	case !req.CAS:
		config.ModifyIndex = 0
	case config.ModifyIndex == 0: // it exists since the first leader
		return &ops.OperatorSetAutopilotReply{}, nil
	}
	switch _, _, err := h.Apply(ctx, catalog.AutopilotCommand, &config); {
	case fault.KindOf(err) == fault.Conflict:
		return &ops.OperatorSetAutopilotReply{}, nil
	case err != nil:
		return nil, err
	}
	return &ops.OperatorSetAutopilotReply{Done: true}, nil
}

// operatorAutopilotState is empty while a leader's autopilot has not yet looked
// (reference/http-operator-acl.md §1).
func (h *Handlers) operatorAutopilotState(ctx context.Context, _ *acl.Authorizer, req *ops.OperatorAutopilotStateRequest) (*ops.OperatorAutopilotStateReply, error) {
	if err := h.AdmitRead(ctx, &req.ReadOptions); err != nil {
		return nil, err
	}
	rep := &ops.OperatorAutopilotStateReply{}
	pilot := h.duties.Pilot()
	if pilot == nil {
		return rep, nil
	}
	state := pilot.GetState()
	if state == nil {
		return rep, nil
	}
	rep.Healthy, rep.FailureTolerance, rep.Leader = state.Healthy, state.FailureTolerance, string(state.Leader)
	for _, id := range state.Voters {
		rep.Voters = append(rep.Voters, string(id))
	}
	slices.Sort(rep.Voters)
	for id, server := range state.Servers {
		rep.Servers = append(rep.Servers, h.autopilotServer(id, server))
	}
	if place, ok := state.Ext.(duty.Placement); ok {
		showPlacement(rep, place)
	}
	slices.SortFunc(rep.Servers, func(a, b ops.AutopilotServer) int { return cmp.Compare(a.ID, b.ID) })
	return rep, nil
}

func (h *Handlers) autopilotServer(id raft.ServerID, state *autopilot.ServerState) ops.AutopilotServer {
	server := ops.AutopilotServer{
		ID: string(id), Name: state.Server.Name, Address: string(state.Server.Address),
		NodeStatus: string(state.Server.NodeStatus), Version: state.Server.Version,
		Status: string(state.State), Voter: state.HasVotingRights(), Leader: state.State == autopilot.RaftLeader,
		LastContact: state.Stats.LastContact, LastTerm: state.Stats.LastTerm, LastIndex: state.Stats.LastIndex,
		Healthy: state.Health.Healthy, StableSince: state.Health.StableSince.UTC().Truncate(time.Second), NodeType: string(state.Server.NodeType),
	}
	if place, ok := state.Server.Ext.(duty.Place); ok {
		server.Zone, server.Upgrade = place.Zone, place.Version
	}
	if node, _ := kernel.NodeNamed(h.Store.Read(), server.Name); node != nil {
		server.Meta = node.Meta
	}
	return server
}

func showPlacement(rep *ops.OperatorAutopilotStateReply, place duty.Placement) {
	rep.Standbys = place.Standbys
	if u := place.Upgrade; u != nil {
		rep.Upgrade = new(ops.AutopilotUpgrade(*u))
	}
	if place.Zones == nil {
		return
	}
	rep.Zones = map[string]ops.AutopilotZone{}
	for name, zone := range place.Zones {
		rep.Zones[name] = ops.AutopilotZone(zone)
	}
}
