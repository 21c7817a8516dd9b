package doctor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/miekg/dns"
)

const (
	// probeTimeout bounds one attempt to reach a member, probes how many go on at
	// once, and mostProbed how many members are tried.
	probeTimeout = 500 * time.Millisecond
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
	memberLeft   = 3
	memberFailed = 4
)

func isServer(m *api.AgentMember) bool { return m.Tags["role"] == "consul" }

// lacksRight turns a refusal into a note, true if err is one.
func lacksRight(c *chart, err error, right string) bool {
	if !strings.Contains(err.Error(), "Permission denied") && !isForbidden(err.Error()) {
		return false
	}
	c.add(Note, "give a token with "+right+" with -token", "the token may not see this")
	return true
}

// examineRaft looks at the leader, and at how many servers may still fail.
func examineRaft(ctx context.Context, p *patient, c *chart) {
	conf, err := raftConfiguration(ctx, p)
	var servers []*api.RaftServer
	if err == nil {
		servers = conf.Servers
	}
	if p.leader == "" {
		if joinErrorOf(p) == "" || knowsServer(p) { // else why it knows no server is said
			cure, why := leaderless(ctx, p, servers)
			c.add(Problem, cure, "no server leads: nothing can be written, and reads need ?stale. %s", why)
		}
		return
	}
	if err != nil {
		if !lacksRight(c, err, "operator:read") {
			c.add(Warning, "", "the Raft configuration cannot be read: %s", shortError(err))
		}
		return
	}
	v := countVoters(servers, p.members)
	judgeQuorum(c, v, leftServers(p, time.Now()), p.self.DebugConfig.DevMode)
	examineAddresses(servers, c)
	if len(v.unknown) > 0 {
		c.add(Warning, "praetor operator raft remove-peer -address=ADDRESS, if it is gone for good", "Raft counts on %s, which is no member", few(v.unknown))
	}
	examineAutopilot(p, c)
	for _, s := range servers {
		if s.Leader {
			c.add(OK, "", "%s leads %s", s.Node, Plural(v.all, "voter"))
		}
	}
}

// raftConfiguration is asked for a moment only where nobody leads: a server that was
// never in a cluster waits for a leader, and has nothing to tell.
func raftConfiguration(ctx context.Context, p *patient) (*api.RaftConfiguration, error) {
	if p.leader == "" {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, leaderlessFor/2)
		defer cancel()
	}
	return p.cl.Operator().RaftGetConfiguration((&api.QueryOptions{AllowStale: true}).WithContext(ctx))
}

// voters are the servers that Raft asks, by what gossip knows of them.
type voters struct {
	all, alive    int
	dead, unknown []string
}

func countVoters(servers []*api.RaftServer, members []*api.AgentMember) (v voters) {
	state := map[string]int{}
	for _, m := range members {
		state[m.Tags["id"]] = m.Status
	}
	for _, s := range servers {
		if !s.Voter {
			continue
		}
		v.all++
		switch status, member := state[s.ID]; {
		case !member:
			v.unknown = append(v.unknown, s.Node+" ("+s.Address+")")
		case status == memberAlive:
			v.alive++
		default:
			v.dead = append(v.dead, s.Node)
		}
	}
	return v
}

// departedFor is how long a server that left and is no member any more is thought of as
// missing: later, that is how the cluster is meant to be.
const departedFor = time.Hour

// leftServers are those that have left, or were made to: members, and those that are
// forgotten but left not long ago. Where the agent saw it, since when.
func leftServers(p *patient, now time.Time) (said []string) {
	since := map[string]time.Time{}
	for _, text := range strings.Split(p.self.Stats["serf_lan"]["left_servers"], ",") {
		name, at, _ := strings.Cut(text, "=")
		if left, err := time.Parse(time.RFC3339, at); err == nil {
			since[name] = left
		}
	}
	names := map[string]bool{}
	for name, left := range since {
		names[name] = now.Sub(left) < departedFor
	}
	for _, m := range p.members {
		names[m.Name] = isServer(m) && m.Status == memberLeft
	}
	for name, gone := range names {
		if left, seen := since[name]; gone && seen {
			said = append(said, fmt.Sprintf("%s left %s ago", name, now.Sub(left).Round(time.Second)))
		} else if gone {
			said = append(said, name+" left")
		}
	}
	return said
}

