package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"strconv"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/hashicorp/go-hclog"

	"praetor/agent"
	"praetor/internal/process"
	"praetor/internal/userevent"
)

// Remote execution (reference/cli.md §4, exec).
const (
	// rexecChunk is how much output goes into one key, and rexecIdle how long
	// less than that is kept back.
	rexecChunk = 4 << 10
	rexecIdle  = 500 * time.Millisecond
	// rexecNotStarted is the exit code of a job that could not start.
	rexecNotStarted = 255
	// rexecLeastWait keeps a job's signs of life from becoming a load.
	rexecLeastWait = 100 * time.Millisecond
)

// rexecNotice is what the event carries: where to find the job.
type rexecNotice struct{ Prefix, Session string }

// runAgentJob runs a job of remote execution that an event told of.
func runAgentJob(ctx context.Context, self agent.Self, e *userevent.Event) {
	logger := self.Logger.With("event_id", e.ID)
	logger.Debug("received remote exec event")
	var notice rexecNotice
	if err := json.Unmarshal(e.Payload, &notice); err != nil {
		logger.Error("failed to decode remote exec event", "error", err)
		return
	}
	if notice.Prefix == "" || notice.Session == "" {
		logger.Error("remote exec event without prefix or session")
		return
	}
	cl, err := ownClient(self, "", self.Token)
	if err != nil {
		logger.Error("remote exec job cannot run", "error", err)
		return
	}
	j := &job{kv: cl.KV(), session: notice.Session, folder: path.Join(notice.Prefix, notice.Session), node: self.NodeName, logger: logger}
	spec, err := j.read(ctx)
	if err != nil {
		if ctx.Err() == nil {
			self.Logger.Error("failed to get remote exec job", "error", err) // the line operators look for
		}
		return
	}
	if err := j.run(ctx, spec); err != nil && ctx.Err() == nil {
		logger.Error("remote exec job failed", "error", err)
	}
}

// job is one job of remote execution on this agent. All it writes is locked by
// the asker's session: it goes away with that.
type job struct {
	kv      *api.KV
	session string
	folder  string // PREFIX/SESSION
	node    string
	logger  hclog.Logger
	chunks  int // keys of output written
}

func (j *job) run(ctx context.Context, spec *rexecSpec) error {
	if err := j.write(ctx, "ack", nil); err != nil {
		return err
	}
	opts, cleanup, err := spec.options()
	if err != nil {
		j.logger.Error("failed to store the script of a remote exec job", "error", err)
		return j.exit(ctx, rexecNotStarted)
	}
	defer cleanup()
	output := make(chunks)
	opts.Stdout, opts.Stderr = output, output
	j.logger.Info("remote exec", "script", opts.Line, "args", opts.Args)
	c, err := process.Start(opts)
	if err != nil {
		j.logger.Error("failed to start remote exec job", "error", err)
		return errors.Join(j.write(ctx, "error", []byte(err.Error())), j.exit(ctx, rexecNotStarted))
	}
	if err := j.stream(ctx, c.Done(), func() { c.Stop(process.Grace) }, output, max(spec.Wait, rexecLeastWait)); err != nil {
		return err
	}
	return j.exit(ctx, process.ExitCode(c.Err()))
}

func (j *job) read(ctx context.Context) (*rexecSpec, error) {
	pair, _, err := j.kv.Get(j.folder+"/job", (&api.QueryOptions{}).WithContext(ctx))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read job: %w", err)
	case pair == nil:
		return nil, fmt.Errorf("read job: no key %s/job", j.folder)
	}
	spec := new(rexecSpec)
	if err := json.Unmarshal(pair.Value, spec); err != nil {
		return nil, fmt.Errorf("read job: %w", err)
	}
	return spec, nil
}

// options says what to run. A script becomes a file, which cleanup removes.
func (s *rexecSpec) options() (opts process.Options, cleanup func(), err error) {
	if len(s.Script) == 0 {
		return process.Options{Line: s.Command, Args: s.Args}, func() {}, nil
	}
	dir, err := os.MkdirTemp("", "rexec")
	if err != nil {
		return process.Options{}, nil, err
	}
	script := path.Join(dir, "script")
	if err := os.WriteFile(script, s.Script, 0o700); err != nil {
		os.RemoveAll(dir)
		return process.Options{}, nil, err
	}
	// Through a shell, because a script need not name its interpreter.
	return process.Options{Line: script}, func() { os.RemoveAll(dir) }, nil
}

// chunks hands on what a program writes; each Write waits for its taker.
type chunks chan []byte

func (c chunks) Write(p []byte) (int, error) {
	c <- bytes.Clone(p)
	return len(p), nil
}

// stream writes the program's output, and a sign of life where there is none
// for as long as wait, until it is done. If ctx ends, or the asker's session does,
// the program is stopped.
func (j *job) stream(ctx context.Context, done <-chan struct{}, stop func(), output <-chan []byte, wait time.Duration) error {
	var (
		held   []byte
		failed error
	)
	send := func(chunk []byte) {
		if failed != nil {
			return // the program is being stopped
		}
		if failed = j.write(ctx, j.nextChunk(), chunk); failed != nil {
			go stop() // ends when the program does, which this waits for
		}
	}
	heartbeat, idle := time.NewTicker(wait), time.NewTimer(rexecIdle)
	defer heartbeat.Stop()
	defer idle.Stop()
	stopping := ctx.Done()
	for {
		select {
		case p := <-output:
			held = append(held, p...)
			for ; len(held) >= rexecChunk; held = held[rexecChunk:] {
				send(held[:rexecChunk])
			}
			heartbeat.Reset(wait)
			idle.Reset(rexecIdle)
		case <-idle.C:
			if len(held) > 0 {
				send(held)
				held = nil
			}
		case <-heartbeat.C:
			send(nil)
		case <-stopping:
			stopping = nil
			go stop() // as above
		case <-done: // and all output was taken
			if len(held) > 0 {
				send(held)
			}
			return failed
		}
	}
}

func (j *job) nextChunk() string {
	j.chunks++
	return fmt.Sprintf("out/%05x", j.chunks-1)
}

func (j *job) exit(ctx context.Context, code int) error {
	return j.write(ctx, "exit", []byte(strconv.Itoa(code)))
}

// write sets a key of this node, with the session's lock: without it nobody
// reads it, or cleans it up.
func (j *job) write(ctx context.Context, name string, value []byte) error {
	pair := &api.KVPair{Key: path.Join(j.folder, j.node, name), Value: value, Session: j.session}
	done, _, err := j.kv.Acquire(pair, (&api.WriteOptions{}).WithContext(ctx))
	if err == nil && !done {
		err = errors.New("the session does not get the lock")
	}
	if err != nil {
		return fmt.Errorf("write %q: %w", pair.Key, err)
	}
	return nil
}
