package rpc_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"praetor/internal/budget"
	"praetor/internal/fault"
	"praetor/internal/rpc"
)

func TestLargeRequestsHaveRoomWhileTheyAreInWork(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		s, c := w.server("dc1", "10.0.0.1"), w.client("dc1", "10.0.0.9")
		w.elect("dc1", s)
		s.router.LimitRequests(&budget.Budget{Most: 6 << 20, MostPerClient: 4 << 20, Wait: time.Second})
		release := make(chan struct{})
		s.read = func(_ context.Context, o *rpc.ReadOptions) (*rpc.ReadMeta, error) {
			if len(o.Token) > 1000 {
				<-release
			}
			return &rpc.ReadMeta{Consistency: "ok"}, nil
		}
		ask := func(n *node, size int) error {
			o := rpc.ReadOptions{}
			o.Token = strings.Repeat("x", size)
			_, err := n.doRead(o)
			return err
		}
		var held sync.WaitGroup
		held.Go(func() {
			if err := ask(c, 3<<20); err != nil {
				t.Errorf("the one that has room: %v", err)
			}
		})
		pass(time.Millisecond)
		began := time.Now()
		if err := ask(c, 3<<20); fault.KindOf(err) != fault.Overloaded || !strings.Contains(err.Error(), "at most 6 MB in all, 4 MB of one agent") {
			t.Errorf("the second of one agent: %v", err)
		}
		if waited := time.Since(began); waited < time.Second {
			t.Errorf("refused after %v, want it to wait for room", waited)
		}
		if err := ask(c, 10); err != nil {
			t.Errorf("a small one: %v", err)
		}
		close(release)
		held.Wait()
		if err := ask(c, 3<<20); err != nil {
			t.Errorf("once there is room: %v", err)
		}
		if left := s.router.InWork().Total(); left != 0 {
			t.Errorf("%d bytes are in work after all was answered", left)
		}
	})
}

// dribble begins requests over a connection to a server and ends none. It returns how
// many bytes it got rid of before the server broke the connection, or until enough.
func dribble(t *testing.T, conn net.Conn, enough int) (sent int, err error) {
	t.Helper()
	if _, err := conn.Write([]byte(http2.ClientPreface)); err != nil {
		return 0, err
	}
	f := http2.NewFramer(conn, conn)
	if err := f.WriteSettings(); err != nil {
		return 0, err
	}
	window := make(chan int, 1000) // of the connection
	go func() {                    // ends with the connection
		defer close(window)
		for {
			frame, err := f.ReadFrame()
			if err != nil {
				return
			}
			if update, ok := frame.(*http2.WindowUpdateFrame); ok && update.StreamID == 0 {
				window <- int(update.Increment)
			}
		}
	}()
	const part = 16 << 10
	room := 65535
	body := append([]byte{0, 1, 0, 0, 0}, make([]byte, 3*part)...) // of 16 MB, says its head
	for id := uint32(1); sent < enough; id += 2 {
		var head bytes.Buffer
		h := hpack.NewEncoder(&head)
		for _, field := range [][2]string{{":method", "POST"}, {":scheme", "http"}, {":path", opRead.Path()}, {":authority", "x"}, {"content-type", "application/grpc+msgpack"}, {"te", "trailers"}} {
			if err := h.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}); err != nil {
				return sent, err
			}
		}
		if err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: head.Bytes(), EndHeaders: true}); err != nil {
			return sent, err
		}
		for rest := body; len(rest) > 0; {
			n := min(part, len(rest))
			for room < n {
				more, ok := <-window
				if !ok {
					return sent, errors.New("the server closed the connection")
				}
				room += more
			}
			if err := f.WriteData(id, false, rest[:n]); err != nil {
				return sent, err
			}
			rest, room, sent = rest[n:], room-n, sent+n
		}
	}
	return sent, nil
}

func TestHalfRequestsOfAConnectionAreBounded(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		s := w.server("dc1", "10.0.0.1")
		w.elect("dc1", s)
		d := w.dialer(&node{name: "x", ip: "10.0.0.9"}, "dc1")
		open := func() net.Conn {
			conn, err := d.DialRPC(t.Context(), w.servers[0])
			if err != nil {
				t.Fatal(err)
			}
			return conn
		}
		s.router.LimitPartial(100<<20, 2<<20)
		one := open()
		sent, err := dribble(t, one, 8<<20)
		if err == nil || sent > 3<<20 {
			t.Errorf("a server took %d bytes of requests that are not whole: %v", sent, err)
		}
		one.Close()
		pass(time.Second)
		if left := s.router.Partial(); left != 0 {
			t.Errorf("%d bytes count after the connection is closed", left)
		}

		// All connections together: none is large, the last is one too many.
		s.router.LimitPartial(4<<20, 100<<20)
		var all []net.Conn
		for range 3 {
			conn := open()
			all = append(all, conn)
			if _, err := dribble(t, conn, 3<<19); err != nil && len(all) < 3 {
				t.Errorf("connection %d was broken: %v", len(all), err)
			} else if err == nil && len(all) == 3 {
				t.Errorf("the server holds %d bytes of three connections", s.router.Partial())
			}
		}
		for _, conn := range all {
			conn.Close()
		}
		pass(time.Second)
		if left := s.router.Partial(); left != 0 {
			t.Errorf("%d bytes count after all connections are closed", left)
		}
	})
}

func TestWholeRequestsLeaveNothingBehind(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		s, c := w.server("dc1", "10.0.0.1"), w.client("dc1", "10.0.0.9")
		w.elect("dc1", s)
		for i := range 300 {
			o := rpc.ReadOptions{}
			o.Token = strings.Repeat("x", []int{0, 3000, 100_000}[i%3])
			if _, err := c.doRead(o); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.load(rpc.WriteOptions{}, bytes.NewReader(make([]byte, 3<<20))); err != nil {
			t.Fatal(err)
		}
		if held := s.router.Partial(); held > 4096 {
			t.Errorf("%d bytes count as not whole after all was answered", held)
		}
	})
}
