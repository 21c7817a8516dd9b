package catalog

import (
	"fmt"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tinylib/msgp/msgp"
)

const tableHistory = "history"

// historyTable has one row for each journal: all that it holds. It is no part of what
// servers must agree on: each keeps as much as its own settings say.
var historyTable = derived(tableHistory, func(r interface{ id() []byte }) []byte { return r.id() })

// HistoryOptions say how much a server remembers of what changed. The zero value
// remembers nothing.
type HistoryOptions struct {
	Keys     bool          // changes of keys, with the values before
	Catalog  bool          // registrations, the statuses of checks, leaders
	MaxAge   time.Duration // what is older goes; 0 for no bound
	MaxBytes int           // of memory, for keys and for the catalog each
}

// Kept reports whether anything is remembered.
func (o HistoryOptions) Kept() bool { return o.Keys || o.Catalog }

// KeepHistory says how much is remembered from the next command on. What is not to be
// remembered any more goes then, too. Any goroutine may call it.
func (s *Store) KeepHistory(o HistoryOptions) { s.history.Store(&historian{HistoryOptions: o}) }

// History is what KeepHistory was told last.
func (s *Store) History() HistoryOptions {
	if h := s.history.Load(); h != nil {
		return h.HistoryOptions
	}
	return HistoryOptions{}
}

// maxNoteBytes is more than names of tokens and nodes take.
const maxNoteBytes = 1024

// Encode is what Entry.Note holds.
func (n *Note) Encode() []byte {
	b, err := n.MarshalMsg(nil)
	if err != nil || len(b) > maxNoteBytes {
		return nil
	}
	return b
}

// decodeNote reads a note. One that cannot be read says nothing: no state depends on it.
func decodeNote(b []byte) (n Note) {
	if len(b) == 0 || len(b) > maxNoteBytes {
		return Note{}
	}
	if _, err := n.UnmarshalMsg(b); err != nil {
		return Note{}
	}
	return n
}

// historyRow is a row of a journal.
type historyRow interface {
	at() Moment
	size() int // bytes of memory, about
	journal() string
}

// Moment is a place in the history.
type Moment struct {
	Index uint64
	Time  int64 // nanoseconds since 1970
}

// The journals.
const (
	journalKeys    = "keys"
	journalCatalog = "catalog"
)

func (c *KeyChange) at() Moment          { return Moment{c.Index, c.Time} }
func (c *KeyChange) journal() string     { return journalKeys }
func (c *CatalogChange) at() Moment      { return Moment{c.Index, c.Time} }
func (c *CatalogChange) journal() string { return journalCatalog }

// What rows take beside their texts, with what surrounds them.
const (
	keyChangeBytes     = 240
	entryRowBytes      = 160
	catalogChangeBytes = 320
)

func (c *KeyChange) size() int {
	n := keyChangeBytes + len(c.Accessor) + len(c.Agent) + len(c.Key)
	if c.Old != nil {
		n += entryRowBytes + len(c.Old.Value)
	}
	return n
}

func (c *CatalogChange) size() int {
	return catalogChangeBytes + len(c.Accessor) + len(c.Agent) + len(c.Node) + len(c.Service) + len(c.ServiceID) +
		len(c.CheckID) + len(c.CheckName) + len(c.Output) + len(c.Address)
}

// journal is rows in the order of their indexes. It never changes: one that is longer
// shares the array with it, behind its end.
type journal[R historyRow] struct {
	rows  []R
	bytes int
	from  Moment // nothing that happened after it is missing
}

func (j *journal[R]) id() []byte {
	var row R
	return home.text(row.journal())
}

func journalOf[R historyRow](tx *Tx) *journal[R] { return watchJournal[R](tx, nil) }

func watchJournal[R historyRow](tx *Tx, ws WatchSet) *journal[R] {
	var row R
	if j := firstWatch[*journal[R]](tx.txn, ws, tableHistory, byID, tx.in.text(row.journal())); j != nil {
		return j
	}
	return &journal[R]{}
}

// grown is j with more rows, without those that are too old or too many.
func (j *journal[R]) grown(added []R, o *HistoryOptions) *journal[R] {
	next := *j
	next.rows = append(next.rows, added...)
	for _, r := range added {
		next.bytes += r.size()
	}
	next.trim(o)
	return &next
}

