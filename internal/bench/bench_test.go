//go:build linux

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
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// speaking is an agent whose API is a handler of this test, on an address of its own.
func speaking(t *testing.T, ip string, api http.HandlerFunc) *agent {
	t.Helper()
	l, err := net.Listen("tcp", ip+":8500")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: api}
	go srv.Serve(l) // ends with Close
	t.Cleanup(func() { srv.Close() })
	return &agent{name: "fake", ip: ip}
}

func TestALoadIsCountedAndWorded(t *testing.T) {
	b := &bench{load: 50 * time.Millisecond}
	var calls atomic.Int64
	figure := b.drive(4, func(_, i int) bool {
		calls.Add(1)
		return i%2 == 0 // of each worker: on a busy machine only one may get a turn
	})
	if !regexp.MustCompile(`^ *\d+/s  p50 \S+  p99 \S+  \d+ FAILED$`).MatchString(figure) {
		t.Errorf("the figure is %q", figure)
	}
	if n := calls.Load(); n < 2 {
		t.Errorf("%d calls", n)
	}
	if r := rate(figure); r <= 0 {
		t.Errorf("its rate is %v", r)
	}
	whole := b.drive(2, func(int, int) bool { return true })
	if strings.Contains(whole, "FAILED") || rate(whole) < 100 {
		t.Errorf("without faults: %q", whole)
	}
}

func TestEachWorkerCountsItsOwnCalls(t *testing.T) {
	b := &bench{load: 20 * time.Millisecond}
	var next [3]int
	b.drive(3, func(worker, i int) bool {
		if next[worker] != i {
			t.Errorf("worker %d: call %d, want %d", worker, i, next[worker])
		}
		next[worker]++
		return true
	})
}

func TestRequestsOfAnAgent(t *testing.T) {
	a := speaking(t, "127.88.7.1", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Consul-Index", "42")
		if r.URL.Path == "/v1/refused" {
			w.WriteHeader(http.StatusForbidden)
		}
		fmt.Fprintf(w, "%s %s %s", r.Method, r.URL.RequestURI(), body)
	})
	if got := a.get("/v1/kv/a?raw"); got != "GET /v1/kv/a?raw " {
		t.Errorf("get: %q", got)
	}
	if code, text := a.request("PUT", "/v1/refused", "x"); code != 403 || text != "PUT /v1/refused x" {
		t.Errorf("request: %d %q", code, text)
	}
	if !a.try("PUT", "/v1/kv/a", "x") || a.try("GET", "/v1/refused", "") {
		t.Error("try takes 200 for a fault, or 403 for none")
	}
	if got := a.index("/v1/kv/a"); got != "42" {
		t.Errorf("index: %q", got)
	}
	if n, ok := a.read("/v1/kv/a"); !ok || n != len("GET /v1/kv/a ") {
		t.Errorf("read: %d, %t", n, ok)
	}
	if _, ok := a.read("/v1/refused"); ok {
		t.Error("read takes 403 for an answer")
	}
	gone := &agent{ip: "127.88.7.2"}
	if gone.try("GET", "/", "") {
		t.Error("nobody answers")
	}
	if code, text := gone.request("GET", "/", ""); code != 0 || !strings.Contains(text, "refused") {
		t.Errorf("nobody: %d %q", code, text)
	}
	if _, ok := gone.read("/"); ok {
		t.Error("nobody is read")
	}
}

func TestRegistrationsAreAllDifferent(t *testing.T) {
	var bodies []string
	a := speaking(t, "127.88.7.3", func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies = append(bodies, r.URL.Path+" "+string(body))
	})
	a.fill(300)
	a.registerLocal(7)
	slices.Sort(bodies)
	if n := len(slices.Compact(bodies)); n != 301 {
		t.Errorf("%d different ones of 301", n)
	}
	all := strings.Join(bodies, "\n")
	for _, part := range []string{`"Node":"ext-299"`, `"Address":"10.0.1.43"`, `"id":"web-7"`} {
		if !strings.Contains(all, part) {
			t.Errorf("%s is not there", part)
		}
	}
}

func TestTheLeaderIsWhoTheFirstAgentNames(t *testing.T) {
	one := speaking(t, "127.88.7.4", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `"127.88.7.50:8300"`) })
	b := &bench{agents: []*agent{one, {ip: "127.88.7.5"}, {ip: "127.88.7.50"}}}
	if got := b.leader().ip; got != "127.88.7.50" {
		t.Errorf("it is %s", got)
	}
	defer func() {
		if recover() == nil {
			t.Error("none of them leads, and that is no fault")
		}
	}()
	(&bench{agents: b.agents[:2]}).leader()
}

