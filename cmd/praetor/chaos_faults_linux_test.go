package main_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"praetor/internal/linear"
)

// chaosFault is something that goes wrong, and is put right again.
type chaosFault struct {
	name  string
	short bool // part of the short run
	lasts time.Duration
	begin func(leader, other *host) // servers
	end   func(leader, other *host)
}

// faults are those that can be played here.
func (c *chaos) faults() []chaosFault {
	kill := func(hosts ...*host) {
		for _, h := range hosts {
			h.kill()
		}
	}
	start := func(hosts ...*host) {
		for _, h := range hosts {
			h.start()
		}
	}
	pause := func(h *host) { c.signal(h, syscall.SIGSTOP) }
	mend := func(_, _ *host) { c.links.cut() }
	apart := func(ways func(l, o *host) []way) func(_, _ *host) {
		return func(l, o *host) { c.links.cut(ways(l, o)...) }
	}
	storm := func(w weather) func(_, _ *host) { return func(_, _ *host) { c.links.turn(w) } }
	either := func(l, o *host) *host { return []*host{l, o}[c.rand.IntN(2)] }
	var hit *host // by the fault being played
	faults := []chaosFault{
		{"the leader is killed", true, time.Second, func(l, _ *host) { kill(l) }, func(l, _ *host) { start(l) }},
		{"the leader is paused", true, 2 * time.Second, func(l, _ *host) { pause(l) }, func(l, _ *host) { c.wake(l) }},
		{"the leader is cut off", true, 2 * time.Second, apart(func(l, _ *host) []way { return c.links.around(l) }), mend},
		{"all are killed", true, 200 * time.Millisecond, func(_, _ *host) { kill(c.hosts...) }, func(_, _ *host) { start(c.hosts...) }},
		{"the leader is killed for long", false, 15 * time.Second, func(l, _ *host) { kill(l) }, func(l, _ *host) { start(l) }},
		{"the leader is paused for a moment", false, 300 * time.Millisecond, func(l, _ *host) { pause(l) }, func(l, _ *host) { c.wake(l) }},
		{"the leader is cut off for long", false, 15 * time.Second, apart(func(l, _ *host) []way { return c.links.around(l) }), mend},
		{"the leader is not heard", false, 3 * time.Second, apart(func(l, _ *host) []way { return c.links.from(l) }), mend},
		{"the leader does not hear", false, 3 * time.Second, apart(func(l, _ *host) []way { return c.links.to(l) }), mend},
		{"the leader and a follower are apart", false, 3 * time.Second, apart(func(l, o *host) []way { return []way{{l, o}, {o, l}} }), mend},
		{"a follower is not heard by the leader", false, 3 * time.Second, apart(func(l, o *host) []way { return []way{{o, l}} }), mend},
		{"a follower is killed", false, time.Second, func(_, o *host) { kill(o) }, func(_, o *host) { start(o) }},
		{"a follower is paused", false, 3 * time.Second, func(_, o *host) { pause(o) }, func(_, o *host) { c.wake(o) }},
		{"the client agent is killed", false, time.Second, func(_, _ *host) { kill(c.client) }, func(_, _ *host) { start(c.client) }},
		{"the client agent is paused", false, 3 * time.Second, func(_, _ *host) { pause(c.client) }, func(_, _ *host) { c.wake(c.client) }},
		{"the client agent is cut off", false, 8 * time.Second, apart(func(_, _ *host) []way { return c.links.around(c.client) }), mend},
		{"the client agent does not hear the leader", false, 8 * time.Second, apart(func(l, _ *host) []way { return []way{{l, c.client}} }), mend},
		{"the network is slow", false, 4 * time.Second, storm(weather{delay: 40 * time.Millisecond}), storm(weather{})},
		{"the network loses packets and confuses their order", true, 6 * time.Second, storm(weather{jitter: 60 * time.Millisecond, loss: 0.1}), storm(weather{})},
		{"one leaves and comes back", false, time.Second, func(l, o *host) {
			hit = []*host{l, o, c.client}[c.rand.IntN(3)]
			c.leave(hit)
		}, func(_, _ *host) { start(hit) }},
		{"another server takes one's place", false, time.Second, func(l, o *host) {
			hit = either(l, o)
			c.spare.start()
			c.waitServers(chaosServers+1, c.hosts...)
			c.leave(hit)
		}, func(_, _ *host) {
			c.waitServers(chaosServers, c.spare, c.client)
			hit.start()
			c.waitServers(chaosServers+1, c.hosts...)
			c.leave(c.spare)
		}},
		{"all are restarted, one after the other", false, 0, func(_, _ *host) { c.roll() }, mend},
		{"the leader hands over", false, 0, func(l, _ *host) { c.handOver(l) }, mend},
		{"a bit of a server's files turns", true, 0, func(l, o *host) { c.damage(either(l, o), c.flip) }, mend},
		{"a server's disk goes back", true, 2 * time.Second, func(l, o *host) {
			hit = either(l, o)
			kill(hit)
			c.copy(hit.data(), hit.copied())
			start(hit)
			c.waitWhole()
		}, func(_, _ *host) {
			kill(hit)
			c.copy(hit.copied(), hit.data())
			start(hit)
		}},
		{"the end of a server's log is lost", false, 0, func(_, o *host) { c.damage(o, c.tear) }, mend},
	}
	if c.lan != nil {
		faults = append(faults, chaosFault{"a firewall refuses what the leader and a follower send", false, 4 * time.Second,
			func(l, o *host) { c.links.refuse(way{l, o}, way{o, l}) }, mend})
		var fill string
		faults = append(faults, chaosFault{"a server's disk is full", false, 3 * time.Second,
			func(l, o *host) { hit = either(l, o); fill = fillDisk(c.T, hit.data()) },
			func(_, _ *host) { c.remove(fill); c.revive(hit) }})
	}
	if os.Getenv(envChaosProgram) == "" {
		c.Logf("no program built with -tags faults (make chaos builds one): no disk is slow or fails")
	} else {
		worn := func(name, how string) chaosFault {
			return chaosFault{name, false, 4 * time.Second,
				func(l, o *host) { hit = either(l, o); c.wear(hit, how) },
				func(_, _ *host) { c.remove(hit.diskFaults()); c.revive(hit) }}
		}
		faults = append(faults,
			worn("a server's disk is slow", "*:sync 0.5 400ms\n*:write 0.1 100ms\n"),
			worn("a server's disk fails now and then", "wal:* 0.05 fail\nsnapshot:* 0.3 fail\nsynced:* 0.1 fail\n"),
			worn("a server's disk fails", "*:sync 1 fail\n"),
			chaosFault{"a server cannot keep its vote", false, 4 * time.Second,
				func(l, o *host) { hit = either(l, o); c.wear(hit, "stable:* 1 fail\n"); c.handOver(l) },
				func(_, _ *host) { c.remove(hit.diskFaults()); c.revive(hit) }})
	}
	if previous := os.Getenv(envPrevious); previous != "" {
		faults = append(faults, chaosFault{"all go to the other version, one after the other", false, 0,
			func(_, _ *host) {
				if c.program == previous {
					c.program = os.Getenv(envChaosProgram)
				} else {
					c.program = previous
				}
				c.roll()
			}, mend})
	}
	return faults
}

