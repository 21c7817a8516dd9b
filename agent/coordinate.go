package agent

import (
	"context"
	"math/rand/v2"
	"time"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// How often an agent says where it is (reference/internals.md §8): seldom
// enough that all agents together do so 64 times a second at most.
const (
	coordinateMinPeriod = 15 * time.Second
	coordinateRate      = 64 // a second, by the whole cluster
)

// coordinatePause is the time between two reports in a cluster of so many
// members, half of it at random.
func coordinatePause(members int) time.Duration {
	period := max(coordinateMinPeriod, time.Duration(members)*time.Second/coordinateRate)
	return period + rand.N(period)
}

// runCoordinates tells the servers where this node is until ctx ends.
func (a *Agent) runCoordinates(ctx context.Context) error {
	if a.runtime.Load().Gossip.DisableCoordinates {
		<-ctx.Done()
		return nil
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(coordinatePause(a.lan.NumMembers())):
		}
		switch err := a.reportCoordinate(ctx); {
		case err == nil || ctx.Err() != nil:
		case fault.KindOf(err) == fault.Denied:
			a.logger.Warn("Coordinate update blocked by ACLs", "accessorID", a.accessor(ctx, a.ownToken()))
			a.logger.Debug("Permission is missing", "error", err)
		default:
			a.logger.Debug("Coordinate update error", "error", err)
		}
	}
}

// reportCoordinate tells the servers where this node is now.
func (a *Agent) reportCoordinate(ctx context.Context) error {
	place := kernel.CoordOf(a.lan.Coordinate())
	if place == nil {
		return nil
	}
	_, err := ops.CoordinateUpdate.Call(ctx, a.router, &ops.CoordinateUpdateRequest{
		WriteOptions: rpc.WriteOptions{Token: a.ownToken()},
		Coordinate:   catalog.Coordinate{Node: a.runtime.Load().NodeName, Coord: *place},
	})
	return err
}
