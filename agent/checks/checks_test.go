package checks_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"praetor/agent/checks"
	"praetor/catalog"
	"praetor/internal/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// outcome is one notification.
type outcome struct{ status, output string }

// first is what one run of a check reports.
func first(t *testing.T, d catalog.CheckDefinition, opts checks.Options) outcome {
	t.Helper()
	var got []outcome
	opts.Notify = func(id, status, output string) {
		if id != "c" {
			t.Errorf("notified about %q", id)
		}
		got = append(got, outcome{status, output})
	}
	d.Interval = time.Second
	r, err := checks.New(&catalog.Check{CheckID: "c", Definition: d}, opts)
	if err != nil {
		t.Fatal(err)
	}
	checks.RunOnce(context.Background(), r)
	if len(got) != 1 {
		t.Fatalf("notified %d times: %v", len(got), got)
	}
	return got[0]
}

func want(t *testing.T, got outcome, status, output string) {
	t.Helper()
	if got.status != status || got.output != output {
		t.Errorf("got %s %q, want %s %q", got.status, got.output, status, output)
	}
}

func TestHTTP(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/status/{code}", func(w http.ResponseWriter, r *http.Request) {
		var code int
		fmt.Sscan(r.PathValue("code"), &code)
		w.WriteHeader(code)
		if code != http.StatusNoContent {
			fmt.Fprintf(w, "status %d", code)
		}
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s host=%s accept=%s x=%s agent=%s body=%s", r.Method, r.Host, r.Header.Get("Accept"),
			strings.Join(r.Header["X-Custom"], "|"), r.UserAgent(), body)
	})
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/status/200", http.StatusFound) })
	mux.HandleFunc("/long", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, strings.Repeat("a", 10000)+strings.Repeat("b", 4000)+"end")
	})
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close) // the rows run in parallel, after this function
	for name, c := range map[string]struct {
		d            catalog.CheckDefinition
		status, text string
	}{
		"ok":         {catalog.CheckDefinition{HTTP: "/status/200"}, "passing", "HTTP GET %s/status/200: 200 OK Output: status 200"},
		"no content": {catalog.CheckDefinition{HTTP: "/status/204"}, "passing", "HTTP GET %s/status/204: 204 No Content Output: "},
		"too many":   {catalog.CheckDefinition{HTTP: "/status/429"}, "warning", "HTTP GET %s/status/429: 429 Too Many Requests Output: status 429"},
		"broken":     {catalog.CheckDefinition{HTTP: "/status/503"}, "critical", "HTTP GET %s/status/503: 503 Service Unavailable Output: status 503"},
		"moved":      {catalog.CheckDefinition{HTTP: "/moved"}, "passing", "HTTP GET %s/moved: 200 OK Output: status 200"},
		"not moved": {catalog.CheckDefinition{HTTP: "/moved", DisableRedirects: true}, "critical",
			"HTTP GET %s/moved: 302 Found Output: <a href=\"/status/200\">Found</a>.\n\n"},
		"plain": {catalog.CheckDefinition{HTTP: "/echo", Header: map[string][]string{"host": {"h.example"}}}, "passing",
			"HTTP GET %s/echo: 200 OK Output: GET host=h.example accept=text/plain, text/*, */* x= agent=Consul Health Check body="},
		"all": {catalog.CheckDefinition{HTTP: "/echo", Method: "POST", Body: "ping", Header: map[string][]string{
			"host": {"h.example"}, "x-custom": {"1", "2"}, "Accept": {"a/b"}, "User-Agent": {"me"}}}, "passing",
			"HTTP POST %s/echo: 200 OK Output: POST host=h.example accept=a/b x=1|2 agent=me body=ping"},
		"cut": {catalog.CheckDefinition{HTTP: "/long", OutputMaxSize: 6}, "passing", "HTTP GET %s/long: 200 OK Output: bbbend"},
		"slow": {catalog.CheckDefinition{HTTP: "/slow", Timeout: 50 * time.Millisecond}, "critical",
			"Get \"%s/slow\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.d.HTTP = srv.URL + c.d.HTTP
			want(t, first(t, c.d, checks.Options{}), c.status, fmt.Sprintf(c.text, srv.URL))
		})
	}

}

