package cli

import (
	"context"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/miekg/dns"
)

const (
	// probeTimeout bounds one attempt to reach a member, probes how many go on at
	// once, and mostProbed how many members are tried.
	probeTimeout = 2 * time.Second
	probes       = 16
	mostProbed   = 64
	// Clocks that differ by skewWarning make certificates and logs hard to
	// understand; by skewProblem, sessions and TTLs too.
	skewWarning = 2 * time.Second
	skewProblem = 10 * time.Second
)

// States of members, as numbers that agents give them.
const (
	memberAlive  = 1
	memberFailed = 4
)

func isServer(m *api.AgentMember) bool { return m.Tags["role"] == "consul" }

// lacksRight turns a refusal into a note, true if err is one.
func lacksRight(c *chart, err error, right string) bool {
	if !strings.Contains(err.Error(), "Permission denied") && !strings.Contains(err.Error(), "403") {
		return false
	}
	c.add(note, "give a token with "+right+" with -token", "the token may not see this")
	return true
}

// examineRaft looks at the leader, and at how many servers may still fail.
func examineRaft(_ context.Context, p *patient, c *chart) {
	leader, err := p.cl.Status().Leader()
	if err != nil {
		cure := "see the agent's log"
		if !knowsServer(p) {
			cure = cureForNoLeader(p, false)
		}
		c.add(problem, cure, "who leads cannot be found out: %s", shortError(err))
		return
	}
	conf, err := p.cl.Operator().RaftGetConfiguration(&api.QueryOptions{AllowStale: true})
	if leader == "" {
		founded := err == nil && len(conf.Servers) > 0
		c.add(problem, cureForNoLeader(p, founded), "no server leads: nothing can be written, and reads need ?stale")
	}
	if err != nil {
		if !lacksRight(c, err, "operator:read") && leader != "" {
			c.add(warning, "", "the Raft configuration cannot be read: %s", shortError(err))
		}
		return
	}
	state := map[string]int{}
	for _, m := range p.members {
		state[m.Tags["id"]] = m.Status
	}
	var voters, alive, dead, unknown []string
	for _, s := range conf.Servers {
		if !s.Voter {
			continue
		}
		voters = append(voters, s.Node)
		switch status, member := state[s.ID]; {
		case !member:
			unknown = append(unknown, s.Node+" ("+s.Address+")")
		case status == memberAlive:
			alive = append(alive, s.Node)
		default:
			dead = append(dead, s.Node)
		}
	}
	judgeQuorum(c, len(voters), len(alive), append(dead, unknown...), p.self.DebugConfig.DevMode)
	if leader == "" {
		locateVoters(c, conf.Servers, p.members)
	}
	if len(unknown) > 0 {
		c.add(warning, "praetor operator raft remove-peer -address=ADDRESS, if it is gone for good", "Raft counts on %s, which is no member", few(unknown))
	}
	examineAutopilot(p, c)
	for _, s := range conf.Servers {
		if s.Leader {
			c.add(fine, "", "%s leads %s", s.Node, plural(len(voters), "voter"))
		}
	}
}

func judgeQuorum(c *chart, voters, alive int, missing []string, dev bool) {
	quorum := voters/2 + 1
	switch {
	case alive < quorum:
		c.add(problem, "start them again, with retry_join of a member: wherever they are now, they are found by their node ID; if they are lost for good, recover with raft/peers.json (docs/troubleshooting.md)",
			"%d of %d voters live, and %d are needed: %s", alive, voters, quorum, few(missing))
	case alive == quorum && voters > 2:
		c.add(warning, "bring "+few(missing)+" back, or replace it", "one more lost server stops the cluster: %d of %d voters live", alive, voters)
	case voters%2 == 0:
		c.add(warning, "add or remove one server", "%d servers bear no more losses than %d", voters, voters-1)
	case voters == 1 && !dev:
		c.add(note, "run three servers where that matters", "one server: when it is lost, so is what it holds")
	}
}

// locateVoters says where each voter is, when there is no leader: where Raft has
// it, and what gossip knows of its ID.
func locateVoters(c *chart, servers []*api.RaftServer, members []*api.AgentMember) {
	byID := map[string]*api.AgentMember{}
	for _, m := range members {
		if old := byID[m.Tags["id"]]; isServer(m) && (old == nil || m.Status == memberAlive) {
			byID[m.Tags["id"]] = m
		}
	}
	for _, s := range servers {
		m, now := byID[s.ID], ""
		if m != nil {
			now = net.JoinHostPort(m.Addr, m.Tags["port"])
		}
		switch {
		case !s.Voter:
		case m == nil:
			c.add(problem, "start it with its data folder and retry_join of a member; another address does no harm",
				"a voter is missing: Raft has ID %s at %s, and gossip knows no such ID", s.ID, s.Address)
		case m.Status != memberAlive:
			c.add(problem, "start it with its data folder; another address does no harm",
				"a voter is missing: %s, which Raft has at %s, was last seen at %s, and is not alive", m.Name, s.Address, m.Addr)
		case now != s.Address:
			c.add(warning, "can all servers reach it there, and have all the same encrypt key? Their logs say why they do not speak with it",
				"%s lives at %s, and Raft still has it at %s", m.Name, now, s.Address)
		}
	}
}

