package memdb

import (
	"bytes"
	"slices"
)

// leaf is a row at a key. It is never changed: a tree gets another in its place.
type leaf struct {
	key   []byte
	row   any
	watch watch
}

// child is what a slot of a node holds: a leaf where one key goes on so, else a node.
type child struct {
	node *node
	leaf *leaf
}

// node is where keys part. Below it, all begin with what leads to it and its prefix. But
// for the root it holds two keys at least.
type node struct {
	prefix []byte
	own    *leaf   // whose key ends here
	labels []byte  // the next byte of each child's keys, in order; never changed in place
	kids   []child // by label
	mark   uint64  // of the edit that made it, which may change it in place
	watch  watch
}

// edit changes a tree. It copies nodes that others may read, once each.
type edit struct {
	mark     uint64 // of the nodes that it has made
	replaced []replaced
}

// replaced is the watch of what is in the tree no more, or of a leaf whose row stands
// elsewhere in it now: there, its watch is moved.
type replaced struct{ watch, moved *watch }

// find returns the leaf at key, nil if there is none, and what is replaced when one
// comes.
func (n *node) find(key []byte) (*leaf, *watch) {
	for at := 0; ; {
		if at == len(key) {
			if n.own == nil {
				return nil, &n.watch
			}
			return n.own, nil
		}
		i := bytes.IndexByte(n.labels, key[at])
		if i < 0 {
			return nil, &n.watch
		}
		kid := n.kids[i]
		if kid.leaf != nil {
			if bytes.Equal(kid.leaf.key, key) {
				return kid.leaf, nil
			}
			return nil, &n.watch
		}
		if !bytes.HasPrefix(key[at:], kid.node.prefix) {
			return nil, &n.watch
		}
		n, at = kid.node, at+len(kid.node.prefix)
	}
}

// under returns what holds the keys that begin with prefix, an empty child if there are
// none, and what is replaced when one of them comes, changes or goes.
func (n *node) under(prefix []byte) (child, *watch) {
	for at := 0; at < len(prefix); {
		i := bytes.IndexByte(n.labels, prefix[at])
		if i < 0 {
			return child{}, &n.watch
		}
		kid := n.kids[i]
		switch {
		case kid.leaf != nil && bytes.HasPrefix(kid.leaf.key, prefix):
			return kid, &kid.leaf.watch // another such key takes its slot
		case kid.leaf != nil:
			return child{}, &n.watch
		case bytes.HasPrefix(kid.node.prefix, prefix[at:]):
			return kid, &kid.node.watch
		case !bytes.HasPrefix(prefix[at:], kid.node.prefix):
			return child{}, &n.watch
		}
		n, at = kid.node, at+len(kid.node.prefix)
	}
	return child{node: n}, &n.watch
}

// each calls yield with the rows of c in order until it says false, and reports whether
// it never did.
func (c child) each(yield func(row any) bool) bool {
	switch {
	case c.leaf != nil:
		return yield(c.leaf.row)
	case c.node == nil:
		return true
	case c.node.own != nil && !yield(c.node.own.row):
		return false
	}
	for _, kid := range c.node.kids {
		if !kid.each(yield) {
			return false
		}
	}
	return true
}

// last is the row with the greatest key, nil if there is none.
func (n *node) last() any {
	for len(n.kids) > 0 {
		kid := n.kids[len(n.kids)-1]
		if kid.leaf != nil {
			return kid.leaf.row
		}
		n = kid.node
	}
	if n.own != nil {
		return n.own.row
	}
	return nil
}

// longest is the row with the longest key that key begins with, nil if there is none.
func (n *node) longest(key []byte) (row any) {
	for at := 0; ; {
		if n.own != nil {
			row = n.own.row
		}
		if at == len(key) {
			return row
		}
		i := bytes.IndexByte(n.labels, key[at])
		if i < 0 {
			return row
		}
		kid := n.kids[i]
		if kid.leaf != nil {
			if bytes.HasPrefix(key, kid.leaf.key) {
				row = kid.leaf.row
			}
			return row
		}
		if !bytes.HasPrefix(key[at:], kid.node.prefix) {
			return row
		}
		n, at = kid.node, at+len(kid.node.prefix)
	}
}

