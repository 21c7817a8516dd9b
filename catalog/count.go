package catalog

const tableCount = "count"

var countTable = derived(tableCount, countID)

// Counts are totals of the store, kept as it changes and never by counting.
type Counts struct {
	Nodes     int
	Services  int // distinct names, without regard to case
	Instances int
	Checks    int
	Keys      int

	Kinds  map[string]int // instances by Kind; kind "" is left out
	Native int            // instances with Connect.Native
}

// countRow is one total. Derived from other rows: snapshots leave it out.
type countRow struct {
	Name  string
	Value int
}

func countID(c *countRow) []byte { return []byte(c.Name) }

// The names of count rows.
const (
	countNodes     = "nodes"
	countServices  = "services"
	countInstances = "instances"
	countChecks    = "checks"
	countKeys      = "keys"
	countNative    = "native"
	countKind      = "kind/" // and the kind
)

// Counts returns the totals.
func (tx *Tx) Counts() Counts {
	c := Counts{
		Nodes: tx.count(countNodes), Services: tx.count(countServices), Instances: tx.count(countInstances),
		Checks: tx.count(countChecks), Keys: tx.count(countKeys), Native: tx.count(countNative),
		Kinds: make(map[string]int),
	}
	for r := range rows[*countRow](tx.txn, nil, tableCount, byID, []byte(tx.in.name(countKind))) {
		c.Kinds[r.Name[len(tx.in.begin())+len(countKind):]] = r.Value
	}
	return c
}

func (tx *Tx) count(name string) int {
	if r := first[*countRow](tx.txn, tableCount, byID, []byte(tx.in.name(name))); r != nil {
		return r.Value
	}
	return 0
}

// count changes a total when the batch is committed.
func (w *writer) count(name string, by int) { w.counts[w.in.name(name)] += by }

// countInstance counts an instance in (by 1) or out (by -1).
func (w *writer) countInstance(s *Service, by int) {
	w.count(countInstances, by)
	if s.Kind != "" {
		w.count(countKind+s.Kind, by)
	}
	if s.Connect != nil && s.Connect.Native {
		w.count(countNative, by)
	}
}

// flushCounts writes the totals that the batch changed, each once.
func (w *writer) flushCounts() {
	for name, by := range w.counts {
		row := &countRow{Name: name, Value: by}
		old := first[*countRow](w.txn, tableCount, byID, countID(row))
		if old != nil {
			row.Value += old.Value
		}
		switch {
		case by == 0:
		case row.Value == 0:
			remove(w.txn, tableCount, old)
		default:
			w.txn.Insert(tableCount, row)
		}
	}
	clear(w.counts)
}
