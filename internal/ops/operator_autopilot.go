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
	Standbys         int                      // healthy servers that get a vote when another fails
	Zones            map[string]AutopilotZone // nil if redundancy zones do not matter
	Upgrade          *AutopilotUpgrade        // nil if versions do not matter
}

// AutopilotZone is a redundancy zone, its servers by ID.
type AutopilotZone struct {
	Servers, Voters  []string
	FailureTolerance int
}

// AutopilotUpgrade is how far servers of a newer version have taken over, by ID.
type AutopilotUpgrade struct {
	Status                                            string // Consul's, as "await-new-voters"
	TargetVersion                                     string
	TargetVoters, TargetNonVoters, TargetReadReplicas []string
	OtherVoters, OtherNonVoters, OtherReadReplicas    []string
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
	NodeType    string // Consul's, as "voter" and "read-replica"
	Zone        string // its redundancy zone
	Upgrade     string // its version in upgrades
}