func (j *journal[R]) trim(o *HistoryOptions) {
	oldest := int64(math.MinInt64)
	if n := len(j.rows); o.MaxAge > 0 && n > 0 {
		oldest = j.rows[n-1].at().Time - int64(o.MaxAge)
	}
	gone := 0
	for gone < len(j.rows) && (j.bytes > o.MaxBytes || j.rows[gone].at().Time < oldest) {
		j.bytes -= j.rows[gone].size()
		gone++
	}
	if gone == 0 {
		return
	}
	j.from = j.rows[gone-1].at()
	j.rows = j.rows[gone:]
	if gone > len(j.rows) { // or the array keeps those that went until it is full
		j.rows = slices.Clone(j.rows)
	}
}

// historian notes what a batch changes; nil notes nothing. Whoever applies uses it.
type historian struct {
	HistoryOptions
	settled bool   // what is not kept is gone, what is kept has begun
	began   Moment // before the first command that is noted, while that is not settled
	entry   *Entry // the command being applied
	author  *Note  // and who asked for it; nil: nobody has looked yet
	keys    []*KeyChange
	catalog []*CatalogChange
}

// event is what a registration of what may have been there already is.
func event(known bool) string {
	if known {
		return EventChanged
	}
	return EventRegistered
}

// begin takes the next command up.
func (h *historian) begin(e *Entry) {
	if h != nil {
		h.entry, h.author = e, nil
		if !h.settled && h.began == (Moment{}) {
			h.began = Moment{e.Index - 1, e.Time}
		}
	}
}

// note is what stands beside the command.
func (h *historian) note() *Note {
	if h.author == nil {
		n := decodeNote(h.entry.Note)
		h.author = &n
	}
	return h.author
}

// forget drops what was noted and not flushed.
func (h *historian) forget() {
	if h != nil {
		h.keys, h.catalog, h.entry, h.author = nil, nil, nil, nil
	}
}

// keepsKeys and keepsCatalog are asked before anything is made.
func (w *writer) keepsKeys() bool    { return w.history != nil && w.history.Keys }
func (w *writer) keepsCatalog() bool { return w.history != nil && w.history.Catalog }

// noteKey notes that a key was old, nil if it was not there, and is changed.
func (w *writer) noteKey(op, key string, old *KVEntry) {
	if h := w.history; w.keepsKeys() {
		by := h.note()
		h.keys = append(h.keys, &KeyChange{Index: w.index, Time: h.entry.Time, Accessor: by.Accessor, Agent: by.Agent, Key: key, Op: op, Old: old})
	}
}

// noteChange notes a change of the catalog. Who calls it has asked keepsCatalog.
func (w *writer) noteChange(c CatalogChange) {
	h, by := w.history, w.history.note()
	c.Index, c.Time, c.Accessor, c.Agent = w.index, h.entry.Time, by.Accessor, by.Agent
	h.catalog = append(h.catalog, &c)
}

func (w *writer) noteNode(event string, n *Node) {
	if w.keepsCatalog() {
		w.noteChange(CatalogChange{Kind: KindNode, Event: event, Node: n.Node, Address: n.Address})
	}
}

func (w *writer) noteService(event string, s *Service) {
	if !w.keepsCatalog() {
		return
	}
	address := s.Address
	if s.Port != 0 {
		address = net.JoinHostPort(address, strconv.Itoa(s.Port))
	}
	w.noteChange(CatalogChange{Kind: KindService, Event: event, Node: s.Node, Service: s.Service, ServiceID: s.ID, Address: address})
}

// maxOutput is how much of a check's output is remembered.
const maxOutput = 256

// noteCheck notes a new check, or that its status is not what it was.
func (w *writer) noteCheck(old, c *Check) {
	switch {
	case !w.keepsCatalog():
	case old == nil:
		w.noteCheckAs(EventRegistered, "", c)
	case old.Status != c.Status:
		w.noteCheckAs(EventChanged, old.Status, c)
	}
}

