package ops

import "praetor/internal/msgreflect"

// The operations that carry no load are encoded by reflection, to the bytes that
// generated code would write. A new one of them has its three lines here: without
// them a request would be encoded as the options that it embeds.

func (z *ConfigApplyRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ConfigApplyRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ConfigApplyRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ConfigApplyReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ConfigApplyReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ConfigApplyReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ConfigGetRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ConfigGetRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ConfigGetRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ConfigGetReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ConfigGetReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ConfigGetReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ConfigListRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ConfigListRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ConfigListRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ConfigListReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ConfigListReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ConfigListReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ConfigExportedRequest) MarshalMsg(b []byte) ([]byte, error) { return msgreflect.Append(b, z) }
func (z *ConfigExportedRequest) UnmarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Decode(b, z)
}
func (z *ConfigExportedRequest) Msgsize() int { return msgreflect.Size(z) }

func (z *ConfigExportedReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ConfigExportedReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ConfigExportedReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *IntentionApplyRequest) MarshalMsg(b []byte) ([]byte, error) { return msgreflect.Append(b, z) }
func (z *IntentionApplyRequest) UnmarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Decode(b, z)
}
func (z *IntentionApplyRequest) Msgsize() int { return msgreflect.Size(z) }

func (z *IntentionApplyReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *IntentionApplyReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *IntentionApplyReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *IntentionListRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *IntentionListRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *IntentionListRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *IntentionListReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *IntentionListReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *IntentionListReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *IntentionGetRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *IntentionGetRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *IntentionGetRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *IntentionGetReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *IntentionGetReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *IntentionGetReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *IntentionMatchRequest) MarshalMsg(b []byte) ([]byte, error) { return msgreflect.Append(b, z) }
func (z *IntentionMatchRequest) UnmarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Decode(b, z)
}
func (z *IntentionMatchRequest) Msgsize() int { return msgreflect.Size(z) }

func (z *IntentionMatchReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *IntentionMatchReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *IntentionMatchReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *IntentionCheckRequest) MarshalMsg(b []byte) ([]byte, error) { return msgreflect.Append(b, z) }
func (z *IntentionCheckRequest) UnmarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Decode(b, z)
}
func (z *IntentionCheckRequest) Msgsize() int { return msgreflect.Size(z) }

func (z *IntentionCheckReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *IntentionCheckReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *IntentionCheckReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *EventFireRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *EventFireRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *EventFireRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *CatalogEvictRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *CatalogEvictRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *CatalogEvictRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *CatalogEvictReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *CatalogEvictReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *CatalogEvictReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *EvictOrderRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *EvictOrderRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *EvictOrderRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *EvictOrderReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *EvictOrderReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *EvictOrderReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *EvictReportRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *EvictReportRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *EvictReportRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *EvictReportReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *EvictReportReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *EvictReportReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *OperatorAutopilotRequest) MarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Append(b, z)
}
func (z *OperatorAutopilotRequest) UnmarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Decode(b, z)
}
func (z *OperatorAutopilotRequest) Msgsize() int { return msgreflect.Size(z) }

func (z *OperatorAutopilotReply) MarshalMsg(b []byte) ([]byte, error) { return msgreflect.Append(b, z) }
func (z *OperatorAutopilotReply) UnmarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Decode(b, z)
}
func (z *OperatorAutopilotReply) Msgsize() int { return msgreflect.Size(z) }

func (z *OperatorSetAutopilotRequest) MarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Append(b, z)
}
func (z *OperatorSetAutopilotRequest) UnmarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Decode(b, z)
}
func (z *OperatorSetAutopilotRequest) Msgsize() int { return msgreflect.Size(z) }

func (z *OperatorSetAutopilotReply) MarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Append(b, z)
}
func (z *OperatorSetAutopilotReply) UnmarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Decode(b, z)
}
func (z *OperatorSetAutopilotReply) Msgsize() int { return msgreflect.Size(z) }

func (z *OperatorAutopilotStateRequest) MarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Append(b, z)
}
func (z *OperatorAutopilotStateRequest) UnmarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Decode(b, z)
}
func (z *OperatorAutopilotStateRequest) Msgsize() int { return msgreflect.Size(z) }

func (z *OperatorAutopilotStateReply) MarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Append(b, z)
}
func (z *OperatorAutopilotStateReply) UnmarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Decode(b, z)
}
func (z *OperatorAutopilotStateReply) Msgsize() int { return msgreflect.Size(z) }

func (z *OperatorKeyringRequest) MarshalMsg(b []byte) ([]byte, error) { return msgreflect.Append(b, z) }
func (z *OperatorKeyringRequest) UnmarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Decode(b, z)
}
func (z *OperatorKeyringRequest) Msgsize() int { return msgreflect.Size(z) }

func (z *OperatorKeyringReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *OperatorKeyringReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *OperatorKeyringReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *OperatorRaftRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *OperatorRaftRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *OperatorRaftRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *OperatorRaftReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *OperatorRaftReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *OperatorRaftReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *OperatorRemovePeerRequest) MarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Append(b, z)
}
func (z *OperatorRemovePeerRequest) UnmarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Decode(b, z)
}
func (z *OperatorRemovePeerRequest) Msgsize() int { return msgreflect.Size(z) }

