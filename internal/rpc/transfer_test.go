package rpc_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"praetor/internal/fault"
	"praetor/internal/rpc"
)

var (
	opLoad = rpc.WriteTransfer[rpc.WriteOptions, rpc.ReadMeta]("Test.Load")
	opDump = rpc.ReadTransfer[rpc.ReadOptions, rpc.ReadMeta]("Test.Dump")
)

// bulk is a body of more chunks than may be under way at once.
var bulk = bytes.Repeat([]byte("0123456789abcdef"), 1<<16)

// carry registers the transfers: one takes a body, one gives one. A body that
// starts with "!" is refused once its first byte was read.
func (n *node) carry(m *rpc.Mux) {
	rpc.HandleTransfer(m, opLoad, func(_ context.Context, o *rpc.WriteOptions, body io.Reader) (*rpc.ReadMeta, io.ReadCloser, error) {
		if o.Token == "bad" {
			return nil, nil, fault.New(fault.Denied, "no")
		}
		var first [1]byte
		if _, err := io.ReadFull(body, first[:]); err == nil && first[0] == '!' {
			return nil, nil, fault.New(fault.Rejected, "damaged")
		}
		b, err := io.ReadAll(body)
		if err != nil {
			return nil, nil, err
		}
		n.saw(o.Token)
		return &rpc.ReadMeta{Consistency: n.name, Index: uint64(len(b) + 1)}, nil, nil
	})
	rpc.HandleTransfer(m, opDump, func(_ context.Context, o *rpc.ReadOptions, _ io.Reader) (*rpc.ReadMeta, io.ReadCloser, error) {
		n.saw(o.Token)
		from := io.Reader(bytes.NewReader(bulk))
		if o.Token == "breaks" {
			from = io.MultiReader(from, broken{})
		}
		return &rpc.ReadMeta{Consistency: n.name}, io.NopCloser(from), nil
	})
}

// broken is a body that fails.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, fault.New(fault.Internal, "the disk is gone") }

// unread is a body that nobody may read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

func (n *node) load(o rpc.WriteOptions, body io.Reader) (string, error) {
	rep, out, err := opLoad.Call(context.Background(), n.router, &o, body)
	if out != nil {
		out.Close()
	}
	return by(rep), err
}

func (n *node) dump(o rpc.ReadOptions) (string, []byte, error) {
	rep, out, err := opDump.Call(context.Background(), n.router, &o, nil)
	if err != nil {
		return "", nil, err
	}
	defer out.Close()
	b, err := io.ReadAll(out)
	return by(rep), b, err
}

func TestTransfersFindTheirServerAndArriveWhole(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		leader, follower := w.server("dc1", "10.0.0.1"), w.server("dc1", "10.0.0.2")
		far, client := w.server("dc2", "10.2.0.1"), w.client("dc1", "10.0.0.9")
		w.elect("dc1", leader)
		w.elect("dc2", far)
		for _, from := range []*node{leader, follower, client} {
			got, err := from.load(rpc.WriteOptions{Token: "t"}, bytes.NewReader(bulk))
			wantBy(t, leader, got, err)
			got, body, err := from.dump(rpc.ReadOptions{})
			wantBy(t, leader, got, err)
			if !bytes.Equal(body, bulk) {
				t.Errorf("from %s: %d bytes arrived of %d", from.name, len(body), len(bulk))
			}
			got, err = from.load(rpc.WriteOptions{Datacenter: "dc2", Token: "t"}, bytes.NewReader(bulk))
			wantBy(t, far, got, err)
		}
		got, _, err := follower.dump(rpc.ReadOptions{Stale: true})
		wantBy(t, follower, got, err)
		for _, token := range far.tokens {
			if token != "t" {
				t.Errorf("the token %q came to another datacenter, want the caller's", token)
			}
		}
		if _, err := client.load(rpc.WriteOptions{Datacenter: "dc9"}, unread{t}); err == nil || err.Error() != rpc.TextNoPath {
			t.Errorf("to nowhere: %v", err)
		}
	})
}

func TestATransferWaitsForALeaderWithItsBodyUntouched(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		one, two := w.server("dc1", "10.0.0.1"), w.server("dc1", "10.0.0.2")
		client := w.client("dc1", "10.0.0.9")
		w.elect("dc1", nil)
		begin := time.Now()
		if _, err := client.load(rpc.WriteOptions{}, unread{t}); fault.KindOf(err) != fault.NoLeader {
			t.Errorf("without a leader: %v", err)
		}
		if took := time.Since(begin); took < 6*time.Second || took > 10*time.Second {
			t.Errorf("it was held for %s", took)
		}
		go func() { // ends before the load below does
			pass(3 * time.Second)
			w.elect("dc1", two)
		}()
		got, err := client.load(rpc.WriteOptions{}, bytes.NewReader(bulk))
		wantBy(t, two, got, err)
		one.stop()
		w.net.Crash(one.ip)
		for range 4 { // whichever it asks first
			got, err := client.load(rpc.WriteOptions{}, strings.NewReader("x"))
			wantBy(t, two, got, err)
		}
	})
}

func TestTransfersThatAreRefusedSayWhyAndFaultsOfBodiesArrive(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		leader, follower := w.server("dc1", "10.0.0.1"), w.server("dc1", "10.0.0.2")
		client := w.client("dc1", "10.0.0.9")
		w.elect("dc1", leader)
		for _, from := range []*node{leader, follower, client} {
			if _, err := from.load(rpc.WriteOptions{Token: "bad"}, unread{t}); fault.KindOf(err) != fault.Denied || decided(err) != "no" {
				t.Errorf("%s, denied: %v", from.name, err)
			}
			if _, err := from.load(rpc.WriteOptions{}, io.MultiReader(strings.NewReader("!"), bytes.NewReader(bulk))); fault.KindOf(err) != fault.Rejected || decided(err) != "damaged" {
				t.Errorf("%s, refused half way: %v", from.name, err)
			}
			if _, err := from.load(rpc.WriteOptions{}, io.MultiReader(bytes.NewReader(bulk), broken{})); err == nil || err.Error() != "the disk is gone" {
				t.Errorf("%s, a body that breaks: %v", from.name, err)
			}
			if _, body, err := from.dump(rpc.ReadOptions{Token: "breaks"}); err == nil || err.Error() != "the disk is gone" {
				t.Errorf("%s, an answer that breaks after %d bytes: %v", from.name, len(body), err)
			}
		}
		if leader.count() != 3 { // the dumps
			t.Errorf("%d transfers were done, want 3", leader.count())
		}
	})
}

func TestATransferGivenUpEndsEverywhere(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		leader, follower := w.server("dc1", "10.0.0.1"), w.server("dc1", "10.0.0.2")
		w.elect("dc1", leader)
		ctx, cancel := context.WithCancel(context.Background())
		_, out, err := opDump.Call(ctx, follower.router, &rpc.ReadOptions{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		if _, err := io.ReadAll(out); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("read to the end: %v", err)
		}
		out.Close() // the bubble sees to it that nothing of it runs any more
	})
}
