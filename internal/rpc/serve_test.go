package rpc_test

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	health "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"

	"praetor/internal/rpc"
	"praetor/internal/tlsconf"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// loopback is a server and a client agent on real sockets.
func loopback(t testing.TB, mux *rpc.Mux) (client *rpc.Router, address string) {
	t.Helper()
	return loopbackOver(t, mux, nil, nil)
}

// loopbackOver is loopback with what server and client are secured with.
func loopbackOver(t testing.TB, mux *rpc.Mux, at, from *tlsconf.Source) (client *rpc.Router, address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := rpc.NewRouter(rpc.Options{
		Datacenter: "dc1", Local: mux,
		IsLeader: func() bool { return true },
		Leader:   func() rpc.Server { return rpc.Server{Address: l.Addr().String()} },
	})
	stop := serve(t, l, rpc.ListenerOptions{Identity: rpc.Identity{ID: "s1", Datacenter: "dc1"}, TLS: at}, server, serveRPC)
	client = rpc.NewRouter(rpc.Options{Datacenter: "dc1", Dialer: rpc.Dialer{Network: (&tcp{}).dial, TLS: rpc.Outgoing(from)}})
	client.SetServers([]rpc.Server{{Datacenter: "dc1", Address: l.Addr().String()}}, []string{"dc1"})
	t.Cleanup(func() {
		client.Close()
		stop()
	})
	return client, l.Addr().String()
}

func echo() *rpc.Mux {
	m := rpc.NewMux()
	rpc.Handle(m, opRead, func(context.Context, *rpc.ReadOptions) (*rpc.ReadMeta, error) {
		return &rpc.ReadMeta{Index: 1, KnownLeader: true, Consistency: "leader"}, nil
	})
	return m
}

func TestServerOnRealSocketsAnswersAndStops(t *testing.T) {
	client, address := loopback(t, echo())
	rep, err := opRead.Call(context.Background(), client, &rpc.ReadOptions{})
	if err != nil || rep.Index != 1 {
		t.Fatalf("got %+v, %v", rep, err)
	}
	// A stranger who speaks something else is thrown out, others are served.
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write(append([]byte{rpc.RPCByte}, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"...)); err != nil {
		t.Fatal(err)
	}
	if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, c); err != nil {
		if e, ok := err.(net.Error); ok && e.Timeout() {
			t.Error("the stranger was not thrown out")
		}
	}
	if _, err := opRead.Call(context.Background(), client, &rpc.ReadOptions{}); err != nil {
		t.Error(err)
	}
}

func TestServeNeedsOperations(t *testing.T) {
	client := rpc.NewRouter(rpc.Options{})
	if err := rpc.Serve(context.Background(), nil, client, nil); err == nil {
		t.Error("a client agent's router served")
	}
}

func BenchmarkLocalCall(b *testing.B) {
	router := rpc.NewRouter(rpc.Options{Datacenter: "dc1", Local: echoShared(), IsLeader: func() bool { return true }})
	ctx, req := context.Background(), &rpc.ReadOptions{Token: "t"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := opRead.Call(ctx, router, req); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRemoteCall(b *testing.B) { bothWays(b, benchmarkRemoteCall) }

// bothWays measures requests that travel alone, and brief ones in batches.
func bothWays(b *testing.B, measure func(b *testing.B)) {
	for _, way := range ways {
		b.Run(way.name, func(b *testing.B) {
			travelBriefly(way.brief)
			measure(b)
		})
	}
}

var ways = []struct {
	name  string
	brief bool
}{{"alone", false}, {"in batches", true}}

func benchmarkRemoteCall(b *testing.B) {
	client, _ := loopback(b, echoShared())
	ctx, req := context.Background(), &rpc.ReadOptions{Token: "t"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := opRead.Call(ctx, client, req); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRemoteCallTLS is BenchmarkRemoteCall between agents that verify each other.
func BenchmarkRemoteCallTLS(b *testing.B) {
	ours := newAuthority(b, b.TempDir())
	client, _ := loopbackOver(b, echoShared(), ours.source("server.dc1.consul", incoming, names), ours.source("client.dc1.consul", names))
	ctx, req := context.Background(), &rpc.ReadOptions{Token: "t"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := opRead.Call(ctx, client, req); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRemoteCallParallel(b *testing.B) { bothWays(b, benchmarkRemoteCallParallel) }

func benchmarkRemoteCallParallel(b *testing.B) {
	client, _ := loopback(b, echoShared())
	ctx, req := context.Background(), &rpc.ReadOptions{Token: "t"}
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := opRead.Call(ctx, client, req); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// echoShared answers without allocating, to measure the way alone.
func echoShared() *rpc.Mux {
	m := rpc.NewMux()
	shared := &rpc.ReadMeta{Index: 1, KnownLeader: true, Consistency: "leader"}
	rpc.Handle(m, opRead, func(context.Context, *rpc.ReadOptions) (*rpc.ReadMeta, error) { return shared, nil })
	return m
}

// A request's metadata is read before anything is known of its sender's rights.
func TestMetadataOfTwiceTheLimitIsRefused(t *testing.T) {
	_, address := loopback(t, echo())
	dial := func(ctx context.Context, _ string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			_, err = conn.Write([]byte{rpc.RPCByte})
		}
		return conn, err
	}
	conn, err := grpc.NewClient("passthrough:///x", grpc.WithContextDialer(dial), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for bytes, refused := range map[int]bool{8 << 10: false, 32 << 10: true} {
		ctx := metadata.AppendToOutgoingContext(t.Context(), "x-long", strings.Repeat("x", bytes))
		err := conn.Invoke(ctx, "/nobody/knows", &health.HealthCheckRequest{}, &health.HealthCheckResponse{})
		if got := err != nil && strings.Contains(err.Error(), "16384"); got != refused {
			t.Errorf("%d bytes: %v, want it refused: %t", bytes, err, refused)
		}
	}
}
