package config

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"praetor/catalog"
	"praetor/internal/definition"
)

// builder turns merged settings into a Runtime. It collects faults, so that one
// run reports all of them.
type builder struct {
	s        *settings
	origins  map[string]string
	env      environment
	starting bool // false in Validate, which leaves some things to the agent's start
	partial  bool // services need no name: an ID is enough to deregister
	rt       *Runtime
	faults   definition.Errors // about one value; shown as a list
	failed   []string          // the keys of those
	rules    []string          // about how values go together; shown bare when alone
	refused  []string          // keys that ask for what cannot be enforced
	warnings []string
}

// fail reports a bad value of key, once, and where it was set.
func (b *builder) fail(key, format string, args ...any) {
	if text := fmt.Sprintf(format, args...) + b.origin(key); !slices.Contains(b.faults, text) {
		b.faults, b.failed = append(b.faults, text), append(b.failed, key)
	}
}

// refuse reports a broken rule, once; key tells where to look. Of a value that is bad by
// itself nothing more is said.
func (b *builder) refuse(key, format string, args ...any) {
	if slices.Contains(b.failed, key) {
		return
	}
	rule := fmt.Sprintf(format, args...) + b.origin(key)
	if !slices.Contains(b.rules, rule) {
		b.rules = append(b.rules, rule)
	}
}

func (b *builder) warn(format string, args ...any) {
	b.warnings = append(b.warnings, fmt.Sprintf(format, args...))
}

// warnOnce is warn for what several settings may lead to.
func (b *builder) warnOnce(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(b.warnings, text) {
		b.warnings = append(b.warnings, text)
	}
}

// origin names the file that set key, on a line of its own so that Consul's
// text before it stays as it is.
func (b *builder) origin(key string) string {
	switch name := b.origins[key]; name {
	case "", originDefaults, originDev, originFlags:
		return ""
	default:
		return "\n\t  set in " + name
	}
}

func (b *builder) err() error {
	if len(b.faults) == 0 && len(b.rules) == 1 {
		return fmt.Errorf("%s", b.rules[0])
	}
	return append(b.faults, b.rules...).Err()
}

// build fills b.rt. The order is that of the reference.
func (b *builder) build() {
	b.renameDeprecated()
	b.identity()
	b.addresses()
	b.joining()
	b.queries()
	b.limits()
	b.raft()
	b.gossip()
	b.checks()
	b.logging()
	b.ui()
	b.acl()
	b.tls()
	b.dns()
	b.telemetry()
	b.backups()
	b.history()
	b.mesh()
	b.rt.Entries = b.bootstrapEntries()
	b.rt.Services = b.services()
	b.rt.NodeChecks = b.nodeChecks()
	b.rt.Watches = b.watches()
	b.refuseUnenforced()
	b.noticeUnserved()
	b.validate()
}

