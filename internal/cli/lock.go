package cli

import (
	"fmt"
	"os"
	"path"
	"strings"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"

	"praetor/internal/process"
)

// What a lock is made of (reference/cli.md §4, lock).
const (
	lockSessionTTL = "15s"
	lockRetryTime  = time.Second // between two of -monitor-retry
	lockEnv        = "CONSUL_LOCK_HELD=true"
)

type lockOptions struct {
	client        client
	limit         int
	name          string
	timeout       time.Duration
	try           time.Duration
	childExitCode bool
	monitorRetry  int
	passStdin     bool
	shell         bool
	verbose       bool
}

func newLockCommand() *cobra.Command {
	var opts lockOptions
	cmd := &cobra.Command{
		Use:   "lock [options] PREFIX CHILD...",
		Short: "Execute a command holding a lock",
		Long: `Waits for the lock at PREFIX, runs a command while it is held, and releases it.
If the lock is lost the command is stopped: with SIGTERM, and killed after 5
seconds. With -n the lock has room for several holders.`,
		Example: `praetor lock locks/backup ./backup.sh
praetor lock -n=3 locks/deploy ./deploy.sh web
praetor lock -timeout=10s -child-exit-code locks/cron make report`,
		RunE: func(cmd *cobra.Command, args []string) error { return runLock(cmd, args, opts) },
	}
	opts.client.register(cmd)
	opts.client.registerServer(cmd)
	fs := cmd.Flags()
	fs.IntVar(&opts.limit, "n", 1, "Number of holders at a time; more than 1 makes a semaphore. All who use it must say the same.")
	fs.StringVar(&opts.name, "name", "", "Name of the session that holds the lock.")
	fs.DurationVar(&opts.timeout, "timeout", 0, "How long to try to get the lock; 0 is forever.")
	fs.DurationVar(&opts.try, "try", 0, "Deprecated: use -timeout.")
	fs.BoolVar(&opts.childExitCode, "child-exit-code", false, "Exit with code 2 if the command fails; otherwise with 0.")
	fs.IntVar(&opts.monitorRetry, "monitor-retry", 3, "How often to ask again, once a second, while the servers cannot say whether the lock is still held.")
	fs.BoolVar(&opts.passStdin, "pass-stdin", false, "Pass standard input to the command.")
	fs.BoolVar(&opts.shell, "shell", true, "Use a shell to run the command.")
	fs.BoolVar(&opts.verbose, "verbose", false, "Tell what is done.")
	return cmd
}

