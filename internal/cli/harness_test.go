package cli_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"praetor/internal/cli"
)

// TestMain keeps commands from an agent that happens to run on this machine.
func TestMain(m *testing.M) {
	os.Setenv("CONSUL_HTTP_ADDR", "127.0.0.1:1")
	os.Exit(m.Run())
}

// run runs a command line.
func run(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	code = cli.Main(append([]string{"praetor"}, args...), strings.NewReader(""), &out, &errs)
	return out.String(), errs.String(), code
}

// want runs a command line and compares all it says.
func want(t *testing.T, code int, stdout, stderr string, args ...string) {
	t.Helper()
	out, errs, got := run(t, args...)
	if got != code || out != stdout || errs != stderr {
		t.Errorf("%s:\n got %d\n%s%s\nwant %d\n%s%s", strings.Join(args, " "), got, out, errs, code, stdout, stderr)
	}
}

// api is an agent's HTTP API with canned answers: method and path with query
// to body. The commands of the test talk to it. Asked lists the requests.
type api struct {
	t       *testing.T
	answers map[string]string

	mu    sync.Mutex
	asked []string
}

// answer starts an API and points the environment to it.
func answer(t *testing.T, answers map[string]string) *api {
	t.Helper()
	a := &api{t: t, answers: answers}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	t.Setenv("CONSUL_HTTP_ADDR", strings.TrimPrefix(server.URL, "http://"))
	return a
}

// ServeHTTP answers; a body that starts with "!" is a refusal.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body bytes.Buffer
	body.ReadFrom(r.Body)
	what := r.Method + " " + r.URL.RequestURI()
	a.mu.Lock()
	a.asked = append(a.asked, strings.TrimSpace(what+" "+strings.TrimSpace(body.String())))
	a.mu.Unlock()
	text, ok := a.answers[what]
	if !ok {
		http.Error(w, "unexpected "+what, http.StatusTeapot)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Consul-Index", "1")
	if refusal, refused := strings.CutPrefix(text, "!"); refused {
		w.WriteHeader(http.StatusInternalServerError)
		text = refusal
	}
	w.Write([]byte(text))
}

func (a *api) want(requests ...string) {
	a.t.Helper()
	if got := strings.Join(a.asked, "\n"); got != strings.Join(requests, "\n") {
		a.t.Errorf("asked\n%s\nwant\n%s", got, strings.Join(requests, "\n"))
	}
}