// examineAddresses looks for servers that Raft has at one address: only one of them can
// be there.
func examineAddresses(servers []*api.RaftServer, c *chart) {
	at := map[string][]string{}
	for _, s := range servers {
		at[s.Address] = append(at[s.Address], s.Node+" ("+s.ID+")")
	}
	for _, addr := range slices.Sorted(maps.Keys(at)) {
		if len(at[addr]) > 1 {
			c.add(Problem, "give each server an address of its own (bind_addr, advertise_addr); praetor operator raft remove-peer -id=ID removes one that is gone for good",
				"Raft has more than one server at %s: %s", addr, few(at[addr]))
		}
	}
}

func judgeQuorum(c *chart, v voters, left []string, dev bool) {
	quorum, missing := v.all/2+1, slices.Concat(v.dead, v.unknown)
	gone := ""
	if len(left) > 0 {
		gone = "; " + few(left)
	}
	switch {
	case v.alive < quorum:
		c.add(Problem, cureForLostQuorum, "%d of %d voters live, and %d are needed: %s", v.alive, v.all, quorum, few(missing))
	case v.alive == quorum && v.all > 2:
		c.add(Warning, "bring "+few(missing)+" back, or replace it", "one more lost server stops the cluster: %d of %d voters live%s", v.alive, v.all, gone)
	case v.all == 2:
		c.add(Warning, "add a server, for three, or bring back the one that is gone", "no server may be lost now: 2 of 2 are needed%s", gone)
	case v.all%2 == 0:
		c.add(Warning, "add or remove one server", "%d servers tolerate no more losses than %d%s", v.all, v.all-1, gone)
	case v.all == 1 && gone != "":
		c.add(Warning, "bring it back, or add two servers", "one server is left: when it is lost, so is what it holds%s", gone)
	case v.all == 1 && !dev:
		c.add(Note, "run three servers where that matters", "one server: when it is lost, so is what it holds")
	}
}

const cureForLostQuorum = "start them again, with retry_join of a member: wherever they are now, they are found by their node ID; if they are lost for good, recover with praetor operator raft recover (praetor help recover)"

// leaderless says why no server leads, and where to begin.
func leaderless(ctx context.Context, p *patient, servers []*api.RaftServer) (cure, why string) {
	var known, alive []string
	for _, m := range p.members {
		if isServer(m) {
			known = append(known, m.Name)
			if m.Status == memberAlive {
				alive = append(alive, m.Name)
			}
		}
	}
	switch {
	case len(known) == 0 && len(p.self.DebugConfig.RetryJoinLAN) == 0:
		return "praetor join ADDRESS, and retry_join in its configuration", "This agent knows no server, and has no retry_join"
	case len(known) == 0:
		return "start a server, or name one in retry_join", "This agent knows no server" + silent(ctx, p)
	case len(alive) == 0:
		return "start the servers, with their data folders", "No server is alive: " + few(known)
	case len(servers) > 0:
		v := countVoters(servers, p.members)
		where := locateVoters(servers, p.members)
		if quorum := v.all/2 + 1; v.alive < quorum {
			return cureForLostQuorum, fmt.Sprintf("%d of %d voters live, and %d are needed: %s", v.alive, v.all, quorum, strings.Join(where, "; "))
		}
		if len(where) > 0 {
			return "all servers have to reach each other at port 8300, and have the same encrypt key: their logs say why they do not speak with each other", strings.Join(where, "; ")
		}
		return "wait some seconds, and look again; if it stays so, all servers have to reach each other at port 8300: their logs say why they do not", "All voters live: they elect one, or do not reach each other"
	}
	return unfounded(ctx, p, alive)
}

