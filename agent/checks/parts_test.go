package checks_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"praetor/agent/checks"
	"praetor/catalog"
)

func TestThresholds(t *testing.T) {
	letters := map[rune]string{'p': catalog.Passing, 'w': catalog.Warning, 'c': catalog.Critical, '-': ""}
	for _, row := range []struct {
		name                       string
		passing, warning, critical int
		in, out                    string
	}{
		{"none", 0, 0, 0, "pcwcp", "pcwcp"},
		{"one is none", 1, 1, 1, "pcwcp", "pcwcp"},
		{"first counts at once", 3, 3, 3, "c", "c"},
		{"first pass counts at once", 3, 3, 3, "p", "p"},
		{"three to fail", 0, 3, 3, "pccpcccc", "p--p--cc"},
		{"two to warn, four to fail", 0, 2, 4, "pccccc", "p-wwcc"},
		{"three to pass", 3, 0, 0, "cppcpppp", "c--c--pp"},
		{"warnings are passes", 2, 2, 2, "cwpc", "c-p-"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var in, want []string
			for _, r := range row.in {
				in = append(in, letters[r])
			}
			for _, r := range row.out {
				want = append(want, letters[r])
			}
			got := checks.Judge(catalog.CheckDefinition{SuccessBeforePassing: row.passing,
				FailuresBeforeWarning: row.warning, FailuresBeforeCritical: row.critical}, in...)
			if strings.Join(got, ",") != strings.Join(want, ",") {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

func TestTailKeepsTheLastBytes(t *testing.T) {
	text := "0123456789abcdefghij"
	for max := 1; max < 25; max++ {
		for chunk := 1; chunk <= len(text); chunk++ {
			var chunks []string
			for i := 0; i < len(text); i += chunk {
				chunks = append(chunks, text[i:min(i+chunk, len(text))])
			}
			want := text[max0(len(text)-max):]
			if got, _ := checks.Tail(max, chunks...); got != want {
				t.Fatalf("%d bytes in chunks of %d: got %q, want %q", max, chunk, got, want)
			}
		}
	}
}

func max0(n int) int { return max(n, 0) }

func TestCutOutputKeepsTheFirstBytes(t *testing.T) {
	for in, want := range map[string]string{
		"0123456789":    "0123456789",
		"0123456789abc": "0123456789 ... (captured 10 of 13 bytes)",
	} {
		if got := checks.CutOutput(in, 10); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for _, row := range [][3]int{{0, 0, 4096}, {10, 0, 10}, {0, 10, 10}, {10000, 0, 4096}, {10000, 9000, 4096}, {5000, 9000, 5000}} {
		want := row[2]
		if row == [3]int{10000, 9000, 4096} {
			want = 9000
		}
		if got := checks.OutputLimit(row[0], row[1]); got != want {
			t.Errorf("own %d, agent %d: got %d, want %d", row[0], row[1], got, want)
		}
	}
}

// failing is a dialer that counts and fails.
func failing(times *[]time.Time) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		*times = append(*times, time.Now())
		time.Sleep(300 * time.Millisecond) // a run takes time
		return nil, io.ErrUnexpectedEOF
	}
}

func TestRunsAreAnIntervalApartAfterARandomStart(t *testing.T) {
	for given, interval := range map[time.Duration]time.Duration{10 * time.Second: 10 * time.Second, time.Millisecond: time.Second} {
		starts := map[time.Duration]bool{}
		for range 5 {
			synctest.Test(t, func(t *testing.T) {
				var times []time.Time
				begin := time.Now()
				r, err := checks.New(&catalog.Check{Definition: catalog.CheckDefinition{TCP: "x:1", Interval: given}},
					checks.Options{Dial: failing(&times), Notify: func(string, string, string) {}})
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(context.Background(), 10*interval)
				defer cancel()
				r.Run(ctx)
				if wait := times[0].Sub(begin); wait < 0 || wait >= interval {
					t.Errorf("first run after %s", wait)
				} else {
					starts[wait] = true
				}
				for i := 1; i < len(times); i++ {
					if got := times[i].Sub(times[i-1]); got != interval+300*time.Millisecond {
						t.Errorf("run %d after %s", i, got)
					}
				}
			})
		}
		if len(starts) < 3 {
			t.Errorf("first runs not random: %v", starts)
		}
	}
}

func TestTTLExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		begin := time.Now()
		r, err := checks.New(&catalog.Check{CheckID: "c", Definition: catalog.CheckDefinition{TTL: 10 * time.Second, OutputMaxSize: 4}},
			checks.Options{Notify: func(_, status, output string) {
				got = append(got, time.Since(begin).String()+" "+status+" "+output)
			}})
		if err != nil {
			t.Fatal(err)
		}
		ttl := r.(*checks.TTL)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); ttl.Run(ctx) }()
		time.Sleep(35 * time.Second) // expires once only
		if !ttl.Expired() {
			t.Error("not expired")
		}
		kept, deadline := ttl.Renew("words")
		if kept != "word ... (captured 4 of 5 bytes)" || !deadline.Equal(time.Now().Add(10*time.Second)) || ttl.Expired() {
			t.Errorf("kept %q until %s", kept, deadline)
		}
		time.Sleep(9 * time.Second)
		ttl.Renew("word")
		time.Sleep(30 * time.Second)
		cancel()
		<-done
		want := "10s critical TTL expired, 54s critical TTL expired (last output before timeout follows): word"
		if text := strings.Join(got, ", "); text != want {
			t.Errorf("got %s, want %s", text, want)
		}
	})
}

