package local_test

import (
	"context"
	"fmt"

	"praetor/agent/local"
	"praetor/catalog"
	"praetor/internal/rpc"
)

// nobody are servers that are not there: what is registered waits for them.
type nobody struct{}

func (nobody) Do(ctx context.Context, _ *rpc.Desc, _ rpc.Message) (rpc.Message, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func Example() {
	state, err := local.Open(local.Options{NodeName: "n1", Address: "10.0.0.1", Caller: nobody{}})
	if err != nil {
		panic(err)
	}
	defer state.Close()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- state.Run(ctx) }() // waited for below
	err = state.AddService(ctx, &catalog.Service{ID: "web-1", Service: "web", Port: 80}, nil, false, "")
	fmt.Println(err, state.Service("web-1").Port)
	stop()
	<-done
	// Output: <nil> 80
}