func TestTheLastIndexOfALoneServer(t *testing.T) {
	a := speaking(t, "127.88.7.6", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"Servers":[{"ID":"x","LastIndex":203}]}`)
	})
	if got := a.lastIndex(); got != 203 {
		t.Errorf("it is %d", got)
	}
}

func TestStaticAnswersWaitUntilTheyAreWoken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(file, []byte(`{"a":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	a := &agent{ip: "127.88.7.7"}
	go serveStatic(a.ip+":8500", file) // ends with the test's process
	eventually(func() bool { return a.try("GET", "/", "") })
	if got := a.get("/v1/health/service/web?passing"); got != `{"a":1}` {
		t.Errorf("the answer is %q", got)
	}
	answered := make(chan string)
	go func() { answered <- a.get("/?index=5") }() // waited for below
	for range 20 {                                 // others are answered all the while
		a.get("/")
	}
	select {
	case got := <-answered:
		t.Errorf("a watcher had %q before it was woken", got)
	default:
	}
	a.get("/wake")
	if got := <-answered; got != `{"a":1}` {
		t.Errorf("the watcher has %q", got)
	}
	if err := serveStatic(a.ip+":8500", file+"x"); !os.IsNotExist(err) {
		t.Errorf("no file: %v", err)
	}
	if err := serveStatic(a.ip+":8500", file); err == nil {
		t.Error("the address is taken, and that is no fault")
	}
}

func TestAProcessIsMeasuredAndKilled(t *testing.T) {
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	a := &agent{name: "sleeper", cmd: exec.CommandContext(ctx, "sleep", "60")}
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b := &bench{agents: []*agent{a, {name: "never started"}}}
	eventually(func() bool { return a.rss() > 0 })
	if a.cpu() > 10*time.Second || b.cpu() != a.cpu() {
		t.Errorf("it used %s, all of them %s", a.cpu(), b.cpu())
	}
	b.stop()
	if a.cmd != nil || b.cpu() != 0 {
		t.Error("it was not stopped")
	}
	b.stop()
}

func TestAFaultBecomesItsFigure(t *testing.T) {
	var folder string
	good := measure(measurement{"good", func(b *bench) string {
		folder = b.dir
		if _, err := os.Stat(b.dir); err != nil {
			t.Error(err)
		}
		return "7/s"
	}}, "praetor")
	if good != "7/s" {
		t.Errorf("the figure is %q", good)
	}
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Errorf("its folder is still there: %v", err)
	}
	if got := measure(measurement{"bad", func(*bench) string { must(io.ErrUnexpectedEOF); return "" }}, ""); got != "failed: unexpected EOF" {
		t.Errorf("the figure is %q", got)
	}
	if got := measure(measurement{"worse", func(*bench) string { succeed(false); return "" }}, ""); got != "failed: a request failed" {
		t.Errorf("the figure is %q", got)
	}
}

func TestOnlyOneAgentIsCounted(t *testing.T) {
	a := &agent{name: "a"}
	b := &bench{load: time.Second, agents: []*agent{a, {name: "b"}}}
	if one := b.only(a); len(one.agents) != 1 || one.agents[0] != a || one.load != b.load || len(b.agents) != 2 {
		t.Errorf("%+v of %+v", one, b)
	}
}

func TestNamesOfMeasurementsAreDifferent(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range slices.Concat(measurements, dnsMeasurements()) {
		if seen[m.name] || m.name == "" || m.run == nil {
			t.Errorf("%q is there twice, or is nothing", m.name)
		}
		seen[m.name] = true
	}
}

func TestFiguresAreRounded(t *testing.T) {
	if got := megabytes(12_345_678); got != "12.3 MB RSS" {
		t.Errorf("%q", got)
	}
	if got := round(1_234_567); got != 1_230*time.Microsecond {
		t.Errorf("%s", got)
	}
	program := filepath.Join(t.TempDir(), "praetor")
	if err := os.WriteFile(program, bytes.Repeat([]byte{0}, 1_550_000), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := binarySize(&bench{program: program}); got != "1.6 MB" && got != "1.5 MB" {
		t.Errorf("%q", got)
	}
}