func runLock(cmd *cobra.Command, args []string, opts lockOptions) error {
	if opts.timeout == 0 {
		opts.timeout = opts.try
	}
	switch {
	case len(args) < 2:
		return fail("Key prefix and child command must be specified")
	case opts.limit <= 0:
		return fail("Lock holder limit must be positive")
	case opts.timeout < 0:
		return fail("Timeout must be positive")
	}
	prefix, words := strings.TrimPrefix(args[0], "/"), args[1:]
	if opts.name == "" {
		opts.name = fmt.Sprintf("Consul lock for '%s' at '%s'", strings.Join(words, " "), prefix)
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	if _, err := askAgent(cl); err != nil {
		return err
	}
	signals, restore := interrupts()
	defer restore()
	s, err := newLockSession(cl, opts)
	if err != nil {
		return fail("Lock acquisition failed: failed to create session: %s", err)
	}
	defer s.end()
	h := holder{cmd: cmd, opts: opts, signals: signals}
	if h.lock, err = h.prepare(cl, s.id, prefix); err != nil {
		return fail("Lock setup failed: %s", err)
	}
	return h.run(words)
}

// lockSession is the session under a lock. The command keeps it itself, not the
// library's lock, so that it is gone before the process is.
type lockSession struct {
	id    string
	stop  chan struct{}
	ended chan struct{}
}

func newLockSession(cl *api.Client, opts lockOptions) (*lockSession, error) {
	entry := &api.SessionEntry{Name: opts.name, TTL: lockSessionTTL}
	if opts.limit > 1 {
		// A contender that dies leaves the queue.
		entry.Behavior = api.SessionBehaviorDelete
	}
	id, _, err := cl.Session().Create(entry, nil)
	if err != nil {
		return nil, err
	}
	s := &lockSession{id: id, stop: make(chan struct{}), ended: make(chan struct{})}
	go func() { // end waits for it
		defer close(s.ended)
		// A session that cannot be renewed is lost, which the lock's monitor sees.
		cl.Session().RenewPeriodic(lockSessionTTL, id, nil, s.stop)
	}()
	return s, nil
}

// end ends the session.
func (s *lockSession) end() {
	close(s.stop)
	<-s.ended
}

// heldLock is what the library's lock and semaphore have in common.
type heldLock struct {
	acquire func(stop <-chan struct{}) (lost <-chan struct{}, err error)
	release func() error
	destroy func() error
	inUse   error
}

// holder gets a lock, runs the command, and gives the lock back.
type holder struct {
	cmd     *cobra.Command
	opts    lockOptions
	signals <-chan os.Signal
	lock    heldLock
}

// prepare says what to lock: a key, or with -n a semaphore's folder.
func (h *holder) prepare(cl *api.Client, session, prefix string) (heldLock, error) {
	if h.opts.limit > 1 {
		h.tell("Setting up semaphore (limit %d) at prefix: %s", h.opts.limit, prefix)
		s, err := cl.SemaphoreOpts(&api.SemaphoreOptions{
			Prefix: prefix, Limit: h.opts.limit, Session: session,
			MonitorRetries: h.opts.monitorRetry, MonitorRetryTime: lockRetryTime,
			SemaphoreTryOnce: h.opts.timeout > 0, SemaphoreWaitTime: h.opts.timeout,
		})
		if err != nil {
			return heldLock{}, err
		}
		return heldLock{s.Acquire, s.Release, s.Destroy, api.ErrSemaphoreInUse}, nil
	}
	key := path.Join(prefix, api.DefaultSemaphoreKey)
	h.tell("Setting up lock at path: %s", key)
	l, err := cl.LockOpts(&api.LockOptions{
		Key: key, Session: session,
		MonitorRetries: h.opts.monitorRetry, MonitorRetryTime: lockRetryTime,
		LockTryOnce: h.opts.timeout > 0, LockWaitTime: h.opts.timeout,
	})
	if err != nil {
		return heldLock{}, err
	}
	return heldLock{l.Lock, l.Unlock, l.Destroy, api.ErrLockInUse}, nil
}

func (h *holder) tell(format string, args ...any) {
	if h.opts.verbose {
		fmt.Fprintf(h.cmd.OutOrStdout(), format+"\n", args...)
	}
}

func (h *holder) run(words []string) error {
	lost, err := h.acquire()
	if err != nil {
		return err
	}
	failed := h.runChild(words, lost)
	if failed != nil {
		fmt.Fprintf(h.cmd.ErrOrStderr(), "Error running handler: %s\n", failed)
	}
	if err := h.giveBack(); err != nil {
		return err
	}
	if failed != nil && h.opts.childExitCode {
		return exit{code: exitNoMatch}
	}
	return nil
}

// acquire waits for the lock.
func (h *holder) acquire() (lost <-chan struct{}, err error) {
	h.tell("Attempting lock acquisition")
	switch lost, err = acquireUnless(h.lock.acquire, h.signals); {
	case err != nil:
		return nil, fail("Lock acquisition failed: %s", err)
	case lost == nil:
		return nil, fail("Shutdown triggered or timeout during lock acquisition")
	}
	return lost, nil
}

// acquireUnless waits for a lock, or until over says something: lost is nil then. The
// library looks at its stop channel only between two blocking queries; so it is left
// behind: the end of the session, and then of the process, ends what it waits for.
func acquireUnless[T any](acquire func(stop <-chan struct{}) (<-chan struct{}, error), over <-chan T) (lost <-chan struct{}, err error) {
	type answer struct {
		lost <-chan struct{}
		err  error
	}
	stop, answers := make(chan struct{}), make(chan answer, 1)
	go func() { // waited for, or left behind as said above
		lost, err := acquire(stop)
		answers <- answer{lost, err}
	}()
	select {
	case a := <-answers:
		return a.lost, a.err
	case <-over:
		close(stop)
		return nil, nil
	}
}

// runChild runs the command until it ends, an interrupt comes, or the lock is
// lost.
func (h *holder) runChild(words []string, lost <-chan struct{}) error {
	h.tell("Starting handler")
	o := process.Words(words, h.opts.shell)
	o.Env = []string{lockEnv}
	o.Stdout, o.Stderr = h.cmd.OutOrStdout(), h.cmd.ErrOrStderr()
	if h.opts.passStdin {
		// Only the group in front may read from a terminal.
		o.Stdin, o.Foreground = h.cmd.InOrStdin(), true
	}
	c, err := process.Start(o)
	if err != nil {
		return err
	}
	select {
	case <-c.Done():
		h.tell("Child terminated, releasing lock")
	case sig := <-h.signals:
		h.tell("Shutdown triggered, killing child")
		c.Signal(sig) // what Stop does is asked for anyway
		c.Stop(process.Grace)
	case <-lost:
		h.tell("Lock lost, killing child")
		c.Stop(process.Grace)
	}
	return c.Err()
}

// giveBack releases the lock and removes its key, unless others wait for it.
func (h *holder) giveBack() error {
	if err := h.lock.release(); err != nil {
		return fail("Lock release failed: %s", err)
	}
	switch err := h.lock.destroy(); err {
	case nil:
		h.tell("Cleanup succeeded")
	case h.lock.inUse:
		h.tell("Cleanup aborted, lock in use")
	default:
		return fail("Lock cleanup failed: %s", err)
	}
	return nil
}
