package gossip_test

import (
	"context"
	"fmt"

	"praetor/gossip"
)

func Example() {
	const id = "0f3a3c1f-0d3c-4c7e-9d51-8a5d0e7c2b10"
	pool, err := gossip.Open(gossip.Options{
		Name:     "web-1",
		Tags:     gossip.ClientTags{ID: id, Datacenter: "dc1"}.Map(),
		BindAddr: "127.0.0.1",
		Admit:    gossip.AdmitLAN("web-1", "dc1", id, "127.0.0.1"),
	})
	if err != nil {
		panic(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	err = pool.Run(ctx, func(e gossip.Event) { // in order, from one goroutine
		fmt.Println(len(pool.Members()), pool.Members()[0].Name)
		stop()
	})
	fmt.Println(err)
	pool.Close()
	// Output:
	// 1 web-1
	// <nil>
}
