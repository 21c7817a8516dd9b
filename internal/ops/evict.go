package ops

import (
	"praetor/catalog"
	"praetor/internal/rpc"
)

// CatalogEvict removes a service or a check where it comes from: at the agent
// that owns it, so that anti-entropy does not bring it back, or in the catalog
// alone where no agent lives that could. A node is removed if its agent is gone.
var CatalogEvict = rpc.Write[CatalogEvictRequest, CatalogEvictReply]("Catalog.Evict")

// EvictOrder fetches, for the agent of a node, what the leader asks it to remove.
// Gossip only says that there is an order and its ID: anybody can say things in
// gossip.
var EvictOrder = rpc.Write[EvictOrderRequest, EvictOrderReply]("Catalog.EvictOrder")

// EvictReport tells the leader what became of an order.
var EvictReport = rpc.Write[EvictReportRequest, EvictReportReply]("Catalog.EvictReport")

// What CatalogEvict did.
const (
	// EvictedAtAgent: the agent removed it, on its disk too, and the catalog.
	EvictedAtAgent = "removed-at-agent"
	// EvictedFromCatalog: the catalog alone was changed.
	EvictedFromCatalog = "removed-from-catalog"
	// EvictedNothing: neither the agent nor the catalog has it.
	EvictedNothing = "not-found"
)

type CatalogEvictRequest struct {
	rpc.WriteOptions
	Deregister catalog.Deregister
}

// CatalogEvictReply says what was done.
type CatalogEvictReply struct {
	Action string
	// MayReturn tells that something may register it again: a configuration file,
	// an agent that did not answer, or one that is down and may start again.
	MayReturn bool
	Detail    string // a sentence for people
}

// EvictOrderRequest names an order. An ID that the leader has no order for, or one
// for another node, is fault.NotFound.
type EvictOrderRequest struct {
	rpc.WriteOptions
	ID   string
	Node string // the agent's own name
}

// EvictOrderReply is what is to go: one service, or one check.
type EvictOrderReply struct {
	ServiceID string
	CheckID   string
	// Service, unless empty, is the only service that it may be, or be a check
	// of: whoever asked has no right to more.
	Service string
}

// EvictReportRequest is the outcome of an order.
type EvictReportRequest struct {
	rpc.WriteOptions
	ID      string
	Node    string
	Outcome EvictOutcome
	// File is the configuration file that defines what was removed and will bring
	// it back at the next start or reload; "" if none does.
	File   string
	Reason string // why it was refused
}

// EvictReportReply says that the report arrived.
type EvictReportReply struct{}

// EvictOutcome is what became of an order, in a word.
type EvictOutcome string

// The outcomes.
const (
	EvictDone    EvictOutcome = "removed"
	EvictUnknown EvictOutcome = "unknown" // this agent has no such service or check
	EvictRefused EvictOutcome = "refused"
)
