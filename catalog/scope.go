package catalog

// Scope is where rows live: a name means different things in two of them. The zero
// value is the default scope, the only one that has rows so far.
type Scope struct {
	Peer      string // "" for this cluster's own rows
	Partition string
	Namespace string
}

// Size is how many bytes its names hold.
func (s Scope) Size() int { return len(s.Peer) + len(s.Partition) + len(s.Namespace) }

// keyspace is a Scope as keys show it. The functions that make keys are its methods;
// of what calls them only a Tx and a writer know which scope it is. The mark begins
// all keys of a scope, and the names of its index rows and totals. That of the
// default scope is empty: its keys are what they would be if there were no scopes,
// in memory and in snapshots.
type keyspace struct {
	scope Scope
	mark  string
}

// home is the default scope: the zero Tx and the zero writer are there. Rows do not
// say yet whose they are: all are at home.
var home *keyspace

func newKeyspace(s Scope) *keyspace {
	if s == (Scope{}) {
		return home
	}
	mark := []byte{1}
	for _, part := range [...]string{s.Peer, s.Partition, s.Namespace} {
		mark = appendPart(mark, part)
	}
	return &keyspace{s, string(mark)}
}

// In is the same moment as seen from a scope.
func (tx *Tx) In(s Scope) *Tx {
	scoped := *tx
	scoped.in = newKeyspace(s)
	return &scoped
}

// Scope is the one that tx reads.
func (tx *Tx) Scope() Scope {
	if tx.in == home {
		return Scope{}
	}
	return tx.in.scope
}

// begin is the mark.
func (in *keyspace) begin() string {
	if in == home {
		return ""
	}
	return in.mark
}

// text is a key that is one text, or the beginning of such keys; "" begins all.
func (in *keyspace) text(text string) []byte {
	if in == home {
		return []byte(text)
	}
	return []byte(in.mark + text)
}

// all begins all keys of any table.
func (in *keyspace) all() []byte { return in.text("") }

// name is the name of an index row or a total.
func (in *keyspace) name(name string) string {
	if in == home {
		return name
	}
	return in.mark + name
}

// partsKey joins parts to a key.
func (in *keyspace) partsKey(parts ...string) []byte {
	mark := in.begin()
	size := len(mark)
	for _, p := range parts {
		size += len(p) + 1
	}
	key := append(make([]byte, 0, size), mark...)
	for _, p := range parts {
		key = appendPart(key, p)
	}
	return key
}
