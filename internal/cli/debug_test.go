//go:build unix

package cli_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// recorded reads the archive of a recording: what is in its files by name, the time
// in names of folders left out.
func recorded(t *testing.T, archive string) map[string]string {
	t.Helper()
	packed, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for in := tar.NewReader(unzipped); ; {
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Mode&0o077 != 0 {
			t.Errorf("%s may be read by others: %o", header.Name, header.Mode)
		}
		content, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		if header.Typeflag == tar.TypeReg {
			files[path.Base(header.Name)] = string(content)
		}
	}
}

// recordedAgent answers what a recording asks: streams go on until the asker leaves.
func recordedAgent(t *testing.T, profiles, wan bool, refused ...string) {
	t.Helper()
	servers := `[]`
	if wan {
		servers = `[{"Name":"n1.dc1","Addr":"10.0.0.1"}]`
	}
	answers := map[string]string{
		"/v1/agent/self":                         fmt.Sprintf(`{"Config":{"Version":"1.22.7","NodeName":"n1"},"DebugConfig":{"EnableDebug":%t}}`, profiles),
		"/v1/agent/host":                         `{"Memory":1}`,
		"/v1/agent/members":                      `[{"Name":"n1","Addr":"10.0.0.1"}]`,
		"/v1/operator/raft/configuration?stale=": `{"Servers":[{"ID":"u","Node":"n1","Address":"10.0.0.1:8300","Leader":true,"Voter":true,"ProtocolVersion":"3","LastIndex":5}]}`,
		"/debug/pprof/heap":                      "heap", "/debug/pprof/goroutine": "goroutines",
	}
	streams := map[string]string{"/v1/agent/metrics/stream": "{}\n", "/v1/agent/monitor": "a line\n", "/debug/pprof/profile": "profile", "/debug/pprof/trace": "trace"}
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slices.Contains(refused, r.URL.Path) {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		text, ok := streams[r.URL.Path]
		if !ok {
			if text, ok = answers[r.URL.RequestURI()]; !ok {
				text, ok = answers[r.URL.Path]
			}
			if r.URL.Query().Get("wan") != "" {
				text = servers
			}
			if !ok {
				http.NotFound(w, r)
			}
			io.WriteString(w, text)
			return
		}
		io.WriteString(w, text)
		w.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
		case <-release:
		}
	}))
	t.Cleanup(func() { close(release); server.Close() })
	t.Setenv("CONSUL_HTTP_ADDR", server.Listener.Addr().String())
}

