package kernel_test

import (
	"context"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/ops"
)

func Example() {
	k := kernel.New(kernel.Options{Name: "s1", Datacenter: "dc1", ACL: acl.AllowAll{}})
	m := kernel.NewMux(k.ACL)
	keyRead := func(req *ops.KVGetRequest) acl.Need { return acl.Key.Read(req.Key) }
	kernel.Handle(m, ops.KVGet, kernel.Needs(keyRead), func(ctx context.Context, _ *acl.Authorizer, req *ops.KVGetRequest) (*ops.KVGetReply, error) {
		rep := &ops.KVGetReply{}
		return rep, k.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
			index, entry := tx.KVGet(ws, req.Key)
			rep.Entry = entry
			return index, nil
		})
	})
}
