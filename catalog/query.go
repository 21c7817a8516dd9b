package catalog

import (
	"fmt"
	"praetor/internal/fault"
)

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false
//msgp:limit arrays:65536 maps:65536

const tableQuery = "query"

var queryTable = stored(tableQuery, 9, "PreparedQuery", queryID, (*restorer).query,
	unique(byName, queryByName), unique(byTemplate, queryByTemplate), many(bySession, queryBySession))

// TemplateNamePrefix is the one type of query templates: one that renders for
// every name that its own name is a prefix of.
const TemplateNamePrefix = "name_prefix_match"

// Query is a prepared query (reference/http-kv-session-txn.md §5).
type Query struct {
	ID          string
	Name        string
	Session     string // it goes with this session, "" for none
	Token       string
	Template    QueryTemplate
	Service     QueryService
	DNSTTL      string // as given, "" for none
	CreateIndex uint64
	ModifyIndex uint64
}

// QueryTemplate makes a query answer for many names. Type "" is none.
type QueryTemplate struct {
	Type            string
	Regexp          string
	RemoveEmptyTags bool
}

// QueryService says which instances a query selects.
type QueryService struct {
	Service        string
	SamenessGroup  string // kept for those who read it, no more
	Failover       QueryFailover
	OnlyPassing    bool
	IgnoreCheckIDs []string          `msg:"IgnoreCheckIDs,allownil"`
	Near           string            // a node, _agent or _ip
	Tags           []string          `msg:"Tags,allownil"` // all are required; with "!" none may be there
	NodeMeta       map[string]string `msg:"NodeMeta,allownil"`
	ServiceMeta    map[string]string `msg:"ServiceMeta,allownil"`
	Connect        bool
	Peer           string
}

// QueryFailover says where to look when there is no instance: the nearest
// datacenters, then those listed, or the targets instead.
type QueryFailover struct {
	NearestN    int
	Datacenters []string      `msg:"Datacenters,allownil"`
	Targets     []QueryTarget `msg:"Targets,allownil"`
}

// QueryTarget is a datacenter or a peer.
type QueryTarget struct {
	Peer       string
	Datacenter string
}

// QueryVerb is what a QueryWrite does.
type QueryVerb uint8

// The verbs.
const (
	QueryCreate QueryVerb = iota // the ID is the leader's choice and must be new
	QueryUpdate
	QueryDelete
)

// QueryCommand carries a QueryWrite; its result is nil or an error.
const QueryCommand CommandType = 10

var queryCommand = succeeds(QueryCommand, "prepared-query", (*writer).query)

// QueryWrite is the command that changes prepared queries.
type QueryWrite struct {
	Verb  QueryVerb
	Query Query
}

func (c *QueryWrite) hasKnownVerb() bool { return c.Verb <= QueryDelete }

// IsTemplate reports whether the query answers for many names.
func (q *Query) IsTemplate() bool { return q.Template.Type != "" }

func queryID(q *Query) []byte { return home.text(q.ID) }

func queryBySession(q *Query) []byte {
	if q.Session == "" {
		return nil
	}
	return home.partsKey(q.Session)
}

// queryByName finds queries that are no templates.
func queryByName(q *Query) []byte {
	if q.IsTemplate() || q.Name == "" {
		return nil
	}
	return home.queryNameKey(q.Name)
}

// queryByTemplate has no end mark: the longest of them that is a prefix of a
// name's key is the template for the name.
func queryByTemplate(q *Query) []byte {
	if !q.IsTemplate() {
		return nil
	}
	return home.templateKey(q.Name)
}

func (in *keyspace) queryNameKey(name string) []byte { return in.partsKey(fold(name)) }

func (in *keyspace) templateKey(name string) []byte { return in.text("t" + fold(name)) }

// Queries lists all prepared queries by ID.
func (tx *Tx) Queries(ws WatchSet) (uint64, []*Query) {
	list := make([]*Query, 0)
	for q := range rows[*Query](tx.txn, nil, tableQuery, byID, tx.in.all()) {
		list = append(list, q)
	}
	return tx.watchIndex(ws, indexQueries), list
}

