package checks_test

import (
	"context"
	"fmt"
	"net"
	"time"

	"praetor/agent/checks"
	"praetor/catalog"
)

func Example() {
	service, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer service.Close()
	check := &catalog.Check{CheckID: "web", Definition: catalog.CheckDefinition{TCP: service.Addr().String(), Interval: time.Second}}
	ctx, stop := context.WithCancel(context.Background())
	r, err := checks.New(check, checks.Options{Notify: func(id, status, _ string) {
		fmt.Println(id, status)
		stop()
	}})
	if err != nil {
		panic(err)
	}
	r.Run(ctx)
	// Output: web passing
}
