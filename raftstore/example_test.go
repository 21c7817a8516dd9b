package raftstore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"praetor/raftstore"
)

// last is a machine that keeps its last command.
type last struct{ command string }

func (l *last) Apply(entries []raftstore.Entry) ([]any, error) {
	results := make([]any, len(entries))
	for i, e := range entries {
		results[i], l.command = l.command, string(e.Data) // the one before
	}
	return results, nil
}

func (l *last) Snapshot() (raftstore.Snapshot, error) { return text(l.command), nil }

func (l *last) Restore(r io.Reader) error {
	b, err := io.ReadAll(r)
	l.command = string(b)
	return err
}

type text string

func (t text) Write(w io.Writer) error {
	_, err := io.WriteString(w, string(t))
	return err
}

func Example() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	const id = "0f3a3c1f-0d3c-4c7e-9d51-8a5d0e7c2b10"
	addr := listener.Addr().String()
	store, err := raftstore.Open(raftstore.Options{
		ID: id, Address: addr, Listener: listener, Machine: &last{}, // no Dir: in memory
		Dial: func(context.Context, raftstore.Peer) (net.Conn, error) { return nil, errors.New("there are no others") },
	})
	if err != nil {
		panic(err)
	}
	defer store.Close()
	if err := store.Bootstrap([]raftstore.Peer{{ID: id, Address: addr, Voter: true}}); err != nil {
		panic(err)
	}
	<-store.Leadership() // it votes for itself
	ctx := context.Background()
	for _, command := range []string{"first", "second"} {
		result, _, err := store.Apply(ctx, []byte(command))
		fmt.Printf("%q %v\n", result, err)
	}
	// Output:
	// "" <nil>
	// "first" <nil>
}
