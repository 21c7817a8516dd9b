package query

import (
	"context"
	"slices"
	"time"

	"github.com/hashicorp/go-uuid"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
)

// Handlers answer the operations on prepared queries.
type Handlers struct{ *kernel.Kernel }

// New returns the handlers of a server.
func New(k *kernel.Kernel) *Handlers { return &Handlers{k} }

// Register registers them.
func (h *Handlers) Register(m *kernel.Mux) {
	kernel.Handle(m, ops.QueryApply, kernel.Decides("query:write on the name that the query has, and on the one it had"), h.queryApply)
	kernel.Handle(m, ops.QueryGet, kernel.Decides("query:read on the query's name"), h.queryGet)
	kernel.HandleList(m, h.Kernel, ops.QueryList, visible, func(_ *ops.QueryListRequest, rep *ops.QueriesReply) kernel.List[*catalog.Query] {
		return kernel.List[*catalog.Query]{Rows: (*catalog.Tx).Queries, Into: &rep.Queries}
	})
	kernel.Handle(m, ops.QueryExplain, kernel.Decides("query:read on the query's name"), h.queryExplain)
	kernel.Handle(m, ops.QueryExecute, kernel.Decides("what the query's own token sees, if it has one"), h.queryExecute)
	kernel.Handle(m, ops.QuerySelect, kernel.Health.Rule(), h.querySelect)
}

// The texts of reference/http-kv-session-txn.md §5.
var (
	errQueryUnknown  = fault.New(fault.NotFound, "Query not found")
	errTemplateByID  = fault.New(fault.Rejected, "prepared query templates can only be resolved up by name, not by ID")
	hiddenQueryToken = "<hidden>"
)

// checkQueryID refuses what cannot be the ID of a query.
func checkQueryID(id string) error {
	if len(id) != kernel.UUIDLen {
		return fault.New(fault.Rejected, "failed prepared query lookup: index error: UUID must be 36 characters")
	}
	return nil
}

func (h *Handlers) queryApply(ctx context.Context, az *acl.Authorizer, req *ops.QueryApplyRequest) (*ops.QueryApplyReply, error) {
	write := req.Write
	q := &write.Query
	if err := h.Current(ctx); err != nil {
		return nil, err
	}
	tx := h.Store.Read()
	q.ID, q.Session = queryID(tx, q.ID), kernel.SessionID(tx, q.Session)
	if err := h.mayChangeQuery(az, &write); err != nil {
		return nil, err
	}
	if write.Verb == catalog.QueryCreate {
		id, err := uuid.GenerateUUID()
		if err != nil {
			return nil, err
		}
		q.ID = id
	}
	if write.Verb != catalog.QueryDelete {
		if err := checkQuerySize(q); err != nil {
			return nil, err
		}
		if err := checkQuery(q); err != nil {
			return nil, fault.New(fault.Rejected, "Invalid prepared query: %w", err)
		}
		if err := compileTemplate(q); err != nil {
			return nil, kernel.ApplyFailed("raft apply failed", err)
		}
	}
	_, index, err := h.Apply(ctx, catalog.QueryCommand, &write)
	if err != nil {
		return nil, kernel.ApplyFailed("raft apply failed", err)
	}
	return &ops.QueryApplyReply{ID: q.ID, Index: index}, nil
}

// mayChangeQuery asks for query:write on the name a query has, and on the one that
// it had; those without a name, which are bound to a session, need no right.
func (h *Handlers) mayChangeQuery(az *acl.Authorizer, write *catalog.QueryWrite) error {
	q := &write.Query
	if write.Verb == catalog.QueryCreate {
		if q.ID != "" {
			return fault.New(fault.Rejected, "ID must be empty when creating a new prepared query")
		}
		return mayWriteQuery(az, q)
	}
	if err := checkQueryID(q.ID); err != nil {
		return fault.New(fault.Rejected, "Prepared Query lookup failed: %w", err)
	}
	_, old := h.Store.Read().Query(nil, q.ID)
	if old == nil {
		return fault.New(fault.Rejected, "Cannot modify non-existent prepared query: '%s'", q.ID)
	}
	if write.Verb == catalog.QueryUpdate {
		if err := mayWriteQuery(az, q); err != nil {
			return err
		}
	}
	return mayWriteQuery(az, old)
}

func mayWriteQuery(c *acl.Authorizer, q *catalog.Query) error {
	if q.Name == "" && !q.IsTemplate() {
		return nil
	}
	return c.Check(acl.Query.Write(q.Name))
}

