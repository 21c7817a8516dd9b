package cli

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"praetor/agent"
)

type raftRecoverOptions struct {
	dataDir string
	peers   list
	yes     bool
}

func newRaftRecoverCommand() *cobra.Command {
	var opts raftRecoverOptions
	cmd := &cobra.Command{
		Use:   "recover [options] -data-dir=FOLDER",
		Short: "Make a cluster of what is left when most servers are lost for good",
		Long: `For when the majority of the servers is lost and never comes back: makes a
new cluster from the data folder of a server that is left, and is stopped.

Shows what the folder holds, who stays and who goes, and what may be lost, and
asks. Nothing is changed before the answer is yes. It then keeps a copy of the
raft folder, and the next start of the server makes it the only voter. Servers
that join it afterwards get all data and their votes by themselves.

Where several servers are left, look at each of them and take the one with the
highest term, and of those the highest index. Let the others come back empty:
move raft and node-id out of their data folders. Or name them all with -peer and
do the same, with the same list, on each of them.`,
		Example: `praetor operator raft recover -data-dir=/var/lib/praetor
praetor operator raft recover -data-dir=/var/lib/praetor -yes
praetor operator raft recover -data-dir=/var/lib/praetor -peer=2d1c4b5f-a8cf-4e1c-b2c5-3a5e6f6f0a11@10.0.0.2:8300`,
		RunE: func(cmd *cobra.Command, args []string) error { return runRaftRecover(cmd, args, opts) },
	}
	fs := cmd.Flags()
	fs.StringVar(&opts.dataDir, "data-dir", "", "Data folder of the server, which must be stopped.")
	fs.Var(&opts.peers, "peer", "Another server that is left, ID@ADDRESS:PORT, to vote too. With this server's own ID: its address from now on. May be repeated.")
	fs.BoolVar(&opts.yes, "yes", false, "Do not ask.")
	return cmd
}

func runRaftRecover(cmd *cobra.Command, args []string, opts raftRecoverOptions) error {
	if err := tooManyArguments(args); err != nil {
		return err
	}
	if opts.dataDir == "" {
		return fail("Error recovering: give the server's data folder with -data-dir")
	}
	r, err := agent.OpenRecovery(opts.dataDir, hclog.New(&hclog.LoggerOptions{Output: cmd.ErrOrStderr(), Level: hclog.Warn}))
	if err != nil {
		return fail("Error recovering: %s", err)
	}
	defer r.Close()
	successors, err := r.Successors(opts.peers)
	if err != nil {
		return fail("Error recovering: %s", err)
	}
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "Server:       %s\nLast entry:   index %d, term %d%s\n\n", r.ID, r.LastIndex, r.LastTerm, written(r.LastWritten))
	rows := [][]string{{"ID", "Address", "Was", "Becomes"}}
	for _, f := range r.Fates(successors) {
		rows = append(rows, []string{f.ID, f.Address, f.Was, f.Becomes})
	}
	printColumns(cmd, rows)
	fmt.Fprintf(out, `
What other servers acknowledged after index %d is lost. What only this server
has, and nobody was told to be written, counts as written from now on.
Servers that go must never start again on the data folders they have.

`, r.LastIndex)
	if !opts.yes {
		fmt.Fprint(out, "Only \"yes\" goes on: ")
		answer, err := bufio.NewReader(io.LimitReader(cmd.InOrStdin(), maxAnswer)).ReadString('\n')
		if err != nil && err != io.EOF {
			return fail("Error reading the answer: %s", err)
		}
		if strings.TrimSpace(answer) != "yes" {
			return fail("Nothing was changed")
		}
	}
	backup, err := r.Order(successors, time.Now())
	if err != nil {
		return fail("Error recovering: %s", err)
	}
	fmt.Fprintf(out, "Kept a copy in %s\nStart the server: it recovers first. Until then, removing raft/peers.json takes the order back.\n", backup)
	return nil
}

// maxAnswer bounds what is read for a yes.
const maxAnswer = 1 << 10

// written words when the last entry was written.
func written(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return ", written " + at.UTC().Format(time.RFC3339)
}
