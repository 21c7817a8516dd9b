package operator

import (
	"context"
	"fmt"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/mesh"
	"praetor/internal/ops"
)

// The kinds that are counted even where there are none
// (reference/http-operator-acl.md §1).
var connectKinds = []string{"api-gateway", mesh.KindProxy, "ingress-gateway", "mesh-gateway", "terminating-gateway"}

const connectNative = "connect-native"

func (h *Handlers) operatorUsage(ctx context.Context, _ *acl.Authorizer, req *ops.OperatorUsageRequest) (*ops.OperatorUsageReply, error) {
	rep := &ops.OperatorUsageReply{}
	err := h.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, _ catalog.WatchSet) (uint64, error) {
		rep.Usage = map[string]ops.Usage{h.Datacenter: usageOf(tx)}
		return tx.LastIndex(), nil
	})
	if err != nil || !req.Global {
		return rep, err
	}
	return rep, h.addRemoteUsage(ctx, req, rep)
}

func usageOf(tx *catalog.Tx) ops.Usage {
	c := tx.Counts()
	_, servers := tx.ServiceInstances(nil, kernel.ConsulService)
	u := ops.Usage{
		Nodes: c.Nodes, Services: c.Services, Instances: c.Instances,
		Billable: c.Instances - len(servers),
		Connect:  map[string]int{connectNative: c.Native},
	}
	for _, kind := range connectKinds {
		u.Connect[kind] = c.Kinds[kind]
	}
	for _, n := range c.Kinds {
		u.Billable -= n
	}
	return u
}

// addRemoteUsage asks the other datacenters, one after the other. Half an
// answer would look like a whole one: if one is silent there is none.
func (h *Handlers) addRemoteUsage(ctx context.Context, req *ops.OperatorUsageRequest, rep *ops.OperatorUsageReply) error {
	_, datacenters := h.Servers()
	for _, dc := range datacenters[1:] { // the first is this one
		ask := &ops.OperatorUsageRequest{ReadOptions: req.ReadOptions}
		ask.Datacenter = dc
		remote, err := ops.OperatorUsage.Call(ctx, h.Router, ask)
		if err != nil {
			return fmt.Errorf("usage of datacenter %q: %w", dc, err)
		}
		for name, usage := range remote.Usage {
			rep.Usage[name] = usage
		}
	}
	return nil
}
