package server

import (
	"context"

	"github.com/tinylib/msgp/msgp"

	"praetor/catalog"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// mux lists the operations this server answers.
func (s *Server) mux() *rpc.Mux {
	m := rpc.NewMux()
	rpc.Handle(m, ops.KVApply, s.kvApply)
	rpc.Handle(m, ops.KVGet, s.kvGet)
	rpc.Handle(m, ops.KVList, s.kvList)
	rpc.Handle(m, ops.KVKeys, s.kvKeys)
	rpc.Handle(m, ops.SessionCreate, s.sessionCreate)
	rpc.Handle(m, ops.SessionDestroy, s.sessionDestroy)
	rpc.Handle(m, ops.SessionRenew, s.sessionRenew)
	rpc.Handle(m, ops.SessionInfo, s.sessionInfo)
	rpc.Handle(m, ops.SessionNode, s.sessionNode)
	rpc.Handle(m, ops.SessionList, s.sessionList)
	rpc.Handle(m, ops.QueryApply, s.queryApply)
	rpc.Handle(m, ops.QueryGet, s.queryGet)
	rpc.Handle(m, ops.QueryList, s.queryList)
	rpc.Handle(m, ops.QueryExplain, s.queryExplain)
	rpc.Handle(m, ops.QueryExecute, s.queryExecute)
	rpc.Handle(m, ops.QuerySelect, s.querySelect)
	rpc.Handle(m, ops.ConfigApply, s.configApply)
	rpc.Handle(m, ops.ConfigGet, s.configGet)
	rpc.Handle(m, ops.ConfigList, s.configList)
	rpc.Handle(m, ops.ConfigExported, s.configExported)
	rpc.Handle(m, ops.VirtualAddress, s.virtualAddress)
	rpc.Handle(m, ops.TxnApply, s.txnApply)
	rpc.Handle(m, ops.TxnRead, s.txnRead)
	rpc.Handle(m, ops.CatalogRegister, s.catalogRegister)
	rpc.Handle(m, ops.CatalogDeregister, s.catalogDeregister)
	rpc.Handle(m, ops.CatalogEvict, s.catalogEvict)
	rpc.Handle(m, ops.EvictOrder, s.evictOrder)
	rpc.Handle(m, ops.EvictReport, s.evictReport)
	rpc.Handle(m, ops.CatalogSync, s.catalogSync)
	rpc.Handle(m, ops.CatalogDatacenters, s.catalogDatacenters)
	rpc.Handle(m, ops.CatalogNodes, s.catalogNodes)
	rpc.Handle(m, ops.CatalogServices, s.catalogServices)
	rpc.Handle(m, ops.CatalogService, s.catalogService)
	rpc.Handle(m, ops.CatalogGatewayServices, s.catalogGatewayServices)
	rpc.Handle(m, ops.HealthIngress, s.healthIngress)
	rpc.Handle(m, ops.CatalogNode, s.catalogNode)
	rpc.Handle(m, ops.CatalogAddress, s.catalogAddress)
	rpc.Handle(m, ops.HealthNode, s.healthNode)
	rpc.Handle(m, ops.HealthChecks, s.healthChecks)
	rpc.Handle(m, ops.HealthState, s.healthState)
	rpc.Handle(m, ops.HealthService, s.healthService)
	rpc.Handle(m, ops.OperatorRaft, s.operatorRaft)
	rpc.Handle(m, ops.OperatorRemovePeer, s.operatorRemovePeer)
	rpc.Handle(m, ops.OperatorTransferLeader, s.operatorTransferLeader)
	rpc.Handle(m, ops.OperatorAutopilot, s.operatorAutopilot)
	rpc.Handle(m, ops.OperatorSetAutopilot, s.operatorSetAutopilot)
	rpc.Handle(m, ops.OperatorAutopilotState, s.operatorAutopilotState)
	rpc.Handle(m, ops.OperatorUsage, s.operatorUsage)
	rpc.Handle(m, ops.OperatorKeyring, s.operatorKeyring)
	rpc.Handle(m, ops.CoordinateUpdate, s.coordinateUpdate)
	rpc.Handle(m, ops.CoordinateNodes, s.coordinateNodes)
	rpc.Handle(m, ops.CoordinateNode, s.coordinateNode)
	rpc.Handle(m, ops.CoordinateDatacenters, s.coordinateDatacenters)
	rpc.Handle(m, ops.EventFire, s.eventFire)
	rpc.HandleTransfer(m, ops.KVStream, s.kvStream)
	rpc.HandleTransfer(m, ops.SnapshotSave, s.snapshotSave)
	rpc.HandleTransfer(m, ops.SnapshotRestore, s.snapshotRestore)
	rpc.Handle(m, ops.UINodes, s.uiNodes)
	rpc.Handle(m, ops.UINode, s.uiNode)
	rpc.Handle(m, ops.UIServices, s.uiServices)
	rpc.Handle(m, ops.UIOverview, s.uiOverview)
	rpc.Handle(m, ops.UITopology, s.uiTopology)
	rpc.Handle(m, ops.UIMesh, s.uiMesh)
	rpc.Handle(m, ops.StatusLeader, s.statusLeader)
	rpc.Handle(m, ops.StatusPeers, s.statusPeers)
	rpc.Handle(m, ops.StatusRaft, s.statusRaft)
	m.Wrap(s.measured.around)
	return m
}

// apply logs a command and returns its result; a result that is an error
// becomes the error.
func (s *Server) apply(ctx context.Context, t catalog.CommandType, cmd msgp.Marshaler) (any, uint64, error) {
	if s.leaving.Load() {
		return nil, 0, fault.New(fault.NoLeader, rpc.TextNoLeader)
	}
	data, err := catalog.Encode(t, cmd)
	if err != nil {
		return nil, 0, err
	}
	result, index, err := s.raft.Apply(ctx, data)
	if err != nil {
		return nil, 0, err
	}
	if err, ok := result.(error); ok {
		return nil, 0, err
	}
	return result, index, nil
}

// applyAll logs encoded commands that may be repeated, in their order; results
// may be errors.
func (s *Server) applyAll(ctx context.Context, cmds [][]byte) ([]any, error) {
	if s.leaving.Load() {
		return nil, fault.New(fault.NoLeader, rpc.TextNoLeader)
	}
	return s.raft.ApplyAll(ctx, cmds)
}
