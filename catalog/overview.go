package catalog

import (
	"maps"
	"slices"
)

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false
//msgp:limit arrays:1048576 maps:65536

// Overview counts what is in the catalog by health: internal/ui/catalog-overview
// (reference/http-mesh-ui.md §6).
type Overview struct {
	Nodes    Tally       // by their own checks
	Services []NameTally // instances by service name, by all checks that bear on them
	Checks   []NameTally // by check name
}

// NameTally counts what shares a name.
type NameTally struct {
	Name  string
	Tally Tally
}

// Total is how many were counted.
func (t Tally) Total() int { return t.Passing + t.Warning + t.Critical }

// Overview counts everything, in one pass over each table.
func (tx *Tx) Overview() *Overview {
	services, checks, sick := map[string]*Tally{}, map[string]*Tally{}, map[string]*Tally{}
	for r := range rows[*instanceRow](tx.txn, nil, tableInstance, byID, tx.in.all()) {
		tallyOf(services, r.Health.Service.Service).Add(Worst(r.Health.Checks), 1)
	}
	for c := range rows[*Check](tx.txn, nil, tableCheck, byID, tx.in.all()) {
		tallyOf(checks, c.Name).Add(c.Status, 1)
		if c.ServiceID == "" {
			tallyOf(sick, fold(c.Node)).Add(c.Status, 1)
		}
	}
	o := &Overview{Services: sortTallies(services), Checks: sortTallies(checks)}
	for n := range rows[*Node](tx.txn, nil, tableNode, byID, tx.in.all()) {
		o.Nodes.Add(tallyOf(sick, fold(n.Node)).Worst(), 1)
	}
	return o
}

func tallyOf(m map[string]*Tally, name string) *Tally {
	t := m[name]
	if t == nil {
		t = &Tally{}
		m[name] = t
	}
	return t
}

func sortTallies(m map[string]*Tally) []NameTally {
	list := make([]NameTally, 0, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		list = append(list, NameTally{name, *m[name]})
	}
	return list
}