// unfounded says what servers wait for that have never had a leader.
func unfounded(ctx context.Context, p *patient, alive []string) (cure, why string) {
	said := map[string][]string{}
	most := 0
	for _, m := range p.members {
		if n, err := strconv.Atoi(m.Tags["expect"]); err == nil && isServer(m) && m.Status == memberAlive {
			said[m.Tags["expect"]] = append(said[m.Tags["expect"]], m.Name)
			most = max(most, n)
		}
	}
	switch {
	case len(said) > 1:
		var each []string
		for _, n := range slices.Sorted(maps.Keys(said)) {
			each = append(each, few(said[n])+" says "+n)
		}
		return "give all servers the same bootstrap_expect, and start them again", "Servers differ in bootstrap_expect: " + strings.Join(each, ", ")
	case most > len(alive):
		return fmt.Sprintf("start %s more, with retry_join of this one and the same bootstrap_expect; or set bootstrap_expect = %d on all, and start them again", Plural(most-len(alive), "server"), len(alive)),
			fmt.Sprintf("bootstrap_expect is %d, and %s there: %s%s", most, Plural(len(alive), "server")+isAre(len(alive)), few(alive), silent(ctx, p))
	case most == 0:
		return "set bootstrap_expect to the number of servers on all that are to found the cluster, and start them again; or have this one join a cluster that has a leader (retry_join)",
			"No server has bootstrap_expect or bootstrap, so none founds a cluster: " + few(alive) + silent(ctx, p)
	}
	return "their logs say what they wait for", fmt.Sprintf("All %d servers are there, and have not founded the cluster yet", len(alive))
}

func isAre(n int) string {
	if n == 1 {
		return " is"
	}
	return " are"
}

// silent says which addresses of retry_join do not answer, and how.
func silent(ctx context.Context, p *patient) string {
	addrs := strangersOf(p)
	why := make([]string, len(addrs))
	Parallel(len(addrs), func(i int) {
		if err := Knock(ctx, addrs[i]); err != nil {
			host, _, _ := net.SplitHostPort(addrs[i]) // strangersOf has put a port there
			why[i] = ", " + host + " " + outcome(err)
		}
	})
	return strings.Join(why, "")
}

// outcome is what became of an attempt to connect.
func outcome(err error) string {
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refuses"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "does not answer"
	}
	return "cannot be reached: " + err.Error()
}

// locateVoters says where each voter is that is not where Raft has it: what gossip
// knows of its ID.
func locateVoters(servers []*api.RaftServer, members []*api.AgentMember) (said []string) {
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
			said = append(said, fmt.Sprintf("Raft has ID %s at %s, and gossip knows no such ID", s.ID, s.Address))
		case m.Status != memberAlive:
			said = append(said, fmt.Sprintf("%s, which Raft has at %s, was last seen at %s, and is not alive", m.Name, s.Address, m.Addr))
		case now != s.Address:
			said = append(said, fmt.Sprintf("%s lives at %s, and Raft still has it at %s", m.Name, now, s.Address))
		}
	}
	return said
}

