package ops

import (
	"time"

	"praetor/catalog"
	"praetor/internal/rpc"
)

var (
	// OperatorAutopilot reads autopilot's configuration; nil before the first
	// leader wrote it.
	OperatorAutopilot = rpc.Read[OperatorAutopilotRequest, OperatorAutopilotReply]("Operator.Autopilot")
	// OperatorSetAutopilot replaces it.
	OperatorSetAutopilot = rpc.Write[OperatorSetAutopilotRequest, OperatorSetAutopilotReply]("Operator.SetAutopilot")
	// OperatorAutopilotState tells how the leader's autopilot sees the servers.
	OperatorAutopilotState = rpc.Read[OperatorAutopilotStateRequest, OperatorAutopilotStateReply]("Operator.AutopilotState")
)

type OperatorAutopilotRequest struct {
	rpc.ReadOptions
}

type OperatorAutopilotReply struct {
	Config *catalog.Autopilot
}

// OperatorSetAutopilotRequest carries the whole configuration. With CAS it is
// written only if it was last changed at Config.ModifyIndex.
type OperatorSetAutopilotRequest struct {
	rpc.WriteOptions
	Config catalog.Autopilot
	CAS    bool
}

// OperatorSetAutopilotReply reports whether it was written: false only with CAS.
type OperatorSetAutopilotReply struct {
	Done bool
}

type OperatorAutopilotStateRequest struct {
	rpc.ReadOptions
}

type OperatorAutopilotStateReply struct {
	Healthy          bool
	FailureTolerance int // healthy voters that may be lost
	Leader           string
	Voters           []string // by ID
	Servers          []AutopilotServer
}

// AutopilotServer is a server as the leader's autopilot sees it.
type AutopilotServer struct {
	ID          string
	Name        string
	Address     string
	NodeStatus  string // alive, failed, left, unknown
	Version     string
	Status      string // leader, voter, non-voter, staging, none
	Voter       bool
	Leader      bool
	LastContact time.Duration
	LastTerm    uint64
	LastIndex   uint64
	Healthy     bool
	StableSince time.Time
	Meta        map[string]string
}
