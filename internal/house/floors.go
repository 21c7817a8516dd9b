package house

import (
	"slices"
	"strings"
)

// room is one package of the house, by its path in the module.
type room struct {
	path string
	may  []string // what it may import of the module; "agent/..." includes what is below agent
	why  string   // the rule in words
}

// leaves are floor 0: they import each other at most, and anybody may import them.
var leaves = []string{
	"docs",
	"internal/acl",
	"internal/acl/builtin",
	"internal/acl/rules",
	"internal/archive",
	"internal/backup",
	"internal/budget",
	"internal/cache",
	"internal/configentry",
	"internal/disk",
	"internal/durable",
	"internal/fakes3",
	"internal/fault",
	"internal/house",
	"internal/licenses",
	"internal/linear",
	"internal/life",
	"internal/logging",
	"internal/memdb",
	"internal/memnet",
	"internal/mesh",
	"internal/msgreflect",
	"internal/pattern",
	"internal/pki",
	"internal/process",
	"internal/regular",
	"internal/rounds",
	"internal/shape",
	"internal/structhash",
	"internal/telemetry",
	"internal/tlsconf",
	"internal/userevent",
	"internal/version",
}

// testTools may be imported by tests only, and by each other.
var testTools = []string{"internal/fakes3", "internal/house", "internal/linear", "internal/memnet", "internal/testcluster", "internal/testkernel"}

// rooms is the table of design §1, from the top down. The leaves follow from
// their own list.
var rooms = []room{
	{"cmd/praetor", []string{"internal/cli"}, "main only starts the CLI"},
	{"internal/cli", with(leaves, "agent", "agent/config", "internal/consulstate", "internal/doctor", "internal/top", "catalog"),
		"commands import agent, agent/config, doctor, top, the types of catalog, consulstate, leaves and the public client only"},
	{"internal/bench", nil, "the benchmark drives the built binary: it imports nothing of the house"},
	{"internal/mutate", nil, "mutate judges tests from outside: it imports nothing of the house"},
	{"internal/top", nil, "the view in the terminal asks over the public client: it imports nothing of the house"},
	{"internal/release", []string{"internal/licenses"}, "a release is made of the built program: it imports the licences only"},
	{"internal/testcluster", with(leaves, "agent/...", "httpapi", "dnsserver", "internal/grpcapi", "internal/httpserver", "ui", "internal/definition", "internal/leaf", "internal/ops", "internal/view", "internal/rpc", "raftstore", "gossip", "catalog"),
		"the test cluster imports anything but internal/cli"},
	{"internal/testkernel", with(serverRoom, "agent/server/kernel"), "the kernel for tests imports the kernel only"},
	{"agent", with(leaves, "agent/...", "httpapi", "dnsserver", "internal/doctor", "internal/grpcapi", "internal/httpserver", "ui", "internal/definition", "internal/leaf", "internal/ops", "internal/view", "internal/rpc", "raftstore", "gossip", "catalog"),
		"the agent imports what is below it only"},
	{"httpapi", with(frontDoor, "httpapi/wire", "internal/httpserver"), "front doors import ops, view, rpc, catalog only"},
	{"httpapi/wire", frontDoor, "encoders import what front doors do"},
	{"dnsserver", frontDoor, "front doors import ops, view, rpc, catalog only"},
	{"internal/grpcapi", frontDoor, "front doors import ops, view, rpc, catalog only"},
	{"ui", nil, "the web UI imports nothing of the house"},
	{"agent/server", with(serverRoom, "agent/server/...", "internal/consulstate", "internal/definition"),
		"the server half imports its rooms, definition, raftstore, gossip, ops, rpc, catalog only"},
	{"agent/server/operator", with(serverRoom, "agent/server/kernel", "agent/server/duty"), "what operators ask imports the kernel and the duties"},
	{"agent/server/acls", with(serverRoom, "agent/server/kernel"), "access rules import the kernel only"},
	{"agent/server/ca", with(serverRoom, "agent/server/kernel"), "the authority of the mesh imports the kernel only"},
	{"agent/server/query", with(serverRoom, "agent/server/kernel"), "prepared queries import the kernel only"},
	{"agent/server/duty", with(serverRoom, "agent/server/kernel"), "duties import the kernel only: no handler"},
	{"agent/server/kernel", serverRoom, "the kernel imports no other room of the server"},
	{"agent/local", with(leaves, "agent/checks", "internal/definition", "internal/ops", "internal/rpc", "catalog"),
		"local state imports checks, definition, ops, rpc, catalog only"},
	{"agent/checks", with(leaves, "internal/definition", "internal/ops", "internal/rpc", "catalog"),
		"check runners import definition, ops, rpc, catalog only"},
	{"agent/access", with(leaves, "internal/ops", "internal/rpc", "catalog"), "what asks servers about tokens imports operations and the types of the catalog only"},
	{"agent/presence", with(leaves, "agent/config"), "what a server notes in its folder imports config only"},
	{"agent/token", with(leaves, "agent/config", "httpapi"), "the agent's tokens import config and httpapi's names of them only"},
	{"internal/doctor", with(leaves, "agent/config"), "the doctor asks over the public client, and reads configuration"},
	{"agent/config", with(leaves, "internal/definition", "catalog"), "configuration imports definition and catalog only"},
	{"internal/definition", with(leaves, "catalog"), "definitions import catalog only"},
	{"internal/consulstate", with(leaves, "catalog"), "Consul's states are read with catalog only"},
	{"internal/filter", with(leaves, "catalog"), "filters import catalog only"},
	{"internal/httpserver", with(leaves, "internal/rpc"), "the HTTP server imports rpc only"},
	{"internal/leaf", with(leaves, "internal/ops", "internal/rpc", "internal/view", "catalog"), "leaf certificates import ops, view, rpc, catalog only"},
	{"internal/view", with(leaves, "internal/rpc"), "views import rpc only"},
	{"internal/ops", []string{"internal/userevent", "internal/msgreflect", "internal/rpc", "internal/shape", "internal/configentry", "internal/mesh", "catalog"}, "operations import rpc, catalog only"},
	{"internal/rpc", leaves, "the transport imports leaves only"},
	{"raftstore", leaves, "the log imports leaves only"},
	{"gossip", leaves, "gossip imports leaves only"},
	{"catalog", leaves, "the catalog imports leaves only"},
}

