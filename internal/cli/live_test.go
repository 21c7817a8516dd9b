//go:build unix

package cli_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"praetor/internal/cli"
)

// live is a command that runs in this process beside its test.
type live struct {
	t    *testing.T
	what string
	news chan struct{} // one token: it said more
	code chan int

	mu   sync.Mutex
	said strings.Builder
}

// begin starts a command.
func begin(t *testing.T, args ...string) *live {
	t.Helper()
	l := &live{t: t, what: strings.Join(args, " "), news: make(chan struct{}, 1), code: make(chan int, 1)}
	go func() { // ends waits for it
		l.code <- cli.Main(append([]string{"praetor"}, args...), strings.NewReader("input\n"), l, l)
	}()
	return l
}

func (l *live) Write(p []byte) (int, error) {
	l.mu.Lock()
	l.said.Write(p)
	l.mu.Unlock()
	select {
	case l.news <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (l *live) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.said.String()
}

// last is the end of what it said, for a failing test to show.
func (l *live) last() string {
	text := l.text()
	return text[max(0, len(text)-3000):]
}

// patience is how long commands that run here may take to do what they should.
const patience = 30 * time.Second

// says waits until the command has said something.
func (l *live) says(text string) {
	l.t.Helper()
	for limit := time.After(patience); !strings.Contains(l.text(), text); {
		select {
		case <-l.news:
		case <-limit:
			l.t.Fatalf("%s does not say %q:\n%s", l.what, text, l.last())
		}
	}
}

// ends waits for the command's end, and wants an exit code and texts in this order.
func (l *live) ends(code int, texts ...string) {
	l.t.Helper()
	select {
	case got := <-l.code:
		if got != code {
			l.t.Errorf("%s: exit code %d, want %d:\n%s", l.what, got, code, l.last())
		}
	case <-time.After(patience):
		l.t.Fatalf("%s does not end:\n%s", l.what, l.last())
	}
	rest := l.text()
	for _, text := range texts {
		_, after, ok := strings.Cut(rest, text)
		if !ok {
			l.t.Errorf("%s: no %q, or in another order, in\n%s", l.what, text, l.last())
		}
		rest = after
	}
}

// signal sends this process a signal, which whatever runs here hears.
func signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(os.Getpid(), sig); err != nil {
		t.Fatal(err)
	}
}

// startAgent runs an agent at an address of its own until the test ends it.
func startAgent(t *testing.T, last int, args ...string) (agent *live, address string) {
	t.Helper()
	ip := fmt.Sprintf("127.79.%d.%d", os.Getpid()%250, last)
	address = ip + ":8500"
	agent = begin(t, append([]string{"agent", "-node=n1", "-bind=" + ip, "-client=" + ip,
		"-hcl", `performance { leave_drain_time = "1ms" } limits { http_max_conns_per_client = 1000 }`}, args...)...)
	t.Setenv("CONSUL_HTTP_ADDR", address)
	return agent, address
}

// waitFor asks again and again until something is so.
func waitFor(t *testing.T, what string, check func() error) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(patience); ; {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("%s: %v", what, err)
		}
	}
}

