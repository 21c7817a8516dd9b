package catalog

import (
	"fmt"
	"maps"

	"praetor/internal/fault"
)

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false
//msgp:limit arrays:65536 maps:65536

const tableNode = "node"

var nodeTable = stored(tableNode, 1, "Register", nodeID, (*restorer).node,
	unique(byUUID, nodeUUID), many(byAddress, nodeByAddress))

// Node is a machine or a stand-in for one (reference/http-catalog-health.md §1).
// Its Name is its identity, compared without regard to case.
type Node struct {
	ID              string            // UUID, lower case; may be empty for external nodes
	Node            string            // the name
	Address         string            // IP or host name
	Datacenter      string            // set when stored
	TaggedAddresses map[string]string // lan, wan, lan_ipv4, … ; nil when not given
	Meta            map[string]string // nil when not given
	Locality        *Locality
	CreateIndex     uint64
	ModifyIndex     uint64
}

// Locality is where a node or service instance runs.
type Locality struct {
	Region string
	Zone   string
}

func nodeID(n *Node) []byte { return home.nodeKey(n.Node) }

func (in *keyspace) nodeKey(name string) []byte { return in.partsKey(fold(name)) }

func nodeUUID(n *Node) []byte {
	if n.ID == "" {
		return nil
	}
	return home.text(foldUUID(n.ID))
}

// equal compares what a registration sets.
func (n *Node) equal(o *Node) bool {
	return n.ID == o.ID && n.Node == o.Node && n.Address == o.Address && n.Datacenter == o.Datacenter &&
		maps.Equal(n.TaggedAddresses, o.TaggedAddresses) && maps.Equal(n.Meta, o.Meta) &&
		n.Locality.Equal(o.Locality)
}

// Equal reports whether two localities are the same place, or both unknown (nil).
func (l *Locality) Equal(o *Locality) bool {
	return l == o || l != nil && o != nil && *l == *o
}

// Nodes lists all nodes by name. Its index moves with instances, too
// (reference/http-api.md §5), but nodes alone wake who watches.
func (tx *Tx) Nodes(ws WatchSet) (uint64, []*Node) {
	nodes := make([]*Node, 0)
	for n := range rows[*Node](tx.txn, ws, tableNode, byID, tx.in.all()) {
		nodes = append(nodes, n)
	}
	return tx.NodesIndex(), nodes
}

// NodesIndex is the index of Nodes.
func (tx *Tx) NodesIndex() uint64 { return tx.index(indexNodes) }

// WatchNodes watches what Nodes does, and returns the channel: it is the same one while
// no node changes.
func (tx *Tx) WatchNodes(ws WatchSet) <-chan struct{} {
	return watchRows(tx.txn, ws, tableNode, byID, tx.in.all())
}

// Node finds a node by name (any case), by full ID, or by a unique ID prefix of
// at least two hex digits; nil if there is none.
func (tx *Tx) Node(ws WatchSet, nameOrID string) (uint64, *Node) {
	node := tx.findNode(ws, nameOrID)
	if node == nil {
		return tx.watchIndex(ws, indexNodeGone), nil
	}
	return tx.watchIndex(ws, prefixNode+fold(node.Node)), node
}

// NodeServices returns a node and its services, or nil.
func (tx *Tx) NodeServices(ws WatchSet, nameOrID string) (uint64, *NodeServices) {
	index, node := tx.Node(ws, nameOrID)
	if node == nil {
		return index, nil
	}
	services := make([]*Service, 0)
	for s := range rows[*Service](tx.txn, nil, tableService, byID, tx.in.nodeKey(node.Node)) {
		services = append(services, s)
	}
	return index, &NodeServices{Node: node, Services: services}
}

// findNode looks up a name, then an ID. It watches only for what is missing:
// who gets a node watches that node's index row.
func (tx *Tx) findNode(ws WatchSet, nameOrID string) *Node {
	if n := first[*Node](tx.txn, tableNode, byID, tx.in.nodeKey(nameOrID)); n != nil {
		return n
	}
	if isUUIDPrefix(nameOrID) {
		if n := tx.nodeByUUID(nil, foldUUID(nameOrID)); n != nil {
			return n
		}
		tx.nodeByUUID(ws, foldUUID(nameOrID))
	}
	firstWatch[*Node](tx.txn, ws, tableNode, byID, tx.in.nodeKey(nameOrID))
	return nil
}

