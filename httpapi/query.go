package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"praetor/catalog"
	"praetor/httpapi/wire"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// What may be done with a query, and what is done by the end of its name.
var (
	methodsOfQuery  = []string{"GET,PUT,DELETE"}
	methodsOfAction = []string{http.MethodGet}
)

// queries lists and creates prepared queries (reference/http-kv-session-txn.md §5).
func queries(x *exchange) error {
	if x.r.Method == http.MethodPost {
		var body wire.Query
		if err := x.decode(&body); err != nil {
			return err
		}
		id, err := x.applyQuery(catalog.QueryCreate, body.Row())
		if err != nil {
			return err
		}
		return x.reply(func(b []byte) []byte { return append(wire.AppendText(b, `{"ID":`, id), '}') })
	}
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	rep, err := ask(x, ops.QueryList, &ops.QueryListRequest{ReadOptions: opts})
	if err != nil {
		return err
	}
	return x.replyQueries(rep.Queries)
}

// query serves one prepared query.
func query(x *exchange) error {
	name, action := x.queryAction()
	switch method := x.r.Method; {
	case action != "" && method != http.MethodGet:
		x.w.Header()["Allow"] = methodsOfAction
		x.refuse(http.StatusMethodNotAllowed, "method "+method+" not allowed")
		return nil
	case action == "/execute":
		return x.executeQuery(name)
	case action == "/explain":
		return x.explainQuery(name)
	case method == http.MethodPut:
		var body wire.Query
		if x.r.ContentLength > 0 {
			if err := x.decode(&body); err != nil {
				return err
			}
		}
		q := body.Row()
		q.ID = name
		_, err := x.applyQuery(catalog.QueryUpdate, q)
		return err
	case method == http.MethodDelete:
		_, err := x.applyQuery(catalog.QueryDelete, catalog.Query{ID: name})
		return err
	}
	return x.getQuery(name)
}

// queryAction splits an action from the end of the name.
func (x *exchange) queryAction() (name, action string) {
	for _, action := range []string{"/execute", "/explain"} {
		if name, ok := strings.CutSuffix(x.name, action); ok {
			return name, action
		}
	}
	return x.name, ""
}

// queryOptions answers OPTIONS, unlike elsewhere with a body (conformance
// http/head_options).
func (x *exchange) queryOptions() {
	if x.name == "" {
		x.done()
		return
	}
	x.w.Header()["Allow"] = []string{"OPTIONS," + x.queryMethods()[0]}
	x.json(http.StatusOK, []byte("{}"))
}

// queryMethods is what the path allows; unlike elsewhere OPTIONS is not in it
// (reference/http-api.md §1.4).
func (x *exchange) queryMethods() []string {
	if _, action := x.queryAction(); action != "" {
		return methodsOfAction
	}
	return methodsOfQuery
}

func (x *exchange) applyQuery(verb catalog.QueryVerb, q catalog.Query) (id string, err error) {
	req := &ops.QueryApplyRequest{WriteOptions: x.writeOptions(), Write: catalog.QueryWrite{Verb: verb, Query: q}}
	rep, err := ops.QueryApply.Call(x.r.Context(), x.api.opts.Caller, req)
	if err != nil {
		return "", err
	}
	return rep.ID, nil
}

func (x *exchange) getQuery(id string) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	rep, err := ask(x, ops.QueryGet, &ops.QueryGetRequest{ReadOptions: opts, ID: id})
	if err != nil {
		return x.farError(err)
	}
	return x.replyQueries(rep.Queries)
}

func (x *exchange) replyQueries(list []*catalog.Query) error {
	return x.replyShared(listSource(list), func(b []byte) []byte { return wire.AppendList(b, list, wire.AppendQuery) })
}

func (x *exchange) explainQuery(name string) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	opts.MinIndex, opts.MaxWait = 0, 0
	rep, err := ask(x, ops.QueryExplain, &ops.QueryExplainRequest{ReadOptions: opts, QueryIDOrName: name})
	if err != nil {
		return x.farError(err)
	}
	return x.reply(func(b []byte) []byte {
		b = wire.AppendQuery(append(b, `{"Query":`...), &rep.Query)
		return append(x.appendReadMeta(b, &rep.ReadMeta), '}')
	})
}

func (x *exchange) executeQuery(name string) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	opts.MinIndex, opts.MaxWait = 0, 0
	req := &ops.QueryExecuteRequest{ReadOptions: opts, Near: x.near(), QueryIDOrName: name, Agent: x.api.opts.NodeName}
	if from := x.callerAddr(); from.IsValid() {
		req.SourceIP = from.String()
	}
	if req.Near.NearDatacenter == "" {
		req.Near.NearDatacenter = x.api.opts.Datacenter
	}
	if s := x.query.Get("limit"); s != "" {
		if req.Limit, err = strconv.Atoi(s); err != nil {
			return rejected("Bad limit: %w", err)
		}
	}
	if s := x.query.Get("connect"); s != "" {
		if req.Connect, err = strconv.ParseBool(s); err != nil {
			return rejected("Error parsing 'connect' value: %w", err)
		}
	}
	key := strings.Join([]string{ops.QueryExecute.Name, x.name, x.r.URL.RawQuery, x.token, req.SourceIP}, "\x00")
	cached, err := callCached(x, key, func(ctx context.Context) (*ops.QueryExecuteReply, error) {
		rep, err := ops.QueryExecute.Call(ctx, x.api.opts.Caller, req)
		if err != nil {
			x.writeFailedMeta()
		}
		return rep, err
	})
	if err != nil {
		return x.farError(err)
	}
	rep := *cached
	x.writeMeta(&rep.ReadMeta)
	x.from = rep.Datacenter
	rep.Instances = x.translateHealth(rep.Instances)
	return x.reply(func(b []byte) []byte {
		return append(x.appendReadMeta(wire.AppendExecuted(b, &rep), &rep.ReadMeta), '}')
	})
}

// appendReadMeta appends what a read says of itself, in its body.
func (x *exchange) appendReadMeta(b []byte, m *rpc.ReadMeta) []byte {
	return wire.AppendMeta(b, m, max(m.Index, 1), m.Consistency, m.Filtered && x.token != "")
}

// farError words what another datacenter does not know, as recorded
// (conformance query/failover_dc).
func (x *exchange) farError(err error) error {
	if dc := x.datacenter(); dc == "" || dc == x.api.opts.Datacenter || fault.KindOf(err) != fault.NotFound {
		return err
	}
	return fault.New(fault.NotFound, "rpc error making call: %w", err)
}
