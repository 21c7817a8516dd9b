package duty_test

import (
	"context"
	"sync"

	"praetor/agent/server/duty"
	"praetor/agent/server/kernel"
	"praetor/internal/acl"
)

func Example() {
	k := kernel.New(kernel.Options{Name: "s1", Datacenter: "dc1", ACL: acl.AllowAll{}}) // with Raft, Router and pools
	duties := duty.New(k, duty.Options{Address: "10.0.0.1:8300", BootstrapExpect: 3})
	duties.Register(kernel.NewMux(k.ACL))
	ctx, stop := context.WithCancel(context.Background())
	var parts sync.WaitGroup
	parts.Go(func() { duties.RunBootstrap(ctx) })
	parts.Go(func() { duties.RunLeadership(ctx) })
	stop()
	parts.Wait()
}
