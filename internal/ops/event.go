package ops

import (
	"praetor/internal/rpc"
	"praetor/internal/userevent"
)

// EventFire sends a user event to every agent of a datacenter. Any server there
// can: gossip needs no leader.
var EventFire = rpc.WriteAny[EventFireRequest, Empty]("Event.Fire")

type EventFireRequest struct {
	rpc.WriteOptions
	Event userevent.Event
}
