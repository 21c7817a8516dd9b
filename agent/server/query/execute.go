package query

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// nearestLead is how far down an ordered list the near node is looked for, to
// put it first (reference/http-kv-session-txn.md §5).
const nearestLead = 10

func (h *Handlers) queryExecute(ctx context.Context, az *acl.Authorizer, req *ops.QueryExecuteRequest) (*ops.QueryExecuteReply, error) {
	rep, opts := &ops.QueryExecuteReply{}, req.ReadOptions
	opts.MinIndex = 0
	var query *catalog.Query
	ownToken, near := false, ops.Near{}
	err := h.Read(ctx, &opts, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		tx.QueriesChanged(ws)
		q, err := h.findQuery(tx, req.QueryIDOrName)
		if err != nil {
			return 0, err
		}
		query, ownToken = q, q.Token != ""
		who := az
		if q.Token != "" {
			opts.Token = q.Token
			if who, err = h.Access(ctx, q.Token); err != nil {
				return 0, err
			}
		}
		h.selectInstances(tx, ws, who, q, req.Connect, rep)
		near = h.queryNear(tx, req, q)
		rep.Instances = kernel.SortNear(h.Kernel, tx, &near, rep.Instances, kernel.NodeOfHealth)
		if near.NearDatacenter == h.Datacenter {
			rep.Instances = leadWith(near.NearNode, rep.Instances)
		}
		return 0, nil
	})
	if err != nil {
		return nil, err
	}
	if len(rep.Instances) == 0 {
		rep.Live = nil // what other datacenters have is not watched
		h.failOver(ctx, &opts, query, req, rep)
	}
	if near != (ops.Near{NearDatacenter: near.NearDatacenter}) || ownToken {
		rep.Live = nil // nor are round trips; a token may expire
	}
	rep.Instances = limited(rep.Instances, req.Limit)
	return rep, nil
}

func limited[E any](list []E, limit int) []E {
	if limit > 0 && len(list) > limit {
		return list[:limit]
	}
	return list
}

// querySelect answers another datacenter that found nothing of its own.
func (h *Handlers) querySelect(ctx context.Context, az *acl.Authorizer, req *ops.QuerySelectRequest) (*ops.QueryExecuteReply, error) {
	rep, opts := &ops.QueryExecuteReply{}, req.ReadOptions
	opts.MinIndex = 0
	err := h.Read(ctx, &opts, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		h.selectInstances(tx, ws, az, &req.Query, req.Connect, rep)
		return 0, nil
	})
	if err != nil {
		return nil, err
	}
	rep.Instances = limited(rep.Instances, req.Limit)
	return rep, nil
}

// selectInstances fills a reply with the instances of this datacenter, shuffled.
func (h *Handlers) selectInstances(tx *catalog.Tx, ws catalog.WatchSet, az *acl.Authorizer, q *catalog.Query, connect bool, rep *ops.QueryExecuteReply) {
	list := tx.ServiceHealth
	if connect || q.Service.Connect {
		list = tx.MeshHealth
	}
	rep.Service, rep.DNSTTL, rep.Datacenter = q.Service.Service, q.DNSTTL, h.Datacenter
	rep.Instances = []*catalog.InstanceHealth{}
	if rep.Service == "" {
		return // a template that rendered to nothing
	}
	_, all := list(ws, rep.Service)
	all, rep.Filtered = kernel.Health.Show(az, all)
	rep.Instances = slices.DeleteFunc(slices.Clone(all), func(i *catalog.InstanceHealth) bool { return !suitsQuery(i, &q.Service) })
	rand.Shuffle(len(rep.Instances), func(i, j int) {
		rep.Instances[i], rep.Instances[j] = rep.Instances[j], rep.Instances[i]
	})
}

// hasQueryTags reports whether a service has all tags, and none of those that
// begin with "!".
func hasQueryTags(svc *catalog.Service, tags []string) bool {
	for _, tag := range tags {
		name, unwanted := strings.CutPrefix(tag, "!")
		if svc.HasTag(name) == unwanted {
			return false
		}
	}
	return true
}

// queryNear is the node to sort from: what the request says, else the query.
func (h *Handlers) queryNear(tx *catalog.Tx, req *ops.QueryExecuteRequest, q *catalog.Query) ops.Near {
	near := req.Near
	if near.NearNode == "" && near.NearIP == "" {
		near = ops.Near{NearNode: q.Service.Near, NearDatacenter: h.Datacenter}
		switch near.NearNode {
		case "_agent":
			near.NearNode, near.NearDatacenter = req.Agent, req.NearDatacenter
		case "_ip":
			near.NearNode, near.NearIP = "", req.SourceIP
		}
	}
	if near.NearNode == "" && near.NearIP != "" {
		near.NearNode = kernel.NodeWithIP(tx, near.NearIP)
	}
	return near
}

// leadWith puts the near node itself first, if it is among the first few: what
// runs there is nearer than what seems as near.
func leadWith(node string, list []*catalog.InstanceHealth) []*catalog.InstanceHealth {
	for i := range list[:min(len(list), nearestLead)] {
		if i > 0 && node != "" && kernel.NodeKey(list[i].Node.Node) == kernel.NodeKey(node) {
			return append(append([]*catalog.InstanceHealth{list[i]}, list[:i]...), list[i+1:]...)
		}
	}
	return list
}

// failOver asks other datacenters in turn until one has an instance. One that
// does not answer is passed over.
func (h *Handlers) failOver(ctx context.Context, opts *rpc.ReadOptions, q *catalog.Query, req *ops.QueryExecuteRequest, rep *ops.QueryExecuteReply) {
	for _, target := range h.failoverTargets(q) {
		if target.Peer != "" { // there is no peering: nothing is found there
			rep.Failovers++
			rep.Datacenter, rep.PeerName = "", target.Peer
			continue
		}
		away := &ops.QuerySelectRequest{ReadOptions: *opts, Query: *q, Limit: req.Limit, Connect: req.Connect}
		away.Datacenter = target.Datacenter
		rep.Failovers++
		got, err := ops.QuerySelect.Call(ctx, h.Router, away)
		if err != nil {
			h.Logger.Warn("Failed querying for service in datacenter", "service", q.Service.Service, "datacenter", target.Datacenter, "error", err)
			continue
		}
		rep.Datacenter, rep.PeerName, rep.Instances = target.Datacenter, "", got.Instances
		rep.Filtered = rep.Filtered || got.Filtered
		if len(rep.Instances) > 0 {
			return
		}
	}
}

// failoverTargets are the known datacenters, and the peers, in the order in which
// they are asked.
func (h *Handlers) failoverTargets(q *catalog.Query) []catalog.QueryTarget {
	own := func(dc string) bool { return dc == h.Datacenter }
	others := slices.DeleteFunc(h.Datacenters(), own) // the nearest first
	failover, targets := &q.Service.Failover, []catalog.QueryTarget{}
	add := func(dc string) {
		if slices.Contains(others, dc) && !slices.Contains(targets, catalog.QueryTarget{Datacenter: dc}) {
			targets = append(targets, catalog.QueryTarget{Datacenter: dc})
		}
	}
	for _, dc := range others[:min(failover.NearestN, len(others))] {
		add(dc)
	}
	for _, dc := range failover.Datacenters {
		add(dc)
	}
	for _, target := range failover.Targets {
		if target.Peer != "" {
			targets = append(targets, catalog.QueryTarget{Peer: target.Peer})
		} else {
			add(target.Datacenter)
		}
	}
	return targets
}
