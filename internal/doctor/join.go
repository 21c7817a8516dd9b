package doctor

import (
	"context"
	"encoding/json"
	"io"
	"iter"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/consul/api"
)

const cureForSharedID = "on all but one of them stop the agent, delete node-id in its data folder (or set another node_id), and start it again, as after copying a machine"

// knowsServer reports whether a living server is among the members.
func knowsServer(p *patient) bool {
	return slices.ContainsFunc(p.members, func(m *api.AgentMember) bool { return isServer(m) && m.Status == memberAlive })
}

// examineJoin finds out why an agent is alone, or leaves out others.
func examineJoin(ctx context.Context, p *patient, c *chart) {
	for cure, why := range byCure(joinErrorOf(p)) {
		c.add(Problem, cure, "this agent has not joined the others yet: %s", why)
	}
	examineSplit(ctx, p, c)
	conf := &p.self.DebugConfig
	lan, wan := slices.Clone(conf.RetryJoinLAN), slices.Clone(conf.RetryJoinWAN)
	for _, m := range p.members {
		if m.Name == p.self.Config.NodeName {
			continue // the own address is always allowed
		}
		lan = append(lan, m.Addr)
		if p.self.Config.Server && isServer(m) {
			wan = append(wan, m.Addr)
		}
	}
	examineNetworks(c, "serf_lan_allowed_cidrs", conf.SerfAllowedCIDRsLAN, lan)
	if p.self.Config.Server {
		examineNetworks(c, "serf_wan_allowed_cidrs", conf.SerfAllowedCIDRsWAN, wan)
	}
}

func joinErrorOf(p *patient) string { return p.self.Stats["serf_lan"]["join_error"] }

// byCure gathers what came of the addresses of retry_join by what is to be done.
func byCure(why string) iter.Seq2[string, string] {
	const sep = "; Failed to join "
	var cures []string
	said := map[string][]string{}
	for i, part := range strings.Split(why, sep) {
		if i > 0 {
			part = strings.TrimPrefix(sep, "; ") + part
		}
		if part == "" {
			continue
		}
		cure := cureForJoin(part)
		if said[cure] == nil {
			cures = append(cures, cure)
		}
		said[cure] = append(said[cure], part)
	}
	return func(yield func(cure, why string) bool) {
		for _, cure := range cures {
			if !yield(cure, strings.Join(said[cure], "; ")) {
				return
			}
		}
	}
}

// strangersOf are the addresses of retry_join that no living member has.
func strangersOf(p *patient) (addrs []string) {
	known := map[string]bool{}
	for _, m := range p.members {
		known[m.Addr] = known[m.Addr] || m.Status == memberAlive
	}
	for _, addr := range p.self.DebugConfig.RetryJoinLAN {
		host, port, err := net.SplitHostPort(addr)
		if err != nil {
			host, port = strings.Trim(addr, "[]"), "8301"
		}
		if ip, err := netip.ParseAddr(host); err == nil && !known[ip.Unmap().String()] && len(addrs) < mostProbed {
			addrs = append(addrs, net.JoinHostPort(host, port))
		}
	}
	return addrs
}

// examineSplit looks for a second cluster: one with a leader of its own, at an
// address that this agent is to join, and is no member here.
func examineSplit(ctx context.Context, p *patient, c *chart) {
	addrs := strangersOf(p)
	leaders := make([]string, len(addrs))
	Parallel(len(addrs), func(i int) {
		host, _, _ := net.SplitHostPort(addrs[i]) // strangersOf has put a port there
		leaders[i] = leaderAt(ctx, net.JoinHostPort(host, strconv.Itoa(p.self.DebugConfig.HTTPPort)))
	})
	for i, leader := range leaders {
		if leader != "" && p.leader != "" && leader != p.leader {
			c.add(Problem, "decide whose data is to stay; stop the servers of the other, empty their data folders, and start them with retry_join of the first and without bootstrap",
				"two clusters that do not see each other: %s leads here, and %s at %s", p.leader, leader, addrs[i])
			return
		}
	}
}