// checkQuery says what is wrong with a query taken by itself.
func checkQuery(q *catalog.Query) error {
	failover := &q.Service.Failover
	switch {
	case q.Name == "" && !q.IsTemplate() && q.Session == "":
		return fault.New(fault.Rejected, "Must be bound to a session")
	case q.Service.Service == "":
		return fault.New(fault.Rejected, "Must provide a Service name to query")
	case failover.NearestN < 0:
		return fault.New(fault.Rejected, "Bad NearestN '%d', must be >= 0", failover.NearestN)
	case len(failover.Targets) > 0 && (failover.NearestN != 0 || len(failover.Datacenters) > 0):
		return fault.New(fault.Rejected, "Targets cannot be populated with NearestN or Datacenters")
	case q.DNSTTL == "":
		return nil
	}
	switch ttl, err := time.ParseDuration(q.DNSTTL); {
	case err != nil:
		return fault.New(fault.Rejected, "Bad DNS TTL '%s': %w", q.DNSTTL, err)
	case ttl < 0:
		return fault.New(fault.Rejected, "DNS TTL '%d', must be >=0", ttl)
	}
	return nil
}

func (h *Handlers) queryGet(ctx context.Context, az *acl.Authorizer, req *ops.QueryGetRequest) (*ops.QueriesReply, error) {
	if err := checkQueryID(req.ID); err != nil {
		return nil, err
	}
	rep := &ops.QueriesReply{}
	return rep, h.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, q := tx.Query(ws, queryID(tx, req.ID))
		if q == nil {
			return index, errQueryUnknown
		}
		shown, ok, _ := visible.See(az, q)
		if !ok {
			return index, acl.ErrDenied
		}
		rep.Queries = []*catalog.Query{shown}
		return index, nil
	})
}

// visible hides, but for those who manage access, queries without a name, and masks
// tokens.
var visible = kernel.VisibleAs("query:read", func(az *acl.Authorizer, q *catalog.Query) (*catalog.Query, bool) {
	switch {
	case az.Allows(acl.ACL.Write()):
		return q, true
	case q.Name == "" && !q.IsTemplate() || !az.Allows(acl.Query.Read(q.Name)):
		return nil, false
	case q.Token == "":
		return q, true
	}
	masked := *q
	masked.Token = hiddenQueryToken
	return &masked, true
})

// findQuery finds the query for an ID or a name, and renders it.
func (h *Handlers) findQuery(tx *catalog.Tx, idOrName string) (*catalog.Query, error) {
	idOrName = queryID(tx, idOrName)
	q := tx.QueryNamed(idOrName)
	switch {
	case q == nil:
		return nil, errQueryUnknown
	case q.IsTemplate() && q.ID == idOrName:
		return nil, errTemplateByID
	}
	rendered, err := renderQuery(q, idOrName)
	if err != nil {
		return nil, fault.New(fault.Rejected, "%w", err)
	}
	return rendered, nil
}

func (h *Handlers) queryExplain(ctx context.Context, az *acl.Authorizer, req *ops.QueryExplainRequest) (*ops.QueryExplainReply, error) {
	rep, opts := &ops.QueryExplainReply{}, req.ReadOptions
	opts.MinIndex = 0
	return rep, h.Read(ctx, &opts, &rep.ReadMeta, func(tx *catalog.Tx, _ catalog.WatchSet) (uint64, error) {
		q, err := h.findQuery(tx, req.QueryIDOrName)
		if err != nil {
			return 0, err
		}
		shown, ok, _ := visible.See(az, q)
		if !ok {
			return 0, acl.ErrDenied
		}
		rep.Query = *shown
		return 0, nil
	})
}

// suitsQuery reports whether an instance is what a query selects.
func suitsQuery(i *catalog.InstanceHealth, want *catalog.QueryService) bool {
	for _, c := range i.Checks {
		bad := c.Status == catalog.Critical || want.OnlyPassing && c.Status != catalog.Passing
		if bad && !slices.Contains(want.IgnoreCheckIDs, c.CheckID) {
			return false
		}
	}
	return kernel.HasMeta(i.Node.Meta, want.NodeMeta) && kernel.HasMeta(i.Service.Meta, want.ServiceMeta) && hasQueryTags(i.Service, want.Tags)
}

// maxQueryBytes bounds a query in the log; everybody who looks names up may have to
// look at it.
const maxQueryBytes = 512 << 10

// checkQuerySize refuses a query that is too large to be kept.
func checkQuerySize(q *catalog.Query) error {
	if n := q.Msgsize(); n > maxQueryBytes {
		return fault.New(fault.Invalid, "the query is too large: some %d bytes, at most %d are allowed", n, maxQueryBytes)
	}
	return nil
}

func queryID(tx *catalog.Tx, id string) string {
	return kernel.FoldID(id, func(id string) bool {
		_, query := tx.Query(nil, id)
		return query != nil
	})
}
