package ops

import (
	"praetor/catalog"
	"praetor/internal/rpc"
)

var (
	// QueryApply creates, replaces and deletes prepared queries.
	QueryApply = rpc.Write[QueryApplyRequest, QueryApplyReply]("Query.Apply")
	// QueryGet reads one query by ID, QueryList all.
	QueryGet  = rpc.Read[QueryGetRequest, QueriesReply]("Query.Get")
	QueryList = rpc.Read[QueryListRequest, QueriesReply]("Query.List")
	// QueryExplain finds the query for an ID or a name, and renders it.
	QueryExplain = rpc.Read[QueryExplainRequest, QueryExplainReply]("Query.Explain")
	// QueryExecute finds instances, elsewhere if there are none here.
	QueryExecute = rpc.Read[QueryExecuteRequest, QueryExecuteReply]("Query.Execute")
	// QuerySelect finds instances for a query that another datacenter has rendered.
	QuerySelect = rpc.Read[QuerySelectRequest, QueryExecuteReply]("Query.Select")
)

// QueryApplyRequest holds a query without indexes; to create it also without ID.
type QueryApplyRequest struct {
	rpc.WriteOptions
	Write catalog.QueryWrite
}

type QueryApplyReply struct {
	ID    string
	Index uint64
}

type QueryGetRequest struct {
	rpc.ReadOptions
	ID string
}

type QueryListRequest struct {
	rpc.ReadOptions
}

type QueriesReply struct {
	rpc.ReadMeta
	Queries []*catalog.Query
}

// QueryExplainRequest names a query, or a name that a template renders for.
type QueryExplainRequest struct {
	rpc.ReadOptions
	QueryIDOrName string
}

type QueryExplainReply struct {
	rpc.ReadMeta
	Query catalog.Query
}

// QueryExecuteRequest asks for instances. Near is of the request; where it is
// absent the query's own counts, of which _agent is Agent and _ip SourceIP.
type QueryExecuteRequest struct {
	rpc.ReadOptions
	Near
	QueryIDOrName string
	Limit         int // 0 for none
	Connect       bool
	Agent         string // the node that was asked
	SourceIP      string // of who asked, "" if unknown
}

// QuerySelectRequest holds a rendered query.
type QuerySelectRequest struct {
	rpc.ReadOptions
	Query   catalog.Query
	Limit   int
	Connect bool
}

// QueryExecuteReply has the instances in the order in which to use them.
type QueryExecuteReply struct {
	rpc.ReadMeta
	Service    string
	Instances  []*catalog.InstanceHealth
	DNSTTL     string
	Datacenter string // where they are
	PeerName   string
	Failovers  int
}
