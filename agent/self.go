package agent

import (
	"context"
	"maps"
	"runtime"
	"strconv"
	"strings"

	"praetor/agent/config"
	"praetor/gossip"
	"praetor/httpapi"
	"praetor/internal/version"
)

// Self describes the agent (reference/http-agent.md §2.1).
func (a *Agent) Self(context.Context) (httpapi.Self, error) {
	rt := a.runtime.Load()
	self := httpapi.Self{
		Config: map[string]any{
			"Datacenter": rt.Datacenter, "PrimaryDatacenter": rt.PrimaryDatacenter,
			"NodeName": rt.NodeName, "NodeID": a.id, "Server": rt.Server,
			"Version": version.Compatible, "Revision": version.Revision(), "BuildDate": version.BuildDate,
		},
		DebugConfig: rt.Sanitized(),
		Member:      member(a.lan.Local()),
		Stats:       a.stats(),
		Meta:        a.local.NodeMeta(),
		XDS:         xds(rt),
	}
	if c := a.lan.Coordinate(); c != nil {
		self.Coord = c
	}
	return self, nil
}

// xds says where proxies would be configured; Nomad reads the ports. Port is the
// one that proxies should use. No kind of proxy is supported yet.
func xds(rt *config.Runtime) map[string]any {
	port := rt.Ports.GRPCTLS
	if port <= 0 {
		port = rt.Ports.GRPC
	}
	return map[string]any{
		"SupportedProxies": map[string]any{},
		"Port":             port,
		"Ports":            map[string]int{"Plaintext": rt.Ports.GRPC, "TLS": rt.Ports.GRPCTLS},
	}
}

// fewFiles are too few for an agent that many ask: each connection takes one.
const fewFiles = 4096

// stats are the sections of `info` (reference/cli.md §3).
func (a *Agent) stats() map[string]map[string]string {
	counts := a.local.Counts()
	stats := map[string]map[string]string{
		"agent": {
			"check_monitors": strconv.Itoa(counts.CheckMonitors), "check_ttls": strconv.Itoa(counts.CheckTTLs),
			"checks": strconv.Itoa(counts.Checks), "services": strconv.Itoa(counts.Services),
		},
		"build": {
			"prerelease": "", "revision": version.Revision(), "version": version.Compatible, "version_metadata": "",
		},
		"runtime": {
			"arch": runtime.GOARCH, "os": runtime.GOOS, "version": runtime.Version(),
			"cpu_count": strconv.Itoa(runtime.NumCPU()), "max_procs": strconv.Itoa(runtime.GOMAXPROCS(0)),
			"goroutines": strconv.Itoa(runtime.NumGoroutine()),
		},
		"serf_lan": a.lan.Stats(),
	}
	if a.wan != nil {
		stats["serf_wan"] = a.wan.Stats()
	}
	// Why something does not work, while it does not: `doctor` reads it.
	if why := a.joinErr.Load(); why != nil {
		stats["serf_lan"]["join_error"] = *why
	}
	if why := a.local.SyncError(); why != "" {
		stats["agent"]["sync_error"] = why
	}
	if left := a.servers.departures(); left != "" {
		stats["serf_lan"]["left_servers"] = left
	}
	if files, known := config.MaxOpenFiles(); known && files < fewFiles {
		stats["runtime"]["max_open_files"] = strconv.FormatUint(files, 10)
	}
	if a.server != nil {
		maps.Copy(stats, a.server.Stats())
	} else {
		stats["consul"] = map[string]string{"server": "false", "known_servers": strconv.Itoa(a.knownServers())}
	}
	stats["consul"]["acl"] = "disabled"
	if a.runtime.Load().ACL.Enabled {
		stats["consul"]["acl"] = "enabled"
	}
	return stats
}

func (a *Agent) knownServers() int {
	n := 0
	for _, m := range a.lan.Members() {
		if _, ok := gossip.ParseServer(m); ok && m.Status == gossip.Alive {
			n++
		}
	}
	return n
}

// Members lists a pool; nil where this agent is in no WAN pool.
func (a *Agent) Members(wan bool) ([]httpapi.Member, error) {
	pool := a.lan
	if wan {
		if pool = a.wan; pool == nil {
			return nil, nil
		}
	}
	list := pool.Members()
	members := make([]httpapi.Member, len(list))
	for i, m := range list {
		members[i] = member(m)
	}
	return members, nil
}

func member(m gossip.Member) httpapi.Member {
	return httpapi.Member{
		Name: m.Name, Addr: m.Addr.String(), Port: m.Port, Tags: m.Tags, Status: int(m.Status),
		ProtocolMin: m.ProtocolMin, ProtocolMax: m.ProtocolMax, ProtocolCur: m.ProtocolCur,
		DelegateMin: m.DelegateMin, DelegateMax: m.DelegateMax, DelegateCur: m.DelegateCur,
	}
}

// Join contacts an address of a pool.
func (a *Agent) Join(_ context.Context, address string, wan bool) error {
	pool := a.lan
	if wan {
		if pool = a.wan; pool == nil {
			return errNoWAN
		}
	}
	_, err := pool.Join([]string{address})
	return err
}

// ForceLeave declares a member left, in the LAN pool and, where this server is
// in one, in the WAN pool; wan restricts it to that (reference/internals.md §1.2).
func (a *Agent) ForceLeave(node string, prune, wan bool) error {
	own := "." + a.runtime.Load().Datacenter
	if wan {
		if a.wan == nil {
			return errNoWAN
		}
		return a.wan.ForceLeave(node, prune)
	}
	lanName := node
	if a.wan != nil {
		lanName = strings.TrimSuffix(node, own)
	}
	if err := a.lan.ForceLeave(lanName, prune); err != nil {
		return err
	}
	if a.wan != nil {
		// Only servers are in the WAN pool: not finding a client there is no fault.
		if err := a.wan.ForceLeave(lanName+own, prune); err != nil {
			a.logger.Debug("force-leave in the WAN pool", "node", lanName+own, "error", err)
		}
	}
	return nil
}

var _ httpapi.Agent = (*Agent)(nil)
