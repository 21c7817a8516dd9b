package cli

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/mod/semver"

	"praetor/agent"
)

func newUpgradeCommand() *cobra.Command {
	return newGroup("upgrade", "Looks at data folders before another version runs on them",
		`What another version would find in the data folder of an agent.

  praetor upgrade check -data-dir=/var/lib/praetor`,
		newUpgradeCheckCommand())
}

func newUpgradeCheckCommand() *cobra.Command {
	var dataDir string
	cmd := &cobra.Command{
		Use:   "check [options] -data-dir=FOLDER",
		Short: "Say how a data folder is written, and whether this version reads it",
		Long: `Says how the parts of the data folder of an agent are written, since which
version each is known, and whether this program reads them. It tries what a start
would do, in memory: the newest snapshot is restored, and the commands of the log
are applied. Nothing is changed. The agent must be stopped, or the folder a copy.

Before an upgrade, run the new program's "upgrade check"; before a step back,
the old one's. It ends with code 0 if the program would start on the folder, with 2
if a newer version wrote what it does not read, and with 1 if that cannot be told.`,
		Example: `praetor upgrade check -data-dir=/var/lib/praetor
./praetor-old upgrade check -data-dir=/var/lib/praetor`,
		RunE: func(cmd *cobra.Command, args []string) error { return runUpgradeCheck(cmd, args, dataDir) },
	}
	cmd.Flags().StringVar(&dataDir, "data-dir", "", "Data folder of the agent, which must be stopped.")
	return cmd
}

func runUpgradeCheck(cmd *cobra.Command, args []string, dataDir string) error {
	if err := tooManyArguments(args); err != nil {
		return err
	}
	if dataDir == "" {
		return misused("Error checking: give the agent's data folder with -data-dir")
	}
	forms, err := agent.ReadForms(dataDir)
	if err != nil {
		return fail("Error checking: %s", err)
	}
	rows := [][]string{{"Part", "Written as", "Known since", "Read by " + agent.ThisVersion()}}
	var newer error
	for _, f := range forms {
		since, read := f.Since, "yes"
		if f.Newer != nil {
			since, read = "-", "no"
			if newer == nil {
				newer = f.Newer
			}
		}
		rows = append(rows, []string{f.Part, f.Is, since, read})
	}
	printColumns(cmd, rows)
	if newer != nil {
		return exit{code: 2, text: fmt.Sprintf("%s does not start on this folder: %s", agent.ThisVersion(), newer)}
	}
	fmt.Fprintf(cmd.OutOrStdout(), "\n%[1]s starts on this folder as it is. So does every version since %[2]s, until a newer one has written what only it knows.\n",
		agent.ThisVersion(), oldestReader(forms))
	return nil
}

// oldestReader is the oldest version that knows all parts.
func oldestReader(forms []agent.Form) string {
	newest := slices.MaxFunc(forms, func(a, b agent.Form) int { return semver.Compare("v"+a.Since, "v"+b.Since) })
	return newest.Since
}
