package telemetry_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-metrics"

	"praetor/internal/telemetry"
)

// run runs m until the test ends, and is waited for.
func run(t *testing.T, m *telemetry.Metrics) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx, func() {}) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// packets reads datagrams, one element a line.
func packets(t *testing.T, network, address string) (net.PacketConn, func(want ...string)) {
	t.Helper()
	conn, err := net.ListenPacket(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	var lines []string
	return conn, func(want ...string) {
		t.Helper()
		buf := make([]byte, 65536)
		for !containsAll(lines, want) {
			conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			n, _, err := conn.ReadFrom(buf)
			if err != nil {
				t.Fatalf("%v; got so far %q, want %q", err, lines, want)
			}
			if n > 1400 {
				t.Errorf("a packet of %d bytes", n)
			}
			lines = append(lines, strings.Split(strings.TrimSuffix(string(buf[:n]), "\n"), "\n")...)
		}
	}
}

func containsAll(lines, want []string) bool {
	return !slices.ContainsFunc(want, func(w string) bool { return !slices.Contains(lines, w) })
}

// measureSome gives m one figure of each kind.
func measureSome(m *telemetry.Metrics) {
	m.Gauge("members.clients", 3, telemetry.Label{Name: "datacenter", Value: "dc1"})
	m.Counter("rpc.query").Incr()
	m.Counter("secret.count").Incr()
	metrics.IncrCounterWithLabels([]string{"serf", "member", "join"}, 2, []metrics.Label{{Name: "network", Value: "lan:1"}})
	metrics.AddSample([]string{"raft", "commitTime"}, 1.5)
}

func TestSinksGetWhatIsMeasured(t *testing.T) {
	for _, row := range []struct {
		name     string
		protocol telemetry.Protocol
		network  string
		want     []string
	}{
		{"statsd", telemetry.Statsd, "udp", []string{
			"consul.h1.members.clients.dc1:3|g", "consul.rpc.query:1|c", "consul.serf.member.join.lan_1:2|c", "consul.raft.commitTime:1.5|ms"}},
		{"DogStatsD", telemetry.DogStatsD, "udp", []string{
			"consul.members.clients:3|g|#env:test,plain,datacenter:dc1", "consul.rpc.query:1|c|#env:test,plain",
			"consul.serf.member.join:2|c|#env:test,plain,network:lan:1", "consul.raft.commitTime:1.5|ms|#env:test,plain"}},
		{"DogStatsD on a socket", telemetry.DogStatsD, "unixgram", []string{
			"consul.members.clients:3|g|#env:test,plain,datacenter:dc1", "consul.rpc.query:1|c|#env:test,plain"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			address := "127.0.0.1:0"
			if row.network == "unixgram" {
				address = filepath.Join(t.TempDir(), "dog.sock")
			}
			conn, want := packets(t, row.network, address)
			if address = conn.LocalAddr().String(); row.network == "unixgram" {
				address = "unix://" + address
			}
			m := open(t, telemetry.Options{
				HostName: "h1", Global: true, Blocked: []string{"consul.secret"}, RequireSinks: true,
				Sinks: []telemetry.Sink{{Protocol: row.protocol, Address: address, Tags: []string{"env:test", "plain"}}},
			})
			measureSome(m)
			run(t, m)
			want(row.want...)
		})
	}
}

func TestManyValuesOfATimerAreSampled(t *testing.T) {
	conn, want := packets(t, "udp", "127.0.0.1:0")
	m := open(t, telemetry.Options{Sinks: []telemetry.Sink{{Address: conn.LocalAddr().String()}}})
	timer := m.Timer("api.http")
	now := time.Now()
	telemetry.Take(timer, now, 64, 7)
	run(t, m)
	want("consul.api.http:7|ms|@0.5")
	telemetry.Take(timer, now, 1, 9)
	want("consul.api.http:9|ms")
}

func TestStatsiteIsConnectedToAgain(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	m := open(t, telemetry.Options{Sinks: []telemetry.Sink{{Protocol: telemetry.Statsite, Address: l.Addr().String()}}})
	run(t, m)
	count := m.Counter("rpc.query")
	stop := make(chan struct{})
	defer close(stop)
	go func() { // ends with the test
		ticker := time.NewTicker(100 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				count.Incr()
			case <-stop:
				return
			}
		}
	}()
	for round := range 2 {
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil || !strings.HasPrefix(line, "consul.rpc.query:") || !strings.HasSuffix(line, "|c\n") {
			t.Errorf("connection %d: got %q, %v", round, line, err)
		}
		conn.Close()
	}
}

// TestASinkThatHangsStopsNobody has a peer that never reads: the figures of a busy
// agent fill its buffers, and are dropped.
func TestASinkThatHangsStopsNobody(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	m := open(t, telemetry.Options{Global: true, Sinks: []telemetry.Sink{{Protocol: telemetry.Statsite, Address: l.Addr().String()}}})
	run(t, m)
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	label := []metrics.Label{{Name: "x", Value: strings.Repeat("x", 1000)}}
	begin := time.Now()
	for range 20000 { // 20 MB, more than the socket takes
		metrics.IncrCounterWithLabels([]string{"a"}, 1, label)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("counting took %s", took)
	}
}

func TestRequiredSinksMustBeReachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	sinks := []telemetry.Sink{{Protocol: telemetry.Statsite, Address: address}}
	_, err = telemetry.New(telemetry.Options{Sinks: sinks, RequireSinks: true})
	if want := fmt.Sprintf("connect to statsite at %s: dial tcp %s: connect: connection refused", address, address); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	run(t, open(t, telemetry.Options{Sinks: sinks}))
}

func TestLinesCannotBeForged(t *testing.T) {
	for in, want := range map[string]string{
		"a":           "consul.a.v_w_1_c_x:1|g\n",
		"b c:1|g|@#x": "consul.b_c_1_g___x.v_w_1_c_x:1|g\n",
	} {
		if got := telemetry.Line(telemetry.Statsd, "consul."+in, 1, telemetry.Label{Name: "l", Value: "v\nw:1|c x"}); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	want := "consul.a:1|g|#l_:v_w:1_c x_y\n"
	if got := telemetry.Line(telemetry.DogStatsD, "consul.a", 1, telemetry.Label{Name: "l:", Value: "v\nw:1|c x,y"}); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDumpShowsTheLastMinute(t *testing.T) {
	m := open(t, telemetry.Options{HostName: "h"})
	m.Gauge("members.clients", 3, telemetry.Label{Name: "datacenter", Value: "dc1"})
	m.Counter("rpc.query").Incr()
	m.Timer("api.http", telemetry.Label{Name: "method", Value: "GET"}).Since(time.Now())
	var b strings.Builder
	if err := m.Dump(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"][G] 'consul.h.members.clients.dc1': 3.000\n",
		"][C] 'consul.rpc.query': Count: 1 Min: 1.000 Mean: 1.000 Max: 1.000 Stddev: 0.000 Sum: 1.000\n",
		"][S] 'consul.api.http.GET': Count: 1 Min: ",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, &b)
		}
	}
	if err := m.Dump(failingWriter{}); err != io.ErrClosedPipe {
		t.Errorf("got %v", err)
	}
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