func (c *chaos) leave(h *host) {
	c.Helper()
	if _, _, err := h.request("PUT", "/v1/agent/leave", ""); err != nil {
		c.Errorf("%s: leave: %v", h.name, err)
	}
	<-h.done
}

// roll restarts one agent after the other, with the program that all are to run.
func (c *chaos) roll() {
	c.Helper()
	c.spare.program = c.program
	for _, h := range c.hosts {
		h.node.signal(syscall.SIGTERM)
		h.program = c.program
		h.start()
		c.waitWhole()
	}
}

// diskFaults is the file that says what is wrong with a host's disk.
func (h *host) diskFaults() string { return filepath.Join(h.dir, "faults") }

// wear has the disk of a host fail as lines say (internal/durable).
func (c *chaos) wear(h *host, lines string) {
	c.Helper()
	aside := h.diskFaults() + ".new" // it may be read at any time
	if err := errors.Join(os.WriteFile(aside, []byte(lines), 0o600), os.Rename(aside, h.diskFaults())); err != nil {
		c.Fatal(err)
	}
}

func (c *chaos) remove(path string) {
	c.Helper()
	if err := os.Remove(path); err != nil {
		c.Fatal(err)
	}
}

// revive starts a server whose disk is good again, if it has ended by itself: it may not go on
// where it cannot keep its vote.
func (c *chaos) revive(h *host) {
	c.Helper()
	select {
	case <-h.done:
		c.Logf("%s had ended", h.name)
		h.start()
	default:
	}
}

