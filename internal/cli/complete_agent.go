package cli

import (
	"context"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"
)

const (
	// wholeVariable is set by shells to which "-flag=value" is one word.
	wholeVariable = "COMP_WHOLE"
	// completionPatience is how long the agent may take to say what there is.
	completionPatience = 200 * time.Millisecond
	// maxCompletions bounds what is offered.
	maxCompletions = 500
)

// known is what an agent may be asked for: the names that begin with a text.
type known func(cl *api.Client, q *api.QueryOptions, prefix string) []string

// knownByFlag and knownByCommand say what a flag's value and a command's argument name.
var (
	knownByFlag = map[string]known{
		"datacenter": knownDatacenters, "node": knownNodes, "near": knownNodes, "service": knownServices, "key": knownKeys, "prefix": knownKeys,
	}
	knownByCommand = map[string]known{
		"kv get": knownKeys, "kv history": knownKeys, "kv undo": knownKeys, "kv put": knownKeys, "kv delete": knownKeys, "kv export": knownKeys, "lock": knownKeys,
		"force-leave": knownMembers, "rtt": knownNodes,
	}
	// knownIDs has the commands in which -id, or -service, is of the agent's own services.
	knownIDs = map[string]string{"services deregister": "id", "maint": "service"}
)

// completeValue lists what the agent knows that last, an argument or the value of a flag,
// may become.
func completeValue(cmd *cobra.Command, rest []string, last string) []string {
	path := strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
	what, begins, given := knownByCommand[path], "", last
	if flag, value, ok := strings.Cut(strings.TrimLeft(last, "-"), "="); ok && strings.HasPrefix(last, "-") {
		what, begins, given = knownOfFlag(path, flag), last[:len(last)-len(value)], value
	} else if n := len(rest); n > 0 && wantsValue(cmd, rest[n-1]) {
		what, rest = knownOfFlag(path, strings.TrimLeft(rest[n-1], "-")), rest[:n-1]
	}
	if what == nil || cmd.Flags().Lookup("http-addr") == nil {
		return nil
	}
	if err := cmd.ParseFlags(rewriteFlags(cmd, rest)); err != nil {
		return nil
	}
	cl, err := clientOf(cmd).open()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), completionPatience)
	defer cancel()
	list := what(cl, (&api.QueryOptions{AllowStale: true}).WithContext(ctx), given)
	list = slices.DeleteFunc(list, func(name string) bool { return !strings.HasPrefix(name, given) })
	slices.Sort(list)
	list = slices.Compact(list)
	if os.Getenv(wholeVariable) != "" {
		for i := range list {
			list[i] = begins + list[i]
		}
	}
	return list[:min(len(list), maxCompletions)]
}

// wantsValue reports whether a word is a flag whose value is the next word.
func wantsValue(cmd *cobra.Command, word string) bool {
	if !strings.HasPrefix(word, "-") {
		return false
	}
	flag := cmd.Flags().Lookup(strings.TrimLeft(word, "-"))
	return flag != nil && flag.NoOptDefVal == ""
}

func knownOfFlag(path, flag string) known {
	if knownIDs[path] == flag {
		return knownServiceIDs
	}
	return knownByFlag[flag]
}

// clientOf is the client that a command line asks for.
func clientOf(cmd *cobra.Command) *client {
	text := func(name string) string {
		if f := cmd.Flags().Lookup(name); f != nil {
			return f.Value.String()
		}
		return ""
	}
	return &client{
		httpAddr: text("http-addr"), token: text("token"), tokenFile: text("token-file"), caFile: text("ca-file"), caPath: text("ca-path"),
		tlsServerName: text("tls-server-name"), clientCert: text("client-cert"), clientKey: text("client-key"), datacenter: text("datacenter"),
	}
}

// knownDatacenters, as knownMembers below, asks by the raw client: the library's own
// calls take no options, and so no end.
func knownDatacenters(cl *api.Client, q *api.QueryOptions, _ string) (names []string) {
	_, _ = cl.Raw().Query("/v1/catalog/datacenters", &names, q)
	return names
}

func knownNodes(cl *api.Client, q *api.QueryOptions, _ string) (names []string) {
	list, _, _ := cl.Catalog().Nodes(q)
	for _, n := range list {
		names = append(names, n.Node)
	}
	return names
}

func knownServices(cl *api.Client, q *api.QueryOptions, _ string) []string {
	list, _, _ := cl.Catalog().Services(q)
	return slices.Collect(maps.Keys(list))
}

func knownServiceIDs(cl *api.Client, q *api.QueryOptions, _ string) []string {
	list, _ := cl.Agent().ServicesWithFilterOpts("", q)
	return slices.Collect(maps.Keys(list))
}

// knownKeys goes one folder at a time, as shells do with files.
func knownKeys(cl *api.Client, q *api.QueryOptions, prefix string) []string {
	list, _, _ := cl.KV().Keys(strings.TrimPrefix(prefix, "/"), "/", q)
	return list
}

func knownMembers(cl *api.Client, q *api.QueryOptions, _ string) (names []string) {
	var list []*api.AgentMember
	_, _ = cl.Raw().Query("/v1/agent/members", &list, q)
	for _, m := range list {
		names = append(names, m.Name)
	}
	return names
}
