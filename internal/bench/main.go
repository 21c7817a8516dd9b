// Command bench measures the built binary beside what the machine can do at
// most, in one run, and prints a table. It never fails on time.
//
// # Use
//
//	make bench
//	go run ./internal/bench -bin bin/praetor -run 'kv|dns' -seconds 5
//
// # Concurrency
//
// Each measurement starts its own agents as child processes and its own
// workers, and ends both before the next begins.
//
// # Invariants
//
// Load comes from this process only, goes to 127.88.x.y only, and is bounded in
// time. A figure without its limit in the same table means nothing.
//
// # Decisions
//
// Plain goroutines with keep-alive connections, no load-testing library: what is
// measured must be readable here. CPU is the agents' user and system time from
// /proc, so the generator's share does not count.
package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"
)

var (
	binary  = flag.String("bin", "bin/praetor", "the program to measure")
	only    = flag.String("run", "", "only measurements whose name matches this regular expression")
	seconds = flag.Float64("seconds", 3, "how long each load lasts")
	sizes   = flag.String("sizes", "10000,100000", "numbers of instances at which growth is measured")
	watched = flag.Int("watchers", 5000, "how many watch while growth is measured; more than 15,000 need a higher limit of open files")
	keys    = flag.Int("keys", 1_000_000, "how many keys the rows of many keys have")
	long    = flag.Duration("long", 30*time.Second, "how long the long load lasts")
	// The two flags of the process that serves a file, see serveStatic.
	static = flag.String("static", "", "serve -body on this address instead of measuring")
	body   = flag.String("body", "", "the file to serve")
	echo   = flag.String("echo", "", "send datagrams back that come to this address, instead of measuring; see serveEcho")
	// compare names another program with the same command line, measured in turn.
	compare = flag.String("compare", "", "a second program to measure beside the first, for ratios")
)

// measurement is one row of the table: a name, and what measures it.
type measurement struct {
	name string
	run  func(b *bench) string
}

