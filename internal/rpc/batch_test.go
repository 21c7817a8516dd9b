package rpc_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"praetor/internal/fault"
	"praetor/internal/rpc"
)

// inBatches is inBubble with brief requests in batches alone.
func inBatches(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	travelBriefly(true)
	bubble(t, f)
}

func wantStreams(t *testing.T, n *node, want int) {
	t.Helper()
	if got := n.router.Batches(); got != want {
		t.Errorf("%d streams, want %d", got, want)
	}
}

func TestBriefRequestsShareAStreamUntilNobodyUsesIt(t *testing.T) {
	inBatches(t, func(t *testing.T, w *world) {
		leader, agent := w.server("dc1", "10.0.0.1"), w.client("dc1", "10.0.1.1")
		w.elect("dc1", leader)
		ask := func() {
			t.Helper()
			var work sync.WaitGroup
			for range 100 {
				work.Go(func() {
					if got, err := agent.doWrite(rpc.WriteOptions{}); err != nil || got != leader.name {
						t.Errorf("%q, %v", got, err)
					}
				})
			}
			work.Wait()
			wantStreams(t, agent, 1)
		}
		ask()
		pass(rpc.BatchIdle * 3 / 2)
		ask()
		pass(rpc.BatchIdle)
		wantStreams(t, agent, 1)
		pass(2 * rpc.BatchIdle)
		wantStreams(t, agent, 0)
		ask()
	})
}

// A version that knows no batches answers as ever, and is asked for one once in a while.
func TestServerWithoutBatchesIsAskedAlone(t *testing.T) {
	inBatches(t, func(t *testing.T, w *world) {
		old, agent := w.server("dc1", "10.0.0.1"), w.client("dc1", "10.0.1.1")
		old.stop()
		w.elect("dc1", old)
		w.restartAs("dc1", old, rpc.ServeWithoutBatches)
		for range 3 {
			got, err := agent.doWrite(rpc.WriteOptions{})
			wantBy(t, old, got, err)
		}
		if got := old.count(); got != 3 {
			t.Errorf("it saw %d writes, want 3", got)
		}
		wantStreams(t, agent, 0)
		old.stop()
		w.restart("dc1", old)
		pass(2 * time.Minute)
		for range 3 {
			got, err := agent.doWrite(rpc.WriteOptions{})
			wantBy(t, old, got, err)
		}
		wantStreams(t, agent, 1)
	})
}

// A server that stops finishes what it has begun, and refuses what it has not: no write
// fails, and none is done twice.
func TestNoBriefWriteIsLostOrDoneTwiceWhenAServerStops(t *testing.T) {
	inBatches(t, func(t *testing.T, w *world) {
		a, b := w.server("dc1", "10.0.0.1"), w.server("dc1", "10.0.0.2")
		agent := w.client("dc1", "10.0.1.1")
		var mu sync.Mutex
		done := map[string]int{}
		write := func(_ context.Context, o *rpc.WriteOptions) (*rpc.ReadMeta, error) {
			pass(20 * time.Millisecond)
			mu.Lock()
			defer mu.Unlock()
			done[o.Token]++
			return &rpc.ReadMeta{}, nil
		}
		a.write, b.write = write, write
		const writers, writes = 20, 50
		var work sync.WaitGroup
		for i := range writers {
			work.Go(func() {
				for j := range writes {
					if _, err := opFire.Call(context.Background(), agent.router, &rpc.WriteOptions{Token: fmt.Sprint(i, " ", j)}); err != nil {
						t.Errorf("write %d of %d: %v", j, i, err)
					}
				}
			})
		}
		for range 4 {
			for _, n := range []*node{a, b} {
				pass(70 * time.Millisecond)
				start := time.Now()
				n.stop()
				if took := time.Since(start); took > 500*time.Millisecond {
					t.Errorf("stopping took %s: it waited for those who ask", took)
				}
				w.restart("dc1", n)
				w.tellAll()
			}
		}
		work.Wait()
		for token, times := range done {
			if times != 1 {
				t.Errorf("write %s was done %d times", token, times)
			}
		}
		if len(done) != writers*writes {
			t.Errorf("%d writes were done, want %d", len(done), writers*writes)
		}
	})
}

