package rpc_test

import (
	"context"
	"fmt"
	"net"
	"sync"

	"praetor/internal/rpc"
)

// Greet stands for an operation of internal/ops.
var Greet = rpc.ReadAny[rpc.ReadOptions, rpc.ReadMeta]("Example.Greet")

func Example() {
	ctx, cancel := context.WithCancel(context.Background())

	// A server handles the operation and answers on its port.
	mux := rpc.NewMux()
	rpc.Handle(mux, Greet, func(context.Context, *rpc.ReadOptions) (*rpc.ReadMeta, error) {
		return &rpc.ReadMeta{Index: 42}, nil
	})
	server := rpc.NewRouter(rpc.Options{Datacenter: "dc1", Local: mux})
	port, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	listener := rpc.NewListener(port, rpc.ListenerOptions{Identity: rpc.Identity{ID: "s1", Datacenter: "dc1"}})
	var parts sync.WaitGroup
	parts.Go(func() { listener.Run(ctx) })
	parts.Go(func() { rpc.Serve(ctx, listener.RPC(), server, nil) })

	// A client agent knows the server from gossip and asks it.
	client := rpc.NewRouter(rpc.Options{Datacenter: "dc1", Dialer: rpc.Dialer{Identity: rpc.Identity{ID: "c1", Datacenter: "dc1"}, Network: (&tcp{}).dial}})
	client.SetServers([]rpc.Server{{Datacenter: "dc1", Address: port.Addr().String()}}, nil)
	reply, err := Greet.Call(ctx, client, &rpc.ReadOptions{})
	fmt.Println(reply.Index, err)

	client.Close()
	cancel()
	parts.Wait()
	server.Close()
	// Output: 42 <nil>
}

type tcp struct{ net.Dialer }

func (t *tcp) dial(ctx context.Context, address string) (net.Conn, error) {
	return t.DialContext(ctx, "tcp", address)
}
