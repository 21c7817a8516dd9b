package rpc_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"praetor/internal/fault"
	"praetor/internal/rpc"
)

func TestWriteWhoseSenderLeftIsCarriedOut(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		leader := w.server("dc1", "10.0.0.1")
		follower := w.server("dc1", "10.0.0.2")
		away := w.server("dc2", "10.0.2.1")
		client := w.client("dc1", "10.0.1.1")
		w.elect("dc1", leader)
		w.leaderOf("dc2")
		w.tellAll()
		for _, from := range []*node{follower, client, away} {
			begun, done := make(chan struct{}), make(chan error, 1)
			leader.write = func(ctx context.Context, _ *rpc.WriteOptions) (*rpc.ReadMeta, error) {
				close(begun)
				pass(5 * time.Second)
				done <- ctx.Err()
				return &rpc.ReadMeta{}, nil
			}
			ctx, leave := context.WithCancel(t.Context())
			answered := make(chan error, 1)
			go func() { // waited for below
				_, err := opWrite.Call(ctx, from.router, &rpc.WriteOptions{Datacenter: "dc1"})
				answered <- err
			}()
			<-begun
			leave()
			if err := <-answered; err == nil {
				t.Errorf("from %s: no error for who gave up", from.name)
			}
			if err := <-done; err != nil {
				t.Errorf("from %s: the write ended with its sender: %v", from.name, err)
			}
		}
	})
}

func TestWriteOfASenderThatDiedEndsInTime(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		leader := w.server("dc1", "10.0.0.1")
		client := w.client("dc1", "10.0.1.1")
		w.elect("dc1", leader)
		begun, done := make(chan struct{}), make(chan time.Duration, 1)
		leader.write = func(ctx context.Context, _ *rpc.WriteOptions) (*rpc.ReadMeta, error) {
			start := time.Now()
			close(begun)
			<-ctx.Done()
			done <- time.Since(start)
			return nil, ctx.Err()
		}
		ctx, leave := context.WithCancel(t.Context())
		go opWrite.Call(ctx, client.router, &rpc.WriteOptions{}) //nolint:errcheck // ends with leave
		<-begun
		leave()
		if took := <-done; took < 50*time.Second || took > 70*time.Second {
			t.Errorf("ended after %s, want a minute", took)
		}
	})
}

// A sender that is killed leaves its message in the receiver's buffers, with the end
// of the connection right behind.
func TestWriteThatArrivedWithTheEndOfItsSenderIsCarriedOut(t *testing.T) {
	const writes = 64
	inBubble(t, func(t *testing.T, w *world) {
		leader := w.server("dc1", "10.0.0.1")
		w.elect("dc1", leader)
		conn, err := w.net.Host("10.0.1.1").Dial(t.Context(), leader.address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		go io.Copy(io.Discard, conn) //nolint:errcheck // ends with conn
		var out bytes.Buffer
		out.WriteByte(rpc.RPCByte)
		out.WriteString(http2.ClientPreface)
		framer := http2.NewFramer(&out, nil)
		must(t, framer.WriteSettings())
		for i := range writes {
			sendAndReset(t, framer, uint32(2*i+1))
		}
		if _, err := conn.Write(out.Bytes()); err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Second)
		if got := leader.count(); got != writes {
			t.Errorf("%d of %d writes were carried out", got, writes)
		}
	})
}

// sendAndReset writes a whole request and takes it back.
func sendAndReset(t *testing.T, to *http2.Framer, stream uint32) {
	t.Helper()
	var block bytes.Buffer
	fields := hpack.NewEncoder(&block)
	for _, f := range [][2]string{
		{":method", "POST"}, {":scheme", "http"}, {":path", "/praetor.ops/Test.Write"}, {":authority", "praetor"},
		{"content-type", "application/grpc+msgpack"}, {"te", "trailers"},
	} {
		must(t, fields.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}))
	}
	must(t, to.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndHeaders: true}))
	message, err := (&rpc.WriteOptions{}).MarshalMsg(nil)
	must(t, err)
	must(t, to.WriteData(stream, true, append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)))
	must(t, to.WriteRSTStream(stream, http2.ErrCodeCancel))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// stall makes a leader that takes requests and never answers; the function ends it.
func (n *node) stall() (end func()) {
	over := make(chan struct{})
	n.write = func(context.Context, *rpc.WriteOptions) (*rpc.ReadMeta, error) {
		<-over
		return nil, fmt.Errorf("too late")
	}
	n.read = func(context.Context, *rpc.ReadOptions) (*rpc.ReadMeta, error) {
		<-over
		return nil, fmt.Errorf("too late")
	}
	return func() { close(over) }
}

func TestRequestToALeaderThatVanishedIsAnsweredWhenAnotherLeads(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		old := w.server("dc1", "10.0.0.1")
		follower := w.server("dc1", "10.0.0.2")
		next := w.server("dc1", "10.0.0.3")
		defer old.stall()()
		for _, write := range []bool{true, false} {
			w.elect("dc1", old)
			time.AfterFunc(3*time.Second, func() { w.elect("dc1", next) })
			start := time.Now()
			if write {
				_, err := follower.doWrite(rpc.WriteOptions{})
				wantFault(t, err, fault.Internal, "leadership lost while committing log (server 10.0.0.1:8300 did not answer and another leads now; the write may or may not have been done)")
			} else {
				got, err := follower.doRead(rpc.ReadOptions{})
				wantBy(t, next, got, err)
			}
			if took := time.Since(start); took < 3*time.Second || took > 4500*time.Millisecond {
				t.Errorf("write %t: answered after %s, want soon after the election at 3s", write, took)
			}
		}
		if next.count() != 1 {
			t.Errorf("the next leader saw %d requests, want the read alone", next.count())
		}
	})
}

func TestLeaderThatHandsOverAnswersItsWritesItself(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		old := w.server("dc1", "10.0.0.1")
		follower := w.server("dc1", "10.0.0.2")
		next := w.server("dc1", "10.0.0.3")
		w.elect("dc1", old)
		old.write = func(context.Context, *rpc.WriteOptions) (*rpc.ReadMeta, error) {
			w.elect("dc1", next)
			pass(500 * time.Millisecond)
			return nil, fault.New(fault.NoLeader, "No cluster leader")
		}
		got, err := follower.doWrite(rpc.WriteOptions{})
		wantBy(t, next, got, err)
	})
}
