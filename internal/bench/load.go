package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// tally is what a load came to.
type tally struct {
	done, failed  int
	took          []time.Duration
	elapsed, used time.Duration // used is CPU of the agents
}

// cost is the agents' CPU for one operation.
func (t *tally) cost() time.Duration { return t.used / time.Duration(max(1, t.done)) }

// drive calls op from so many workers until the load's time is over and words
// the figure: operations a second, CPU of the agents for each, latencies.
func (b *bench) drive(workers int, op func(worker, i int) bool) string {
	all := b.drives(workers, op)
	return all.words(b)
}

func (all *tally) words(b *bench) string {
	slices.Sort(all.took)
	figure := fmt.Sprintf("%8.0f/s", float64(all.done)/all.elapsed.Seconds())
	if len(b.agents) > 0 && all.done > 0 {
		figure += fmt.Sprintf("  %4d us CPU", all.cost().Microseconds())
	}
	if n := len(all.took); n > 0 {
		figure += fmt.Sprintf("  p50 %s  p99 %s", round(all.took[n/2]), round(all.took[n*99/100]))
	}
	if all.failed > 0 {
		figure += fmt.Sprintf("  %d FAILED", all.failed)
	}
	return figure
}

// drives is drive without words.
func (b *bench) drives(workers int, op func(worker, i int) bool) (all tally) {
	tallies := make([]tally, workers)
	before, begin := b.cpu(), time.Now()
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			t := &tallies[w]
			for i := 0; time.Since(begin) < b.load; i++ {
				start := time.Now()
				if op(w, i) {
					t.done++
				} else {
					t.failed++
				}
				t.took = append(t.took, time.Since(start))
			}
		})
	}
	wg.Wait()
	all.elapsed, all.used = time.Since(begin), b.cpu()-before
	for _, t := range tallies {
		all.done += t.done
		all.failed += t.failed
		all.took = append(all.took, t.took...)
	}
	return all
}

func round(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }

func limitHTTP(b *bench) string {
	l, err := net.Listen("tcp", "127.88.1.1:0")
	must(err)
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("hello")) })}
	go srv.Serve(l) // ends with Close
	defer srv.Close()
	url := "http://" + l.Addr().String() + "/"
	return b.drive(64, func(int, int) bool {
		res, err := client.Get(url)
		if err != nil {
			return false
		}
		return drain(res)
	})
}

// limitSync writes 4 KiB where a file has zeros, as logs do, and syncs it, in a number of files
// at once.
func limitSync(files int) func(b *bench) string {
	const block, blocks = 4 << 10, 4 << 10
	return func(b *bench) string {
		var all []*os.File
		for i := range files {
			f, err := os.Create(filepath.Join(b.dir, fmt.Sprint("sync", i)))
			must(err)
			defer f.Close()
			_, err = f.Write(make([]byte, block*blocks))
			must(err)
			must(f.Sync())
			all = append(all, f)
		}
		data := bytes.Repeat([]byte{1}, block)
		return b.drive(1, func(_, i int) bool {
			var g errgroup.Group
			for _, f := range all {
				g.Go(func() error {
					if _, err := f.WriteAt(data, int64(i%blocks)*block); err != nil {
						return err
					}
					return f.Sync()
				})
			}
			return g.Wait() == nil
		})
	}
}
