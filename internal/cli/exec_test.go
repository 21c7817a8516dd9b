package cli_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	consul "github.com/hashicorp/consul/api"
	"github.com/hashicorp/go-hclog"

	"praetor/agent"
	"praetor/agent/config"
	"praetor/internal/cli"
	"praetor/internal/userevent"
)

// TestExecAsksStepByStep: reference/cli.md §4, exec. What goes wrong ends it, and what
// was made is taken away.
func TestExecAsksStepByStep(t *testing.T) {
	const (
		session = `< GET /v1/agent/self
> {}
< PUT /v1/session/create {"Behavior":"delete","Name":"Remote Exec","TTL":"15s"}
> {"ID":"s1"}
`
		upload = `< PUT /v1/kv/_rexec/s1/job?acquire=s1 {"Command":"echo hi","Args":null,"Script":null,"Wait":1000000000}
> true
`
		fire = `< PUT /v1/event/fire/_rexec {"Prefix":"_rexec","Session":"s1"}
> {"ID":"e1"}
`
		destroy = `< PUT /v1/session/destroy/s1
> true
`
		cleanup = destroy + `< DELETE /v1/kv/_rexec/s1/?recurse=
> true
`
	)
	play(t, `
$ exec -wait=1s -wait-repl=1ms echo hi
< GET /v1/agent/self
> {}
< PUT /v1/session/create …
> 500 No cluster leader
! Failed to create session: Unexpected response code: 500 (No cluster leader)
= 1
$ exec -wait=1s -wait-repl=1ms echo hi
`+session+`< PUT /v1/kv/_rexec/s1/job?acquire=s1 …
> false
`+destroy+`! Failed to create job file: failed to acquire key _rexec/s1/job
= 1
$ exec -wait=1s -wait-repl=1ms echo hi
`+session+`< PUT /v1/kv/_rexec/s1/job?acquire=s1 …
> 403 no
`+destroy+`! Failed to create job file: Unexpected response code: 403 (no)
= 1
$ exec -wait=1s -wait-repl=1ms echo hi
`+session+upload+`< PUT /v1/event/fire/_rexec …
> 403 no
`+cleanup+`! Failed to fire event: Unexpected response code: 403 (no)
= 1
$ exec -wait=1s -wait-repl=1ms echo hi
`+session+upload+fire+`< GET /v1/kv/_rexec/s1/?keys=
> 500 no
`+cleanup+`! Failed to follow the job: Unexpected response code: 500 (no)
= 1
$ exec -wait=1s -wait-repl=1ms -verbose echo hi
`+session+upload+fire+`< GET /v1/kv/_rexec/s1/?keys=
> ["_rexec/s1/job","_rexec/s1/n2/exit","_rexec/s1/n1/ack","_rexec/s1/n1/exit","_rexec/s1/n1/out/00000","_rexec/s1/n1/out/00001","_rexec/s1/odd/odd","_rexec/s1/odd"]
< GET /v1/kv/_rexec/s1/n1/ack
> [{"Key":"_rexec/s1/n1/ack","Value":null}]
< GET /v1/kv/_rexec/s1/n1/out/00000
> [{"Key":"o","Value":"b25lCnR3bw=="}]
< GET /v1/kv/_rexec/s1/n1/out/00001
> 404
< GET /v1/kv/_rexec/s1/n2/exit
> [{"Key":"e","Value":"b2Rk"}]
< GET /v1/kv/_rexec/s1/n1/exit
> [{"Key":"e","Value":"MA=="}]
< GET /v1/kv/_rexec/s1/?index=7&keys=
> 500 no
`+cleanup+`| Created remote execution session: s1
| Uploaded remote execution spec
| Fired remote execution event: e1
| ==> n1: acknowledged
|     n1: one
|     n1: two
| ==> n1: heartbeat received
| ==> n2: finished with exit code 1
| ==> n1: finished with exit code 0
! Failed to follow the job: Unexpected response code: 500 (no)
= 1
$ exec -wait=1s -wait-repl=1ms -node=n -service=s -tag=t -prefix=p/q -shell=false a b
`+session+`< PUT /v1/kv/p/q/s1/job?acquire=s1 {"Command":"","Args":["a","b"],"Script":null,"Wait":1000000000}
> true
< PUT /v1/event/fire/_rexec?node=n&service=s&tag=t {"Prefix":"p/q","Session":"s1"}
> {"ID":"e1"}
< GET /v1/kv/p/q/s1/?keys=
> ["p/q/s1/n1/ack"]
< GET /v1/kv/p/q/s1/n1/ack
> 500 no
< PUT /v1/session/destroy/s1
> true
< DELETE /v1/kv/p/q/s1/?recurse=
> 500 full
! Failed to cleanup: Unexpected response code: 500 (full)
! Failed to follow the job: Unexpected response code: 500 (no)
= 1
$ exec -wait=1s -wait-repl=1ms -
. script
`+session+`< PUT /v1/kv/_rexec/s1/job?acquire=s1 {"Command":"","Args":null,"Script":"c2NyaXB0Cg==","Wait":1000000000}
> false
`+destroy+`! Failed to create job file: failed to acquire key _rexec/s1/job
= 1
$ exec -datacenter=dc2 echo hi
< GET /v1/agent/self?dc=dc2
> {"Config":{"Datacenter":"dc1"}}
< GET /v1/health/service/consul?dc=dc2&passing=1
> []
! Failed to create session: no healthy server in datacenter "dc2"
= 1
$ exec -datacenter=dc2 echo hi
< GET /v1/agent/self?dc=dc2
> {"Config":{"Datacenter":"dc1"}}
< GET /v1/health/service/consul?dc=dc2&passing=1
> [{"Node":{"Node":"far"},"Service":{},"Checks":[]}]
< PUT /v1/session/create?dc=dc2 {"Behavior":"delete","Name":"Remote Exec","Node":"far","NodeChecks":[],"TTL":"15s"}
> 403 no
! Failed to create session: Unexpected response code: 403 (no)
= 1
$ exec -datacenter=dc2 echo hi
< GET /v1/agent/self?dc=dc2
> 403 no
! Error querying Consul agent: Unexpected response code: 403 (no)
= 1
$ exec -service=[ echo hi
! Failed to compile service filter regexp: error parsing regexp: missing closing ]: …[…
= 1
`)
}