// cureForNoLeader says where to begin; founded is whether there is a Raft
// configuration, so that a leader was elected before.
func cureForNoLeader(p *patient, founded bool) string {
	servers, alive := 0, 0
	for _, m := range p.members {
		if isServer(m) {
			servers++
			if m.Status == memberAlive {
				alive++
			}
		}
	}
	switch {
	case servers == 0:
		return "this agent knows no server: praetor join ADDRESS, and retry_join in its configuration"
	case alive == 0:
		return "start the servers"
	case founded:
		return "the voters of the Raft configuration have to reach each other at port 8300: what is said of them here shows who is missing"
	}
	return "are there as many servers as bootstrap_expect says? praetor members shows them; their logs say what they wait for"
}

func examineAutopilot(p *patient, c *chart) {
	health, err := p.cl.Operator().AutopilotServerHealth(nil)
	if err != nil || health.Healthy {
		return // no leader, or no right: that was said
	}
	for _, s := range health.Servers {
		if !s.Healthy {
			c.add(warning, "see its log; praetor operator autopilot state tells more", "server %s is unhealthy: last heard %s ago, %d entries behind", s.Name, s.LastContact, behind(health.Servers, s.LastIndex))
		}
	}
}

func behind(servers []api.ServerHealth, index uint64) uint64 {
	most := index
	for _, s := range servers {
		most = max(most, s.LastIndex)
	}
	return most - index
}

// examineMembers looks at the LAN pool.
func examineMembers(_ context.Context, p *patient, c *chart) {
	var failed, foreign []string
	versions, ids := map[string][]string{}, map[string][]string{}
	alive := 0
	for _, m := range p.members {
		switch m.Status {
		case memberAlive:
			alive++
			version, _, _ := strings.Cut(m.Tags["build"], ":")
			versions[version] = append(versions[version], m.Name)
			ids[m.Tags["id"]] = append(ids[m.Tags["id"]], m.Name)
		case memberFailed:
			failed = append(failed, m.Name)
		}
		if dc := m.Tags["dc"]; dc != p.self.Config.Datacenter {
			foreign = append(foreign, m.Name+" of "+dc)
		}
	}
	if len(failed) > 0 {
		c.add(warning, "see the logs there; praetor force-leave NAME for those that are gone for good", "%s failed: %s", plural(len(failed), "member"), few(failed))
	}
	if len(foreign) > 0 {
		c.add(problem, "each datacenter has a LAN pool of its own: start them with their own retry_join, and join datacenters with -wan", "members of another datacenter are in this LAN pool: %s", few(foreign))
	}
	for id, names := range ids {
		if id != "" && len(names) > 1 {
			c.add(problem, cureForSharedID, "%s have one node ID: the servers refuse all but the first", few(names))
		}
	}
	if len(versions) > 1 {
		c.add(note, "bring all to one version", "members run %s versions: %s", strconv.Itoa(len(versions)), strings.Join(slices.Sorted(maps.Keys(versions)), ", "))
	}
	examineStrangers(p, c)
	c.add(fine, "", "%d of %d members live", alive, len(p.members))
}

// examinePorts tries to reach what members listen on.
func examinePorts(ctx context.Context, p *patient, c *chart) {
	type target struct{ what, addr string }
	var targets []target
	for _, m := range p.members {
		if m.Status != memberAlive || len(targets) >= 2*mostProbed {
			continue
		}
		targets = append(targets, target{m.Name + " for gossip", net.JoinHostPort(m.Addr, strconv.Itoa(int(m.Port)))})
		if isServer(m) && m.Tags["port"] != "" {
			targets = append(targets, target{m.Name + " for RPC", net.JoinHostPort(m.Addr, m.Tags["port"])})
		}
	}
	errs := make([]error, len(targets))
	parallel(len(targets), func(i int) { errs[i] = knock(ctx, targets[i].addr) })
	closed := 0
	for i, err := range errs {
		if err != nil {
			closed++
			c.add(problem, "open the port in firewalls, TCP and for gossip UDP too, in both directions", "%s cannot be reached at %s: %s", targets[i].what, targets[i].addr, err)
		}
	}
	if closed == 0 {
		c.add(fine, "", "%d ports of members are open", len(targets))
	}
}

