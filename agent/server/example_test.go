package server_test

import (
	"context"
	"fmt"
	"net"

	"praetor/agent/server"
	"praetor/internal/ops"
)

func Example() {
	listener, err := net.Listen("tcp", "127.0.0.1:8300")
	if err != nil {
		panic(err)
	}
	srv, err := server.Open(server.Options{
		Name: "s1", ID: "0f3a3c1f-0d3c-4c7e-9d51-8a5d0e7c2b10", Datacenter: "dc1", Address: "127.0.0.1:8300", Bootstrap: true, Listener: listener,
		Dial: func(ctx context.Context, address string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", address)
		},
	})
	if err != nil {
		panic(err)
	}
	defer srv.Close()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- srv.Run(ctx) }() // waited for below

	reply, err := ops.KVGet.Call(ctx, srv.Router(), &ops.KVGetRequest{Key: "a"})
	if err != nil {
		panic(err)
	}
	fmt.Println(reply.Entry)
	stop()
	<-done
}
