package server

import (
	"context"
	"slices"
	"time"

	"github.com/hashicorp/go-uuid"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/definition"
	"praetor/internal/fault"
	"praetor/internal/mesh"
	"praetor/internal/ops"
)

func (s *Server) registerTxn(m *kernel.Mux) {
	kernel.Handle(m, ops.TxnApply, kernel.Decides("the rights of each of its operations"), s.txnApply)
	kernel.Handle(m, ops.TxnRead, kernel.Decides("the rights of each of its operations"), s.txnRead)
}

func (s *Server) txnApply(ctx context.Context, az *acl.Authorizer, req *ops.TxnApplyRequest) (*ops.TxnApplyReply, error) {
	if err := s.checkTxnSize(req.Ops); err != nil {
		return nil, err
	}
	txn, rep := &catalog.Txn{Ops: s.ownTxn(req.Ops)}, &ops.TxnApplyReply{}
	if rep.Answer.Errors = s.checkTxn(az, txn.Ops); len(rep.Answer.Errors) > 0 {
		return rep, nil
	}
	result, index, err := s.kernel.Apply(s.kernel.By(ctx, az), catalog.TxnCommand, txn)
	if err != nil {
		return nil, err
	}
	rep.Answer, rep.Index = *result.(*catalog.TxnAnswer), index
	rep.Answer.Results, _ = kernel.Results.Show(az, rep.Answer.Results)
	return rep, nil
}

func (s *Server) txnRead(ctx context.Context, az *acl.Authorizer, req *ops.TxnReadRequest) (*ops.TxnReadReply, error) {
	if err := s.checkTxnSize(req.Ops); err != nil {
		return nil, err
	}
	operations, rep, opts := s.ownTxn(req.Ops), &ops.TxnReadReply{}, req.ReadOptions
	if rep.Answer.Errors = s.checkTxn(az, operations); len(rep.Answer.Errors) > 0 {
		return rep, nil
	}
	opts.MinIndex = 0
	return rep, s.kernel.Read(ctx, &opts, &rep.ReadMeta, func(tx *catalog.Tx, _ catalog.WatchSet) (uint64, error) {
		rep.Answer = *tx.ReadTxn(operations)
		rep.Answer.Results, rep.Filtered = kernel.Results.Show(az, rep.Answer.Results)
		return 0, nil
	})
}

// ownTxn copies as much of some operations as Prepare may change: a request may
// be tried again, and a local caller may share it. Nodes get their datacenter, and
// sessions the ID that they have.
func (s *Server) ownTxn(asked []catalog.TxnOp) []catalog.TxnOp {
	list, tx := slices.Clone(asked), s.kernel.Store.Read()
	for i := range list {
		switch op := &list[i]; {
		case op.KV != nil:
			own := *op.KV
			own.Entry.Session = kernel.SessionID(tx, own.Entry.Session)
			op.KV = &own
		case op.Node != nil:
			own := *op.Node
			own.Node.Datacenter = s.opts.Datacenter
			op.Node = &own
		case op.Service != nil:
			own := *op.Service
			own.Service.Proxy = ownProxy(own.Service.Proxy)
			op.Service = &own
		case op.Check != nil:
			own := *op.Check
			op.Check = &own
		}
	}
	return list
}

// checkTxn says what is wrong with a transaction before it is tried
// (reference/http-kv-session-txn.md §3.3).
func (s *Server) checkTxn(az *acl.Authorizer, list []catalog.TxnOp) (errs []catalog.TxnError) {
	tx := s.kernel.Store.Read()
	for i := range list {
		err := validateTxn(&list[i])
		if err == nil {
			err = list[i].Prepare()
		}
		if err == nil {
			err = s.checkTxnOp(az, tx, list, i)
		}
		if err != nil {
			errs = append(errs, catalog.TxnError{OpIndex: i, What: err.Error()})
		}
	}
	return errs
}

