package life_test

import (
	"context"
	"fmt"

	"praetor/internal/life"
)

func Example() {
	ctx, stop := context.WithCancel(context.Background())
	listener := func(name string) func(context.Context) error {
		return func(ctx context.Context) error {
			<-ctx.Done()
			fmt.Println(name, "stops")
			return nil
		}
	}
	parts := life.NewGroup()
	parts.Add("gossip", listener("gossip"))
	parts.Add("http", listener("http"))
	stop()
	fmt.Println(parts.Run(ctx)) // http stops first, then gossip
	// Output:
	// http stops
	// gossip stops
	// <nil>
}
