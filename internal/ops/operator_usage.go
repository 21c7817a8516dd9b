package ops

import (
	"praetor/internal/rpc"
)

// OperatorUsage counts what a datacenter holds.
var OperatorUsage = rpc.Read[OperatorUsageRequest, OperatorUsageReply]("Operator.Usage")

type OperatorUsageRequest struct {
	rpc.ReadOptions
	Global bool // every datacenter, not just the one asked
}

type OperatorUsageReply struct {
	rpc.ReadMeta
	Usage map[string]Usage // by datacenter
}

// Usage counts one datacenter.
type Usage struct {
	Nodes     int
	Services  int            // names
	Instances int            // of all services
	Connect   map[string]int // instances of each proxy kind, and connect-native ones
	Billable  int            // instances that are neither proxies, gateways, nor servers
}
