package cli

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// What the public Consul image promises those who run it.
const (
	imageData   = "/consul/data"
	imageConfig = "/consul/config"
	imageUID    = 100
	imageGID    = 1000
)

// newDockerEntrypointCommand is what our images start: it does what the public image's
// script does, and needs no shell.
func newDockerEntrypointCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "docker-entrypoint [command] [args]",
		Short: "Starts what a container was told to run",
		Long: `Runs a command as the public Consul image does: an agent gets /consul/data and
/consul/config, the environment says more (CONSUL_LOCAL_CONFIG, CONSUL_BIND_INTERFACE,
CONSUL_CLIENT_INTERFACE, CONSUL_DISABLE_PERM_MGMT), and root becomes user 100.`,
		Example:            "praetor docker-entrypoint agent -server -bootstrap-expect=3",
		Hidden:             true,
		DisableFlagParsing: true,
		RunE:               runDockerEntrypoint,
	}
}

func runDockerEntrypoint(cmd *cobra.Command, args []string) error {
	args, own, err := containerCommand(cmd.Root(), args, os.Getenv, interfaceAddress)
	if err != nil {
		return fail("==> %s", err)
	}
	if !own {
		return fail("==> %s", replaceProcess(args)) // it only returns with an error
	}
	if args[0] == "agent" {
		if err := writeLocalConfig(os.Getenv); err != nil {
			return fail("==> %s", err)
		}
	}
	if os.Getenv("CONSUL_DISABLE_PERM_MGMT") == "" {
		if err := becomeImageUser(cmp.Or(os.Getenv("CONSUL_DATA_DIR"), imageData), cmp.Or(os.Getenv("CONSUL_CONFIG_DIR"), imageConfig)); err != nil {
			return fail("==> %s; CONSUL_DISABLE_PERM_MGMT=1 leaves users and owners as they are", err)
		}
	}
	if code := Main(append([]string{cmd.Root().Name()}, args...), cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()); code != exitOK {
		return exit{code: code}
	}
	return nil
}

// containerCommand is what a container's command means. Own reports that it is a command
// line of ours; else it names another program.
func containerCommand(root *cobra.Command, words []string, env func(string) string, address func(string) (string, error)) (args []string, own bool, err error) {
	if len(words) > 0 && (words[0] == "consul" || words[0] == "praetor") {
		if words = words[1:]; len(words) == 0 {
			return []string{"--help"}, true, nil
		}
	}
	switch {
	case len(words) == 0 || strings.HasPrefix(words[0], "-") && !isVersionFlag(words[0]) && !wantsHelp(words[:1]):
		words = append([]string{"agent"}, words...) // flags alone are the agent's
	case strings.HasPrefix(words[0], "-"):
		return words, true, nil
	case find(root, words[0]) == nil:
		return words, false, nil
	}
	if words[0] != "agent" {
		return words, true, nil
	}
	args = []string{"agent", "-data-dir=" + cmp.Or(env("CONSUL_DATA_DIR"), imageData), "-config-dir=" + cmp.Or(env("CONSUL_CONFIG_DIR"), imageConfig)}
	for _, flag := range []struct{ name, variable string }{{"-bind=", "CONSUL_BIND_INTERFACE"}, {"-client=", "CONSUL_CLIENT_INTERFACE"}} {
		if name := env(flag.variable); name != "" {
			ip, err := address(name)
			if err != nil {
				return nil, false, fmt.Errorf("%s: %w", flag.variable, err)
			}
			args = append(args, flag.name+ip)
		}
	}
	return append(args, words[1:]...), true, nil
}

// interfaceAddress is the first address of an interface, IPv4 if there is one.
func interfaceAddress(name string) (string, error) {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return "", fmt.Errorf("no interface %q here: the interfaces are %s", name, interfaceNames())
	}
	addrs, err := i.Addrs()
	if err != nil {
		return "", err
	}
	other := ""
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		switch {
		case !ok || n.IP.IsLinkLocalUnicast():
		case n.IP.To4() != nil:
			return n.IP.String(), nil
		case other == "":
			other = n.IP.String()
		}
	}
	if other == "" {
		return "", fmt.Errorf("interface %q has no address", name)
	}
	return other, nil
}

func interfaceNames() string {
	list, _ := net.Interfaces() // a hint: none will do
	var names []string
	for _, i := range list {
		names = append(names, i.Name)
	}
	return strings.Join(names, ", ")
}

// writeLocalConfig puts the configuration of the environment beside the files of the image.
// It may hold keys and tokens.
func writeLocalConfig(env func(string) string) error {
	text := env("CONSUL_LOCAL_CONFIG")
	if text == "" {
		return nil
	}
	file := filepath.Join(cmp.Or(env("CONSUL_CONFIG_DIR"), imageConfig), "local.json")
	if err := os.WriteFile(file, []byte(text), 0o640); err != nil {
		return fmt.Errorf("CONSUL_LOCAL_CONFIG: %w", err)
	}
	return chownToImageUser(file)
}

// becomeImageUser gives folders to the image's user and goes on as that. It does nothing
// where somebody else than root started it.
func becomeImageUser(folders ...string) error {
	if os.Getuid() != 0 {
		return nil
	}
	for _, dir := range folders {
		if err := chownToImageUser(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return dropRoot(imageUID, imageGID)
}

// chownToImageUser does nothing where it may not.
func chownToImageUser(path string) error {
	if os.Getuid() != 0 || os.Getenv("CONSUL_DISABLE_PERM_MGMT") != "" {
		return nil
	}
	return os.Chown(path, imageUID, imageGID)
}