// Whoever answers a check chooses where a redirect leads: what was meant for the checked
// host stays there.
func TestRedirectsToOtherHostsGetNoHeadersAndNoBody(t *testing.T) {
	const secret = "s3cret"
	got := make(chan string, 1)
	record := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- fmt.Sprint(r.Method, " ", r.Host, " ", r.URL, " ", r.Header, " ", string(body))
	})
	other := httptest.NewServer(record)
	defer other.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+"/there", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/twice", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/away?t="+secret, http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/home", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/here", http.StatusTemporaryRedirect)
	})
	mux.Handle("/here", record)
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	srv := httptest.NewServer(mux)
	defer srv.Close()
	check := func(path string, sameHost bool) outcome {
		return first(t, catalog.CheckDefinition{HTTP: srv.URL + path + "?token=" + secret, Method: "POST", Body: secret, Header: map[string][]string{
			"X-Consul-Token": {secret}, "Authorization": {"Bearer " + secret}, "Host": {secret + ".example"}, "User-Agent": {secret}, "X-Any": {secret}}},
			checks.Options{SameHost: sameHost})
	}
	for _, path := range []string{"/away", "/twice"} {
		if res := check(path, false); res.status != "passing" {
			t.Errorf("%s: %v", path, res)
		}
		if seen := <-got; strings.Contains(seen, secret) {
			t.Errorf("%s: the other host got %s", path, seen)
		}
		if res := check(path, true); res.status != "critical" || !strings.Contains(res.output, "check_redirects_same_host forbids") {
			t.Errorf("%s, forbidden: %v", path, res)
		}
	}
	if res := check("/home", true); res.status != "passing" {
		t.Errorf("to itself: %v", res)
	}
	if seen := <-got; strings.Count(seen, secret) < 5 {
		t.Errorf("to itself: headers or body are missing: %s", seen)
	}
	if res := check("/loop", false); res.status != "critical" || !strings.Contains(res.output, "stopped after 10 redirects") {
		t.Errorf("in a circle: %v", res)
	}
}

func TestTLSIsVerifiedUnlessToldOtherwise(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer srv.Close()
	srv.Config.ErrorLog = nil
	address := srv.Listener.Addr().String()
	if got := first(t, catalog.CheckDefinition{TCP: address, TCPUseTLS: true}, checks.Options{}); got.status != "critical" ||
		!strings.Contains(got.output, "certificate") {
		t.Errorf("got %v", got)
	}
	want(t, first(t, catalog.CheckDefinition{TCP: address, TCPUseTLS: true, TLSSkipVerify: true}, checks.Options{}),
		"passing", "TCP+TLS connect "+address+": Success")
	base := srv.Client().Transport.(*http.Transport).TLSClientConfig
	want(t, first(t, catalog.CheckDefinition{TCP: address, TCPUseTLS: true, TLSServerName: "example.com"}, checks.Options{TLS: base.Clone}),
		"passing", "TCP+TLS connect "+address+": Success")
	want(t, first(t, catalog.CheckDefinition{HTTP: srv.URL, TLSServerName: "example.com"}, checks.Options{TLS: base.Clone}),
		"passing", "HTTP GET "+srv.URL+": 200 OK Output: ")
}

func TestTCPAndUDP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	open := l.Addr().String()
	want(t, first(t, catalog.CheckDefinition{TCP: open}, checks.Options{}), "passing", "TCP connect "+open+": Success")
	l.Close()
	want(t, first(t, catalog.CheckDefinition{TCP: open}, checks.Options{}), "critical", "dial tcp "+open+": connect: connection refused")

	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := silent.LocalAddr().String()
	want(t, first(t, catalog.CheckDefinition{UDP: address, Timeout: 50 * time.Millisecond}, checks.Options{}),
		"passing", "UDP connect "+address+": Success")
	silent.Close()
	got := first(t, catalog.CheckDefinition{UDP: address, Timeout: time.Second}, checks.Options{})
	if got.status != "critical" || !strings.HasSuffix(got.output, "->"+address+": read: connection refused") {
		t.Errorf("got %v", got)
	}
}

