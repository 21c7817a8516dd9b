package cli

import "github.com/spf13/cobra"

func newConnectCommand() *cobra.Command {
	return newGroup("connect", "Interact with Consul Connect",
		`Looks at, and changes, the service mesh.

  praetor connect ca get-config`,
		newConnectCACommand())
}