// TestLocksThatCannotBeHad: reference/cli.md §4, lock.
func TestLocksThatCannotBeHad(t *testing.T) {
	const session = `< GET /v1/agent/self
> {}
< PUT /v1/session/create {"Name":"Consul lock for 'touch it' at 'p/q'","TTL":"15s"}
> {"ID":"s1"}
`
	play(t, `
$ lock /p/q touch it
< GET /v1/agent/self
> {}
< PUT /v1/session/create {"Name":"Consul lock for 'touch it' at 'p/q'","TTL":"15s"}
> 403 no
! Lock acquisition failed: failed to create session: Unexpected response code: 403 (no)
= 1
$ lock p/q touch it
`+session+`< GET /v1/kv/p/q/.lock?wait=15000ms
> 500 no
< PUT /v1/session/destroy/s1
> true
! Lock acquisition failed: failed to read lock: Unexpected response code: 500 (no)
= 1
$ lock -name=mine p/q touch it
< GET /v1/agent/self
> {}
< PUT /v1/session/create {"Name":"mine","TTL":"15s"}
> {"ID":"s1"}
< GET /v1/kv/p/q/.lock?wait=15000ms
> [{"Key":"p/q/.lock","Flags":5,"Session":"other"}]
< PUT /v1/session/destroy/s1
> true
! Lock acquisition failed: Existing key does not match lock use
= 1
$ lock -timeout=20ms p/q touch it
`+session+`< GET /v1/kv/p/q/.lock?wait=20ms
> 404
< PUT /v1/kv/p/q/.lock?acquire=s1&flags=3304740253564472344
> 403 no
< PUT /v1/session/destroy/s1
> true
! Lock acquisition failed: failed to acquire lock: Unexpected response code: 403 (no)
= 1
$ lock -n=2 p/q touch it
< GET /v1/agent/self
> {}
< PUT /v1/session/create {"Behavior":"delete","Name":"Consul lock for 'touch it' at 'p/q'","TTL":"15s"}
> {"ID":"s1"}
< PUT /v1/kv/p/q/s1?acquire=s1&flags=16210313421097356768
> false
< PUT /v1/session/destroy/s1
> true
! Lock acquisition failed: failed to make contender entry: <nil>
= 1
$ lock p
! Key prefix and child command must be specified
= 1
$ lock -n=-1 p c
! Lock holder limit must be positive
= 1
$ lock -timeout=-1s p c
! Timeout must be positive
= 1
`)
}

