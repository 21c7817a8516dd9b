package server

import (
	"cmp"
	"math"
	"slices"

	"praetor/catalog"
	"praetor/internal/ops"
)

// sortNear returns list in order of estimated round-trip time from the node
// that a request names, those of unknown distance last and otherwise as they
// were (reference/http-api.md §3.4). The list itself stays: views share it.
func sortNear[E any](s *Server, tx *catalog.Tx, near *ops.Near, list []E, nodeOf func(E) string) []E {
	from := s.nearCoord(tx, near)
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
func (s *Server) nearCoord(tx *catalog.Tx, near *ops.Near) *catalog.Coord {
	if near.NearDatacenter != "" && near.NearDatacenter != s.opts.Datacenter {
		return nil
	}
	node := near.NearNode
	if node == "" && near.NearIP != "" {
		node = nodeWithIP(tx, near.NearIP)
	}
	if node == "" {
		return nil
	}
	return tx.Coord(node, "")
}

// nodeWithIP names the node that has an address, "" if none has.
func nodeWithIP(tx *catalog.Tx, ip string) string {
	if _, nodes, _ := tx.AtAddress(nil, ip); len(nodes) > 0 {
		return nodes[0].Node
	}
	return ""
}

// The nodes of what lists hold, for sortNear.

func nodeName(n *catalog.Node) string                 { return n.Node }
func instanceNode(i *catalog.Instance) string         { return i.Node.Node }
func healthInstance(i *catalog.InstanceHealth) string { return i.Node.Node }
func checkNode(c *catalog.Check) string               { return c.Node }

// byDistance sorts datacenters, of which the first is this server's own, by the
// median round-trip time to their servers. Ties, and those of unknown distance,
// which come last, are in the order of names.
func (s *Server) byDistance(datacenters []string, places map[string][]*catalog.Coordinate) []string {
	if s.opts.WAN == nil || len(datacenters) < 3 {
		return datacenters
	}
	from := CoordOf(s.opts.WAN.Coordinate())
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