// TestCommandsAgainstARunningAgent has what the transcripts with canned answers
// cannot show: commands that take turns with an agent.
func TestCommandsAgainstARunningAgent(t *testing.T) {
	t.Chdir(t.TempDir())
	told := make(chan string, 16)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), `"Value":"YmFk"`) { // bad
			w.WriteHeader(http.StatusMultipleChoices)
		}
		told <- fmt.Sprint(r.Method, " ", r.Header.Get("A"), " ", r.Header.Get("X-Consul-Index") != "", " ", r.Header.Get("Content-Type"), " ", string(body))
	}))
	defer hook.Close()
	agent, address := startAgent(t, 1, "-dev", "-hcl", `disable_remote_exec = false`, "-hcl", `watches = [
		{ type = "key" key = "hooked" handler_type = "http" http_handler_config { path = "`+hook.URL+`" method = "PUT" header { A = ["b"] } timeout = "9s" } },
		{ type = "key" key = "scripted" args = ["sh", "-c", "cat >> scripted.txt; echo done $CONSUL_INDEX"] },
		{ type = "key" key = "failing" handler = "exit 3" },
	]`)
	agent.says("==> Log data will now stream in as it occurs:\n\n")
	waitFor(t, "a leader", func() error {
		if _, errs, code := run(t, "kv", "put", "up"); code != 0 {
			return errors.New(errs)
		}
		return nil
	})
	t.Run("transcripts", func(t *testing.T) { playAt(t, address, liveTranscripts) })

	t.Run("watches of the configuration", func(t *testing.T) {
		run(t, "kv", "put", "hooked", "x")
		for text := ""; !strings.Contains(text, `"Value":"eA=="`); {
			select {
			case text = <-told:
				if !strings.HasPrefix(text, "PUT b true application/json ") {
					t.Errorf("the handler got %s", text)
				}
			case <-time.After(patience):
				t.Fatal("the HTTP handler is not told")
			}
		}
		if strings.Contains(agent.text(), "Failed to run watch handler: type=key handler=http") {
			t.Error("an answer of 200 is called a failure")
		}
		run(t, "kv", "put", "hooked", "bad")
		agent.says(`Failed to run watch handler: type=key handler=` + hook.URL + ` error="answer: 300 Multiple Choices"`)
		run(t, "kv", "put", "scripted", "y")
		waitFor(t, "the script", func() error {
			text, err := os.ReadFile("scripted.txt")
			if err == nil && !strings.Contains(string(text), `"Value":"eQ=="`) {
				err = fmt.Errorf("it got %q", text)
			}
			return err
		})
		agent.says("| done ")
		agent.says(`Failed to run watch handler: type=key handler="exit 3" error="exit status 3"`)
	})
	t.Run("locks", func(t *testing.T) {
		first := begin(t, "lock", "-verbose", "two", "echo up; while [ ! -e free ]; do sleep 0.02; done")
		first.says("up\n")
		begin(t, "lock", "-try=100ms", "/two", "echo never").ends(1, "Shutdown triggered or timeout during lock acquisition\n")
		second := begin(t, "lock", "-verbose", "two", "echo second")
		second.says("Attempting lock acquisition\n")
		if err := os.WriteFile("free", nil, 0o600); err != nil {
			t.Fatal(err)
		}
		first.ends(0, "Setting up lock at path: two/.lock\n", "Attempting lock acquisition\n", "Starting handler\n", "up\n", "Child terminated, releasing lock\nCleanup ")
		second.ends(0, "Starting handler\nsecond\nChild terminated, releasing lock\nCleanup succeeded\n")
		begin(t, "lock", "-n=2", "-child-exit-code", "-verbose", "sem", "exit 5").ends(2, "Setting up semaphore (limit 2) at prefix: sem\n", "Error running handler: exit status 5\n", "Cleanup succeeded\n")
		lost := begin(t, "lock", "-verbose", "-monitor-retry=1", "-name=mine", "lost", "echo up; exec sleep 60")
		lost.says("up\n")
		if out, _, _ := run(t, "kv", "get", "-detailed", "lost/.lock"); !strings.Contains(out, "Flags            3304740253564472344\n") {
			t.Errorf("the lock's flags are those of the library:\n%s", out)
		}
		run(t, "kv", "delete", "lost/.lock")
		lost.ends(0, "Lock lost, killing child\n", "Error running handler: signal: terminated\n")
	})
	t.Run("signals", func(t *testing.T) {
		signal(t, syscall.SIGHUP)
		agent.says("Synced node info")
		signal(t, syscall.SIGUSR1)
		agent.says("[C] 'consul.")
	})
	signal(t, syscall.SIGTERM)
	agent.ends(1, "==> Starting Consul agent...\n               Version: '1.22.7'\n            Build Date: '", "             Node name: 'n1'\n", "Exit code: code=1\n")
}

