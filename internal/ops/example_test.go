package ops_test

import (
	"context"
	"fmt"

	"praetor/catalog"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// servers stands for a router.
type servers struct{}

func (servers) Do(_ context.Context, op *rpc.Desc, req rpc.Message) (rpc.Message, error) {
	key := req.(*ops.KVGetRequest).Key
	return &ops.KVGetReply{Entry: &catalog.KVEntry{Key: key, Value: []byte(op.Name)}}, nil
}

func Example() {
	reply, err := ops.KVGet.Call(context.Background(), servers{}, &ops.KVGetRequest{Key: "a"})
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s=%s\n", reply.Entry.Key, reply.Entry.Value)
	// Output: a=KV.Get
}