// changeable is n, or a copy of it that only e knows.
func (e *edit) changeable(n *node) *node {
	if n.mark == e.mark {
		return n
	}
	e.replaced = append(e.replaced, replaced{watch: &n.watch})
	return &node{prefix: n.prefix, own: n.own, labels: n.labels, kids: slices.Clone(n.kids), mark: e.mark}
}

// gone notes that a leaf is in the tree no more.
func (e *edit) gone(l *leaf) {
	if l != nil {
		e.replaced = append(e.replaced, replaced{watch: &l.watch})
	}
}

// moved is l for another place: who waits for its row goes on waiting.
func (e *edit) moved(l *leaf) *leaf {
	m := &leaf{key: l.key, row: l.row}
	m.watch.takeRow(&l.watch)
	e.replaced = append(e.replaced, replaced{&l.watch, &m.watch})
	return m
}

// put sets the row at a key that begins with what leads to n, at bytes of it, and returns
// n as it is then.
func (e *edit) put(n *node, at int, l *leaf) *node {
	n = e.changeable(n)
	if at == len(l.key) {
		e.gone(n.own)
		n.own = l
		return n
	}
	label := l.key[at]
	i := bytes.IndexByte(n.labels, label)
	if i < 0 {
		i, _ = slices.BinarySearch(n.labels, label)
		labels := make([]byte, 0, len(n.labels)+1)
		n.labels = append(append(append(labels, n.labels[:i]...), label), n.labels[i:]...)
		n.kids = slices.Insert(n.kids, i, child{leaf: l})
		return n
	}
	if old := n.kids[i].leaf; old != nil {
		if bytes.Equal(old.key, l.key) {
			e.gone(old)
			n.kids[i].leaf = l
			return n
		}
		parted := &node{prefix: common(old.key[at:], l.key[at:]), mark: e.mark}
		e.put(parted, at+len(parted.prefix), e.moved(old))
		n.kids[i] = child{node: e.put(parted, at+len(parted.prefix), l)}
		return n
	}
	kid := n.kids[i].node
	shared := common(kid.prefix, l.key[at:])
	if len(shared) < len(kid.prefix) {
		below := e.changeable(kid)
		below.prefix = kid.prefix[len(shared):]
		kid = &node{prefix: shared, labels: below.prefix[:1:1], kids: []child{{node: below}}, mark: e.mark}
	}
	n.kids[i].node = e.put(kid, at+len(shared), l)
	return n
}

// drop removes the row at a key that is there, and returns n as it is then.
func (e *edit) drop(n *node, at int, key []byte) *node {
	n = e.changeable(n)
	if at == len(key) {
		e.gone(n.own)
		n.own = nil
		return n
	}
	i := bytes.IndexByte(n.labels, key[at])
	if l := n.kids[i].leaf; l != nil {
		e.gone(l)
		labels := make([]byte, 0, len(n.labels)-1)
		n.labels = append(append(labels, n.labels[:i]...), n.labels[i+1:]...)
		n.kids = slices.Delete(n.kids, i, i+1)
		return n
	}
	kid := n.kids[i].node
	n.kids[i] = e.joined(e.drop(kid, at+len(kid.prefix), key))
	return n
}

// joined is what takes the place of a node that may hold one key or node only.
func (e *edit) joined(n *node) child {
	switch {
	case len(n.kids) == 0:
		return child{leaf: n.own}
	case len(n.kids) > 1 || n.own != nil:
		return child{node: n}
	case n.kids[0].leaf != nil:
		return n.kids[0]
	}
	kid := e.changeable(n.kids[0].node)
	kid.prefix = slices.Concat(n.prefix, kid.prefix)
	return child{node: kid}
}

// common is what two keys both begin with.
func common(a, b []byte) []byte {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return a[:i:i]
		}
	}
	return a[:n:n]
}
