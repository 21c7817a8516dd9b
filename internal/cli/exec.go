package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"
)

// Remote execution's names and times (reference/cli.md §4, exec).
const (
	rexecEvent      = "_rexec"
	rexecSession    = "Remote Exec"
	rexecSessionTTL = "15s"
	rexecRenewTTL   = "10s" // the library renews at half of it
)

// rexecSpec is the job that the targets run, kept at PREFIX/SESSION/job.
type rexecSpec struct {
	Command string        // for a shell
	Args    []string      // without one
	Script  []byte        // from standard input
	Wait    time.Duration // between two signs of life
}

type execOptions struct {
	client   client
	node     string
	service  string
	tag      string
	prefix   string
	shell    bool
	wait     time.Duration
	waitRepl time.Duration
	verbose  bool
}

func newExecCommand() *cobra.Command {
	var opts execOptions
	cmd := &cobra.Command{
		Use:   "exec [options] [-|COMMAND...]",
		Short: "Executes a command on Consul nodes",
		Long: `Runs a command on all agents that allow it (disable_remote_exec = false), or on
those that the filters let through, and prints what it writes. With - it runs a
script read from standard input.`,
		Example: `praetor exec uptime
praetor exec -service=web -tag=canary systemctl restart web
praetor exec -node='^db' - < cleanup.sh`,
		RunE: func(cmd *cobra.Command, args []string) error { return runExec(cmd, args, opts) },
	}
	opts.client.register(cmd)
	opts.client.registerServer(cmd)
	fs := cmd.Flags()
	fs.StringVar(&opts.node, "node", "", "Only agents whose node name matches this regular expression.")
	fs.StringVar(&opts.service, "service", "", "Only agents that have a service whose name matches this regular expression.")
	fs.StringVar(&opts.tag, "tag", "", "With -service: only services with a tag that matches this regular expression.")
	fs.StringVar(&opts.prefix, "prefix", rexecEvent, "Prefix in the key-value store to use.")
	fs.BoolVar(&opts.shell, "shell", true, "Use a shell to run the command.")
	fs.DurationVar(&opts.wait, "wait", 2*time.Second, "End after this long without news.")
	fs.DurationVar(&opts.waitRepl, "wait-repl", 200*time.Millisecond, "Time for the job to reach all servers before agents are told.")
	fs.BoolVar(&opts.verbose, "verbose", false, "Tell what is done.")
	return cmd
}

