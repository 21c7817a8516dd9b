package cli

import (
	"fmt"
	"strconv"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"
)

func newOperatorBackupCommand() *cobra.Command {
	return newGroup("backup", "Looks at the backups that the servers take",
		`The leader takes backups where "backups" in the servers' configuration says so.

  praetor operator backup status
  praetor operator backup now`,
		newBackupNowCommand(), newBackupStatusCommand())
}

type operatorBackupOptions struct {
	client client
	output outputFormat
}

func newBackupStatusCommand() *cobra.Command {
	var opts operatorBackupOptions
	cmd := &cobra.Command{
		Use:     "status [options]",
		Short:   "Display when the last backup was taken, and how the last one went",
		Long:    "Tells where backups go, which was the last, when the next is due, and what failed since.",
		Example: "praetor operator backup status\npraetor operator backup status -format=json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return runOperatorBackup(cmd, args, opts, func(cl *api.Client, out any) error {
				_, err := cl.Raw().Query(backupPath, out, opts.client.query())
				return err
			})
		},
	}
	opts.register(cmd)
	return cmd
}

func newBackupNowCommand() *cobra.Command {
	var opts operatorBackupOptions
	cmd := &cobra.Command{
		Use:     "now [options]",
		Short:   "Take a backup now",
		Long:    "Has the leader take a backup where its configuration says, and waits for it. The next one is due an interval later.",
		Example: "praetor operator backup now",
		RunE: func(cmd *cobra.Command, args []string) error {
			return runOperatorBackup(cmd, args, opts, func(cl *api.Client, out any) error {
				_, err := cl.Raw().Write(backupPath, nil, out, nil)
				return err
			})
		},
	}
	opts.register(cmd)
	return cmd
}

func (o *operatorBackupOptions) register(cmd *cobra.Command) {
	o.client.register(cmd)
	o.client.registerServer(cmd)
	o.output.register(cmd)
}

const backupPath = "/v1/operator/backup"

// backupState is the answer of the endpoint.
type backupState struct {
	Configured         bool
	Target             string
	Interval           string
	Retain             int
	Encrypted, Running bool
	Last               *struct {
		Name  string
		Time  time.Time
		Index uint64
		Bytes int64
		Took  string
	}
	Next     time.Time
	Failures int
	Failure  string
	FailedAt *time.Time
}

func runOperatorBackup(cmd *cobra.Command, args []string, opts operatorBackupOptions, ask func(cl *api.Client, out any) error) error {
	if err := tooManyArguments(args); err != nil {
		return err
	}
	if err := opts.output.check(); err != nil {
		return err
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	var state backupState
	if err := ask(cl, &state); err != nil {
		return fail("Error asking for the backups: %s", err)
	}
	return opts.output.print(cmd, state, func() { state.print(cmd) })
}

func (s *backupState) print(cmd *cobra.Command) {
	if !s.Configured {
		fmt.Fprintln(cmd.OutOrStdout(), `The servers take no backups: set "backups" in their configuration.`)
		return
	}
	rows := [][]string{{"Target", s.Target}, {"Interval", s.Interval}, {"Retain", strconv.Itoa(s.Retain)}, {"Encrypted", strconv.FormatBool(s.Encrypted)}}
	if s.Last == nil {
		rows = append(rows, []string{"Last", "none yet"})
	} else {
		rows = append(rows, []string{"Last", s.Last.Name}, []string{"Taken", s.Last.Time.Format(time.RFC3339)})
		if s.Last.Bytes > 0 { // else another leader took it
			rows = append(rows, []string{"Size", byteText(int(s.Last.Bytes))}, []string{"Index", strconv.FormatUint(s.Last.Index, 10)}, []string{"Took", s.Last.Took})
		}
	}
	if s.Running {
		rows = append(rows, []string{"Next", "running"})
	} else {
		rows = append(rows, []string{"Next", s.Next.Format(time.RFC3339)})
	}
	if s.Failures > 0 && s.FailedAt != nil {
		rows = append(rows, []string{"Failures", strconv.Itoa(s.Failures)}, []string{"Failed", s.FailedAt.Format(time.RFC3339)}, []string{"Error", s.Failure})
	}
	printTabs(cmd, rows)
}