const liveTranscripts = `
$ kv put a/b hello
| Success! Data written to: a/b
$ members
| Node  Address…  Status  Type    Build   Protocol  DC   Partition  Segment
| n1    127.79.…:8301  alive   server  1.22.7  2         dc1  default    <all>
$ snapshot save x.snap
| Saved and verified snapshot to index …
$ snapshot save -append-filename=version,dc,else y.snap
| Saved and verified snapshot to index …
$ snapshot save -stale -append-filename=dc -datacenter=dc1 z
| Saved and verified snapshot to index …
$ snapshot inspect y-1.22.7-dc1.snap
|  ID           …-…-…
|  Size         …
|  Index        …
|  Term         …
|  Version      1
|
|  Type…Count      Size
|  ----…----       ----
…
|  KVS…2          …B
…
|  ----…----       ----
|  Total…
$ snapshot inspect -kvdetails -kvdepth=1 z-dc1
…
|  Key Name      Count      Size
|  ----          ----       ----
|  a             1          …B
|  up            1          …B
|  ----          ----       ----
|  Total                    …B
$ snapshot inspect -kvdetails -kvfilter=a/ x.snap
…
|  Key Name      Count      Size
|  ----          ----       ----
|  a/b           1          …B
|  ----          ----       ----
|  Total                    …B
$ snapshot inspect -format=json -kvdetails -kvfilter=up x.snap
| {
|    "Meta": {
|       "ID": "…",
|       "Size": …,
|       "Index": …,
|       "Term": …,
|       "Version": 1
|    },
|    "Stats": [
…
|    "StatsKV": [
|       {
|          "Name": "up",
|          "Sum": …,
|          "Count": 1
|       }
|    ],
|    "TotalSize": …,
|    "TotalSizeKV": …
| }
$ snapshot inspect -format=xml x.snap
! Unknown format: xml
= 1
$ snapshot decode x.snap
| {"Data":{"Version":1,"ID":"…",…},"Type":"SnapshotHeader"}
…
| {"Data":{…"Key":"a/b",…},"Type":"KVS"}
…
$ kv put a/b changed
| Success! Data written to: a/b
$ snapshot restore x.snap
| Restored snapshot
$ kv get a/b
| hello
$ lock p 'echo $CONSUL_LOCK_HELD; cat'
| true
$ lock -pass-stdin p cat
. from outside
| from outside
$ lock -shell=false p echo '$HOME'
| $HOME
$ lock -child-exit-code p false
! Error running handler: exit status 1
= 2
$ lock p false
! Error running handler: exit status 1
$ lock -child-exit-code -shell=false p /no/such/program
! Error running handler: …/no/such/program: no such file or directory
= 2
$ lock -timeout=5s -verbose -name=n p true
| Setting up lock at path: p/.lock
| Attempting lock acquisition
| Starting handler
| Child terminated, releasing lock
| Cleanup succeeded
$ kv get -keys p
$ exec -wait=300ms -wait-repl=1ms 'echo hi; echo there'
|     n1: hi
|     n1: there
|     n1:
| ==> n1: finished with exit code 0
| 1 / 1 node(s) completed / acknowledged
$ exec -verbose -wait=300ms -wait-repl=1ms exit 7
| Created remote execution session: …-…-…-…-…
| Uploaded remote execution spec
| Fired remote execution event: …-…-…-…-…
| ==> n1: acknowledged
| ==> n1: finished with exit code 7
| 1 / 1 node(s) completed / acknowledged
| Completed in … seconds
= 2
$ exec -wait=300ms -wait-repl=1ms -shell=false echo '$HOME' 'a  b'
|     n1: $HOME a  b
|     n1:
| ==> n1: finished with exit code 0
| 1 / 1 node(s) completed / acknowledged
$ exec -wait=300ms -wait-repl=1ms -
. for i in 1 2; do
.   echo $i
. done
|     n1: 1
|     n1: 2
|     n1:
| ==> n1: finished with exit code 0
| 1 / 1 node(s) completed / acknowledged
$ exec -wait=300ms -wait-repl=1ms -shell=false -verbose /no/such/program
…
| ==> n1: …/no/such/program: no such file or directory
| ==> n1: finished with exit code 255
| 1 / 1 node(s) completed / acknowledged
| Completed in …
= 2
$ exec -wait=300ms -wait-repl=1ms -prefix=jobs/here -datacenter=dc1 -node=n. 'head -c 9000 /dev/zero | tr "\0" x'
|     n1: xxxx…
|     n1: xxxx…
|     n1: xxxx…
| ==> n1: finished with exit code 0
| 1 / 1 node(s) completed / acknowledged
$ exec -wait=200ms -wait-repl=1ms -service=none echo hi
| 0 / 0 node(s) completed / acknowledged
$ exec -wait=200ms -wait-repl=1ms -node=other echo hi
| 0 / 0 node(s) completed / acknowledged
$ exec -datacenter=dc9 echo hi
! Failed to create session: …No path to datacenter…
= 1
$ exec -wait=250ms -wait-repl=1ms -verbose 'sleep 0.7; echo late'
…
| ==> n1: heartbeat received
…
|     n1: late
|     n1:
| ==> n1: finished with exit code 0
| 1 / 1 node(s) completed / acknowledged
| Completed in … seconds
$ kv get -keys jobs
$ watch -type=key -key=a/b
| {
|     "Key": "a/b",
…
|     "Value": "aGVsbG8=",
|     "Session": ""…
…
| }
$ watch -type=key -key=none
| null
$ watch -type=keyprefix -prefix=a/
| [
…
|         "Key": "a/b",
…
| ]
$ watch -type=services
| {
|     "consul": []
| }
$ watch -type=nodes -stale
| [
…
|         "Node": "n1",
…
| ]
$ watch -type=service -service=consul -passingonly=true -tag=x
| []
$ watch -type=service -service=consul -passingonly=false
| [
…
$ watch -type=checks -state=critical
| []
$ watch -type=checks -service=none
| []
$ watch -type=event -name=none
| []
$ watch -type=key -key=a/b 'cat; echo $CONSUL_INDEX; exit 3'
| {"Key":"a/b",…"Value":"aGVsbG8=",…}
| …
! Error executing handler: exit status 3
= 1
$ watch -type=key -shell=false -key=a/b /no/such/program
! Error executing handler: …/no/such/program: no such file or directory
= 1
$ watch -type=service -service=x -passingonly=perhaps
! Failed to parse passingonly flag: strconv.ParseBool: parsing "perhaps": invalid syntax
= 1
$ watch -type=key
! Must specify a single key to watch
= 1
`

