package ops

import (
	"praetor/catalog"
	"praetor/internal/rpc"
)

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false

var (
	// HealthNode lists the checks on a node.
	HealthNode = rpc.ReadState[HealthNodeRequest, HealthChecksReply]("Health.Node")
	// HealthChecks lists the checks of a service's instances.
	HealthChecks = rpc.ReadState[HealthChecksRequest, HealthChecksReply]("Health.Checks")
	// HealthState lists the checks in one state, or "any".
	HealthState = rpc.ReadState[HealthStateRequest, HealthChecksReply]("Health.State")
	// HealthService lists the instances of a service with their checks, or what
	// serves it inside the mesh.
	HealthService = rpc.ReadState[HealthServiceRequest, HealthServiceReply]("Health.Service")
	// HealthIngress lists the ingress gateways configured to serve a service.
	HealthIngress = rpc.ReadState[HealthServiceRequest, HealthServiceReply]("Health.Ingress")
)

type HealthNodeRequest struct {
	rpc.ReadOptions
	Node   string
	Filter string // about filter.Check
}

type HealthChecksRequest struct {
	rpc.ReadOptions
	Near
	Service  string
	NodeMeta map[string]string
	Filter   string // about filter.Check
}

type HealthStateRequest struct {
	rpc.ReadOptions
	Near
	State    string
	NodeMeta map[string]string
	Filter   string // about filter.Check
}

type HealthChecksReply struct {
	rpc.ReadMeta
	Checks []*catalog.Check
}

type HealthServiceRequest struct {
	rpc.ReadOptions
	Near
	Service     string
	Connect     bool     // what serves it inside the mesh instead of its instances
	Tags        []string // all must be present, any case
	PassingOnly bool
	NodeMeta    map[string]string
	Filter      string // about filter.InstanceHealth
}

// HealthServiceReply is what a view of a service gives out: while the service
// does not change, callers that ask the same on a server get the same slice,
// so front doors can keep what they made of it.
type HealthServiceReply struct {
	rpc.ReadMeta
	Instances []*catalog.InstanceHealth
}
