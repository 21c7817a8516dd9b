package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// ttlServices report to one client agent, each once a second.
	ttlServices = 1000
	ttlWorkers  = 16
)

// ttlSteady has services report to a client agent every second that nothing changed, and
// looks at what that costs the server: its log must not grow.
func ttlSteady(b *bench) string {
	server := b.lone()
	agent := b.start(2, "-retry-join", server.ip)
	eventually(func() bool { return agent.try("GET", "/v1/status/leader", "") })
	for i := range ttlServices {
		if !agent.try("PUT", "/v1/agent/service/register", fmt.Sprintf(`{"name":"s-%d","check":{"checkid":"c-%d","ttl":"30s","status":"passing"}}`, i, i)) {
			panic("registration failed")
		}
	}
	report := func() (done int) {
		var wg sync.WaitGroup
		for w := range ttlWorkers {
			wg.Go(func() {
				for i := w; i < ttlServices; i += ttlWorkers {
					if !agent.try("PUT", "/v1/agent/check/pass/c-"+strconv.Itoa(i), "") {
						panic("report failed")
					}
				}
			})
		}
		wg.Wait()
		return ttlServices
	}
	report()
	eventually(func() bool {
		return strings.Count(server.get("/v1/health/state/passing"), `"CheckID":"c-`) == ttlServices
	})
	settle()

	before := server.lastIndex()
	cpuServer, cpuAgent, begin, reports := server.cpu(), agent.cpu(), time.Now(), 0
	for tick := time.NewTicker(time.Second); time.Since(begin) < b.load; <-tick.C {
		reports += report()
	}
	took := time.Since(begin)
	share := func(cpu time.Duration) float64 { return 100 * cpu.Seconds() / took.Seconds() }
	return fmt.Sprintf("%d reports in %.0fs   %d entries in the log   server %.1f%% of a core, agent %.1f%%",
		reports, took.Seconds(), server.lastIndex()-before, share(server.cpu()-cpuServer), share(agent.cpu()-cpuAgent))
}

// lastIndex is that of the last entry that the log of a lone server has.
func (a *agent) lastIndex() int {
	var raft struct{ Servers []struct{ LastIndex int } }
	must(json.Unmarshal([]byte(a.get("/v1/operator/raft/configuration")), &raft))
	return raft.Servers[0].LastIndex
}