// scripted is an agent's own API that answers each request once, and notes all.
type scripted struct {
	answers map[string]string
	asked   []string
}

func (s *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body strings.Builder
	for piece := make([]byte, 8192); ; {
		n, err := r.Body.Read(piece)
		body.Write(piece[:n])
		if err != nil {
			break
		}
	}
	what := r.Method + " " + r.URL.RequestURI()
	text := body.String()
	if len(text) > 40 {
		text = fmt.Sprintf("%d bytes", len(text))
	}
	s.asked = append(s.asked, strings.TrimSpace(what+" "+text))
	answer, ok := s.answers[what]
	if !ok {
		answer = "true"
	}
	if refusal, refused := strings.CutPrefix(answer, "!"); refused {
		http.Error(w, refusal, http.StatusInternalServerError)
		return
	}
	fmt.Fprint(w, answer)
}

// logged is a logger that keeps what it is told.
func logged() (hclog.Logger, *strings.Builder) {
	var text strings.Builder
	return hclog.New(&hclog.LoggerOptions{Output: &text, Level: hclog.Info, DisableTime: true}), &text
}

// TestJobsAreRunAndReported: the agent's side of exec.
func TestJobsAreRunAndReported(t *testing.T) {
	const read = "GET /v1/kv/_rexec/s1/job"
	job := func(spec string) string {
		return fmt.Sprintf(`[{"Key":"_rexec/s1/job","Value":%q}]`, encode64(spec))
	}
	put := func(name, value string) string {
		return strings.TrimSpace("PUT /v1/kv/_rexec/s1/n1/" + name + "?acquire=s1 " + value)
	}
	const notice = `{"Prefix":"_rexec","Session":"s1"}`
	for _, row := range []struct {
		name, payload string
		answers       map[string]string
		asked         []string
		log           string
	}{
		{"a command", notice, map[string]string{read: job(`{"Command":"echo hi","Wait":1000000000}`)}, []string{read, put("ack", ""), put("out/00000", "hi\n"), put("exit", "0")}, ""},
		{"its exit code", notice, map[string]string{read: job(`{"Command":"exit 7","Wait":1000000000}`)}, []string{read, put("ack", ""), put("exit", "7")}, ""},
		{"words", notice, map[string]string{read: job(`{"Args":["echo","a  b"],"Wait":1000000000}`)}, []string{read, put("ack", ""), put("out/00000", "a  b\n"), put("exit", "0")}, ""},
		{"a script", notice, map[string]string{read: job(`{"Script":"` + encode64("echo one\necho two >&2\n") + `","Wait":1000000000}`)}, nil, ""},
		{"much output", notice, map[string]string{read: job(`{"Command":"head -c 5000 /dev/zero | tr '\\0' x","Wait":1000000000}`)}, []string{read, put("ack", ""), put("out/00000", "4096 bytes"), put("out/00001", "904 bytes"), put("exit", "0")}, ""},
		{"no such program", notice, map[string]string{read: job(`{"Args":["/no/such"],"Wait":1}`)}, []string{read, put("ack", ""), put("error", "45 bytes"), put("exit", "255")}, "failed to start remote exec job"},
		{"nothing to run", notice, map[string]string{read: job(`{}`)}, []string{read, put("ack", ""), put("error", "no command to run"), put("exit", "255")}, "failed to start remote exec job"},
		{"no JSON", `{`, nil, nil, "failed to decode remote exec event"},
		{"no session", `{"Prefix":"_rexec"}`, nil, nil, "remote exec event without prefix or session"},
		{"no prefix", `{"Session":"s1"}`, nil, nil, "remote exec event without prefix or session"},
		{"a job that cannot be read", notice, map[string]string{read: "!no"}, []string{read}, "failed to get remote exec job: error=\"read job: "},
		{"a job that is none", notice, map[string]string{read: job("{")}, []string{read}, `error="read job: unexpected end of JSON input"`},
		{"no job", notice, map[string]string{read: "[]"}, []string{read}, `error="read job: no key _rexec/s1/job"`},
		{"a session that has gone", notice, map[string]string{read: job(`{"Command":"echo hi"}`), "PUT /v1/kv/_rexec/s1/n1/ack?acquire=s1": "false"}, []string{read, put("ack", "")},
			`error="write \"_rexec/s1/n1/ack\": the session does not get the lock"`},
		{"a session that goes", notice, map[string]string{read: job(`{"Command":"echo hi; sleep 60","Wait":1000000000}`), "PUT /v1/kv/_rexec/s1/n1/out/00000?acquire=s1": "false"}, []string{read, put("ack", ""), put("out/00000", "hi\n")},
			`error="write \"_rexec/s1/n1/out/00000\": the session does not get the lock"`},
	} {
		own := &scripted{answers: row.answers}
		logger, log := logged()
		cli.RunAgentJob(t.Context(), agent.Self{API: own, NodeName: "n1", Token: "t", Logger: logger}, &userevent.Event{ID: "e1", Payload: []byte(row.payload)})
		if row.name == "a script" {
			if all := strings.Join(own.asked, "\n"); !strings.Contains(all, "one\n") || !strings.Contains(all, "two\n") || !strings.HasSuffix(all, put("exit", "0")) {
				t.Errorf("%s: asked\n%s", row.name, all)
			}
		} else if got, want := strings.Join(own.asked, "\n"), strings.TrimSpace(strings.Join(row.asked, "\n")); strings.ReplaceAll(got, "\n\n", "\n") != strings.ReplaceAll(want, "\n\n", "\n") {
			t.Errorf("%s: asked\n%s\nwant\n%s", row.name, got, want)
		}
		if row.log == "" && strings.Contains(log.String(), "[ERROR]") || !strings.Contains(log.String(), row.log) {
			t.Errorf("%s: logged %s, want %s", row.name, log, row.log)
		}
	}
}

