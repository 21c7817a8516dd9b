package operator_test

import (
	"praetor/agent/server/duty"
	"praetor/agent/server/kernel"
	"praetor/agent/server/operator"
	"praetor/internal/acl"
)

func Example() {
	k := kernel.New(kernel.Options{Name: "s1", Datacenter: "dc1", ACL: acl.AllowAll{}})
	duties := duty.New(k, duty.Options{Address: "10.0.0.1:8300"})
	var lanKeys, wanKeys operator.Keys // of the gossip pools
	operator.New(duties, lanKeys, wanKeys).Register(kernel.NewMux(k.ACL))
}