// leaderAt asks another agent who leads, "" if it does not say. It is asked without the
// client, which would send it this agent's token.
func leaderAt(ctx context.Context, addr string) (leader string) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	res, err := askStatus(ctx, addr)
	if err != nil {
		return ""
	}
	defer res.Body.Close()
	if json.NewDecoder(io.LimitReader(res.Body, 1024)).Decode(&leader) != nil {
		return ""
	}
	return leader
}

// examineDatacenters looks for the primary datacenter.
func examineDatacenters(_ context.Context, p *patient, c *chart) {
	primary := p.self.DebugConfig.PrimaryDatacenter
	if primary == "" || primary == p.self.Config.Datacenter {
		return
	}
	known, err := p.cl.Catalog().Datacenters()
	if err == nil && !slices.Contains(known, primary) {
		c.add(Problem, "name one of them in primary_datacenter, or join its servers with retry_join_wan", "primary_datacenter is %s, and the servers know %s only", primary, few(known))
	}
}

// examineNetworks looks for addresses that a list of networks leaves out. An empty
// list allows all.
func examineNetworks(c *chart, setting string, networks, addrs []string) {
	if left := outside(networks, addrs); len(left) > 0 {
		c.add(Problem, "add their networks to "+setting+" of this agent, and start it again", "%s here (%s) leaves out %s: agents there are ignored in gossip",
			setting, strings.Join(networks, ", "), few(left))
	}
}

func outside(networks, addrs []string) []string {
	var allowed []netip.Prefix
	for _, n := range networks {
		if prefix, err := netip.ParsePrefix(n); err == nil {
			allowed = append(allowed, prefix)
		}
	}
	if len(allowed) == 0 {
		return nil
	}
	var left []string
	for _, text := range addrs {
		if host, _, err := net.SplitHostPort(text); err == nil {
			text = host
		}
		addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
		if err != nil {
			continue // a name, or hidden
		}
		if !slices.ContainsFunc(allowed, func(p netip.Prefix) bool { return p.Contains(addr.Unmap()) }) {
			left = append(left, text)
		}
	}
	return left
}

// cureForJoin says what to do about a join that failed.
func cureForJoin(why string) string {
	for _, row := range []struct{ says, cure string }{
		{"is taken by a living agent", "give this agent another name (-node) and start it again; or stop the agent that has the name: then this one joins by itself"},
		{"conflicting node ID", cureForSharedID},
		{"wrong datacenter", "each datacenter has a LAN pool of its own: name members of this one in retry_join, and those of others in retry_join_wan of servers"},
		{"decrypt", cureForGossipKey},
		{"encrypt", cureForGossipKey},
		{"connection refused", "no agent gossips there: start it, or put addresses of agents that run into retry_join (port 8301)"},
		{"no such host", "the name cannot be resolved on this machine: put an address into retry_join"},
		{"timeout", "open TCP and UDP 8301 in firewalls, in both directions; is the address in retry_join right?"},
	} {
		if strings.Contains(why, row.says) {
			return row.cure
		}
	}
	return "see the agent's log, and what praetor join ADDRESS says"
}

const cureForGossipKey = "the agents have different gossip keys: give this one the encrypt key of the others (praetor keyring -list there shows it)"

// examineStrangers looks for agents that registered themselves over RPC, but are no
// members here. What programs registered in their stead has no version.
func examineStrangers(p *patient, c *chart) {
	nodes, _, err := p.cl.Catalog().Nodes(&api.QueryOptions{AllowStale: true})
	if err != nil {
		return // that the catalog cannot be read is said by others
	}
	members := map[string]bool{}
	for _, m := range p.members {
		members[strings.ToLower(m.Name)] = true
	}
	var strangers []string
	for _, n := range nodes {
		if n.ID != "" && n.Meta["consul-version"] != "" && n.Datacenter == p.self.Config.Datacenter && !members[strings.ToLower(n.Node)] {
			strangers = append(strangers, n.Node+" ("+n.Address+")")
		}
	}
	if len(strangers) > 0 {
		c.add(Warning, "are their addresses in serf_lan_allowed_cidrs of all agents, and is 8301 open, TCP and UDP? praetor doctor there tells more",
			"in the catalog, but no members: %s: nobody notices when they die", few(strangers))
	}
}
