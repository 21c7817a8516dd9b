package cli

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"

	"github.com/spf13/cobra"
)

// gossipKeyBytes is the length of a new gossip key: AES-256.
const gossipKeyBytes = 32

func newKeygenCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "keygen",
		Short:   "Generates a new encryption key",
		Long:    "Prints a new key for gossip encryption, for the agent's -encrypt flag.",
		Example: "praetor keygen",
		RunE:    func(cmd *cobra.Command, args []string) error { return runKeygen(cmd) },
	}
}

func runKeygen(cmd *cobra.Command) error {
	key := make([]byte, gossipKeyBytes)
	rand.Read(key) // never fails (crypto/rand)
	fmt.Fprintln(cmd.OutOrStdout(), base64.StdEncoding.EncodeToString(key))
	return nil
}
