package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/hashicorp/consul/api/watch"
	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"praetor/internal/process"
)

type watchOptions struct {
	client      client
	kind        string
	key         string
	prefix      string
	service     string
	tags        list
	passingOnly string
	state       string
	name        string
	filter      string
	shell       bool
}

func newWatchCommand() *cobra.Command {
	var opts watchOptions
	cmd := &cobra.Command{
		Use:   "watch [options] [CHILD...]",
		Short: "Watch for changes in Consul",
		Long: `Watches a key, services, nodes, checks or events and runs a command at each
change, with what there is now as JSON on its standard input and the index in
CONSUL_INDEX. Without a command it prints what there is and ends.`,
		Example: `praetor watch -type=key -key=app/config ./reload.sh
praetor watch -type=service -service=web -passingonly=true 'jq length'
praetor watch -type=event -name=deploy ./deploy.sh
praetor watch -type=nodes`,
		RunE: func(cmd *cobra.Command, args []string) error { return runWatch(cmd, args, opts) },
	}
	opts.client.register(cmd)
	opts.client.registerServer(cmd)
	fs := cmd.Flags()
	fs.StringVar(&opts.kind, "type", "", "What to watch: key, keyprefix, services, nodes, service, checks or event; required.")
	fs.StringVar(&opts.key, "key", "", "Key, for -type=key.")
	fs.StringVar(&opts.prefix, "prefix", "", "Prefix of keys, for -type=keyprefix.")
	fs.StringVar(&opts.service, "service", "", "Service, for -type=service; also for -type=checks.")
	fs.Var(&opts.tags, "tag", "Tag that instances must have, for -type=service; may be given several times.")
	fs.StringVar(&opts.passingOnly, "passingonly", "", "true: only instances whose checks all pass, for -type=service.")
	fs.StringVar(&opts.state, "state", "", "State of checks, for -type=checks.")
	fs.StringVar(&opts.name, "name", "", "Name of the event, for -type=event.")
	fs.StringVar(&opts.filter, "filter", "", "Filter expression, for services, nodes, service and checks.")
	fs.BoolVar(&opts.shell, "shell", true, "Use a shell to run the command.")
	return cmd
}

func runWatch(cmd *cobra.Command, args []string, opts watchOptions) error {
	plan, err := opts.plan(cmd)
	if err != nil {
		return err
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	signals, restore := interrupts()
	defer restore()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { // ends with this function at the latest, through ctx
		select {
		case <-signals:
			cancel() // stops the command
		case <-ctx.Done():
		}
		plan.Stop()
	}()

	var failed error
	plan.HybridHandler = func(index watch.BlockingParamVal, data any) { // on this goroutine
		if len(args) == 0 {
			failed = printWatched(cmd.OutOrStdout(), data)
		} else if err := opts.handle(ctx, cmd, args, index, data); err == nil {
			return
		} else if ctx.Err() == nil {
			failed = fail("Error executing handler: %s", err)
		}
		plan.Stop()
	}
	logger := hclog.New(&hclog.LoggerOptions{Output: cmd.ErrOrStderr()})
	if err := plan.RunWithClientAndHclog(cl, logger); err != nil {
		return fail("Error querying Consul agent: %s", err)
	}
	return failed
}

// plan has the library read the parameters; what it refuses it words as Consul
// does (reference/cli.md §4, watch).
func (o *watchOptions) plan(cmd *cobra.Command) (*watch.Plan, error) {
	switch {
	case o.kind == "":
		return nil, fail("Watch type must be specified\n\n%s", help(cmd))
	case strings.HasPrefix(o.kind, "connect_"), strings.HasPrefix(o.kind, "agent_"):
		return nil, fail("Type %s is not supported in the CLI tool", o.kind)
	}
	params := map[string]any{"type": o.kind}
	for name, value := range map[string]string{
		"key": o.key, "prefix": o.prefix, "service": o.service, "state": o.state, "name": o.name, "filter": o.filter,
		"datacenter": o.client.datacenter, "token": o.client.token,
	} {
		if value != "" {
			params[name] = value
		}
	}
	if len(o.tags) > 0 {
		params["tag"] = []string(o.tags)
	}
	if o.client.stale {
		params["stale"] = true
	}
	if o.passingOnly != "" {
		only, err := strconv.ParseBool(o.passingOnly)
		if err != nil {
			return nil, fail("Failed to parse passingonly flag: %s", err)
		}
		params["passingonly"] = only
	}
	plan, err := watch.Parse(params)
	if err != nil {
		return nil, exit{code: exitError, text: err.Error()}
	}
	return plan, nil
}

// handle runs the command with data on its standard input.
func (o *watchOptions) handle(ctx context.Context, cmd *cobra.Command, words []string, index watch.BlockingParamVal, data any) error {
	var input strings.Builder
	if err := json.NewEncoder(&input).Encode(data); err != nil {
		return err
	}
	run := process.Words(words, o.shell)
	if i, ok := index.(watch.WaitIndexVal); ok {
		run.Env = []string{"CONSUL_INDEX=" + strconv.FormatUint(uint64(i), 10)}
	}
	run.Stdin = strings.NewReader(input.String())
	run.Stdout, run.Stderr = cmd.OutOrStdout(), cmd.ErrOrStderr()
	return process.Run(ctx, run)
}

func printWatched(out io.Writer, data any) error {
	text, err := json.MarshalIndent(data, "", "    ")
	if err != nil {
		return fail("Error encoding output: %s", err)
	}
	fmt.Fprintln(out, string(text))
	return nil
}