// The value of an optional setting, zero when it is not set.
func val[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

func or[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

// duration parses the duration under key, 0 when it is not set.
func (b *builder) duration(key string, text *string) time.Duration {
	if text == nil {
		return 0
	}
	d, err := time.ParseDuration(*text)
	if err != nil {
		b.fail(key, "%s: invalid duration: %q: %s", key, *text, err)
	}
	return d
}

// atLeastZero reports a negative number, in Consul's words.
func (b *builder) atLeastZero(key string, n int) uint64 {
	if n < 0 {
		b.refuse(key, "%s cannot be %d. Must be greater than or equal to zero", key, n)
		return 0
	}
	return uint64(n)
}

func (b *builder) cidrs(key string, texts []string) []netip.Prefix {
	var out []netip.Prefix
	for _, text := range texts {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			b.fail(key, "%s: invalid cidr: %s", key, text)
			continue
		}
		out = append(out, prefix.Masked())
	}
	return out
}

// hostnames are names without scheme, port or path, in lower case.
func (b *builder) hostnames(key string, texts []string) []string {
	var out []string
	for _, text := range texts {
		if text == "" || strings.ContainsAny(text, ":/ ") || strings.Contains(strings.TrimPrefix(text, "*."), "*") {
			b.fail(key, "%s: %q is no host name: give it without scheme and port, such as \"consul.example.com\" or \"*.example.com\"", key, text)
			continue
		}
		out = append(out, strings.ToLower(strings.TrimSuffix(text, ".")))
	}
	return out
}

func (b *builder) identity() {
	s, rt := b.s, b.rt
	rt.Datacenter = strings.ToLower(val(s.Datacenter))
	rt.PrimaryDatacenter = strings.ToLower(or(s.PrimaryDatacenter, rt.Datacenter))
	if rt.PrimaryDatacenter == "" {
		rt.PrimaryDatacenter = rt.Datacenter
	}
	rt.NodeName = b.nodeName()
	rt.NodeID = strings.ToLower(val(s.NodeID))
	rt.DisableHostNodeID = val(s.DisableHostNodeID)
	rt.NodeMeta = maps.Clone(s.NodeMeta)
	if rt.NodeMeta == nil {
		rt.NodeMeta = map[string]string{}
	}
	rt.Locality = locality(s.Locality.Row())
	rt.DataDir = val(s.DataDir)
	rt.PidFile = val(s.PidFile)
	rt.Domain, rt.AltDomain = val(s.Domain), val(s.AltDomain)
	rt.Server = val(s.ServerMode)
	rt.Bootstrap, rt.BootstrapExpect, rt.ReadReplica = val(s.Bootstrap), val(s.BootstrapExpect), val(s.ReadReplica)
	rt.ServerName = val(s.ServerName)
	rt.Protocol = val(s.Protocol)
	rt.UseStreaming = val(s.UseStreamingBackend)
	rt.RPCStreaming = or(s.RPC.EnableStreaming, rt.Server)
	rt.DisableUpdateCheck = val(s.DisableUpdateCheck)
	rt.DisableAnonSignature = val(s.DisableAnonSignature)
	rt.EnableDebug = val(s.EnableDebug)
	rt.AutoReload = val(s.AutoReloadConfig)
	rt.PeeringEnabled = val(s.Peering.Enabled)
	rt.ServerRejoinAgeMax = b.duration("server_rejoin_age_max", s.ServerRejoinAgeMax)
}

func (b *builder) nodeName() string {
	name := val(b.s.NodeName)
	if name == "" { // a template that had nothing to say
		name, _ = b.env.hostname()
	}
	return strings.TrimSpace(name)
}

// locality makes one that says nothing the same as none.
func locality(l *catalog.Locality) *catalog.Locality {
	if l == nil || *l == (catalog.Locality{}) {
		return nil
	}
	return l
}

func (b *builder) joining() {
	s, rt := b.s, b.rt
	rt.JoinLAN = Join{
		Addresses:   b.expandAll("retry_join", s.RetryJoinLAN),
		Interval:    b.duration("retry_interval", s.RetryJoinIntervalLAN),
		MaxAttempts: val(s.RetryJoinMaxAttemptsLAN),
	}
	rt.JoinWAN = Join{
		Addresses:   b.expandAll("retry_join_wan", s.RetryJoinWAN),
		Interval:    b.duration("retry_interval_wan", s.RetryJoinIntervalWAN),
		MaxAttempts: val(s.RetryJoinMaxAttemptsWAN),
	}
	rt.RejoinAfterLeave = val(s.RejoinAfterLeave)
	rt.LeaveOnTerm = or(s.LeaveOnTerm, !rt.Server)
	rt.DisableKVKeyValidation = val(s.DisableKVKeys)
	rt.SkipLeaveOnInt = or(s.SkipLeaveOnInt, rt.Server)
	rt.ReconnectTimeoutLAN = b.duration("reconnect_timeout", s.ReconnectTimeoutLAN)
	rt.ReconnectTimeoutWAN = b.duration("reconnect_timeout_wan", s.ReconnectTimeoutWAN)
	rt.AdvertiseReconnect = b.duration("advertise_reconnect_timeout", s.AdvertiseReconnectTimeout)
}

func (b *builder) queries() {
	s, rt := b.s, b.rt
	rt.DefaultQueryTime = b.duration("default_query_time", s.DefaultQueryTime)
	rt.MaxQueryTime = b.duration("max_query_time", s.MaxQueryTime)
	rt.DiscoveryMaxStale = b.duration("discovery_max_stale", s.DiscoveryMaxStale)
	rt.SessionTTLMin = b.duration("session_ttl_min", s.SessionTTLMin)
	rt.HTTP = HTTP{
		BlockEndpoints:          slices.Clone(s.HTTPConfig.BlockEndpoints),
		AllowWriteFrom:          b.cidrs("http_config.allow_write_http_from", s.HTTPConfig.AllowWriteHTTPFrom),
		ResponseHeaders:         maps.Clone(s.HTTPConfig.ResponseHeaders),
		AllowedHosts:            b.hostnames("http_config.allowed_hosts", s.HTTPConfig.AllowedHosts),
		UseCache:                val(s.HTTPConfig.UseCache),
		MaxHeaderBytes:          val(s.HTTPConfig.MaxHeaderBytes),
		ReadHeaderTimeout:       b.duration("http_config.read_header_timeout", s.HTTPConfig.ReadHeaderTimeout),
		ReadTimeout:             b.duration("http_config.read_timeout", s.HTTPConfig.ReadTimeout),
		WriteTimeout:            b.duration("http_config.write_timeout", s.HTTPConfig.WriteTimeout),
		IdleTimeout:             b.duration("http_config.idle_timeout", s.HTTPConfig.IdleTimeout),
		AllowUnprintableInPaths: val(s.DisableHTTPUnprint),
	}
}

func (b *builder) limits() {
	l := &b.s.Limits
	b.rt.Limits = Limits{
		HTTPMaxConnsPerClient: val(l.HTTPMaxConns),
		HTTPMaxConns:          val(l.HTTPMaxAllConns),
		HTTPMaxRequests:       val(l.HTTPMaxRequests),
		HTTPMaxBodyBytes:      val(l.HTTPMaxBody),
		HTTPSHandshakeTimeout: b.duration("limits.https_handshake_timeout", l.HTTPSHandshake),
		RPCHandshakeTimeout:   b.duration("limits.rpc_handshake_timeout", l.RPCHandshake),
		RPCClientTimeout:      b.duration("limits.rpc_client_timeout", l.RPCClientTimeout),
		RPCRate:               val(l.RPCRate),
		RPCMaxBurst:           val(l.RPCMaxBurst),
		RPCMaxConnsPerClient:  val(l.RPCMaxConns),
		KVMaxValueSize:        val(l.KVMaxValueSize),
		TxnMaxReqLen:          val(l.TxnMaxReqLen),
		RequestMode:           val(l.RequestLimits.Mode),
		ReadRate:              val(l.RequestLimits.ReadRate),
		WriteRate:             val(l.RequestLimits.WriteRate),
	}
	if files, known := b.env.maxFiles(); known && b.rt.Limits.HTTPMaxConns > 0 {
		// What a server needs for its log and for other servers is not for clients to take.
		b.rt.Limits.HTTPMaxConns = int(min(uint64(b.rt.Limits.HTTPMaxConns), max(files/2, 1)))
	}
	if n := b.rt.Limits.HTTPMaxRequests; n < 0 {
		b.refuse("limits.http_max_requests_per_client", "limits.http_max_requests_per_client: %d requests a second cannot be; 0 is any number", n)
	}
	switch b.rt.Limits.RequestMode {
	case "disabled", "permissive", "enforcing":
	case "":
		b.rt.Limits.RequestMode = "disabled"
	default:
		b.refuse("limits.request_limits.mode", "limits.request_limits.mode: %q is not one of 'disabled', 'permissive', 'enforcing'", b.rt.Limits.RequestMode)
	}
	b.rt.Cache = Cache{FetchRate: or(b.s.Cache.FetchRate, -1), FetchMaxBurst: val(b.s.Cache.FetchMaxBurst)}
	if b.s.Cache.FetchRate != nil && *b.s.Cache.FetchRate <= 0 {
		b.refuse("cache.entry_fetch_rate", "cache.entry_fetch_rate must be strictly positive, was: %v", *b.s.Cache.FetchRate)
	}
	if b.rt.Cache.FetchMaxBurst <= 0 {
		b.refuse("cache.entry_fetch_max_burst", "cache.entry_fetch_max_burst must be strictly positive, was: %v", b.rt.Cache.FetchMaxBurst)
	}
}

func (b *builder) gossip() {
	s := b.s
	b.rt.Gossip = Gossip{
		LAN:                b.timing("gossip_lan.", &s.GossipLAN),
		WAN:                b.timing("gossip_wan.", &s.GossipWAN),
		EncryptKey:         val(s.EncryptKey),
		VerifyIncoming:     val(s.EncryptVerifyIn),
		VerifyOutgoing:     val(s.EncryptVerifyOut),
		DisableKeyringFile: val(s.DisableKeyringFile),
		DisableCoordinates: val(s.DisableCoordinates),
	}
	key, err := base64.StdEncoding.DecodeString(val(s.EncryptKey))
	switch {
	case val(s.EncryptKey) == "":
	case err != nil:
		b.refuse("encrypt", "encrypt has invalid key: %s", err)
	case b.starting && len(key) != 16 && len(key) != 24 && len(key) != 32:
		b.refuse("encrypt", "Invalid key: key size must be 16, 24 or 32 bytes")
	}
}

func (b *builder) timing(prefix string, t *gossipTuning) GossipTiming {
	return GossipTiming{
		GossipNodes:    val(t.GossipNodes),
		GossipInterval: b.duration(prefix+"gossip_interval", t.GossipInterval),
		ProbeInterval:  b.duration(prefix+"probe_interval", t.ProbeInterval),
		ProbeTimeout:   b.duration(prefix+"probe_timeout", t.ProbeTimeout),
		SuspicionMult:  val(t.SuspicionMult),
		RetransmitMult: val(t.RetransmitMult),
	}
}

func (b *builder) checks() {
	s := b.s
	b.rt.Checks = Checks{
		EnableRemoteScripts:  val(s.ScriptChecks),
		EnableLocalScripts:   or(s.LocalScriptChecks, val(s.ScriptChecks)),
		UseAgentTLS:          val(s.AgentTLSForChecks),
		SameHost:             val(s.CheckSameHost),
		UpdateInterval:       b.duration("check_update_interval", s.CheckUpdate),
		OutputMaxSize:        val(s.CheckOutputMaxSize),
		DiscardOutput:        val(s.DiscardCheckOutput),
		CentralServiceConfig: val(s.CentralConfig),
		DisableRemoteExec:    val(s.DisableRemoteExec),
	}
}

func (b *builder) logging() {
	s := b.s
	b.rt.Log = Log{
		Level:          strings.ToUpper(cmp.Or(val(s.LogLevel), "INFO")),
		JSON:           val(s.LogJSON),
		File:           val(s.LogFile),
		RotateDuration: b.duration("log_rotate_duration", s.LogRotateDuration),
		RotateBytes:    val(s.LogRotateBytes),
		RotateMaxFiles: val(s.LogRotateMaxFiles),
		Syslog:         val(s.EnableSyslog),
		SyslogFacility: cmp.Or(val(s.SyslogFacility), "LOCAL0"),
	}
}

func (b *builder) acl() {
	a := &b.s.ACL
	b.rt.ACL = ACL{
		Enabled:                val(a.Enabled),
		DefaultPolicy:          val(a.DefaultPolicy),
		DownPolicy:             val(a.DownPolicy),
		TokenTTL:               b.duration("acl.token_ttl", a.TokenTTL),
		PolicyTTL:              b.duration("acl.policy_ttl", a.PolicyTTL),
		RoleTTL:                b.duration("acl.role_ttl", a.RoleTTL),
		EnableKeyListPolicy:    val(a.EnableKeyListPolicy),
		EnableTokenReplication: val(a.EnableTokenReplication),
		EnableTokenPersistence: val(a.EnableTokenPersistence),
		Tokens: Tokens{
			InitialManagement: val(a.Tokens.InitialManagement),
			Replication:       val(a.Tokens.Replication),
			AgentRecovery:     val(a.Tokens.AgentRecovery),
			Agent:             val(a.Tokens.Agent),
			Default:           val(a.Tokens.Default),
			ConfigFile:        val(a.Tokens.ConfigFile),
			DNS:               val(a.Tokens.DNS),
		},
	}
}

func (b *builder) mesh() {
	c := &b.s.Connect
	b.rt.ConnectEnabled = val(c.Enabled) || val(b.s.AutoEncrypt.AllowTLS) // which gives certificates of the mesh
	b.rt.ConnectDeregister = b.duration("connect.default_deregister_critical_service_after", c.DefaultDeregister)
	b.rt.ConnectCAProvider, b.rt.ConnectCAConfig = cmp.Or(val(c.CAProvider), "consul"), c.CAConfig
	switch policy := val(b.s.DefaultIntention); policy {
	case "", "allow", "deny":
		b.rt.DefaultIntention = policy
	default: // as in Consul; but who meant deny should hear of it
		b.warn("default_intention_policy is %q, neither allow nor deny: it does not count", policy)
	}
	switch provider := val(c.CAProvider); provider {
	case "", "consul", "vault", "aws-pca":
	default:
		b.refuse("connect.ca_provider", "%s is not a valid CA provider", provider)
	}
}

// environment is what the build asks of the machine.
type environment struct {
	hostname   func() (string, error)
	interfaces func() ([]netInterface, error)
	maxFiles   func() (uint64, bool)
	enforces   bool // what this build cannot enforce passes: for tests of what it is read as
}

func hostEnvironment() environment {
	return environment{hostname: os.Hostname, interfaces: hostInterfaces, maxFiles: MaxOpenFiles}
}