// nodeByUUID returns the one node whose ID starts with digits.
func (tx *Tx) nodeByUUID(ws WatchSet, digits string) *Node {
	var found *Node
	for n := range rows[*Node](tx.txn, ws, tableNode, byUUID, tx.in.text(digits)) {
		if found != nil {
			return nil // not unique
		}
		found = n
	}
	return found
}

// nodePlan is what a registration will do to nodes, found out before anything
// is written.
type nodePlan struct {
	row     *Node // the node when done
	write   bool  // row differs from what is stored
	isNew   bool  // nothing is stored under row's name
	renamed *Node // had row's ID under another name and goes away
}

// planNode finds out what r does to nodes, or why it may not.
func (w *writer) planNode(r *Register) (nodePlan, error) {
	held := first[*Node](w.txn, tableNode, byID, w.in.nodeKey(r.Node))
	if held != nil && r.SkipNodeUpdate {
		return nodePlan{row: held}, nil
	}
	plan := nodePlan{write: true, isNew: held == nil, row: &Node{
		ID: r.ID, Node: r.Node, Address: r.Address, Datacenter: r.Datacenter,
		TaggedAddresses: r.TaggedAddresses, Meta: r.NodeMeta, Locality: r.Locality,
		CreateIndex: w.index, ModifyIndex: w.index,
	}}
	if r.ID != "" {
		if held != nil && held.ID != "" && held.ID != r.ID && w.isReserved(held) {
			return plan, fault.New(fault.Rejected,
				"failed inserting node: Error while renaming Node ID: %q: Node name %s is reserved by node %s with name %s (%s)",
				r.ID, r.Node, held.ID, held.Node, held.Address)
		}
		owner := first[*Node](w.txn, tableNode, byUUID, w.in.text(foldUUID(r.ID)))
		if owner != nil && fold(owner.Node) != fold(r.Node) {
			plan.renamed = owner
			plan.row.CreateIndex = owner.CreateIndex
			return plan, nil
		}
	}
	if held != nil {
		plan.row.CreateIndex = held.CreateIndex
		if plan.row.equal(held) {
			return nodePlan{row: held}, nil
		}
	}
	return plan, nil
}

// isReserved reports whether a node keeps its name from others: its agent is
// alive as far as gossip knows (reference/internals.md §3).
func (w *writer) isReserved(n *Node) bool {
	c := first[*Check](w.txn, tableCheck, byID, w.in.checkKey(n.Node, SerfHealth))
	return c != nil && c.Status != Critical
}

// putNode carries out a plan.
func (w *writer) putNode(plan nodePlan) {
	if plan.renamed != nil {
		w.removeNode(plan.renamed)
	}
	if !plan.write {
		return
	}
	w.noteNode(event(!plan.isNew), plan.row)
	w.txn.Insert(tableNode, plan.row)
	if plan.isNew {
		w.count(countNodes, 1)
	}
	w.bump(indexNodes)
	w.bump(prefixNode + fold(plan.row.Node))
	w.bumpServicesOn(plan.row.Node, true)
}

// removeNode deletes a node with all it holds.
func (w *writer) removeNode(n *Node) {
	w.endSessionsOn(n.Node, "")
	for _, s := range collect[*Service](w.txn, tableService, byID, w.in.nodeKey(n.Node)) {
		w.removeService(s)
	}
	for _, c := range collect[*Check](w.txn, tableCheck, byID, w.in.nodeKey(n.Node)) {
		w.removeCheck(c)
	}
	w.removeCoordinates(n.Node)
	w.noteNode(EventDeregistered, n)
	remove(w.txn, tableNode, n)
	w.count(countNodes, -1)
	w.bump(indexNodes)
	w.bump(indexNodeGone)
	w.drop(prefixNode + fold(n.Node))
}

// node takes a node of a snapshot.
func (re *restorer) node(n *Node) error {
	switch {
	case n.Node == "":
		return errNoKey
	case re.holds(tableNode, byID, nodeID(n)):
		return errTwice
	case n.ID != "" && re.holds(tableNode, byUUID, nodeUUID(n)):
		return fmt.Errorf("node ID %s: %w", n.ID, errTwice)
	}
	n.TaggedAddresses, n.Meta = nilEmptyMap(n.TaggedAddresses), nilEmptyMap(n.Meta)
	re.w.txn.Insert(tableNode, n)
	re.w.count(countNodes, 1)
	return re.indexes(n.CreateIndex, n.ModifyIndex)
}
