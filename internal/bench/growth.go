package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	instancesOfService = 10
	wakes              = 50
)

// grown is what a server with so many instances costs.
type grown struct {
	instances            int
	load, churn          time.Duration // of one instance
	churnCPU             time.Duration
	wake                 time.Duration // median
	watcher              float64       // bytes of a watcher
	restart              time.Duration
	save, restore        time.Duration
	memory, snapshotSize float64 // bytes of an instance
}

// growth measures a server at several sizes, each number of instances with a check on a node
// of its own, and tells with which power of the number each cost grows.
func growth(b *bench) string {
	var all []grown
	lines := []string{"\n  instances  load  memory each  churn  watch of one of so many, memory of each  restart  snapshot: save, restore, bytes each"}
	for i, text := range strings.Split(*sizes, ",") {
		n, err := strconv.Atoi(text)
		must(err)
		g := b.grow(i+1, n)
		all = append(all, g)
		lines = append(lines, fmt.Sprintf("  %9d  %.0f/s  %.1f KB  %.0f/s, %d us CPU  %s of %d, %.1f KB  %s  %s, %s, %.0f", n, 1/g.load.Seconds(), g.memory/1e3,
			1/g.churn.Seconds(), g.churnCPU.Microseconds(), g.wake.Round(10*time.Microsecond), *watched, g.watcher/1e3, tenths(g.restart), tenths(g.save), tenths(g.restore), g.snapshotSize))
	}
	for i := range len(all) - 1 {
		a, z := all[i], all[i+1]
		times := float64(z.instances) / float64(a.instances)
		power := func(before, now float64) string { return fmt.Sprintf("n^%.2f", math.Log(now/before)/math.Log(times)) }
		lines = append(lines, fmt.Sprintf("  to %d: load %s  memory %s  churn %s  watch %s  restart %s  save %s  restore %s", z.instances,
			power(a.load.Seconds()*float64(a.instances), z.load.Seconds()*float64(z.instances)), power(a.memory*float64(a.instances), z.memory*float64(z.instances)),
			power(a.churn.Seconds(), z.churn.Seconds()), power(a.wake.Seconds(), z.wake.Seconds()), power(a.restart.Seconds(), z.restart.Seconds()),
			power(a.save.Seconds(), z.save.Seconds()), power(a.restore.Seconds(), z.restore.Seconds())))
	}
	return strings.Join(lines, "\n")
}

// grow measures one size, on a server of its own that is gone afterwards.
func (b *bench) grow(i, instances int) (g grown) {
	a := b.start(i, "-server", "-bootstrap-expect=1")
	defer a.kill()
	a.waitWritable()
	settle()
	g.instances = instances
	empty, begin := a.rss(), time.Now()
	a.fillInstances(instances)
	g.load = time.Since(begin) / time.Duration(instances)
	a.awaitRest()
	g.memory = float64(a.rss()-empty) / float64(instances)

	var turned atomic.Int64
	one := &bench{load: b.load, agents: []*agent{a}}
	t := one.drives(16, func(int, int) bool {
		n := turned.Add(1)
		return a.flip(int(n)%instances, int(n)/instances)
	})
	g.churn, g.churnCPU = t.elapsed/time.Duration(t.done), t.cost()
	g.wake, g.watcher = one.wakesOneOf(a, instances)

	file := filepath.Join(b.dir, "growth.snap")
	begin = time.Now()
	a.save(file)
	g.save = time.Since(begin)
	info, err := os.Stat(file)
	must(err)
	g.snapshotSize = float64(info.Size()) / float64(instances)
	begin = time.Now()
	a.restore(file)
	g.restore = time.Since(begin)

	a.kill()
	a.run(b)
	begin = time.Now()
	eventually(func() bool {
		return strings.Count(a.get("/v1/health/service/"+growthService(0)), `"ServiceID"`) >= instancesOfService
	})
	g.restart = time.Since(begin)
	return g
}

func growthService(instance int) string { return fmt.Sprintf("grow-%d", instance/instancesOfService) }

// fillInstances registers many at a time.
func (a *agent) fillInstances(n int) {
	const opsOfInstance = 3
	a.fillByTxn(n, maxTxnOps/opsOfInstance, func(i int) string {
		return fmt.Sprintf(`{"Node":{"Verb":"set","Node":{"Node":"grow-%[1]d","Address":"10.%[2]d.%[3]d.%[4]d"}}},{"Service":{"Verb":"set","Node":"grow-%[1]d","Service":{"ID":"%[5]s","Service":"%[5]s","Port":80}}},{"Check":{"Verb":"set","Check":{"Node":"grow-%[1]d","CheckID":"c","Name":"c","Status":"passing","ServiceID":"%[5]s"}}}`,
			i, i>>16&255, i>>8&255, i&255, growthService(i))
	})
}

// flip turns the check of an instance, to another status each round.
func (a *agent) flip(instance, round int) bool {
	status := [...]string{"critical", "passing"}[round%2]
	return a.try("PUT", "/v1/catalog/register", fmt.Sprintf(`{"Node":"grow-%d","SkipNodeUpdate":true,"Check":{"CheckID":"c","Name":"c","Status":%q,"ServiceID":%q}}`,
		instance, status, growthService(instance)))
}

// wakesOneOf has many services watched, each by one or several, and counts until the watcher of
// the one that changes has its answer: the median of several. It also tells the bytes that a
// watcher takes.
func (b *bench) wakesOneOf(a *agent, instances int) (median time.Duration, each float64) {
	services := instances / instancesOfService
	for i := range wakes {
		a.flip(i*instancesOfService, 1) // known to be passing
	}
	settle()
	before, woken := a.rss(), make([]chan time.Time, wakes)
	var wg sync.WaitGroup
	for i := range *watched {
		path := "/v1/health/service/" + growthService(i%services*instancesOfService)
		if i < wakes {
			woken[i] = make(chan time.Time, 1)
		}
		index := a.index(path)
		wg.Go(func() {
			if _, ok := a.read(path + "?wait=90s&index=" + index); !ok {
				panic("a watcher got no answer: is the limit of open files, ulimit -n, above the number of watchers?")
			}
			if i < wakes {
				woken[i] <- time.Now()
			}
		})
	}
	b.quiet()
	each = float64(a.rss()-before) / float64(*watched)
	var took []time.Duration
	for i := range wakes {
		begin := time.Now()
		succeed(a.flip(i*instancesOfService, 0))
		took = append(took, (<-woken[i]).Sub(begin))
	}
	// The others are sent home, a change for each service.
	for s := wakes; s < min(services, *watched); s++ {
		succeed(a.flip(s*instancesOfService, 0))
		succeed(a.flip(s*instancesOfService, 1))
	}
	wg.Wait()
	slices.Sort(took)
	return took[len(took)/2], each
}

// awaitRest waits until the collector has given back what it freed.
func (a *agent) awaitRest() {
	least := a.rss()
	for calm := 0; calm < 5; calm++ {
		time.Sleep(2 * time.Second)
		if now := a.rss(); now < least*99/100 {
			least, calm = now, 0
		}
	}
}