func knock(ctx context.Context, addr string) error {
	conn, err := (&net.Dialer{Timeout: probeTimeout}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return conn.Close()
}

// parallel calls do for each number below n, some at a time.
func parallel(n int, do func(i int)) {
	var running sync.WaitGroup
	room := make(chan struct{}, probes)
	for i := range n {
		room <- struct{}{}
		running.Go(func() {
			do(i)
			<-room
		})
	}
	running.Wait()
}

// examineClocks compares this machine's clock with those of servers, as far as their HTTP
// ports can be reached.
func examineClocks(ctx context.Context, p *patient, c *chart) {
	var names, addrs []string
	for _, m := range p.members {
		if isServer(m) && m.Status == memberAlive && len(names) < mostProbed {
			names, addrs = append(names, m.Name), append(addrs, net.JoinHostPort(m.Addr, strconv.Itoa(p.self.DebugConfig.HTTPPort)))
		}
	}
	skews, seen := make([]time.Duration, len(names)), make([]bool, len(names))
	parallel(len(names), func(i int) { skews[i], seen[i] = skewOf(ctx, addrs[i]) })
	var hidden []string
	for i, name := range names {
		switch skew := skews[i].Abs(); {
		case !seen[i]:
			hidden = append(hidden, name)
		case skew >= skewProblem:
			c.add(problem, "synchronize clocks on all machines (chrony, systemd-timesyncd)", "the clock of %s differs by %s", name, skew.Round(time.Second))
		case skew >= skewWarning:
			c.add(warning, "synchronize clocks on all machines (chrony, systemd-timesyncd)", "the clock of %s differs by %s", name, skew.Round(time.Second))
		}
	}
	if len(hidden) > 0 {
		c.add(note, "", "clocks that cannot be seen, since HTTP is not open from here: %s", few(hidden))
	}
	if n := len(names) - len(hidden); n > 0 {
		c.add(fine, "", "%s looked at", plural(n, "clock"))
	}
}

// skewOf is by how much a clock is ahead of ours. HTTP tells whole seconds only
// (RFC 9110 §6.6.1).
func skewOf(ctx context.Context, addr string) (time.Duration, bool) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/v1/status/leader", http.NoBody)
	if err != nil {
		return 0, false
	}
	begin := time.Now()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, false
	}
	res.Body.Close()
	theirs, err := http.ParseTime(res.Header.Get("Date"))
	if err != nil {
		return 0, false
	}
	ours := begin.Add(time.Since(begin) / 2)
	return theirs.Sub(ours.Truncate(time.Second)), true
}

// examineKeys looks for members without the others' gossip keys.
func examineKeys(_ context.Context, p *patient, c *chart) {
	if p.self.DebugConfig.EncryptKey == "" {
		c.add(note, "praetor keygen makes a key for encrypt", "gossip is not encrypted: whoever reaches the gossip port, or port 8300 of a server, is believed")
		return
	}
	c.add(note, "keep port 8300 to machines that you trust", "the gossip key is proved at port 8300 too, but hides nothing there: it does not replace TLS")
	rings, err := p.cl.Operator().KeyringList(nil)
	if err != nil {
		if !lacksRight(c, err, "keyring:read") {
			c.add(warning, "", "gossip keys cannot be listed: %s", shortError(err))
		}
		return
	}
	for _, ring := range rings {
		pool := "LAN pool of " + ring.Datacenter
		if ring.WAN {
			pool = "WAN pool"
		}
		for _, n := range ring.Keys {
			if n < ring.NumNodes {
				c.add(problem, "praetor keyring -install=KEY, then praetor keyring -list", "a gossip key of the %s is at %d of %d members", pool, n, ring.NumNodes)
			}
		}
		c.add(fine, "", "%s of the %s", plural(len(ring.Keys), "key"), pool)
	}
}

// examineDNS asks the agent's DNS server for the servers.
func examineDNS(ctx context.Context, p *patient, c *chart) {
	port := p.self.DebugConfig.DNSPort
	if port <= 0 {
		c.add(note, "", "DNS is off")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	name := "consul.service." + dns.Fqdn(p.self.DebugConfig.DNSDomain)
	addr := net.JoinHostPort(p.host, strconv.Itoa(port))
	reply, _, err := new(dns.Client).ExchangeContext(ctx, new(dns.Msg).SetQuestion(name, dns.TypeA), addr)
	switch {
	case err != nil:
		c.add(problem, "is UDP port "+strconv.Itoa(port)+" open, and does the agent listen there (client_addr, addresses.dns)?", "DNS does not answer at %s: %s", addr, err)
	case reply.Rcode != dns.RcodeSuccess || len(reply.Answer) == 0:
		c.add(warning, "", "DNS answers %s to %s", dns.RcodeToString[reply.Rcode], name)
	default:
		c.add(fine, "", "%s answers", addr)
	}
}
