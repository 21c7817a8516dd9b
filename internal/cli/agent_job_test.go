//go:build unix

package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
)

// TestOutputOfJobsIsWrittenAsItComes: when what a program prints is written, in chunks of
// 4096 bytes, and where it prints nothing, a sign of life. Prints and writes are a time
// and a text, or how much of it.
func TestOutputOfJobsIsWrittenAsItComes(t *testing.T) {
	const end = "end"
	for _, c := range []struct {
		name   string
		prints string // the program's, and when it ends
		wait   time.Duration
		refuse string        // the write that does not get the lock
		until  time.Duration // when the agent stops; 0 for not
		writes string
		fails  string
	}{
		{"at the end", "0s:a 100ms:b 200ms:end", time.Minute, "", 0, "200ms:ab", ""},
		{"after half a second without more", "0s:a 300ms:b 5s:end", time.Minute, "", 0, "800ms:ab", ""},
		{"each time", "0s:a 1s:b 2s:c 3s:end", time.Minute, "", 0, "500ms:a 1.5s:b 2.5s:c", ""},
		{"signs of life", "5s:end", 2 * time.Second, "", 0, "2s: 4s:", ""},
		{"none where there is output", "0s:a 1.5s:b 3s:c 4.5s:end", 2 * time.Second, "", 0, "500ms:a 2s:b 3.5s:c", ""},
		{"whole chunks at once", "0s:10000 100ms:end", time.Minute, "", 0, "0s:4096 0s:4096 100ms:1808", ""},
		{"a chunk to the byte", "0s:4096 1s:end", time.Minute, "", 0, "0s:4096", ""},
		{"nothing", "1s:end", time.Minute, "", 0, "", ""},
		{"the asker's session is gone", "0s:a 1s:b 9s:end", time.Minute, "out/00000", 0, "500ms:a 500ms:stop", `write "p/s/n/out/00000": the session does not get the lock`},
		{"the agent stops", "0s:a 4s:end", time.Minute, "", 3 * time.Second, "500ms:a 3s:stop", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				var writes []string
				var mu sync.Mutex
				note := func(text string) {
					mu.Lock()
					defer mu.Unlock()
					writes = append(writes, time.Since(begin).String()+":"+text)
				}
				cl := inMemory(t, func(r *http.Request) (int, string) {
					text, err := io.ReadAll(r.Body)
					if err != nil {
						t.Error(err)
					}
					if len(text) > 10 {
						text = fmt.Append(nil, len(text))
					}
					note(string(text))
					return http.StatusOK, fmt.Sprint(c.refuse == "" || !strings.HasSuffix(r.URL.Path, c.refuse))
				})
				j := &job{kv: cl.KV(), session: "s", folder: path.Join("p", "s"), node: "n", logger: hclog.NewNullLogger()}
				output, done := make(chunks), make(chan struct{})
				go func() { // the program
					for _, print := range strings.Fields(c.prints) {
						when, text, _ := strings.Cut(print, ":")
						at, err := time.ParseDuration(when)
						if err != nil {
							t.Error(err)
						}
						time.Sleep(at - time.Since(begin))
						n := 0
						switch _, err := fmt.Sscan(text, &n); {
						case text == end:
							close(done)
						case err == nil:
							output.Write([]byte(strings.Repeat("x", n)))
						default:
							output.Write([]byte(text))
						}
					}
				}()
				ctx := t.Context()
				if c.until > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, c.until)
					defer cancel()
				}
				err := j.stream(ctx, done, func() { note("stop") }, output, c.wait)
				synctest.Wait() // for the one that stops the program
				if got := strings.Join(writes, " "); got != c.writes {
					t.Errorf("writes %s, want %s", got, c.writes)
				}
				if text := fmt.Sprint(err); text != cmp.Or(c.fails, "<nil>") {
					t.Errorf("%s, want %s", text, c.fails)
				}
			})
		})
	}
}