// TestExpiredTTLCheckKeepsNobodyBusy: a TTL of 1ns had its timer ring for ever, which
// took a core.
func TestExpiredTTLCheckKeepsNobodyBusy(t *testing.T) {
	for _, length := range []time.Duration{1, time.Microsecond, time.Millisecond, time.Second} {
		synctest.Test(t, func(t *testing.T) {
			told, looks := 0, 0
			r, err := checks.New(&catalog.Check{CheckID: "c", Definition: catalog.CheckDefinition{TTL: length}},
				checks.Options{Notify: func(_, status, _ string) { told++ }})
			if err != nil {
				t.Fatal(err)
			}
			ttl := r.(*checks.TTL)
			stop := ttl.Start(func(look func()) { looks++; look() })
			time.Sleep(time.Hour)
			synctest.Wait()
			if told != 1 || looks != 1 {
				t.Errorf("%v: told %d times, looked %d times within an hour of silence", length, told, looks)
			}
			for range 1000 { // a report each microsecond
				ttl.Renew("x")
				time.Sleep(time.Microsecond)
			}
			time.Sleep(time.Hour)
			synctest.Wait()
			if told < 2 || looks > 3 {
				t.Errorf("%v: told %d times, looked %d times after a thousand reports within a millisecond", length, told, looks)
			}
			if !ttl.Expired() {
				t.Errorf("%v: not expired", length)
			}
			stop()
		})
	}
}

// restless is a service that changes whenever somebody looks, as one does whose checks
// follow, round some corners, the check that looks.
type restless struct {
	looks int
	stop  func()
}

func (r *restless) ServiceHealth(string) ([]*catalog.Check, bool, <-chan struct{}) {
	if r.looks++; r.looks == 10_000 {
		r.stop()
	}
	changed := make(chan struct{})
	close(changed)
	return nil, true, changed
}

// TestAliasChecksOfEachOtherKeepNobodyBusy: a change could go round for ever.
func TestAliasChecksOfEachOtherKeepNobodyBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
		defer cancel()
		svc := &restless{stop: cancel}
		r, err := checks.New(&catalog.Check{CheckID: "c", Definition: catalog.CheckDefinition{AliasService: "s"}},
			checks.Options{Notify: func(string, string, string) {}, Local: svc})
		if err != nil {
			t.Fatal(err)
		}
		r.Run(ctx)
		if svc.looks < 500 || svc.looks > 700 {
			t.Errorf("%d looks within 10 minutes, want one a second", svc.looks)
		}
	})
}

// TestNegativeTimeoutIsNone: an HTTP check with one waited for ever.
func TestNegativeTimeoutIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe() // nobody answers
		defer far.Close()
		found := make(chan string, 1)
		c := &catalog.Check{CheckID: "c", Definition: catalog.CheckDefinition{HTTP: "http://x", Interval: time.Second, Timeout: -1}}
		r, err := checks.New(c, checks.Options{
			Notify: func(_, status, _ string) { found <- status },
			Dial: func(context.Context, string, string) (net.Conn, error) {
				go io.Copy(io.Discard, far) // ends with the connection
				return near, nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); r.Run(ctx) }()
		began := time.Now()
		if status := <-found; status != catalog.Critical || time.Since(began) > 12*time.Second {
			t.Errorf("%s after %v", status, time.Since(began))
		}
		if c.Definition.Timeout != -1 {
			t.Error("what is registered was changed")
		}
		cancel()
		<-done
	})
}

func frame(stream byte, text string) []byte {
	b := binary.BigEndian.AppendUint32([]byte{stream, 0, 0, 0}, uint32(len(text)))
	return append(b, text...)
}

func TestDocker(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "docker.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	var asked struct{ Cmd []string }
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1.24/containers/web/exec", func(w http.ResponseWriter, r *http.Request) {
		json.NewDecoder(r.Body).Decode(&asked)
		io.WriteString(w, `{"Id":"e1"}`)
	})
	mux.HandleFunc("POST /v1.24/exec/e1/start", func(w http.ResponseWriter, r *http.Request) {
		w.Write(frame(1, "out "))
		w.Write(frame(2, "err"))
	})
	mux.HandleFunc("GET /v1.24/exec/e1/json", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{"ExitCode":1}`) })
	srv := &http.Server{Handler: mux}
	done := make(chan struct{})
	go func() { defer close(done); srv.Serve(l) }()
	defer func() { srv.Close(); <-done }()
	t.Setenv("DOCKER_HOST", "unix://"+socket)
	d := catalog.CheckDefinition{DockerContainerID: "web", ScriptArgs: []string{"check", "it"}}
	want(t, first(t, d, checks.Options{ScriptsAllowed: true}), "warning", "out err")
	if strings.Join(asked.Cmd, " ") != "check it" {
		t.Errorf("asked for %v", asked.Cmd)
	}
	d.DockerContainerID = "gone"
	if got := first(t, d, checks.Options{ScriptsAllowed: true}); got.status != "critical" || !strings.Contains(got.output, "404") {
		t.Errorf("got %v", got)
	}
	if checks.DockerClient("ssh://x") == nil {
		t.Error("a DOCKER_HOST nobody understands was accepted")
	}
}

func FuzzDockerStream(f *testing.F) {
	f.Add(append(frame(1, "out"), frame(2, "err")...))
	f.Add([]byte{1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 1})
	f.Add([]byte{1, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		var out bytes.Buffer
		if err := checks.Demux(&out, bytes.NewReader(data)); err == nil && out.Len() > len(data) {
			t.Errorf("%d bytes out of %d", out.Len(), len(data))
		}
	})
}