func runExec(cmd *cobra.Command, args []string, opts execOptions) error {
	spec, err := opts.spec(cmd, args)
	if err != nil {
		return err
	}
	filters := eventOptions{name: rexecEvent, node: opts.node, service: opts.service, tag: opts.tag}
	if err := filters.check(cmd, nil); err != nil {
		return err
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	self, err := askAgent(cl)
	if err != nil {
		return err
	}
	signals, restore := interrupts()
	defer restore()
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	go func() { // ends with this function at the latest, through ctx
		select {
		case <-signals:
			cancel(exit{code: exitError})
		case <-ctx.Done():
		}
	}()
	e := &execution{cmd: cmd, opts: opts, cl: cl}
	e.foreign = opts.client.datacenter != "" && self["Config"]["Datacenter"] != opts.client.datacenter
	err = e.run(ctx, spec)
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// spec reads the command line.
func (o *execOptions) spec(cmd *cobra.Command, args []string) (*rexecSpec, error) {
	spec := &rexecSpec{Wait: o.wait}
	switch {
	case len(args) == 0:
		return nil, fail("Must specify a command to execute\n\n%s", help(cmd))
	case o.prefix == "":
		return nil, fail("The prefix must not be empty")
	case len(args) == 1 && args[0] == "-":
		if !o.shell {
			return nil, fail("Cannot configure -shell=false when reading from stdin")
		}
		script, err := io.ReadAll(cmd.InOrStdin())
		if err != nil {
			return nil, fail("Failed to read from stdin: %s", err)
		}
		if len(script) == 0 {
			return nil, fail("Must specify a command to execute\n\n%s", help(cmd))
		}
		spec.Script = script
	case o.shell:
		spec.Command = strings.Join(args, " ")
	default:
		spec.Args = args
	}
	return spec, nil
}

// execution is one run of exec.
type execution struct {
	cmd     *cobra.Command
	opts    execOptions
	cl      *api.Client
	foreign bool // the job is for another datacenter than the agent's
	session string

	acks, exits, failures int
}

func (e *execution) tell(format string, args ...any) {
	if e.opts.verbose {
		e.print(format, args...)
	}
}

func (e *execution) print(format string, args ...any) {
	fmt.Fprintf(e.cmd.OutOrStdout(), format+"\n", args...)
}

// folder holds what belongs to this run: it goes with the session.
func (e *execution) folder() string { return path.Join(e.opts.prefix, e.session) + "/" }

func (e *execution) run(ctx context.Context, spec *rexecSpec) error {
	if err := e.createSession(); err != nil {
		return fail("Failed to create session: %s", err)
	}
	e.tell("Created remote execution session: %s", e.session)
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() { // waited for below; it destroys the session at its end
		defer close(ended)
		e.cl.Session().RenewPeriodic(rexecRenewTTL, e.session, nil, stop)
	}()
	uploaded := false
	defer func() {
		close(stop)
		<-ended
		if !uploaded {
			return // nothing is there, and who may not write may not delete
		}
		if _, err := e.cl.KV().DeleteTree(e.folder(), nil); err != nil {
			fmt.Fprintf(e.cmd.ErrOrStderr(), "Failed to cleanup: %s\n", err)
		}
	}()
	if err := e.upload(spec); err != nil {
		return fail("Failed to create job file: %s", err)
	}
	uploaded = true
	e.tell("Uploaded remote execution spec")
	select {
	case <-time.After(e.opts.waitRepl):
	case <-ctx.Done():
		return nil
	}
	id, err := e.fire()
	if err != nil {
		return fail("Failed to fire event: %s", err)
	}
	e.tell("Fired remote execution event: %s", id)
	return e.collect(ctx)
}

// createSession makes the session on this agent; in another datacenter, where
// this agent's node is unknown, on a healthy server of that.
func (e *execution) createSession() (err error) {
	entry := &api.SessionEntry{Name: rexecSession, Behavior: api.SessionBehaviorDelete, TTL: rexecSessionTTL}
	if !e.foreign {
		e.session, _, err = e.cl.Session().Create(entry, nil)
		return err
	}
	servers, _, err := e.cl.Health().Service("consul", "", true, nil)
	if err != nil {
		return err
	}
	if len(servers) == 0 {
		return fmt.Errorf("no healthy server in datacenter %q", e.opts.client.datacenter)
	}
	entry.Node = servers[0].Node.Node
	e.session, _, err = e.cl.Session().CreateNoChecks(entry, nil)
	return err
}

func (e *execution) upload(spec *rexecSpec) error {
	text, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	done, _, err := e.cl.KV().Acquire(&api.KVPair{Key: e.folder() + "job", Value: text, Session: e.session}, nil)
	if err == nil && !done {
		err = fmt.Errorf("failed to acquire key %s", e.folder()+"job")
	}
	return err
}

func (e *execution) fire() (string, error) {
	payload, err := json.Marshal(struct{ Prefix, Session string }{e.opts.prefix, e.session})
	if err != nil {
		return "", err
	}
	id, _, err := e.cl.Event().Fire(&api.UserEvent{
		Name: rexecEvent, Payload: payload,
		NodeFilter: e.opts.node, ServiceFilter: e.opts.service, TagFilter: e.opts.tag,
	}, nil)
	return id, err
}

// collect prints news of the targets until there was none for a while: -wait,
// or twice that while some target has not finished.
func (e *execution) collect(ctx context.Context) error {
	begin := time.Now()
	ctx, cancel := context.WithCancel(ctx)
	news, failed := make(chan rexecNews), make(chan error, 1)
	done := make(chan struct{})
	go func() { // waited for below
		defer close(done)
		failed <- e.follow(ctx, news)
	}()
	defer func() { cancel(); <-done }()
	quiet := time.NewTimer(e.opts.wait)
	defer quiet.Stop()
	for {
		select {
		case n := <-news:
			e.note(n)
			wait := e.opts.wait
			if e.exits < e.acks {
				wait *= 2
			}
			quiet.Reset(wait)
		case err := <-failed:
			if err != nil {
				return fail("Failed to follow the job: %s", err)
			}
			return nil
		case <-quiet.C:
			e.print("%d / %d node(s) completed / acknowledged", e.exits, e.acks)
			e.tell("Completed in %0.2f seconds", time.Since(begin).Seconds())
			if e.acks == 0 && isTerminal(e.cmd.ErrOrStderr()) { // Consul's exit code stays 0
				fmt.Fprintln(e.cmd.ErrOrStderr(), "No agent took the job: agents do only with disable_remote_exec = false in their configuration")
			}
			if e.failures > 0 || e.exits < e.acks {
				return exit{code: exitNoMatch}
			}
			return nil
		}
	}
}

// note prints one piece of news.
func (e *execution) note(n rexecNews) {
	switch n.kind {
	case "ack":
		e.acks++
		e.tell("==> %s: acknowledged", n.node)
	case "error":
		e.tell("==> %s: %s", n.node, n.value)
	case "exit":
		e.exits++
		code, err := strconv.Atoi(string(n.value))
		if err != nil {
			code = 1
		}
		if code != 0 {
			e.failures++
		}
		e.print("==> %s: finished with exit code %d", n.node, code)
	case "out":
		if len(n.value) == 0 {
			e.tell("==> %s: heartbeat received", n.node)
			return
		}
		for line := range strings.SplitSeq(string(n.value), "\n") {
			e.print("%s", strings.TrimRight("    "+n.node+": "+line, " "))
		}
	}
}

// rexecNews is a key that a target wrote.
type rexecNews struct {
	node  string
	kind  string // ack, out, error (why the job could not start; Consul has none) or exit
	value []byte
}

// follow hands on what the targets write, until ctx ends or the servers cannot
// be asked.
func (e *execution) follow(ctx context.Context, news chan<- rexecNews) error {
	seen := map[string]bool{}
	query := &api.QueryOptions{}
	for {
		keys, meta, err := e.cl.KV().Keys(e.folder(), "", query.WithContext(ctx))
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		query.WaitIndex = meta.LastIndex
		for _, key := range exitsLast(keys) {
			if seen[key] {
				continue
			}
			seen[key] = true
			n, ok := parseRexecKey(strings.TrimPrefix(key, e.folder()))
			if !ok {
				continue
			}
			if n.value, err = e.read(ctx, key); err != nil {
				return err
			}
			select {
			case news <- n:
			case <-ctx.Done():
				return nil
			}
		}
	}
}

// read returns a key's value; one that is gone already has none.
func (e *execution) read(ctx context.Context, key string) ([]byte, error) {
	pair, _, err := e.cl.KV().Get(key, (&api.QueryOptions{}).WithContext(ctx))
	if ctx.Err() != nil {
		return nil, nil
	}
	if err != nil || pair == nil {
		return nil, err
	}
	return pair.Value, nil
}

// exitsLast sorts keys so that what a target wrote comes before its end.
func exitsLast(keys []string) []string {
	var first, last []string
	for _, k := range keys {
		if strings.HasSuffix(k, "/exit") {
			last = append(last, k)
		} else {
			first = append(first, k)
		}
	}
	return slices.Concat(first, last)
}

// parseRexecKey parses NODE/ack, NODE/error, NODE/exit and NODE/out/N.
func parseRexecKey(name string) (rexecNews, bool) {
	parts := strings.Split(name, "/")
	switch {
	case len(parts) == 2 && (parts[1] == "ack" || parts[1] == "error" || parts[1] == "exit"),
		len(parts) == 3 && parts[1] == "out":
		return rexecNews{node: parts[0], kind: parts[1]}, true
	}
	return rexecNews{}, false
}
