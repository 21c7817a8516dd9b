package main

import (
	"encoding/base64"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const value = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" // 64 bytes

// put writes one of a worker's thousand keys.
func (a *agent) put(w, i int) bool {
	return a.try("PUT", fmt.Sprintf("/v1/kv/bench/%d/%d", w, i%1000), value)
}

func kvPutOne(clients int) func(*bench) string {
	return func(b *bench) string { return b.puts(b.lone(), clients) }
}

func kvPutThree(clients int) func(*bench) string {
	return func(b *bench) string {
		b.three()
		return b.puts(b.leader(), clients)
	}
}

// puts drives a leader, and counts how many entries of its log share a sync.
func (b *bench) puts(leader *agent, clients int) string {
	before := leader.logged()
	figure := b.drive(clients, leader.put)
	after := leader.logged()
	if syncs := after.syncs - before.syncs; syncs > 0 { // other programs do not tell
		figure += fmt.Sprintf("  %.1f entries a sync", (after.entries-before.entries)/syncs)
	}
	return figure
}

// logged is what an agent's Raft log has written since it started.
type logged struct{ entries, syncs float64 }

func (a *agent) logged() (n logged) {
	for line := range strings.Lines(a.get("/v1/agent/metrics?format=prometheus")) {
		name, number, _ := strings.Cut(strings.TrimSpace(line), " ")
		value, err := strconv.ParseFloat(number, 64)
		switch {
		case err != nil: // a comment
		case strings.HasSuffix(name, "_raft_wal_log_entries_written"):
			n.entries = value
		case strings.HasSuffix(name, "_raft_wal_log_appends"):
			n.syncs = value
		}
	}
	return n
}

// kvPutLong counts what is written in each second: none should be empty, and
// the slowest should be near the rest.
func kvPutLong(b *bench) string {
	b.three()
	leader := b.leader()
	b.load = *long
	begin, seconds := time.Now(), make([]atomic.Int64, int(long.Seconds())+2)
	figure := b.drive(64, func(w, i int) bool {
		ok := leader.put(w, i)
		if s := int(time.Since(begin).Seconds()); ok && s < len(seconds) {
			seconds[s].Add(1)
		}
		return ok
	})
	var counts []int64
	for i := range seconds[:int(long.Seconds())] {
		counts = append(counts, seconds[i].Load())
	}
	slices.Sort(counts)
	return fmt.Sprintf("%s   of %d seconds the slowest %d/s, the median %d/s", figure, len(counts), counts[0], counts[len(counts)/2])
}

func kvGet(mode string) func(*bench) string {
	return func(b *bench) string {
		b.three()
		leader := b.leader()
		return b.drive(64, func(int, int) bool { return leader.try("GET", "/v1/kv/bench/ready"+mode, "") })
	}
}

func kvGetFollower(mode string) func(*bench) string {
	return func(b *bench) string {
		agents, leader := b.three(), b.leader()
		follower := agents[slices.IndexFunc(agents, func(a *agent) bool { return a != leader })]
		return b.drive(64, func(int, int) bool { return follower.try("GET", "/v1/kv/bench/ready"+mode, "") })
	}
}

// kvPutThrough has a client agent pass on what it is asked.
func kvPutThrough(clients int) func(*bench) string {
	return func(b *bench) string {
		return b.drive(clients, b.openPair(1).client.put)
	}
}

func kvGetThrough(b *bench) string {
	return b.drive(64, kvGets(b, b.openPair(1)))
}

func kvRecurse(b *bench) string {
	a := b.lone()
	a.fillKeys(1000)
	return b.beside(a, "/v1/kv/fill/?recurse")
}

// maxTxnOps is the most that a transaction takes.
const maxTxnOps = 128

// fillKeys writes n keys below fill/, many at a time.
func (a *agent) fillKeys(n int) {
	encoded := base64.StdEncoding.EncodeToString([]byte(value))
	a.fillByTxn(n, maxTxnOps, func(i int) string {
		return fmt.Sprintf(`{"KV":{"Verb":"set","Key":"fill/%07d","Value":%q}}`, i, encoded)
	})
}

// fillByTxn writes n things in transactions of so many; ops words the operations of one.
func (a *agent) fillByTxn(n, each int, ops func(i int) string) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 4 * runtime.NumCPU() {
		wg.Go(func() {
			for {
				from := int(next.Add(int64(each))) - each
				if from >= n {
					return
				}
				var all []string
				for i := from; i < min(from+each, n); i++ {
					all = append(all, ops(i))
				}
				if status, text := a.request("PUT", "/v1/txn", "["+strings.Join(all, ",")+"]"); status != 200 {
					panic(text)
				}
			}
		})
	}
	wg.Wait()
}

func memoryPerKey(b *bench) string {
	a := b.lone()
	time.Sleep(2 * time.Second)
	before, begin := a.rss(), time.Now()
	a.fillKeys(*keys)
	took := time.Since(begin)
	peak := a.rss()
	time.Sleep(20 * time.Second) // the collector returns what it freed
	return fmt.Sprintf("%.0f B, %.0f B at once after writing them in %s", float64(a.rss()-before)/float64(*keys), float64(peak-before)/float64(*keys), took.Round(time.Second))
}
