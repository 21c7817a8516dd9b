package server_test

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"praetor/agent/server"
	"praetor/catalog"
	"praetor/gossip"
	"praetor/internal/memnet"
	"praetor/internal/ops"
)

// benchServer is a lone leader in memory on the real clock.
func benchServer(b *testing.B, change ...func(*server.Options)) (*server.Server, *fakePool) {
	b.Helper()
	host := memnet.New().Host("10.0.0.1")
	l, err := host.Listen(8300)
	if err != nil {
		b.Fatal(err)
	}
	pool := &fakePool{}
	pool.set(serverMember(1, gossip.Alive, nil))
	opts := server.Options{
		Name: "s1", ID: id(1), Datacenter: "dc1", Address: "10.0.0.1:8300", Bootstrap: true, Listener: l, Dial: host.Dial, LAN: pool,
	}
	for _, f := range change {
		f(&opts)
	}
	s, err := server.Open(opts)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }() // the cleanup waits
	b.Cleanup(func() {
		cancel()
		<-ended
		s.Close()
	})
	if len(change) == 0 {
		write(b, s, 0)
	}
	return s, pool
}

func write(b *testing.B, s *server.Server, i uint64) {
	_, err := ops.KVApply.Call(context.Background(), s.Router(), &ops.KVApplyRequest{
		Write: catalog.KVWrite{Verb: catalog.KVSet, Entry: catalog.KVEntry{Key: fmt.Sprint("k", i%1024), Value: []byte(fmt.Sprint(i))}},
	})
	if err != nil {
		b.Error(err)
	}
}

func BenchmarkKVPut(b *testing.B) {
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprint(writers), func(b *testing.B) {
			s, _ := benchServer(b)
			var i atomic.Uint64
			b.ReportAllocs()
			b.SetParallelism(writers)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					write(b, s, i.Add(1))
				}
			})
		})
	}
}

func BenchmarkKVGet(b *testing.B) {
	s, _ := benchServer(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ops.KVGet.Call(context.Background(), s.Router(), &ops.KVGetRequest{Key: "k0"}); err != nil {
			b.Fatal(err)
		}
	}
}

func registerWeb(b *testing.B, s *server.Server, n, port int) {
	b.Helper()
	for i := range n {
		_, err := ops.CatalogRegister.Call(context.Background(), s.Router(), &ops.CatalogRegisterRequest{Register: catalog.Register{
			Node: fmt.Sprint("n", i), Address: "10.1.1.1", Service: &catalog.Service{Service: "web", Port: port},
			Checks: []*catalog.Check{{CheckID: "c", Status: catalog.Passing, ServiceID: "web"}},
		}})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHealthService asks for 100 instances that do not change.
func BenchmarkHealthService(b *testing.B) {
	s, _ := benchServer(b)
	registerWeb(b, s, 100, 80)
	b.ReportAllocs()
	for b.Loop() {
		rep, err := ops.HealthService.Call(context.Background(), s.Router(), &ops.HealthServiceRequest{Service: "web", PassingOnly: true})
		if err != nil || len(rep.Instances) != 100 {
			b.Fatal(len(rep.Instances), err)
		}
	}
}

// BenchmarkWatchers wakes 1,000 watchers of 100 instances with one change.
func BenchmarkWatchers(b *testing.B) {
	s, _ := benchServer(b)
	registerWeb(b, s, 100, 80)
	const watchers = 1000
	b.ReportAllocs()
	for round := 0; b.Loop(); round++ {
		index := s.Store().Read().ServiceIndex(nil, "web")
		ended := make(chan error, watchers)
		for range watchers {
			go func() { // waited for through ended
				req := &ops.HealthServiceRequest{Service: "web"}
				req.MinIndex, req.MaxWait = index, time.Minute
				rep, err := ops.HealthService.Call(context.Background(), s.Router(), req)
				if err == nil && len(rep.Instances) != 100 {
					err = fmt.Errorf("%d instances", len(rep.Instances))
				}
				ended <- err
			}()
		}
		registerWeb(b, s, 1, 81+round)
		for range watchers {
			if err := <-ended; err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkQuietPass compares 5,000 members with the catalog, and finds all as
// it should be.
func BenchmarkQuietPass(b *testing.B) {
	s, pool := benchServer(b)
	members := []gossip.Member{serverMember(1, gossip.Alive, nil)}
	for i := range 5000 {
		members = append(members, gossip.Member{
			Name: fmt.Sprint("c", i), Addr: net.IPv4(10, 1, byte(i>>8), byte(i)), Status: gossip.Alive,
			Tags: gossip.ClientTags{ID: fmt.Sprintf("%08d-1111-0000-0000-000000000000", i), Datacenter: "dc1"}.Map(),
		})
	}
	pool.set(members...)
	s.ReconcileAll(context.Background())
	if _, nodes := s.Store().Read().Nodes(nil); len(nodes) != 5001 {
		b.Fatalf("%d nodes", len(nodes))
	}
	b.ReportAllocs()
	for b.Loop() {
		s.ReconcileAll(context.Background())
	}
}