// serverRoom is what every room of the server half may import.
var serverRoom = with(leaves, "raftstore", "gossip", "internal/filter", "internal/ops", "internal/rpc", "catalog")

var frontDoor = []string{
	"catalog",
	"internal/acl",
	"internal/acl/builtin",
	"internal/acl/rules",
	"internal/budget",
	"internal/cache",
	"internal/configentry",
	"internal/definition",
	"internal/fault",
	"internal/filter",
	"internal/leaf",
	"internal/life",
	"internal/mesh",
	"internal/ops",
	"internal/pattern",
	"internal/pki",
	"internal/process",
	"internal/rpc",
	"internal/shape",
	"internal/structhash",
	"internal/telemetry",
	"internal/userevent",
	"internal/version",
	"internal/view",
}

func with(list []string, more ...string) []string { return append(slices.Clone(list), more...) }

// roomOf finds the rules for a package; false if nobody gave it a floor.
func roomOf(path string) (room, bool) {
	if slices.Contains(leaves, path) {
		return room{path, leaves, "leaves import leaves only"}, true
	}
	i := slices.IndexFunc(rooms, func(r room) bool { return r.path == path })
	if i < 0 {
		return room{}, false
	}
	return rooms[i], true
}

func (r room) allows(path string) bool {
	return slices.ContainsFunc(r.may, func(m string) bool {
		above, tree := strings.CutSuffix(m, "/...")
		return m == path || tree && (path == above || strings.HasPrefix(path, above+"/"))
	})
}
