package cli

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"
)

func newServicesCommand() *cobra.Command {
	return newGroup("services", "Interact with services",
		`Registers services with the agent and removes them.

  praetor services register -name=web -port=8080
  praetor services deregister -id=web`,
		newServicesDeregisterCommand(), newServicesExportCommand(), newExportedServicesCommand(), newServicesRegisterCommand())
}

type servicesRegisterOptions struct {
	client        client
	service       api.AgentServiceRegistration
	kind          string
	tags          list
	meta          pairs
	taggedAddress pairs
}

func newServicesRegisterCommand() *cobra.Command {
	var opts servicesRegisterOptions
	cmd := &cobra.Command{
		Use:   "register [options] [FILE...]",
		Short: "Register services with the local agent",
		Long: `Registers a service given by flags, or every service in the files given (the
format of configuration files), with the agent it talks to. The agent keeps it
in the catalog until it is deregistered.`,
		Example: `praetor services register -name=web -port=8080 -tag=v1
praetor services register web.json db.hcl`,
		RunE: func(cmd *cobra.Command, args []string) error { return runServicesRegister(cmd, args, opts) },
	}
	opts.client.register(cmd)
	opts.client.registerServer(cmd)
	opts.client.registerNamespace(cmd)
	opts.client.registerPartition(cmd)
	fs, s := cmd.Flags(), &opts.service
	fs.StringVar(&s.ID, "id", "", "ID of the service; its name if unspecified.")
	fs.StringVar(&s.Name, "name", "", "Name of the service.")
	fs.StringVar(&s.Address, "address", "", "Address of the service, without a port; the agent's if unspecified.")
	fs.IntVar(&s.Port, "port", 0, "Port of the service.")
	fs.StringVar(&s.SocketPath, "socket", "", "Path of the Unix socket the service listens on.")
	fs.StringVar(&opts.kind, "kind", "", "Kind of the service.")
	fs.Var(&opts.meta, "meta", "Metadata, KEY=VALUE. May be repeated.")
	fs.Var(&opts.tags, "tag", "Tag. May be repeated.")
	fs.Var(&opts.taggedAddress, "tagged-address", "Address under a label, LABEL=ADDRESS:PORT. May be repeated.")
	return cmd
}

func runServicesRegister(cmd *cobra.Command, files []string, opts servicesRegisterOptions) error {
	var services []*api.AgentServiceRegistration
	var err error
	switch {
	case len(files) == 0 && opts.service.Name == "":
		return fail("Service registration requires at least one argument or flags.")
	case len(files) > 0 && opts.service.Name != "":
		return fail("Service registration requires arguments or -id, not both.")
	case len(files) > 0:
		services, err = readServices(files)
	default:
		services, err = serviceFromFlags(opts)
	}
	if err != nil {
		return err
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	for _, s := range services {
		if err := cl.Agent().ServiceRegister(s); err != nil {
			return fail("Error registering service %q: %s", s.Name, err)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "Registered service: %s\n", s.Name)
	}
	return nil
}

func serviceFromFlags(opts servicesRegisterOptions) ([]*api.AgentServiceRegistration, error) {
	s := opts.service
	if _, _, err := net.SplitHostPort(s.Address); err == nil {
		return nil, fail("Invalid Service address when using CLI flags. Use -port flag instead: address should not contain port")
	}
	s.Kind, s.Tags, s.Meta = api.ServiceKind(opts.kind), opts.tags, opts.meta.values
	for label, address := range opts.taggedAddress.values {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, fail("Invalid Tagged address: %s", err)
		}
		n, err := strconv.Atoi(port)
		if err != nil {
			return nil, fail("Invalid Tagged address: %s", err)
		}
		if s.TaggedAddresses == nil {
			s.TaggedAddresses = map[string]api.ServiceAddress{}
		}
		s.TaggedAddresses[label] = api.ServiceAddress{Address: host, Port: n}
	}
	return []*api.AgentServiceRegistration{&s}, nil
}

type servicesDeregisterOptions struct {
	client   client
	id       string
	anywhere bool
}

func newServicesDeregisterCommand() *cobra.Command {
	var opts servicesDeregisterOptions
	cmd := &cobra.Command{
		Use:   "deregister [options] [FILE...]",
		Short: "Deregister services with the local agent",
		Long: `Removes a service by ID, or every service in the files given, from the agent
that it was registered with.

With -anywhere it looks through the whole catalog for instances with the ID
or service name given, and has the agents that own them remove them, so that
they do not come back.`,
		Example: `praetor services deregister -id=web
praetor services deregister web.json
praetor services deregister -anywhere web`,
		RunE: func(cmd *cobra.Command, args []string) error { return runServicesDeregister(cmd, args, opts) },
	}
	opts.client.register(cmd)
	opts.client.registerServer(cmd)
	opts.client.registerNamespace(cmd)
	opts.client.registerPartition(cmd)
	cmd.Flags().StringVar(&opts.id, "id", "", "ID of the service to remove.")
	cmd.Flags().BoolVar(&opts.anywhere, "anywhere", false, "Remove all instances with this ID or service name, whatever agent owns them.")
	return cmd
}

func runServicesDeregister(cmd *cobra.Command, files []string, opts servicesDeregisterOptions) error {
	if opts.anywhere {
		return runServicesDeregisterAnywhere(cmd, files, opts)
	}
	var ids, names []string
	switch {
	case len(files) == 0 && opts.id == "":
		return fail("Service deregistration requires at least one argument or -id.")
	case len(files) > 0 && opts.id != "":
		return fail("Service deregistration requires arguments or -id, not both.")
	case opts.id != "":
		ids, names = []string{opts.id}, []string{""}
	default:
		services, err := readServices(files)
		if err != nil {
			return err
		}
		for _, s := range services {
			ids, names = append(ids, s.ID), append(names, s.Name)
		}
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	for i, id := range ids {
		if err := cl.Agent().ServiceDeregister(id); err != nil {
			return fail("Error deregistering service %q: %s", names[i], strings.TrimSpace(err.Error()))
		}
		fmt.Fprintf(cmd.OutOrStdout(), "Deregistered service: %s\n", id)
	}
	return nil
}
