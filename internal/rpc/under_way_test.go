package rpc_test

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"praetor/internal/budget"
	"praetor/internal/fault"
	"praetor/internal/rpc"
)

func TestLargeRepliesHaveRoomWhileTheyAreSent(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		s, c := w.server("dc1", "10.0.0.1"), w.client("dc1", "10.0.0.9")
		w.elect("dc1", s)
		large := strings.Repeat("x", 3<<20)
		s.read = func(context.Context, *rpc.ReadOptions) (*rpc.ReadMeta, error) {
			return &rpc.ReadMeta{Consistency: large}, nil
		}
		for range 20 {
			if by, err := c.doRead(rpc.ReadOptions{}); err != nil || by != large {
				t.Fatalf("%d bytes, %v", len(by), err)
			}
		}
		pass(time.Second)
		if left := s.router.UnderWay().Total(); left != 0 {
			t.Errorf("%d bytes are under way after all replies have arrived", left)
		}
		s.router.LimitReplies(&budget.Budget{Most: 1 << 20, MostPerClient: 8 << 20, Wait: 10 * time.Second})
		began := time.Now()
		_, err := c.doRead(rpc.ReadOptions{})
		if fault.KindOf(err) != fault.Overloaded || time.Since(began) != 10*time.Second {
			t.Errorf("without room: %v after %v", err, time.Since(began))
		}
		large = strings.Repeat("x", 1000)
		if _, err := c.doRead(rpc.ReadOptions{}); err != nil {
			t.Errorf("a small reply: %v", err)
		}
	})
}

func TestRepliesWhoseCallerLeftGiveTheirRoomBack(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		s, c := w.server("dc1", "10.0.0.1"), w.client("dc1", "10.0.0.9")
		w.elect("dc1", s)
		s.read = func(ctx context.Context, _ *rpc.ReadOptions) (*rpc.ReadMeta, error) {
			<-ctx.Done()
			return &rpc.ReadMeta{Consistency: strings.Repeat("x", 8<<20)}, nil
		}
		for range 5 {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			if _, err := opRead.Call(ctx, c.router, &rpc.ReadOptions{}); err == nil {
				t.Error("it was answered")
			}
			cancel()
		}
		pass(time.Second)
		if left := s.router.UnderWay().Total(); left != 0 {
			t.Errorf("%d bytes are under way to nobody", left)
		}
	})
}

func TestTransfersHaveRoomWhileTheyAreRead(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		s, c := w.server("dc1", "10.0.0.1"), w.client("dc1", "10.0.0.9")
		w.elect("dc1", s)
		s.router.LimitReplies(&budget.Budget{Most: 1 << 20, MostPerClient: 1 << 20, Wait: time.Second})
		var bodies []io.ReadCloser
		for range 2 {
			_, body, err := opDump.Call(context.Background(), c.router, &rpc.ReadOptions{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			bodies = append(bodies, body)
		}
		if _, _, err := opDump.Call(context.Background(), c.router, &rpc.ReadOptions{}, nil); fault.KindOf(err) != fault.Overloaded {
			t.Errorf("a third: %v", err)
		}
		for _, b := range bodies {
			b.Close()
		}
		_, body, err := opDump.Call(context.Background(), c.router, &rpc.ReadOptions{}, nil)
		if err != nil {
			t.Fatalf("after they ended: %v", err)
		}
		if n, err := io.Copy(io.Discard, body); err != nil || n != int64(len(bulk)) {
			t.Errorf("%d bytes, %v", n, err)
		}
	})
}
