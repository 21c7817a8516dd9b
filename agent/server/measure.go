package server

import (
	"context"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"praetor/catalog"
	"praetor/internal/ops"
	"praetor/internal/rpc"
	"praetor/internal/telemetry"
)

// measured is what a server counts and times, under Consul's names
// (reference/config.md §6). Without Metrics all of it counts nothing.
type measured struct {
	metrics *telemetry.Metrics

	conns, requests, faults, reads *telemetry.Counter
	blocking                       atomic.Int64 // reads that wait for a change
	confirm                        *telemetry.Timer

	barrier, reconcile, reconcileMember, reapTombstones, invalidate *telemetry.Timer

	services, mesh, health, healthMesh questions
	commands                           map[catalog.CommandType]*telemetry.Timer
}

// questions count who is asked for, by service.
type questions struct{ all, tag, tags, missing *telemetry.Counters }

func newMeasured(m *telemetry.Metrics) *measured {
	c := &measured{
		metrics: m,
		conns:   m.Counter("rpc.accept_conn"), requests: m.Counter("rpc.request"),
		faults: m.Counter("rpc.request_error"), reads: m.Counter("rpc.query"), confirm: m.Timer("rpc.consistentRead"),
		barrier: m.Timer("leader.barrier"), reconcile: m.Timer("leader.reconcile"), reconcileMember: m.Timer("leader.reconcileMember"),
		reapTombstones: m.Timer("leader.reapTombstones"), invalidate: m.Timer("session_ttl.invalidate"),
		services: newQuestions(m, "catalog.service"), mesh: newQuestions(m, "catalog.connect"),
		health: newQuestions(m, "health.service"), healthMesh: newQuestions(m, "health.connect"),
		commands: map[catalog.CommandType]*telemetry.Timer{},
	}
	for _, t := range catalog.CommandTypes() {
		c.commands[t] = m.Timer("fsm." + t.String())
	}
	return c
}

func newQuestions(m *telemetry.Metrics, name string) questions {
	by := func(what string) *telemetry.Counters { return m.Counters(name+"."+what, "service") }
	return questions{by("query"), by("query-tag"), by("query-tags"), by("not-found")}
}

func (q *questions) count(service string, tags, found int) {
	q.all.Incr(service)
	switch tags {
	case 0:
	case 1:
		q.tag.Incr(service)
	default:
		q.tags.Incr(service)
	}
	if found == 0 {
		q.missing.Incr(service)
	}
}

// operationNames are the names of the timers of single operations.
var operationNames = map[*rpc.Desc]string{
	ops.KVApply.Desc:         "kvs.apply",
	ops.TxnApply.Desc:        "txn.apply",
	ops.TxnRead.Desc:         "txn.read",
	ops.CatalogRegister.Desc: "catalog.register", ops.CatalogSync.Desc: "catalog.register",
	ops.CatalogDeregister.Desc: "catalog.deregister", ops.CatalogEvict.Desc: "catalog.deregister",
	ops.SessionCreate.Desc: "session.apply", ops.SessionDestroy.Desc: "session.apply",
	ops.SessionRenew.Desc: "session.renew",
	ops.QueryApply.Desc:   "prepared-query.apply",
	ops.QueryExecute.Desc: "prepared-query.execute",
	ops.QuerySelect.Desc:  "prepared-query.execute_remote",
	ops.QueryExplain.Desc: "prepared-query.explain",
}

// serverCall is blocked unless the filter names it.
const serverCall = "rpc.server.call"

// around measures every operation.
func (c *measured) around(op *rpc.Desc, next rpc.Handler) rpc.Handler {
	if c.metrics == nil {
		return next
	}
	var took *telemetry.Timer
	if name, ok := operationNames[op]; ok {
		took = c.metrics.Timer(name)
	}
	var call [2]*telemetry.Timer // without and with an error
	if c.metrics.Shows(serverCall) {
		kind := map[bool]string{false: "read", true: "write"}[op.Write]
		for i := range call {
			call[i] = c.metrics.Timer(serverCall, telemetry.Label{Name: "method", Value: op.Name},
				telemetry.Label{Name: "errored", Value: strconv.FormatBool(i > 0)}, telemetry.Label{Name: "request_type", Value: kind})
		}
	}
	timed := took != nil || call[0] != nil
	return func(ctx context.Context, req rpc.Message) (rpc.Message, error) {
		c.requests.Incr()
		if !op.Write {
			c.reads.Incr()
		}
		var start time.Time
		if timed {
			start = time.Now()
		}
		rep, err := next(ctx, req)
		if err != nil {
			c.faults.Incr()
		}
		if timed {
			took.Since(start)
			call[errored(err)].Since(start)
		}
		return rep, err
	}
}

func errored(err error) int {
	if err != nil {
		return 1
	}
	return 0
}

// applied notes how long a batch of commands took, in equal shares.
func (c *measured) applied(batch []catalog.Entry, took time.Duration) {
	if c.metrics == nil {
		return
	}
	share := took / time.Duration(max(1, len(batch)))
	for i := range batch {
		if data := batch[i].Data; len(data) > 0 {
			c.commands[catalog.CommandType(data[0])].Took(share)
		}
	}
}

// counted is a listener that counts its connections.
type counted struct {
	net.Listener
	conns *telemetry.Counter
}

func (l counted) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.conns.Incr()
	}
	return conn, err
}