func examineAutopilot(p *patient, c *chart) {
	health, err := p.cl.Operator().AutopilotServerHealth(nil)
	if err != nil || health.Healthy {
		return // no leader, or no right: that was said
	}
	for _, s := range health.Servers {
		if !s.Healthy {
			c.add(Warning, "see its log; praetor operator autopilot state tells more", "server %s is unhealthy: last heard %s ago, %d entries behind", s.Name, s.LastContact, behind(health.Servers, s.LastIndex))
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
	if len(failed) > 0 && p.leader != "" { // else they are why nobody leads
		c.add(Warning, "see the logs there; praetor force-leave NAME for those that are gone for good", "%s failed: %s", Plural(len(failed), "member"), few(failed))
	}
	if len(foreign) > 0 {
		c.add(Problem, "each datacenter has a LAN pool of its own: start them with their own retry_join, and join datacenters with -wan", "members of another datacenter are in this LAN pool: %s", few(foreign))
	}
	for id, names := range ids {
		if id != "" && len(names) > 1 {
			c.add(Problem, cureForSharedID, "%s have one node ID: the servers refuse all but the first", few(names))
		}
	}
	if len(versions) > 1 {
		c.add(Note, "bring all to one version", "members run %s versions: %s", strconv.Itoa(len(versions)), strings.Join(slices.Sorted(maps.Keys(versions)), ", "))
	}
	if p.leader != "" {
		examineStrangers(p, c)
	}
	if len(c.list) == 0 {
		c.add(OK, "", "%d of %d members live", alive, len(p.members))
	}
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
	Parallel(len(targets), func(i int) { errs[i] = Knock(ctx, targets[i].addr) })
	closed := 0
	for i, err := range errs {
		if err != nil {
			closed++
			c.add(Problem, cureForPort(err), "%s cannot be reached at %s: %s", targets[i].what, targets[i].addr, err)
		}
	}
	if closed == 0 && len(targets) > 0 {
		c.add(OK, "", "the members' ports are open (%d)", len(targets))
	}
}

// cureForPort says what to do about a port of a living member. Who refuses has no firewall
// before it: nothing listens there.
func cureForPort(err error) string {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return "nothing listens there: is it the address at which that agent listens (advertise_addr, bind_addr, ports)?"
	}
	return "is it that agent's address (advertise_addr)? Then open the port in firewalls, TCP and for gossip UDP too, in both directions"
}

// Knock opens a TCP connection and closes it.
func Knock(ctx context.Context, addr string) error {
	conn, err := (&net.Dialer{Timeout: probeTimeout}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return conn.Close()
}

// Parallel calls do for each number below n, some at a time.
func Parallel(n int, do func(i int)) {
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
	Parallel(len(names), func(i int) { skews[i], seen[i] = skewOf(ctx, addrs[i]) })
	var hidden []string
	differ := 0
	for i, name := range names {
		skew := skews[i].Abs()
		if seen[i] && skew >= skewWarning {
			differ++
		}
		switch {
		case !seen[i]:
			hidden = append(hidden, name)
		case skew >= skewProblem:
			c.add(Problem, "synchronize clocks on all machines (chrony, systemd-timesyncd)", "the clock of %s differs by %s", name, skew.Round(time.Second))
		case skew >= skewWarning:
			c.add(Warning, "synchronize clocks on all machines (chrony, systemd-timesyncd)", "the clock of %s differs by %s", name, skew.Round(time.Second))
		}
	}
	if len(hidden) > 0 {
		c.add(Note, "", "clocks that are unknown, since HTTP is not open from here: %s", few(hidden))
	}
	if n := len(names) - len(hidden) - differ; n > 0 {
		c.add(OK, "", "%s within %s of this machine's", Plural(n, "clock"), skewWarning)
	}
}

// skewOf is by how much a clock is ahead of ours. HTTP tells whole seconds only
// (RFC 9110 §6.6.1).
func skewOf(ctx context.Context, addr string) (time.Duration, bool) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	begin := time.Now()
	res, err := askStatus(ctx, addr)
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

// askStatus asks another agent who leads, which needs no token.
func askStatus(ctx context.Context, addr string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/v1/status/leader", http.NoBody)
	if err != nil {
		return nil, err
	}
	return http.DefaultClient.Do(req)
}

// examineKeys looks for members without the others' gossip keys.
func examineKeys(_ context.Context, p *patient, c *chart) {
	if p.self.DebugConfig.EncryptKey == "" {
		c.add(Note, "praetor keygen makes a key for encrypt", "gossip is not encrypted: whoever reaches the gossip port, or port 8300 of a server, is believed")
		return
	}
	c.add(Note, "keep port 8300 to machines that you trust", "the gossip key is proved at port 8300 too, but hides nothing there: it does not replace TLS")
	rings, err := p.cl.Operator().KeyringList(nil)
	if err != nil {
		if !lacksRight(c, err, "keyring:read") {
			c.add(Warning, "", "gossip keys cannot be listed: %s", shortError(err))
		}
		return
	}
	for _, ring := range rings {
		pool := "LAN pool of " + ring.Datacenter
		if ring.WAN {
			pool = "WAN pool"
		}
		before := len(c.list)
		for _, n := range ring.Keys {
			if n < ring.NumNodes {
				c.add(Problem, "praetor keyring -install=KEY, then praetor keyring -list", "a gossip key of the %s is at %d of %d members", pool, n, ring.NumNodes)
			}
		}
		if len(ring.PrimaryKeys) > 1 {
			c.add(Warning, "praetor keyring -use=KEY with the key that is to stay; remove others only after that", "members of the %s encrypt with %d different keys: who removes one cuts off those that use it", pool, len(ring.PrimaryKeys))
		}
		if len(c.list) == before {
			c.add(OK, "", "all %d members of the %s have its %s", ring.NumNodes, pool, Plural(len(ring.Keys), "key"))
		}
	}
}

// examineDNS asks the agent's DNS server for the servers.
func examineDNS(ctx context.Context, p *patient, c *chart) {
	conf := &p.self.DebugConfig
	if conf.DNSPort <= 0 {
		c.add(Note, "set ports.dns (8600) if names are to be asked of this agent", "DNS is off")
		return
	}
	addr, here := dnsAddress(p)
	if !here {
		c.add(Note, "run this on the agent's machine", "DNS listens at %s only, which is not examined from here", addr)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	name := "consul.service." + dns.Fqdn(conf.DNSDomain)
	reply, _, err := new(dns.Client).ExchangeContext(ctx, new(dns.Msg).SetQuestion(name, dns.TypeA), addr)
	switch {
	case err != nil:
		c.add(Problem, "is UDP port "+strconv.Itoa(conf.DNSPort)+" open, and does the agent listen there (client_addr, addresses.dns)?", "DNS does not answer at %s: %s", addr, err)
	case reply.Rcode != dns.RcodeSuccess || len(reply.Answer) == 0:
		c.add(Warning, "see the agent's log, and praetor members", "DNS answers %s to %s", dns.RcodeToString[reply.Rcode], name)
	default:
		c.add(OK, "", "%s answers", addr)
	}
}

// examineRecursors asks the servers that the agent asks for names outside its domain.
func examineRecursors(ctx context.Context, p *patient, c *chart) {
	recursors := p.self.DebugConfig.DNSRecursors
	if len(recursors) == 0 || p.dataDir == "" && !isLoopback(p.host) {
		return // none, or they are for the agent's machine to reach
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	errs := make([]error, len(recursors))
	Parallel(len(recursors), func(i int) {
		addr := recursors[i]
		if _, _, err := net.SplitHostPort(addr); err != nil {
			addr = net.JoinHostPort(addr, "53")
		}
		_, _, errs[i] = new(dns.Client).ExchangeContext(ctx, new(dns.Msg).SetQuestion(".", dns.TypeNS), addr)
	})
	silent := 0
	for i, err := range errs {
		if err != nil {
			silent++
			c.add(Warning, "is it a DNS server that this machine reaches, UDP port 53? Take it out of recursors if not: each name outside "+p.self.DebugConfig.DNSDomain+" waits for it",
				"recursor %s %s", recursors[i], outcome(err))
		}
	}
	if silent == 0 {
		verb := "answer"
		if len(recursors) == 1 {
			verb = "answers"
		}
		c.add(OK, "", "%s %s for names outside %s", Plural(len(recursors), "recursor"), verb, p.self.DebugConfig.DNSDomain)
	}
}

// dnsAddress is where the agent answers DNS, false if that is on its machine alone
// and that is not this one.
func dnsAddress(p *patient) (addr string, here bool) {
	asked := net.JoinHostPort(p.host, strconv.Itoa(p.self.DebugConfig.DNSPort))
	addr = asked
	for _, listens := range p.self.DebugConfig.DNSAddrs {
		_, hostport, _ := strings.Cut(listens, "://")
		host, _, err := net.SplitHostPort(hostport)
		ip := net.ParseIP(host)
		switch {
		case err != nil || ip == nil:
			continue
		case ip.IsUnspecified() || host == p.host:
			return asked, true
		}
		// Of several the first that is reached from here.
		if !here {
			addr, here = hostport, !ip.IsLoopback() || isLoopback(p.host)
		}
	}
	return addr, here || len(p.self.DebugConfig.DNSAddrs) == 0
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
