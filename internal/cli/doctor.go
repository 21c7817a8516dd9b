package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"
)

// doctorTimeout bounds the whole examination, however many members are dead.
const doctorTimeout = 15 * time.Second

type doctorOptions struct {
	client  client
	files   list
	dataDir string
	format  string
}

func newDoctorCommand() *cobra.Command {
	var opts doctorOptions
	cmd := &cobra.Command{
		Use:   "doctor [options]",
		Short: "Examines an agent and its cluster, and says what is wrong",
		Long: `Looks at an agent, its cluster and this machine, and says in plain words what is
wrong and what to do about it. It changes nothing. With -config-dir it also
finds out why an agent does not start. The exit code is 0 if all is well, 1 if
there are warnings, and 2 if there are problems.`,
		Example: "praetor doctor\npraetor doctor -http-addr=10.0.0.1:8500\npraetor doctor -config-dir=/etc/praetor.d -data-dir=/var/lib/praetor",
		RunE:    func(cmd *cobra.Command, args []string) error { return runDoctor(cmd, opts) },
	}
	opts.client.register(cmd)
	fs := cmd.Flags()
	fs.Var(&opts.files, "config-dir", "Folder of configuration files of an agent on this machine. May be given several times.")
	fs.Var(&opts.files, "config-file", "Configuration file of an agent on this machine. May be given several times.")
	fs.StringVar(&opts.dataDir, "data-dir", "", "Data folder of an agent on this machine; found by itself if the agent runs.")
	fs.StringVar(&opts.format, "format", "pretty", "Output format: pretty or json.")
	return cmd
}

// grade is how bad a finding is.
type grade int

const (
	fine grade = iota
	note
	warning
	problem
)

var gradeNames = [...]string{"ok", "note", "warning", "problem"}

// MarshalText implements encoding.TextMarshaler.
func (g grade) MarshalText() ([]byte, error) { return []byte(gradeNames[g]), nil }

// finding is one thing that was seen, and what to do about it.
type finding struct {
	Grade grade
	About string
	Seen  string
	Do    string `json:",omitempty"`
}

// chart gathers the findings of one examination.
type chart struct {
	about string
	list  []finding
}

func (c *chart) add(g grade, do, seen string, args ...any) {
	c.list = append(c.list, finding{g, c.about, fmt.Sprintf(seen, args...), do})
}

// patient is an agent that answers.
type patient struct {
	cl      *api.Client
	host    string // where it answers
	self    agentFacts
	members []*api.AgentMember // of the LAN pool
	dataDir string             // "" if it is not on this machine
}

// exam is one part of the examination. It ends with ctx.
type exam struct {
	about string
	look  func(ctx context.Context, p *patient, c *chart)
	// asksServers tells that there is nothing to see without a server: that there
	// is none is said once, by others.
	asksServers bool
}

var exams = []exam{
	{"join", examineJoin, false}, {"leader", examineRaft, false}, {"members", examineMembers, false}, {"ports", examinePorts, false},
	{"clocks", examineClocks, false}, {"encryption", examineKeys, true}, {"certificate", examineCertificate, false}, {"disk", examineDisk, false},
	{"requests", examineRequests, false}, {"dns", examineDNS, true}, {"catalog", examineCatalog, true}, {"services", examineServices, true},
}

func runDoctor(cmd *cobra.Command, opts doctorOptions) error {
	if opts.format != "pretty" && opts.format != "json" {
		return fail("Unknown format: %s", opts.format)
	}
	ctx, cancel := context.WithTimeout(context.Background(), doctorTimeout)
	defer cancel()
	var charts []*chart
	p, reach := meet(opts)
	charts = append(charts, reach)
	if len(opts.files) > 0 || p == nil && opts.dataDir != "" {
		charts = append(charts, examineFiles(opts, p != nil)...)
	}
	if p != nil {
		charts = append(charts, examine(ctx, p)...)
	}
	var all []finding
	for _, c := range charts {
		all = append(all, c.list...)
	}
	slices.SortStableFunc(all, func(a, b finding) int { return int(b.Grade - a.Grade) })
	return prescribe(cmd, opts.format, all)
}

// examine runs all examinations at once.
func examine(ctx context.Context, p *patient) []*chart {
	charts := make([]*chart, len(exams))
	var running sync.WaitGroup
	for i, e := range exams {
		charts[i] = &chart{about: e.about}
		if e.asksServers && !knowsServer(p) {
			continue
		}
		running.Go(func() { e.look(ctx, p, charts[i]) })
	}
	running.Wait()
	return charts
}

// prescribe prints findings and makes the worst of them the exit code.
func prescribe(cmd *cobra.Command, format string, all []finding) error {
	count := map[grade]int{}
	for _, f := range all {
		count[f.Grade]++
	}
	code := exitOK
	switch {
	case count[problem] > 0:
		code = 2
	case count[warning] > 0:
		code = 1
	}
	out := cmd.OutOrStdout()
	if format == "json" {
		text, err := json.MarshalIndent(all, "", "  ")
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s\n", text)
		return exit{code: code}
	}
	paint := painter(out)
	for _, f := range all {
		fmt.Fprintf(out, "%s %-11s %s\n", paint(f.Grade, fmt.Sprintf("%-7s", gradeNames[f.Grade])), f.About, hang(f.Seen))
		if f.Do != "" {
			fmt.Fprintf(out, "%20s-> %s\n", "", hang(f.Do))
		}
	}
	switch code {
	case exitOK:
		fmt.Fprintln(out, "\nAll is well.")
	case 1:
		fmt.Fprintf(out, "\n%s.\n", plural(count[warning], "warning"))
	default:
		fmt.Fprintf(out, "\n%s, %s.\n", plural(count[problem], "problem"), plural(count[warning], "warning"))
	}
	return exit{code: code}
}

// hang indents the lines of a text after the first.
func hang(text string) string {
	return strings.Join(wrap(text, helpWidth+8), "\n"+strings.Repeat(" ", 20))
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// painter colours grades on a terminal, unless NO_COLOR is set (no-color.org).
func painter(out any) func(g grade, text string) string {
	plain := func(_ grade, text string) string { return text }
	file, ok := out.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" {
		return plain
	}
	if info, err := file.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return plain
	}
	colours := [...]string{"\x1b[32m", "\x1b[36m", "\x1b[33m", "\x1b[31m"}
	return func(g grade, text string) string { return colours[g] + text + "\x1b[0m" }
}

// few names some of a list.
func few(names []string) string {
	const most = 5
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