// TestDebugRecords: reference/cli.md §14.
func TestDebugRecords(t *testing.T) {
	for _, row := range []struct {
		name     string
		args     []string
		profiles bool
		wan      bool // it is in a WAN pool
		refused  []string
		says     []string
		files    string
	}{
		{"everything", nil, true, true, nil, []string{
			"==> Starting debugger and capturing static information...\n     Agent Version: '1.22.7'\n          Interval: '30s'\n          Duration: '5m0s'\n            Output: 'rec.tar.gz'\n" +
				"           Capture: 'metrics, logs, pprof, host, agent, members'\n==> Beginning capture interval ", " +0000 UTC (0)\n==> Capture successful ", "==> Recording ends early\n", "    Saved debug archive: rec.tar.gz\n",
		}, "agent.json consul.log goroutine.prof heap.prof host.json index.json listpeers.json members.json metrics.json profile.prof trace.out"},
		{"without profiles", []string{"-duration=10s", "-interval=5s"}, false, false, nil, []string{
			"==> Unable to capture pprof: the agent has no profiles without enable_debug = true\n", "          Interval: '5s'\n          Duration: '10s'\n", "Capture: 'metrics, logs, host, agent, members'\n",
		}, "agent.json consul.log host.json index.json listpeers.json members.json metrics.json"},
		{"some", []string{"-capture=cluster", "-capture=agent"}, false, false, nil, []string{"Capture: 'members, agent'\n"}, "agent.json index.json listpeers.json members.json"},
		{"what it may", []string{"-capture=host", "-capture=logs", "-capture=members", "-capture=metrics"}, false, false,
			[]string{"/v1/agent/host", "/v1/agent/monitor", "/v1/operator/raft/configuration"}, []string{
				"==> Error capturing host: Unexpected response code: 403 (no)\n", "==> Error capturing members: Unexpected response code: 403 (no)\n", "==> Error capturing logs: Unexpected response code: 403 (no)\n",
			}, "index.json members.json metrics.json"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			recordedAgent(t, row.profiles, row.wan, row.refused...)
			recording := begin(t, append([]string{"debug", "-output=rec"}, row.args...)...)
			recording.says("==> Capture successful ")
			for _, refused := range row.refused[min(len(row.refused), 1):] {
				if refused == "/v1/agent/monitor" {
					recording.says("Error capturing logs")
				}
			}
			waitFor(t, "streams", func() error {
				for file, want := range map[string]string{"metrics.json": "{}\n", "profile.prof": "profile", "trace.out": "trace"} {
					if text, err := os.ReadFile("rec/" + file); strings.Contains(row.files, file) && (err != nil || string(text) != want) {
						return fmt.Errorf("%s is %q, %v", file, text, err)
					}
				}
				return nil
			})
			signal(t, syscall.SIGINT)
			recording.ends(0, row.says...)
			files := recorded(t, "rec.tar.gz")
			if got := strings.Join(slices.Sorted(maps.Keys(files)), " "); got != row.files {
				t.Errorf("files %s\nwant  %s", got, row.files)
			}
			for name, want := range map[string]string{
				"index.json": `"AgentVersion": "1.22.7",`, "agent.json": `"NodeName": "n1"`, "host.json": `"Memory"`, "members.json": `"Name": "` + map[bool]string{true: "n1.dc1", false: "n1"}[row.wan] + `"`,
				"listpeers.json": "n1    u   10.0.0.1:8300  leader  true   3             5             -\n", "heap.prof": "heap", "goroutine.prof": "goroutines",
			} {
				if content, ok := files[name]; ok && !strings.Contains(content, want) {
					t.Errorf("%s has no %q:\n%s", name, want, content)
				}
			}
			if left, err := os.ReadDir("."); err != nil || len(left) != 1 {
				t.Errorf("left are %v, %v", left, err)
			}
		})
	}
}

func TestDebugLeavesTheFolderWithoutAnArchive(t *testing.T) {
	t.Chdir(t.TempDir())
	recordedAgent(t, false, false)
	recording := begin(t, "debug", "-output=rec", "-archive=false", "-capture=agent")
	recording.says("==> Capture successful ")
	signal(t, syscall.SIGTERM)
	recording.ends(0, "            Output: 'rec'\n", "    Saved debug directory: rec\n")
	if info, err := os.Stat("rec/agent.json"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	want(t, 1, "", "==> Capture validation failed: output directory already exists: rec\n", "debug", "-output=rec")
}

func TestDebugRefuses(t *testing.T) {
	play(t, `
$ debug -duration=9s
! ==> Capture validation failed: duration must be longer than 10s
= 1
$ debug -interval=4s
! ==> Capture validation failed: interval must be longer than 10s
= 1
$ debug -capture=agent -capture=bogus
! ==> Capture validation failed: target not found: bogus
= 1
$ debug -output=rec
+ rec.tar.gz old
! ==> Capture validation failed: output directory already exists: rec.tar.gz
= 1
$ debug x
! ==> debug: Too many arguments provided, expected 0
= 1
$ debug -since=1h
! ==> -since looks into the past, which this program does not record; use -duration
= 1
$ debug -bogus
! flag provided but not defined: -bogus
! Usage:
…
! ==> Error parsing flags: flag provided but not defined: -bogus
= 1
$ debug
< GET /v1/agent/self
> 403 no
! ==> Capture validation failed: error querying target agent: Unexpected response code: 403 (no). verify connectivity and agent address
= 1
`)
}