func (w *writer) noteCheckAs(event, from string, c *Check) {
	if !w.keepsCatalog() {
		return
	}
	output, to := c.Output, c.Status
	if len(output) > maxOutput {
		output = strings.Clone(strings.ToValidUTF8(output[:maxOutput], ""))
	}
	if event == EventDeregistered {
		from, to, output = c.Status, "", ""
	}
	w.noteChange(CatalogChange{Kind: KindCheck, Event: event, Node: c.Node, Service: c.ServiceName, ServiceID: c.ServiceID,
		CheckID: c.CheckID, CheckName: c.Name, From: from, To: to, Output: output})
}

// noteEvent notes what the command's note says beside who asked for it.
func (w *writer) noteEvent() {
	if !w.keepsCatalog() {
		return
	}
	switch n := w.history.note(); n.Event {
	case EventElected:
		w.noteChange(CatalogChange{Kind: KindLeader, Event: EventElected, Node: n.Agent})
	case EventRestored:
		w.noteChange(CatalogChange{Kind: KindSnapshot, Event: EventRestored, Node: n.Agent})
	}
}

// flushHistory adds what the batch noted to the journals, and drops those that are not
// kept any more.
func (w *writer) flushHistory() {
	h := w.history
	if h == nil {
		return
	}
	if !h.settled {
		settle[*KeyChange](w, h.Keys)
		settle[*CatalogChange](w, h.Catalog)
		h.settled, h.began = true, Moment{}
	}
	if len(h.keys) > 0 {
		w.txn.Insert(tableHistory, w.keyJournal().grown(h.keys, &h.HistoryOptions))
	}
	if len(h.catalog) > 0 {
		w.txn.Insert(tableHistory, w.catalogJournal().grown(h.catalog, &h.HistoryOptions))
	}
	h.forget()
}

func (w *writer) keyJournal() *journal[*KeyChange] {
	return journalOf[*KeyChange](&Tx{txn: w.txn, in: w.in})
}

func (w *writer) catalogJournal() *journal[*CatalogChange] {
	return journalOf[*CatalogChange](&Tx{txn: w.txn, in: w.in})
}

// settle drops a journal that is not kept, or begins one that is.
func settle[R historyRow](w *writer, kept bool) {
	begun := &journal[R]{from: w.history.began}
	switch there := first[*journal[R]](w.txn, tableHistory, byID, begun.id()) != nil; {
	case there && !kept:
		w.txn.Delete(tableHistory, begun)
	case !there && kept:
		w.txn.Insert(tableHistory, begun)
	}
}

// KeyHistory lists the changes of a key, the latest first, as far back as since
// (nanoseconds since 1970) and the history go. Index and watch are those of KVGet.
func (tx *Tx) KeyHistory(ws WatchSet, key string, since int64) (uint64, []*KeyChange) {
	index, now := tx.KVGet(ws, key)
	list := make([]*KeyChange, 0)
	all := journalOf[*KeyChange](tx).rows
	for _, c := range slices.Backward(all) {
		if c.Time < since {
			break
		}
		if c.Key == key {
			shown := *c
			shown.New, now = now, c.Old
			list = append(list, &shown)
		}
	}
	return index, list
}

// KeyAt returns what a key was at a moment, nil if it was not there: by its index, or where
// that is 0 by its time. known is false if the history does not reach back so far; from is
// how far it does. Index and watch are those of KVGet.
func (tx *Tx) KeyAt(ws WatchSet, key string, at Moment, since int64) (index uint64, e *KVEntry, known bool, from Moment) {
	index, e = tx.KVGet(ws, key)
	j := journalOf[*KeyChange](tx)
	from = j.from
	for _, c := range slices.Backward(j.rows) {
		if c.Time < since {
			from = c.at()
			break
		}
		if c.Key != key {
			continue
		}
		if !c.at().after(at) {
			return index, e, true, from
		}
		e = c.Old
	}
	reaches := (len(j.rows) > 0 || from != (Moment{})) && !from.after(at)
	return index, e, reaches || e != nil && at.Index != 0 && e.ModifyIndex <= at.Index, from
}

// after reports whether m is later than o, which has an index or a time.
func (m Moment) after(o Moment) bool {
	if o.Index != 0 {
		return m.Index > o.Index
	}
	return m.Time > o.Time
}