// damage has a server end, and start on files that something happened to. It must name the file
// and not run, until it has back what it had; or be as good as any other.
func (c *chaos) damage(h *host, happen func(h *host) (path, what string)) {
	c.Helper()
	if c.rand.IntN(2) == 0 {
		h.kill()
	} else {
		h.node.signal(syscall.SIGTERM)
	}
	c.copy(h.data(), h.copied())
	path, what := happen(h)
	h.start()
	ended := false
	waitFor(c.T, "start of "+h.name+" after "+what, 60*time.Second, func() error {
		select {
		case <-h.done:
			ended = true
			return nil
		default:
			return wantWhole(h.node, chaosServers)
		}
	})
	c.Logf("%s of %s: it runs: %v", what, strings.TrimPrefix(path, h.data()), !ended)
	if !ended {
		return
	}
	said := h.log.String()
	if code := h.cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(said, filepath.Base(path)) || strings.Contains(said, "goroutine ") {
		c.Errorf("%s ends with %d after %s, and should name the file:\n%s", h.name, code, what, said)
	}
	c.copy(h.copied(), h.data())
	h.start()
}

// copied is where a copy of the data folder is kept.
func (h *host) copied() string { return filepath.Join(h.dir, "copied") }

// copy makes a folder's content that of another one.
func (c *chaos) copy(from, to string) {
	c.Helper()
	script := `mkdir -p "$2" && find "$2" -mindepth 1 -delete && cp -a "$1/." "$2"`
	if out, err := exec.Command("sh", "-c", script, "sh", from, to).CombinedOutput(); err != nil {
		c.Fatalf("copy %s to %s: %v %s", from, to, err, out)
	}
}

// flip turns one bit in one of a server's files.
func (c *chaos) flip(h *host) (path, what string) {
	c.Helper()
	var paths []string
	err := filepath.WalkDir(h.data(), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		c.Fatal(err)
	}
	c.rand.Shuffle(len(paths), func(i, j int) { paths[i], paths[j] = paths[j], paths[i] })
	return c.change(paths, func(written []byte) string {
		at, bit := c.rand.IntN(len(written)), c.rand.IntN(8)
		written[at] ^= 1 << bit
		return fmt.Sprintf("bit %d of byte %d was turned", bit, at)
	})
}

// tear makes zeros of the end of the log, as if it had never come to the disk.
func (c *chaos) tear(h *host) (path, what string) {
	c.Helper()
	segments, err := filepath.Glob(h.data("raft", "wal", "*.wal")) // in their order
	if err != nil {
		c.Fatal(err)
	}
	slices.Reverse(segments)
	return c.change(segments, func(written []byte) string {
		lost := min(1+c.rand.IntN(4096), len(written))
		clear(written[len(written)-lost:])
		return fmt.Sprintf("the last %d bytes were lost", lost)
	})
}

// change does something to what is written in the first file that has more than the header of
// an empty segment.
func (c *chaos) change(paths []string, how func(written []byte) string) (path, what string) {
	c.Helper()
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			c.Fatal(err)
		}
		const header = 32
		if written := bytes.TrimRight(content, "\x00"); len(written) > header {
			what := how(written)
			if err := os.WriteFile(path, content, 0); err != nil {
				c.Fatal(err)
			}
			return path, what
		}
	}
	c.Fatalf("nothing is written in %v", paths)
	return "", ""
}

// handOver asks the leader to; it may have lost its place meanwhile.
func (c *chaos) handOver(leader *host) {
	status, text, err := leader.request("POST", "/v1/operator/raft/transfer-leader", "")
	if err == nil && status != http.StatusOK && status != http.StatusInternalServerError {
		c.Errorf("hand over: %d %s", status, text)
	}
}

func (c *chaos) signal(h *host, s os.Signal) {
	if err := h.cmd.Process.Signal(s); err != nil {
		c.Errorf("%s: %v", h.name, err)
	}
}

// wake ends a pause. What was asked in the meantime waits at the server, and is
// answered by one that does not know yet what it missed.
func (c *chaos) wake(h *host) {
	r := c.rounds[len(c.rounds)-1]
	var asked sync.WaitGroup
	for i := range 10 * chaosGroups {
		asked.Add(1)
		r.late.Go(func() {
			asked.Done()
			one := &linear.Client{T: c, Keys: r.groups[i%chaosGroups], Number: 100 + i}
			one.Get(seenBy{c, h}, i/chaosGroups%linear.Size)
		})
	}
	asked.Wait()
	<-time.After(50 * time.Millisecond) // on their way; only how much is tried depends on it
	c.signal(h, syscall.SIGCONT)
}
