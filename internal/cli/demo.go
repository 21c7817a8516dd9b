package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"

	"praetor/agent"
	"praetor/agent/config"
	"praetor/internal/logging"
)

// demoStart is how long the cluster may take to be complete.
const demoStart = time.Minute

func newDemoCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "demo [options]",
		Short: "Runs a whole cluster to try things with",
		Long: `Runs three servers and a client agent with sample services, one of them broken, in
this one process on 127.0.0.1, and says what to look at. The client has the usual
ports. Ctrl-C stops it, and nothing is left.`,
		Example: "praetor demo",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fail("demo takes no arguments: praetor demo")
			}
			return runDemo(cmd, dir)
		},
	}
	cmd.Flags().StringVar(&dir, "keep", "", "Keep the data and the log in this new folder, to look at them afterwards.")
	return cmd
}

// runDemo runs until a signal, or until an agent ends by itself.
func runDemo(cmd *cobra.Command, dir string) (err error) {
	parent := cmd.Context()
	ctx, stop := untilInterrupted(parent)
	defer stop()
	if dir == "" {
		if dir, err = os.MkdirTemp("", "praetor-demo"); err != nil {
			return fail("Error making a folder for its data: %s", err)
		}
		defer os.RemoveAll(dir)
	} else if err := os.Mkdir(dir, 0o700); err != nil {
		return fail("Error making the folder: %s", err)
	}
	out := cmd.OutOrStdout()
	fmt.Fprintln(out, "==> Starting three servers and a client...")
	d := &demo{dir: dir, ended: make(chan error, 4)}
	defer d.close()
	if err := d.start(ctx); err != nil {
		return fail("==> %s", err)
	}
	if err := d.fill(ctx); err != nil {
		if ctx.Err() != nil && parent.Err() == nil {
			return nil // stopped while it started
		}
		return fail("==> The cluster did not come up: %s", err)
	}
	d.guide(out, cmd.Root().Name())
	select {
	case <-ctx.Done():
		fmt.Fprintln(out, "\n==> Stopping; nothing of it is left.")
		return nil
	case err := <-d.ended:
		return fail("==> An agent ended: %v", err)
	}
}

var errAskedToLeave = errors.New("it was asked to leave")

// demo is a cluster in this process.
type demo struct {
	dir    string
	rt     *config.Runtime // of the client
	client *api.Client
	web    string // where the sample service answers
	ended  chan error
	undo   []func() // in the order of starting
}

func (d *demo) close() {
	for i := len(d.undo) - 1; i >= 0; i-- {
		d.undo[i]()
	}
}

// demoBase is where the servers' ports begin, ten each; the client has the usual ones.
const demoBase = 18300

func (d *demo) start(ctx context.Context) error {
	logger, err := logging.Open(logging.Options{Level: "INFO", Output: io.Discard, File: filepath.Join(d.dir, "log")})
	if err != nil {
		return err
	}
	d.undo = append(d.undo, func() { logger.Close() })
	for i := range 4 {
		name, ports := "client-1", "ports { serf_wan = -1 grpc = -1 grpc_tls = -1 }"
		if i < 3 {
			name = fmt.Sprintf("server-%d", i+1)
			at := demoBase + 10*i
			ports = fmt.Sprintf("server = true bootstrap_expect = 3 ports { server = %d serf_lan = %d serf_wan = -1 http = %d dns = -1 grpc = -1 grpc_tls = -1 }", at, at+1, at+5)
		}
		text := fmt.Sprintf(`node_name = %q data_dir = %q bind_addr = "127.0.0.1" client_addr = "127.0.0.1" disable_host_node_id = true
			retry_join = ["127.0.0.1:%d"] retry_interval = "1s" leave_on_terminate = false ui_config { enabled = true }`, name, filepath.Join(d.dir, name), demoBase+1)
		rt, _, err := config.Load(&config.Flags{HCL: []string{text, ports}})
		if err != nil {
			return err
		}
		node, err := agent.Open(ctx, agent.Options{Runtime: rt, Logger: logger})
		if err != nil {
			return fmt.Errorf("%s: %w\nThe client needs the usual ports: does another agent run here? praetor doctor", name, err)
		}
		running, halt := context.WithCancel(context.WithoutCancel(ctx))
		done := make(chan struct{})
		go func() { // waited for by what undoes it
			defer close(done)
			if err := node.Run(running); running.Err() == nil {
				d.ended <- fmt.Errorf("%s: %w", name, cmp.Or(err, errAskedToLeave))
			}
		}()
		d.undo = append(d.undo, func() { halt(); <-done; node.Close() })
		d.rt = rt
	}
	settings := api.DefaultNonPooledConfig()
	settings.Address, settings.Scheme, settings.Token = d.rt.HTTPAddrs[0].String(), "http", ""
	d.client, err = api.NewClient(settings)
	return err
}

