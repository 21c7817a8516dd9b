package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

func drain(res *http.Response) bool {
	io.Copy(io.Discard, res.Body)
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

func startDev(b *bench) string {
	return b.start(1, "-dev").waitWritable().Round(time.Millisecond).String()
}

func startLone(b *bench) string {
	return b.start(1, "-server", "-bootstrap-expect=1").waitWritable().Round(time.Millisecond).String()
}

func catalogRegister(b *bench) string {
	a := b.lone()
	return b.drive(16, func(w, i int) bool { return a.registerRemote(w, w*100000+i) })
}

// list asks for a list of a catalog of 1,000 nodes, each with an instance of svc-0.
func list(path string) func(*bench) string {
	return func(b *bench) string {
		a := b.lone()
		a.fill(1000)
		return b.beside(a, path)
	}
}

// registerRemote puts an instance of svc with a check on a node of its own.
func (a *agent) registerRemote(service, i int) bool {
	return a.try("PUT", "/v1/catalog/register", fmt.Sprintf(
		`{"Node":"ext-%d","Address":"10.%d.%d.%d","Service":{"Service":"svc-%d","Port":80},"Check":{"Name":"c","Status":"passing","ServiceID":"svc-%d"}}`,
		i, i>>16&255, i>>8&255, i&255, service, service))
}

func agentRegister(b *bench) string {
	a := b.lone()
	return b.registrations(a, a)
}

func agentRegisterThrough(b *bench) string {
	p := b.openPair(1)
	return b.registrations(p.client, p.server)
}

// registrations drives an agent, and counts how many reach a server's catalog a second.
func (b *bench) registrations(a, server *agent) string {
	begin := time.Now()
	all := b.drives(16, func(w, i int) bool { return a.registerLocal(w*100000 + i) })
	eventually(func() bool { return server.instances() == all.done })
	return fmt.Sprintf("%s   in the catalog %.0f/s", all.words(b), float64(all.done)/time.Since(begin).Seconds())
}

// instances counts what registerLocal has put into the catalog.
func (a *agent) instances() int {
	var services []struct {
		Name          string
		InstanceCount int
	}
	must(json.Unmarshal([]byte(a.get("/v1/internal/ui/services")), &services))
	sum := 0
	for _, s := range services {
		if strings.HasPrefix(s.Name, "web-") {
			sum += s.InstanceCount
		}
	}
	return sum
}

// loadMany counts until all are in the catalog.
func loadMany(b *bench) string {
	a := b.lone()
	used, begin := a.cpu(), time.Now()
	a.registerMany()
	took := time.Since(begin)
	return fmt.Sprintf("%.0f/s  %d us CPU each", manyInstances/took.Seconds(), ((a.cpu() - used) / manyInstances).Microseconds())
}

// registerLocal registers an instance with two TTL checks at the agent.
func (a *agent) registerLocal(i int) bool {
	return a.try("PUT", "/v1/agent/service/register", fmt.Sprintf(
		`{"id":"web-%d","name":"web-%d","port":80,"tags":["v1"],"checks":[{"ttl":"1h","status":"passing"},{"ttl":"1h","status":"passing"}]}`, i, i%100))
}

func (a *agent) fill(instances int) {
	for i := range instances {
		if !a.registerRemote(0, i) {
			panic("registration failed")
		}
	}
}

func (a *agent) index(path string) string {
	res, err := client.Get("http://" + a.ip + ":8500" + path)
	must(err)
	drain(res)
	return res.Header.Get("X-Consul-Index")
}

// failover kills the leader of three and counts until a survivor writes.
func failover(b *bench) string {
	const rounds = 5
	b.three()
	var times []string
	for range rounds {
		leader := b.leader()
		survivor := b.agents[0]
		if survivor == leader {
			survivor = b.agents[1]
		}
		leader.kill()
		begin := time.Now()
		eventually(func() bool { return survivor.try("PUT", "/v1/kv/bench/failover", "x") })
		times = append(times, time.Since(begin).Round(time.Millisecond).String())
		leader.run(b)
		for _, a := range b.agents {
			a.waitWritable()
		}
		eventually(func() bool { return strings.Count(survivor.get("/v1/status/peers"), ":8300") == 3 })
		time.Sleep(time.Second) // the returned server catches up
	}
	return strings.Join(times, " ")
}

func memoryIdle(b *bench) string {
	a := b.dev()
	time.Sleep(5 * time.Second)
	return megabytes(a.rss())
}

func megabytes(n int) string { return fmt.Sprintf("%.1f MB RSS", float64(n)/1e6) }

const manyInstances = 10000

func memoryPerInstance(b *bench) string {
	a := b.lone()
	time.Sleep(2 * time.Second)
	before := a.rss()
	a.registerMany()
	time.Sleep(20 * time.Second) // the collector returns what it freed
	return fmt.Sprintf("%.1f KB", float64(a.rss()-before)/manyInstances/1e3)
}

// registerMany registers 10,000 instances and waits until they are in the catalog.
func (a *agent) registerMany() {
	var wg sync.WaitGroup
	const workers = 16
	for w := range workers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := w; i < manyInstances; i += workers {
				a.registerLocal(i)
			}
		}()
	}
	wg.Wait()
	eventually(func() bool { return a.instances() == manyInstances })
}

func restartLarge(b *bench) string {
	a := b.lone()
	a.registerMany()
	a.kill()
	a.run(b)
	begin := time.Now()
	eventually(func() bool {
		return strings.Count(a.get("/v1/health/service/web-99"), `"ServiceID"`) >= manyInstances/100
	})
	return time.Since(begin).Round(time.Millisecond).String()
}

func binarySize(b *bench) string {
	info, err := os.Stat(b.program)
	must(err)
	return fmt.Sprintf("%.1f MB", float64(info.Size())/1e6)
}
