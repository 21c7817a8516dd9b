package kernel

import (
	"cmp"
	"math"
	"slices"

	"github.com/hashicorp/serf/coordinate"

	"praetor/catalog"
	"praetor/gossip"
	"praetor/internal/ops"
)

// SortNear returns list in order of estimated round-trip time from the node
// that a request names, those of unknown distance last and otherwise as they
// were (reference/http-api.md §3.4). The list itself stays: views share it.
func SortNear[E any](k *Kernel, tx *catalog.Tx, near *ops.Near, list []E, nodeOf func(E) string) []E {
	from := k.nearCoord(tx, near)
	if from == nil || len(list) < 2 {
		return list
	}
	type placed struct {
		element  E
		distance float64
	}
	all := make([]placed, len(list))
	for i, e := range list {
		all[i] = placed{e, from.Distance(tx.Coord(nodeOf(e), ""))}
	}
	slices.SortStableFunc(all, func(a, b placed) int { return cmp.Compare(a.distance, b.distance) })
	sorted := make([]E, len(all))
	for i, p := range all {
		sorted[i] = p.element
	}
	return sorted
}

// nearCoord is where the node is that a request names; nil if it names none, or
// one that is not known here.
func (k *Kernel) nearCoord(tx *catalog.Tx, near *ops.Near) *catalog.Coord {
	if near.NearDatacenter != "" && near.NearDatacenter != k.Datacenter {
		return nil
	}
	node := near.NearNode
	if node == "" && near.NearIP != "" {
		node = NodeWithIP(tx, near.NearIP)
	}
	if node == "" {
		return nil
	}
	return tx.Coord(node, "")
}

// NodeWithIP names the node that has an address, "" if none has.
func NodeWithIP(tx *catalog.Tx, ip string) string {
	if _, nodes, _ := tx.AtAddress(nil, ip); len(nodes) > 0 {
		return nodes[0].Node
	}
	return ""
}

// The nodes of what lists hold, for SortNear.

// NodeOf names a node.
func NodeOf(n *catalog.Node) string { return n.Node }

// NodeOfInstance names the node of an instance.
func NodeOfInstance(i *catalog.Instance) string { return i.Node.Node }

// NodeOfHealth names the node of an instance with its health.
func NodeOfHealth(i *catalog.InstanceHealth) string { return i.Node.Node }

// NodeOfCheck names the node of a check.
func NodeOfCheck(c *catalog.Check) string { return c.Node }

// ByDistance sorts datacenters, of which the first is this server's own, by the
// median round-trip time to their servers. Ties, and those of unknown distance,
// which come last, are in the order of names.
func (k *Kernel) ByDistance(datacenters []string, places map[string][]*catalog.Coordinate) []string {
	if k.WAN == nil || len(datacenters) < 3 {
		return datacenters
	}
	from := CoordOf(k.WAN.Coordinate())
	median := make(map[string]float64, len(datacenters))
	for _, dc := range datacenters {
		median[dc] = medianDistance(from, places[dc])
	}
	sorted := slices.Clone(datacenters)
	slices.SortStableFunc(sorted[1:], func(a, b string) int {
		return cmp.Or(cmp.Compare(median[a], median[b]), cmp.Compare(a, b))
	})
	return sorted
}

func medianDistance(from *catalog.Coord, places []*catalog.Coordinate) float64 {
	if len(places) == 0 {
		return math.Inf(1)
	}
	distances := make([]float64, len(places))
	for i, p := range places {
		distances[i] = from.Distance(&p.Coord)
	}
	slices.Sort(distances)
	return distances[len(distances)/2]
}

// Datacenters are the datacenters that there are, the nearest first.
func (k *Kernel) Datacenters() []string {
	_, datacenters := k.Servers()
	return k.ByDistance(datacenters, k.DatacenterCoordinates())
}

// CoordOf converts what gossip knows; nil stays nil.
func CoordOf(c *coordinate.Coordinate) *catalog.Coord {
	if c == nil {
		return nil
	}
	return &catalog.Coord{Vec: c.Vec, Error: c.Error, Adjustment: c.Adjustment, Height: c.Height}
}

// DatacenterCoordinates maps datacenters to where their servers are, as far as
// this one has found out.
func (k *Kernel) DatacenterCoordinates() map[string][]*catalog.Coordinate {
	places := map[string][]*catalog.Coordinate{}
	if k.WAN == nil {
		return places
	}
	for _, m := range k.WAN.Members() {
		info, ok := gossip.ParseServer(m)
		if !ok || m.Status == gossip.Left {
			continue
		}
		if c := k.WAN.CachedCoordinate(m.Name); c != nil {
			places[info.Datacenter] = append(places[info.Datacenter], &catalog.Coordinate{Node: info.Name, Coord: *CoordOf(c)})
		}
	}
	return places
}
