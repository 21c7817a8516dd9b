package cli

import (
	"cmp"
	"fmt"
	"strconv"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"
)

func newOperatorRaftCommand() *cobra.Command {
	return addParseLine(newGroup("raft", "Provides cluster-level tools for Consul operators",
		`Looks at, and changes, the Raft configuration: the servers that vote on every
write.

  praetor operator raft list-peers
  praetor operator raft transfer-leader
  praetor operator raft remove-peer -address=10.0.0.3:8300
  praetor operator raft recover -data-dir=/var/lib/praetor`,
		newRaftListPeersCommand(), newRaftRemovePeerCommand(), newRaftTransferLeaderCommand(), newRaftRecoverCommand()))
}

type raftListPeersOptions struct {
	client client
	output outputFormat
}

func newRaftListPeersCommand() *cobra.Command {
	var opts raftListPeersOptions
	cmd := &cobra.Command{
		Use:     "list-peers [options]",
		Short:   "Display the current Raft peer configuration",
		Long:    "Lists the servers of the Raft configuration, who leads, and how far the others are behind.",
		Example: "praetor operator raft list-peers\npraetor operator raft list-peers -stale",
		RunE:    func(cmd *cobra.Command, args []string) error { return runRaftListPeers(cmd, opts) },
	}
	opts.client.register(cmd)
	opts.client.registerServer(cmd)
	opts.output.register(cmd)
	return cmd
}

func runRaftListPeers(cmd *cobra.Command, opts raftListPeersOptions) error {
	if err := opts.output.check(); err != nil {
		return err
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	config, err := cl.Operator().RaftGetConfiguration(opts.client.query())
	if err != nil {
		return fail("Error getting peers: Failed to retrieve raft configuration: %s", err)
	}
	return opts.output.print(cmd, config, func() { printColumns(cmd, peerRows(config.Servers)) })
}

func peerRows(servers []*api.RaftServer) [][]string {
	rows := [][]string{{"Node", "ID", "Address", "State", "Voter", "RaftProtocol", "Commit Index", "Trails Leader By"}}
	var leader uint64
	for _, s := range servers {
		if s.Leader {
			leader = s.LastIndex
		}
	}
	for _, s := range servers {
		state, trails := "leader", "-"
		if !s.Leader {
			state, trails = "follower", trailing(leader, s.LastIndex)
		}
		rows = append(rows, []string{
			s.Node, s.ID, s.Address, state, strconv.FormatBool(s.Voter),
			cmp.Or(s.ProtocolVersion, "unknown"), strconv.FormatUint(s.LastIndex, 10), trails,
		})
	}
	return rows
}

// trailing words how far a follower is behind. One that was asked later than
// the leader may be ahead of what that said.
func trailing(leader, follower uint64) string {
	n := leader - min(leader, follower)
	if n == 1 {
		return "1 commit"
	}
	return fmt.Sprintf("%d commits", n)
}

type raftRemovePeerOptions struct {
	client  client
	address string
	id      string
}

func newRaftRemovePeerCommand() *cobra.Command {
	var opts raftRemovePeerOptions
	cmd := &cobra.Command{
		Use:   "remove-peer [options]",
		Short: "Remove a Consul server from the Raft configuration",
		Long: `Takes a server out of the Raft configuration, by its address or its ID. For
servers that are gone: one that lives is added again within a minute.`,
		Example: `praetor operator raft remove-peer -address=10.0.0.3:8300
praetor operator raft remove-peer -id=2d1c4b5f-a8cf-4e1c-b2c5-3a5e6f6f0a11`,
		RunE: func(cmd *cobra.Command, args []string) error { return runRaftRemovePeer(cmd, opts) },
	}
	opts.client.register(cmd)
	opts.client.registerServer(cmd)
	cmd.Flags().StringVar(&opts.address, "address", "", "Address of the server to remove, IP:PORT.")
	cmd.Flags().StringVar(&opts.id, "id", "", "ID of the server to remove.")
	return cmd
}

func runRaftRemovePeer(cmd *cobra.Command, opts raftRemovePeerOptions) error {
	switch {
	case opts.address == "" && opts.id == "":
		return fail("Error removing peer: an address or id is required for the peer to remove")
	case opts.address != "" && opts.id != "":
		return fail("Error removing peer: cannot give both an address and id")
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	if opts.address != "" {
		if err := cl.Operator().RaftRemovePeerByAddress(opts.address, nil); err != nil {
			return fail("Error removing peer: %s", err)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "Removed peer with address %q\n", opts.address)
		return nil
	}
	if err := cl.Operator().RaftRemovePeerByID(opts.id, nil); err != nil {
		return fail("Error removing peer: %s", err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Removed peer with id %q\n", opts.id)
	return nil
}

type raftTransferLeaderOptions struct {
	client client
	id     string
}

func newRaftTransferLeaderCommand() *cobra.Command {
	var opts raftTransferLeaderOptions
	cmd := &cobra.Command{
		Use:     "transfer-leader [options]",
		Short:   "Transfer raft leadership to another node",
		Long:    "Makes another server lead: the one with the ID given, or the most current one.",
		Example: "praetor operator raft transfer-leader",
		RunE:    func(cmd *cobra.Command, args []string) error { return runRaftTransferLeader(cmd, opts) },
	}
	opts.client.register(cmd)
	opts.client.registerServer(cmd)
	cmd.Flags().StringVar(&opts.id, "id", "", "ID of the server that shall lead.")
	return cmd
}

func runRaftTransferLeader(cmd *cobra.Command, opts raftTransferLeaderOptions) error {
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	done, err := cl.Operator().RaftLeaderTransfer(opts.id, opts.client.query())
	if err != nil {
		return fail("Error transfering leadership: Failed to transfer leadership %s", err)
	}
	if !done.Success {
		return fail("Error transfering leadership: Failed to transfer leadership")
	}
	fmt.Fprintln(cmd.OutOrStdout(), "Success")
	return nil
}
