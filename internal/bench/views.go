package main

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// health measures a read that many make beside the same bytes served from
// memory over net/http.
func health(instances int) func(*bench) string {
	return func(b *bench) string {
		a := b.lone()
		a.fill(instances)
		return b.beside(a, "/v1/health/service/svc-0?passing")
	}
}

// beside measures a read and then its limit in the same process arrangement.
func (b *bench) beside(a *agent, path string) string {
	const workers = 16
	settle()
	body := a.get(path)
	figure := b.only(a).drive(workers, func(int, int) bool { return a.try("GET", path, "") })
	limit := b.static(body)
	most := b.only(limit).drive(workers, func(int, int) bool { return limit.try("GET", "/", "") })
	return fmt.Sprintf("%s   limit %s   %.0f%%   %d bytes", figure, most, 100*rate(figure)/rate(most), len(body))
}

// rate reads the operations a second back from a figure.
func rate(figure string) float64 {
	n, _, _ := strings.Cut(strings.TrimSpace(figure), "/")
	r, err := strconv.ParseFloat(n, 64)
	must(err)
	return r
}

// watch measures how long it takes until the last of many watchers of a service
// has its answer after one instance turned critical, beside the same answers
// written by net/http.
func watch(watchers int) func(*bench) string {
	return func(b *bench) string {
		a := b.lone()
		a.fill(100)
		return b.watchBeside(a, a, "/v1/health/service/svc-0", watchers)
	}
}

// watchClient does it through a client agent, which asks its server once for all.
func watchClient(b *bench) string {
	p := b.openPair(1)
	p.server.fill(100)
	return b.watchBeside(p.server, p.client, "/v1/health/service/svc-0", 1000)
}

// watchBeside lets so many watch path at an agent while server turns one
// instance of svc-0 critical.
func (b *bench) watchBeside(server, a *agent, path string, watchers int) string {
	settle()
	index, body := a.index(path), a.get(path)
	took, used, failed, received := b.wake(a, path+"?wait=90s&index="+index, watchers, func() {
		succeed(server.try("PUT", "/v1/catalog/register",
			`{"Node":"ext-0","SkipNodeUpdate":true,"Check":{"Name":"c","Status":"critical","ServiceID":"svc-0"}}`))
	})
	limit := b.static(body)
	most, least, lost, _ := b.only(limit).wake(limit, "/?index=1", watchers, func() { limit.try("GET", "/wake", "") })
	return fmt.Sprintf("%s for all  %d us CPU a watcher  %.1f MB  %d failed   limit %s  %d us CPU  %d failed   %.2f times",
		took.Round(time.Millisecond), (used / time.Duration(watchers)).Microseconds(), float64(received)/1e6, failed,
		most.Round(time.Millisecond), (least / time.Duration(watchers)).Microseconds(), lost, took.Seconds()/most.Seconds())
}

// wake counts from a change until all watchers have their whole answers.
func (b *bench) wake(a *agent, path string, watchers int, change func()) (took, used time.Duration, failed, received int) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range watchers {
		wg.Go(func() {
			n, ok := a.read(path)
			mu.Lock()
			defer mu.Unlock()
			received += n
			if !ok {
				failed++
			}
		})
	}
	b.quiet()
	before, begin := b.cpu(), time.Now()
	change()
	wg.Wait()
	return time.Since(begin), b.cpu() - before, failed, received
}

// quiet waits until all watchers are asleep in the server.
func (b *bench) quiet() {
	for calm, before := 0, b.cpu(); calm < 3; {
		time.Sleep(500 * time.Millisecond)
		now := b.cpu()
		if calm++; now-before > 20*time.Millisecond {
			calm = 0
		}
		before = now
	}
}

// memoryPerWatcher is beside what net/http takes for requests that wait.
func memoryPerWatcher(b *bench) string {
	a := b.lone()
	a.fill(100)
	path := "/v1/health/service/svc-0"
	index, body := a.index(path), a.get(path)
	figure := b.waiting(a, path+"?wait=90s&index="+index)
	limit := b.waiting(b.static(body), path+"?index="+index)
	return fmt.Sprintf("%.1f KB   limit %.1f KB", figure, limit)
}

// waiting is the memory that an agent, or the static server, takes for each of many
// requests that wait, in kilobytes. The agent is gone afterwards.
func (b *bench) waiting(a *agent, path string) float64 {
	const watchers = 5000
	settle()
	before := a.rss()
	var wg sync.WaitGroup
	for range watchers {
		wg.Go(func() { a.try("GET", path, "") })
	}
	b.quiet()
	grown := a.rss() - before
	a.kill() // nobody waits for the watchers' time
	wg.Wait()
	return float64(grown) / watchers / 1e3
}

// read counts the bytes of an answer.
func (a *agent) read(path string) (int, bool) {
	res, err := a.send("GET", path, "")
	if err != nil {
		return 0, false
	}
	defer res.Body.Close()
	n, err := io.Copy(io.Discard, res.Body)
	return int(n), err == nil && res.StatusCode == http.StatusOK
}

// crowd fills a server with 10,000 services of ten instances each.
func (b *bench) crowd() *agent {
	a := b.lone()
	const services, workers = 10000, 16
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for s := w; s < services; s += workers {
				for i := range 10 {
					succeed(a.registerRemote(s, i))
				}
			}
		})
	}
	wg.Wait()
	return a
}

func crowdHealth(b *bench) string {
	return b.beside(b.crowd(), "/v1/health/service/svc-77?passing")
}

func crowdWatch(b *bench) string {
	a := b.crowd()
	return b.watchBeside(a, a, "/v1/health/service/svc-0", 1000)
}

func crowdServices(b *bench) string {
	return b.beside(b.crowd(), "/v1/catalog/services")
}

func succeed(ok bool) {
	if !ok {
		panic("a request failed")
	}
}
