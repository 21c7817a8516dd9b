package httpapi

import (
	"context"

	"praetor/catalog"
)

// Local is what is registered with this agent. Its errors are shown as they
// are. Every method may be called by many requests at once; what it returns is
// shared and never changed.
type Local interface {
	// Services and Checks list by ID; Service and Check give one, nil if there is
	// none.
	Services() map[string]*catalog.Service
	Service(id string) *catalog.Service
	Checks() map[string]*catalog.Check
	Check(id string) *catalog.Check
	// ServiceHealth gives a service's own checks and those of the node, whether
	// the service exists, and a channel that closes when any of it may have
	// changed.
	ServiceHealth(id string) (checks []*catalog.Check, exists bool, changed <-chan struct{})

	// AddService registers svc with checks and takes over both. Checks of an
	// earlier registration stay unless replaceChecks is set.
	AddService(ctx context.Context, svc *catalog.Service, checks []*catalog.Check, replaceChecks bool, token string) error
	// AddSidecar is AddService for a proxy that is removed with its parent.
	AddSidecar(ctx context.Context, parentID string, svc *catalog.Service, checks []*catalog.Check, replaceChecks bool, token string) error
	// FreePort is the lowest port in [first, last] that no service has, 0 if all
	// are taken.
	FreePort(first, last int) int
	RemoveService(ctx context.Context, id string) error

	// AddCheck registers a check and takes it over. Its Definition says how to
	// run it.
	AddCheck(ctx context.Context, chk *catalog.Check, token string) error
	RemoveCheck(ctx context.Context, id string) error
	// UpdateTTL reports the status of a TTL check.
	UpdateTTL(ctx context.Context, checkID, status, output string) error
	// Await waits, for a moment at most, until the catalog has what was changed.
	Await(ctx context.Context)
}
