package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"

	"praetor/agent"
	"praetor/internal/doctor"
)

type doctorOptions struct {
	client  client
	files   list
	dataDir string
	output  outputFormat
}

func newDoctorCommand() *cobra.Command {
	var opts doctorOptions
	cmd := &cobra.Command{
		Use:   "doctor [options] [address]",
		Short: "Examines an agent and its cluster, and says what is wrong",
		Long: `Looks at an agent, its cluster and this machine, and says in plain words what is
wrong and what to do about it. It changes nothing. With -config-dir it also
finds out why an agent does not start. The exit code is 0 if all is well, 1 if
there are warnings, and 2 if there are problems.`,
		Example: "praetor doctor\npraetor doctor 10.0.0.1:8500\npraetor doctor -config-dir=/etc/praetor.d -data-dir=/var/lib/praetor",
		RunE:    func(cmd *cobra.Command, args []string) error { return runDoctor(cmd, args, opts) },
	}
	opts.client.register(cmd)
	opts.output.register(cmd)
	opts.output.indent = "  "
	fs := cmd.Flags()
	fs.Var(&opts.files, "config-dir", "Folder of configuration files of an agent on this machine. May be given several times.")
	fs.Var(&opts.files, "config-file", "Configuration file of an agent on this machine. May be given several times.")
	fs.StringVar(&opts.dataDir, "data-dir", "", "Data folder of an agent on this machine; found by itself if the agent runs.")
	return cmd
}

func runDoctor(cmd *cobra.Command, args []string, opts doctorOptions) error {
	if err := opts.output.check(); err != nil {
		return err
	}
	if err := opts.takeAddress(args); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), doctor.Timeout)
	defer cancel()
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	return prescribe(cmd, &opts.output, doctor.Examine(ctx, doctor.Options{
		Client: cl, Address: cmp.Or(opts.client.httpAddr, os.Getenv(api.HTTPAddrEnvName)), Files: opts.files, DataDir: opts.dataDir,
		CheckTLS: agent.CheckTLS,
	}))
}

// takeAddress takes an argument as the agent's address.
func (opts *doctorOptions) takeAddress(args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case len(args) > 1 || opts.client.httpAddr != "":
		return fail("One agent is examined at a time: give one address, as an argument or with -http-addr (flags come before it)")
	}
	addr := args[0]
	if _, rest, ok := strings.Cut(addr, "://"); ok {
		addr = rest
	}
	if u, err := url.Parse("//" + addr); err != nil || u.Host == "" && !strings.HasPrefix(args[0], "unix://") {
		return fail("%q is no address of an agent: praetor doctor 10.0.0.1:8500", args[0])
	}
	if !strings.Contains(args[0], "://") && !strings.ContainsAny(addr, ":") {
		args[0] += ":8500"
	}
	opts.client.httpAddr = args[0]
	return nil
}

// prescribe prints findings and makes the worst of them the exit code.
func prescribe(cmd *cobra.Command, output *outputFormat, all []doctor.Finding) error {
	count := map[doctor.Severity]int{}
	for _, f := range all {
		count[f.Severity]++
	}
	code := exitOK
	switch {
	case count[doctor.Problem] > 0:
		code = 2
	case count[doctor.Warning] > 0:
		code = 1
	}
	if err := output.print(cmd, all, func() { printFindings(cmd.OutOrStdout(), all, count) }); err != nil {
		return err
	}
	return exit{code: code}
}

func printFindings(out io.Writer, all []doctor.Finding, count map[doctor.Severity]int) {
	paint := painter(out)
	var topics []string
	for _, f := range all {
		fmt.Fprintf(out, "%s %-11s %s\n", paint(f.Severity, fmt.Sprintf("%-7s", f.Severity)), f.About, hang(f.What))
		if f.Cure != "" {
			fmt.Fprintf(out, "%20s-> %s\n", "", hang(f.Cure))
		}
		if f.Severity >= doctor.Warning && f.Topic != "" && !slices.Contains(topics, f.Topic) {
			topics = append(topics, f.Topic)
		}
	}
	switch problems, warnings := count[doctor.Problem], count[doctor.Warning]; {
	case problems > 0:
		fmt.Fprintf(out, "\n%s, %s.\n", doctor.Plural(problems, "problem"), doctor.Plural(warnings, "warning"))
	case warnings > 0:
		fmt.Fprintf(out, "\n%s.\n", doctor.Plural(warnings, "warning"))
	default:
		fmt.Fprintln(out, "\nAll is well.")
	}
	for i, topic := range topics {
		if i == 0 {
			fmt.Fprintln(out, "More about it:")
		}
		fmt.Fprintf(out, "    praetor help %s\n", topic)
	}
}

// hang indents the lines of a text after the first.
func hang(text string) string {
	return strings.Join(wrap(text, helpWidth+8), "\n"+strings.Repeat(" ", 20))
}

// painter colours severities on a terminal, unless NO_COLOR is set (no-color.org).
func painter(out io.Writer) func(s doctor.Severity, text string) string {
	if !isTerminal(out) || os.Getenv("NO_COLOR") != "" {
		return func(_ doctor.Severity, text string) string { return text }
	}
	colours := [...]string{"\x1b[32m", "\x1b[36m", "\x1b[33m", "\x1b[31m"}
	return func(s doctor.Severity, text string) string { return colours[s] + text + "\x1b[0m" }
}
