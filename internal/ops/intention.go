package ops

import (
	"praetor/internal/mesh"
	"praetor/internal/rpc"
)

var (
	// IntentionApply changes one source of an entry of intentions.
	IntentionApply = rpc.Write[IntentionApplyRequest, IntentionApplyReply]("Intention.Apply")
	// IntentionList lists all intentions.
	IntentionList = rpc.ReadState[IntentionListRequest, IntentionListReply]("Intention.List")
	// IntentionGet finds one.
	IntentionGet = rpc.ReadState[IntentionGetRequest, IntentionGetReply]("Intention.Get")
	// IntentionMatch lists those that count for services.
	IntentionMatch = rpc.ReadState[IntentionMatchRequest, IntentionMatchReply]("Intention.Match")
	// IntentionCheck decides whether a service may connect to another.
	IntentionCheck = rpc.ReadState[IntentionCheckRequest, IntentionCheckReply]("Intention.Check")
)

// IntentionVerb is what an IntentionApply does.
type IntentionVerb = int

// The verbs. The legacy ones are about intentions with an ID.
const (
	IntentionSet IntentionVerb = iota
	IntentionDelete
	LegacyIntentionCreate
	LegacyIntentionUpdate
	LegacyIntentionDelete
)

// IntentionApplyRequest has the intention as the client sent it: the leader prepares
// it, and chooses its ID and times. A legacy one has its ID in Source.LegacyID.
type IntentionApplyRequest struct {
	rpc.WriteOptions
	Verb      IntentionVerb
	Intention mesh.Intention
}

// IntentionApplyReply has the ID of a legacy intention.
type IntentionApplyReply struct{ ID string }

// IntentionListRequest asks for those that match an expression about filter.Intention.
type IntentionListRequest struct {
	rpc.ReadOptions
	Filter string
}

type IntentionListReply struct {
	rpc.ReadMeta
	Intentions []*mesh.Intention
}

// IntentionGetRequest names an intention by ID, else by source, which is in a peer
// unless that is "", and destination.
type IntentionGetRequest struct {
	rpc.ReadOptions
	ID          string
	Peer        string
	Source      string
	Destination string
}

type IntentionGetReply struct {
	rpc.ReadMeta
	Intention *mesh.Intention
}

// IntentionMatchRequest asks for those of destinations, or of sources.
type IntentionMatchRequest struct {
	rpc.ReadOptions
	BySource bool
	Names    []string
}

// IntentionMatchReply has for each name those that count, the first that fits before
// the others.
type IntentionMatchReply struct {
	rpc.ReadMeta
	Matches [][]*mesh.Intention
}

type IntentionCheckRequest struct {
	rpc.ReadOptions
	Source      string
	Destination string
}

type IntentionCheckReply struct {
	rpc.ReadMeta
	Allowed bool
}
