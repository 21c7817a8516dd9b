package access_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/agent/access"
	"praetor/internal/acl"
	"praetor/internal/rpc"
)

// unreachable are servers that do not answer.
type unreachable struct{}

func (unreachable) Do(context.Context, *rpc.Desc, rpc.Message) (rpc.Message, error) {
	return nil, errors.New("no route to host")
}

func Example() {
	remote := access.New(access.Options{Caller: unreachable{}, Datacenter: "dc1", TTL: 30 * time.Second, Down: access.Allow, Logger: hclog.NewNullLogger()})
	az, err := remote.Resolve(context.Background(), "6f1b1e0c-0d3c-4c7e-9d51-8a5d0e7c2b10")
	if err != nil {
		panic(err)
	}
	fmt.Println(az.Allows(acl.Key.Read("a"))) // the down policy
	// Output: true
}