func TestUDPAnswerEndsTheRunBeforeItsTimeout(t *testing.T) {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan struct{})
	go func() { // ends with its one answer, or when server is closed
		defer close(answered)
		var buf [64]byte
		if _, from, err := server.ReadFrom(buf[:]); err == nil {
			server.WriteTo([]byte("any answer"), from)
		}
	}()
	defer func() { server.Close(); <-answered }()
	address, start := server.LocalAddr().String(), time.Now()
	want(t, first(t, catalog.CheckDefinition{UDP: address, Timeout: time.Minute}, checks.Options{}),
		"passing", "UDP connect "+address+": Success")
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("took %s although an answer came", took)
	}
}

func TestGRPC(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	state := health.NewServer()
	state.SetServingStatus("good", healthv1.HealthCheckResponse_SERVING)
	state.SetServingStatus("bad", healthv1.HealthCheckResponse_NOT_SERVING)
	srv := grpc.NewServer()
	healthv1.RegisterHealthServer(srv, state)
	done := make(chan struct{})
	go func() { defer close(done); srv.Serve(l) }()
	defer func() { srv.Stop(); <-done }()
	address := l.Addr().String()
	want(t, first(t, catalog.CheckDefinition{GRPC: address}, checks.Options{}), "passing", "gRPC check "+address+": success")
	want(t, first(t, catalog.CheckDefinition{GRPC: address + "/good"}, checks.Options{}), "passing", "gRPC check "+address+"/good: success")
	want(t, first(t, catalog.CheckDefinition{GRPC: address + "/bad"}, checks.Options{}), "critical",
		"gRPC "+address+"/bad serving status: NOT_SERVING")
	if got := first(t, catalog.CheckDefinition{GRPC: address + "/none"}, checks.Options{}); got.status != "critical" {
		t.Errorf("got %v", got)
	}
}

func TestGRPCOverTLS(t *testing.T) {
	identity := httptest.NewTLSServer(http.NotFoundHandler())
	defer identity.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := grpc.NewServer(grpc.Creds(credentials.NewServerTLSFromCert(&identity.TLS.Certificates[0])))
	healthv1.RegisterHealthServer(srv, health.NewServer())
	done := make(chan struct{})
	go func() { defer close(done); srv.Serve(l) }()
	defer func() { srv.Stop(); <-done }()
	address := l.Addr().String()
	success := "gRPC check " + address + ": success"
	base := identity.Client().Transport.(*http.Transport).TLSClientConfig
	want(t, first(t, catalog.CheckDefinition{GRPC: address, GRPCUseTLS: true, TLSServerName: "example.com"},
		checks.Options{TLS: base.Clone}), "passing", success)
	want(t, first(t, catalog.CheckDefinition{GRPC: address, GRPCUseTLS: true, TLSSkipVerify: true}, checks.Options{}), "passing", success)
	for name, d := range map[string]catalog.CheckDefinition{
		"unknown authority": {GRPC: address, GRPCUseTLS: true},
		"no TLS":            {GRPC: address},
	} {
		if got := first(t, d, checks.Options{}); got.status != "critical" {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func TestH2PingWithoutTLS(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.Protocols = new(http.Protocols)
	srv.Config.Protocols.SetUnencryptedHTTP2(true)
	srv.Start()
	defer srv.Close()
	want(t, first(t, catalog.CheckDefinition{H2PING: srv.Listener.Addr().String()}, checks.Options{}),
		"passing", "HTTP2 ping was successful")
}

func TestH2Ping(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	address := srv.Listener.Addr().String()
	d := catalog.CheckDefinition{H2PING: address, H2PingUseTLS: true, TLSSkipVerify: true, Timeout: 5 * time.Second}
	want(t, first(t, d, checks.Options{}), "passing", "HTTP2 ping was successful")
	d.TLSSkipVerify = false
	if got := first(t, d, checks.Options{}); got.status != "critical" || !strings.HasPrefix(got.output, "Failed to dial to "+address+": ") {
		t.Errorf("got %v", got)
	}
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	d = catalog.CheckDefinition{H2PING: mute.Addr().String(), Timeout: 50 * time.Millisecond}
	if got := first(t, d, checks.Options{}); got.status != "critical" || !strings.HasPrefix(got.output, "HTTP2 ping failed: ") {
		t.Errorf("got %v", got)
	}
}

func TestScript(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell")
	}
	sh := func(text string) catalog.CheckDefinition {
		return catalog.CheckDefinition{ScriptArgs: []string{"sh", "-c", text}}
	}
	limited := func(d catalog.CheckDefinition, timeout time.Duration, size int) catalog.CheckDefinition {
		d.Timeout, d.OutputMaxSize = timeout, size
		return d
	}
	for name, c := range map[string]struct {
		d            catalog.CheckDefinition
		status, text string
	}{
		"0":       {sh("echo fine; exit 0"), "passing", "fine\n"},
		"1":       {sh("echo careful >&2; exit 1"), "warning", "careful\n"},
		"77":      {sh("echo odd; exit 77"), "critical", "odd\n"},
		"signal":  {sh("kill -9 $$"), "critical", ""},
		"missing": {catalog.CheckDefinition{ScriptArgs: []string{"/no/such/program"}}, "critical", "fork/exec /no/such/program: no such file or directory"},
		"cut":     {limited(sh("printf 0123456789abc"), 0, 10), "passing", "Captured 10 of 13 bytes\n...\n3456789abc"},
		"whole":   {limited(sh("printf 0123456789"), 0, 10), "passing", "0123456789"},
		"late":    {limited(sh("exec sleep 20"), 100*time.Millisecond, 0), "critical", "Timed out (100ms) running check"},
		"late words": {limited(sh("echo hello; sleep 20"), 300*time.Millisecond, 0), "critical",
			"Timed out (300ms) running check\n\nhello\n"},
		"no shell": {catalog.CheckDefinition{ScriptArgs: []string{"echo", "$HOME;", "a  b"}}, "passing", "$HOME; a  b\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want(t, first(t, c.d, checks.Options{ScriptsAllowed: true}), c.status, c.text)
		})
	}
}

func TestTimedOutScriptTakesItsChildrenAlong(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("looks into /proc")
	}
	pidFile := filepath.Join(t.TempDir(), "pid")
	got := first(t, catalog.CheckDefinition{
		ScriptArgs: []string{"sh", "-c", "sleep 100 & echo $! > " + pidFile + "; wait"}, Timeout: 300 * time.Millisecond,
	}, checks.Options{ScriptsAllowed: true})
	if got.output != "Timed out (300ms) running check" {
		t.Fatalf("got %v", got)
	}
	pid, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	// The kernel takes a killed process away when it gets to it, not at once.
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); ; <-tick.C {
		stat, err := os.ReadFile("/proc/" + strings.TrimSpace(string(pid)) + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("child still runs: %s", stat)
		}
	}
}

