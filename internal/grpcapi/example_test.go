package grpcapi_test

import (
	"context"
	"fmt"

	"google.golang.org/grpc/test/bufconn"

	"praetor/internal/grpcapi"
)

func Example() {
	router, resolver, listener := newHouse(), newHouse(), bufconn.Listen(1<<16)
	ctx, stop := context.WithCancel(context.Background())
	api := grpcapi.New(grpcapi.Options{Caller: router, ACL: resolver})
	stop()
	fmt.Println(api.Serve(ctx, listener))
	// Output: <nil>
}