// A request that waits for a connection was not sent: when another server leads it goes
// there, and the old one never gets it.
func TestBriefWriteThatWaitsForAConnectionIsTakenBack(t *testing.T) {
	inBatches(t, func(t *testing.T, w *world) {
		old, follower, next := w.server("dc1", "10.0.0.1"), w.server("dc1", "10.0.0.2"), w.server("dc1", "10.0.0.3")
		w.elect("dc1", old)
		w.net.Cut("10.0.0.1", "10.0.0.2")
		time.AfterFunc(time.Second, func() { w.elect("dc1", next) })
		time.AfterFunc(2500*time.Millisecond, func() { w.net.Heal("10.0.0.1", "10.0.0.2") })
		got, err := follower.doWrite(rpc.WriteOptions{})
		wantBy(t, next, got, err)
		pass(time.Minute)
		if old.count() != 0 || next.count() != 1 {
			t.Errorf("the old leader saw %d writes, the next %d; want 0 and 1", old.count(), next.count())
		}
	})
}

func TestBriefWriteWhoseSenderLeftBeforeItWasSentIsNotDone(t *testing.T) {
	inBatches(t, func(t *testing.T, w *world) {
		s, agent := w.server("dc1", "10.0.0.1"), w.client("dc1", "10.0.1.1")
		w.net.Cut("10.0.0.1", "10.0.1.1")
		time.AfterFunc(2*time.Second, func() { w.net.Heal("10.0.0.1", "10.0.1.1") })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var work sync.WaitGroup
		work.Go(func() {
			if _, err := opFire.Call(ctx, agent.router, &rpc.WriteOptions{Token: "left"}); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("who left got %v", err)
			}
		})
		if _, err := opFire.Call(t.Context(), agent.router, &rpc.WriteOptions{Token: "stays"}); err != nil {
			t.Errorf("who stays got %v", err)
		}
		work.Wait()
		pass(time.Second)
		if got := fmt.Sprint(s.tokens); got != "[stays]" {
			t.Errorf("the server saw %s, want [stays]", got)
		}
	})
}

func TestLongRepliesAndRequestsTravelAlone(t *testing.T) {
	inBatches(t, func(t *testing.T, w *world) {
		leader, agent := w.server("dc1", "10.0.0.1"), w.client("dc1", "10.0.1.1")
		w.elect("dc1", leader)
		long := strings.Repeat("x", 20<<10)
		leader.read = func(context.Context, *rpc.ReadOptions) (*rpc.ReadMeta, error) {
			return &rpc.ReadMeta{Consistency: long}, nil
		}
		if got, err := agent.doRead(rpc.ReadOptions{}); err != nil || got != long {
			t.Errorf("a long reply: %d bytes, %v", len(got), err)
		}
		if got := leader.count(); got != 2 {
			t.Errorf("the read was answered %d times, want 2: it was asked again by itself", got)
		}
		got, err := agent.doWrite(rpc.WriteOptions{Token: long})
		wantBy(t, leader, got, err)
		leader.write = func(context.Context, *rpc.WriteOptions) (*rpc.ReadMeta, error) {
			return &rpc.ReadMeta{Consistency: long}, nil
		}
		if got, err := agent.doWrite(rpc.WriteOptions{}); err != nil || got != long {
			t.Errorf("a long reply to a write: %d bytes, %v", len(got), err)
		}
		if got := leader.count(); got != 4 {
			t.Errorf("%d requests were handled, want 4: no write twice", got)
		}
	})
}

