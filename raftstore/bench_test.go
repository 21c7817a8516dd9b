package raftstore_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/hashicorp/raft"

	"praetor/raftstore"
)

// BenchmarkFsync is what the disk gives: one write of 256 bytes, one sync.
// Compare the others with it, in the same run.
func BenchmarkFsync(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "f"))
	must(b, err)
	defer func() { _ = f.Close() }()
	_, err = f.WriteAt(make([]byte, 16<<20), 0)
	must(b, err)
	must(b, f.Sync())
	data, at := make([]byte, 256), int64(0)
	for b.Loop() {
		_, err := f.WriteAt(data, at)
		must(b, err)
		must(b, f.Sync())
		at = (at + 256) % (16 << 20)
	}
}

// BenchmarkApply is a lone server's fsynced writes of 256 bytes.
func BenchmarkApply(b *testing.B) {
	for _, backend := range backends {
		for _, writers := range []int{1, 64} {
			b.Run(fmt.Sprintf("%s/writers=%d", backend, writers), func(b *testing.B) {
				n := cluster(b, 1, func(o *raftstore.Options) { o.Backend = backend })[0]
				benchmarkApply(b, n, writers)
			})
		}
	}
}

// BenchmarkApplyThree is a cluster of three on one machine and one disk.
func BenchmarkApplyThree(b *testing.B) {
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			benchmarkApply(b, leaderOf(b, cluster(b, 3)), writers)
		})
	}
}

func benchmarkApply(b *testing.B, n *node, writers int) {
	n.opts.Machine.(*journal).forget = true
	b.ReportAllocs()
	cmd := make([]byte, 256)
	b.ResetTimer()
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for range b.N/writers + min(1, max(0, b.N%writers-w)) {
				if _, _, err := n.Apply(context.Background(), cmd); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "applies/s")
}

// BenchmarkStoreLogs is the log alone, in batches of 64 entries of 256 bytes.
func BenchmarkStoreLogs(b *testing.B) {
	for _, backend := range backends {
		b.Run(backend, func(b *testing.B) {
			l, err := raftstore.OpenTestLog(backend, b.TempDir(), 64<<20, nil)
			must(b, err)
			defer func() { _ = l.Close() }()
			b.ReportAllocs()
			next := uint64(1)
			data := make([]byte, 256)
			for b.Loop() {
				logs := make([]*raft.Log, 64)
				for i := range logs {
					logs[i] = &raft.Log{Index: next, Term: 1, Data: data}
					next++
				}
				must(b, l.StoreLogs(logs))
			}
		})
	}
}

// BenchmarkVerifyLeader is a consistent read's confirmation, shared by 64.
func BenchmarkVerifyLeader(b *testing.B) {
	leader := leaderOf(b, cluster(b, 3))
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := leader.VerifyLeader(context.Background()); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
