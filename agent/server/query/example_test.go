package query_test

import (
	"praetor/agent/server/kernel"
	"praetor/agent/server/query"
	"praetor/internal/acl"
)

func Example() {
	k := kernel.New(kernel.Options{Name: "s1", Datacenter: "dc1", ACL: acl.AllowAll{}})
	query.New(k).Register(kernel.NewMux(k.ACL))
}