// TestAgentsThatAreToldToStop: reference/cli.md §2.5. A signal reaches all agents of
// this process at once.
func TestAgentsThatAreToldToStop(t *testing.T) {
	const staying, leaving = "Graceful shutdown disabled. Exiting", "Graceful exit completed"
	type row struct {
		name string
		args []string
		code int
		log  string
		not  string
	}
	for sig, rows := range map[syscall.Signal][]row{
		syscall.SIGINT: {
			{"a server", []string{"-dev"}, 1, staying, "Gracefully"},
			{"a client", []string{"-data-dir=a"}, 0, leaving, staying},
			{"a client that stays", []string{"-data-dir=b", "-hcl", "skip_leave_on_interrupt = true"}, 1, staying, "Gracefully"},
		},
		syscall.SIGTERM: {
			{"a server", []string{"-dev"}, 1, staying, "Gracefully"},
			{"a client", []string{"-data-dir=c"}, 0, leaving, staying},
		},
	} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Chdir(t.TempDir())
			var agents []*live
			for i, row := range rows {
				agent, _ := startAgent(t, 10*int(sig)+i, row.args...)
				agent.says("Consul agent running!")
				agents = append(agents, agent)
			}
			signal(t, sig)
			for i, row := range rows {
				agents[i].ends(row.code, "Caught: signal=", row.log, fmt.Sprintf("Exit code: code=%d", row.code))
				if strings.Contains(agents[i].text(), row.not) {
					t.Errorf("%s says %q", row.name, agents[i].last())
				}
			}
		})
	}
}

// TestAgentThatDoesNotStart: reference/cli.md §2.2.
func TestAgentThatDoesNotStart(t *testing.T) {
	t.Chdir(t.TempDir())
	playAt(t, "127.0.0.1:1", `
$ agent x y
! ==> Unexpected extra arguments: [x y]
= 1
$ agent
! ==> data_dir cannot be empty
= 1
$ agent -dev -bogus
! flag provided but not defined: -bogus
! Usage:
…
! ==> error parsing flags: flag provided but not defined: -bogus
= 1
$ agent -dev -bootstrap-expect=3
! ==> 'bootstrap_expect > 0' not allowed in dev mode
= 1
$ agent -dev -config-file=none.hcl
! ==> …none.hcl…no such file or directory…
= 1
$ agent -dev -log-level=loud
! ==> Invalid log level: LOUD. Valid log levels are: [TRACE DEBUG INFO WARN ERR ERROR]
= 1
$ agent -dev -log-file=/dev/null/x
! ==> open log file: mkdir /dev/null: not a directory
= 1
$ agent -dev -bind=127.79.1.1 -client=192.0.2.1 -log-level=err
| …[ERROR] …Error starting agent…
! ==> cannot listen on 192.0.2.1:8500: this machine has no such address; …
= 1
$ agent -dev -log-json -bind=127.79.1.1 -client=192.0.2.1
| {"@level":"error","@message":"Error starting agent",…}
! ==> cannot listen on 192.0.2.1:8500: this machine has no such address; …
= 1
`)
}