// HistoryQuery says which changes of the catalog are wanted; "" and 0 stand for all.
type HistoryQuery struct {
	Service string
	Node    string
	Kind    string
	Since   int64 // nanoseconds since 1970
	// After is the index that the asker has seen: an answer without a later change is left
	// empty, and has this index.
	After uint64
}

func (q *HistoryQuery) wants(c *CatalogChange) bool {
	return (q.Service == "" || strings.EqualFold(q.Service, c.Service)) && (q.Node == "" || strings.EqualFold(q.Node, c.Node)) &&
		(q.Kind == "" || q.Kind == c.Kind)
}

// CatalogHistory lists changes of the catalog, the latest first. The index is that of the
// latest change of all.
func (tx *Tx) CatalogHistory(ws WatchSet, q HistoryQuery) (uint64, []*CatalogChange) {
	all := watchJournal[*CatalogChange](tx, ws).rows
	if q.After != 0 && !slices.ContainsFunc(all[laterThan(all, q.After):], q.wants) {
		return q.After, nil
	}
	index, list := uint64(0), make([]*CatalogChange, 0)
	for _, c := range slices.Backward(all) {
		index = max(index, c.Index)
		if c.Time < q.Since {
			break
		}
		if q.wants(c) {
			list = append(list, c)
		}
	}
	return index, list
}

// laterThan is where the rows begin whose index is past one.
func laterThan(all []*CatalogChange, index uint64) int {
	at, _ := slices.BinarySearchFunc(all, index+1, func(c *CatalogChange, index uint64) int {
		if c.Index < index {
			return -1
		}
		return 1
	})
	return at
}

// In a Raft snapshot a journal is cut into records (DESIGN.md §5).
const (
	historyPrefix   = "history/"
	historyRows     = 4096    // in a record, at most
	historyRowBytes = 1 << 20 // about
)

// writeHistory writes what the store remembers, behind its rows.
func (sw *snapshotWriter) writeHistory(tx *Tx) {
	writeJournal(sw, tx, func(c *historyChunk, rows []*KeyChange) { c.Keys = rows })
	writeJournal(sw, tx, func(c *historyChunk, rows []*CatalogChange) { c.Catalog = rows })
}

func writeJournal[R historyRow](sw *snapshotWriter, tx *Tx, put func(*historyChunk, []R)) {
	j := journalOf[R](tx)
	for n, rest := 0, j.rows; len(rest) > 0; n++ {
		cut, bytes := 0, 0
		for cut < min(len(rest), historyRows) && bytes < historyRowBytes {
			bytes += rest[cut].size()
			cut++
		}
		chunk := historyChunk{From: j.from.Index, FromTime: j.from.Time}
		put(&chunk, rest[:cut])
		data, err := chunk.MarshalMsg(nil)
		if err != nil {
			sw.err = err
			return
		}
		sw.row(indexTable.record, &historyRecord{fmt.Sprintf("%s%s/%06d", historyPrefix, rest[0].journal(), n), rest[cut-1].at().Index, data})
		rest = rest[cut:]
	}
}

// isHistory reports whether the body of an index record is a part of a history.
func isHistory(body []byte) bool {
	key, _ := decodeKey(body)
	return strings.HasPrefix(key, historyPrefix)
}

// historyRecord takes a part of a history. What cannot be read is left out: no answer but that
// about the past depends on it, and a server must start without.
func (re *restorer) historyRecord(r *historyRecord) error {
	var chunk historyChunk
	if _, err := chunk.UnmarshalMsg(r.Rows); err != nil || re.w.history == nil {
		return nil
	}
	from := Moment{chunk.From, chunk.FromTime}
	restoreJournal(re, re.w.history.Keys, chunk.Keys, from)
	restoreJournal(re, re.w.history.Catalog, chunk.Catalog, from)
	return nil
}

func restoreJournal[R interface {
	historyRow
	comparable
}](re *restorer, kept bool, list []R, from Moment) {
	var none R
	list = slices.DeleteFunc(list, func(r R) bool { return r == none || r.at().Index > re.last })
	if !kept || len(list) == 0 {
		return
	}
	j := *journalOf[R](&Tx{txn: re.w.txn, in: re.w.in})
	j.from = from
	re.w.txn.Insert(tableHistory, j.grown(list, &re.w.history.HistoryOptions))
}

var _ msgp.Marshaler = (*historyRecord)(nil)
