package main_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// binary is the program under test, built once by TestMain.
var binary string

// atOnce is how many tests run at the same time unless -parallel says otherwise:
// they wait for agents far more than they use a processor.
const atOnce = "6"

func TestMain(m *testing.M) {
	flag.Parse()
	if !isSet("test.parallel") {
		if err := flag.Set("test.parallel", atOnce); err != nil {
			panic(err)
		}
	}
	os.Exit(buildAndRun(m))
}

// isSet reports whether a flag stands on the command line.
func isSet(name string) (set bool) {
	flag.Visit(func(f *flag.Flag) { set = set || f.Name == name })
	return set
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "praetor-e2e")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "praetor")
	build := exec.Command("go", "build", "-trimpath", "-o", binary, ".") // as make build does, without a libc
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		return 1
	}
	defer func() {
		if browserUsed.Load() {
			_, end := chromium()
			end()
		}
	}()
	return m.Run()
}

// node is one agent process on a loopback address or a host of its own, default ports.
type node struct {
	t       *testing.T
	program string   // runs as the agent, if not binary
	env     []string // besides what the test has
	name    string
	ip      string
	args    []string
	bare    bool   // args say what it binds
	http    string // address and port of its API, if not those of ip
	dns     string // and of its DNS
	dir     string

	// On a host of its own, else nil: what starts its process there, connects to it
	// from there, and asks its API over such connections; and where its files are seen from here.
	launch func(*exec.Cmd) error
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
	client *http.Client
	root   string

	log  *bytes.Buffer
	cmd  *exec.Cmd
	done chan struct{} // closed when the process ended
}

// newNode prepares an agent; start runs it. Its data folder lives as long as
// the test.
func newNode(t *testing.T, name, ip string, args ...string) *node {
	t.Helper()
	if l, err := net.Listen("tcp", ip+":0"); err != nil {
		t.Skipf("this system does not route %s to itself (%v): needs Linux, or an alias on the loopback interface", ip, err)
	} else {
		l.Close()
	}
	return nodeAt(t, name, ip, args...)
}

// nodeAt does the same for an address that only the node's host has.
func nodeAt(t *testing.T, name, ip string, args ...string) *node {
	t.Helper()
	n := &node{t: t, name: name, ip: ip, dir: t.TempDir(), args: args}
	t.Cleanup(n.stop)
	return n
}

func (n *node) start() *node {
	n.t.Helper()
	// An agent that starts before the one it joins must not wait 30 s to try again.
	args := []string{"agent", "-node", n.name, "-retry-interval=1s"}
	if !n.bare {
		args = append(args, "-bind", n.ip, "-client", n.ip)
	}
	args = append(args, n.args...)
	if !strings.Contains(strings.Join(n.args, " "), "-dev") {
		args = append(args, "-data-dir", filepath.Join(n.dir, "data"))
	}
	n.log = &bytes.Buffer{}
	n.cmd = exec.Command(cmp.Or(n.program, binary), args...)
	n.cmd.Stdout, n.cmd.Stderr = n.log, n.log
	n.cmd.Env = append(os.Environ(), n.env...)
	launch := (*exec.Cmd).Start
	if n.launch != nil {
		launch = n.launch
	}
	if err := launch(n.cmd); err != nil {
		n.t.Fatalf("start %s: %v", n.name, err)
	}
	n.done = make(chan struct{})
	go func(cmd *exec.Cmd, done chan struct{}) { cmd.Wait(); close(done) }(n.cmd, n.done) // stop waits for done
	return n
}

// kill ends the process as a power cut would.
func (n *node) kill() {
	n.cmd.Process.Kill()
	<-n.done
}

// signal sends sig and returns the exit code.
func (n *node) signal(sig os.Signal) int {
	n.t.Helper()
	n.cmd.Process.Signal(sig)
	select {
	case <-n.done:
	case <-time.After(30 * time.Second):
		n.t.Fatalf("%s still runs 30 s after %s\n%s", n.name, sig, n.tail())
	}
	return n.cmd.ProcessState.ExitCode()
}

