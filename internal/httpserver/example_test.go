package httpserver_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"

	"praetor/internal/httpserver"
)

func Example() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "leads") })
	srv := httpserver.New(httpserver.Options{Handler: api, MaxConnsPerClient: 200})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- srv.Serve(ctx, listener) }() // waited for below

	res, err := http.Get("http://" + listener.Addr().String() + "/v1/status/leader")
	if err != nil {
		panic(err)
	}
	body, err := io.ReadAll(res.Body)
	res.Body.Close()
	fmt.Println(string(body), err)
	stop()
	fmt.Println(<-done)
	// Output:
	// leads <nil>
	// <nil>
}