func TestReadOfASenderThatLeftEnds(t *testing.T) {
	inBatches(t, func(t *testing.T, w *world) {
		leader, agent := w.server("dc1", "10.0.0.1"), w.client("dc1", "10.0.1.1")
		w.elect("dc1", leader)
		ended := make(chan error, 2)
		leader.read = func(ctx context.Context, _ *rpc.ReadOptions) (*rpc.ReadMeta, error) {
			<-ctx.Done()
			ended <- ctx.Err()
			return nil, ctx.Err()
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		if _, err := opRead.Call(ctx, agent.router, &rpc.ReadOptions{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a read with a deadline: %v", err)
		}
		if err := <-ended; !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 4*time.Second {
			t.Errorf("its handler ended by %v after %s", err, time.Since(start))
		}
		go agent.doRead(rpc.ReadOptions{}) //nolint:errcheck // ends with the agent
		pass(time.Second)
		agent.stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("a read of an agent that left ended by %v", err)
		}
	})
}

// stranger asks a server in batches by hand.
type stranger struct {
	conn   *grpc.ClientConn
	stream grpc.ClientStream
}

func rawBatch(t *testing.T, address string) stranger {
	t.Helper()
	dial := func(ctx context.Context, _ string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			_, err = conn.Write([]byte{rpc.RPCByte})
		}
		return conn, err
	}
	conn, err := grpc.NewClient("passthrough:///x", grpc.WithContextDialer(dial), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(rpc.Codec)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	s := stranger{conn: conn}
	s.stream = s.again(t)
	return s
}

// again opens another stream on the same connection.
func (s stranger) again(t *testing.T) grpc.ClientStream {
	t.Helper()
	stream, err := s.conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, rpc.BatchPath)
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

// answersOf reads all answers to the end of a stream.
func answersOf(t *testing.T, stream grpc.ClientStream) (list []rpc.Answered) {
	t.Helper()
	for {
		var m rpc.Batch
		err := stream.RecvMsg(&m)
		if err == io.EOF {
			return list
		}
		must(t, err)
		answers, err := rpc.ReadAnswers(m)
		must(t, err)
		list = append(list, answers...)
	}
}

func send(t *testing.T, stream grpc.ClientStream, message []byte) {
	t.Helper()
	c := rpc.Batch(message)
	if err := stream.SendMsg(&c); err != nil {
		t.Fatal(err)
	}
}

func TestStrangeBatches(t *testing.T) {
	_, address := loopback(t, echo())
	options := &rpc.ReadOptions{}
	good := rpc.AppendAsk(nil, 1, opRead.Name, "", options)
	for name, c := range map[string]struct {
		message []byte
		want    string // the error of the whole stream
	}{
		"not an array":   {[]byte{0xc0}, "InvalidArgument"},
		"too few fields": {[]byte{0x93, 1, 2, 3}, "7 are expected"},
		"cut off":        {good[:len(good)-1], "InvalidArgument"},
		"too large":      {bytes.Repeat(good, rpc.MaxBatch/len(good)+1), "is too large: at most 1048576 are allowed"},
	} {
		stream := rawBatch(t, address).stream
		send(t, stream, c.message)
		var got rpc.Batch
		if err := stream.RecvMsg(&got); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", name, err, c.want)
		}
	}

	stream := rawBatch(t, address).stream
	var message []byte
	message = rpc.AppendAsk(message, 0, opRead.Name, "", options) // withdrawn
	message = rpc.AppendAsk(message, 1, "Test.Unknown", "", options)
	message = rpc.AppendAsk(message, 2, opRead.Name, "sideways", options)
	message = rpc.AppendAsk(message, 3, opRead.Name, "", &list{})
	message = rpc.AppendAsk(message, 4, opRead.Name, "", &rpc.ReadOptions{MinIndex: 9})
	message = rpc.AppendAsk(message, 5, opRead.Name, "", options)
	send(t, stream, message)
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	got := map[uint64]rpc.Answered{}
	for _, a := range answersOf(t, stream) {
		got[a.ID] = a
	}
	for id, want := range map[uint64]struct {
		code codes.Code
		text string
	}{
		1: {codes.Unimplemented, "Test.Unknown"}, 2: {codes.InvalidArgument, "unknown praetor-hop"},
		3: {codes.Internal, "decode"}, 4: {51, "keep others waiting"}, 5: {codes.OK, ""},
	} {
		if a := got[id]; a.Code != want.code || !strings.Contains(a.Text, want.text) {
			t.Errorf("ask %d: %+v, want %v %q", id, a, want.code, want.text)
		}
	}
	if len(got) != 5 {
		t.Errorf("%d answers, want 5: %v", len(got), got)
	}
}