var measurements = []measurement{
	{"limit: net/http hello", limitHTTP},
	{"limit: UDP echo", limitUDP},
	{"limit: fsync of 4 KiB", limitSync(1)},
	{"limit: two of these fsyncs at once", limitSync(2)},
	{"start: -dev to first write", startDev},
	{"start: lone server to first write", startLone},
	{"kv put, one server, 1 client", kvPutOne(1)},
	{"kv put, one server, 16 clients", kvPutOne(16)},
	{"kv put, one server, 64 clients", kvPutOne(64)},
	{"kv put, one server, 256 clients", kvPutOne(256)},
	{"kv put, three servers, 1 client", kvPutThree(1)},
	{"kv put, three servers, 16 clients", kvPutThree(16)},
	{"kv put, three servers, 64 clients", kvPutThree(64)},
	{"kv put, three servers, 256 clients", kvPutThree(256)},
	{"kv put, three servers, 64 clients, long", kvPutLong},
	{"kv get, three servers, 64 clients", kvGet("")},
	{"kv get ?stale of a follower, three servers, 64 clients", kvGetFollower("?stale")},
	{"kv get ?consistent, three servers, 64 clients", kvGet("?consistent")},
	{"kv get of a follower, three servers, 64 clients", kvGetFollower("")},
	{"kv get ?consistent of a follower, three servers, 64 clients", kvGetFollower("?consistent")},
	{"kv put through a client agent, 1 client", kvPutThrough(1)},
	{"kv put through a client agent, 64 clients", kvPutThrough(64)},
	{"kv get through a client agent, 64 clients", kvGetThrough},
	{"kv get ?recurse, 1,000 keys, 16 clients", kvRecurse},
	{"memory: per key, 1,000,000 keys of 64 bytes", memoryPerKey},
	{"catalog/nodes of 1,000, 16 clients", list("/v1/catalog/nodes")},
	{"catalog/service of 1,000 instances, 16 clients", list("/v1/catalog/service/svc-0")},
	{"health/state/any of 1,000 checks, 16 clients", list("/v1/health/state/any")},
	{"catalog/register, 16 clients", catalogRegister},
	{"agent/service/register, 16 clients", agentRegister},
	{"agent/service/register through a client agent, 16 clients", agentRegisterThrough},
	{"10,000 instances with two checks, 16 clients", loadMany},
	{"health/service?passing, 10 instances, 16 clients", health(10)},
	{"health/service?passing, 100 instances, 16 clients", health(100)},
	{"health/service?passing, 1,000 instances, 16 clients", health(1000)},
	{"rules and TLS on beside off, through a client agent: kv get", secured(kvGets)},
	{"rules and TLS on beside off, through a client agent: health of 10", secured(healthOfTen)},
	{"rules on beside off, of a client agent: DNS, A of 10", secured(dnsOfTen)},
	{"watch: one of 100 instances flips, 1,000 watchers", watch(1000)},
	{"watch: one of 100 instances flips, 5,000 watchers", watch(5000)},
	{"watch through a client agent, 1,000 watchers", watchClient},
	{"100,000 instances: health of 10", crowdHealth},
	{"100,000 instances: watch of 10, 1,000 watchers", crowdWatch},
	{"100,000 instances: catalog/services of 10,000", crowdServices},
	{"idle: 1,000 services with TTL checks report every second", ttlSteady},
	{"failover: kill -9 of the leader to next write", failover},
	{"30 agents started at once: all in the catalog", fleetStart},
	{"one killed of 30 agents: critical in the catalog", killedAgent},
	{"killed leader's services gone from DNS", killedLeaderDNS},
	{"30 agents beside a busy loop on each CPU: who is taken for dead", starved(1, false)},
	{"30 agents, as nice as can be, beside four: who is taken for dead", starved(4, true)},
	{"memory: idle -dev agent", memoryIdle},
	{"memory: per instance with two checks", memoryPerInstance},
	{"memory: per blocked watcher, 5,000 of one service", memoryPerWatcher},
	{"restart: 10,000 instances to serving", restartLarge},
	{"snapshot: many keys, save and restore", snapshotMany},
	{"snapshot: 10,000 instances, save and restore", snapshotInstances},
	{"growth: one server", growth},
	{"binary size", binarySize},
}

func main() {
	flag.Parse()
	if *static != "" {
		fmt.Fprintln(os.Stderr, "bench: -static:", serveStatic(*static, *body))
		os.Exit(1)
	}
	if *echo != "" {
		fmt.Fprintln(os.Stderr, "bench: -echo:", serveEcho(*echo))
		os.Exit(1)
	}
	want, err := regexp.Compile(*only)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: -run:", err)
		os.Exit(2)
	}
	programs := []string{*binary}
	if *compare != "" {
		programs = append(programs, *compare)
	}
	fmt.Printf("%s/%s, %d CPUs, %s, %.0f s a load\n\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), *seconds)
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', 0)
	defer table.Flush()
	for _, m := range slices.Concat(measurements, dnsMeasurements()) {
		if !want.MatchString(m.name) {
			continue
		}
		fmt.Fprint(table, m.name)
		for _, program := range programs {
			fmt.Fprint(table, "\t", measure(m, program))
		}
		fmt.Fprintln(table)
		table.Flush()
	}
}

// measure runs one measurement in a fresh folder; a fault becomes its figure.
func measure(m measurement, program string) (figure string) {
	dir, err := os.MkdirTemp("", "praetor-bench")
	if err != nil {
		return err.Error()
	}
	b := &bench{program: program, dir: dir, load: time.Duration(*seconds * float64(time.Second))}
	defer os.RemoveAll(dir)
	defer b.stop()
	defer func() {
		if fault := recover(); fault != nil {
			figure = fmt.Sprint("failed: ", fault)
		}
	}()
	return m.run(b)
}
