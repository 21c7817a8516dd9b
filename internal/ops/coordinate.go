package ops

import (
	"praetor/catalog"
	"praetor/internal/rpc"
)

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false

var (
	// CoordinateUpdate tells where a node is. The leader gathers such news and
	// stores them every few seconds.
	CoordinateUpdate = rpc.Write[CoordinateUpdateRequest, Empty]("Coordinate.Update")
	// CoordinateNodes lists where the nodes of the datacenter are.
	CoordinateNodes = rpc.ReadState[CoordinateNodesRequest, CoordinateNodesReply]("Coordinate.Nodes")
	// CoordinateNode tells where one node is, in any case of its name.
	CoordinateNode = rpc.ReadState[CoordinateNodeRequest, CoordinateNodesReply]("Coordinate.Node")
	// CoordinateDatacenters lists where the servers of the WAN pool are.
	CoordinateDatacenters = rpc.ReadAny[CoordinateDatacentersRequest, CoordinateDatacentersReply]("Coordinate.Datacenters")
)

type CoordinateUpdateRequest struct {
	rpc.WriteOptions
	Coordinate catalog.Coordinate
}

type CoordinateNodesRequest struct {
	rpc.ReadOptions
	Segment    string
	AnySegment bool // Segment does not matter
}

type CoordinateNodeRequest struct {
	rpc.ReadOptions
	Node       string
	Segment    string
	AnySegment bool
}

type CoordinateNodesReply struct {
	rpc.ReadMeta
	Coordinates []*catalog.Coordinate
}

type CoordinateDatacentersRequest struct {
	rpc.ReadOptions
}

// CoordinateDatacentersReply lists datacenters, the nearest first.
type CoordinateDatacentersReply struct {
	Datacenters []DatacenterCoordinates
}

// DatacenterCoordinates says where the servers of a datacenter are.
type DatacenterCoordinates struct {
	Datacenter  string
	Coordinates []*catalog.Coordinate
}
