package telemetry

import (
	"strings"

	gosink "github.com/hashicorp/go-metrics/prometheus"
)

// Collectors and alert rules look for a figure by its name, and take one that is
// missing for a fault. So Prometheus is shown every figure that Consul has from the
// start, with 0, and for as long as the agent runs. Counters and Timers of this
// program are by themselves; here is the rest: what libraries measure, and the names
// of figures that are otherwise told apart by a label (reference/config.md §6).
var (
	libraryCounters = map[bool]string{ // by whether servers alone have them
		false: `serf.member.join serf.member.left serf.member.failed serf.member.flap serf.events serf.snapshot.appendLine serf.snapshot.compact
			memberlist.msg.suspect memberlist.msg.alive memberlist.msg.dead memberlist.tcp.accept memberlist.tcp.connect memberlist.tcp.sent
			memberlist.udp.sent memberlist.udp.received memberlist.degraded.probe memberlist.degraded.timeout`,
		true: `raft.apply raft.barrier raft.state.leader raft.state.candidate raft.state.follower raft.transition.heartbeat_timeout raft.transition.leader_lease_timeout`,
	}
	librarySummaries = map[bool]string{
		false: `memberlist.gossip memberlist.probeNode memberlist.pushPullNode memberlist.queue.broadcasts memberlist.size.local memberlist.size.remote
			serf.msgs.sent serf.msgs.received serf.queue.Event serf.queue.Intent serf.queue.Query serf.coordinate.adjustment-ms runtime.gc_pause_ns`,
		true: `raft.commitTime raft.leader.lastContact raft.leader.dispatchLog raft.fsm.apply raft.fsm.enqueue raft.fsm.snapshot raft.fsm.restore
			raft.replication.heartbeat raft.replication.appendEntries.rpc raft.rpc.appendEntries raft.rpc.appendEntries.storeLogs raft.rpc.appendEntries.processLogs
			raft.rpc.requestVote raft.rpc.installSnapshot raft.rpc.processHeartbeat raft.snapshot.create raft.snapshot.persist raft.snapshot.takeSnapshot
			raft.thread.main.saturation raft.thread.fsm.saturation raft.candidate.electSelf`,
	}
	libraryGauges = map[bool]string{
		true: `raft.commitNumLogs raft.leader.dispatchNumLogs raft.leader.oldestLogAge raft.fsm.lastRestoreDuration raft.last_index raft.applied_index`,
	}
	ownCounters = map[bool]string{
		false: `dns.stale_queries client.rpc client.rpc.failed client.rpc.exceeded grpc.server.request.count grpc.server.connection.count grpc.server.stream.count
			cache.bypass cache.fetch_success cache.fetch_error cache.evict_expired`,
		true: `rpc.accept_conn rpc.request rpc.request_error rpc.query rpc.cross-dc rpc.rate_limit.exceeded raft.verify_leader
			catalog.service.query catalog.service.query-tag catalog.service.query-tags catalog.service.not-found
			catalog.connect.query catalog.connect.query-tag catalog.connect.query-tags catalog.connect.not-found
			health.service.query health.service.query-tag health.service.query-tags health.service.not-found
			health.connect.query health.connect.query-tag health.connect.query-tags health.connect.not-found`,
	}
	ownTimers = map[bool]string{
		false: `api.http dns.domain_query dns.ptr_query acl.ResolveToken`,
		true: `kvs.apply txn.apply txn.read catalog.register catalog.deregister session.apply session.renew
			prepared-query.apply prepared-query.execute prepared-query.execute_remote prepared-query.explain
			leader.barrier leader.reconcile leader.reconcileMember leader.reapTombstones session_ttl.invalidate rpc.consistentRead`,
	}
)

// declared lists the names of a kind that an agent has.
func declared(byKind map[bool]string, server bool) []string {
	names := strings.Fields(byKind[false])
	if server {
		names = append(names, strings.Fields(byKind[true])...)
	}
	return names
}

// declareOwn makes the figures of this program that have a label elsewhere, or come
// from parts that this agent may not run.
func (m *Metrics) declareOwn() {
	for _, name := range declared(ownCounters, m.opts.Server) {
		m.Counter(name)
	}
	for _, name := range declared(ownTimers, m.opts.Server) {
		m.Timer(name)
	}
}

// declareLibraries adds what libraries measure to a Prometheus sink's options.
func (m *Metrics) declareLibraries(opts *gosink.PrometheusOpts) {
	words := func(name string) []string { return append([]string{m.opts.Prefix}, strings.Split(name, ".")...) }
	shown := func(name string) bool { return m.filter.allows(m.opts.Prefix + "." + name) }
	for _, name := range declared(libraryCounters, m.opts.Server) {
		if shown(name) {
			opts.CounterDefinitions = append(opts.CounterDefinitions, gosink.CounterDefinition{Name: words(name), Help: helpOf(m.opts.Prefix + "." + name)})
		}
	}
	for _, name := range declared(librarySummaries, m.opts.Server) {
		if shown(name) {
			opts.SummaryDefinitions = append(opts.SummaryDefinitions, gosink.SummaryDefinition{Name: words(name), Help: helpOf(m.opts.Prefix + "." + name)})
		}
	}
	for _, name := range declared(libraryGauges, m.opts.Server) {
		if shown(name) && m.opts.HostName == "" { // a gauge's name has the host in it otherwise
			opts.GaugeDefinitions = append(opts.GaugeDefinitions, gosink.GaugeDefinition{Name: words(name), Help: helpOf(m.opts.Prefix + "." + name)})
		}
	}
}

// helpOf is the help text of a figure: its name as Prometheus has it, as go-metrics
// says where nothing is declared. Figures of one name must agree on it.
func helpOf(name string) string { return prometheusName.Replace(name) }
