package memnet_test

import (
	"context"
	"fmt"
	"io"

	"praetor/internal/memnet"
)

func Example() {
	n := memnet.New()
	l, err := n.Host("10.0.0.1").Listen(8300)
	if err != nil {
		panic(err)
	}
	done := make(chan struct{})
	go func() { // waited for below
		defer close(done)
		conn, err := l.Accept()
		if err != nil {
			panic(err)
		}
		io.WriteString(conn, "hello")
		conn.Close()
	}()
	conn, err := n.Host("10.0.0.2").Dial(context.Background(), "10.0.0.1:8300")
	if err != nil {
		panic(err)
	}
	said, err := io.ReadAll(conn)
	<-done
	fmt.Println(string(said), err)
	n.Crash("10.0.0.1") // the process there is dead; Host gives a fresh one
	// Output: hello <nil>
}