// QueriesChanged watches for a change of any query: which of them a name means depends
// on all.
func (tx *Tx) QueriesChanged(ws WatchSet) { tx.watchIndex(ws, indexQueries) }

// Query returns a query by ID, or nil. The index is the whole table's.
func (tx *Tx) Query(ws WatchSet, id string) (uint64, *Query) {
	return tx.index(indexQueries), firstWatch[*Query](tx.txn, ws, tableQuery, byID, tx.in.text(id))
}

// QueryNamed finds the query for an ID, else for a name, else the template with
// the longest name that the name begins with; nil if there is none.
func (tx *Tx) QueryNamed(name string) *Query {
	if q := first[*Query](tx.txn, tableQuery, byID, tx.in.text(name)); q != nil {
		return q
	}
	if q := first[*Query](tx.txn, tableQuery, byName, tx.in.queryNameKey(name)); q != nil {
		return q
	}
	q, _ := tx.txn.LongestPrefix(tableQuery, byTemplate, tx.in.templateKey(name)).(*Query)
	return q
}

// query runs one QueryWrite.
func (w *writer) query(c *QueryWrite) error {
	q := &c.Query
	old := first[*Query](w.txn, tableQuery, byID, queryID(q))
	switch {
	case q.ID == "":
		return fault.New(fault.Internal, "a prepared query needs an ID")
	case c.Verb == QueryDelete:
		if old != nil {
			w.removeQuery(old)
		}
		return nil
	case c.Verb == QueryCreate && old != nil:
		return fault.New(fault.Conflict, "there is a prepared query %q", q.ID)
	case c.Verb == QueryUpdate && old == nil:
		return fault.New(fault.Rejected, "Cannot modify non-existent prepared query: '%s'", q.ID)
	}
	if err := w.checkQuery(q); err != nil {
		return err
	}
	q.CreateIndex, q.ModifyIndex = w.index, w.index
	if old != nil {
		q.CreateIndex = old.CreateIndex
	}
	w.txn.Insert(tableQuery, q)
	w.bump(indexQueries)
	return nil
}

// checkQuery refuses a session that does not exist and a name that is taken.
func (w *writer) checkQuery(q *Query) error {
	if q.Session != "" && first[*Session](w.txn, tableSession, byID, w.in.text(q.Session)) == nil {
		return fault.New(fault.Rejected, "invalid session %q", q.Session)
	}
	return w.checkQueryName(q)
}

func (w *writer) checkQueryName(q *Query) error {
	other := first[*Query](w.txn, tableQuery, byTemplate, w.in.templateKey(q.Name))
	if other == nil && q.Name != "" {
		other = first[*Query](w.txn, tableQuery, byName, w.in.queryNameKey(q.Name))
	}
	taken := other != nil && other.ID != q.ID
	switch {
	case q.Name == "" && q.IsTemplate() && taken:
		return fault.New(fault.Rejected, "a query template with an empty name already exists")
	case q.Name == "":
		return nil
	case taken:
		return fault.New(fault.Rejected, "name '%s' aliases an existing query name", q.Name)
	case first[*Query](w.txn, tableQuery, byID, w.in.text(q.Name)) != nil:
		return fault.New(fault.Rejected, "name '%s' aliases an existing query ID", q.Name)
	}
	return nil
}

func (w *writer) removeQuery(q *Query) {
	remove(w.txn, tableQuery, q)
	w.bump(indexQueries)
}

// endQueriesOf removes the queries that are bound to a session.
func (w *writer) endQueriesOf(s *Session) {
	for _, q := range collect[*Query](w.txn, tableQuery, bySession, w.in.partsKey(s.ID)) {
		w.removeQuery(q)
	}
}

// query takes a query of a snapshot.
func (re *restorer) query(q *Query) error {
	switch {
	case q.ID == "":
		return errNoKey
	case re.holds(tableQuery, byID, queryID(q)):
		return errTwice
	}
	if err := re.w.checkQuery(q); err != nil {
		return fmt.Errorf("query %q: %w", q.ID, err)
	}
	re.w.txn.Insert(tableQuery, q)
	return re.indexes(q.CreateIndex, q.ModifyIndex)
}
