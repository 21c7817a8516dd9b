package catalog

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false
//msgp:limit arrays:1048576 maps:65536

// NodeDetail is a node with everything on it: what internal/ui/node shows
// (reference/http-mesh-ui.md §6). Services are sorted by ID, checks by theirs.
type NodeDetail struct {
	Node     *Node
	Services []*Service
	Checks   []*Check
}

// NodeDetails lists all nodes by name with what is on them.
func (tx *Tx) NodeDetails(ws WatchSet) (uint64, []*NodeDetail) {
	details := make([]*NodeDetail, 0)
	for n := range rows[*Node](tx.txn, nil, tableNode, byID, tx.in.all()) {
		details = append(details, tx.detail(nil, n))
	}
	return tx.HealthIndex(ws), details
}

// NodeDetail returns one node with what is on it, found as Node finds it, or
// nil. It watches that node alone; the index is that of NodeDetails.
func (tx *Tx) NodeDetail(ws WatchSet, nameOrID string) (uint64, *NodeDetail) {
	_, n := tx.Node(ws, nameOrID)
	index := tx.HealthIndex(nil)
	if n == nil {
		return index, nil
	}
	return index, tx.detail(ws, n)
}

// detail collects what is on a node and watches its checks.
func (tx *Tx) detail(ws WatchSet, n *Node) *NodeDetail {
	d := &NodeDetail{Node: n, Services: make([]*Service, 0), Checks: make([]*Check, 0)}
	for s := range rows[*Service](tx.txn, nil, tableService, byID, tx.in.nodeKey(n.Node)) {
		d.Services = append(d.Services, s)
	}
	for c := range rows[*Check](tx.txn, ws, tableCheck, byID, tx.in.nodeKey(n.Node)) {
		d.Checks = append(d.Checks, c)
	}
	return d
}

// HealthIndex returns the index of all nodes, instances and checks, and
// watches them.
func (tx *Tx) HealthIndex(ws WatchSet) uint64 {
	return max(tx.watchIndex(ws, indexNodes), tx.watchIndex(ws, indexServices), tx.watchIndex(ws, indexChecks))
}
