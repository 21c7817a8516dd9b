package agent

import (
	"context"

	"golang.org/x/sync/errgroup"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/grpcapi"
)

// runGRPC answers on every listener until ctx ends.
func (a *Agent) runGRPC(ctx context.Context) error {
	rt := a.runtime.Load()
	opts := grpcapi.Options{
		Caller: a.router, Probe: rt.Performance.GRPCKeepaliveInterval, ProbeTimeout: rt.Performance.GRPCKeepaliveTimeout,
		Logger: a.logger.Named("grpc-api"),
	}
	if rt.ACL.Enabled {
		opts.ACL = a.acl
	}
	if a.server != nil {
		opts.Servers = a.listServers
	}
	api := grpcapi.New(opts)
	group, ctx := errgroup.WithContext(ctx)
	for _, l := range a.bound.grpc {
		group.Go(func() error { return api.Serve(ctx, a.front.Bounded(l)) })
	}
	for _, l := range a.bound.grpcTLS {
		group.Go(func() error { return api.Serve(ctx, a.tls.grpc.Listener(a.front.Bounded(l))) })
	}
	if len(a.bound.grpc)+len(a.bound.grpcTLS) == 0 {
		<-ctx.Done()
	}
	return group.Wait()
}

// listServers lists the servers of this datacenter, as the catalog has them, once their
// index is above after.
func (a *Agent) listServers(ctx context.Context, after uint64) (list []grpcapi.ServerInfo, index uint64, err error) {
	for {
		tx, ws := a.server.Store().Read(), catalog.WatchSet{}
		index, instances := tx.ServiceHealth(ws, kernel.ConsulService)
		ws.Add(tx.Replaced())
		if index > after && len(instances) > 0 {
			for _, i := range instances {
				list = append(list, grpcapi.ServerInfo{
					ID: i.Node.ID, Address: i.Node.Address, WAN: i.Node.TaggedAddresses["wan"], Version: i.Service.Meta["version"],
				})
			}
			return list, index, nil
		}
		if index < after { // the state was restored
			after = 0
			continue
		}
		if err := ws.WatchCtx(ctx); err != nil {
			return nil, 0, err
		}
	}
}
