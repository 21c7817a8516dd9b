package catalog

import (
	"fmt"
	"math"
	"slices"

	"praetor/internal/fault"
)

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false
//msgp:limit arrays:65536 maps:65536

const tableCoord = "coordinate"

var coordinateTable = stored(tableCoord, 10, "CoordinateBatchUpdate", coordinateID, (*restorer).coordinate)

// Dimensions is how many numbers the Vec of every coordinate has, serf's default.
const Dimensions = 8

// Texts that clients know (reference/http-catalog-health.md §5).
const (
	textIncompatible = "incompatible coordinate"
	textInvalid      = "invalid coordinate"
)

// Coord is a place in the network's latency space (Vivaldi). All is in seconds
// but Error, which has no unit.
type Coord struct {
	Vec        []float64
	Error      float64
	Adjustment float64
	Height     float64
}

// Coordinate says where a node is.
type Coordinate struct {
	Node    string
	Segment string // "" for the network's only one
	Coord   Coord
}

// CoordinateCommand carries a CoordinateBatch; its result is nil or an error.
const CoordinateCommand CommandType = 8

var coordinateCommand = succeeds(CoordinateCommand, "coordinate.batch-update", (*writer).putCoordinates)

// CoordinateBatch is the command that stores coordinates. Those of unknown
// nodes, and those that fail Check, are passed over: nobody waits for them.
type CoordinateBatch struct {
	Coordinates []*Coordinate
}

// Check says why a coordinate cannot be used; kind fault.Rejected.
func (c *Coord) Check() error {
	switch {
	case len(c.Vec) != Dimensions:
		return fault.New(fault.Rejected, textIncompatible)
	case !isFinite(c.Error) || !isFinite(c.Adjustment) || !isFinite(c.Height) ||
		slices.ContainsFunc(c.Vec, func(v float64) bool { return !isFinite(v) }):
		return fault.New(fault.Rejected, textInvalid)
	}
	return nil
}

func isFinite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// Distance estimates the round-trip time between two places in seconds, +Inf
// if either is unknown or they do not compare (reference/internals.md §8).
func (c *Coord) Distance(to *Coord) float64 {
	if c == nil || to == nil || len(c.Vec) != len(to.Vec) {
		return math.Inf(1)
	}
	sum := 0.0
	for i, v := range c.Vec {
		sum += (v - to.Vec[i]) * (v - to.Vec[i])
	}
	raw := math.Sqrt(sum) + c.Height + to.Height
	if adjusted := raw + c.Adjustment + to.Adjustment; adjusted > 0 {
		return adjusted
	}
	return raw
}

func (c *Coord) equal(o *Coord) bool {
	return slices.Equal(c.Vec, o.Vec) && c.Error == o.Error && c.Adjustment == o.Adjustment && c.Height == o.Height
}

func coordinateID(c *Coordinate) []byte { return home.partsKey(fold(c.Node), c.Segment) }

// Coordinates lists all coordinates by node, then segment. The index is the
// table's (reference/http-api.md §5).
func (tx *Tx) Coordinates(ws WatchSet) (uint64, []*Coordinate) {
	list := make([]*Coordinate, 0)
	for c := range rows[*Coordinate](tx.txn, nil, tableCoord, byID, tx.in.all()) {
		list = append(list, c)
	}
	return tx.watchIndex(ws, indexCoordinates), list
}

// NodeCoordinates lists a node's coordinates. The index is the table's, but who
// watches is woken by the node's own alone, and when a neighbour's go.
func (tx *Tx) NodeCoordinates(ws WatchSet, node string) (uint64, []*Coordinate) {
	list := make([]*Coordinate, 0, 1)
	for c := range rows[*Coordinate](tx.txn, ws, tableCoord, byID, tx.in.nodeKey(node)) {
		list = append(list, c)
	}
	return tx.index(indexCoordinates), list
}

// Coord is where a node is in a segment; nil if that is not known.
func (tx *Tx) Coord(node, segment string) *Coord {
	if c := first[*Coordinate](tx.txn, tableCoord, byID, tx.in.partsKey(fold(node), segment)); c != nil {
		return &c.Coord
	}
	return nil
}

// putCoordinates stores a batch.
func (w *writer) putCoordinates(b *CoordinateBatch) error {
	for _, c := range b.Coordinates {
		if c == nil || c.Coord.Check() != nil || first[*Node](w.txn, tableNode, byID, w.in.nodeKey(c.Node)) == nil {
			continue
		}
		old := first[*Coordinate](w.txn, tableCoord, byID, coordinateID(c))
		if old != nil && old.Coord.equal(&c.Coord) {
			continue
		}
		w.txn.Insert(tableCoord, c)
		w.bump(indexCoordinates)
	}
	return nil
}

// removeCoordinates forgets where a node is.
func (w *writer) removeCoordinates(node string) {
	for _, c := range collect[*Coordinate](w.txn, tableCoord, byID, w.in.nodeKey(node)) {
		remove(w.txn, tableCoord, c)
		w.bump(indexCoordinates)
	}
}

// coordinate takes a coordinate of a snapshot.
func (re *restorer) coordinate(c *Coordinate) error {
	switch {
	case !re.holds(tableNode, byID, re.w.in.nodeKey(c.Node)):
		return fmt.Errorf("coordinate of unknown node %q", c.Node)
	case re.holds(tableCoord, byID, coordinateID(c)):
		return errTwice
	}
	re.w.txn.Insert(tableCoord, c)
	return c.Coord.Check()
}