func (z *OperatorTransferLeaderRequest) MarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Append(b, z)
}
func (z *OperatorTransferLeaderRequest) UnmarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Decode(b, z)
}
func (z *OperatorTransferLeaderRequest) Msgsize() int { return msgreflect.Size(z) }

func (z *OperatorUsageRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *OperatorUsageRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *OperatorUsageRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *OperatorUsageReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *OperatorUsageReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *OperatorUsageReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *QueryApplyRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *QueryApplyRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *QueryApplyRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *QueryApplyReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *QueryApplyReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *QueryApplyReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *QueryGetRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *QueryGetRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *QueryGetRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *QueryListRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *QueryListRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *QueryListRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *QueriesReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *QueriesReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *QueriesReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *QueryExplainRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *QueryExplainRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *QueryExplainRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *QueryExplainReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *QueryExplainReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *QueryExplainReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *QueryExecuteRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *QueryExecuteRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *QueryExecuteRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *QuerySelectRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *QuerySelectRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *QuerySelectRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *QueryExecuteReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *QueryExecuteReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *QueryExecuteReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *SnapshotSaveRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *SnapshotSaveRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *SnapshotSaveRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *SnapshotSaveReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *SnapshotSaveReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *SnapshotSaveReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *SnapshotRestoreRequest) MarshalMsg(b []byte) ([]byte, error) { return msgreflect.Append(b, z) }
func (z *SnapshotRestoreRequest) UnmarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Decode(b, z)
}
func (z *SnapshotRestoreRequest) Msgsize() int { return msgreflect.Size(z) }

func (z *StatusRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *StatusRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *StatusRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *StatusLeaderReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *StatusLeaderReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *StatusLeaderReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *StatusPeersReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *StatusPeersReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *StatusPeersReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *StatusRaftReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *StatusRaftReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *StatusRaftReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *TxnApplyRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *TxnApplyRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *TxnApplyRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *TxnApplyReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *TxnApplyReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *TxnApplyReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *TxnReadRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *TxnReadRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *TxnReadRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *TxnReadReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *TxnReadReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *TxnReadReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *UINodesRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *UINodesRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *UINodesRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *UINodesReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *UINodesReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *UINodesReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *UINodeRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *UINodeRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *UINodeRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *UINodeReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *UINodeReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *UINodeReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *UIServicesRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *UIServicesRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *UIServicesRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *UIServicesReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *UIServicesReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *UIServicesReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *UIOverviewRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *UIOverviewRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *UIOverviewRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *UIOverviewReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *UIOverviewReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *UIOverviewReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *UIKeySearchRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *UIKeySearchRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *UIKeySearchRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *UIKeySearchReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *UIKeySearchReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *UIKeySearchReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *UITopologyRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *UITopologyRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *UITopologyRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *UITopologyReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *UITopologyReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *UITopologyReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *UIMeshRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *UIMeshRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *UIMeshRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *UIMeshReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *UIMeshReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *UIMeshReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *VirtualAddressRequest) MarshalMsg(b []byte) ([]byte, error) { return msgreflect.Append(b, z) }
func (z *VirtualAddressRequest) UnmarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Decode(b, z)
}
func (z *VirtualAddressRequest) Msgsize() int { return msgreflect.Size(z) }

func (z *VirtualAddressReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *VirtualAddressReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *VirtualAddressReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *AutoEncryptSignRequest) MarshalMsg(b []byte) ([]byte, error) { return msgreflect.Append(b, z) }
func (z *AutoEncryptSignRequest) UnmarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Decode(b, z)
}
func (z *AutoEncryptSignRequest) Msgsize() int { return msgreflect.Size(z) }

func (z *AutoEncryptSignReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *AutoEncryptSignReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *AutoEncryptSignReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *OperatorBackupRequest) MarshalMsg(b []byte) ([]byte, error) { return msgreflect.Append(b, z) }
func (z *OperatorBackupRequest) UnmarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Decode(b, z)
}
func (z *OperatorBackupRequest) Msgsize() int { return msgreflect.Size(z) }

func (z *OperatorBackupNowRequest) MarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Append(b, z)
}
func (z *OperatorBackupNowRequest) UnmarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Decode(b, z)
}
func (z *OperatorBackupNowRequest) Msgsize() int { return msgreflect.Size(z) }

func (z *OperatorBackupReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *OperatorBackupReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *OperatorBackupReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *KVHistoryRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *KVHistoryRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *KVHistoryRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *KVHistoryReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *KVHistoryReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *KVHistoryReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *KVAtRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *KVAtRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *KVAtRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *KVAtReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *KVAtReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *KVAtReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *CatalogHistoryRequest) MarshalMsg(b []byte) ([]byte, error) { return msgreflect.Append(b, z) }
func (z *CatalogHistoryRequest) UnmarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Decode(b, z)
}
func (z *CatalogHistoryRequest) Msgsize() int { return msgreflect.Size(z) }

func (z *CatalogHistoryReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *CatalogHistoryReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *CatalogHistoryReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *StatusCommittedReply) MarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Append(b, z)
}
func (z *StatusCommittedReply) UnmarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Decode(b, z)
}
func (z *StatusCommittedReply) Msgsize() int { return msgreflect.Size(z) }
