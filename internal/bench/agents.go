package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// bench is one measurement under way.
type bench struct {
	program string
	dir     string
	load    time.Duration
	agents  []*agent
	nice    bool // agents leave the processors to others
}

// agent is one process on a loopback address of its own.
type agent struct {
	name, ip string
	program  string
	args     []string
	cmd      *exec.Cmd

	https bool   // requests go to port 8501
	token string // secret that requests carry, "" for none
}

// client keeps enough connections open for every worker.
var client = &http.Client{Timeout: 15 * time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 8192, DisableCompression: true, DialContext: dialFromMany}}

// dialFromMany connects from several addresses in turn: one has ports for 28,000 connections to
// an agent, which lets 8,000 come from it.
func dialFromMany(ctx context.Context, network, address string) (net.Conn, error) {
	const sources = 16
	from := fmt.Sprintf("127.88.2.%d", 1+dialled.Add(1)%sources)
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	return d.DialContext(ctx, network, address)
}

var dialled atomic.Uint64

// start runs agent number i with more flags and returns at once.
func (b *bench) start(i int, args ...string) *agent {
	ip := fmt.Sprintf("127.88.1.%d", i)
	a := &agent{name: fmt.Sprintf("n%d", i), ip: ip, program: b.program}
	a.args = append([]string{"agent", "-node", a.name, "-bind", ip, "-client", ip, "-log-level=warn"}, args...)
	limits := filepath.Join(b.dir, "limits.json")
	must(os.WriteFile(limits, []byte(`{"limits":{"http_max_conns_per_client":8000},"telemetry":{"prometheus_retention_time":"1h"}}`), 0o644))
	a.args = append(a.args, "-config-file", limits)
	if !strings.Contains(strings.Join(args, " "), "-dev") {
		a.args = append(a.args, "-data-dir", filepath.Join(b.dir, a.name))
	}
	b.agents = append(b.agents, a)
	a.run(b)
	return a
}

func (a *agent) run(b *bench) {
	log, err := os.OpenFile(filepath.Join(b.dir, a.name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	must(err)
	defer log.Close()
	a.cmd = exec.Command(a.program, a.args...)
	if b.nice {
		a.cmd = exec.Command("nice", append([]string{"-n", "19", a.program}, a.args...)...)
	}
	a.cmd.Stdout, a.cmd.Stderr = log, log
	must(a.cmd.Start())
}

func (a *agent) kill() {
	if a.cmd != nil {
		a.cmd.Process.Kill()
		a.cmd.Wait()
		a.cmd = nil
	}
}

func (b *bench) stop() {
	for _, a := range b.agents {
		a.kill()
	}
	client.CloseIdleConnections()
}

// lone starts a persisted server that leads itself.
func (b *bench) lone() *agent {
	a := b.start(1, "-server", "-bootstrap-expect=1")
	a.waitWritable()
	return a
}

func (b *bench) dev() *agent {
	a := b.start(1, "-dev")
	a.waitWritable()
	return a
}

// three starts a cluster and waits until it has three voters.
func (b *bench) three() []*agent {
	for i := 1; i <= 3; i++ {
		b.start(i, "-server", "-bootstrap-expect=3", "-retry-join=127.88.1.1", "-retry-interval=1s")
	}
	for _, a := range b.agents {
		a.waitWritable()
	}
	eventually(func() bool { return strings.Count(b.agents[0].get("/v1/status/peers"), ":8300") == 3 })
	return b.agents
}

// leader returns the server that leads.
func (b *bench) leader() *agent {
	for _, a := range b.agents {
		if strings.Contains(b.agents[0].get("/v1/status/leader"), a.ip+":") {
			return a
		}
	}
	panic("no leader")
}

// waitWritable returns how long it took until a write was acknowledged.
func (a *agent) waitWritable() time.Duration {
	begin := time.Now()
	eventually(func() bool { return a.try("PUT", "/v1/kv/bench/ready", "x") })
	return time.Since(begin)
}

func eventually(ok func() bool) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for limit := time.Now().Add(60 * time.Second); !ok(); <-tick.C {
		if time.Now().After(limit) {
			panic("gave up waiting")
		}
	}
}

// try makes a request and reports whether it was answered with 200.
func (a *agent) try(method, path, body string) bool {
	res, err := a.send(method, path, body)
	return err == nil && drain(res)
}

func (a *agent) get(path string) string {
	_, body := a.request("GET", path, "")
	return body
}

func (a *agent) send(method, path, body string) (*http.Response, error) {
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	api := "http://" + a.ip + ":8500"
	if a.https {
		api = "https://" + a.ip + ":8501"
	}
	req, err := http.NewRequest(method, api+path, reader)
	must(err)
	if a.token != "" {
		req.Header.Set("X-Consul-Token", a.token)
	}
	return client.Do(req)
}

func (a *agent) request(method, path, body string) (int, string) {
	res, err := a.send(method, path, body)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, string(text)
}

// cpu is the user and system time the process has used.
func (a *agent) cpu() time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", a.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	const ticksPerSecond = 100 // USER_HZ, fixed on Linux
	return time.Duration(user+system) * time.Second / ticksPerSecond
}

func (b *bench) cpu() time.Duration {
	var sum time.Duration
	for _, a := range b.agents {
		if a.cmd != nil {
			sum += a.cpu()
		}
	}
	return sum
}

// rss is the resident memory in bytes.
func (a *agent) rss() int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", a.cmd.Process.Pid))
	must(err)
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.Atoi(strings.Fields(rest)[0])
			return kb * 1024
		}
	}
	return 0
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
