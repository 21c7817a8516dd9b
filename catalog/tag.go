package catalog

import (
	"slices"

	"praetor/internal/memdb"
)

const tableTag = "tag"

var tagTable = derived(tableTag, tagID)

// tagRow counts the instances of a service, and those with a tag, so that
// listing services costs names and tags, not instances. Derived from service
// rows: snapshots leave it out. Service is the exact name, in its own case.
type tagRow struct {
	Service string
	Tag     string
	IsTag   bool // false: the row of the service itself
	Count   int
}

func tagID(t *tagRow) []byte {
	if !t.IsTag {
		return home.partsKey(t.Service)
	}
	return home.partsKey(t.Service, t.Tag)
}

// serviceTags is an answer of Tx.Services and the index it belongs to.
type serviceTags struct {
	index uint64
	tags  map[string][]string
}

// Services maps every service name to its distinct tags, sorted. The map is
// made once per change and shared by all callers until the next.
func (tx *Tx) Services(ws WatchSet) (uint64, map[string][]string) {
	index := tx.watchIndex(ws, indexServices)
	if tx.in != home {
		return index, tx.serviceTags()
	}
	cached := tx.state.services.Load()
	if cached != nil && cached.index == index {
		return index, cached.tags
	}
	answer := &serviceTags{index: index, tags: tx.serviceTags()}
	if cached == nil || cached.index < index {
		tx.state.services.CompareAndSwap(cached, answer)
	}
	return index, answer.tags
}

func (tx *Tx) serviceTags() map[string][]string {
	tags := make(map[string][]string)
	for t := range rows[*tagRow](tx.txn, nil, tableTag, byID, tx.in.all()) {
		if t.IsTag {
			tags[t.Service] = append(tags[t.Service], t.Tag)
		} else {
			tags[t.Service] = []string{}
		}
	}
	return tags
}

// countTags takes old out of the counts and puts s in; either may be nil.
func (w *writer) countTags(old, s *Service) {
	if old != nil && s != nil && old.Service == s.Service && slices.Equal(old.Tags, s.Tags) {
		return
	}
	if s != nil {
		addTags(w.txn, s, 1)
	}
	if old != nil {
		addTags(w.txn, old, -1)
	}
}

func addTags(txn *memdb.Txn, s *Service, by int) {
	addTag(txn, tagRow{Service: s.Service}, by)
	for _, tag := range s.Tags {
		addTag(txn, tagRow{Service: s.Service, Tag: tag, IsTag: true}, by)
	}
}

func addTag(txn *memdb.Txn, row tagRow, by int) {
	old := first[*tagRow](txn, tableTag, byID, tagID(&row))
	if old != nil {
		row.Count = old.Count
	}
	row.Count += by
	if row.Count == 0 {
		remove(txn, tableTag, old)
		return
	}
	txn.Insert(tableTag, &row)
}