func (n *node) stop() {
	if n.cmd == nil {
		return
	}
	n.kill()
	if n.t.Failed() {
		n.t.Logf("log of %s:\n%s", n.name, n.tail())
	}
	n.cmd = nil
}

// tail is the end of the log. Call it only when the process has ended or the
// test is failing.
func (n *node) tail() string {
	text := n.log.String()
	if len(text) > 6000 {
		text = text[len(text)-6000:]
	}
	return text
}

// api is where the node's API is, HOST:PORT.
func (n *node) api() string { return cmp.Or(n.http, n.ip+":8500") }

var httpClient = &http.Client{Timeout: 20 * time.Second}

// request makes a call as curl would and returns status and body.
func (n *node) request(method, path, body string) (int, string, error) {
	req, err := http.NewRequestWithContext(context.Background(), method, "http://"+n.api()+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	res, err := cmp.Or(n.client, httpClient).Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, string(text), err
}

func (n *node) put(path, body string) error {
	status, text, err := n.request("PUT", path, body)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("PUT %s on %s: %d %s", path, n.name, status, text)
	}
	return err
}

func (n *node) get(path string, into any) error {
	status, text, err := n.request("GET", path, "")
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("GET %s on %s: %d %s", path, n.name, status, text)
	}
	return json.Unmarshal([]byte(text), into)
}

// dig asks this node's DNS server.
func (n *node) dig(network, name string, qtype uint16) (*dns.Msg, error) {
	return n.resolve(network, new(dns.Msg).SetQuestion(name, qtype))
}

func (n *node) resolve(network string, q *dns.Msg) (*dns.Msg, error) {
	client, address := &dns.Client{Net: network, Timeout: 5 * time.Second}, cmp.Or(n.dns, n.ip+":8600")
	if n.dial == nil {
		m, _, err := client.Exchange(q, address)
		return m, err
	}
	c, err := n.dial(context.Background(), network, address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	m, _, err := client.ExchangeWithConn(q, &dns.Conn{Conn: c})
	return m, err
}

// cli runs the program against this node.
func (n *node) cli(args ...string) (stdout, stderr string, code int) {
	n.t.Helper()
	return runCLI(n.t, []string{"CONSUL_HTTP_ADDR=" + n.api()}, args...)
}

func runCLI(t *testing.T, env []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.Command(binary, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Env = append(os.Environ(), env...)
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("run %v: %v", args, err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// waitFor tries check until it succeeds and gives up with its last reason.
//
// The limit is that of a machine at rest; waitFor is patient with a busy one, since
// what takes how long is for the benchmarks to say.
func waitFor(t *testing.T, what string, limit time.Duration, check func() error) time.Duration {
	t.Helper()
	const patience = 4
	limit *= patience
	begin := time.Now()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return time.Since(begin)
		}
		if time.Since(begin) > limit {
			t.Fatalf("no %s after %s: %v", what, limit, err)
		}
		<-tick.C
	}
}

func (n *node) hasLeader() error {
	var leader string
	if err := n.get("/v1/status/leader", &leader); err != nil {
		return err
	}
	if leader == "" {
		return errors.New("no leader")
	}
	return nil
}

// leaderOf returns the node that leads.
func leaderOf(t *testing.T, nodes []*node) *node {
	t.Helper()
	var found *node
	waitFor(t, "leader", 15*time.Second, func() error {
		for _, n := range nodes {
			var leader string
			if err := n.get("/v1/status/leader", &leader); err != nil {
				continue
			}
			for _, m := range nodes {
				if leader == m.ip+":8300" {
					found = m
					return nil
				}
			}
		}
		return errors.New("nobody names a leader")
	})
	return found
}

var interrupt os.Signal = syscall.SIGINT
