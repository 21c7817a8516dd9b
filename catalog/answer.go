package catalog

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false
//msgp:limit arrays:1048576 maps:65536

// Instance is a service instance with its node: what catalog/service lists.
type Instance struct {
	Node    *Node
	Service *Service
}

// InstanceHealth is an instance with the checks that bear on it, node-level
// ones first: what health/service lists.
type InstanceHealth struct {
	Node    *Node
	Service *Service
	Checks  []*Check
}

// NodeServices is a node with its instances, sorted by ID.
type NodeServices struct {
	Node     *Node
	Services []*Service
}