// TestDemoThatCannotStart says why before it starts anything.
func TestDemoThatCannotStart(t *testing.T) {
	play(t, `
$ demo x
! demo takes no arguments: praetor demo
= 1
$ demo -keep=.
! Error making the folder: mkdir .: file exists
= 1
`)
}

// TestRaftRecoverShowsAndAsksFirst: nothing is changed before the answer is yes.
func TestRaftRecoverShowsAndAsksFirst(t *testing.T) {
	t.Chdir(t.TempDir())
	server, address := startAgent(t, 60, "-server", "-bootstrap", "-data-dir=d")
	waitFor(t, "a leader", func() error {
		if out, errs, code := run(t, "operator", "raft", "list-peers"); code != 0 || !strings.Contains(out, "leader") {
			return errors.New(out + errs)
		}
		return nil
	})
	playAt(t, address, `
$ operator raft recover -data-dir=d
! Error recovering: …
= 1
`)
	signal(t, syscall.SIGINT)
	server.ends(1)
	const shown = `
| Server:       …-…-…
| Last entry:   index …, term …, written 20…Z
| 
| ID …Address …Was …Becomes
| …-…-… 127.79.…:8300 …voter …voter
| 
| What other servers acknowledged after index … is lost. What only this server
…
| 
`
	playAt(t, address, `
$ operator raft recover -data-dir=none
! Error recovering: "none" is not the data_dir of a server: stat none/raft: no such file or directory
= 1
$ operator raft recover -data-dir=d -peer=x
! Error recovering: "x" is no ID@ADDRESS like …
= 1
$ operator raft recover -data-dir=d
. y`+shown+`| Only "yes" goes on: (no newline)
! Nothing was changed
= 1
$ operator raft recover -data-dir=d
`+strings.TrimPrefix(shown, "\n")+`| Only "yes" goes on: (no newline)
! Nothing was changed
= 1
$ operator raft recover -data-dir=d -peer=B0000000-0000-0000-0000-000000000000@10.0.0.2:8300
. no
| Server: …
…
| b0000000-0000-0000-0000-000000000000 …10.0.0.2:8300 …- …voter
…
! Nothing was changed
= 1
`)
	if left, _ := filepath.Glob("d/raft*"); len(left) != 1 {
		t.Errorf("before anybody said yes there are %v", left)
	}
	playAt(t, address, `
$ operator raft recover -data-dir=d
. yes
…
| Only "yes" goes on: Kept a copy in d/raft.before-recovery-20…Z
| Start the server: it recovers first. Until then, removing raft/peers.json takes the order back.
`)
	if left, _ := filepath.Glob("d/raft.before-recovery-*"); len(left) != 1 {
		t.Errorf("copies: %v", left)
	}
}

// TestLongRunningCommandsEndWhenTold: reference/cli.md §1.7.
func TestLongRunningCommandsEndWhenTold(t *testing.T) {
	t.Chdir(t.TempDir())
	asked := make(chan struct{}, 64)
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Consul-Index", "7")
		switch r.URL.Path {
		case "/v1/agent/monitor":
			io.WriteString(w, "a line\n")
			w.(http.Flusher).Flush()
		case "/v1/kv/a":
			io.WriteString(w, `[{"Key":"a","Value":"eA=="}]`)
			if r.URL.Query().Get("index") == "" {
				return
			}
		}
		asked <- struct{}{}
		select {
		case <-r.Context().Done():
		case <-release:
		}
	}))
	defer server.Close()
	defer close(release)
	t.Setenv("CONSUL_HTTP_ADDR", server.Listener.Addr().String())
	for _, row := range []struct {
		args   []string
		says   string
		signal syscall.Signal
		code   int
	}{
		{[]string{"monitor"}, "a line\n", syscall.SIGINT, 0},
		{[]string{"monitor"}, "a line\n", syscall.SIGTERM, 0},
		{[]string{"watch", "-type=key", "-key=a", "cat"}, `"Value":"eA=="`, syscall.SIGINT, 0},
		{[]string{"watch", "-type=key", "-key=a", "echo up; exec sleep 60"}, "up\n", syscall.SIGTERM, 0},
	} {
		command := begin(t, row.args...)
		command.says(row.says)
		signal(t, row.signal)
		command.ends(row.code)
	}
}