func encode64(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func TestWatchesThatCannotRunAreLogged(t *testing.T) {
	for _, row := range []struct {
		conf config.Watch
		log  string
	}{
		{config.Watch{Type: "bogus"}, `[ERROR] watch: Watch cannot run: type=bogus error="Unsupported watch type: bogus"`},
		{config.Watch{Type: "key"}, `[ERROR] watch: Watch cannot run: type=key error="Must specify a single key to watch"`},
		{config.Watch{Type: "key", Params: map[string]any{"key": "a", "bogus": 1}}, `error="Invalid parameters: [bogus]"`},
	} {
		own := &scripted{}
		logger, log := logged()
		cli.RunAgentWatch(t.Context(), agent.Self{API: own, Logger: logger}, row.conf)
		if !strings.Contains(log.String(), row.log) || len(own.asked) != 0 {
			t.Errorf("%+v: asked %v, logged %s", row.conf, own.asked, log)
		}
	}
}

// TestAgentAsksItselfWithoutASocket: names as they are, with a token, in a datacenter.
func TestAgentAsksItselfWithoutASocket(t *testing.T) {
	own := &scripted{answers: map[string]string{"GET /v1/kv/none": "!broken"}}
	cl, err := cli.OwnClient(agent.Self{API: own}, "dc2", "t")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cl.KV().Put(&consul.KVPair{Key: "../a//b", Value: []byte("x")}, nil); err != nil {
		t.Error(err)
	}
	plain, err := cli.OwnClient(agent.Self{API: own}, "", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := plain.KV().Get("none", nil); err == nil || err.Error() != "Unexpected response code: 500 (broken)" {
		t.Error(err)
	}
	if got := strings.Join(own.asked, "\n"); got != "PUT /v1/kv/%2e%2e/a/%2Fb?dc=dc2 x\nGET /v1/kv/none" {
		t.Errorf("asked\n%s", got)
	}
}

func TestNamesAreEncodedBelowTheEndpoint(t *testing.T) {
	for path, want := range map[string]string{
		"/v1/kv/a":       "/v1/kv/a",
		"/v1/kv/../a":    "/v1/kv/%2e%2e/a",
		"/v1/kv/./a":     "/v1/kv/%2e/a",
		"/v1/kv/a//b":    "/v1/kv/a/%2Fb",
		"/v1/kv/a/../b/": "/v1/kv/a/%2e%2e/b/",
		"/v1/kv/...":     "/v1/kv/...",
		"/v1/kv":         "/v1/kv",
		"/v1":            "/v1",
		"/x/v1/kv/..":    "/x/v1/kv/%2e%2e",
		"/other/..":      "/other/..",
		"/v1/kv/%2e%2e":  "/v1/kv/%2e%2e",
	} {
		if got := cli.EncodeName(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
