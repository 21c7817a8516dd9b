package acls_test

import (
	"context"
	"fmt"

	"praetor/agent/server/acls"
	"praetor/agent/server/kernel"
	"praetor/internal/acl"
)

func Example() {
	k := kernel.New(kernel.Options{Name: "s1", Datacenter: "dc1"})
	s := acls.New(k, acls.Options{Enabled: true})
	s.Register(kernel.NewMux(s))
	az, err := s.Resolve(context.Background(), "6f1b1e0c-0d3c-4c7e-9d51-8a5d0e7c2b10")
	if err != nil {
		fmt.Println(err) // ACL not found
		return
	}
	fmt.Println(az.Check(acl.Key.Write("app/config")))
}