// fill waits for the cluster and registers what there is to see.
func (d *demo) fill(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, demoStart)
	defer cancel()
	if err := d.complete(ctx); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	d.web = listener.Addr().String()
	page := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "A sample page of praetor demo.") })}
	go page.Serve(listener) // ends with Close
	d.undo = append(d.undo, func() { page.Close() })
	port := listener.Addr().(*net.TCPAddr).Port
	for _, s := range []*api.AgentServiceRegistration{
		{Name: "web", ID: "web-1", Port: port, Tags: []string{"v1"}, Check: &api.AgentServiceCheck{Name: "answers", HTTP: "http://" + d.web, Interval: "5s"}},
		{Name: "web", ID: "web-2", Port: port, Tags: []string{"v2"}, Check: &api.AgentServiceCheck{Name: "answers", HTTP: "http://" + d.web, Interval: "5s"}},
		{Name: "db", Port: port, Meta: map[string]string{"role": "primary"}, Check: &api.AgentServiceCheck{Name: "port is open", TCP: d.web, Interval: "5s"}},
		// Port 1 is nobody's: this one is broken.
		{Name: "billing", Port: 1, Check: &api.AgentServiceCheck{Name: "answers", HTTP: "http://127.0.0.1:1/health", Interval: "5s"}},
	} {
		s.Address = "127.0.0.1"
		if err := d.client.Agent().ServiceRegisterOpts(s, api.ServiceRegisterOpts{}.WithContext(ctx)); err != nil {
			return err
		}
	}
	for key, value := range map[string]string{"app/color": "blue", "app/limits/requests": "100"} {
		if _, err := d.client.KV().Put(&api.KVPair{Key: key, Value: []byte(value)}, (&api.WriteOptions{}).WithContext(ctx)); err != nil {
			return err
		}
	}
	return nil
}

// complete waits until the servers know all four nodes.
func (d *demo) complete(ctx context.Context) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		nodes, _, err := d.client.Catalog().Nodes((&api.QueryOptions{}).WithContext(ctx))
		if len(nodes) == 4 {
			return nil
		}
		if last = err; last == nil {
			last = fmt.Errorf("%d of 4 agents are there", len(nodes))
		}
		select {
		case <-ctx.Done():
			return last
		case err := <-d.ended:
			return err
		case <-tick.C:
		}
	}
}

// guide says what to look at.
func (d *demo) guide(out io.Writer, name string) {
	at := d.rt.HTTPAddrs[0]
	var dig string
	if len(d.rt.DNSAddrs) > 0 {
		dig = fmt.Sprintf("dig @%s -p %d web.service.consul SRV   # where web answers; billing is broken and has no answer\n    ", d.rt.DNSAddrs[0].Addr(), d.rt.DNSAddrs[0].Port())
	}
	fmt.Fprintf(out, `==> Three servers and a client run in this process. Look at it in the browser:

    http://%[2]s/ui/

==> or in another terminal:

    %[1]s top                                          # all of it, as it changes
    %[1]s members
    %[1]s catalog services
    %[3]scurl 'http://%[2]s/v1/health/service/web?passing'
    %[1]s kv get -recurse app/
    %[1]s operator raft list-peers
    %[1]s doctor                                       # names what is wrong

Data and log: %[4]s
Ctrl-C stops it.
`, name, at, dig, d.dir)
}
