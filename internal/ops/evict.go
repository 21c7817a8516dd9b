package ops

import (
	"praetor/catalog"
	"praetor/internal/rpc"
)

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false

// CatalogEvict removes a service or a check where it comes from: at the agent
// that owns it, so that anti-entropy does not bring it back, or in the catalog
// alone where no agent lives that could. A node is removed if its agent is gone.
var CatalogEvict = rpc.Write[CatalogEvictRequest, CatalogEvictReply]("Catalog.Evict")

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
