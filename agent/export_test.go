package agent

import (
	"context"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/agent/config"
	"praetor/agent/local"
	"praetor/internal/ops"
)

// CarryOut does what an order of the leader says.
func (a *Agent) CarryOut(ctx context.Context, order *ops.EvictOrderReply) *ops.EvictReportRequest {
	return a.carryOut(ctx, order)
}

// Hear takes what gossip tells of an eviction.
func (a *Agent) Hear(ctx context.Context, id string) { a.evict(ctx, id) }

// CoordinatePause is the time between two reports of a coordinate.
var CoordinatePause = coordinatePause

// NewTokenStore opens a store of tokens without an agent.
var NewTokenStore = newTokenStore

// DNSMaxStale is how old an answer over DNS may be.
var DNSMaxStale = dnsMaxStale

// CheckAbsence is what a server with a data folder checks before it starts.
func CheckAbsence(folder string, rt *config.Runtime, now time.Time) error {
	return checkAbsence(&dataDir{path: folder}, rt, now, hclog.NewNullLogger())
}

// CheckForgotten is what such a server checks once it knows its ID.
func CheckForgotten(folder string, rt *config.Runtime, id string) error {
	return checkForgotten(&dataDir{path: folder}, rt, id)
}

// NoteRaft is what it writes down once its raft folder is made.
func NoteRaft(folder string, rt *config.Runtime, id string, now time.Time) error {
	return noteRaft(&dataDir{path: folder}, rt, id, now)
}

// ShutUnused shuts a transport that no pool has taken over.
var ShutUnused = shutUnused

// NewWatcher is an agent of which only the watches run.
func NewWatcher(watch func(ctx context.Context, self Self, conf config.Watch)) *Agent {
	a := &Agent{duties: Duties{Watch: watch}, rewatch: make(chan struct{}, 1)}
	a.secrets = newTokenStore("", config.ACL{}, nil, nil)
	a.runtime.Store(&config.Runtime{})
	return a
}

// RunWatches runs them.
func (a *Agent) RunWatches(ctx context.Context) error { return a.runWatches(ctx) }

// ReloadWatches is what a reload does to them.
func (a *Agent) ReloadWatches(watches ...config.Watch) {
	a.runtime.Store(&config.Runtime{Watches: watches})
	wake(a.rewatch)
}

// DefinitionsOf is what files define for an agent with that local state.
func DefinitionsOf(state *local.State, rt *config.Runtime) local.Definitions {
	return (&Agent{local: state}).definitions(rt)
}