func TestRunEndsWithItsContextDuringARun(t *testing.T) {
	entered := make(chan struct{})
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		close(entered)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	r, err := checks.New(&catalog.Check{CheckID: "c", Definition: catalog.CheckDefinition{TCP: "x:1", Interval: time.Second}},
		checks.Options{Dial: dial, Notify: func(_, status, output string) { t.Errorf("notified %s %q", status, output) }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx) }()
	<-entered
	cancel()
	<-done
}

func TestNewRefusesWhatCannotRun(t *testing.T) {
	script := catalog.CheckDefinition{ScriptArgs: []string{"true"}, Interval: time.Second}
	for text, c := range map[string]struct {
		d    catalog.CheckDefinition
		opts checks.Options
	}{
		checks.RemoteScriptsDisabled: {script, checks.Options{}},
		checks.LocalScriptsDisabled:  {script, checks.Options{ScriptsRefusal: checks.LocalScriptsDisabled}},
		"not implemented":            {catalog.CheckDefinition{OSService: "ssh"}, checks.Options{}},
	} {
		_, err := checks.New(&catalog.Check{Definition: c.d}, c.opts)
		if err == nil || err.Error() != text || fault.KindOf(err) != fault.Rejected {
			t.Errorf("got %v, want %s", err, text)
		}
	}
	r, err := checks.New(&catalog.Check{CheckID: catalog.NodeMaintenance, Type: "maintenance"}, checks.Options{})
	if r != nil || err != nil {
		t.Errorf("a check without definition: got %v, %v", r, err)
	}
}

func TestFirstKindWins(t *testing.T) {
	r, err := checks.New(&catalog.Check{Definition: catalog.CheckDefinition{TTL: time.Second, HTTP: "http://x"}}, checks.Options{})
	if _, ok := r.(*checks.TTL); !ok || err != nil {
		t.Errorf("got %T, %v", r, err)
	}
}
