package view_test

import (
	"context"
	"fmt"

	"praetor/internal/rpc"
	"praetor/internal/view"
)

func Example() {
	servers := newUpstream() // a router elsewhere
	views := view.New(view.Options{Caller: servers})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- views.Run(ctx) }() // waited for below

	for range 3 { // one read by the servers answers all
		answer, err := view.Cached(ctx, views, opRead, &rpc.ReadOptions{})
		if err != nil {
			panic(err)
		}
		fmt.Println(answer.Reply.Index)
	}
	stop()
	fmt.Println(<-done)
	// Output:
	// 10
	// 10
	// 10
	// <nil>
}
