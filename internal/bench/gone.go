package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

const (
	// fleetSize is how many agents are in a pool, three of them servers.
	fleetSize = 30
	// firstKilled and kills are the client agents that are killed, one after the other.
	firstKilled, kills = 10, 5
)

// fleet is startFleet and a wait until what joining stirred up has settled.
func (b *bench) fleet(args ...string) []*agent {
	b.startFleet(args...)
	time.Sleep(5 * time.Second)
	return b.agents
}

func fleetStart(b *bench) string {
	begin := time.Now()
	b.startFleet()
	return fmt.Sprintf("%s  %s of CPU", tenths(time.Since(begin)), tenths(b.cpu()))
}

// startFleet starts three servers and client agents, and waits until all are in the catalog.
func (b *bench) startFleet(args ...string) {
	join := append([]string{"-retry-join=127.88.1.1", "-retry-interval=1s"}, args...)
	for i := 1; i <= fleetSize; i++ {
		if i <= 3 {
			b.start(i, append(join, "-server", "-bootstrap-expect=3")...)
		} else {
			b.start(i, join...)
		}
	}
	b.agents[0].waitWritable()
	eventually(func() bool { return strings.Count(b.agents[0].get("/v1/catalog/nodes"), `"Node":"n`) == fleetSize })
}

// killedAgent kills client agents of 30, and counts until each is critical.
func killedAgent(b *bench) string {
	agents := b.fleet()
	var times []string
	for i := range kills {
		a := agents[firstKilled+i]
		a.kill()
		begin := time.Now()
		eventually(func() bool {
			return strings.Contains(agents[0].get("/v1/health/node/"+a.name), `"Status":"critical"`)
		})
		times = append(times, tenths(time.Since(begin)))
	}
	return strings.Join(times, " ")
}

func tenths(d time.Duration) string { return d.Round(10 * time.Millisecond).String() }

// killedLeaderDNS kills the leader of three servers, each with an instance of a
// service, and counts until the others' DNS does not name it any more.
func killedLeaderDNS(b *bench) string {
	const rounds = 4
	var times []string
	for _, a := range b.three() {
		if !a.try("PUT", "/v1/agent/service/register", `{"name":"web","port":80}`) {
			panic("registration failed")
		}
	}
	for range rounds {
		for _, a := range b.agents {
			eventually(func() bool { return len(a.addresses("web.service.consul.")) == 3 })
		}
		time.Sleep(3 * time.Second) // gossip knows everybody again
		leader := b.leader()
		leader.kill()
		begin := time.Now()
		for _, a := range b.agents {
			eventually(func() bool {
				named := a.addresses("web.service.consul.")
				return a == leader || len(named) > 0 && !slices.Contains(named, leader.ip)
			})
		}
		times = append(times, tenths(time.Since(begin)))
		leader.run(b)
		leader.waitWritable()
	}
	return strings.Join(times, " ")
}

// addresses asks an agent's DNS; none if it does not answer.
func (a *agent) addresses(name string) (found []string) {
	reply, err := dns.Exchange(new(dns.Msg).SetQuestion(name, dns.TypeA), net.JoinHostPort(a.ip, "8600"))
	if err != nil {
		return nil
	}
	for _, rr := range reply.Answer {
		if one, ok := rr.(*dns.A); ok {
			found = append(found, one.A.String())
		}
	}
	return found
}

// starved runs 30 agents beside loops that take the processors from them, and counts
// what their gossip said of each other: all of it is wrong, as nobody is gone.
func starved(loopsPerCPU int, nice bool) func(b *bench) string {
	return func(b *bench) string {
		b.nice = nice
		b.fleet("-log-level=info")
		before := b.said()
		var over atomic.Bool
		loops := loopsPerCPU * runtime.NumCPU()
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(loops + 1))
		for range loops {
			go func() { // ends with over
				for !over.Load() {
				}
			}()
		}
		time.Sleep(*long)
		over.Store(true)
		now := b.said()
		return fmt.Sprintf("%d loops for %s: %d suspicions, %d members failed somewhere, %d by refusal", loops, *long,
			now.suspected-before.suspected, now.failed-before.failed, now.refused-before.refused)
	}
}

// sayings counts what agents said: memberlist suspects a member, serf sees one fail, and
// gossip finds one's process ended.
type sayings struct{ suspected, failed, refused int }

func (b *bench) said() (all sayings) {
	for _, a := range b.agents {
		log, err := os.ReadFile(filepath.Join(b.dir, a.name+".log"))
		must(err)
		all.suspected += strings.Count(string(log), "has failed, no acks received")
		all.failed += strings.Count(string(log), "EventMemberFailed:")
		all.refused += strings.Count(string(log), "member's process has ended")
	}
	return all
}
