package catalog

import (
	"fmt"
	"reflect"
	"slices"
)

// SameDefinition lets tests try the comparison of definitions field by field.
func SameDefinition(a, b *CheckDefinition) bool { return a.equal(b) }

// SameService does so for services.
func SameService(a, b *Service) bool { return a.Same(b, (*Proxy).equal) }

// SameNode does so for nodes.
func SameNode(a, b *Node) bool { return a.equal(b) }

// SameCheck does so for checks.
func SameCheck(a, b *Check) bool { return a.equal(b) }

// SameCoord does so for places.
func SameCoord(a, b *Coord) bool { return a.equal(b) }

// BirthKey names the row that watchers of a missing service sleep on.
func BirthKey(name string) string { return birthKey(fold(name)) }

// Table is what tests see of a table.
type Table struct {
	Name    string
	Record  uint8
	Indexes []string // sorted
}

// Tables lists all tables.
func Tables() []Table {
	list := make([]Table, len(tables))
	for i, t := range tables {
		list[i] = Table{Name: t.name, Record: uint8(t.record)}
		for _, ix := range t.indexes {
			list[i].Indexes = append(list[i].Indexes, ix.Name)
		}
		slices.Sort(list[i].Indexes)
	}
	return list
}

// CommandForms lists the members of every command as they stand in the log, a line
// each: command.member type.
func CommandForms() (lines []string) {
	for _, c := range commands {
		lines = append(lines, membersOf(fmt.Sprintf("%d %s", uint8(c.number), c.body.Name()), c.body, nil)...)
	}
	return lines
}

func membersOf(path string, t reflect.Type, above []reflect.Type) (lines []string) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || slices.Contains(above, t) {
		return nil
	}
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() {
			lines = append(lines, path+"."+f.Name+" "+f.Type.String())
			lines = append(lines, membersOf(path+"."+f.Name, f.Type, append(above, t))...)
		}
	}
	return lines
}

// TombstoneHeight is how deep the tree of tombstones is.
func TombstoneHeight(tx *Tx) int { return graves(tx.txn, tx.in).height() }

func (t *grave) height() int {
	if t == nil {
		return 0
	}
	return 1 + max(t.left.height(), t.right.height())
}

// AsIndexRow reads a record as versions do that know no history.
func AsIndexRow(body []byte) (key string, value uint64, err error) {
	var row indexRow
	_, err = row.UnmarshalMsg(body)
	return row.Key, row.Value, err
}

// HistoryRecord is the body of a part of a history.
func HistoryRecord(key string, value uint64, rows []byte) []byte {
	b, err := (&historyRecord{key, value, rows}).MarshalMsg(nil)
	if err != nil {
		panic(err)
	}
	return b
}
