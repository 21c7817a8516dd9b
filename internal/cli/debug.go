package cli

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"
)

const (
	leastDebugDuration = 10 * time.Second
	leastDebugInterval = 5 * time.Second
	// debugGrace is added to the duration, so that the last interval is whole.
	debugGrace = 2 * time.Second
)

// debugTargets are what can be captured, in the order in which they are shown.
var debugTargets = []string{"metrics", "logs", "pprof", "host", "agent", "members"}

type debugOptions struct {
	client             client
	duration, interval time.Duration
	since              time.Duration
	capture            list
	output             string
	archive            bool
}

func newDebugCommand() *cobra.Command {
	var opts debugOptions
	cmd := &cobra.Command{
		Use:   "debug [options]",
		Short: "Records a debugging archive for operators",
		Long: `Records what an agent does for some time: its log, metrics and profiles, with its
configuration, host and members, and packs it into an archive to look at later or
to send to somebody. Secrets are not among it, but names and addresses are.
Profiles need enable_debug. An interrupt ends the recording early.`,
		Example: "praetor debug\npraetor debug -duration=1m -interval=10s -capture=logs -capture=metrics",
		RunE:    func(cmd *cobra.Command, args []string) error { return runDebug(cmd, args, opts) },
	}
	opts.client.register(cmd)
	fs := cmd.Flags()
	fs.DurationVar(&opts.duration, "duration", 5*time.Minute, "How long to record, 10s at least.")
	fs.DurationVar(&opts.interval, "interval", 30*time.Second, "Time between two heap and goroutine profiles, 5s at least.")
	fs.DurationVar(&opts.since, "since", 0, "Not for this program: it records from now on.")
	fs.Var(&opts.capture, "capture", "What to record: "+strings.Join(debugTargets, ", ")+". May be given several times; default everything.")
	fs.StringVar(&opts.output, "output", "", "Folder to record into, and name of the archive. Default consul-debug- and the time.")
	fs.BoolVar(&opts.archive, "archive", true, "Pack the folder into OUTPUT.tar.gz and remove it.")
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		text := flagErrorText(cmd, err)
		return fail("%s\n%s\n==> Error parsing flags: %s", text, flagUsage(cmd), text)
	})
	return cmd
}

func runDebug(cmd *cobra.Command, args []string, opts debugOptions) error {
	if len(args) > 0 {
		return fail("==> debug: Too many arguments provided, expected 0")
	}
	if err := opts.validate(); err != nil {
		return fail("==> Capture validation failed: %s", err)
	}
	if opts.since != 0 {
		return fail("==> -since looks into the past, which this program does not record; use -duration")
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	self, err := cl.Agent().Self()
	if err != nil {
		return fail("==> Capture validation failed: error querying target agent: %s. verify connectivity and agent address", err)
	}
	d := &debugCapture{cmd: cmd, cl: cl, opts: opts, began: time.Now().UTC()}
	d.dropProfiles(self)
	return d.run(self)
}

// validate fills in what was not given.
func (o *debugOptions) validate() error {
	switch {
	case o.duration < leastDebugDuration:
		return fmt.Errorf("duration must be longer than %s", leastDebugDuration)
	case o.interval < leastDebugInterval:
		return fmt.Errorf("interval must be longer than %s", leastDebugDuration) // Consul's words (reference/cli.md, addendum)
	}
	if o.output == "" {
		o.output = "consul-debug-" + time.Now().UTC().Format("2006-01-02T15-04-05Z")
	}
	for _, path := range []string{o.output, o.output + ".tar.gz"} {
		if _, err := os.Lstat(path); err == nil {
			return fmt.Errorf("output directory already exists: %s", path)
		}
	}
	if len(o.capture) == 0 {
		o.capture = slices.Clone(debugTargets)
	}
	for i, target := range o.capture {
		if target == "cluster" { // its former name
			o.capture[i] = "members"
		} else if !slices.Contains(debugTargets, target) {
			return fmt.Errorf("target not found: %s", target)
		}
	}
	return nil
}

// debugCapture is a recording under way.
type debugCapture struct {
	cmd   *cobra.Command
	cl    *api.Client
	opts  debugOptions
	began time.Time
}

func (d *debugCapture) wants(target string) bool { return slices.Contains(d.opts.capture, target) }

func (d *debugCapture) say(format string, args ...any) {
	fmt.Fprintf(d.cmd.OutOrStdout(), "==> "+format+"\n", args...)
}

func (d *debugCapture) warn(format string, args ...any) {
	fmt.Fprintf(d.cmd.ErrOrStderr(), "==> "+format+"\n", args...)
}

// dropProfiles leaves profiles out if the agent would not give them.
func (d *debugCapture) dropProfiles(self map[string]map[string]any) {
	if enabled, _ := self["DebugConfig"]["EnableDebug"].(bool); enabled || !d.wants("pprof") {
		return
	}
	d.warn("Unable to capture pprof: the agent has no profiles without enable_debug = true")
	d.opts.capture = slices.DeleteFunc(slices.Clone(d.opts.capture), func(t string) bool { return t == "pprof" })
}

func (d *debugCapture) run(self map[string]map[string]any) error {
	version, _ := self["Config"]["Version"].(string)
	d.say("Starting debugger and capturing static information...")
	output := d.opts.output
	if d.opts.archive {
		output += ".tar.gz"
	}
	for _, line := range [][2]string{
		{"Agent Version", version}, {"Interval", d.opts.interval.String()}, {"Duration", d.opts.duration.String()},
		{"Output", output}, {"Capture", strings.Join(d.opts.capture, ", ")},
	} {
		fmt.Fprintf(d.cmd.OutOrStdout(), "    %14s: '%s'\n", line[0], line[1])
	}
	// Only for its owner: addresses and metadata of a cluster are in it.
	if err := os.Mkdir(d.opts.output, 0o700); err != nil {
		return fail("==> Capture validation failed: %s", err)
	}
	if err := d.writeIndex(version); err != nil {
		return fail("==> Error creating index: %s", err)
	}
	d.captureStatic(self)
	ctx, cancel := context.WithTimeout(context.Background(), d.opts.duration+debugGrace)
	defer cancel()
	signals, restore := interrupts()
	defer restore()
	go func() { // ends with ctx
		select {
		case <-signals:
			d.say("Recording ends early")
			cancel()
		case <-ctx.Done():
		}
	}()
	d.captureDynamic(ctx)
	if !d.opts.archive {
		fmt.Fprintf(d.cmd.OutOrStdout(), "    Saved debug directory: %s\n", d.opts.output)
		return nil
	}
	if err := packFolder(d.opts.output, output); err != nil {
		return fail("==> Archive creation failed: %s; what was recorded is in %s", err, d.opts.output)
	}
	if err := os.RemoveAll(d.opts.output); err != nil {
		return fail("==> Error removing %s: %s", d.opts.output, err)
	}
	fmt.Fprintf(d.cmd.OutOrStdout(), "    Saved debug archive: %s\n", output)
	return nil
}