// A sender that asks and reads nothing holds a bounded part of the server's memory, and
// others are answered meanwhile.
func TestSenderThatReadsNoAnswersKeepsNobodyElseWaiting(t *testing.T) {
	var handled atomic.Int64
	m := rpc.NewMux()
	rpc.Handle(m, opRead, func(context.Context, *rpc.ReadOptions) (*rpc.ReadMeta, error) {
		handled.Add(1)
		return &rpc.ReadMeta{Consistency: strings.Repeat("x", 15<<10)}, nil
	})
	client, address := loopback(t, m)
	stream := rawBatch(t, address).stream
	message := rpc.AppendAsk(nil, 1, opRead.Name, "", &rpc.ReadOptions{})
	for range 20 {
		send(t, stream, bytes.Repeat(message, 100))
	}
	travelBriefly(true)
	for range 100 {
		if _, err := opRead.Call(t.Context(), client, &rpc.ReadOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if got := handled.Load(); got < 100 {
		t.Errorf("%d were handled", got)
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if answers := len(answersOf(t, stream)); answers != 2000 {
		t.Errorf("%d answers, want 2000", answers)
	}
}

// One connection has as many asks in work as it may have calls, on however many streams.
func TestAsksInWorkAreBounded(t *testing.T) {
	var inWork, tooMany atomic.Int64
	release := make(chan struct{})
	m := rpc.NewMux()
	rpc.Handle(m, opRead, func(ctx context.Context, _ *rpc.ReadOptions) (*rpc.ReadMeta, error) {
		if now := inWork.Add(1); now > rpc.MaxAsks {
			tooMany.Store(now)
		}
		defer inWork.Add(-1)
		select {
		case <-release:
		case <-ctx.Done():
		}
		return &rpc.ReadMeta{}, nil
	})
	_, address := loopback(t, m)
	one := rawBatch(t, address)
	streams := []grpc.ClientStream{one.stream, one.again(t), one.again(t)}
	message := bytes.Repeat(rpc.AppendAsk(nil, 1, opRead.Name, "", &rpc.ReadOptions{}), 1000)
	const each = rpc.MaxAsks / 2000 // thousands, half of what may be
	for _, stream := range streams {
		for range each + 1 {
			send(t, stream, message)
		}
		must(t, stream.CloseSend())
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for give := time.Now().Add(30 * time.Second); inWork.Load() < rpc.MaxAsks && time.Now().Before(give); {
		<-tick.C
	}
	close(release)
	total := 0
	for _, stream := range streams {
		total += len(answersOf(t, stream))
	}
	if total != 3000*(each+1) || tooMany.Load() > 0 {
		t.Errorf("%d answers, want %d; %d were in work, at most %d may be", total, 3000*(each+1), tooMany.Load(), rpc.MaxAsks)
	}
}

func TestFaultsKeepTheirKindInABatch(t *testing.T) {
	inBatches(t, func(t *testing.T, w *world) {
		leader, agent := w.server("dc1", "10.0.0.1"), w.client("dc1", "10.0.1.1")
		w.elect("dc1", leader)
		leader.read = func(context.Context, *rpc.ReadOptions) (*rpc.ReadMeta, error) {
			return nil, fault.New(fault.Denied, "Permission denied")
		}
		_, err := agent.doRead(rpc.ReadOptions{})
		wantFault(t, err, fault.Denied, "rpc error making call: Permission denied")
		if status.Code(err) != codes.Unknown {
			t.Errorf("%v is still an error of gRPC", err)
		}
	})
}

// FuzzBatch reads what may come from anybody, on both sides.
func FuzzBatch(f *testing.F) {
	one := rpc.AppendAsk(nil, 7, "Test.Read", "leader", &rpc.ReadOptions{Token: "t"})
	f.Add(one)
	f.Add(append(one, one...))
	f.Add([]byte{0x94, 0xcf, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0xa0, 0xc4, 1, 0x80})
	f.Add([]byte{0xdd, 0xff, 0xff, 0xff, 0xff, 1})
	f.Add([]byte{0x98, 1, 0xa0, 0, 0xa0, 0xa0, 0xa0, 0xc4, 0, 0xc0})
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = rpc.ReadAnswers(b) // must return
		again, err := rpc.ReadAsks(b, &rpc.ReadOptions{})
		if err != nil {
			return
		}
		twice, err := rpc.ReadAsks(again, &rpc.ReadOptions{})
		if err != nil || !bytes.Equal(again, twice) {
			t.Fatalf("%x came back as %x, %v", again, twice, err)
		}
	})
}

// A request in a batch allocates a third of what a call of its own does, 52 times when it is
// the only one.
func TestAllocationsOfABriefRequest(t *testing.T) {
	client, _ := loopback(t, echoShared())
	travelBriefly(true)
	ctx, req := t.Context(), &rpc.ReadOptions{Token: "t"}
	got := testing.AllocsPerRun(500, func() {
		if _, err := opRead.Call(ctx, client, req); err != nil {
			t.Fatal(err)
		}
	})
	if got > 70 {
		t.Errorf("%.0f allocations, at most 70 may be", got)
	}
}
