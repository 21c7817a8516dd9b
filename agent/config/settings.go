package config

import "praetor/internal/definition"

// settings is one source of configuration, or several merged: exactly what a
// file may hold. Nil means "not set", which is not the same as zero. Tags: cfg
// is the key, alias another spelling of it, help its line in Keys, head begins a
// part of the page, unset says what is in force where no default stands, since is the first
// version that knows the key, if that is not the first of all, and use
// says what becomes of a key that does nothing here: "ent" for one that only
// Consul Enterprise acts on, "circonus" for one of that service, "later" for one
// that Praetor does not serve yet.
//
// Durations stay text until build, so that all bad ones are reported together.
type settings struct {
	Datacenter          *string              `cfg:"datacenter" head:"The node" help:"name of this datacenter, lower-cased"`
	PrimaryDatacenter   *string              `cfg:"primary_datacenter" help:"datacenter that owns ACLs, the CA and replicated configuration"`
	DataDir             *string              `cfg:"data_dir" help:"folder for everything that must survive a restart"`
	NodeName            *string              `cfg:"node_name" help:"name of this node, unique in its datacenter"`
	NodeID              *string              `cfg:"node_id" help:"UUID of this node; kept in data_dir when not set"`
	DisableHostNodeID   *bool                `cfg:"disable_host_node_id" help:"draw a random node ID rather than derive it from the machine"`
	NodeMeta            map[string]string    `cfg:"node_meta" help:"key/value pairs shown with this node" reload:"y"`
	ServerMode          *bool                `cfg:"server" help:"run as a server"`
	Bootstrap           *bool                `cfg:"bootstrap" help:"elect this server at once, alone"`
	BootstrapExpect     *int                 `cfg:"bootstrap_expect" help:"number of servers to wait for before the first election"`
	ReadReplica         *bool                `cfg:"read_replica" alias:"non_voting_server" help:"whether this server never votes, and only answers reads"`
	Domain              *string              `cfg:"domain" help:"DNS domain that this agent answers for"`
	AltDomain           *string              `cfg:"alt_domain" help:"a second DNS domain"`
	Protocol            *int                 `cfg:"protocol" help:"gossip protocol version, 2 or 3"`
	RaftProtocol        *int                 `cfg:"raft_protocol" help:"Raft protocol version, only 3"`
	PidFile             *string              `cfg:"pid_file" help:"file that holds the process ID while the agent runs"`
	Experiments         []string             `cfg:"experiments" use:"later" help:"names of experimental features"`
	ServerRejoinAgeMax  *string              `cfg:"server_rejoin_age_max" help:"longest absence after which a server may come back"`
	UseStreamingBackend *bool                `cfg:"use_streaming_backend" help:"clients follow services by stream rather than by blocking queries"`
	RPC                 rpcSettings          `cfg:"rpc"`
	Locality            *definition.Locality `cfg:"locality"`
	ServerName          *string              `cfg:"server_name" use:"later" help:"name used instead of the node's for TLS"`

	BindAddr            *string           `cfg:"bind_addr" head:"Network" help:"IP for cluster traffic"`
	ClientAddr          *string           `cfg:"client_addr" help:"IPs for HTTP, HTTPS, DNS and gRPC, separated by spaces"`
	AdvertiseAddrLAN    *string           `cfg:"advertise_addr" help:"IP that other agents use to reach this one"`
	AdvertiseAddrLAN4   *string           `cfg:"advertise_addr_ipv4" help:"IPv4 form of advertise_addr"`
	AdvertiseAddrLAN6   *string           `cfg:"advertise_addr_ipv6" help:"IPv6 form of advertise_addr"`
	AdvertiseAddrWAN    *string           `cfg:"advertise_addr_wan" help:"IP that other datacenters use to reach this agent"`
	AdvertiseAddrWAN4   *string           `cfg:"advertise_addr_wan_ipv4" help:"IPv4 form of advertise_addr_wan"`
	AdvertiseAddrWAN6   *string           `cfg:"advertise_addr_wan_ipv6" help:"IPv6 form of advertise_addr_wan"`
	SerfBindAddrLAN     *string           `cfg:"serf_lan" help:"IP for LAN gossip, bind_addr when not set"`
	SerfBindAddrWAN     *string           `cfg:"serf_wan" help:"IP for WAN gossip, bind_addr when not set"`
	Addresses           addressSettings   `cfg:"addresses"`
	Ports               portSettings      `cfg:"ports"`
	UnixSockets         unixSettings      `cfg:"unix_sockets"`
	TaggedAddresses     map[string]string `cfg:"tagged_addresses" help:"further addresses shown with this node"`
	TranslateWANAddrs   *bool             `cfg:"translate_wan_addrs" help:"answer with WAN addresses for nodes of other datacenters"`
	SerfAllowedCIDRsLAN []string          `cfg:"serf_lan_allowed_cidrs" help:"networks from which LAN members may join; the own address always may"`
	SerfAllowedCIDRsWAN []string          `cfg:"serf_wan_allowed_cidrs" help:"networks from which WAN members may join; the own address always may"`

	RetryJoinLAN              []string `cfg:"retry_join" head:"Joining and leaving" help:"agents to join at start, tried until one answers"`
	RetryJoinWAN              []string `cfg:"retry_join_wan" help:"servers of other datacenters to join at start"`
	RetryJoinIntervalLAN      *string  `cfg:"retry_interval" help:"time between attempts to join"`
	RetryJoinIntervalWAN      *string  `cfg:"retry_interval_wan" help:"time between attempts to join the WAN"`
	RetryJoinMaxAttemptsLAN   *int     `cfg:"retry_max" help:"attempts to join before the agent gives up, 0 for no limit"`
	RetryJoinMaxAttemptsWAN   *int     `cfg:"retry_max_wan" help:"attempts to join the WAN before the agent gives up, 0 for no limit"`
	RejoinAfterLeave          *bool    `cfg:"rejoin_after_leave" help:"contact the last known members even after a leave"`
	LeaveOnTerm               *bool    `cfg:"leave_on_terminate" unset:"true on clients" help:"SIGTERM leaves the cluster"`
	SkipLeaveOnInt            *bool    `cfg:"skip_leave_on_interrupt" unset:"true on servers" help:"SIGINT does not leave the cluster"`
	ReconnectTimeoutLAN       *string  `cfg:"reconnect_timeout" help:"time after which a failed member is forgotten"`
	ReconnectTimeoutWAN       *string  `cfg:"reconnect_timeout_wan" help:"time after which a failed WAN member is forgotten"`
	AdvertiseReconnectTimeout *string  `cfg:"advertise_reconnect_timeout" help:"how long the others keep this client after it failed"`
	PrimaryGateways           []string `cfg:"primary_gateways" use:"later" help:"mesh gateways of the primary datacenter"`
	PrimaryGatewaysInterval   *string  `cfg:"primary_gateways_interval" use:"later" help:"time between attempts to find primary gateways"`

	DefaultQueryTime    *string       `cfg:"default_query_time" head:"Requests" help:"how long a blocking query waits when it does not say"`
	MaxQueryTime        *string       `cfg:"max_query_time" help:"longest wait of a blocking query"`
	DiscoveryMaxStale   *string       `cfg:"discovery_max_stale" help:"HTTP discovery reads may be this stale; 0 asks the leader"`
	SessionTTLMin       *string       `cfg:"session_ttl_min" help:"shortest TTL of a session"`
	Cache               cacheSettings `cfg:"cache"`
	Limits              limitSettings `cfg:"limits"`
	HTTPConfig          httpSettings  `cfg:"http_config"`
	DisableKVKeys       *bool         `cfg:"disable_kv_key_validation" help:"let new keys have '..' segments, and spaces at their ends"`
	DisableHTTPUnprint  *bool         `cfg:"disable_http_unprintable_char_filter" help:"accept unprintable characters in URL paths"`
	DNS                 dnsSettings   `cfg:"dns_config" head:"DNS"`
	DNSRecursors        []string      `cfg:"recursors" help:"DNS servers for names outside our domains" reload:"y"`
	EncryptKey          *string       `cfg:"encrypt" head:"Gossip" help:"gossip key, base64 of 16, 24 or 32 bytes"`
	EncryptVerifyIn     *bool         `cfg:"encrypt_verify_incoming" help:"refuse gossip that is not encrypted, and at port 8300 who does not prove the gossip key"`
	EncryptVerifyOut    *bool         `cfg:"encrypt_verify_outgoing" help:"send only encrypted gossip, and ask only servers that prove the gossip key"`
	DisableKeyringFile  *bool         `cfg:"disable_keyring_file" help:"do not keep gossip keys on disk"`
	DisableCoordinates  *bool         `cfg:"disable_coordinates" help:"do not measure network coordinates"`
	DisableRemoteExec   *bool         `cfg:"disable_remote_exec" help:"refuse remote execution"`
	GossipLAN           gossipTuning  `cfg:"gossip_lan"`
	GossipWAN           gossipTuning  `cfg:"gossip_wan"`
	Performance         perfSettings  `cfg:"performance" head:"Raft"`
	RaftSnapThreshold   *int          `cfg:"raft_snapshot_threshold" help:"log entries between snapshots" reload:"y"`
	RaftSnapInterval    *string       `cfg:"raft_snapshot_interval" help:"how often a snapshot is considered" reload:"y"`
	RaftTrailingLogs    *int          `cfg:"raft_trailing_logs" help:"log entries kept after a snapshot" reload:"y"`
	RaftPreVoteDisabled *bool         `cfg:"raft_prevote_disabled" help:"hold elections without asking first"`
	RaftLogStore        logStore      `cfg:"raft_logstore"`
	RaftBoltDB          oldBoltDB     `cfg:"raft_boltdb"`
	Autopilot           pilotSettings `cfg:"autopilot"`

	Service            *serviceSettings  `cfg:"service" head:"Services, checks and watches" reload:"y"`
	Services           []serviceSettings `cfg:"services" reload:"y"`
	Check              *checkSettings    `cfg:"check" reload:"y"`
	Checks             []checkSettings   `cfg:"checks" reload:"y"`
	Watches            []map[string]any  `cfg:"watches" help:"commands or URLs called when something changes" reload:"y"`
	ScriptChecks       *bool             `cfg:"enable_script_checks" help:"allow script checks from files and the HTTP API"`
	LocalScriptChecks  *bool             `cfg:"enable_local_script_checks" unset:"as enable_script_checks" help:"allow script checks from files"`
	AgentTLSForChecks  *bool             `cfg:"enable_agent_tls_for_checks" help:"checks over TLS present the certificate of tls.internal_rpc, or tls.defaults, and trust its authorities"`
	CheckSameHost      *bool             `cfg:"check_redirects_same_host" help:"redirects of HTTP checks to other hosts make them critical; otherwise they are followed without headers and body"`
	CheckUpdate        *string           `cfg:"check_update_interval" help:"delay of updates that only change a check's output"`
	CheckOutputMaxSize *int              `cfg:"check_output_max_size" help:"bytes kept of a check's output"`
	DiscardCheckOutput *bool             `cfg:"discard_check_output" help:"keep no check output" reload:"y"`
	CentralConfig      *bool             `cfg:"enable_central_service_config" use:"later" help:"merge central service defaults into registrations"`

	LogLevel          *string `cfg:"log_level" head:"Logging" help:"TRACE, DEBUG, INFO, WARN or ERROR" reload:"y"`
	LogJSON           *bool   `cfg:"log_json" help:"log lines as JSON"`
	LogFile           *string `cfg:"log_file" help:"also log to this file"`
	LogRotateDuration *string `cfg:"log_rotate_duration" help:"age at which the log file is rotated"`
	LogRotateBytes    *int    `cfg:"log_rotate_bytes" help:"size at which the log file is rotated, 0 for no limit"`
	LogRotateMaxFiles *int    `cfg:"log_rotate_max_files" help:"archives to keep, 0 for all, -1 for none"`
	EnableSyslog      *bool   `cfg:"enable_syslog" help:"also log to syslog"`
	SyslogFacility    *string `cfg:"syslog_facility" help:"syslog facility"`

	UIConfig              uiSettings        `cfg:"ui_config"`
	EnableDebug           *bool             `cfg:"enable_debug" head:"Operation" help:"serve /debug/pprof" reload:"y"`
	DisableUpdateCheck    *bool             `cfg:"disable_update_check" help:"never look for newer versions"`
	DisableAnonSignature  *bool             `cfg:"disable_anonymous_signature" help:"leave the signature out of update checks"`
	AutoReloadConfig      *bool             `cfg:"auto_reload_config" help:"reload when a configuration or TLS file changes"`
	DefaultIntention      *string           `cfg:"default_intention_policy" head:"Access, TLS, telemetry and the mesh" help:"allow or deny, for mesh traffic without an intention"`
	ACL                   aclSettings       `cfg:"acl"`
	TLS                   tlsSettings       `cfg:"tls"`
	Telemetry             telemetrySettings `cfg:"telemetry"`
	XDS                   xdsSettings       `cfg:"xds"`
	Peering               peeringSettings   `cfg:"peering"`
	ConfigEntries         entrySettings     `cfg:"config_entries"`
	Connect               connectSettings   `cfg:"connect"`
	Cloud                 cloudSettings     `cfg:"cloud"`
	AutoEncrypt           autoEncrypt       `cfg:"auto_encrypt"`
	AutoConfig            autoConfig        `cfg:"auto_config"`
	Backups               backupSettings    `cfg:"backups"`
	History               historySettings   `cfg:"history"`
	SnapshotAgent         map[string]any    `cfg:"snapshot_agent" head:"Without effect" help:"accepted and ignored"`
	AEInterval            *string           `cfg:"ae_interval" help:"accepted and ignored: always 1m"`
	CheckReapInterval     *string           `cfg:"check_reap_interval" help:"accepted and ignored: always 30s"`
	CheckDeregisterMin    *string           `cfg:"check_deregister_interval_min" help:"accepted and ignored: always 1m"`
	SyncCoordinateRate    *float64          `cfg:"sync_coordinate_rate_target" help:"accepted and ignored: always 64"`
	SyncCoordinateMin     *string           `cfg:"sync_coordinate_interval_min" help:"accepted and ignored: always 15s"`
	SegmentNameLimit      *int              `cfg:"segment_name_limit" help:"accepted and ignored: always 64"`
	Revision              *string           `cfg:"revision" help:"accepted and ignored"`
	Version               *string           `cfg:"version" help:"accepted and ignored"`
	VersionPrerelease     *string           `cfg:"version_prerelease" help:"accepted and ignored"`
	SegmentName           *string           `cfg:"segment" use:"ent"`
	Segments              []map[string]any  `cfg:"segments" use:"ent"`
	Partition             *string           `cfg:"partition" use:"ent"`
	LicensePath           *string           `cfg:"license_path" use:"ent"`
	Reporting             reportSettings    `cfg:"reporting"`
	Audit                 map[string]any    `cfg:"audit" use:"ent"`
	ACLEnforceVersion8    *bool             `cfg:"acl_enforce_version_8" help:"accepted and ignored"`
	TLSPreferServerSuites *bool             `cfg:"tls_prefer_server_cipher_suites" help:"accepted and ignored"`

	deprecatedSettings `cfg:",squash"`
}