// validateTxn refuses the services that a registration refuses. Rules about what may be in the
// log are the leader's, not the catalog's: they may change, and what is logged counts.
func validateTxn(op *catalog.TxnOp) error {
	if op.Service == nil || op.Service.Verb != catalog.TxnSet && op.Service.Verb != catalog.TxnCAS {
		return nil
	}
	return definition.ValidateService(&op.Service.Service)
}

func (s *Server) checkTxnOp(az *acl.Authorizer, tx *catalog.Tx, list []catalog.TxnOp, i int) error {
	op := &list[i]
	if op.IsRead() {
		if op.KV != nil && op.KV.Verb == catalog.TxnCheckNotExists { // it tells of what it does not show
			return az.Check(acl.Key.Write(op.KV.Entry.Key))
		}
		return nil
	}
	if err := mayTxn(az, tx, list, i); err != nil {
		return err
	}
	switch {
	case op.KV != nil && op.KV.Verb == catalog.TxnLock && s.duties.Delays.Holds(op.KV.Entry.Key, time.Now()):
		return fault.New(fault.Rejected, "failed to lock key %q due to lock delay", op.KV.Entry.Key)
	case op.Node != nil && op.Node.Node.ID != "":
		if _, err := uuid.ParseUUID(op.Node.Node.ID); err != nil {
			return fault.New(fault.Rejected, "Bad node ID: %w", err)
		}
	}
	return nil
}

// mayTxn asks for the rights that an operation needs if it were alone.
func mayTxn(c *acl.Authorizer, tx *catalog.Tx, list []catalog.TxnOp, i int) error {
	if c.Unrestricted() {
		return nil
	}
	switch op := &list[i]; {
	case op.KV != nil:
		return mayTxnKV(c, op.KV)
	case op.Node != nil:
		return c.Check(acl.Node.Write(op.Node.Node.Node))
	case op.Service != nil:
		svc := &op.Service.Service
		names := []string{svc.Service, serviceNamed(tx, list[:i], svc.Node, svc.ID)}
		if svc.Kind == mesh.KindProxy && svc.Proxy != nil {
			names = append(names, svc.Proxy.DestinationServiceName)
		}
		return mayWriteServices(c, names...)
	default:
		check := &op.Check.Check
		services := []string{serviceNamed(tx, list[:i], check.Node, check.ServiceID)}
		ofNode := check.ServiceID == "" || services[0] == ""
		if old := kernel.CheckWithID(tx, check.Node, check.CheckID); old != nil {
			services = append(services, kernel.ServiceOf(old))
			ofNode = ofNode || old.ServiceID == ""
		}
		if ofNode {
			if err := c.Check(acl.Node.Write(check.Node)); err != nil {
				return err
			}
		}
		return mayWriteServices(c, services...)
	}
}

func mayTxnKV(c *acl.Authorizer, op *catalog.TxnKV) error {
	if op.Verb == catalog.TxnDeleteTree {
		return c.Check(acl.Key.WriteBelow(op.Entry.Key))
	}
	return c.Check(acl.Key.Write(op.Entry.Key))
}

// mayWriteServices asks for service:write on all names but "".
func mayWriteServices(c *acl.Authorizer, names ...string) error {
	for _, name := range names {
		if name == "" {
			continue
		}
		if err := c.Check(acl.Service.Write(name)); err != nil {
			return err
		}
	}
	return nil
}

// serviceNamed is the name of an instance that is stored, or that an earlier
// operation of the transaction stores; "" if there is none.
func serviceNamed(tx *catalog.Tx, earlier []catalog.TxnOp, node, id string) string {
	for i := len(earlier) - 1; i >= 0; i-- {
		if op := earlier[i].Service; op != nil && kernel.NodeKey(op.Service.Node) == kernel.NodeKey(node) && kernel.ServiceKey(op.Service.ID) == kernel.ServiceKey(id) {
			return op.Service.Service
		}
	}
	_, services := kernel.NodeNamed(tx, node)
	if svc := kernel.ServiceWithID(services, id); svc != nil {
		return svc.Service
	}
	return ""
}
