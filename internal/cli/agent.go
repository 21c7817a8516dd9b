package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"praetor/agent"
	"praetor/agent/config"
	"praetor/internal/logging"
	"praetor/internal/telemetry"
)

// leaveTimeout is how long a graceful leave may take after a signal.
const leaveTimeout = 15 * time.Second

func newAgentCommand() *cobra.Command {
	flags := &config.Flags{}
	cmd := &cobra.Command{
		Use:   "agent [options]",
		Short: "Runs an agent",
		Long: `Runs an agent until it is told to stop. Every machine of a cluster runs one:
three or five as servers, which keep the data, the others as clients.`,
		Example: `praetor agent -dev
praetor agent -server -bootstrap-expect=3 -data-dir=/var/lib/praetor -bind=10.0.0.1 -retry-join=10.0.0.2
praetor agent -data-dir=/var/lib/praetor -bind=10.0.0.9 -retry-join=10.0.0.1 -config-dir=/etc/praetor.d`,
		RunE: func(cmd *cobra.Command, args []string) error { return runAgent(cmd, args, flags) },
	}
	flags.Register(cmd.Flags())
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		text := flagErrorText(cmd, err)
		return fail("%s\n%s\n==> error parsing flags: %s", text, flagUsage(cmd), text)
	})
	return cmd
}

func runAgent(cmd *cobra.Command, args []string, flags *config.Flags) error {
	if len(args) > 0 {
		return fail("==> Unexpected extra arguments: %v", args)
	}
	rt, warnings, err := config.Load(flags)
	if err != nil {
		return fail("==> %s", err)
	}
	if err := agent.CheckTLS(rt); err != nil { // before there is a log, as in Consul
		return fail("==> %s", err)
	}
	paceHeap()
	useTwoProcessors()
	calmMonitor()
	out := &gate{out: cmd.OutOrStdout()}
	defer out.open()
	logger, err := logging.Open(logging.Options{
		Level: rt.Log.Level, JSON: rt.Log.JSON, Output: out,
		File: rt.Log.File, RotateDuration: rt.Log.RotateDuration, RotateBytes: rt.Log.RotateBytes, RotateMaxFiles: rt.Log.RotateMaxFiles,
		Syslog: rt.Log.Syslog, SyslogFacility: rt.Log.SyslogFacility,
	})
	if err != nil {
		return fail("==> %s", err)
	}
	defer logger.Close()

	signals := make(chan os.Signal, 8)
	signal.Notify(signals, handledSignals...)
	defer signal.Stop(signals)

	measured := agent.MetricsOptions(rt)
	measured.Logger = logger.Named("telemetry")
	figures, err := telemetry.New(measured)
	if err != nil {
		return fail("==> %s", err)
	}
	defer figures.Close()
	if rt.AutoEncrypt.TLS {
		out.open() // why it waits for its certificate is to be read
	}
	node, err := openUnless(cmd.Context(), signals, logger, agent.Options{
		Runtime: rt, Logger: logger, Metrics: figures,
		Duties: agent.Duties{Watch: runAgentWatch, Job: runAgentJob},
	})
	if err != nil {
		logger.Error("Error starting agent", "error", err)
		return fail("==> %s", err)
	}
	defer node.Close()
	if !rt.Log.JSON {
		fmt.Fprint(out.out, agent.Banner(rt, node.ID()))
	}
	out.open()
	for _, w := range warnings {
		logger.Warn(w)
	}
	code := superviseAgent(cmd.Context(), node, rt, logger, signals, func() { figures.Dump(cmd.ErrOrStderr()) })
	logger.Info("Exit code", "code", code)
	if code != exitOK {
		return exit{code: code}
	}
	return nil
}

// openUnless opens an agent, unless a signal ends that: it may wait for its certificate.
func openUnless(parent context.Context, signals <-chan os.Signal, logger *logging.Logger, opts agent.Options) (*agent.Agent, error) {
	if parent == nil {
		parent = context.Background()
	}
	if !opts.Runtime.AutoEncrypt.TLS { // it opens at once, and then minds the signals
		return agent.Open(parent, opts)
	}
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	type result struct {
		node *agent.Agent
		err  error
	}
	opened := make(chan result, 1)
	go func() { // waited for through opened
		node, err := agent.Open(ctx, opts)
		opened <- result{node, err}
	}()
	for {
		select {
		case r := <-opened:
			return r.node, r.err
		case sig := <-signals:
			logger.Info("Caught", "signal", sig)
			if isDump(sig) || isReload(sig) {
				continue
			}
			cancel()
			r := <-opened
			if r.err == nil {
				r.err = errors.Join(context.Canceled, r.node.Close())
			}
			return nil, r.err
		}
	}
}

// superviseAgent runs node until it ends or a signal ends it, and returns the
// process's exit code (reference/cli.md §2.5); dump writes the metrics out.
func superviseAgent(parent context.Context, node *agent.Agent, rt *config.Runtime, logger *logging.Logger, signals <-chan os.Signal, dump func()) int {
	if parent == nil {
		parent = context.Background()
	}
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- node.Run(ctx) }() // waited for through ended on every path
	stop := func(code int) int {
		cancel()
		<-ended
		return code
	}
	for {
		select {
		case err := <-ended:
			if err != nil {
				logger.Error("Agent stopped", "error", err)
				return exitError
			}
			return exitOK
		case sig := <-signals:
			logger.Info("Caught", "signal", sig)
			if isDump(sig) {
				dump()
				continue
			}
			if isReload(sig) {
				if err := node.Reload(ctx); err != nil {
					logger.Error("Reload failed, nothing was changed", "error", err)
				}
				continue
			}
			if !leavesOn(sig, rt) {
				logger.Info("Graceful shutdown disabled. Exiting")
				return stop(exitError)
			}
			return stop(leaveGracefully(node, logger, signals))
		}
	}
}

func leavesOn(sig os.Signal, rt *config.Runtime) bool {
	if sig == os.Interrupt {
		return !rt.SkipLeaveOnInt
	}
	return rt.LeaveOnTerm
}

func leaveGracefully(node *agent.Agent, logger *logging.Logger, signals <-chan os.Signal) int {
	logger.Info("Gracefully shutting down agent...")
	left := make(chan error, 1)
	go func() { left <- node.Leave() }() // ends by itself; the process ends with it
	timeout := time.After(leaveTimeout)
	for {
		select {
		case err := <-left:
			if err != nil {
				logger.Error("Error on leave", "error", err)
				return exitError
			}
			logger.Info("Graceful exit completed")
			return exitOK
		case sig := <-signals:
			if isDump(sig) {
				continue
			}
			logger.Info("Caught second signal, Exiting")
		case <-timeout:
			logger.Warn("Timeout on graceful leave. Exiting")
		}
		return exitError
	}
}

// gate holds log lines back until the banner is out, which says that "log data
// will now stream in".
type gate struct {
	out io.Writer

	mu   sync.Mutex
	held bytes.Buffer
	done bool
}

func (g *gate) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.done {
		return g.out.Write(p)
	}
	return g.held.Write(p)
}

// open lets everything through. Calling it twice is fine.
func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.done = true
	g.held.WriteTo(g.out) // nowhere to report that stdout is gone
}