// deprecatedSettings are keys with a newer name; see deprecated.go.
type deprecatedSettings struct {
	StartJoinLAN         []string `cfg:"start_join" head:"Deprecated" help:"deprecated: retry_join"`
	StartJoinWAN         []string `cfg:"start_join_wan" help:"deprecated: retry_join_wan"`
	UI                   *bool    `cfg:"ui" help:"deprecated: ui_config.enabled" reload:"y"`
	UIDir                *string  `cfg:"ui_dir" help:"deprecated: ui_config.dir" reload:"y"`
	UIContentPath        *string  `cfg:"ui_content_path" help:"deprecated: ui_config.content_path" reload:"y"`
	ACLToken             *string  `cfg:"acl_token" help:"deprecated: acl.tokens.default" reload:"y"`
	ACLAgentToken        *string  `cfg:"acl_agent_token" help:"deprecated: acl.tokens.agent" reload:"y"`
	ACLAgentMasterToken  *string  `cfg:"acl_agent_master_token" help:"deprecated: acl.tokens.agent_recovery" reload:"y"`
	ACLMasterToken       *string  `cfg:"acl_master_token" help:"deprecated: acl.tokens.initial_management"`
	ACLReplicationToken  *string  `cfg:"acl_replication_token" help:"deprecated: acl.tokens.replication" reload:"y"`
	EnableACLReplication *bool    `cfg:"enable_acl_replication" help:"deprecated: acl.enable_token_replication"`
	ACLDatacenter        *string  `cfg:"acl_datacenter" help:"deprecated: primary_datacenter"`
	ACLDefaultPolicy     *string  `cfg:"acl_default_policy" help:"deprecated: acl.default_policy"`
	ACLDownPolicy        *string  `cfg:"acl_down_policy" help:"deprecated: acl.down_policy"`
	ACLTTL               *string  `cfg:"acl_ttl" help:"deprecated: acl.token_ttl"`
	ACLKeyListPolicy     *bool    `cfg:"acl_enable_key_list_policy" help:"deprecated: acl.enable_key_list_policy"`
	CAFile               *string  `cfg:"ca_file" help:"deprecated: tls.defaults.ca_file" reload:"y"`
	CAPath               *string  `cfg:"ca_path" help:"deprecated: tls.defaults.ca_path" reload:"y"`
	CertFile             *string  `cfg:"cert_file" help:"deprecated: tls.defaults.cert_file" reload:"y"`
	KeyFile              *string  `cfg:"key_file" help:"deprecated: tls.defaults.key_file" reload:"y"`
	TLSCipherSuites      *string  `cfg:"tls_cipher_suites" help:"deprecated: tls.defaults.tls_cipher_suites" reload:"y"`
	TLSMinVersion        *string  `cfg:"tls_min_version" help:"deprecated: tls.defaults.tls_min_version" reload:"y"`
	VerifyOutgoing       *bool    `cfg:"verify_outgoing" help:"deprecated: tls.defaults.verify_outgoing" reload:"y"`
	VerifyIncoming       *bool    `cfg:"verify_incoming" help:"deprecated: tls.defaults.verify_incoming" reload:"y"`
	VerifyIncomingRPC    *bool    `cfg:"verify_incoming_rpc" help:"deprecated: tls.internal_rpc.verify_incoming" reload:"y"`
	VerifyIncomingHTTPS  *bool    `cfg:"verify_incoming_https" help:"deprecated: tls.https.verify_incoming" reload:"y"`
	VerifyServerHostname *bool    `cfg:"verify_server_hostname" help:"deprecated: tls.internal_rpc.verify_server_hostname" reload:"y"`
}
